/** Rows that do not fit their schema: kept whole, with the reason, until a later reading or a repair makes them fit. */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'

export interface QuarantinedRow {
  readonly externalId: string
  /** Which field does not fit and why; no content of the row. */
  readonly reason: string
  /** JSON text. */
  readonly raw: string
}

interface Place {
  readonly connectionId: string
  readonly resource: string
  readonly partnerId: string
  /** Null for what no run brought. */
  readonly runId: string | null
}

/** Adds or refreshes rows in quarantine. */
export async function quarantineRows(
  tx: Db,
  place: Place & { readonly readAt: Date },
  rows: readonly QuarantinedRow[],
): Promise<void> {
  if (rows.length === 0) return
  await sql`
    insert into quarantine as q (connection_id, resource, external_id, partner_id, run_id, reason, raw, read_at)
    select ${place.connectionId}, ${place.resource}, t.external_id, ${place.partnerId}, ${place.runId}, t.reason, t.raw::jsonb, ${place.readAt}::timestamptz
    from unnest(${rows.map((row) => row.externalId)}::text[], ${rows.map((row) => row.reason)}::text[],
      ${rows.map((row) => row.raw)}::text[]) as t (external_id, reason, raw)
    on conflict (connection_id, resource, external_id) do update set
      run_id = excluded.run_id, reason = excluded.reason, raw = excluded.raw, read_at = excluded.read_at, last_seen_at = now()
  `.execute(tx)
}

/** Takes rows that have been read and fit now out of quarantine. */
export async function releaseRows(
  tx: Db,
  place: Omit<Place, 'runId' | 'partnerId'>,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return
  await sql`
    delete from quarantine where connection_id = ${place.connectionId} and resource = ${place.resource}
      and external_id = any (${[...ids]}::text[])
  `.execute(tx)
}

export interface QuarantineEntry {
  readonly resource: string
  readonly externalId: string
  readonly reason: string
  readonly raw: JsonObject
  readonly runId: string | null
  readonly readAt: Date
  readonly firstSeenAt: Date
  readonly lastSeenAt: Date
}

/** A connection's quarantine in key order; `after` is the last entry of the page before. */
export async function listQuarantine(
  db: Db,
  query: {
    readonly connectionId: string
    readonly resource?: string | undefined
    readonly after?: { readonly resource: string; readonly externalId: string } | undefined
    readonly limit: number
  },
): Promise<QuarantineEntry[]> {
  const { after, resource } = query
  const found = await sql<QuarantineEntry>`
    select resource, external_id, reason, raw, run_id, read_at, first_seen_at, last_seen_at from quarantine
    where connection_id = ${query.connectionId}
      ${resource === undefined ? sql`` : sql`and resource = ${resource}`}
      ${after ? sql`and (resource, external_id) > (${after.resource}, ${after.externalId})` : sql``}
    order by connection_id, resource, external_id limit ${query.limit}
  `.execute(db)
  return found.rows
}
