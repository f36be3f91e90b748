/**
 * The arithmetic of a bucket of permits: it holds `capacity` at most and is refilled evenly over its window. `db/call-buckets.ts` does the
 * same in SQL; a test holds the two against each other.
 */

export interface BucketRate {
  readonly capacity: number
  readonly windowMs: number
}

export interface BucketState {
  readonly tokens: number
  /** Milliseconds. */
  readonly at: number
}

/** Sums of fractions arrive a trifle short of whole numbers. */
const trifle = 0.000001

/** The bucket at a later moment. Time that runs backwards refills nothing and takes nothing. */
export function refilled(state: BucketState, { capacity, windowMs }: BucketRate, now: number): BucketState {
  const passed = Math.max(0, now - state.at)
  const tokens = Math.min(capacity, state.tokens + (capacity * passed) / windowMs)
  return { tokens, at: Math.max(now, state.at) }
}

/** Takes whole permits, as many as there are and at most so many as are wanted. */
export function takePermits(
  state: BucketState,
  rate: BucketRate,
  wanted: number,
  now: number,
): { readonly state: BucketState; readonly given: number } {
  const full = refilled(state, rate, now)
  const given = Math.max(0, Math.min(wanted, Math.floor(full.tokens + trifle)))
  return { state: { ...full, tokens: full.tokens - given }, given }
}

/** How long until so many permits are there; 0 when they are. */
export function msUntil(state: BucketState, { capacity, windowMs }: BucketRate, wanted: number): number {
  return Math.max(0, Math.ceil(((Math.min(wanted, capacity) - state.tokens) * windowMs) / capacity))
}

/**
 * How many permits a process takes at a time: a twentieth of the limit. What it holds unused is what the others miss, so
 * a small limit is taken one by one; the largest leases spare enough round trips.
 */
export const leaseSize = ({ capacity }: BucketRate): number =>
  Math.max(1, Math.min(500, Math.floor(capacity / 20)))
