/** Many webhooks in one statement: each is answered for its own rows, and one that the database refuses harms only itself. */
import { sql } from 'kysely'
import { newId } from '../../platform/new-id.ts'
import { createTestDatabase, type TestDatabase } from '../../test/harness/postgres.ts'
import type { Arrival } from '../../db/inbox-accept.ts'
import { createAcceptor } from './acceptor.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase(4)
})
afterAll(() => database?.drop())
const db = () => database.database.db

const arrival = (keys: readonly string[], checks: Arrival['request']['checks'] = []): Arrival => {
  const requestId = newId('hookRequest')
  return {
    request: {
      requestId,
      provider: 'acme',
      owner: null,
      receivedAt: new Date(),
      clientAddress: '127.0.0.1',
      bytes: 2,
      checks,
      sealed: Buffer.from('{}'),
    },
    events: keys.map((key) => ({
      eventId: newId('inboxEvent'),
      owner: null,
      tenant: null,
      key,
      type: 'note.changed',
      about: 'changed',
      resource: 'notes',
      externalId: key,
      occurredAt: null,
      sequence: null,
      failure: null,
    })),
  }
}
const stored = async (key: string) => {
  const found = await sql`select 1 from inbox_events where dedupe_key = ${key}`.execute(db())
  return found.rows.length
}

it('a thousand at once are answered each for itself: new ones, repetitions, repetitions within the body', async () => {
  const acceptor = createAcceptor(db())
  const arrivals = Array.from({ length: 1000 }, (_, n) => arrival([`many-${n % 500}`, `many-${n % 500}`]))
  const accepted = await Promise.all(arrivals.map((one) => acceptor.accept(one)))
  expect(accepted.reduce((sum, one) => sum + one, 0)).toBe(500)
  expect(Math.max(...accepted)).toBe(1)
  expect(await stored('many-0')).toBe(1)
})

it('one that the database refuses is refused alone', async () => {
  const acceptor = createAcceptor(db())
  // Text without a place in jsonb: the statement of all of them fails.
  const bad = arrival(['bad'], [{ name: '\u0000' }])
  const results = await Promise.allSettled([
    acceptor.accept(arrival(['before'])),
    acceptor.accept(bad),
    acceptor.accept(arrival(['after'])),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect([await stored('before'), await stored('bad'), await stored('after')]).toEqual([1, 0, 1])
})

it('while the database is away everybody is told; afterwards it goes on', async () => {
  const own = await createTestDatabase(4)
  const acceptor = createAcceptor(own.database.db)
  await sql`alter table inbox_requests rename to gone`.execute(own.database.db)
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => acceptor.accept(arrival([`away-${n}`]))),
  )
  expect(results.every(({ status }) => status === 'rejected')).toBe(true)
  await sql`alter table gone rename to inbox_requests`.execute(own.database.db)
  expect(await acceptor.accept(arrival(['back']))).toBe(1)
  await own.drop()
})
