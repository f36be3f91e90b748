/** Figures over time, one row per step that has any: what charts are drawn from. Hours and days of calls are read as one. */
import { sql, type RawBuilder } from 'kysely'
import type { SeriesStep } from '../model/series.ts'
import type { Db } from './client.ts'

export interface SeriesQuery {
  /** Beginnings of the steps, in order, and the end of the last. */
  readonly times: readonly Date[]
  readonly until: Date
  readonly step: SeriesStep
  readonly provider?: string | undefined
  readonly connectionId?: string | undefined
  readonly group?: string | undefined
  /** A series each; one of all when left out. */
  readonly by?: 'provider' | 'group' | undefined
}

const fromOf = ({ times, until }: SeriesQuery): Date => times[0] ?? until

/** The step that a time falls into; weeks begin on Monday, everything is UTC. */
const stepOf = (column: RawBuilder<unknown>, step: SeriesStep) =>
  sql`date_trunc(${sql.lit(step)}, ${column} at time zone 'UTC') at time zone 'UTC'`

const whereOf = (query: SeriesQuery, groupColumn?: RawBuilder<unknown>) => {
  const { provider, connectionId, group } = query
  const parts = [
    ...(provider === undefined ? [] : [sql`provider = ${provider}`]),
    ...(connectionId === undefined ? [] : [sql`connection_id = ${connectionId}`]),
    ...(group === undefined || !groupColumn ? [] : [sql`${groupColumn} = ${group}`]),
  ]
  return parts.length === 0 ? sql`true` : sql.join(parts, sql` and `)
}

export interface CallPoint {
  readonly at: Date
  readonly key: string
  readonly calls: number
  readonly failed: number
  readonly retries: number
  readonly bytes: number
  readonly waitMs: number
  readonly latency: readonly number[]
}

export async function callSeries(db: Db, query: SeriesQuery): Promise<CallPoint[]> {
  const key = query.by === 'provider' ? sql`provider` : query.by === 'group' ? sql`call_group` : sql`''`
  const where = whereOf(query, sql`call_group`)
  const from = fromOf(query)
  const days =
    query.step === 'hour'
      ? sql``
      : sql`union all select day::timestamp at time zone 'UTC', provider, call_group, calls, failed, retries, bytes, wait_ms, latency from call_stats_daily
          where day >= (${from}::timestamptz at time zone 'UTC')::date and day < (${query.until}::timestamptz at time zone 'UTC')::date and ${where}`
  const found = await sql<CallPoint>`
    select ${stepOf(sql`hour`, query.step)} as at, ${key} as key, sum(calls)::bigint as calls, sum(failed)::bigint as failed,
      sum(retries)::bigint as retries, sum(bytes)::bigint as bytes, sum(wait_ms)::bigint as wait_ms, sum_lists(latency) as latency
    from (
      select hour, provider, call_group, calls, failed, retries, bytes, wait_ms, latency from call_stats
      where hour >= ${from}::timestamptz and hour < ${query.until}::timestamptz and ${where} ${days}) as c
    group by 1, 2 order by 2, 1
  `.execute(db)
  return found.rows
}

export interface RunPoint {
  readonly at: Date
  readonly key: string
  readonly runs: number
  readonly failedRuns: number
  /** Records that were made, changed or deleted. */
  readonly records: number
}

export async function runSeries(db: Db, query: SeriesQuery): Promise<RunPoint[]> {
  const key = query.by === 'provider' ? sql`r.provider` : sql`''`
  const found = await sql<RunPoint>`
    select ${stepOf(sql`r.ended_at`, query.step)} as at, ${key} as key, count(*)::int as runs,
      count(*) filter (where r.state in ('failed', 'partly_failed'))::int as failed_runs, coalesce(sum(s.records), 0)::bigint as records
    from (select * from runs where ended_at >= ${fromOf(query)}::timestamptz and ended_at < ${query.until}::timestamptz and not dry_run
      and ${whereOf(query)}) r
    left join lateral (select sum(created + updated + deleted) as records from run_resources s where s.run_id = r.run_id) s on true
    group by 1, 2 order by 2, 1
  `.execute(db)
  return found.rows
}

export interface HookPoint {
  readonly at: Date
  readonly key: string
  readonly events: number
  readonly duplicates: number
}

/** Events of webhooks as they came in; only as far back as the inbox is kept. */
export async function hookSeries(db: Db, query: SeriesQuery): Promise<HookPoint[]> {
  const key = query.by === 'provider' ? sql`provider` : sql`''`
  const found = await sql<HookPoint>`
    select ${stepOf(sql`received_at`, query.step)} as at, ${key} as key, sum(events)::int as events, sum(events - accepted)::int as duplicates
    from inbox_requests where received_at >= ${fromOf(query)}::timestamptz and received_at < ${query.until}::timestamptz and ${whereOf(query)}
    group by 1, 2 order by 2, 1
  `.execute(db)
  return found.rows
}

export interface DeliveryPoint {
  readonly at: Date
  readonly key: string
  readonly delivered: number
  readonly undelivered: number
}

/** Deliveries that ended; only as far back as they are kept. */
export async function deliverySeries(db: Db, query: SeriesQuery): Promise<DeliveryPoint[]> {
  const found = await sql<DeliveryPoint>`
    select ${stepOf(sql`ended_at`, query.step)} as at, '' as key, count(*) filter (where state = 'delivered')::int as delivered,
      count(*) filter (where state = 'failed')::int as undelivered
    from deliveries where ended_at >= ${fromOf(query)}::timestamptz and ended_at < ${query.until}::timestamptz and state <> 'waiting'
    group by 1 order by 1
  `.execute(db)
  return found.rows
}

export interface UptimePoint {
  readonly at: Date
  /** Seconds of the step of which the state is known, and those that it was down. */
  readonly known: number
  readonly down: number
}

/** By what was written down of a subject's changes; what lies before the first of them, or ahead of now, is not known. */
export async function uptimeSeries(
  db: Db,
  subject: string,
  { times, until }: SeriesQuery,
  now: Date,
): Promise<UptimePoint[]> {
  const [from = until] = times
  const found = await sql<UptimePoint>`
    with points as (
      select ${from}::timestamptz as at, (select state from health_changes where subject = ${subject} and created_at < ${from}::timestamptz
        order by change_id desc limit 1) as state
      union all
      select created_at, state from health_changes where subject = ${subject} and created_at >= ${from}::timestamptz
        and created_at < ${until}::timestamptz),
    spans as (
      select state, at, lead(at, 1, least(${now}::timestamptz, ${until}::timestamptz)) over (order by at) as until from points),
    steps as (
      select at, lead(at, 1, ${until}::timestamptz) over (order by at) as until
      from unnest(${times.map((one) => one.toISOString())}::timestamptz[]) as s (at)),
    shares as (
      select t.at, s.state, greatest(0, extract(epoch from least(s.until, t.until) - greatest(s.at, t.at))) as seconds
      from steps t join spans s on s.at < t.until and s.until > t.at)
    select at, coalesce(sum(seconds) filter (where state is not null and state <> 'unknown'), 0)::float8 as known,
      coalesce(sum(seconds) filter (where state = 'down'), 0)::float8 as down
    from shares group by at order by at
  `.execute(db)
  return found.rows
}
