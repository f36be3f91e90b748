/** What a process remembers is forgotten when it changes anywhere. */
import { sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { openCaches, type Caches } from './caches.ts'
import { ensurePartner, findPartner } from './partners.ts'

let test: TestDatabase
let caches: Caches
let loads = 0
beforeAll(async () => {
  test = await createTestDatabase()
  caches = openCaches(test.database, test.url)
  await ensurePartner(test.database.db, { partnerId: 'par_1', name: 'One' })
})
afterAll(async () => {
  await caches?.close()
  await test?.drop()
})

const names = () =>
  caches.cache({
    topics: ['partner'],
    max: 10,
    load: (partnerId) => {
      loads++
      return findPartner(test.database.db, partnerId)
    },
    keysOf: (partnerId) => [partnerId],
  })

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('waited in vain')
    await new Promise((next) => setTimeout(next, 20))
  }
}

const rename = (name: string) =>
  sql`update partners set name = ${name} where partner_id = 'par_1'`.execute(test.database.db)

it('a change is heard of, what is remembered costs no query, and callers at once share one load', async () => {
  const cache = names()
  await until(async () => {
    const before = loads
    await Promise.all([cache.get('par_1'), cache.get('par_1'), cache.get('par_1')])
    await cache.get('par_1')
    return loads === before
  })
  await rename('Two')
  await until(async () => (await cache.get('par_1'))?.name === 'Two')
  expect(await cache.get('par_none')).toBeUndefined()
})

it('what changes while the ear is cut off is known when it hears again', async () => {
  const cache = names()
  await cache.get('par_1')
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tieline-caches' and datname = current_database()`.execute(
    test.database.db,
  )
  await rename('Three')
  await until(async () => (await cache.get('par_1'))?.name === 'Three')
})

it('what went by unheard is found by the poll', async () => {
  const cache = names()
  await until(async () => (await cache.get('par_1'))?.name === 'Three')
  // As when the notification is lost: the trigger is away, only the epoch moves.
  await sql`alter table partners disable trigger partners_changed`.execute(test.database.db)
  await rename('Four')
  await sql`update cache_epochs set epoch = epoch + 1 where topic = 'partner'`.execute(test.database.db)
  await until(async () => (await cache.get('par_1'))?.name === 'Four')
  await sql`alter table partners enable trigger partners_changed`.execute(test.database.db)
})
