/** Once per jest run: one Postgres whose database is migrated and then cloned per file, and one Temporal dev server. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePorts } from '../../cli/up/ports.ts'
import { startEmbeddedPostgres, stopLeftoverPostgres } from '../../cli/up/postgres.ts'
import { commandLineOf, stopLeftover } from '../../cli/up/process.ts'
import { findTemporalCli } from '../../cli/up/temporal-cli.ts'
import { startTemporalServer } from '../../cli/up/temporal-server.ts'
import { openDatabase } from '../../db/client.ts'
import { migrateUp } from '../../db/migrate.ts'
import { publishServers } from './servers.ts'
import { keepForTeardown } from './teardown.ts'

const prefix = 'tieline-test-'
const onProgress = (text: string): void => void process.stderr.write(`tests: ${text}\n`)

async function globalSetup(): Promise<void> {
  await removeLeftovers()
  const folder = mkdtempSync(path.join(tmpdir(), prefix))
  chmodSync(folder, 0o755)
  writeFileSync(path.join(folder, 'jest.pid'), String(process.pid))
  keepForTeardown('the test folder', async () => rmSync(folder, { recursive: true, force: true }))
  const [pgPort = 0, temporalPort = 0] = await freePorts(2)
  const [postgres, temporal] = await Promise.all([
    startPostgres(folder, pgPort),
    startTemporal(folder, temporalPort),
  ])
  publishServers({
    postgresUrl: postgres.url,
    temporalAddress: temporal.address,
    temporalNamespace: temporal.namespace,
  })
}

async function startPostgres(folder: string, port: number) {
  // Nothing here must survive a power cut; that buys most of the speed.
  const settings = {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '400',
  }
  const postgres = await startEmbeddedPostgres({ dataDir: path.join(folder, 'postgres'), port, settings })
  keepForTeardown('Postgres', () => postgres.stop())
  const database = openDatabase({ url: postgres.url, poolSize: 1, applicationName: 'tieline-test-template' })
  try {
    await migrateUp(database.db)
  } finally {
    await database.close()
  }
  return postgres
}

async function startTemporal(folder: string, port: number) {
  const binary = await findTemporalCli({ onProgress })
  const temporal = await startTemporalServer({ binary, port, logFile: path.join(folder, 'temporal.log') })
  writeFileSync(path.join(folder, 'temporal.pid'), String(temporal.pid))
  keepForTeardown('Temporal', () => temporal.stop())
  return temporal
}

/** Ends what a killed jest has left behind. */
async function removeLeftovers(): Promise<void> {
  for (const entry of readdirSync(tmpdir()).filter((name) => name.startsWith(prefix))) {
    const folder = path.join(tmpdir(), entry)
    try {
      if (commandLineOf(Number(readFileSync(path.join(folder, 'jest.pid'), 'utf8'))) !== undefined) continue
      await stopLeftoverPostgres(path.join(folder, 'postgres'))
      await stopLeftover(Number(readFileSync(path.join(folder, 'temporal.pid'), 'utf8')), 'start-dev')
      rmSync(folder, { recursive: true, force: true })
    } catch {
      // Somebody else's, or half-made: not ours to mend.
    }
  }
}

export default globalSetup
