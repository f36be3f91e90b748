/**
 * Permits for calls to the API, shared by all of its processes: buckets in Postgres that each process takes leases from
 * (`api/limits/leases.ts`). By the clock of Postgres, so that processes whose clocks differ share one time.
 */
import { sql } from 'kysely'
import type { BucketRate } from '../model/bucket.ts'
import type { Db } from './client.ts'

export interface LeaseWish {
  readonly key: string
  readonly rate: BucketRate
  readonly wanted: number
}

export interface Leased {
  readonly given: number
  /** What is left for others. */
  readonly tokens: number
}

/** What is in a bucket (`b`) now, by the limit that is asked for now (`excluded`): a limit that was raised adds what it was raised by. */
const available = sql`least(excluded.capacity, b.tokens + greatest(0, excluded.capacity - b.capacity) + excluded.capacity
  * greatest(0, extract(epoch from (excluded.refilled_at - b.refilled_at)) * 1000) / excluded.window_ms)`
const given = sql`greatest(0, least(excluded.given, floor(${available} + 0.000001)))`

/**
 * Takes permits of several buckets, of each as many as there are and at most as many as are wanted. A bucket that is not there
 * is full. Rows are taken in the order of their keys, so that two who ask cannot wait for each other.
 * @param now of tests only; by the clock of Postgres when left out.
 */
export async function leasePermits(
  db: Db,
  wishes: readonly LeaseWish[],
  now?: Date,
): Promise<Map<string, Leased>> {
  const found = await sql<Leased & { bucketKey: string }>`
    insert into call_buckets as b (bucket_key, tokens, capacity, window_ms, refilled_at, given)
    select w.key, w.capacity - least(w.wanted, floor(w.capacity)), w.capacity, w.window_ms, coalesce(${now ?? null}::timestamptz, now()),
      least(w.wanted, floor(w.capacity))
    from unnest(${wishes.map(({ key }) => key)}::text[], ${wishes.map(({ rate }) => rate.capacity)}::float8[],
      ${wishes.map(({ rate }) => rate.windowMs)}::float8[], ${wishes.map(({ wanted }) => wanted)}::int[])
      as w (key, capacity, window_ms, wanted)
    order by w.key
    on conflict (bucket_key) do update set tokens = ${available} - ${given}, given = ${given}, capacity = excluded.capacity,
      window_ms = excluded.window_ms, refilled_at = greatest(b.refilled_at, excluded.refilled_at)
    returning bucket_key, given, tokens
  `.execute(db)
  return new Map(found.rows.map(({ bucketKey, ...leased }) => [bucketKey, leased]))
}

/** Gives back what was leased and not used. */
export async function returnPermits(
  db: Db,
  returned: readonly { readonly key: string; readonly permits: number }[],
): Promise<void> {
  await sql`
    with back as (
      select w.key, w.permits from unnest(${returned.map(({ key }) => key)}::text[], ${returned.map(({ permits }) => permits)}::float8[])
        as w (key, permits)
    ), locked as (
      select bucket_key from call_buckets where bucket_key in (select key from back) order by bucket_key for update
    )
    update call_buckets b set tokens = least(b.capacity, b.tokens + back.permits) from back, locked
    where b.bucket_key = back.key and locked.bucket_key = back.key
  `.execute(db)
}

/** Removes buckets that have been full for long: windows are a minute at most. */
export async function sweepBuckets(db: Db): Promise<void> {
  await sql`
    delete from call_buckets where bucket_key in (
      select bucket_key from call_buckets where refilled_at < now() - interval '10 minutes' order by bucket_key limit 10000 for update skip locked)
  `.execute(db)
}
