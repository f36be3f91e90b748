/**
 * What accounts have used of the hub in a month, as far as it is billed: connections and changes of records, counted from the rows
 * that the work itself leaves. The one place to change when usage is metered in a table of its own.
 */
import { sql } from 'kysely'
import { periodEnd, periodStart } from '../model/commission.ts'
import type { Db } from './client.ts'

export interface BillableUsage {
  readonly accountId: string
  /** The partner that earns from it: the one it is attributed to, else the one it belongs to. */
  readonly partnerId: string
  /** Connections that lived in the month. */
  readonly connections: number
  /** Changes of records that syncs, webhooks and writes have brought. */
  readonly records: number
  /** The prices of its partner's tier in that month; null where the tier has none: nothing is billed. */
  readonly currency: string | null
  readonly connectionMinor: number | null
  /** Of a thousand. */
  readonly recordsMinor: number | null
}

/** What each account has used, and its prices, in order of the ids. */
export async function billableUsage(
  db: Db,
  query: { readonly period: string; readonly after: string | null; readonly limit: number },
): Promise<BillableUsage[]> {
  const { period, after, limit } = query
  const [from, to] = [periodStart(period), periodEnd(period)]
  const found = await sql<BillableUsage>`
    with listed as (
      select a.account_id, a.partner_id as owner_id, coalesce(t.partner_id, a.partner_id) as partner_id from accounts a
      left join lateral (select partner_id from attributions t where t.account_id = a.account_id and t.connection_id is null
        and t.effective_from < ${to}::timestamptz and (t.effective_to is null or t.effective_to >= ${to}::timestamptz)
        order by attribution_id desc limit 1) t on true
      where ${after === null ? sql`true` : sql`a.account_id > ${after}`} order by a.account_id limit ${limit}
    )
    select s.account_id, s.partner_id, p.currency, (p.prices->>'connections')::bigint as connection_minor, (p.prices->>'records')::bigint as records_minor,
      (select count(*)::int from connections c where c.account_id = s.account_id and c.created_at < ${to}::timestamptz
        and (c.state <> 'deleted' or c.updated_at >= ${from}::timestamptz)) as connections,
      (select count(*)::int from changes h where h.partner_id = s.owner_id and h.account_id = s.account_id and h.effect <> 'remapped'
        and h.created_at >= ${from}::timestamptz and h.created_at < ${to}::timestamptz) as records
    from listed s join partners owner on owner.partner_id = s.owner_id
    left join lateral (select currency, prices from price_lists l where l.tier = owner.tier and l.effective_from < ${to}::timestamptz
      order by version desc limit 1) p on true
    order by s.account_id
  `.execute(db)
  return found.rows
}
