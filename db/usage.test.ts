/** Usage is counted once, and stays bounded. */
import { sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { ensureAccount, ensurePartner } from './partners.ts'
import { countChanges, tendUsage } from './usage-care.ts'
import { addCalls, claimFlush, readUsage, type CallCount } from './usage.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  const { db } = test.database
  for (const one of ['1', '2']) {
    await ensurePartner(db, { partnerId: `par_${one}`, name: one })
    await ensureAccount(db, { accountId: `acc_${one}`, partnerId: `par_${one}`, name: one })
  }
})
afterAll(() => test?.drop())

const call = (day: string, more: Partial<CallCount> = {}): CallCount => ({
  day,
  partnerId: 'par_1',
  keyId: 'key_1',
  operation: 'listThings',
  class: 'reads',
  connectionId: '',
  accountId: '',
  calls: 10,
  errors: 1,
  refused: 2,
  bytes: 100,
  ...more,
})

describe('usage', () => {
  it('of a batch that is sent again counts once', async () => {
    const { db } = test.database
    const send = (seq: number) =>
      db.transaction().execute(async (tx) => {
        if (!(await claimFlush(tx, 'process-1', seq))) return false
        await addCalls(tx, [call('2026-11-02')])
        return true
      })
    expect([await send(1), await send(1), await send(2), await send(2), await send(1)]).toEqual([
      true,
      false,
      true,
      false,
      false,
    ])
    const [day] = await readUsage(db, { from: '2026-11-01', to: '2026-11-30', groupBy: 'day', limit: 10 })
    expect(day).toMatchObject({ group: '2026-11-02', calls: 20, errors: 2, refused: 4, bytes: 200 })
  })

  it('names an account only to the partner that it belongs to, and to those above', async () => {
    const { db } = test.database
    const own = call('2026-10-01', { accountId: 'acc_1' })
    await addCalls(db, [own, { ...own, accountId: 'acc_2' }, { ...own, accountId: 'acc_unknown' }])
    const rows = await readUsage(db, { from: '2026-10-01', to: '2026-10-01', groupBy: 'account', limit: 10 })
    expect(rows.map(({ group, calls }) => [group, calls])).toEqual([
      ['', 20],
      ['acc_1', 10],
    ])
  })

  it('of old days becomes months, of old months nothing, and doing it again changes nothing', async () => {
    const { db } = test.database
    const days = ['2026-05-03', '2026-05-20', '2026-06-30', '2020-01-01']
    await addCalls(
      db,
      days.flatMap((day) => [call(day), call(day, { keyId: 'key_2' })]),
    )
    await sql`insert into usage_accounts (day, partner_id, account_id, records_changed, records_held, connections)
      values ('2026-05-03', 'par_1', 'acc_1', 5, 100, 2), ('2026-05-20', 'par_1', 'acc_1', 7, 90, 3)`.execute(
      db,
    )
    const read = () => readUsage(db, { from: '2026-01-01', to: '2026-06-30', groupBy: 'day', limit: 10 })
    expect(await tendUsage(db, new Date('2026-10-15T00:00:00Z'))).toBe(true)
    const months = [
      { group: '2026-05-01', calls: 40, errors: 4, recordsChanged: 12, recordsHeld: 100, connections: 3 },
      { group: '2026-06-01', calls: 20, errors: 2, recordsChanged: 0 },
    ]
    expect(await read()).toMatchObject(months)
    expect(await tendUsage(db, new Date('2026-10-15T00:05:00Z'))).toBe(false)
    expect(await tendUsage(db, new Date('2026-10-15T00:15:00Z'))).toBe(true)
    expect(await read()).toMatchObject(months)
    // A process that was away writes down a day that is a month already.
    await addCalls(db, [call('2026-05-04')])
    await tendUsage(db, new Date('2026-10-15T01:00:00Z'))
    expect(await read()).toMatchObject([{ group: '2026-05-01', calls: 50 }, {}])
    const old = await readUsage(db, { from: '2019-01-01', to: '2021-01-01', groupBy: 'day', limit: 10 })
    expect(old).toEqual([])
  })

  it('counts each change of the feed once, whoever counts', async () => {
    const { db } = test.database
    await sql`insert into changes (partner_id, account_id, connection_id, resource, external_id, model, effect, version)
      select 'par_2', 'acc_2', 'con_x', 'tickets', n::text, 'ticket', 'created', 1 from generate_series(1, 500) n`.execute(
      db,
    )
    const count = async () => {
      await Promise.all(Array.from({ length: 6 }, () => countChanges(db)))
      const used = await sql<{ used: number }>`
        select used from quota_usage where partner_id = 'par_2' and quota = 'records'`.execute(db)
      return used.rows[0]?.used ?? 0
    }
    const end = Date.now() + 30_000
    let used = 0
    // Another test's transaction may hold the end of the feed back for a moment.
    while (used < 500 && Date.now() < end) used = await count()
    expect(used).toBe(500)
    expect(await count()).toBe(500)
  })
})
