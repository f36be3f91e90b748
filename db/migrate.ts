/** Migrations up and down, and the check that a database fits this code. */
import { Migrator, sql } from 'kysely'
import { HubError } from '../platform/errors.ts'
import type { Db } from './client.ts'
import { migrations } from './migrations/index.ts'
import { ensureMonths } from './partitions.ts'

/** The migrator speaks snake_case: it must not go through the camel-case plugin. */
const migrator = (db: Db) =>
  new Migrator({ db: db.withoutPlugins(), provider: { getMigrations: async () => ({ ...migrations }) } })

/**
 * Brings the schema up to this code and makes the months ahead. Several processes may call it at once.
 * @returns the names of the migrations that this call has run.
 * @throws HubError `StateConflict` when the database is newer than this code, or its user lacks a right.
 */
export async function migrateUp(db: Db, now: Date = new Date()): Promise<readonly string[]> {
  await refuseNewer(db)
  const { error, results } = await migrator(db).migrateToLatest()
  if (error !== undefined) throw explain(error)
  await ensureMonths(db, now, 3)
  return (results ?? []).map((result) => result.migrationName)
}

/** Takes back the newest `steps` migrations. */
export async function migrateDown(db: Db, steps: number): Promise<readonly string[]> {
  const names: string[] = []
  for (let step = 0; step < steps; step++) {
    const { error, results } = await migrator(db).migrateDown()
    if (error !== undefined) throw error as Error
    names.push(...(results ?? []).map((result) => result.migrationName))
  }
  return names
}

/** @throws HubError `StateConflict` when the schema is behind this code or ahead of it. */
export async function checkSchema(db: Db): Promise<void> {
  const applied = await appliedMigrations(db)
  await refuseNewer(db)
  const missing = Object.keys(migrations).filter((name) => !applied.includes(name))
  if (missing.length > 0) {
    throw new HubError(
      'StateConflict',
      `The database behind DATABASE_URL lacks ${missing.length} migration(s), the next is ${missing[0]}: run "tieline migrate".`,
    )
  }
}

/** A user that lacks a right is the operator's to mend, and Postgres says which right; anything else stays as it is. */
function explain(error: unknown): unknown {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  if (code !== '42501') return error
  return new HubError(
    'StateConflict',
    `The database behind DATABASE_URL cannot be migrated: ${String(message)}.`,
    {
      cause: error,
    },
  )
}

async function refuseNewer(db: Db): Promise<void> {
  const unknown = (await appliedMigrations(db)).filter((name) => !(name in migrations))
  if (unknown.length > 0) {
    throw new HubError(
      'StateConflict',
      `The database behind DATABASE_URL is newer than this code (it has migration ${unknown[0]}): run a newer version of Tieline.`,
    )
  }
}

async function appliedMigrations(db: Db): Promise<string[]> {
  const there = await sql<{
    there: boolean
  }>`select to_regclass('kysely_migration') is not null as there`.execute(db)
  if (!there.rows[0]?.there) return []
  const found = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  return found.rows.map((row) => row.name)
}
