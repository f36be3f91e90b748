/** What the rate limiter knows of budgets: how much is left of each, and how fast it goes. Reads only. */
import { sql } from 'kysely'
import type { Db } from './client.ts'
import { refilled, recentCalls, fadingMs } from './limits.ts'

export interface BucketReading {
  readonly key: string
  readonly capacity: number
  readonly windowMs: number
  /** Tokens that are there now, fractions included. */
  readonly tokens: number
  /** Nobody takes a token before this; null when nothing is blocked now. */
  readonly blockedUntil: Date | null
  /** Calls of the hub per second, lately. */
  readonly callsPerSecond: number
}

/** Buckets by key, as they are at `now`. One that nobody has used yet is not there. */
export async function readBuckets(
  db: Db,
  keys: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, BucketReading>> {
  const found = await sql<BucketReading>`
    select b.bucket_key as key, b.capacity, b.window_ms, ${refilled} as tokens,
      case when b.blocked_until > w.now then b.blocked_until end as blocked_until,
      ${recentCalls} / ${fadingMs} * 1000 as calls_per_second
    from rate_buckets b, (select ${now}::timestamptz as now) w where b.bucket_key = any (${keys}::text[])
  `.execute(db)
  return new Map(found.rows.map((row) => [row.key, row]))
}
