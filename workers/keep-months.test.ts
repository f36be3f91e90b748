import { sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { createLog } from '../platform/log.ts'
import { keepMonths } from './keep-months.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase(1)
})
afterAll(() => database?.drop())

it('makes the months ahead of a day that migrations did not know of', async () => {
  const { db } = database.database
  const isThere = async () => {
    const found = await sql<{
      part: string | null
    }>`select to_regclass('changes_2033_05')::text as part`.execute(db)
    return found.rows[0]?.part
  }
  expect(await isThere()).toBeNull()
  const end = keepMonths(db, createLog('worker', 'silent'), () => new Date('2033-02-10T00:00:00Z'))
  await end()
  expect(await isThere()).toBe('changes_2033_05')
})
