/** The shared buckets do what the arithmetic says, and never give one permit twice. */
import fc from 'fast-check'
import { takePermits, type BucketState } from '../model/bucket.ts'
import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { leasePermits, returnPermits } from './call-buckets.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test?.drop())

const begin = Date.parse('2026-11-29T12:00:00Z')
let made = 0

describe('shared buckets', () => {
  it('give what the arithmetic of the model gives', async () => {
    const { db } = test.database
    const story = fc.array(
      fc.record({
        afterMs: fc.integer({ min: -50, max: 4_000 }),
        wanted: fc.integer({ min: 1, max: 150 }),
      }),
      { minLength: 1, maxLength: 12 },
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), story, async (capacity, asks) => {
        const key = `story-${made++}`
        const rate = { capacity, windowMs: 10_000 }
        let state: BucketState = { tokens: capacity, at: begin }
        let now = begin
        for (const [n, { afterMs, wanted }] of asks.entries()) {
          now += afterMs
          const expected = takePermits(state, rate, wanted, now)
          state = expected.state
          const leased = await leasePermits(db, [{ key, rate, wanted }], new Date(now))
          // The first one finds no bucket: that begins full, whenever it is.
          if (n === 0) state = { ...state, at: now }
          expect(leased.get(key)?.given).toBe(expected.given)
          expect(leased.get(key)?.tokens).toBeCloseTo(state.tokens, 4)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('never give one permit twice, however many ask at once and in whatever order', async () => {
    const { db } = test.database
    const rate = { capacity: 100, windowMs: 3_600_000 }
    const [a, b] = ['twice-a', 'twice-b']
    const answers = await Promise.all(
      Array.from({ length: 80 }, (_, n) =>
        leasePermits(
          db,
          (n % 2 ? [a, b] : [b, a]).map((key) => ({ key, rate, wanted: 3 })),
        ),
      ),
    )
    for (const key of [a, b]) {
      const given = answers.reduce((sum, one) => sum + (one.get(key)?.given ?? 0), 0)
      expect(given).toBe(100)
    }
  })

  it('take back what was not used, and hold no more than the limit', async () => {
    const { db } = test.database
    const rate = { capacity: 10, windowMs: 3_600_000 }
    const ask = async (wanted: number) =>
      (await leasePermits(db, [{ key: 'back', rate, wanted }])).get('back')?.given
    expect(await ask(8)).toBe(8)
    await returnPermits(db, [{ key: 'back', permits: 3 }])
    expect(await ask(10)).toBe(5)
    await returnPermits(db, [{ key: 'back', permits: 1_000 }])
    expect(await ask(100)).toBe(10)
  })

  it('of a limit that was raised have at once what it was raised by; a lowered one has no more than it says', async () => {
    const { db } = test.database
    const ask = async (capacity: number, wanted: number) =>
      (await leasePermits(db, [{ key: 'raised', rate: { capacity, windowMs: 3_600_000 }, wanted }])).get(
        'raised',
      )?.given
    expect(await ask(10, 10)).toBe(10)
    expect(await ask(10, 1)).toBe(0)
    expect(await ask(50, 100)).toBe(40)
    await returnPermits(db, [{ key: 'raised', permits: 50 }])
    expect(await ask(5, 100)).toBe(5)
  })
})
