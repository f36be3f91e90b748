/** Finding credentials that would die without anybody noticing: unused, or on a last day that nothing moves. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

/** A provider's way to connect. */
export interface Way {
  readonly provider: string
  readonly auth: string
}

export interface DyingCredential {
  readonly connectionId: string
  readonly provider: string
  readonly generation: number
}

const keyOf = ({ provider, auth }: Way): string => `${provider}/${auth}`

/**
 * Credentials whose refresh token dies soon if it is not used: less than a quarter of its time is left, at latest 7 days
 * before. Those of which the time is not known count when their way to connect has such an end. Paused connections are
 * among them, refused credentials are not. In id order.
 */
export async function listDying(
  db: Db,
  query: {
    readonly ways: readonly Way[]
    /** Those of `ways` whose refresh tokens die unused. */
    readonly mortal: readonly Way[]
    readonly now: Date
    readonly after?: string | undefined
    readonly limit: number
  },
): Promise<DyingCredential[]> {
  const found = await sql<DyingCredential>`
    select c.connection_id, c.provider, k.generation
    from connections c join credentials k on k.connection_id = c.connection_id and k.retired_at is null
      left join credential_refreshes r on r.connection_id = c.connection_id
    where c.state <> 'deleted' and c.connection_id > ${query.after ?? ''}
      and c.provider || '/' || c.auth = any (${query.ways.map(keyOf)}::text[])
      and r.refused_generation is distinct from k.generation
      and case when k.refresh_expires_at is null then c.provider || '/' || c.auth = any (${query.mortal.map(keyOf)}::text[])
        else k.refresh_expires_at - ${query.now}::timestamptz < greatest((k.refresh_expires_at - k.created_at) / 4, interval '7 days') end
    order by c.connection_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

export interface EndingAccess {
  readonly connectionId: string
  readonly partnerId: string
  readonly endsAt: Date
}

/** Accesses with a last day before `before` of which nobody was told yet, in id order. */
export async function listEndingAccess(db: Db, before: Date, limit: number): Promise<EndingAccess[]> {
  const found = await sql<EndingAccess>`
    select c.connection_id, c.partner_id, k.refresh_hard_expires_at as ends_at
    from credentials k join connections c on c.connection_id = k.connection_id
      left join credential_refreshes r on r.connection_id = c.connection_id
    where k.retired_at is null and c.state <> 'deleted' and k.refresh_hard_expires_at < ${before}::timestamptz
      and r.warned_of is distinct from k.refresh_hard_expires_at
    order by c.connection_id limit ${limit}
  `.execute(db)
  return found.rows
}

/** Shows the warning with the connection's last check, and remembers that it was given. */
export async function noteWarned(
  tx: Db,
  { connectionId, partnerId, endsAt }: EndingAccess,
  text: string,
): Promise<void> {
  await sql`
    insert into credential_refreshes (connection_id, partner_id, warned_of) values (${connectionId}, ${partnerId}, ${endsAt}::timestamptz)
    on conflict (connection_id) do update set warned_of = excluded.warned_of, updated_at = now()
  `.execute(tx)
  await sql`
    update connections set last_check = coalesce(last_check, '{}'::jsonb) || jsonb_build_object('warning', ${text}::text)
    where connection_id = ${connectionId}
  `.execute(tx)
}
