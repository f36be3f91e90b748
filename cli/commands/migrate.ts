/** `tieline migrate`: the step that a deployment runs before its processes. */
import { openDatabase } from '../../db/client.ts'
import { isLostDatabase } from '../../db/lost-database.ts'
import { migrateDown, migrateUp } from '../../db/migrate.ts'
import { isHubError, messageOf } from '../../platform/errors.ts'
import { CliError, type ExitCode } from '../cli-error.ts'
import type { Out } from '../print.ts'

export async function migrate(options: { readonly down?: string }, out: Out): Promise<ExitCode> {
  const url = process.env['DATABASE_URL']
  if (url === undefined || url === '')
    throw new CliError('DATABASE_URL is missing: the URL of the database to migrate.', 2)
  const steps = options.down === undefined ? undefined : Number(options.down)
  if (steps !== undefined && !(Number.isInteger(steps) && steps > 0))
    throw new CliError('--down takes a number of migrations.', 2)
  const database = openDatabase({ url, poolSize: 1, applicationName: 'tieline-migrate' })
  try {
    const names = steps === undefined ? await migrateUp(database.db) : await migrateDown(database.db, steps)
    out.line(
      names.length === 0
        ? 'The database is up to date.'
        : `${steps === undefined ? 'Applied' : 'Taken back'}: ${names.join(', ')}`,
    )
    return 0
  } catch (error) {
    if (isHubError(error)) throw error
    const text = `The database behind DATABASE_URL cannot be used: ${messageOf(error) || 'it does not answer'}.`
    throw new CliError(text, isLostDatabase(error) || isRefused(error) ? 2 : 1)
  } finally {
    await database.close()
  }
}

/** Wrong user or password (class 28), or no such database (3D000). */
const isRefused = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(28|3D)/.test(String(error.code))
