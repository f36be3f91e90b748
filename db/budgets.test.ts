import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { readBuckets } from './budgets.ts'
import { createLimiter } from './limits.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

const start = new Date('2026-11-01T00:00:00Z')
const after = (minutes: number) => new Date(start.getTime() + minutes * 60_000)
const limit = { limit: 60, windowMs: 3_600_000 }
const read = async (key: string, at: Date) =>
  (await readBuckets(test.database.db, [key, 'nobody'], at)).get(key)
/** Calls so many minutes apart, the first at the start; answers when the last one was. */
async function call(key: string, times: number, minutesApart: number): Promise<Date> {
  const limiter = createLimiter(test.database.db)
  for (let n = 0; n < times; n++) {
    const { retryAt } = await limiter.lease([{ key, limit }], 'webhook', after(n * minutesApart))
    if (retryAt) throw new Error('the bucket is empty')
  }
  return after((times - 1) * minutesApart)
}

describe('what is read of a bucket', () => {
  it('is its tokens as they are at that moment, and nothing of buckets that are not there', async () => {
    await call('tokens', 30, 0)
    expect(await read('tokens', start)).toMatchObject({
      capacity: 60,
      windowMs: 3_600_000,
      blockedUntil: null,
    })
    expect((await read('tokens', start))?.tokens).toBeCloseTo(30)
    expect((await read('tokens', after(10)))?.tokens).toBeCloseTo(40)
    expect((await read('tokens', after(600)))?.tokens).toBe(60)
    expect((await readBuckets(test.database.db, ['nobody'], start)).size).toBe(0)
  })

  it('tells a steady rate, near what it is', async () => {
    const last = await call('steady', 100, 0.75)
    const perHour = ((await read('steady', last))?.callsPerSecond ?? 0) * 3600
    expect(perHour).toBeGreaterThan(72)
    expect(perHour).toBeLessThan(88)
  })

  it('tells a rate that fades when the calls stop, however long ago that was', async () => {
    const last = await call('fading', 20, 0.1)
    const rateAt = async (minutes: number) =>
      (await read('fading', new Date(last.getTime() + minutes * 60_000)))?.callsPerSecond ?? Number.NaN
    expect(await rateAt(15)).toBeCloseTo((await rateAt(0)) / Math.E, 6)
    expect(await rateAt(60 * 24 * 365)).toBeLessThan(1e-9)
  })

  it('goes on counting after a long silence', async () => {
    await call('silence', 5, 0)
    const limiter = createLimiter(test.database.db)
    const late = after(60 * 24 * 365)
    expect((await limiter.lease([{ key: 'silence', limit }], 'webhook', late)).retryAt).toBeUndefined()
    // One call in a quarter of an hour.
    expect((await read('silence', late))?.callsPerSecond).toBeCloseTo(1 / 900, 9)
  })

  it('counts no call that was refused, and shows a block while it lasts', async () => {
    const limiter = createLimiter(test.database.db)
    await call('blocked', 1, 0)
    const before = await read('blocked', start)
    await limiter.block('blocked', after(30), limit)
    expect((await limiter.lease([{ key: 'blocked', limit }], 'webhook', start)).retryAt).toEqual(after(30))
    expect(await read('blocked', start)).toEqual({ ...before, blockedUntil: after(30) })
    expect((await read('blocked', after(31)))?.blockedUntil).toBeNull()
  })
})
