/**
 * What calls to providers showed, by connection, group of endpoints and hour. Counted in memory and added every few seconds: a process
 * that is killed loses at most those, which no decision hangs on.
 */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import { latencyBucket, noLatency } from '../model/latency.ts'
import type { Log } from '../platform/log.ts'
import type { Db } from './client.ts'

/** One attempt of a call; a trace of the transport fits. */
export interface CountedCall {
  readonly at: Date
  readonly group: string
  readonly attempt: number
  readonly durationMs: number
  readonly bytes: number
  /** For the limits of the provider, before it was sent. */
  readonly waitedMs?: number
  /** `ok`, `cancelled`, or a code of the failure table. */
  readonly outcome: string
}

export interface CallOwner {
  readonly connectionId: string
  readonly partnerId: string
  readonly provider: string
}

export interface CallStats {
  count(owner: CallOwner, call: CountedCall): void
  /** Adds what was counted; also done every few seconds. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** Answers that are the service's failure to serve. That an object is not there, or a content is refused, is an answer. */
const failing = new Set([
  'Unauthorized',
  'Forbidden',
  'RateLimited',
  'QuotaExhausted',
  'Unavailable',
  'Protocol',
])

export const isServiceFailure = (outcome: string): boolean => failing.has(outcome)

interface Count {
  readonly owner: CallOwner
  readonly hour: string
  readonly group: string
  calls: number
  failed: number
  retries: number
  bytes: number
  waitMs: number
  readonly errors: Record<string, number>
  readonly latency: number[]
  lastOkAt: string | null
  lastFailedAt: string | null
}

const flushMs = 5_000

export function createCallStats(db: Db, log?: Log): CallStats {
  let counts = new Map<string, Count>()
  let flushing: Promise<void> = Promise.resolve()
  const flush = (): Promise<void> => {
    flushing = flushing.then(async () => {
      const taken = [...counts.values()]
      counts = new Map()
      if (taken.length === 0) return
      await addCounts(db, taken).catch((err: unknown) => log?.warn({ err }, 'statistics of calls are lost'))
    })
    return flushing
  }
  const timer = setInterval(() => void flush(), flushMs)
  timer.unref()
  return {
    count: (owner, call) => {
      if (call.outcome === 'cancelled') return
      const hour = `${call.at.toISOString().slice(0, 13)}:00:00Z`
      const key = `${hour} ${owner.connectionId} ${call.group}`
      let count = counts.get(key)
      if (!count) counts.set(key, (count = newCount(owner, hour, call.group)))
      add(count, call)
    },
    flush,
    close: async () => {
      clearInterval(timer)
      await flush()
    },
  }
}

const newCount = (owner: CallOwner, hour: string, group: string): Count => ({
  ...{
    owner,
    hour,
    group,
    calls: 0,
    failed: 0,
    retries: 0,
    bytes: 0,
    waitMs: 0,
    errors: {},
    latency: noLatency(),
  },
  ...{ lastOkAt: null, lastFailedAt: null },
})

function add(count: Count, { at, attempt, durationMs, bytes, waitedMs = 0, outcome }: CountedCall): void {
  count.calls++
  if (attempt > 1) count.retries++
  count.bytes += bytes
  count.waitMs += waitedMs
  const bucket = latencyBucket(durationMs)
  count.latency[bucket] = (count.latency[bucket] ?? 0) + 1
  const isFailed = isServiceFailure(outcome)
  if (isFailed) count.failed++
  if (outcome !== 'ok') count.errors[outcome] = (count.errors[outcome] ?? 0) + 1
  if (isFailed) count.lastFailedAt = at.toISOString()
  else count.lastOkAt = at.toISOString()
}

async function addCounts(db: Db, counts: readonly Count[]): Promise<void> {
  const rows = counts.map(({ owner, ...count }) => ({ ...owner, ...count }))
  await sql`
    insert into call_stats as c (hour, connection_id, call_group, partner_id, provider, calls, failed, retries, bytes, wait_ms, errors, latency,
      last_ok_at, last_failed_at)
    select t.hour, t."connectionId", t."group", t."partnerId", t.provider, t.calls, t.failed, t.retries, t.bytes, t."waitMs", t.errors,
      array(select jsonb_array_elements_text(t.latency)::bigint), t."lastOkAt", t."lastFailedAt"
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as t (hour timestamptz, "connectionId" text, "group" text, "partnerId" text,
      provider text, calls bigint, failed bigint, retries bigint, bytes bigint, "waitMs" bigint, errors jsonb, latency jsonb, "lastOkAt" timestamptz,
      "lastFailedAt" timestamptz)
    -- In one order everywhere, so that two processes do not wait for each other.
    order by 1, 2, 3
    on conflict (hour, connection_id, call_group) do update set
      calls = c.calls + excluded.calls, failed = c.failed + excluded.failed, retries = c.retries + excluded.retries,
      bytes = c.bytes + excluded.bytes, wait_ms = c.wait_ms + excluded.wait_ms,
      errors = (select coalesce(jsonb_object_agg(key, sum), '{}') from (
        select key, sum(value::bigint) from (
          select * from jsonb_each_text(c.errors) union all select * from jsonb_each_text(excluded.errors)) as u group by key) as added),
      latency = array(select coalesce(a, 0) + coalesce(b, 0) from unnest(c.latency, excluded.latency) with ordinality as l (a, b, n) order by n),
      last_ok_at = greatest(c.last_ok_at, excluded.last_ok_at), last_failed_at = greatest(c.last_failed_at, excluded.last_failed_at)
  `.execute(db)
}

export interface GroupStats {
  readonly group: string
  readonly calls: number
  readonly failed: number
  readonly retries: number
  readonly bytes: number
  readonly errors: JsonObject
  readonly latency: readonly number[]
}

/** Sums since `from` by group of endpoints, of a provider or one of its connections; the busiest group first. */
export async function groupStats(
  db: Db,
  query: { readonly provider: string; readonly connectionId?: string | undefined; readonly from: Date },
): Promise<GroupStats[]> {
  const { provider, connectionId, from } = query
  const found = await sql<GroupStats>`
    with chosen as materialized (
      select * from call_stats where provider = ${provider} and hour >= date_trunc('hour', ${from}::timestamptz)
        ${connectionId === undefined ? sql`` : sql`and connection_id = ${connectionId}`}),
    by_bucket as (select call_group, n, sum(count)::bigint as count from chosen, unnest(latency) with ordinality as l (count, n) group by 1, 2),
    by_error as (select call_group, key, sum(value::bigint)::bigint as count from chosen, jsonb_each_text(errors) group by 1, 2)
    select call_group as "group", sum(calls)::bigint as calls, sum(failed)::bigint as failed, sum(retries)::bigint as retries,
      sum(bytes)::bigint as bytes,
      (select coalesce(jsonb_object_agg(key, count), '{}') from by_error e where e.call_group = c.call_group) as errors,
      (select array_agg(count order by n) from by_bucket b where b.call_group = c.call_group) as latency
    from chosen c group by call_group order by sum(calls) desc
  `.execute(db)
  return found.rows
}
