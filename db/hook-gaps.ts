/** Events that a provider has counted and that never came. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface HookGap {
  readonly provider: string
  /** Inclusive, like `lastMissing`. */
  readonly firstMissing: number
  readonly lastMissing: number
}

/** A gap is looked for among what came in this time. */
const lookBackDays = 7
/** What lies between two numbers that came further apart than this is no gap: the provider has begun to count anew. */
const newCountAfter = '1 day'

/**
 * Stores the gaps of a provider's count that were not known and that are older than `settledBefore`: until then what is missing
 * may still be on its way. @returns the new ones.
 */
export async function noteHookGaps(
  db: Db,
  provider: string,
  now: Date,
  settledBefore: Date,
): Promise<HookGap[]> {
  const found = await sql<HookGap>`
    with counted as (
      select sequence, min(received_at) as received_at from inbox_events
      where provider = ${provider} and sequence is not null and received_at > ${now}::timestamptz - make_interval(days => ${lookBackDays})
      group by sequence
    ), pairs as (
      select sequence, received_at, lead(sequence) over by_number as next, lead(received_at) over by_number as next_at
      from counted window by_number as (order by sequence)
    )
    insert into hook_gaps (provider, first_missing, last_missing, found_at)
    select ${provider}, sequence + 1, next - 1, ${now}::timestamptz from pairs
    where next > sequence + 1 and next_at < ${settledBefore}::timestamptz and next_at > received_at - ${newCountAfter}::interval
    on conflict do nothing
    returning provider, first_missing, last_missing
  `.execute(db)
  return found.rows
}

/** Those that were found at or after a moment, in the order of their numbers. */
export async function hookGapsSince(db: Db, since: Date): Promise<HookGap[]> {
  const found = await sql<HookGap>`
    select provider, first_missing, last_missing from hook_gaps where found_at >= ${since}::timestamptz order by provider, first_missing
  `.execute(db)
  return found.rows
}
