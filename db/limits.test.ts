import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { openDatabase } from './client.ts'
import { createLimiter } from './limits.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

const start = new Date('2026-11-01T00:00:00Z')
const after = (ms: number) => new Date(start.getTime() + ms)

describe('rate-limit leases', () => {
  it('never gives more than the bucket holds, however many processes ask', async () => {
    const pools = Array.from({ length: 4 }, () =>
      openDatabase({ url: test.url, poolSize: 5, applicationName: 'limits' }),
    )
    const limit = { limit: 50, windowMs: 10_000 }
    const asked = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        createLimiter(pools[n % 4]?.db ?? test.database.db).lease([{ key: 'a', limit }], 'webhook', start),
      ),
    )
    await Promise.all(pools.map((pool) => pool.close()))
    expect(asked.filter((one) => one.retryAt === undefined)).toHaveLength(50)
  })

  it('takes from all buckets or from none', async () => {
    const limiter = createLimiter(test.database.db)
    const [wide, narrow] = [
      { key: 'wide', limit: { limit: 10, windowMs: 10_000 } },
      { key: 'narrow', limit: { limit: 1, windowMs: 10_000 } },
    ]
    expect((await limiter.lease([wide, narrow], 'webhook', start)).retryAt).toBeUndefined()
    for (let i = 0; i < 5; i++)
      expect((await limiter.lease([wide, narrow], 'webhook', start)).retryAt).toEqual(after(10_000))
    for (let i = 0; i < 9; i++)
      expect((await limiter.lease([wide], 'webhook', start)).retryAt).toBeUndefined()
    expect((await limiter.lease([wide], 'webhook', start)).retryAt).toEqual(after(1_000))
  })

  it('keeps a reserve for the lanes above', async () => {
    const limiter = createLimiter(test.database.db)
    const wish = [{ key: 'lanes', limit: { limit: 100, windowMs: 100_000 } }]
    const take = async (lane: 'webhook' | 'interactive' | 'incremental' | 'backfill') => {
      let n = 0
      while ((await limiter.lease(wish, lane, start)).retryAt === undefined) n++
      return n
    }
    expect(await take('backfill')).toBe(60)
    expect(await take('incremental')).toBe(20)
    expect(await take('interactive')).toBe(15)
    expect(await take('webhook')).toBe(5)
  })

  it('lets the lowest lane use a bucket of one', async () => {
    const limiter = createLimiter(test.database.db)
    const wish = [{ key: 'single', limit: { limit: 1, windowMs: 1_000 } }]
    expect((await limiter.lease(wish, 'backfill', start)).retryAt).toBeUndefined()
    expect((await limiter.lease(wish, 'backfill', start)).retryAt).toEqual(after(1_000))
    expect((await limiter.lease(wish, 'backfill', after(1_000))).retryAt).toBeUndefined()
  })

  it('learns capacity and remaining from the provider, and waits out a block', async () => {
    const limiter = createLimiter(test.database.db)
    const limit = { limit: 700, windowMs: 60_000 }
    const wish = [{ key: 'learnt', limit }]
    await limiter.lease(wish, 'webhook', start)
    await limiter.learn('learnt', { limit: 200, remaining: 1 }, limit, start)
    expect((await limiter.lease(wish, 'webhook', start)).retryAt).toBeUndefined()
    expect((await limiter.lease(wish, 'webhook', start)).retryAt).toEqual(after(300))
    await limiter.block('learnt', after(5_000), limit)
    expect((await limiter.lease(wish, 'webhook', after(1_000))).retryAt?.getTime()).toBeGreaterThanOrEqual(
      after(5_000).getTime(),
    )
    expect((await limiter.lease(wish, 'webhook', after(6_000))).retryAt).toBeUndefined()
  })

  it('gives no more than refills, though the clocks of the callers differ', async () => {
    const limiter = createLimiter(test.database.db)
    const wish = [{ key: 'clocks', limit: { limit: 10, windowMs: 10_000 } }]
    let given = 0
    for (let ms = 0; ms < 10_000; ms += 100) {
      const { retryAt } = await limiter.lease(
        wish,
        'webhook',
        after(ms % 200 === 0 ? ms : Math.max(0, ms - 900)),
      )
      if (retryAt === undefined) given++
    }
    expect(given).toBeGreaterThanOrEqual(18)
    expect(given).toBeLessThanOrEqual(20)
  })

  it('has the token at the moment it named', async () => {
    const limiter = createLimiter(test.database.db)
    for (const [limit, windowMs] of [
      [7, 1_000],
      [700, 60_000],
      [3, 999],
    ] as const) {
      const wish = [{ key: `named-${limit}`, limit: { limit, windowMs } }]
      let now = start
      for (let i = 0; i < 40; i++) {
        const { retryAt } = await limiter.lease(wish, 'backfill', now)
        if (retryAt === undefined) continue
        expect(retryAt.getTime()).toBeGreaterThan(now.getTime())
        now = retryAt
        expect((await limiter.lease(wish, 'backfill', now)).retryAt).toBeUndefined()
      }
    }
  })

  it('takes one token where two wishes name the same bucket, and makes a missing one on the way', async () => {
    const limiter = createLimiter(test.database.db)
    const known = { key: 'known', limit: { limit: 2, windowMs: 10_000 } }
    const fresh = { key: 'fresh', limit: { limit: 2, windowMs: 10_000 } }
    expect((await limiter.lease([known, known], 'webhook', start)).retryAt).toBeUndefined()
    expect((await limiter.lease([known, fresh], 'webhook', start)).retryAt).toBeUndefined()
    expect((await limiter.lease([known], 'webhook', start)).retryAt).toEqual(after(5_000))
    expect((await limiter.lease([fresh], 'webhook', start)).retryAt).toBeUndefined()
  })

  it('ignores a nonsensical limit in a header', async () => {
    const limiter = createLimiter(test.database.db)
    const limit = { limit: 4, windowMs: 1_000 }
    await limiter.learn('nonsense', { limit: 0, remaining: -1 }, limit, start)
    expect((await limiter.lease([{ key: 'nonsense', limit }], 'webhook', start)).retryAt).toEqual(after(250))
  })
})
