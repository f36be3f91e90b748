import fc from 'fast-check'
import { duration, nextHealth, staleness, type Streak } from './health.ts'
import { addLatency, latencyBucket, latencyBounds, noLatency, percentile } from './latency.ts'

const start: Streak = { state: 'unknown', badInRow: 0, goodInRow: 0 }
const through = (seen: readonly boolean[], from: Streak = start): Streak =>
  seen.reduce((state, ok) => nextHealth(state, { ok }), from)

describe('hysteresis', () => {
  it.each([
    [[true], 'healthy'],
    [[false], 'degraded'],
    [[false, false], 'down'],
    [[false, false, true], 'down'],
    [[false, false, true, true], 'healthy'],
    [[false, true], 'degraded'],
    [[false, true, true], 'healthy'],
    [[false, false, true, false], 'down'],
  ])('%j ends %s', (seen, state) => {
    expect(through(seen).state).toBe(state)
  })

  it('two good answers in a row are always enough, two bad ones always too many', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 30 }), (seen) => {
        expect(through([...seen, true, true]).state).toBe('healthy')
        expect(through([...seen, false, false]).state).toBe('down')
      }),
    )
  })

  it('a flapping connection does not flap between down and healthy', () => {
    const flaps = Array.from({ length: 20 }, (_, n) => n % 2 === 0)
    const states = flaps.map((_, n) => through([false, false, ...flaps.slice(0, n + 1)]).state)
    expect(new Set(states)).toEqual(new Set(['down']))
  })

  it('what is wrong beside the answer makes degraded', () => {
    expect(nextHealth(start, { ok: true }, { freshness: 'old' }).state).toBe('degraded')
  })
})

it('data is stale only beyond its objective', () => {
  expect(staleness(100, 200, 1000)).toBeUndefined()
  expect(staleness(7200, 2100, 9000)).toBe(
    'The last sync that went through is 2 h old; the objective is 35 min.',
  )
  expect(staleness(null, 200, 100)).toBeUndefined()
  expect(staleness(null, 200, 300)).toMatch(/No sync has gone through/)
  expect(duration(93_784)).toBe('1 d 2 h')
})

describe('latencies', () => {
  it('percentiles lie in the bucket of the call that they name', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (calls, share) => {
          const counts = calls.reduce((sum, ms) => {
            sum[latencyBucket(ms)] = (sum[latencyBucket(ms)] ?? 0) + 1
            return sum
          }, noLatency())
          const sorted = [...calls].sort((a, b) => a - b)
          const exact = sorted[Math.max(0, Math.ceil(share * calls.length) - 1)] ?? 0
          const bucket = latencyBucket(exact)
          const found = percentile(counts, share) ?? -1
          expect(found).toBeGreaterThanOrEqual(latencyBounds[bucket - 1] ?? 0)
          expect(found).toBeLessThanOrEqual(latencyBounds[bucket] ?? 30_000)
        },
      ),
    )
    expect(percentile(noLatency(), 0.5)).toBeNull()
    expect(addLatency([1, 2], [3]).slice(0, 3)).toEqual([4, 2, 0])
  })
})
