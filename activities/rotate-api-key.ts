/**
 * The steps of the rotation of an API key. What has been done is in the rotation's row, so that each may be repeated; the new key
 * itself is made here and lies sealed in that row until it is fetched: no history ever has it (INV-6).
 */
import { getApiKey, insertApiKey, lockApiKey, type ApiKey } from '../db/api-keys.ts'
import { inTransaction, type Db } from '../db/client.ts'
import { revokeAndTell, tellOfRotation } from '../db/key-notices.ts'
import { keyPolicyOf, listAgedKeys } from '../db/key-policies.ts'
import {
  beginKeyRotation,
  endKeyRotation,
  eraseLeftKeys,
  extendKeyRotation,
  getKeyRotation,
  hasLivingHeir,
  listOpenRotations,
  lockKeyRotation,
  noteReminder,
  sealNewKey,
  type KeyRotation,
  type KeyRotationOutcome,
  type KeyRotationReason,
  type KeyRotationState,
} from '../db/key-rotations.ts'
import { longestKeyOverlapSeconds } from '../model/key-rotation.ts'
import { HubError } from '../platform/errors.ts'
import { newId } from '../platform/new-id.ts'
import { mintApiKey } from '../platform/secrets/api-key.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'

export interface KeyRotationWish {
  readonly keyId: string
  /** Names the rotation: the workflow's run. */
  readonly attempt: string
  readonly reason: KeyRotationReason
  readonly startedBy: string
  /** The policy's when left out. */
  readonly overlapSeconds?: number | undefined
  readonly quietSeconds?: number | undefined
  /** Of the new key; the old one's when left out. Null: it never expires. */
  readonly expiresAt?: string | null | undefined
}

/** What the workflow must know: no secret. */
export interface KeyRotationFacts {
  readonly keyId: string
  readonly partnerId: string
  readonly name: string
  readonly newKeyId: string
  /** Of the rotation that is under way: an earlier one that was left is taken up. */
  readonly attempt: string
  readonly startedAt: string
  readonly deadlineAt: string
  readonly quietSeconds: number
}

export interface KeyRotationFinding {
  /** How it should end now. */
  readonly end: KeyRotationOutcome | null
  readonly oldUsedAt: string | null
  readonly newUsedAt: string | null
  /** The new key waits to be fetched. */
  readonly secretWaits: boolean
  readonly reminders: number
  readonly deadlineAt: string
}

interface Key {
  readonly keyId: string
  readonly attempt: string
}

const actor = 'rotateApiKey'

async function beginApiKeyRotation(deps: ActivityDeps, wish: KeyRotationWish): Promise<KeyRotationFacts> {
  const { db } = deps.database
  const { keyId } = wish
  const known = await getKeyRotation(db, keyId)
  const old = await getApiKey(db, keyId)
  if (!old) throw new HubError('InvalidInput', `There is no API key "${keyId}".`)
  // Also one that this very run has begun, and whose end it has not heard of.
  if (known && (known.state === 'overlap' || known.attempt === wish.attempt)) return factsOf(known, old)
  const policy = await keyPolicyOf(db, old.partnerId)
  const minted = mintApiKey(old.mode)
  const newKeyId = newId('apiKey')
  const sealedSecret = await sealNewKey(db, deps.vault, newKeyId, minted.text)
  return await inTransaction(db, async (tx) => {
    const key = await lockApiKey(tx, keyId)
    if (!key) throw new HubError('InvalidInput', `There is no API key "${keyId}".`)
    checkLives(key, deps.clock.now())
    const { partnerId, name, mode, scopes, networks, limits } = key
    const expiresAt = expiryOf(key, wish, deps.clock.now())
    const copied = { partnerId, name, mode, scopes, networks, limits, expiresAt, replaces: keyId }
    const made = await insertApiKey(tx, { ...copied, keyId: newKeyId, createdBy: wish.startedBy }, minted)
    const { attempt, reason, startedBy } = wish
    const overlapSeconds = wish.overlapSeconds ?? policy.overlapSeconds
    const quietSeconds = wish.quietSeconds ?? policy.quietSeconds
    const rotation = await beginKeyRotation(tx, {
      ...{ keyId, partnerId, attempt, newKeyId, reason, startedBy },
      ...{ overlapSeconds, quietSeconds, sealedSecret },
    })
    // Somebody else has begun one since we looked: it is taken up by the repetition.
    if (!rotation) throw new HubError('DatabaseUnavailable', 'Another rotation of this key has just begun.')
    const data = { reason, deadlineAt: rotation.deadlineAt.toISOString(), secretWaits: true }
    const keys = { old: key, new: made }
    await tellOfRotation(tx, { type: 'key.rotation_started', rotation, keys, data, actor: startedBy })
    return factsOf(rotation, key)
  })
}

function checkLives(key: ApiKey, now: Date): void {
  if (key.state === 'revoked') throw new HubError('StateConflict', `The API key ${key.keyId} is revoked.`)
  if (key.expiresAt && key.expiresAt <= now)
    throw new HubError('StateConflict', `The API key ${key.keyId} has expired. Make a new one.`)
}

/** Never later than the old key's by accident: only who asks for another gets it. */
function expiryOf(key: ApiKey, { expiresAt }: KeyRotationWish, now: Date): Date | null {
  if (expiresAt === undefined) return key.expiresAt
  if (expiresAt === null) return null
  const wished = new Date(expiresAt)
  if (!(wished > now)) throw new HubError('InvalidInput', '"expiresAt" should be a time to come.')
  return wished
}

const factsOf = (rotation: KeyRotation, key: ApiKey): KeyRotationFacts => ({
  keyId: rotation.keyId,
  partnerId: rotation.partnerId,
  name: key.name,
  newKeyId: rotation.newKeyId,
  attempt: rotation.attempt,
  startedAt: rotation.startedAt.toISOString(),
  deadlineAt: rotation.deadlineAt.toISOString(),
  quietSeconds: rotation.quietSeconds,
})

/** Who still uses the old key, whether it may end, and a reminder when one is due. */
async function lookAtApiKeyRotation(
  deps: ActivityDeps,
  { keyId, attempt }: Key,
): Promise<KeyRotationFinding> {
  const { db } = deps.database
  const rotation = await getKeyRotation(db, keyId)
  if (rotation?.attempt !== attempt) throw new HubError('Superseded', 'Another rotation has taken over.')
  const keys = await keysOf(db, rotation)
  const now = deps.clock.now()
  const end = rotation.outcome ?? (await endingOf(db, rotation, keys, now))
  const isReminded =
    end === null && isReminderDue(rotation, keys.old, now) && (await remind(db, rotation, keys))
  return {
    end,
    oldUsedAt: keys.old.lastUsedAt?.toISOString() ?? null,
    newUsedAt: keys.new.lastUsedAt?.toISOString() ?? null,
    secretWaits: rotation.secretWaits,
    reminders: rotation.reminders + (isReminded ? 1 : 0),
    deadlineAt: rotation.deadlineAt.toISOString(),
  }
}

interface Keys {
  readonly old: ApiKey
  readonly new: ApiKey
}

async function keysOf(db: Db, { keyId, newKeyId }: KeyRotation): Promise<Keys> {
  const [old, fresh] = [await getApiKey(db, keyId), await getApiKey(db, newKeyId)]
  if (!old || !fresh) throw new HubError('Internal', 'A key is gone')
  return { old, new: fresh }
}

async function endingOf(
  db: Db,
  rotation: KeyRotation,
  { old, new: fresh }: Keys,
  now: Date,
): Promise<KeyRotationOutcome | null> {
  if (old.state === 'revoked' || (old.expiresAt && old.expiresAt <= now)) return 'revoked'
  if (!(await hasLivingHeir(db, fresh.keyId))) return 'lost'
  if (rotation.deadlineAt <= now) return 'deadline'
  return isQuiet(rotation, old, fresh, now) ? 'quiet' : null
}

/** Nobody has used the old key for long enough, and somebody does use the new one. */
function isQuiet({ startedAt, quietSeconds }: KeyRotation, old: ApiKey, fresh: ApiKey, now: Date): boolean {
  const since = now.getTime() - quietSeconds * 1000
  const lastOfOld = Math.max(startedAt.getTime(), old.lastUsedAt?.getTime() ?? 0)
  return lastOfOld <= since && fresh.lastUsedAt !== null && fresh.lastUsedAt.getTime() > since
}

const dayMs = 86_400_000

/** Daily, and once halfway through a shorter overlap; only while the old key is used. */
function isReminderDue({ startedAt, deadlineAt, remindedAt }: KeyRotation, old: ApiKey, now: Date): boolean {
  const every = Math.min(dayMs, (deadlineAt.getTime() - startedAt.getTime()) / 2)
  const before = remindedAt ?? startedAt
  return now.getTime() - before.getTime() >= every && old.lastUsedAt !== null && old.lastUsedAt > before
}

async function remind(db: Db, rotation: KeyRotation, keys: Keys): Promise<boolean> {
  return await inTransaction(db, async (tx) => {
    if (!(await noteReminder(tx, rotation))) return false
    const data = {
      deadlineAt: rotation.deadlineAt.toISOString(),
      lastUsedAt: keys.old.lastUsedAt?.toISOString() ?? null,
      secretWaits: rotation.secretWaits,
    }
    await tellOfRotation(tx, { type: 'key.rotation_reminder', rotation, keys, data, actor })
    return true
  })
}

/** The old key lives until then, 30 days after the beginning at most. A time that is not later changes nothing. */
async function extendApiKeyRotation(
  deps: ActivityDeps,
  { keyId, attempt, deadlineAt, by }: Key & { readonly deadlineAt: string; readonly by: string },
): Promise<{ readonly deadlineAt: string }> {
  const { db } = deps.database
  const wished = new Date(deadlineAt)
  return await inTransaction(db, async (tx) => {
    const before = await lockKeyRotation(tx, keyId)
    if (before?.attempt !== attempt || before.state !== 'overlap')
      throw new HubError('StateConflict', 'This rotation has ended.')
    if (wished.getTime() - before.startedAt.getTime() > longestKeyOverlapSeconds * 1000)
      throw new HubError('InvalidInput', 'The old key lives at most 30 days beside the new one.')
    if (wished <= before.deadlineAt) return { deadlineAt: before.deadlineAt.toISOString() }
    const rotation = await extendKeyRotation(tx, { keyId, attempt }, wished)
    if (!rotation) throw new Error('an update returned no row')
    const keys = await keysOf(tx, rotation)
    const data = { deadlineAt: rotation.deadlineAt.toISOString() }
    await tellOfRotation(tx, { type: 'key.rotation_extended', rotation, keys, data, actor: by })
    return data
  })
}

export interface KeyRotationEnd {
  readonly state: KeyRotationState
  readonly outcome: KeyRotationOutcome
}

/**
 * Ends a rotation: the old key, or, when it is called off, the new one. Without a new key that lives the old one is left as it is.
 * A repetition answers how it ended.
 */
async function endApiKeyRotation(
  deps: ActivityDeps,
  { keyId, attempt, outcome, by }: Key & { readonly outcome: KeyRotationOutcome; readonly by: string },
): Promise<KeyRotationEnd> {
  return await inTransaction(deps.database.db, async (tx) => {
    // The key first, as everybody who locks both does.
    await lockApiKey(tx, keyId)
    const before = await lockKeyRotation(tx, keyId)
    if (before?.attempt !== attempt) throw new HubError('Superseded', 'Another rotation has taken over.')
    if (before.outcome) return { state: before.state, outcome: before.outcome }
    const end = await endFor(tx, before, outcome)
    const rotation = await endKeyRotation(tx, { keyId, attempt }, { ...end, by })
    if (!rotation) throw new Error('an update returned no row')
    const { newKeyId } = rotation
    if (end.state === 'done') await revokeAndTell(tx, keyId, `Replaced by ${newKeyId}.`, by)
    if (end.state === 'cancelled')
      await revokeAndTell(tx, newKeyId, `The rotation of ${keyId} was called off.`, by)
    const keys = await keysOf(tx, rotation)
    await tellOfRotation(tx, {
      type: typeOf[end.state],
      rotation,
      keys,
      data: { outcome: end.outcome },
      actor: by,
    })
    return end
  })
}

const typeOf = {
  done: 'key.rotation_completed',
  cancelled: 'key.rotation_cancelled',
  failed: 'key.rotation_failed',
} as const

async function endFor(
  tx: Db,
  { newKeyId }: KeyRotation,
  outcome: KeyRotationOutcome,
): Promise<{ readonly state: 'done' | 'cancelled' | 'failed'; readonly outcome: KeyRotationOutcome }> {
  if (outcome === 'cancelled') return { state: 'cancelled', outcome }
  if (outcome === 'revoked') return { state: 'done', outcome }
  const lives = outcome !== 'lost' && (await hasLivingHeir(tx, newKeyId))
  return lives ? { state: 'done', outcome } : { state: 'failed', outcome: 'lost' }
}

export interface DueKeys {
  readonly keys: readonly { readonly keyId: string; readonly partnerId: string }[]
  /** Null at the end. */
  readonly next: string | null
}

const dueAtOnce = 100

/** `aged`: keys over the age that their partner's policy sets. `left`: those under rotation, whose workflow may have gone. */
async function listDueKeys(
  deps: ActivityDeps,
  { kind, after }: { readonly kind: 'aged' | 'left'; readonly after: string | null },
): Promise<DueKeys> {
  const { db } = deps.database
  const query = { after, limit: dueAtOnce }
  const found = kind === 'aged' ? await listAgedKeys(db, query) : await listOpenRotations(db, query)
  const keys = found.map(({ keyId, partnerId }) => ({ keyId, partnerId }))
  return { keys, next: keys.length < dueAtOnce ? null : (keys.at(-1)?.keyId ?? null) }
}

export function createKeyActivities(deps: ActivityDeps) {
  return {
    beginApiKeyRotation: failing((wish: KeyRotationWish) => beginApiKeyRotation(deps, wish)),
    lookAtApiKeyRotation: failing((key: Key) => lookAtApiKeyRotation(deps, key)),
    extendApiKeyRotation: failing((wish: Parameters<typeof extendApiKeyRotation>[1]) =>
      extendApiKeyRotation(deps, wish),
    ),
    endApiKeyRotation: failing((wish: Parameters<typeof endApiKeyRotation>[1]) =>
      endApiKeyRotation(deps, wish),
    ),
    listDueKeys: failing((query: Parameters<typeof listDueKeys>[1]) => listDueKeys(deps, query)),
    eraseLeftKeys: failing((_input: object) => eraseLeftKeys(deps.database.db)),
  }
}
