/** `tieline up`: the whole hub on one machine, as `npm start` runs it. */
import { readServiceConfig, type Config } from '../../platform/config.ts'
import { isHubError, messageOf } from '../../platform/errors.ts'
import { loadSecrets, takeHome, writeHubFile, type Home, type HubFile, type HubSecrets } from './home.ts'
import { logFileOf, startPart, type PartName } from './parts.ts'
import { reloadSignal } from './reload.ts'
import { createScreen, type Screen, type ScreenOutput } from './screen.ts'
import { openControl, type ControlSocket } from './control.ts'
import { PartEnded } from './part-ended.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'
import { checkExternalTemporal, checkPorts, startDatabase, startTemporal, type Services } from './services.ts'
import { sandboxFor } from '../../sandbox/samples.ts'
import { ensureOwner, type FirstOwner } from './owner.ts'
import { connectSamples } from './samples.ts'
import { UpError } from './up-error.ts'

export interface UpOptions {
  /** False for `--no-sandbox`: no simulators, no sample connection. */
  readonly sandbox: boolean
  /** Standard output unless told otherwise. */
  readonly out?: ScreenOutput
}

/**
 * Starts everything, shows it, and stays until Ctrl-C or until a part ends again and again.
 * @returns the exit code: 0 stopped as asked, 1 a part could not be kept alive, 2 it could not be started as configured.
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
  let control: ControlSocket | undefined
  try {
    control = await openControl(home, supervisor, screen)
    const starting = start(home, config, options, screen, supervisor, control.path)
    // Ctrl-C must not wait for the end of a step; what the step still brings up is stopped by the supervisor.
    await Promise.race([starting, supervisor.over])
    await supervisor.over
    await supervisor.stopAll()
    await starting.catch(() => {})
    screen.line('Stopped.')
    return 0
  } finally {
    await supervisor.stopAll()
    await control?.close()
    for (const signal of signals) process.off(signal, interrupt)
  }
}

async function start(
  home: Home,
  config: Config,
  options: UpOptions,
  screen: Screen,
  supervisor: Supervisor,
  control: string,
): Promise<void> {
  const sandbox = options.sandbox && config.environment !== 'production'
  await checkPorts(config, sandbox)
  await checkExternalTemporal(config)
  const secrets = loadSecrets(home)
  const databaseUrl = await startDatabase(home, config, secrets, screen, supervisor)
  const temporal = await startTemporal(home, config, screen, supervisor)
  const services: Services = { databaseUrl, ...temporal }
  const env = partEnvironment(config, secrets, services, sandbox)
  // Each life of a part begins with the secrets as they are then.
  const launch = (name: PartName): Promise<void> =>
    supervisor.adopt(name, logFileOf(home, name), (spawned) =>
      startPart(name, home, partEnvironment(config, loadSecrets(home), services, sandbox), spawned),
    )
  await screen.step(sandbox ? 'Worker and sandbox' : 'Worker', async () => {
    await Promise.all([launch('worker'), ...(sandbox ? [launch('sandbox')] : [])])
  })
  const connected: string[] = []
  if (sandbox)
    await screen.step('Sample connection', async () => {
      connected.push(...(await connectSamples(readServiceConfig(env))))
    })
  const hub = describeHub(config, services, sandbox, control)
  const publish = (): void => writeHubFile(home, { ...hub, parts: pidsOf(supervisor) })
  supervisor.onChange(publish)
  publish()
  await screen.step('API', async () => {
    await launch('api')
    await waitUntilReady(config)
  })
  onReload(screen, supervisor)
  // Of the embedded hub only: elsewhere whoever runs the database says who its first owner is.
  const owner = config.databaseUrl === undefined ? await ensureOwner(databaseUrl) : undefined
  showBox(screen, config, sandbox, { first: connected[0] ?? '', owner })
}

/** Restarts the parts one by one when it is asked for (`tieline secrets rotate-ring`), once after another. */
function onReload(screen: Screen, supervisor: Supervisor): void {
  let flight: Promise<void> = Promise.resolve()
  const restart = async (): Promise<void> => {
    screen.line('The parts are restarted with the secrets as they are now …')
    for (const name of ['worker', 'api']) {
      const part = supervisor.part(name)
      await part?.stop()
      await part?.start()
    }
  }
  // One that does not come up is tried again by its keeper, as one that breaks is.
  const reload = (): void => {
    flight = flight.then(restart).catch((error: unknown) => screen.line(messageOf(error)))
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

/** What does not change while the hub runs. */
function describeHub(
  config: Config,
  services: Services,
  sandbox: boolean,
  control: string,
): Omit<HubFile, 'parts'> {
  const database = new URL(services.databaseUrl)
  database.password = ''
  return {
    pid: process.pid,
    startedAt: new Date().toISOString(),
    api: `http://127.0.0.1:${config.port}`,
    temporalUi: config.temporalUiUrl,
    temporalAddress: services.temporalAddress,
    temporalNamespace: services.temporalNamespace,
    databaseUrl: database.href,
    sandbox: sandbox ? `http://127.0.0.1:${config.sandboxPort}` : null,
    control,
  }
}

const pidsOf = (supervisor: Supervisor): Record<string, number> =>
  Object.fromEntries(supervisor.parts().flatMap(({ part, pid }) => (pid === null ? [] : [[part, pid]])))

/**
 * @param first the service that can be synced at once; empty: whichever there is.
 * @param owner who can sign in, when it was made just now: its password is shown this once.
 */
function showBox(
  screen: Screen,
  config: Config,
  sandbox: boolean,
  { first, owner }: { readonly first: string; readonly owner: FirstOwner | undefined },
): void {
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
      ...(owner
        ? [['Sign in as', owner.email] as const, ['Password', `${owner.password} (shown this once)`] as const]
        : []),
    ],
    [
      'Next, in another terminal:',
      `  npm run -s tieline -- sync ${first}`.trimEnd(),
      '',
      'Ctrl-C stops everything.',
    ],
  )
}
