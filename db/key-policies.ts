/** What partners want of their API keys: how old they may get, how a rotation goes. Who has no policy has that of who is above. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface KeyPolicy {
  /** Whose it is; null: nobody has set one, these are the hub's own. */
  readonly partnerId: string | null
  /** Older keys are rotated; null: never. */
  readonly maxAgeDays: number | null
  /** How long an old key works beside the new one. */
  readonly overlapSeconds: number
  /** An old key that was not used for so long, while the new one is, ends before the overlap does. */
  readonly quietSeconds: number
  /** 0: nobody has set one. */
  readonly version: number
}

const week = 7 * 86_400
const day = 86_400

export const defaultKeyPolicy: KeyPolicy = {
  partnerId: null,
  maxAgeDays: null,
  overlapSeconds: week,
  quietSeconds: day,
  version: 0,
}

const columns = sql`partner_id, max_age_days, overlap_seconds, quiet_seconds, version`

/** The policy in force for a partner. Give the hub's database: it may be that of a partner above. */
export async function keyPolicyOf(db: Db, partnerId: string): Promise<KeyPolicy> {
  const found = await sql<KeyPolicy>`
    select k.partner_id, max_age_days, overlap_seconds, quiet_seconds, version
    from partner_ancestry a join key_policies k on k.partner_id = a.ancestor_id
    where a.partner_id = ${partnerId} order by a.depth limit 1
  `.execute(db)
  return found.rows[0] ?? defaultKeyPolicy
}

/** Sets a partner's own policy; undefined when it is not of the expected version any more (0: there is none yet). */
export async function putKeyPolicy(
  tx: Db,
  partnerId: string,
  policy: Pick<KeyPolicy, 'maxAgeDays' | 'overlapSeconds' | 'quietSeconds'>,
  by: { readonly actor: string; readonly expectedVersion: number | undefined },
): Promise<KeyPolicy | undefined> {
  const { maxAgeDays, overlapSeconds, quietSeconds } = policy
  const { actor, expectedVersion } = by
  const found = await sql<KeyPolicy>`
    insert into key_policies as k (partner_id, max_age_days, overlap_seconds, quiet_seconds, updated_by)
    select ${partnerId}, ${maxAgeDays}::int, ${overlapSeconds}::int, ${quietSeconds}::int, ${actor}
    where ${expectedVersion ?? 0}::int = 0 or exists (select from key_policies where partner_id = ${partnerId})
    on conflict (partner_id) do update set max_age_days = excluded.max_age_days, overlap_seconds = excluded.overlap_seconds,
      quiet_seconds = excluded.quiet_seconds, updated_by = excluded.updated_by, updated_at = now(), version = k.version + 1
      ${expectedVersion === undefined ? sql`` : sql`where k.version = ${expectedVersion}`}
    returning ${columns}
  `.execute(tx)
  return found.rows[0]
}

export interface AgedKey {
  readonly keyId: string
  readonly partnerId: string
  readonly name: string
}

/**
 * Active keys that are older than their partner's policy lets them be and not under rotation, in order of their ids; `after` is the last
 * one before. Keys that a newer one has taken over from are left to end.
 */
export async function listAgedKeys(
  db: Db,
  query: { readonly after: string | null; readonly limit: number },
): Promise<AgedKey[]> {
  const found = await sql<AgedKey>`
    select k.key_id, k.partner_id, k.name from api_keys k
    cross join lateral (
      select p.max_age_days from partner_ancestry a join key_policies p on p.partner_id = a.ancestor_id
      where a.partner_id = k.partner_id order by a.depth limit 1) policy
    where k.state = 'active' and (k.expires_at is null or k.expires_at > now())
      and k.created_at < now() - make_interval(days => policy.max_age_days)
      and k.key_id > ${query.after ?? ''}
      and not exists (select from key_rotations r where r.state = 'overlap' and k.key_id in (r.key_id, r.new_key_id))
      and not exists (
        select from partner_ancestry a join partners s on s.partner_id = a.ancestor_id
        where a.partner_id = k.partner_id and s.state <> 'active')
    order by k.key_id limit ${query.limit}
  `.execute(db)
  return found.rows
}
