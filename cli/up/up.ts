/** `tieline up`: the whole hub on one machine, as `npm start` runs it. */
import { readServiceConfig, type Config } from '../../platform/config.ts'
import { isHubError, messageOf } from '../../platform/errors.ts'
import { loadSecrets, takeHome, writeHubFile, type Home, type HubSecrets } from './home.ts'
import { logFileOf, startPart, type PartName } from './parts.ts'
import { reloadSignal } from './reload.ts'
import { createScreen, type Screen, type ScreenOutput } from './screen.ts'
import { createSupervisor, PartEnded, type Supervisor } from './supervisor.ts'
import { checkExternalTemporal, checkPorts, startDatabase, startTemporal, type Services } from './services.ts'
import { sandboxFor } from '../../sandbox/samples.ts'
import { connectSamples } from './samples.ts'
import { UpError } from './up-error.ts'

export interface UpOptions {
  /** False for `--no-sandbox`: no simulators, no sample connection. */
  readonly sandbox: boolean
  /** Standard output unless told otherwise. */
  readonly out?: ScreenOutput
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
  const connected: string[] = []
  if (sandbox)
    await screen.step('Sample connection', async () => {
      connected.push(...(await connectSamples(readServiceConfig(env))))
    })
  const startedAt = new Date().toISOString()
  const publish = (): void => publishHub(home, config, services, sandbox, supervisor, startedAt)
  publish()
  await screen.step('API', async () => {
    await launch('api')
    await waitUntilReady(config)
  })
  publish()
  onReload(screen, supervisor, () => {
    const now = partEnvironment(config, loadSecrets(home), services, sandbox)
    return ['worker' as const, 'api' as const].map((name) => async () => {
      await supervisor.replace(name, logFileOf(home, name), () => startPart(name, home, now))
      publish()
    })
  })
  showBox(screen, config, sandbox, connected[0] ?? '')
}

/** Restarts the parts one by one when it is asked for (`tieline secrets rotate-ring`), once after another. */
function onReload(screen: Screen, supervisor: Supervisor, steps: () => (() => Promise<void>)[]): void {
  let flight: Promise<void> = Promise.resolve()
  const reload = (): void => {
    flight = flight.then(async () => {
      screen.line('The parts are restarted with the secrets as they are now …')
      for (const step of steps()) await step()
    })
    // A part that does not come up again ends the hub, as one that breaks does.
    flight.catch((error: unknown) => {
      screen.line(messageOf(error))
      supervisor.interrupt()
    })
  }
  process.on(reloadSignal, reload)
  void supervisor.over.catch(() => undefined).finally(() => process.off(reloadSignal, reload))
}

/** The environment of the parts: this process's own, with what was started and made here filled in. */
function partEnvironment(
  config: Config,
  secrets: HubSecrets,
  services: Services,
  sandbox: boolean,
): NodeJS.ProcessEnv {
  const simulated = sandbox
    ? sandboxFor(`http://127.0.0.1:${config.sandboxPort}`, process.env)
    : { originMap: {}, variables: {} }
  const originMap = { ...simulated.originMap, ...config.originMap }
  return {
    ...process.env,
    ...simulated.variables,
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

/** @param first the service that can be synced at once; empty: whichever there is. */
function showBox(screen: Screen, config: Config, sandbox: boolean, first: string): void {
  const api = `http://127.0.0.1:${config.port}`
  screen.box(
    [
      ['API', api],
      ['API docs', `${api}/docs`],
      // Of a Temporal service elsewhere only its owner knows where its UI is.
      ...(config.temporal === undefined || process.env['TIELINE_TEMPORAL_UI_URL']
        ? [['Temporal UI', config.temporalUiUrl] as const]
        : []),
      ...(sandbox ? [['Sandbox', `http://127.0.0.1:${config.sandboxPort}`] as const] : []),
    ],
    [
      'Next, in another terminal:',
      `  npm run -s tieline -- sync ${first}`.trimEnd(),
      '',
      'Ctrl-C stops everything.',
    ],
  )
}
