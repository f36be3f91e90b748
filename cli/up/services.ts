/** Postgres and Temporal of a hub: embedded and started here, or somebody else's and only looked at. */
import { mkdirSync } from 'node:fs'
import { openDatabase } from '../../db/client.ts'
import { migrateUp } from '../../db/migrate.ts'
import type { Config } from '../../platform/config.ts'
import { isHubError, messageOf } from '../../platform/errors.ts'
import type { Home, HubSecrets } from './home.ts'
import { logFileOf, turnOver } from './parts.ts'
import { isPortFree } from './ports.ts'
import { startEmbeddedPostgres } from './postgres.ts'
import type { Screen } from './screen.ts'
import type { Supervisor } from './supervisor.ts'
import { findTemporalCli } from './temporal-cli.ts'
import { checkTemporal, startTemporalServer } from './temporal-server.ts'
import { UpError } from './up-error.ts'

/** Where the services of this hub are, embedded or not. */
export interface Services {
  readonly databaseUrl: string
  readonly temporalAddress: string
  readonly temporalNamespace: string
}

/** @throws UpError with one line for each port of a part to be started that somebody else holds. */
export async function checkPorts(config: Config, sandbox: boolean): Promise<void> {
  const wanted: [variable: string, port: number][] = [['TIELINE_PORT', config.port]]
  if (config.temporal === undefined) {
    wanted.push(
      ['TIELINE_TEMPORAL_PORT', config.temporalPort],
      ['TIELINE_TEMPORAL_UI_PORT', config.temporalUiPort],
    )
  }
  if (config.databaseUrl === undefined) wanted.push(['TIELINE_PG_PORT', config.pgPort])
  if (sandbox) wanted.push(['TIELINE_SANDBOX_PORT', config.sandboxPort])
  const taken: string[] = []
  for (const [variable, port] of wanted) {
    if (await isPortFree(port)) continue
    taken.push(
      `${variable}: port ${port} is taken by another program; stop that program or set ${variable} to a free port`,
    )
  }
  if (taken.length > 0) throw new UpError(taken.join('\ntieline: '))
}

/** @throws UpError when TEMPORAL_ADDRESS is given and nothing answers there. */
export async function checkExternalTemporal({ temporal }: Config): Promise<void> {
  if (temporal === undefined) return
  try {
    await checkTemporal(temporal.connection, temporal.namespace)
  } catch (error) {
    const where = `namespace ${temporal.namespace} at ${temporal.address}`
    throw new UpError(
      `TEMPORAL_ADDRESS: ${where} does not answer (${messageOf(error)}); start that service, or unset TEMPORAL_ADDRESS for the embedded one`,
      { cause: error },
    )
  }
}

/** Starts the embedded Postgres unless DATABASE_URL is given, and migrates. Answers the URL. */
export async function startDatabase(
  home: Home,
  config: Config,
  secrets: HubSecrets,
  screen: Screen,
  supervisor: Supervisor,
): Promise<string> {
  let url = config.databaseUrl
  if (url === undefined) {
    url = await screen.step('Postgres', async (onProgress) => {
      let found = ''
      const logFile = logFileOf(home, 'postgres')
      await supervisor.adopt('postgres', logFile, async (spawned) => {
        turnOver(logFile)
        const dataDir = home.at('postgres')
        const password = secrets.postgresPassword
        const postgres = await startEmbeddedPostgres({
          dataDir,
          port: config.pgPort,
          password,
          logFile,
          onProgress,
          spawned,
        })
        found = postgres.url
        return postgres
      })
      return found
    })
  }
  const databaseUrl = url
  await screen.step('Database schema', () => migrate(databaseUrl))
  return databaseUrl
}

async function migrate(url: string): Promise<void> {
  const database = openDatabase({ url, poolSize: 1, applicationName: 'tieline-up' })
  try {
    await migrateUp(database.db)
  } catch (error) {
    if (isHubError(error, 'StateConflict')) throw error
    const { host, pathname } = new URL(url)
    throw new UpError(
      `DATABASE_URL: the database ${pathname.slice(1)} at ${host} cannot be used (${messageOf(error) || 'no answer'}); start or mend that server, or unset DATABASE_URL for the embedded one`,
      { cause: error },
    )
  } finally {
    await database.close()
  }
}

/** Starts the embedded Temporal unless TEMPORAL_ADDRESS is given. */
export async function startTemporal(
  home: Home,
  config: Config,
  screen: Screen,
  supervisor: Supervisor,
): Promise<Omit<Services, 'databaseUrl'>> {
  if (config.temporal)
    return { temporalAddress: config.temporal.address, temporalNamespace: config.temporal.namespace }
  return screen.step('Temporal', async (onProgress) => {
    const binary = await findTemporalCli({ onProgress })
    let found: Omit<Services, 'databaseUrl'> = { temporalAddress: '', temporalNamespace: '' }
    const logFile = logFileOf(home, 'temporal')
    // A folder of its own: the server makes its files readable for all.
    mkdirSync(home.at('temporal'), { recursive: true, mode: 0o700 })
    await supervisor.adopt('temporal', logFile, async (spawned) => {
      turnOver(logFile)
      const server = await startTemporalServer({
        binary,
        port: config.temporalPort,
        uiPort: config.temporalUiPort,
        dbFile: home.at('temporal/temporal.db'),
        codecEndpoint: `${config.publicUrl}/codec`,
        logFile,
        spawned,
      })
      found = { temporalAddress: server.address, temporalNamespace: server.namespace }
      return server
    })
    return found
  })
}
