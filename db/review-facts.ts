/** The figures that reviews are made of. Each runs over an index by time; hours and days of calls are read as one. */
import { sql } from 'kysely'
import type { Db } from './client.ts'
import { getDependencyAudit } from './dependency-audit.ts'
import type { CallFacts, GrowthFacts, TenantFacts } from '../model/review-performance.ts'
import type { KeyFacts, SecurityFacts } from '../model/review-security.ts'
import type { HealthFacts } from '../model/reviews.ts'

const calls = (from: Date, to: Date) => sql`(
  select partner_id, provider, call_group, calls, failed, retries, bytes, wait_ms, latency from call_stats
    where hour >= ${from}::timestamptz and hour < ${to}::timestamptz
  union all
  select partner_id, provider, call_group, calls, failed, retries, bytes, wait_ms, latency from call_stats_daily
    where day >= (${from}::timestamptz at time zone 'UTC')::date and day < (${to}::timestamptz at time zone 'UTC')::date) as c`

export async function healthFacts(db: Db, from: Date, to: Date): Promise<HealthFacts[]> {
  const found = await sql<HealthFacts>`
    with made as (select provider, sum(calls)::bigint as calls, sum(failed)::bigint as failed from ${calls(from, to)} group by 1),
    conns as (
      select c.provider, count(*)::int as connections,
        count(*) filter (where h.state in ('down', 'needs_attention', 'degraded'))::int as unwell, count(*) filter (where h.findings ? 'freshness')::int as stale
      from connections c left join connection_health h using (connection_id) where c.state <> 'deleted' group by 1),
    problems as (
      select provider, count(*) filter (where opened_at >= ${from}::timestamptz and opened_at < ${to}::timestamptz)::int as opened,
        count(*) filter (where state <> 'resolved')::int as open
      from incidents where provider is not null and (opened_at >= ${from}::timestamptz or state <> 'resolved') group by 1)
    select p.provider, p.connections, p.unwell, p.stale, h.state, h.culprit, coalesce(m.calls, 0) as calls, coalesce(m.failed, 0) as failed,
      coalesce(i.opened, 0) as opened, coalesce(i.open, 0) as open
    from conns p left join provider_health h using (provider) left join made m using (provider) left join problems i using (provider)
    order by p.provider
  `.execute(db)
  return found.rows
}

/** By provider and group of endpoints. */
export async function callFacts(db: Db, from: Date, to: Date): Promise<CallFacts[]> {
  const found = await sql<CallFacts>`
    select provider, call_group as "group", sum(calls)::bigint as calls, sum(failed)::bigint as failed, sum(retries)::bigint as retries,
      sum(wait_ms)::bigint as wait_ms, sum_lists(latency) as latency
    from ${calls(from, to)} group by 1, 2 order by 1, 2
  `.execute(db)
  return found.rows
}

const shownTenants = 20

export async function tenantFacts(db: Db, from: Date, to: Date): Promise<TenantFacts[]> {
  const found = await sql<TenantFacts>`
    select partner_id, sum(calls)::bigint as calls, sum(failed)::bigint as failed, (sum(sum(calls)) over ())::bigint as all_calls
    from ${calls(from, to)} group by 1 order by 2 desc limit ${shownTenants}
  `.execute(db)
  return found.rows
}

/** Records that runs made and changed. */
export async function growthFacts(db: Db, from: Date, to: Date): Promise<GrowthFacts[]> {
  const found = await sql<GrowthFacts>`
    with ran as (
      select r.provider, sum(s.created)::bigint as created, sum(s.updated)::bigint as updated, sum(s.deleted)::bigint as deleted, count(distinct r.run_id)::int as runs
      from runs r join run_resources s using (run_id)
      where r.ended_at >= ${from}::timestamptz and r.ended_at < ${to}::timestamptz and not r.dry_run group by 1),
    held as (select c.provider, sum(n.living)::bigint as held from record_counts n join connections c using (connection_id) group by 1)
    select h.provider, h.held, coalesce(r.created, 0) as created, coalesce(r.updated, 0) as updated, coalesce(r.deleted, 0) as deleted,
      coalesce(r.runs, 0) as runs
    from held h left join ran r using (provider) order by h.held desc
  `.execute(db)
  return found.rows
}

/** A key that is older than this should be rotated; one that is not used this long should be revoked. */
const oldKeyDays = 180
const unusedKeyDays = 90
/** Of what a review lists by name. */
const listed = 200

export async function securityFacts(db: Db, from: Date, to: Date): Promise<SecurityFacts> {
  const keys = await sql<KeyFacts>`
    select key_id, partner_id, hint, created_at < ${to}::timestamptz - make_interval(days => ${oldKeyDays}) as is_old,
      coalesce(last_used_at, created_at) < ${to}::timestamptz - make_interval(days => ${unusedKeyDays}) as is_unused,
      scopes && array['keys.write', 'people.write', 'partners.write'] as is_wide, expires_at is null as is_endless,
      cardinality(networks) = 0 as is_anywhere
    from api_keys where state = 'active' and (expires_at is null or expires_at > ${to}::timestamptz) order by key_id
  `.execute(db)
  const refusals = await sql<{ action: string; n: number }>`
    select action, count(*)::int as n from audit where at >= ${from}::timestamptz and at < ${to}::timestamptz
      and action ~ '(refused|failed|locked|denied)$' group by 1 order by 2 desc, 1
  `.execute(db)
  const unsigned = await sql<{ provider: string; n: number }>`
    select provider, count(*)::int as n from inbox_requests r where received_at >= ${from}::timestamptz and received_at < ${to}::timestamptz
      and not exists (select 1 from jsonb_array_elements(r.checks) as c where c ->> 'name' in ('signature', 'basic_auth', 'token'))
    group by 1 order by 2 desc, 1
  `.execute(db)
  const consents = await sql<{ connectionId: string; provider: string; endsAt: Date | null }>`
    select c.connection_id, c.provider, least(k.refresh_expires_at, k.refresh_hard_expires_at) as ends_at
    from connections c join credentials k on k.connection_id = c.connection_id and k.retired_at is null
    where c.state <> 'deleted' and (c.state = 'needs_attention' or least(k.refresh_expires_at, k.refresh_hard_expires_at) < ${to}::timestamptz)
    order by c.connection_id limit ${listed}
  `.execute(db)
  return {
    keys: keys.rows,
    refusals: refusals.rows,
    unsigned: unsigned.rows,
    consents: consents.rows.map((one) => ({ ...one, endsAt: one.endsAt?.toISOString() ?? null })),
    dependencies: (await getDependencyAudit(db)) ?? null,
  }
}
