import { sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { listChanges, type Change, type ChangeCursor } from './changes.ts'
import { asTenant, type Db } from './client.ts'
import { ensurePartner } from './partners.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

const add = (db: Db, partnerId: string, ids: readonly string[]) =>
  sql`insert into changes (partner_id, account_id, connection_id, resource, external_id, model, effect, version)
    select ${partnerId}, 'acc', 'con', 'tickets', id, 'ticket', 'created', 1 from unnest(${ids}::text[]) id`.execute(
    db,
  )

async function readAll(query: {
  partnerId?: string
  after?: ChangeCursor | undefined
  limit: number
}): Promise<Change[]> {
  const all: Change[] = []
  for (let after = query.after; ;) {
    const page = await listChanges(test.database.db, { ...query, after })
    all.push(...page)
    after = page.at(-1)?.cursor ?? after
    if (page.length < query.limit) return all
  }
}

/** A transaction anywhere in the server holds the feed back, those of other test files too. */
async function until(read: () => Promise<Change[]>, count: number): Promise<Change[]> {
  for (const end = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 25))) {
    const found = await read()
    if (found.length >= count || Date.now() > end) return found
  }
}

describe('the change feed', () => {
  it('shows no reader a gap: what commits late comes after what was read', async () => {
    const { db } = test.database
    let early: (() => void) | undefined
    const held = new Promise<void>((resolve) => (early = resolve))
    let begun: (() => void) | undefined
    const started = new Promise<void>((resolve) => (begun = resolve))
    const slow = db.transaction().execute(async (tx) => {
      await add(tx, 'par_gap', ['slow'])
      begun?.()
      await held
    })
    await started
    await add(db, 'par_gap', ['quick'])
    const before = await readAll({ partnerId: 'par_gap', limit: 10 })
    expect(before).toEqual([])
    early?.()
    await slow
    const found = await until(() => readAll({ partnerId: 'par_gap', limit: 10 }), 2)
    expect(found.map((change) => change.externalId)).toEqual(['slow', 'quick'])
  })

  it('comes in pages of any size, each change once, also within one transaction', async () => {
    const ids = Array.from({ length: 25 }, (_, n) => String(n).padStart(2, '0'))
    await add(test.database.db, 'par_pages', ids)
    await until(() => readAll({ partnerId: 'par_pages', limit: 100 }), 25)
    for (const limit of [1, 4, 25]) {
      const found = await readAll({ partnerId: 'par_pages', limit })
      expect(found.map((change) => change.externalId)).toEqual(ids)
    }
  })

  it('counts transactions as numbers, not as text', async () => {
    await sql`insert into changes (transaction_id, partner_id, account_id, connection_id, resource, external_id, model, effect, version)
      select id::text::xid8, 'par_order', 'acc', 'con', 'tickets', id, 'ticket', 'created', 1
      from unnest(array[100, 9, 99, 10]) id`.execute(test.database.db)
    for (const limit of [1, 3, 10]) {
      const found = await readAll({ partnerId: 'par_order', limit })
      expect(found.map((change) => change.externalId)).toEqual(['9', '10', '99', '100'])
    }
  })

  it('shows a tenant its own changes only', async () => {
    const { db } = test.database
    for (const partnerId of ['par_mine', 'par_theirs'])
      await ensurePartner(db, { partnerId, name: partnerId })
    await add(db, 'par_mine', ['mine'])
    await add(db, 'par_theirs', ['theirs'])
    await until(() => readAll({ partnerId: 'par_theirs', limit: 10 }), 1)
    const found = await asTenant(db, 'par_mine', (tx) => listChanges(tx, { limit: 100 }))
    expect(found.map((change) => change.externalId)).toEqual(['mine'])
  })
})
