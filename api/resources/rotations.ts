/** Rotations of secrets: begun, looked at, steered. What is rotated decides which permission is needed besides. */
import { inTransaction } from '../../db/client.ts'
import { getConnection } from '../../db/connections.ts'
import { newEndpointSecret } from '../../db/endpoint-rotation.ts'
import { getEndpoint } from '../../db/endpoints.ts'
import { addNewHookValue, valuesOf } from '../../db/hook-rotation.ts'
import { openHookSettings } from '../../db/hook-settings.ts'
import {
  askPerson,
  auditRotation,
  changeRotation,
  getRotationById,
  listRotations as selectRotations,
  openRotationOf,
  type Rotation,
} from '../../db/rotations.ts'
import { secretUses, type SecretUse } from '../../db/secret-uses.ts'
import type { Permission } from '../../model/permissions.ts'
import { graceSeconds, signingPurposes, usualQuietSeconds, type RotationKind } from '../../model/rotation.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { verificationKeyOf } from '../../platform/secrets/webhook-signing.ts'
import { appMethodsOf } from '../../providers/contract.ts'
import { rotatableSecrets, urlKey } from '../../providers/contract-webhook.ts'
import { findHookSource } from '../../providers/registry.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { livingConnection } from './find.ts'

type Schemas = components['schemas']

const permissionOf: Readonly<Record<RotationKind, Permission>> = {
  webhook_secret: 'webhooks.write',
  endpoint_secret: 'endpoints.write',
  signing_key: 'maintenance.run',
  encryption_key: 'maintenance.run',
  client_secret: 'providers.write',
}

function checkMay({ permissions }: Caller, kind: RotationKind): void {
  if (!permissions.has(permissionOf[kind]))
    throw new HubError('NotPermitted', `This needs the permission "${permissionOf[kind]}".`)
}

const time = (at: Date | null | undefined): string | null => at?.toISOString() ?? null

async function usesOf({ database }: ApiDeps, rotations: readonly Rotation[]): Promise<readonly SecretUse[]> {
  const ids = rotations.flatMap((one) => {
    const { oldIds, newId } = valuesOf(one)
    return [...oldIds, ...(newId === null ? [] : [newId])]
  })
  return ids.length === 0 ? [] : await secretUses(database.db, ids)
}

function showRotation(
  { temporal }: ApiDeps,
  rotation: Rotation,
  uses: readonly SecretUse[],
): Schemas['Rotation'] {
  const { facts: _facts, shownAt: _shownAt, updatedAt: _updatedAt, ...rest } = rotation
  const { oldIds, newId } = valuesOf(rotation)
  const last = (ids: readonly (string | null)[]): Date | undefined =>
    uses
      .filter(({ valueId }) => ids.includes(valueId))
      .map(({ lastUsedAt }) => lastUsedAt)
      .sort((a, b) => b.getTime() - a.getTime())[0]
  const workflowId = temporal.rotationWorkflowId(rotation)
  return {
    ...rest,
    steps: [...rotation.steps],
    oldUsedAt: time(last(oldIds)),
    newUsedAt: time(last([newId])),
    inPlaceAt: time(rotation.inPlaceAt),
    deadlineAt: time(rotation.deadlineAt),
    maxDeadlineAt: time(rotation.maxDeadlineAt),
    startedAt: rotation.startedAt.toISOString(),
    endedAt: time(rotation.endedAt),
    workflowId,
    temporalUrl: temporal.workflowLink(workflowId),
  }
}

async function rotationOf({ database }: ApiDeps, rotationId: string): Promise<Rotation> {
  const rotation = await getRotationById(database.db, rotationId)
  if (rotation) return rotation
  throw new HubError('NoSuchThing', `There is no rotation "${rotationId}".`)
}

async function shown(deps: ApiDeps, rotationId: string): Promise<Schemas['Rotation']> {
  const rotation = await rotationOf(deps, rotationId)
  return showRotation(deps, rotation, await usesOf(deps, [rotation]))
}

/** @throws HubError `StateConflict` for one that has ended. */
async function steerable(deps: ApiDeps, rotationId: string, caller: Caller): Promise<Rotation> {
  const rotation = await rotationOf(deps, rotationId)
  checkMay(caller, rotation.kind)
  if (rotation.endedAt) throw new HubError('StateConflict', 'This rotation has ended.')
  return rotation
}

export const listRotations: Handler<'listRotations'> = async (deps, call) => {
  const { kind, subject, partnerId, underWay } = call.query
  const before = positionOf(call, { rotationId: 'string' })?.rotationId
  const limit = rowsFor(call)
  const rows = await selectRotations(deps.database.db, { kind, subject, partnerId, underWay, before, limit })
  const uses = await usesOf(deps, rows)
  return listAnswer(
    call,
    rows,
    (row) => showRotation(deps, row, uses),
    ({ rotationId }) => ({ rotationId }),
  )
}

export const getRotation: Handler<'getRotation'> = async (deps, { path }) => ({
  status: 200,
  body: await shown(deps, path.rotationId),
})

/** What is to be rotated, once it is known that it can be. */
interface Target {
  readonly partnerId: string | null
  readonly name?: string
}

type Wish = Schemas['NewRotation']

async function hookTarget(deps: ApiDeps, { subject, name }: Wish): Promise<Target> {
  const connection = await livingConnection(deps, subject)
  const source = findHookSource(connection.provider, deps.findProvider)
  const secrets = source ? rotatableSecrets(source.webhooks) : []
  const secret = name === undefined ? secrets[0] : secrets.find((one) => one.name === name)
  if (!secret) {
    const detail = `is not a secret of these webhooks; there are: ${secrets.map((one) => one.name).join(', ') || 'none'}`
    throw invalidInput([{ in: 'body', pointer: '/name', detail }])
  }
  const stored = await openHookSettings(deps.database.db, deps.vault, connection.connectionId)
  if (!stored?.secrets[secret.name]?.length) {
    const shared =
      secret.env === undefined
        ? 'Set the webhooks of this connection up first.'
        : `It is the app's, from the environment: give ${secret.env} the new value in front of the old one ("new,old"), restart, and take the old one out when it is not used any more.`
    throw new HubError('StateConflict', `This connection has no "${secret.name}" of its own. ${shared}`)
  }
  return { partnerId: connection.partnerId, name: secret.name }
}

async function endpointTarget(deps: ApiDeps, { subject }: Wish): Promise<Target> {
  const endpoint = await getEndpoint(deps.database.db, subject)
  if (endpoint && endpoint.state !== 'deleted') return { partnerId: endpoint.partnerId }
  throw new HubError('NoSuchThing', `There is no endpoint "${subject}".`)
}

function signingTarget({ subject }: Wish): Target {
  if (signingPurposes.some((one) => one === subject)) return { partnerId: null }
  const detail = `should be one of ${signingPurposes.join(', ')}`
  throw invalidInput([{ in: 'body', pointer: '/subject', detail }])
}

function ringTarget({ vault }: ApiDeps, { subject }: Wish): Target {
  const { currentId, ids } = vault.ring
  if (!ids.includes(subject))
    throw new HubError('NoSuchThing', `TIELINE_ENCRYPTION_KEYS holds no key "${subject}".`)
  if (subject !== currentId) return { partnerId: null }
  throw new HubError(
    'StateConflict',
    `"${subject}" is the current key. Put a new one in front of it first ("tieline secrets rotate-ring" on the embedded hub).`,
  )
}

async function appTarget(deps: ApiDeps, { subject }: Wish): Promise<Target> {
  const provider = deps.findProvider(subject)
  if (!provider) throw new HubError('NoSuchThing', `There is no provider "${subject}".`)
  const [method] = appMethodsOf(provider)
  if (method && (await deps.apps.appOf(subject, method))) return { partnerId: null }
  throw new HubError(
    'StateConflict',
    `The hub has no app at ${provider.name} whose secret could be replaced.`,
  )
}

async function targetOf(deps: ApiDeps, wish: Wish): Promise<Target> {
  const byClock = wish.kind === 'signing_key' || wish.kind === 'encryption_key'
  const unfit = [
    ...(byClock && wish.graceSeconds !== undefined ? ['graceSeconds'] : []),
    ...(wish.kind !== 'webhook_secret' && wish.quietSeconds !== undefined ? ['quietSeconds'] : []),
    ...(wish.kind !== 'webhook_secret' && wish.name !== undefined ? ['name'] : []),
  ]
  if (unfit.length > 0)
    throw invalidInput(
      unfit.map((name) => ({
        in: 'body' as const,
        pointer: `/${name}`,
        detail: `does not go with ${wish.kind}`,
      })),
    )
  switch (wish.kind) {
    case 'webhook_secret':
      return await hookTarget(deps, wish)
    case 'endpoint_secret':
      return await endpointTarget(deps, wish)
    case 'signing_key':
      return signingTarget(wish)
    case 'encryption_key':
      return ringTarget(deps, wish)
    case 'client_secret':
      return await appTarget(deps, wish)
  }
}

/** What its workflow would begin with; whoever comes first makes the row. */
function factsOf({ vault }: ApiDeps, { kind, quietSeconds }: Wish) {
  if (kind === 'webhook_secret') return { quietSeconds: quietSeconds ?? usualQuietSeconds }
  return kind === 'encryption_key' ? { currentKeyId: vault.ring.currentId } : {}
}

export const startRotation: Handler<'startRotation'> = async (deps, { body, caller }) => {
  checkMay(caller, body.kind)
  const { kind, subject } = body
  const target = await targetOf(deps, body)
  const hasDeadline = kind !== 'signing_key' && kind !== 'encryption_key'
  const grace = body.graceSeconds ?? graceSeconds.usual
  const { rotationId } = await inTransaction(deps.database.db, async (tx) => {
    const { rotation } = await openRotationOf(tx, {
      ...{ kind, subject, ...target, startedBy: caller.name, facts: factsOf(deps, body) },
      graceSeconds: hasDeadline ? grace : null,
      mostGraceSeconds: hasDeadline ? Math.max(graceSeconds.most, grace) : null,
    })
    // Inside the transaction: without Temporal nothing is begun. Its first step waits for the commit.
    await deps.temporal.startRotationOf({ ...body, ...target, startedBy: caller.name })
    return rotation
  })
  return {
    status: 202,
    body: await shown(deps, rotationId),
    headers: { Location: `/admin/v1/rotations/${rotationId}` },
  }
}

export const endOldSecret: Handler<'endOldSecret'> = async (deps, { path, caller }) => {
  await deps.temporal.endOldOf(await steered(deps, path.rotationId, caller, 'revoke_asked'))
  return { status: 200, body: await shown(deps, path.rotationId) }
}

export const extendRotation: Handler<'extendRotation'> = async (deps, { path, body, caller }) => {
  await deps.temporal.extendRotation(
    await steered(deps, path.rotationId, caller, 'extension_asked'),
    body.seconds,
  )
  return { status: 200, body: await shown(deps, path.rotationId) }
}

export const cancelRotation: Handler<'cancelRotation'> = async (deps, { path, caller }) => {
  await deps.temporal.cancelRotation(await steered(deps, path.rotationId, caller, 'cancel_asked'))
  return { status: 200, body: await shown(deps, path.rotationId) }
}

export const confirmRotation: Handler<'confirmRotation'> = async (deps, { path, caller }) => {
  await deps.temporal.confirmRotation(await steered(deps, path.rotationId, caller, 'confirm_asked'))
  return { status: 200, body: await shown(deps, path.rotationId) }
}

/** Who asks for it is in the audit chain before it is done. */
async function steered(deps: ApiDeps, rotationId: string, caller: Caller, action: string): Promise<Rotation> {
  const rotation = await steerable(deps, rotationId, caller)
  await inTransaction(deps.database.db, (tx) =>
    auditRotation(tx, caller.name, `rotation.${action}`, rotation),
  )
  return rotation
}

export const showRotationSecret: Handler<'showRotationSecret'> = async (deps, { path, caller }) => {
  const rotation = await steerable(deps, path.rotationId, caller)
  const { rotationId, kind } = rotation
  const secret = kind === 'endpoint_secret' ? await ofEndpoint(deps, rotation) : await ofHook(deps, rotation)
  if (!secret) {
    const text = 'There is no secret of this rotation to be shown (yet).'
    throw new HubError('StateConflict', text)
  }
  await inTransaction(deps.database.db, async (tx) => {
    const now = new Date()
    const isEndpoint = kind === 'endpoint_secret'
    // Who has it can put it where it is used: an endpoint's receiver is asked by nobody.
    const after = await changeRotation(tx, rotationId, {
      shownAt: now,
      ...(isEndpoint && !rotation.inPlaceAt ? { inPlaceAt: now, state: 'overlap' as const } : {}),
    })
    await auditRotation(tx, caller.name, 'rotation.secret_shown', after)
  })
  if (kind === 'endpoint_secret') await nudge(deps, rotation)
  return { status: 200, body: { rotationId, ...secret }, headers: { 'Cache-Control': 'no-store' } }
}

type ShownSecret = Pick<Schemas['RotationSecret'], 'value' | 'url'>

async function ofEndpoint(deps: ApiDeps, rotation: Rotation): Promise<ShownSecret | undefined> {
  const secret = await newEndpointSecret(deps.database.db, deps.vault, rotation)
  return secret && { value: verificationKeyOf(secret) }
}

async function ofHook(deps: ApiDeps, rotation: Rotation): Promise<ShownSecret | undefined> {
  const { kind, subject, name } = rotation
  const { newId } = valuesOf(rotation)
  const connection = kind === 'webhook_secret' ? await getConnection(deps.database.db, subject) : undefined
  const source = connection && findHookSource(connection.provider, deps.findProvider)
  const spec = source && rotatableSecrets(source.webhooks).find((one) => one.name === name)
  if (!spec || newId === null || spec.madeBy !== 'hub') return undefined
  const stored = await openHookSettings(deps.database.db, deps.vault, subject)
  const value = stored?.secrets[spec.name]?.find(({ id }) => id === newId)?.value
  if (value === undefined) return undefined
  const url = `${deps.config.publicUrl}/hooks/${source.slug}/${subject}?key=${value}`
  return spec.name === urlKey ? { value, url } : { value }
}

export const enterRotationSecret: Handler<'enterRotationSecret'> = async (deps, { path, body, caller }) => {
  const rotation = await steerable(deps, path.rotationId, caller)
  const { rotationId, kind, subject } = rotation
  const connection = kind === 'webhook_secret' ? await livingConnection(deps, subject) : undefined
  if (!connection || valuesOf(rotation).oldIds.length === 0 || valuesOf(rotation).newId !== null)
    throw new HubError('StateConflict', 'This rotation waits for no secret to be entered.')
  await inTransaction(deps.database.db, async (tx) => {
    await addNewHookValue(tx, deps.vault, connection, rotationId, body.value)
    const after = await changeRotation(tx, rotationId, { shownAt: new Date() })
    const steps = [
      'The new secret is valid. Let the provider sign with it, if it does not yet.',
      `Say that it is done: "tieline rotations confirm ${rotationId}".`,
    ]
    await askPerson(tx, after, steps, caller.name)
    await auditRotation(tx, caller.name, 'rotation.secret_entered', after)
  })
  await nudge(deps, rotation)
  return { status: 200, body: await shown(deps, rotationId) }
}

/** What was committed counts; without Temporal now the workflow finds it when it looks next. */
async function nudge(deps: ApiDeps, rotation: Rotation): Promise<void> {
  await deps.temporal
    .nudgeRotation(rotation)
    .catch((err: unknown) => deps.log.warn({ err }, 'a rotation looks again later'))
}
