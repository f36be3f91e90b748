/** Latencies counted in buckets: small enough to keep per connection and hour, exact enough for percentiles. */

/** Upper bounds in milliseconds; one more bucket holds what is slower. */
export const latencyBounds = [
  25, 50, 100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 10_000, 30_000,
] as const

export const noLatency = (): number[] => latencyBounds.map(() => 0).concat(0)

/** The bucket that a call of so many milliseconds belongs to. */
export function latencyBucket(ms: number): number {
  const index = latencyBounds.findIndex((bound) => ms <= bound)
  return index === -1 ? latencyBounds.length : index
}

/** Milliseconds that the given share of calls stayed below, interpolated within its bucket; null without calls. */
export function percentile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, one) => sum + one, 0)
  if (total === 0) return null
  let left = share * total
  for (const [index, count] of counts.entries()) {
    const from = latencyBounds[index - 1] ?? 0
    const to = latencyBounds[index]
    if (count > 0 && left <= count)
      return Math.round(to === undefined ? from : from + ((to - from) * left) / count)
    left -= count
  }
  return latencyBounds.at(-1) ?? null
}

export const addLatency = (a: readonly number[], b: readonly number[]): number[] =>
  noLatency().map((_, index) => (a[index] ?? 0) + (b[index] ?? 0))
