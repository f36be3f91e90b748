/** The rotation of API keys: begun, watched, steered; and what partners want of their keys' age. */
import { setTimeout as delay } from 'node:timers/promises'
import { getApiKey, type ApiKey } from '../../db/api-keys.ts'
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import {
  getKeyRotation as findRotation,
  rotationThatMade,
  takeNewKey,
  type KeyRotation,
} from '../../db/key-rotations.ts'
import { keyPolicyOf, putKeyPolicy as storePolicy, type KeyPolicy } from '../../db/key-policies.ts'
import { findPartner } from '../../db/partners.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import type { components } from '../../openapi/types.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion, hasChanged } from '../etag.ts'
import type { Handler } from '../operation.ts'
import { checkKeyWish, requireScopes } from './key-rules.ts'
import { keyOf, keysPath, showKey } from './keys.ts'

type Schemas = components['schemas']

const time = (at: Date | null): string | null => at?.toISOString() ?? null

const linkOf = ({ temporal }: ApiDeps, keyId: string): string =>
  temporal.workflowLink(workflowIds.rotateApiKey(keyId))

async function showRotation(deps: ApiDeps, rotation: KeyRotation): Promise<Schemas['KeyRotation']> {
  const { db } = deps.database
  const [old, fresh] = [await getApiKey(db, rotation.keyId), await getApiKey(db, rotation.newKeyId)]
  const { keyId, newKeyId, partnerId, state, outcome, reason, startedBy, quietSeconds } = rotation
  const { secretWaits, reminders, endedBy } = rotation
  return {
    ...{ keyId, newKeyId, partnerId, state, outcome, reason, startedBy, quietSeconds },
    ...{ secretWaits, reminders, endedBy },
    startedAt: rotation.startedAt.toISOString(),
    deadlineAt: rotation.deadlineAt.toISOString(),
    oldKeyLastUsedAt: time(old?.lastUsedAt ?? null),
    newKeyLastUsedAt: time(fresh?.lastUsedAt ?? null),
    endedAt: time(rotation.endedAt),
    temporalUrl: linkOf(deps, keyId),
  }
}

/** @throws HubError `NoSuchThing` when the key was never rotated. */
async function rotationOf(deps: ApiDeps, keyId: string): Promise<KeyRotation> {
  await keyOf(deps, keyId)
  const rotation = await findRotation(deps.database.db, keyId)
  if (rotation) return rotation
  throw new HubError('NoSuchThing', 'This key is not being rotated and never was.')
}

export const rotateKey: Handler<'rotateKey'> = async (deps, { path, body, caller }) => {
  const key = await keyOf(deps, path.keyId)
  await checkMayRotate(deps, caller, key, body.expiresAt)
  const { keyId } = key
  const { overlapSeconds, quietSeconds, expiresAt, reason = 'asked' } = body
  const wish = {
    ...(overlapSeconds === undefined ? {} : { overlapSeconds }),
    ...(quietSeconds === undefined ? {} : { quietSeconds }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
  await deps.temporal.startKeyRotation(key, { keyId, ...wish, reason, startedBy: caller.name })
  const minted = await mintedWithin(deps, keyId)
  const headers = { Location: `${keysPath(caller)}/${keyId}/rotation` }
  if (!minted) return { status: 202, body: { keyId, temporalUrl: linkOf(deps, keyId) }, headers }
  const secret = await takeSecret(deps, minted.newKeyId, caller)
  const rotation = await rotationOf(deps, keyId)
  // Somebody was quicker: the key was shown to them.
  if (secret === undefined) return { status: 202, body: { keyId, temporalUrl: linkOf(deps, keyId) }, headers }
  const fresh = showKey(await keyOf(deps, minted.newKeyId))
  return { status: 201, body: { key: fresh, secret, rotation: await showRotation(deps, rotation) }, headers }
}

/** The new key is as good as the old one: whoever may see it must be able to have made it. */
async function checkMayRotate(
  deps: ApiDeps,
  caller: Caller,
  key: ApiKey,
  expiresAt: string | null | undefined,
): Promise<void> {
  if (key.state === 'revoked') throw new HubError('StateConflict', 'This API key is revoked. Make a new one.')
  if (key.expiresAt && key.expiresAt.getTime() <= Date.now())
    throw new HubError('StateConflict', 'This API key has expired. Make a new one.')
  const { mode, networks } = key
  const wished = expiresAt == null ? expiresAt : new Date(expiresAt)
  requireScopes(caller, key.scopes)
  const isItself = caller.keyId === key.keyId
  const asItWas = isItself ? {} : { networks, expiresAt: key.expiresAt }
  await checkKeyWish(deps, caller, {
    mode,
    ...asItWas,
    ...(wished === undefined ? {} : { expiresAt: wished }),
  })
}

const patienceMs = 20_000

/** Undefined: no worker has made it in time; it is made as soon as one is there. */
async function mintedWithin({ temporal }: ApiDeps, keyId: string) {
  const minted = temporal.newKeyOf(keyId)
  minted.catch(() => undefined)
  const late = new AbortController()
  try {
    return await Promise.race([minted, delay(patienceMs, undefined, { signal: late.signal })])
  } catch (error) {
    if (isHubError(error) && error.code === 'TemporalUnavailable') return undefined
    throw error
  } finally {
    late.abort()
  }
}

/** In one transaction with its audit entry: nobody gets it a second time. */
async function takeSecret(deps: ApiDeps, newKeyId: string, caller: Caller): Promise<string | undefined> {
  return await inTransaction(deps.hubDatabase.db, async (tx) => {
    const secret = await takeNewKey(tx, deps.vault, newKeyId)
    const key = secret === undefined ? undefined : await getApiKey(tx, newKeyId)
    if (!key) return undefined
    const { partnerId } = key
    await appendAudit(tx, { actor: caller.name, action: 'key.secret_fetched', subject: newKeyId, partnerId })
    return secret
  })
}

export const fetchKeySecret: Handler<'fetchKeySecret'> = async (deps, { path, caller }) => {
  const key = await keyOf(deps, path.keyId)
  requireScopes(caller, key.scopes)
  const rotation = await rotationThatMade(deps.database.db, key.keyId)
  if (caller.keyId !== undefined && caller.keyId !== rotation?.keyId)
    await checkKeyWish(deps, caller, { mode: key.mode, networks: key.networks, expiresAt: key.expiresAt })
  const secret =
    rotation?.secretWaits && key.state === 'active' ? await takeSecret(deps, key.keyId, caller) : undefined
  if (secret === undefined)
    throw new HubError(
      'NoSuchThing',
      'This key does not wait to be fetched: it was shown already, or has ended.',
    )
  return { status: 200, body: { keyId: key.keyId, secret } }
}

export const getKeyRotation: Handler<'getKeyRotation'> = async (deps, { path }) => ({
  status: 200,
  body: await showRotation(deps, await rotationOf(deps, path.keyId)),
})

export const endOldKey: Handler<'endOldKey'> = (deps, { path, caller }) =>
  steered(deps, path.keyId, (keyId) => deps.temporal.endOldKey(keyId, caller.name))

export const extendKeyRotation: Handler<'extendKeyRotation'> = (deps, { path, body, caller }) =>
  steered(deps, path.keyId, (keyId) => deps.temporal.extendKeyRotation(keyId, body.seconds, caller.name))

export const cancelKeyRotation: Handler<'cancelKeyRotation'> = (deps, { path, caller }) =>
  steered(deps, path.keyId, (keyId) => deps.temporal.cancelKeyRotation(keyId, caller.name))

async function steered(deps: ApiDeps, keyId: string, steer: (keyId: string) => Promise<unknown>) {
  const before = await rotationOf(deps, keyId)
  if (before.state !== 'overlap') throw new HubError('StateConflict', 'This rotation has ended.')
  await steer(keyId)
  return { status: 200 as const, body: await showRotation(deps, await rotationOf(deps, keyId)) }
}

const showPolicy = ({ partnerId, maxAgeDays, overlapSeconds, quietSeconds, version }: KeyPolicy) => ({
  ...{ partnerId, maxAgeDays, overlapSeconds, quietSeconds, version },
})

/** A partner that the caller sees. @throws HubError `NoSuchThing`. */
async function partnerOf({ database }: ApiDeps, caller: Caller, asked: string | undefined): Promise<string> {
  const partnerId = asked ?? caller.partnerId
  if (partnerId !== null && (await findPartner(database.db, partnerId))) return partnerId
  throw new HubError('NoSuchThing', `There is no partner "${asked ?? ''}".`)
}

/** The version of a policy that is somebody else's is no version of this partner's. */
const ownVersion = (policy: KeyPolicy, partnerId: string): number =>
  policy.partnerId === partnerId ? policy.version : 0

export const getKeyPolicy: Handler<'getKeyPolicy'> = async (deps, { query, caller }) => {
  const partnerId = await partnerOf(deps, caller, query.partnerId)
  const policy = await keyPolicyOf(deps.hubDatabase.db, partnerId)
  const owner = policy.partnerId && (await findPartner(deps.database.db, policy.partnerId))
  // A policy applies below its partner, but nobody learns the name of a partner above his own.
  const shown = showPolicy(owner ? policy : { ...policy, partnerId: null })
  return { status: 200, body: shown, headers: { ETag: `"${ownVersion(policy, partnerId)}"` } }
}

export const putKeyPolicy: Handler<'putKeyPolicy'> = async (deps, { query, header, body, caller }) => {
  const partnerId = await partnerOf(deps, caller, query.partnerId)
  const actor = caller.name
  const policy = await inTransaction(deps.database.db, async (tx) => {
    const by = { actor, expectedVersion: expectedVersion(header['If-Match']) }
    const after = await storePolicy(tx, partnerId, body, by)
    if (!after) throw hasChanged('The policy')
    await appendAudit(tx, {
      actor,
      action: 'key_policy.changed',
      subject: partnerId,
      partnerId,
      details: { ...body },
    })
    return after
  })
  return { status: 200, body: showPolicy(policy), headers: { ETag: etagOf(policy) } }
}
