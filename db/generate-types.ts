/**
 * `npm run gen:db`: writes the types of all tables, read from a live schema: a throwaway Postgres that is migrated first.
 * The argument names another file to write (`npm run check` compares it with the committed one).
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePorts } from '../cli/up/ports.ts'
import { startEmbeddedPostgres } from '../cli/up/postgres.ts'
import { openDatabase } from './client.ts'
import { migrateUp } from './migrate.ts'

const root = path.resolve(import.meta.dirname, '..')
const outFile = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, 'types.ts'))
const folder = mkdtempSync(path.join(tmpdir(), 'tieline-gen-'))
chmodSync(folder, 0o755)
const [port = 0] = await freePorts(1)
const settings = { fsync: 'off' }
const postgres = await startEmbeddedPostgres({ dataDir: path.join(folder, 'postgres'), port, settings })
try {
  const database = openDatabase({ url: postgres.url, poolSize: 1, applicationName: 'tieline-gen' })
  await migrateUp(database.db)
  await database.close()
  execFileSync(
    path.join(root, 'node_modules', '.bin', 'kysely-codegen'),
    [
      ...['--dialect', 'postgres', '--url', postgres.url, '--out-file', outFile, '--camel-case'],
      // As `client.ts` reads them.
      ...['--type-mapping', JSON.stringify({ int8: 'number', xid8: 'string' })],
      ...['--exclude-pattern', 'kysely_*'],
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
  )
} finally {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
