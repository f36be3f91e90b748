import { sql } from 'kysely'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { openDatabase, asTenant, type Db } from './client.ts'
import { checkSchema, migrateDown, migrateUp } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import { ensureMonths, monthlyTables } from './partitions.ts'
import { ensureDefaultTenant } from './partners.ts'

const open: TestDatabase[] = []
const roles: string[] = []
const keep = (test: TestDatabase): TestDatabase => {
  open.push(test)
  return test
}
let admin: TestDatabase
beforeAll(async () => {
  admin = await createTestDatabase(2)
})
afterAll(async () => {
  for (const test of open) await test.drop()
  for (const role of roles) await sql`drop role ${sql.id(role)}`.execute(admin.database.db)
  await admin.drop()
})

const namesOf = async (db: Db): Promise<string[]> => {
  const found = await sql<{
    name: string
  }>`select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
    and relname not like 'kysely%' order by 1`.execute(db)
  return found.rows.map((row) => row.name)
}

/** A database that belongs to a plain role of its own, and a pool that comes in as that role. */
async function databaseOfRole(rights: string) {
  const test = keep(await createEmptyDatabase())
  const name = new URL(test.url).pathname.slice(1)
  const role = `r_${name}`
  roles.push(role)
  const run = (text: string) => sql.raw(text).execute(admin.database.db)
  await run(`create role ${role} login password 'plain' ${rights}`)
  await run(`alter database ${name} owner to ${role}`)
  const url = new URL(test.url)
  url.username = role
  url.password = 'plain'
  const database = openDatabase({ url: url.href, poolSize: 3, applicationName: 'plain' })
  return { role, database, run }
}

describe('migrations', () => {
  it('go up, down and up again, and leave nothing behind', async () => {
    const { db } = keep(await createEmptyDatabase()).database
    expect(await migrateUp(db)).toEqual(Object.keys(migrations))
    const tables = await namesOf(db)
    expect(await migrateUp(db)).toEqual([])
    expect(await migrateDown(db, Object.keys(migrations).length)).toEqual(Object.keys(migrations).reverse())
    expect(await namesOf(db)).toEqual([])
    await migrateUp(db)
    expect(await namesOf(db)).toEqual(tables)
    await checkSchema(db)
  })

  it('run once when several processes start together', async () => {
    const test = keep(await createEmptyDatabase())
    const pools = Array.from({ length: 4 }, () =>
      openDatabase({ url: test.url, poolSize: 2, applicationName: 'start' }),
    )
    const ran = await Promise.all(pools.map((pool) => migrateUp(pool.db)))
    await Promise.all(pools.map((pool) => pool.close()))
    expect(ran.flat().sort()).toEqual(Object.keys(migrations))
    await checkSchema(test.database.db)
  })

  it('need no superuser: a role that owns the database and may make roles is enough', async () => {
    // The role exists in this cluster already, made by the superuser: an administrator hands it on.
    const { role, database, run } = await databaseOfRole('createrole createdb')
    try {
      await expect(migrateUp(database.db)).rejects.toMatchObject({
        code: 'StateConflict',
        message: expect.stringMatching(/DATABASE_URL.*"grant tieline_tenant to r_/) as string,
      })
      expect(await namesOf(database.db)).toEqual([])
      await run(`grant tieline_tenant to ${role}`)
      expect(await migrateUp(database.db)).toEqual(Object.keys(migrations))
      await ensureDefaultTenant(database.db)
      const seen = await asTenant(database.db, 'par_x', (tx) => sql`select from partners`.execute(tx))
      expect(seen.rows).toEqual([])
      await migrateDown(database.db, Object.keys(migrations).length)
      expect(await namesOf(database.db)).toEqual([])
    } finally {
      await database.close()
    }
  })
})

describe('the check of the schema', () => {
  it('names the variable and the remedy when the database is behind, or newer than the code', async () => {
    const { db } = keep(await createEmptyDatabase()).database
    await expect(checkSchema(db)).rejects.toMatchObject({
      code: 'StateConflict',
      message: expect.stringMatching(
        /^The database behind DATABASE_URL lacks .*tieline migrate.*\.$/,
      ) as string,
    })
    await migrateUp(db)
    await sql`insert into kysely_migration (name, timestamp) values ('9999_future', 'x')`.execute(db)
    const newer = {
      message: expect.stringMatching(/DATABASE_URL is newer than this code.*9999_future/) as string,
    }
    await expect(checkSchema(db)).rejects.toMatchObject(newer)
    await expect(migrateUp(db)).rejects.toMatchObject(newer)
  })
})

describe('monthly parts', () => {
  const partsOf = async (db: Db, table: string) => {
    const found = await sql<{ name: string }>`
      select inhrelid::regclass::text as name from pg_inherits where inhparent = ${table}::regclass order by 1`.execute(
      db,
    )
    return found.rows.map((row) => row.name)
  }

  it('are made once, also over the end of a year and by several processes at once', async () => {
    const { db } = keep(await createEmptyDatabase()).database
    await migrateUp(db, new Date('2030-10-31T23:59:59Z'))
    await Promise.all(Array.from({ length: 4 }, () => ensureMonths(db, new Date('2030-11-15T00:00:00Z'), 3)))
    for (const table of monthlyTables) {
      const months = ['2030_10', '2030_11', '2030_12', '2031_01', '2031_02']
      expect(await partsOf(db, table)).toEqual([...months, 'default'].map((name) => `${table}_${name}`))
    }
  })

  it('leave a month alone whose rows are in the default part', async () => {
    const { db } = keep(await createEmptyDatabase()).database
    await migrateUp(db, new Date('2030-01-15T00:00:00Z'))
    await sql`insert into changes (partner_id, account_id, connection_id, resource, external_id, model, effect, version, created_at)
      values ('p', 'a', 'c', 'r', 'e', 'm', 'created', 1, '2031-05-05')`.execute(db)
    await ensureMonths(db, new Date('2031-05-01T00:00:00Z'), 1)
    const parts = await partsOf(db, 'changes')
    expect(parts).toContain('changes_2031_06')
    expect(parts).not.toContain('changes_2031_05')
  })
})
