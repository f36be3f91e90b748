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
})
