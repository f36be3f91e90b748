/** Processes that share a limit: each has leases of its own on the one database. */
import { createLog } from '../../platform/log.ts'
import { openDatabase } from '../../db/client.ts'
import { leasePermits } from '../../db/call-buckets.ts'
import { leaseSize } from '../../model/bucket.ts'
import { createTestDatabase, type TestDatabase } from '../../test/harness/postgres.ts'
import { freePorts } from '../../cli/up/ports.ts'
import { createLeases, type Leases } from './leases.ts'

let test: TestDatabase
const log = createLog('test', 'silent')
const open: Leases[] = []
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(async () => {
  for (const one of open) await one.close()
  await test?.drop()
})

function process(now: () => number = Date.now, db = test.database.db): Leases {
  const leases = createLeases({ db, log, now })
  open.push(leases)
  return leases
}

/** Nothing to speak of is refilled while a test lasts. */
const windowMs = 100 * 3_600_000
const bucket = (key: string, capacity: number) => ({ key, rate: { capacity, windowMs } })

async function admitted(leases: Leases, buckets: ReturnType<typeof bucket>[], asks: number): Promise<number> {
  const met = await Promise.all(Array.from({ length: asks }, () => leases.take(buckets)))
  return met.filter((one) => one === undefined).length
}

describe('leases of permits', () => {
  it('of two processes under many parallel requests admit exactly the limit together', async () => {
    const limit = bucket('both', 200)
    const [one, two] = [process(), process()]
    let total = 0
    for (let round = 0; round < 5; round++) {
      const counts = await Promise.all([admitted(one, [limit], 60), admitted(two, [limit], 60)])
      total += counts[0] + counts[1]
    }
    expect(total).toBe(200)
  })

  it('hold back from others no more than a twentieth', async () => {
    const limit = bucket('held', 200)
    const [one, two] = [process(), process()]
    expect(await admitted(one, [limit], 1)).toBe(1)
    const rest = await admitted(two, [limit], 300)
    expect(rest).toBeLessThanOrEqual(199)
    expect(rest).toBeGreaterThanOrEqual(200 - leaseSize(limit.rate))
  })

  it('take of several limits one each or none: what is refused costs the others nothing', async () => {
    const [wide, narrow] = [bucket('wide', 100), bucket('narrow', 5)]
    const leases = process()
    expect(await admitted(leases, [wide, narrow], 50)).toBe(5)
    const met = await leases.take([wide, narrow])
    expect(met?.bucket.key).toBe('narrow')
    expect(met?.waitMs).toBeGreaterThan(0)
    expect(await admitted(leases, [wide], 200)).toBe(95)
  })

  it('say without asking Postgres that a limit is met', async () => {
    const leases = process()
    const limit = bucket('empty', 3)
    expect(await admitted(leases, [limit], 10)).toBe(3)
    await leasePermits(test.database.db, [{ ...bucket('empty', 50), wanted: 1 }])
    // It would have permits now; until its time this process does not ask.
    expect(await admitted(leases, [limit], 10)).toBe(0)
  })

  it('that lie idle go back to the others', async () => {
    let ahead = 0
    const idle = process(() => Date.now() + ahead)
    const limit = bucket('idle', 100)
    expect(await admitted(idle, [limit], 1)).toBe(1)
    ahead = 5_000
    const other = process()
    const end = Date.now() + 20_000
    let total = 1
    while (total < 100 && Date.now() < end) {
      // Each asks anew: a process that was told there is nothing would believe it.
      const given =
        (await leasePermits(test.database.db, [{ ...limit, wanted: 100 }])).get('idle')?.given ?? 0
      total += given
      await new Promise((next) => setTimeout(next, 50))
    }
    expect(total).toBe(100)
    expect(await admitted(other, [limit], 1)).toBe(0)
  })

  it('a changed limit holds at once', async () => {
    const leases = process()
    expect(await admitted(leases, [bucket('changed', 4)], 10)).toBe(4)
    expect(await admitted(leases, [bucket('changed', 10)], 20)).toBe(6)
    expect(await admitted(leases, [bucket('changed', 2)], 20)).toBe(0)
  })

  it('without Postgres each process admits one lease and what is refilled, no more', async () => {
    const [port] = await freePorts(1)
    const away = openDatabase({ url: `postgres://nobody@127.0.0.1:${port}/none`, applicationName: 'away' })
    const leases = process(Date.now, away.db)
    expect(await admitted(leases, [bucket('away', 100)], 50)).toBe(leaseSize(bucket('away', 100).rate))
    expect(await admitted(leases, [bucket('away', 100)], 50)).toBe(0)
    await away.close()
  })
})
