/**
 * Rotations of API keys: one under way a key at most. Each step is a compare-and-swap on the row's state, so that it may be repeated.
 * The new key itself lies sealed here until it has been fetched, once; nowhere else (INV-6).
 */
import { sql } from 'kysely'
import type { Db } from './client.ts'
import type { Vault } from './vault.ts'

export type KeyRotationState = 'overlap' | 'done' | 'cancelled' | 'failed'
/** `quiet`: nobody used the old key any more. `lost`: the new key was revoked, so the old one stays. `revoked`: the old one was. */
export type KeyRotationOutcome = 'quiet' | 'deadline' | 'now' | 'cancelled' | 'revoked' | 'lost'
export type KeyRotationReason = 'asked' | 'leak' | 'age'

export interface KeyRotation {
  readonly keyId: string
  readonly partnerId: string
  readonly attempt: string
  readonly newKeyId: string
  readonly state: KeyRotationState
  readonly outcome: KeyRotationOutcome | null
  readonly reason: KeyRotationReason
  readonly quietSeconds: number
  readonly startedBy: string
  readonly startedAt: Date
  readonly deadlineAt: Date
  readonly endedAt: Date | null
  readonly endedBy: string | null
  readonly reminders: number
  readonly remindedAt: Date | null
  readonly secretFetchedAt: Date | null
  /** The new key waits here to be fetched. */
  readonly secretWaits: boolean
}

const columns = sql`key_id, partner_id, attempt, new_key_id, state, outcome, reason, quiet_seconds, started_by, started_at, deadline_at,
  ended_at, ended_by, reminders, reminded_at, secret_fetched_at, sealed_secret is not null as secret_waits`

/** Bound to the new key: what was sealed for one can be opened for no other. */
const place = (newKeyId: string) => ({ table: 'key_rotations', column: 'sealed_secret', row: newKeyId })

/** A key belongs to a partner, not to an account: the hub's own data key seals it. */
export const sealNewKey = (db: Db, vault: Vault, newKeyId: string, text: string): Promise<Buffer> =>
  vault.seal(db, 'hub', place(newKeyId), text)

/** The newest rotation of a key. */
export async function getKeyRotation(db: Db, keyId: string): Promise<KeyRotation | undefined> {
  const found = await sql<KeyRotation>`select ${columns} from key_rotations where key_id = ${keyId}`.execute(
    db,
  )
  return found.rows[0]
}

export async function lockKeyRotation(tx: Db, keyId: string): Promise<KeyRotation | undefined> {
  const found = await sql<KeyRotation>`
    select ${columns} from key_rotations where key_id = ${keyId} for update
  `.execute(tx)
  return found.rows[0]
}

/** The rotation that has made a key. */
export async function rotationThatMade(db: Db, newKeyId: string): Promise<KeyRotation | undefined> {
  const found =
    await sql<KeyRotation>`select ${columns} from key_rotations where new_key_id = ${newKeyId}`.execute(db)
  return found.rows[0]
}

/** Writes a rotation down that begins now, in place of one that has ended. Undefined when one is under way. */
export async function beginKeyRotation(
  tx: Db,
  rotation: Pick<
    KeyRotation,
    'keyId' | 'partnerId' | 'attempt' | 'newKeyId' | 'reason' | 'quietSeconds' | 'startedBy'
  > & {
    readonly overlapSeconds: number
    readonly sealedSecret: Buffer
  },
): Promise<KeyRotation | undefined> {
  const { keyId, partnerId, attempt, newKeyId, reason, quietSeconds, startedBy, overlapSeconds } = rotation
  const made = await sql<KeyRotation>`
    insert into key_rotations as r (key_id, partner_id, attempt, new_key_id, state, reason, quiet_seconds, started_by, deadline_at, sealed_secret)
    values (${keyId}, ${partnerId}, ${attempt}, ${newKeyId}, 'overlap', ${reason}, ${quietSeconds}, ${startedBy},
      now() + make_interval(secs => ${overlapSeconds}), ${rotation.sealedSecret})
    on conflict (key_id) do update set attempt = excluded.attempt, new_key_id = excluded.new_key_id, state = 'overlap', outcome = null,
      reason = excluded.reason, quiet_seconds = excluded.quiet_seconds, started_by = excluded.started_by, started_at = now(),
      deadline_at = excluded.deadline_at, ended_at = null, ended_by = null, reminders = 0, reminded_at = null,
      sealed_secret = excluded.sealed_secret, secret_fetched_at = null
      where r.state <> 'overlap'
    returning ${columns}
  `.execute(tx)
  return made.rows[0]
}

/** Ends one that is under way; undefined when it has ended already. What a taken-back key was is erased. */
export async function endKeyRotation(
  tx: Db,
  { keyId, attempt }: Pick<KeyRotation, 'keyId' | 'attempt'>,
  end: {
    readonly state: Exclude<KeyRotationState, 'overlap'>
    readonly outcome: KeyRotationOutcome
    readonly by: string
  },
): Promise<KeyRotation | undefined> {
  const ended = await sql<KeyRotation>`
    update key_rotations set state = ${end.state}, outcome = ${end.outcome}, ended_at = now(), ended_by = ${end.by},
      sealed_secret = ${end.state === 'done' ? sql`sealed_secret` : sql`null`}
    where key_id = ${keyId} and attempt = ${attempt} and state = 'overlap' returning ${columns}
  `.execute(tx)
  return ended.rows[0]
}

export async function extendKeyRotation(
  tx: Db,
  { keyId, attempt }: Pick<KeyRotation, 'keyId' | 'attempt'>,
  deadlineAt: Date,
): Promise<KeyRotation | undefined> {
  const changed = await sql<KeyRotation>`
    update key_rotations set deadline_at = ${deadlineAt}::timestamptz
    where key_id = ${keyId} and attempt = ${attempt} and state = 'overlap' returning ${columns}
  `.execute(tx)
  return changed.rows[0]
}

export async function noteReminder(
  tx: Db,
  { keyId, attempt, reminders }: Pick<KeyRotation, 'keyId' | 'attempt' | 'reminders'>,
): Promise<boolean> {
  const noted = await sql<{ keyId: string }>`
    update key_rotations set reminders = reminders + 1, reminded_at = now()
    where key_id = ${keyId} and attempt = ${attempt} and state = 'overlap' and reminders = ${reminders} returning key_id
  `.execute(tx)
  return noted.rows.length > 0
}

/**
 * The new key that waits to be fetched, taken out in the transaction: the next one who asks gets nothing.
 * @param tx of the hub: the data key is the hub's.
 */
export async function takeNewKey(tx: Db, vault: Vault, newKeyId: string): Promise<string | undefined> {
  const found = await sql<{ sealed: Buffer | null }>`
    select sealed_secret as sealed from key_rotations where new_key_id = ${newKeyId} for update
  `.execute(tx)
  const sealed = found.rows[0]?.sealed
  if (!sealed) return undefined
  await sql`
    update key_rotations set sealed_secret = null, secret_fetched_at = now() where new_key_id = ${newKeyId}
  `.execute(tx)
  return (await vault.open(tx, 'hub', place(newKeyId), sealed)).toString('utf8')
}

/** Erases what nobody has fetched for a month, and what has no use any more. */
export async function eraseLeftKeys(db: Db): Promise<number> {
  const erased = await sql<{ keyId: string }>`
    update key_rotations r set sealed_secret = null from api_keys k
    where r.sealed_secret is not null and k.key_id = r.new_key_id
      and (r.started_at < now() - interval '30 days' or k.state = 'revoked' or k.expires_at < now())
    returning r.key_id
  `.execute(db)
  return erased.rows.length
}

/** Keys whose rotation is under way, in order of their ids; `after` is the last one before. */
export async function listOpenRotations(
  db: Db,
  query: { readonly after: string | null; readonly limit: number },
): Promise<Pick<KeyRotation, 'keyId' | 'partnerId'>[]> {
  const found = await sql<Pick<KeyRotation, 'keyId' | 'partnerId'>>`
    select key_id, partner_id from key_rotations where state = 'overlap' and key_id > ${query.after ?? ''}
    order by key_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Whether a key, or one that has taken over from it in turn, still lets its users in. */
export async function hasLivingHeir(db: Db, keyId: string): Promise<boolean> {
  const found = await sql<{ lives: boolean }>`
    with recursive heirs as (
      select key_id, state, expires_at from api_keys where key_id = ${keyId}
      union
      select k.key_id, k.state, k.expires_at from api_keys k join heirs h on k.replaces = h.key_id
    )
    select exists (select from heirs where state = 'active' and (expires_at is null or expires_at > now())) as lives
  `.execute(db)
  return found.rows[0]?.lives ?? false
}
