/** The stream of events: one order over changes and happenings, without gaps, and the plans of what is asked all the time. */
import { sql } from 'kysely'
import { planOf, type Plan } from '../test/harness/plans.ts'
import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import type { ChangeCursor } from './changes.ts'
import { asTenant, type Db } from './client.ts'
import { claimDelivery, listDeliveries, listWaiting, waitingOf } from './deliveries.ts'
import { listSleepers } from './endpoints.ts'
import { getEvents, scanEvents, tellEvent } from './events.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  await fill(test.database.db)
}, 120_000)
afterAll(() => test.drop())

/** 100 partners with 400 endpoints, 120,000 changes, 30,000 happenings, 60,000 deliveries. */
async function fill(db: Db): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(db)
  await run(`insert into partners (partner_id, name) select 'par_' || n, 'p' from generate_series(0, 99) n`)
  await run(`insert into changes (transaction_id, seq, partner_id, account_id, connection_id, resource, external_id, model, effect, version, created_at)
    overriding system value select (3 + n / 400)::text::xid8, n, 'par_' || n % 100, 'a', 'con_' || n % 40, 'tickets', 'x' || n,
      case when n % 1000 = 1 then 'invoice' else 'ticket' end, 'created', 1, now() - n * interval '1 minute'
    from generate_series(1, 120000) n`)
  await run(`insert into hub_events (transaction_id, seq, partner_id, type, subject, created_at)
    select (3 + n / 100)::text::xid8, 200000 + n, 'par_' || n % 100, 'sync.succeeded', 'run', now() - n * interval '1 minute' from generate_series(1, 30000) n`)
  await run(`insert into endpoints (endpoint_id, partner_id, url, event_types, sealed_secrets, feed_transaction, feed_seq, created_by, awaits_events, state)
    select 'end_' || n, 'par_' || n % 100, 'https://p.example/', '{*}', '', '303'::xid8, 0, 't', true, case when n % 4 = 0 then 'disabled' else 'active' end from generate_series(1, 400) n`)
  await run(`insert into deliveries (delivery_id, endpoint_id, partner_id, event_transaction, event_seq, event_type, kind, state, next_at)
    select 'dlv_' || lpad(n::text, 8, '0'), 'end_' || (1 + n % 400), 'par_' || (1 + n) % 100, '9', n, 'ticket.created', 'event', case when n % 20 = 0 then 'waiting' when n % 20 = 7 then 'failed' else 'delivered' end, now()
    from generate_series(1, 60000) n`)
  await run('analyze')
}

const read = async (db: Db, query: Parameters<typeof scanEvents>[1]): Promise<string[]> => {
  const all: string[] = []
  for (let after: ChangeCursor | undefined = query.after; ;) {
    const page = await scanEvents(db, { ...query, after })
    all.push(...page.events.map(({ cursor, type }) => `${cursor.transactionId}/${cursor.seq} ${type}`))
    if (!page.position) return all
    after = page.position
  }
}

/** A transaction anywhere in the server holds the stream back, those of other test files too. */
async function until<T>(ask: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
  for (const end = Date.now() + 30_000; ; await new Promise((next) => setTimeout(next, 25))) {
    const value = await ask()
    if (done(value) || Date.now() > end) return value
  }
}

describe('the stream of events', () => {
  it('has one order, each event once, whatever the size of the pages', async () => {
    const { db } = test.database
    const partnerId = 'par_7'
    const whole = await read(db, { partnerId, types: null, limit: 5000 })
    expect(whole).toHaveLength(1_500)
    expect(new Set(whole).size).toBe(1_500)
    const order = whole.map((one) => Number(one.slice(0, one.indexOf('/'))))
    expect([...order].sort((a, b) => a - b)).toEqual(order)
    for (const limit of [1, 7, 100]) expect(await read(db, { partnerId, types: null, limit })).toEqual(whole)
  })

  it('finds a rare type by reading on, a bounded part at a time', async () => {
    const { db } = test.database
    const rare = await read(db, { types: ['invoice.created'], limit: 50 })
    expect(rare).toHaveLength(120)
    const one = await scanEvents(db, { types: ['nothing.created'], limit: 50 })
    expect(one.events).toEqual([])
    expect(one.position).toBeDefined()
  })

  it('shows no reader a gap: what commits late comes after what was read, of both kinds', async () => {
    const { db } = test.database
    await sql`insert into partners (partner_id, name) values ('par_gap', 'p')`.execute(db)
    let release: () => void = () => undefined
    let begin: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const tell = (tx: Db, subject: string) =>
      tellEvent(tx, { partnerId: 'par_gap', type: 'endpoint.enabled', subject, data: { subject } })
    const slow = db.transaction().execute(async (tx) => {
      await tell(tx, 'slow')
      begin()
      await held
    })
    await begun
    await tell(db, 'quick')
    await sql`insert into changes (partner_id, account_id, connection_id, resource, external_id, model, effect, version)
      values ('par_gap', 'a', 'con_gap', 'tickets', 'x', 'ticket', 'created', 1)`.execute(db)
    expect(await read(db, { partnerId: 'par_gap', types: null, limit: 10 })).toEqual([])
    release()
    await slow
    const seen = await until(
      () => scanEvents(db, { partnerId: 'par_gap', types: null, limit: 10 }),
      ({ events }) => events.length === 3,
    )
    const full = await getEvents(
      db,
      seen.events.map(({ cursor }) => cursor),
      'par_gap',
    )
    expect(full.map(({ data, type }) => data['subject'] ?? type)).toEqual(['slow', 'quick', 'ticket.created'])
  })

  it('is a tenant’s own only, for reading and for telling', async () => {
    const { db } = test.database
    const seen = await asTenant(db, 'par_7', (tx) => read(tx, { types: null, limit: 5000 }))
    expect(seen).toHaveLength(1_500)
    const foreign = asTenant(db, 'par_7', (tx) =>
      tellEvent(tx, { partnerId: 'par_8', type: 'endpoint.enabled', subject: 's', data: {} }),
    )
    await expect(foreign).rejects.toThrow(/row-level security/)
  })
})

describe('what is asked all the time reads no table from end to end', () => {
  const after = { transactionId: '200', seq: 5 }
  const plan = (work: (db: Db) => Promise<unknown>): Promise<Plan> => planOf(test.database.db, work)

  it.each<[string, (db: Db) => Promise<unknown>]>([
    [
      'the stream of a partner',
      (db) => scanEvents(db, { partnerId: 'par_7', after, types: null, limit: 100 }),
    ],
    ['the stream of all', (db) => scanEvents(db, { after, types: ['ticket.created'], limit: 100 })],
    ['events in full', (db) => getEvents(db, [after, { transactionId: '201', seq: 7 }], 'par_7')],
    [
      'what waits for an endpoint',
      (db) => listWaiting(db, 'end_20', { tests: false, order: 'due', dueBy: new Date(), limit: 100 }),
    ],
    [
      'the head of an endpoint',
      (db) => listWaiting(db, 'end_20', { tests: false, order: 'stream', limit: 100 }),
    ],
    ['how many wait', (db) => waitingOf(db, 'end_20', 200)],
    [
      'a claim',
      (db) =>
        claimDelivery(
          db,
          { deliveryId: 'dlv_00000020', attempts: 0 },
          { now: new Date(), leaseUntil: new Date() },
        ),
    ],
    [
      'deliveries of an endpoint',
      (db) => listDeliveries(db, { endpointId: 'end_20', before: 'dlv_00030000', limit: 51 }),
    ],
    [
      'failed deliveries of an endpoint',
      (db) => listDeliveries(db, { endpointId: 'end_20', state: 'failed', limit: 51 }),
    ],
    [
      'deliveries of an event',
      (db) => listDeliveries(db, { event: { transactionId: '9', seq: 77 }, limit: 51 }),
    ],
  ])('%s', async (_name, work) => {
    const found = await plan(work)
    // The window of the stream is sorted, which is bounded; tables are not.
    expect([found.scanned, found.sortedRows <= 2_000 ? '' : found.text]).toEqual([[], ''])
  })

  it('who is to be woken: endpoints alone', async () => {
    const { scanned, indexes } = await plan((db) => listSleepers(db, new Date()))
    expect(scanned.filter((name) => name !== 'endpoints')).toEqual([])
    expect(indexes).toEqual(expect.arrayContaining(['changes_by_partner', 'hub_events_by_partner']))
  })
})
