/** Replacing the secrets that webhooks are signed with: those that providers send, those that endpoints receive. */
import { inTransaction, type Db } from '../db/client.ts'
import { getConnection, receivesOnly, type Connection } from '../db/connections.ts'
import { dropEndpointSecrets, mintEndpointSecret } from '../db/endpoint-rotation.ts'
import { getEndpoint } from '../db/endpoints.ts'
import {
  addNewHookValue,
  adoptNewHookValue,
  dropHookValues,
  tagHookValues,
  valuesOf,
} from '../db/hook-rotation.ts'
import { openHookSettings } from '../db/hook-settings.ts'
import {
  changeRotation,
  endRotationOf,
  lockRotation,
  openRotationOf,
  type Rotation,
} from '../db/rotations.ts'
import { secretUses } from '../db/secret-uses.ts'
import { decideOverlap, graceSeconds, usualQuietSeconds } from '../model/rotation.ts'
import { HubError } from '../platform/errors.ts'
import { randomBytesPooled } from '../platform/random-bytes.ts'
import { rotatableSecrets, urlKey, type RotatableSecret } from '../providers/contract-webhook.ts'
import { findHookSource, type HookSource } from '../providers/registry.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { factsOf, livingRotation, type RotationFacts, type RotationKey } from './rotations.ts'

/** 40 characters: the longest that every provider takes. */
const newSecret = (): string => randomBytesPooled(30).toString('base64url')

export interface SecretWish {
  readonly connectionId?: string
  readonly endpointId?: string
  readonly name?: string
  readonly graceSeconds?: number
  readonly quietSeconds?: number
  readonly startedBy?: string
}

export interface SecretFacts extends RotationFacts {
  readonly title: string
  /** Null: an endpoint of the partner's. */
  readonly provider: string | null
  readonly providerName: string | null
  readonly accountId: string | null
  /** The webhook at the provider is changed, or made anew, by API. */
  readonly byApi: boolean
  /** The provider makes the secret: the webhook has to be made anew. */
  readonly renews: boolean
  /** A person has to make it at the provider and enter it here. */
  readonly awaitsValue: boolean
  readonly quietMs: number
}

interface HookScene {
  readonly connection: Connection
  readonly source: HookSource
  readonly secret: RotatableSecret
  readonly byApi: boolean
}

async function hookScene(deps: ActivityDeps, connectionId: string, name: string | null): Promise<HookScene> {
  const { db } = deps.database
  const connection = await getConnection(db, connectionId)
  if (!connection || connection.state === 'deleted')
    throw new HubError('InvalidInput', `There is no connection "${connectionId}".`)
  const source = findHookSource(connection.provider, deps.findProvider)
  const secrets = source ? rotatableSecrets(source.webhooks) : []
  const secret = name === null ? secrets[0] : secrets.find((one) => one.name === name)
  if (!source || !secret)
    throw new HubError(
      'InvalidInput',
      `The webhooks of this connection have no such secret; there are: ${secrets.map((one) => one.name).join(', ') || 'none'}.`,
    )
  const settings = (await openHookSettings(db, deps.vault, connectionId))?.settings
  const canKeep = deps.findProvider(connection.provider)?.webhooks?.subscriptions !== undefined
  const byApi = canKeep && connection.auth !== receivesOnly && settings?.subscriptionState === 'active'
  return { connection, source, secret, byApi }
}

async function begin(deps: ActivityDeps, wish: SecretWish): Promise<SecretFacts> {
  return wish.endpointId === undefined
    ? await beginHook(deps, wish, wish.connectionId ?? '')
    : await beginEndpoint(deps, wish, wish.endpointId)
}

const lengths = (wish: SecretWish) => ({
  graceSeconds: wish.graceSeconds ?? graceSeconds.usual,
  mostGraceSeconds: Math.max(graceSeconds.most, wish.graceSeconds ?? 0),
  startedBy: wish.startedBy ?? 'temporal',
})

const quietMsOf = ({ facts }: Rotation): number =>
  (typeof facts['quietSeconds'] === 'number' ? facts['quietSeconds'] : usualQuietSeconds) * 1000

async function beginHook(deps: ActivityDeps, wish: SecretWish, connectionId: string): Promise<SecretFacts> {
  const asked = await hookScene(deps, connectionId, wish.name ?? null)
  const { connection } = asked
  const { partnerId, accountId } = connection
  const { after, scene } = await inTransaction(deps.database.db, async (tx) => {
    const { rotation } = await openRotationOf(tx, {
      ...{ kind: 'webhook_secret' as const, subject: connectionId, name: asked.secret.name, partnerId },
      ...lengths(wish),
      facts: { quietSeconds: wish.quietSeconds ?? usualQuietSeconds },
    })
    const { rotationId } = rotation
    // One that is under way may be of another secret than was asked for: it goes on first.
    const scene = await hookScene(deps, connectionId, rotation.name)
    const tagged = await tagHookValues(tx, deps.vault, connection, rotationId)
    const isOurs = scene.secret.madeBy === 'hub'
    const made = isOurs && (await addNewHookValue(tx, deps.vault, connection, rotationId, newSecret()))
    return { after: made || tagged, scene }
  })
  const { source, secret, byApi } = scene
  const isMade = valuesOf(after).newId !== null
  return {
    ...factsOf(after),
    title: `${secret.title} of ${connection.name}`,
    provider: connection.provider,
    providerName: source.name,
    accountId,
    byApi: byApi && after.inPlaceAt === null,
    renews: secret.madeBy === 'provider',
    awaitsValue: !isMade && !byApi,
    quietMs: quietMsOf(after),
  }
}

async function beginEndpoint(deps: ActivityDeps, wish: SecretWish, endpointId: string): Promise<SecretFacts> {
  const endpoint = await getEndpoint(deps.database.db, endpointId)
  if (!endpoint || endpoint.state === 'deleted')
    throw new HubError('InvalidInput', `There is no endpoint "${endpointId}".`)
  const { partnerId } = endpoint
  const rotation = await inTransaction(deps.database.db, async (tx) => {
    const opened = await openRotationOf(tx, {
      ...{ kind: 'endpoint_secret' as const, subject: endpointId, partnerId },
      ...lengths(wish),
      facts: {},
    })
    return await mintEndpointSecret(tx, deps.vault, endpointId, opened.rotation.rotationId)
  })
  return {
    ...factsOf(rotation),
    title: `Secret of ${new URL(endpoint.url).host}`,
    ...{
      provider: null,
      providerName: null,
      accountId: null,
      byApi: false,
      renews: false,
      awaitsValue: false,
    },
    quietMs: quietMsOf(rotation),
  }
}

export interface SecretLook {
  readonly decision: 'drop' | 'wait' | 'keep'
  readonly inPlace: boolean
  /** The new one is there; false while a person has to enter it. */
  readonly isMade: boolean
  /** RFC 3339. */
  readonly oldUsedAt: string | null
  readonly newUsedAt: string | null
  readonly deadline: string
}

/** What is known now. A new value that was seen in use is in place. */
async function look(deps: ActivityDeps, key: RotationKey): Promise<SecretLook> {
  const { db } = deps.database
  const rotation = await livingRotation(deps, key)
  const { oldIds, newId: fresh } = valuesOf(rotation)
  const uses = await secretUses(db, [...oldIds, ...(fresh === null ? [] : [fresh])])
  const last = (ids: readonly (string | null)[]) =>
    uses
      .filter(({ valueId }) => ids.includes(valueId))
      .reduce((latest, { lastUsedAt }) => Math.max(latest, lastUsedAt.getTime()), 0) || null
  const oldUsedAt = last(oldIds)
  const newUsedAt = last([fresh])
  const firstNew = uses.find(({ valueId }) => valueId === fresh)?.firstUsedAt
  const inPlaceAt = rotation.inPlaceAt ?? firstNew
  if (!rotation.inPlaceAt && firstNew)
    await inTransaction(db, (tx) =>
      changeRotation(tx, key.rotationId, {
        state: 'overlap',
        steps: overlapSteps(rotation.kind),
        inPlaceAt: firstNew,
      }),
    )
  const deadline = rotation.deadlineAt ?? deps.clock.now()
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  return {
    decision: decideOverlap({
      now: deps.clock.now().getTime(),
      deadline: deadline.getTime(),
      quietMs: quietMsOf(rotation),
      inPlaceSince: inPlaceAt?.getTime() ?? null,
      oldUsedAt,
      isUnseen: rotation.kind === 'endpoint_secret',
    }),
    inPlace: inPlaceAt !== undefined,
    isMade: fresh !== null,
    oldUsedAt: time(oldUsedAt),
    newUsedAt: time(newUsedAt),
    deadline: deadline.toISOString(),
  }
}

const overlapSteps = (kind: Rotation['kind']): string[] =>
  kind === 'endpoint_secret'
    ? ['Events are signed with both secrets. The old one goes at the deadline, or at once with revoke-now.']
    : ['Both secrets are valid. The old one goes when it has not been used for a while, or at the deadline.']

const ownerOf = async (deps: ActivityDeps, { subject }: Rotation): Promise<Connection> => {
  const connection = await getConnection(deps.database.db, subject)
  if (!connection) throw new HubError('Superseded', 'The connection is gone.')
  return connection
}

/** The webhook at the provider carries the new secret. */
async function settle(deps: ActivityDeps, key: RotationKey): Promise<void> {
  const rotation = await livingRotation(deps, key)
  const owner = await ownerOf(deps, rotation)
  await inTransaction(deps.database.db, async (tx) => {
    const after = await adoptNewHookValue(tx, deps.vault, owner, key.rotationId)
    if (valuesOf(after).newId === null) throw new HubError('Superseded', 'The provider made no new secret.')
    await changeRotation(tx, key.rotationId, {
      state: 'overlap',
      steps: overlapSteps(rotation.kind),
      inPlaceAt: deps.clock.now(),
    })
  })
}

async function drop(tx: Db, deps: ActivityDeps, rotation: Rotation, which: 'old' | 'new'): Promise<void> {
  const { rotationId, kind, subject } = rotation
  // Of what was deleted meanwhile the secrets are gone.
  if (kind === 'endpoint_secret') {
    const endpoint = await getEndpoint(tx, subject)
    if (endpoint && endpoint.state !== 'deleted')
      await dropEndpointSecrets(tx, deps.vault, subject, rotationId, which)
  } else {
    const connection = await getConnection(tx, subject)
    if (connection && connection.state !== 'deleted')
      await dropHookValues(tx, deps.vault, connection, rotationId, which)
  }
}

interface Finish extends RotationKey {
  readonly which: 'old' | 'new'
  /** Asked for by a person, not by quiet or deadline. */
  readonly revoked?: boolean
}

/** Removes the old secret and ends the rotation; or the new one, which takes it back. Repeatable. */
async function finish(deps: ActivityDeps, { rotationId, which, revoked = false }: Finish): Promise<void> {
  await inTransaction(deps.database.db, async (tx) => {
    const rotation = await lockRotation(tx, rotationId)
    await drop(tx, deps, rotation, which)
    await endRotationOf(tx, rotationId, {
      state: which === 'old' ? 'done' : 'cancelled',
      steps: [
        which === 'old'
          ? 'The old secret is not valid any more.'
          : 'The old secret stays; the new one is withdrawn.',
      ],
      actor: rotation.kind,
      details: { revoked },
    })
  })
}

/** What a person is asked to do, in their words. */
async function handOverSteps(deps: ActivityDeps, key: RotationKey): Promise<string[]> {
  const rotation = await livingRotation(deps, key)
  const { rotationId, subject } = rotation
  const show = `Read the new secret: "tieline rotations secret ${rotationId}", or GET /admin/v1/rotations/${rotationId}/secret.`
  const done = `Say that it is done: "tieline rotations confirm ${rotationId}".`
  if (rotation.kind === 'endpoint_secret')
    return [show, 'Give it to what receives the events: both signatures come until then.', done]
  const { source, secret } = await hookScene(deps, subject, rotation.name)
  if (secret.madeBy === 'provider' && valuesOf(rotation).newId === null)
    return [
      `Make a new secret ("${secret.title}") at ${source.name}.`,
      `Enter it here: "tieline rotations enter ${rotationId}", or PUT /admin/v1/rotations/${rotationId}/secret.`,
    ]
  const where = secret.name === urlKey ? 'Enter the new URL' : `Enter it as "${secret.title}"`
  return secret.madeBy === 'provider'
    ? [`Let ${source.name} sign with the new secret.`, done]
    : [
        show,
        `${where} in the settings of the webhook at ${source.name}: /docs/webhooks/${source.slug}.`,
        done,
      ]
}

export function createSecretRotationActivities(deps: ActivityDeps) {
  return {
    beginSecretRotation: failing((input: SecretWish) => begin(deps, input)),
    lookAtSecrets: failing((input: RotationKey) => look(deps, input)),
    settleNewSecret: failing((input: RotationKey) => settle(deps, input)),
    finishSecretRotation: failing((input: Finish) => finish(deps, input)),
    describeHandOver: failing((input: RotationKey) => handOverSteps(deps, input)),
  }
}
