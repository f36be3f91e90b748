/** The figures of the whole hub that gauges show: states, budgets, ages. Bounded by the number of providers. */
import { sql } from 'kysely'
import { receivesOnly } from './connections.ts'
import type { Db } from './client.ts'

export interface HubGauges {
  readonly providers: readonly { readonly provider: string; readonly state: string }[]
  readonly connections: readonly { readonly provider: string; readonly state: string; readonly n: number }[]
  readonly incidents: readonly { readonly severity: string; readonly n: number }[]
  readonly quotas: readonly { readonly provider: string; readonly budget: string; readonly left: number }[]
  readonly ages: readonly { readonly provider: string; readonly seconds: number }[]
  /** Seconds that a provider was down since `from`. */
  readonly down: readonly { readonly provider: string; readonly seconds: number }[]
}

export async function hubGauges(db: Db, from: Date, now: Date): Promise<HubGauges> {
  const providers = await sql<HubGauges['providers'][number]>`
    select provider, state from provider_health order by provider`.execute(db)
  const connections = await sql<HubGauges['connections'][number]>`
    select h.provider, h.state, count(*)::int as n from connection_health h join connections c using (connection_id)
    where c.state <> 'deleted' group by 1, 2`.execute(db)
  const incidents = await sql<HubGauges['incidents'][number]>`
    select severity, count(*)::int as n from incidents where state <> 'resolved' group by 1`.execute(db)
  const quotas = await sql<HubGauges['quotas'][number]>`
    select split_part(bucket_key, ':', 1) as provider, split_part(split_part(bucket_key, ':', 3), '@', 1) as budget,
      min(case when blocked_until > ${now}::timestamptz then 0 else greatest(0, least(1, (tokens + capacity * greatest(0,
        extract(epoch from ${now}::timestamptz - refilled_at)) * 1000 / window_ms) / capacity)) end)::float8 as left
    from rate_buckets where capacity > 0 and window_ms > 0 group by 1, 2`.execute(db)
  const ages = await sql<HubGauges['ages'][number]>`
    select provider, max(extract(epoch from ${now}::timestamptz - last_synced_at))::float8 as seconds from connections
    where state = 'active' and auth <> ${receivesOnly} and last_synced_at is not null group by 1`.execute(db)
  return {
    providers: providers.rows,
    connections: connections.rows,
    incidents: incidents.rows,
    quotas: quotas.rows,
    ages: ages.rows,
    down: await downByProvider(db, from, now),
  }
}

async function downByProvider(db: Db, from: Date, now: Date): Promise<HubGauges['down']> {
  const found = await sql<HubGauges['down'][number]>`
    with points as (
      select p.provider, ${from}::timestamptz as at, (select state from health_changes where subject = 'provider:' || p.provider
        and created_at < ${from}::timestamptz order by change_id desc limit 1) as state from provider_health p
      union all
      select c.provider, c.created_at, c.state from provider_health p join health_changes c on c.subject = 'provider:' || p.provider
        where c.created_at >= ${from}::timestamptz),
    spans as (select provider, state, at, lead(at, 1, ${now}::timestamptz) over (partition by provider order by at) as until from points)
    select provider, coalesce(sum(extract(epoch from until - at)) filter (where state = 'down'), 0)::float8 as seconds from spans group by 1
  `.execute(db)
  return found.rows
}
