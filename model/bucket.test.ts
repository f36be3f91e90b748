import fc from 'fast-check'
import { leaseSize, msUntil, refilled, takePermits, type BucketState } from './bucket.ts'

const rates = fc.record({
  capacity: fc.integer({ min: 1, max: 5_000 }),
  windowMs: fc.constantFrom(1_000, 10_000, 60_000),
})
const asks = fc.array(
  fc.record({ afterMs: fc.integer({ min: -500, max: 30_000 }), wanted: fc.integer({ min: 1, max: 6_000 }) }),
  { maxLength: 60 },
)

describe('a bucket of permits', () => {
  it('gives in no stretch of time more than it holds and what is refilled in it', () => {
    fc.assert(
      fc.property(rates, asks, (rate, all) => {
        let state: BucketState = { tokens: rate.capacity, at: 0 }
        let now = 0
        let latest = 0
        const gifts: { at: number; given: number }[] = []
        for (const { afterMs, wanted } of all) {
          now += afterMs
          latest = Math.max(latest, now)
          const taken = takePermits(state, rate, wanted, now)
          expect(taken.given).toBeLessThanOrEqual(wanted)
          expect(taken.state.tokens).toBeGreaterThan(-0.00001)
          state = taken.state
          gifts.push({ at: latest, given: taken.given })
        }
        gifts.forEach((first, i) => {
          let sum = 0
          for (const { at, given } of gifts.slice(i)) {
            sum += given
            expect(sum).toBeLessThanOrEqual(
              rate.capacity * (1 + (at - first.at) / rate.windowMs) + 0.0001 * gifts.length,
            )
          }
        })
      }),
    )
  })

  it('has a permit when it has said that it will, and not a second before', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 100 }), (rate, wished) => {
        const wanted = Math.min(wished, rate.capacity)
        const empty = { tokens: 0, at: 0 }
        const ms = msUntil(empty, rate, wanted)
        expect(takePermits(empty, rate, wanted, ms).given).toBe(wanted)
        expect(refilled(empty, rate, ms - 1).tokens).toBeLessThan(wanted)
      }),
    )
  })

  it('is leased by a twentieth, and by one where that is less', () => {
    expect([1, 19, 20, 100, 1_000_000].map((capacity) => leaseSize({ capacity, windowMs: 1 }))).toEqual([
      1, 1, 1, 5, 500,
    ])
  })
})
