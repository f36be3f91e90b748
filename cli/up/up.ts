/** `tieline up`: the whole hub on one machine, as `npm start` runs it. */
import { openDatabase } from '../../db/client.ts'
import { migrateUp } from '../../db/migrate.ts'
import { readServiceConfig, type Config } from '../../platform/config.ts'
import { isHubError, messageOf } from '../../platform/errors.ts'
import { loadSecrets, takeHome, writeHubFile, type Home, type HubSecrets } from './home.ts'
import { logFileOf, startPart, turnOver, type PartName } from './parts.ts'
import { isPortFree } from './ports.ts'
import { startEmbeddedPostgres } from './postgres.ts'
import { createScreen, type Screen, type ScreenOutput } from './screen.ts'
import { createSupervisor, PartEnded, type Supervisor } from './supervisor.ts'
import { connectSamples, sandboxOriginMap } from './samples.ts'
import { findTemporalCli } from './temporal-cli.ts'
import { checkTemporal, startTemporalServer } from './temporal-server.ts'
import { UpError } from './up-error.ts'

export interface UpOptions {
  /** False for `--no-sandbox`: no simulators, no sample connection. */
  readonly sandbox: boolean
  /** Standard output unless told otherwise. */
  readonly out?: ScreenOutput
}

/** Where the services of this hub are, embedded or not. */
interface Services {
  readonly databaseUrl: string
  readonly temporalAddress: string
  readonly temporalNamespace: string
}

/**
 * Starts everything, shows it, and stays until Ctrl-C or until a part ends.
 * @returns the exit code: 0 stopped as asked, 1 a part ended by itself, 2 it could not be started as configured.
 */
export async function runUp(config: Config, options: UpOptions): Promise<number> {
  const screen = createScreen(options.out ?? process.stdout)
  let home: Home | undefined
  try {
    home = await takeHome(config.home)
    return await runIn(home, config, options, screen)
  } catch (error) {
    screen.line(`tieline: ${messageOf(error)}`)
    return error instanceof UpError || isHubError(error) ? 2 : 1
  } finally {
    home?.release()
  }
}

async function runIn(home: Home, config: Config, options: UpOptions, screen: Screen): Promise<number> {
  const supervisor = createSupervisor(home, screen)
  const interrupt = (): void => supervisor.interrupt()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, interrupt)
  try {
    const starting = start(home, config, options, screen, supervisor)
    // Ctrl-C must not wait for the end of a step; what the step still brings up is stopped by the supervisor.
    await Promise.race([starting, supervisor.over])
    await supervisor.over
    await supervisor.stopAll()
    await starting.catch(() => {})
    screen.line('Stopped.')
    return 0
  } finally {
    await supervisor.stopAll()
    for (const signal of signals) process.off(signal, interrupt)
  }
}

async function start(
  home: Home,
  config: Config,
  options: UpOptions,
  screen: Screen,
  supervisor: Supervisor,
): Promise<void> {
  const sandbox = options.sandbox && config.environment !== 'production'
  await checkPorts(config, sandbox)
  await checkExternalTemporal(config)
  const secrets = loadSecrets(home)
  const databaseUrl = await startDatabase(home, config, secrets, screen, supervisor)
  const temporal = await startTemporal(home, config, screen, supervisor)
  const services: Services = { databaseUrl, ...temporal }
  const env = partEnvironment(config, secrets, services, sandbox)
  const launch = (name: PartName): Promise<void> =>
    supervisor.adopt(name, logFileOf(home, name), () => startPart(name, home, env))
  await screen.step(sandbox ? 'Worker and sandbox' : 'Worker', async () => {
    await Promise.all([launch('worker'), ...(sandbox ? [launch('sandbox')] : [])])
  })
  if (sandbox) await screen.step('Sample connection', () => connectSamples(readServiceConfig(env)))
  const startedAt = new Date().toISOString()
  const publish = (): void => publishHub(home, config, services, sandbox, supervisor, startedAt)
  publish()
  await screen.step('API', async () => {
    await launch('api')
    await waitUntilReady(config)
  })
  publish()
  showBox(screen, config, sandbox)
}

/** @throws UpError with one line for each port of a part to be started that somebody else holds. */
async function checkPorts(config: Config, sandbox: boolean): Promise<void> {
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

async function checkExternalTemporal({ temporal }: Config): Promise<void> {
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

async function startDatabase(
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
      turnOver(logFile)
      await supervisor.adopt('postgres', logFile, async () => {
        const dataDir = home.at('postgres')
        const password = secrets.postgresPassword
        const postgres = await startEmbeddedPostgres({
          dataDir,
          port: config.pgPort,
          password,
          logFile,
          onProgress,
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

async function startTemporal(
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
    turnOver(logFile)
    await supervisor.adopt('temporal', logFile, async () => {
      const server = await startTemporalServer({
        binary,
        port: config.temporalPort,
        uiPort: config.temporalUiPort,
        dbFile: home.at('temporal.db'),
        codecEndpoint: `${config.publicUrl}/codec`,
        logFile,
      })
      found = { temporalAddress: server.address, temporalNamespace: server.namespace }
      return server
    })
    return found
  })
}

/** The environment of the parts: this process's own, with what was started and made here filled in. */
function partEnvironment(
  config: Config,
  secrets: HubSecrets,
  services: Services,
  sandbox: boolean,
): NodeJS.ProcessEnv {
  const originMap = { ...(sandbox ? sandboxOriginMap(config.sandboxPort) : {}), ...config.originMap }
  return {
    ...process.env,
    NODE_ENV: config.environment,
    TIELINE_HOME: config.home,
    TIELINE_PUBLIC_URL: config.publicUrl,
    TIELINE_TEMPORAL_UI_URL: config.temporalUiUrl,
    DATABASE_URL: services.databaseUrl,
    TEMPORAL_ADDRESS: services.temporalAddress,
    TEMPORAL_NAMESPACE: services.temporalNamespace,
    TIELINE_ENCRYPTION_KEYS: config.encryptionKeys ?? secrets.encryptionKeys,
    TIELINE_ADMIN_TOKEN: config.adminToken ?? secrets.adminToken,
    ...(Object.keys(originMap).length > 0 ? { TIELINE_ORIGIN_MAP: JSON.stringify(originMap) } : {}),
  }
}

async function waitUntilReady(config: Config): Promise<void> {
  let problem = 'no answer'
  for (
    const until = Date.now() + 60_000;
    Date.now() < until;
    await new Promise((next) => setTimeout(next, 200))
  ) {
    try {
      const answer = await fetch(`http://127.0.0.1:${config.port}/readyz`, {
        signal: AbortSignal.timeout(5_000),
      })
      if (answer.ok) return
      problem = await answer.text()
    } catch (error) {
      problem = messageOf(error)
    }
  }
  throw new PartEnded(`the API is not ready after 60 s: ${problem.slice(0, 300)}`)
}

function publishHub(
  home: Home,
  config: Config,
  services: Services,
  sandbox: boolean,
  supervisor: Supervisor,
  startedAt: string,
): void {
  const database = new URL(services.databaseUrl)
  database.password = ''
  writeHubFile(home, {
    pid: process.pid,
    startedAt,
    api: `http://127.0.0.1:${config.port}`,
    temporalUi: config.temporalUiUrl,
    temporalAddress: services.temporalAddress,
    temporalNamespace: services.temporalNamespace,
    databaseUrl: database.href,
    sandbox: sandbox ? `http://127.0.0.1:${config.sandboxPort}` : null,
    parts: supervisor.parts(),
  })
}

function showBox(screen: Screen, config: Config, sandbox: boolean): void {
  const api = `http://127.0.0.1:${config.port}`
  screen.box(
    [
      ['API', api],
      ['API docs', `${api}/docs`],
      ['Temporal UI', config.temporalUiUrl],
      ...(sandbox ? [['Sandbox', `http://127.0.0.1:${config.sandboxPort}`] as const] : []),
    ],
    ['Next, in another terminal:', '  npm run -s tieline -- sync zendesk', '', 'Ctrl-C stops everything.'],
  )
}
