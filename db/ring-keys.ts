/**
 * The keys of the ring: who knows which, and what is wrapped by each. A key may be taken out of TIELINE_ENCRYPTION_KEYS when nothing
 * needs it any more, and put in front when every process knows it; both are facts that only the store can bring together.
 */
import { sql } from 'kysely'
import { HubError } from '../platform/errors.ts'
import type { Log } from '../platform/log.ts'
import type { Db } from './client.ts'
import type { Vault } from './vault.ts'

const beatMs = 10_000
/** A process that has not been heard of for so long is gone. */
const goneMs = 35_000

export interface RingHolder {
  readonly process: string
  readonly part: string
  readonly currentKeyId: string
  readonly keyIds: readonly string[]
  readonly seenAt: Date
}

export interface RingKeyFacts {
  readonly keyId: string
  readonly firstSeenAt: Date | null
  /** When some process began to seal with it; null: never, as far as is known. */
  readonly currentSince: Date | null
  /** Data keys that it wraps. */
  readonly dataKeys: number
}

/** Tells the store which keys this process knows. */
export async function announceRing(
  db: Db,
  process: string,
  part: string,
  { currentId, ids }: Vault['ring'],
): Promise<void> {
  await sql`
    with holder as (
      insert into ring_holders (process, part, current_key_id, key_ids) values (${process}, ${part}, ${currentId}, ${[...ids]}::text[])
      on conflict (process) do update set current_key_id = excluded.current_key_id, key_ids = excluded.key_ids, seen_at = now()
    ), gone as (
      delete from ring_holders where seen_at < now() - interval '1 day'
    )
    insert into ring_keys as k (key_id, current_since)
    select id, case when id = ${currentId} then now() end from unnest(${[...ids]}::text[]) as id
    on conflict (key_id) do update set current_since = coalesce(k.current_since, excluded.current_since)
      where k.current_since is null and excluded.current_since is not null
  `.execute(db)
}

/** Processes that live, as far as is known. */
export async function ringHolders(db: Db): Promise<RingHolder[]> {
  const found = await sql<RingHolder>`
    select process, part, current_key_id, key_ids, seen_at from ring_holders
    where seen_at > now() - make_interval(secs => ${goneMs / 1000}) order by part, process
  `.execute(db)
  return found.rows
}

/** Every key that a process has known or that something is wrapped by, newest first. */
export async function ringKeyFacts(db: Db): Promise<RingKeyFacts[]> {
  const found = await sql<RingKeyFacts>`
    with used as (select ring_key_id as key_id, count(*) as data_keys from data_keys group by 1)
    select coalesce(k.key_id, u.key_id) as key_id, k.first_seen_at, k.current_since, coalesce(u.data_keys, 0) as data_keys
    from ring_keys k full join used u using (key_id) order by k.first_seen_at desc nulls last, key_id
  `.execute(db)
  return found.rows
}

/** Connect sessions whose link may be signed with a key that was current until then. */
export async function linksSignedBefore(db: Db, until: Date): Promise<number> {
  const found = await sql<{ n: number }>`
    select count(*) as n from connect_sessions where created_at < ${until}::timestamptz and expires_at > now()
  `.execute(db)
  return found.rows[0]?.n ?? 0
}

/** @throws HubError `StateConflict` that names a key which something is wrapped by and the ring lacks. */
export async function checkRing(db: Db, { ids }: Vault['ring']): Promise<void> {
  const found = await sql<{ keyId: string }>`
    select distinct ring_key_id as key_id from data_keys where ring_key_id <> all (${[...ids]}::text[])
  `.execute(db)
  if (found.rows.length === 0) return
  const missing = found.rows.map(({ keyId }) => `"${keyId}"`).join(', ')
  const text = `TIELINE_ENCRYPTION_KEYS lacks ${missing}, by which secrets in the database are still sealed. Put it back (behind the current key).`
  throw new HubError('StateConflict', text)
}

/**
 * Checks the ring of this process and keeps announcing it. Answers how to stop; a process that stops is not waited for by rotations.
 * @throws HubError as `checkRing`.
 */
export async function keepRingAnnounced(
  db: Db,
  vault: Vault,
  { process, part, log }: { readonly process: string; readonly part: string; readonly log: Log },
): Promise<() => Promise<void>> {
  await checkRing(db, vault.ring)
  await announceRing(db, process, part, vault.ring)
  const timer = setInterval(() => {
    announceRing(db, process, part, vault.ring).catch((err: unknown) =>
      log.warn({ err }, 'the keys of this process could not be announced'),
    )
  }, beatMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await sql`delete from ring_holders where process = ${process}`.execute(db).catch(() => undefined)
  }
}
