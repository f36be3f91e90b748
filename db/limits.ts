/**
 * Rate-limit leases, shared by all processes: token buckets in Postgres. A bucket holds at most `limit` tokens and is
 * refilled evenly over its window. Lower lanes leave a reserve for those above them.
 */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export type LimitPriority = 'webhook' | 'interactive' | 'incremental' | 'backfill'

export interface BucketLimit {
  readonly limit: number
  readonly windowMs: number
}

export interface Wish {
  readonly key: string
  readonly limit: BucketLimit
}

/** Share of a bucket that each lane leaves alone. */
const reserves: Readonly<Record<LimitPriority, number>> = {
  webhook: 0,
  interactive: 0.05,
  incremental: 0.2,
  backfill: 0.4,
}

export interface LimitStore {
  lease(
    wishes: readonly Wish[],
    priority: LimitPriority,
    now: Date,
  ): Promise<{ readonly retryAt: Date | undefined }>
  learn(
    key: string,
    lesson: { readonly limit?: number; readonly remaining?: number; readonly resetAt?: Date },
    limit: BucketLimit,
    now: Date,
  ): Promise<void>
  block(key: string, until: Date, limit: BucketLimit): Promise<void>
}

/** Tokens that a bucket (`b`) has at a moment (`w.now`). */
export const refilled = sql`least(b.capacity, b.tokens + b.capacity * greatest(0, extract(epoch from (w.now - b.refilled_at)) * 1000) / b.window_ms)`
/**
 * How long a call counts in the rate of its bucket: a quarter of the window, so that a burst shows while it lasts; never
 * so short that a pause between two calls looks like an end.
 */
export const fadingMs = sql`greatest(b.window_ms / 4, 10000)`
/** Calls lately, fading. Postgres takes an underflow of `exp` for an error. */
export const recentCalls = sql`(b.recent_calls * exp(greatest(-50, least(0, extract(epoch from (b.counted_at - w.now)) * 1000 / ${fadingMs}))))`
/**
 * Up to when a bucket counts as refilled after this moment. Never back, or callers whose clocks differ would refill the
 * same time twice; at most a window ahead, or one clock that runs far ahead would dry the bucket for all others.
 */
const refilledAt = sql`greatest(w.now, least(b.refilled_at, w.now + make_interval(secs => b.window_ms / 1000.0)))`

/**
 * A lease store on `db`. `lease` takes one token from each bucket or none at all, in one statement: rows are locked in
 * key order, so that two callers cannot wait for each other.
 */
export function createLimiter(db: Db): LimitStore {
  return {
    lease: async (wishes, priority, now) => {
      if (wishes.length === 0) return { retryAt: undefined }
      const keys = [...new Set(wishes.map((wish) => wish.key))]
      const verdict = await takeOfEach(db, keys, priority, now)
      if (verdict.buckets === keys.length) return { retryAt: verdict.retryAt ?? undefined }
      await makeBuckets(db, wishes, now)
      const { retryAt } = await takeOfEach(db, keys, priority, now)
      return { retryAt: retryAt ?? undefined }
    },
    learn: async (key, lesson, limit, now) => {
      await makeBuckets(db, [{ key, limit }], now)
      const capacity = lesson.limit !== undefined && lesson.limit > 0 ? lesson.limit : null
      const remaining = lesson.remaining === undefined ? null : Math.max(0, lesson.remaining)
      const exhaustedUntil = remaining === 0 ? (lesson.resetAt ?? null) : null
      await sql`
        update rate_buckets b set capacity = coalesce(${capacity}::float8, b.capacity),
          tokens = least(coalesce(${capacity}::float8, b.capacity), case when ${capacity}::float8 > b.capacity then ${refilled} + ${capacity}::float8 - b.capacity else ${refilled} end,
            coalesce(${remaining}::float8, 'infinity'::float8)),
          refilled_at = ${refilledAt}, blocked_until = greatest(b.blocked_until, ${exhaustedUntil}::timestamptz)
        from (select ${now}::timestamptz as now) w where b.bucket_key = ${key}
      `.execute(db)
    },
    block: async (key, until, limit) => {
      await makeBuckets(db, [{ key, limit }], new Date())
      await sql`
        update rate_buckets set blocked_until = greatest(blocked_until, ${until}::timestamptz) where bucket_key = ${key}
      `.execute(db)
    },
  }
}

/**
 * Takes a token of every bucket, if each has one to spare for this lane. `buckets` counts those that exist: nothing is
 * taken when one is missing. The moment to come again is rounded up to what a `Date` can hold, and a millionth of a token
 * is let pass: whoever comes at that moment finds the token.
 */
async function takeOfEach(
  db: Db,
  keys: readonly string[],
  priority: LimitPriority,
  now: Date,
): Promise<{ readonly retryAt: Date | null; readonly buckets: number }> {
  const found = await sql<{ retryAt: Date | null; buckets: number }>`
    with w as (select ${now}::timestamptz as now),
    locked as (
      select b.bucket_key, b.capacity, b.window_ms, b.blocked_until, ${refilled} as available, ${refilledAt} as refilled_at,
        1 + case when b.capacity > 1 then floor(b.capacity * ${reserves[priority]}::float8) else 0 end as needed
      from rate_buckets b, w where b.bucket_key = any (${keys}::text[]) order by b.bucket_key for update of b
    ),
    judged as (
      select count(*) as buckets, max(greatest(
        case when blocked_until > w.now then blocked_until end,
        case when available + 0.000001 < needed then date_trunc('milliseconds', greatest(w.now, refilled_at)
          + make_interval(secs => (needed - available) * window_ms / capacity / 1000.0) + interval '999 microseconds') end
      )) as retry_at from locked, w
    ),
    taken as (
      update rate_buckets b set tokens = l.available - 1, refilled_at = l.refilled_at,
        recent_calls = ${recentCalls} + 1, counted_at = greatest(b.counted_at, w.now)
      from locked l, judged j, w where b.bucket_key = l.bucket_key and j.retry_at is null and j.buckets = ${keys.length}
    )
    select retry_at, buckets from judged
  `.execute(db)
  return found.rows[0] ?? { retryAt: null, buckets: 0 }
}

/** New buckets begin full. */
async function makeBuckets(db: Db, wishes: readonly Wish[], now: Date): Promise<void> {
  await sql`
    insert into rate_buckets (bucket_key, tokens, capacity, window_ms, refilled_at, counted_at)
    select t.key, t.capacity, t.capacity, t.window_ms, ${now}::timestamptz, ${now}::timestamptz
    from unnest(${wishes.map((wish) => wish.key)}::text[], ${wishes.map((wish) => wish.limit.limit)}::float8[],
      ${wishes.map((wish) => wish.limit.windowMs)}::float8[]) as t (key, capacity, window_ms)
    on conflict do nothing
  `.execute(db)
}
