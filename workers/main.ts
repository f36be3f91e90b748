/**
 * The worker process: hosts the workflows and the activities of every provider. Any number of them may run. Ends with 2
 * and one line when its settings, the database or Temporal are not as they should be, with 1 when it breaks later.
 */
import { ensureDefaultAlerts } from './default-channel.ts'
import { NativeConnection, Runtime } from '@temporalio/worker'
import { checkSchema } from '../db/migrate.ts'
import { keepRingAnnounced } from '../db/ring-keys.ts'
import { ConfigError, readServiceConfig, type ServiceConfig } from '../platform/config.ts'
import { HubError, isHubError, messageOf } from '../platform/errors.ts'
import { createLog, type Log } from '../platform/log.ts'
import { parseKeyRing } from '../platform/secrets/keyring.ts'
import { createStopper, stopOnSignals, type Stopper } from '../platform/stop.ts'
import { startTracing } from '../platform/tracing.ts'
import { connectTemporal, withPatience } from '../platform/temporal/connection.ts'
import { registerSearchAttributes } from '../platform/temporal/search-attributes.ts'
import { createHubClient } from '../workflows/client.ts'
import { searchAttributeNames } from '../workflows/messages.ts'
import { workflowBundle } from './bundle.ts'
import { createWorkerDeps } from './deps.ts'
import { hubScheduleSettings } from './hub-schedules.ts'
import { keepMonths } from './keep-months.ts'
import { careForDomains } from './care-for-domains.ts'
import { reconcileSchedules } from './reconcile-schedules.ts'
import { serveMetrics } from './metrics-server.ts'
import { temporalLogger } from './runtime-log.ts'
import { createWorkers, type Workers } from './workers.ts'

/** Runs until it is told to stop. @throws ConfigError, or HubError with one public line, when it cannot start. */
export async function runWorker(config: ServiceConfig): Promise<void> {
  const log = createLog('worker', config.logLevel)
  const logger = temporalLogger(log)
  Runtime.install({
    logger,
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      ...(config.temporalMetricsPort === undefined
        ? {}
        : { metrics: { prometheus: { bindAddress: `${config.host}:${config.temporalMetricsPort}` } } }),
    },
  })
  const stopper = createStopper(log)
  stopOnSignals(stopper)
  const workers = await open(config, log, stopper).catch(async (error: unknown) => {
    await stopper.stop('the worker could not start')
    throw error
  })
  const running = workers.run()
  stopper.onStop('workers', async () => {
    workers.shutdown()
    await running.catch(() => undefined)
  })
  process.send?.({ ready: true })
  log.info({ taskQueue: config.taskQueue, worker: config.workerId }, 'the worker is polling')
  try {
    await running
  } finally {
    await stopper.stop('the workers have ended')
  }
}

async function open(config: ServiceConfig, log: Log, stopper: Stopper): Promise<Workers> {
  const { temporal } = config
  const tracing =
    config.tracesTo === undefined ? undefined : await startTracing('tieline-worker', config.tracesTo)
  if (tracing) stopper.onStop('traces', () => tracing.close())
  const ring = parseKeyRing(config.encryptionKeys)
  const deps = createWorkerDeps(config, log, process.env)
  stopper.onStop('database', () => deps.database.close())
  stopper.onStop('statistics of calls', () => deps.callStats.close())
  stopper.onStop('caches', () => deps.caches.close())
  if (config.workerMetricsPort !== undefined) {
    const server = await serveMetrics(deps.metrics, config.workerMetricsPort, config.host)
    stopper.onStop('metrics', () => server.close())
  }
  const [bundle, connection] = await Promise.all([
    workflowBundle({ log, logger: temporalLogger(log) }),
    withPatience(temporal, 10_000, () =>
      NativeConnection.connect({ ...temporal.connection, address: temporal.address }),
    ),
    checkDatabase(deps),
  ])
  stopper.onStop('connection to Temporal', () => connection.close())
  const holder = { process: `worker ${config.workerId}`, part: 'worker', log }
  stopper.onStop('keys of the ring', await keepRingAnnounced(deps.database.db, deps.vault, holder))
  stopper.onStop('months ahead', keepMonths(deps.database.db, log))
  await reconcile(config, log, stopper, deps)
  const { namespace } = temporal
  return await createWorkers({
    connection,
    namespace,
    ring,
    deps,
    bundle,
    identity: config.workerId,
    tracing,
  })
}

/** @throws HubError with one line that names DATABASE_URL. The URL itself may hold a password: it is not shown. */
async function checkDatabase({ database }: ReturnType<typeof createWorkerDeps>): Promise<void> {
  try {
    await checkSchema(database.db)
  } catch (error) {
    if (isHubError(error)) throw error
    const text = `The database behind DATABASE_URL cannot be used: ${messageOf(error) || 'it does not answer'}.`
    throw new HubError('DatabaseUnavailable', text, { cause: error })
  }
}

/** Search attributes first: a run that sets one that is not known fails. Schedules that cannot be mended now can be later. */
async function reconcile(
  config: ServiceConfig,
  log: Log,
  stopper: Stopper,
  deps: ReturnType<typeof createWorkerDeps>,
): Promise<void> {
  const temporal = await connectTemporal({
    temporal: config.temporal,
    ring: parseKeyRing(config.encryptionKeys),
  })
  stopper.onStop('Temporal client', () => temporal.close())
  const { client, connection, namespace } = temporal
  try {
    const added = await registerSearchAttributes(connection, namespace, searchAttributeNames)
    if (added.length > 0) log.info({ added }, 'search attributes registered')
  } catch (err) {
    // Temporal Cloud gives no access to this: there they are made once, by hand.
    log.warn({ err }, messageOf(err))
  }
  const { taskQueue, temporalUiUrl: uiUrl } = config
  const hub = createHubClient({ client, taskQueue, uiUrl, namespace })
  try {
    log.info(await reconcileSchedules(deps.database.db, hub), 'schedules are in line with the connections')
    await hub.ensureDispatcher()
    await ensureDefaultAlerts(deps, config)
    await hub.ensureHubSchedules(hubScheduleSettings(config))
    await careForDomains(deps.database.db, hub)
  } catch (err) {
    log.warn(
      { err },
      'the schedules could not be brought in line with the connections; the next start tries again',
    )
  }
}

/** Says in one line why the process ends, and with which code. */
function explain(error: unknown): { readonly text: string; readonly code: 1 | 2 } {
  if (error instanceof ConfigError) return { text: error.message, code: 2 }
  if (isHubError(error)) return { text: error.message, code: error.code === 'Internal' ? 1 : 2 }
  return { text: `The worker broke: ${messageOf(error)}`, code: 1 }
}

/** The whole process: what `tieline serve worker` and the launcher run. Does not come back. */
export async function serveWorker(): Promise<never> {
  try {
    await runWorker(readServiceConfig())
    process.exit(0)
  } catch (error) {
    const { text, code } = explain(error)
    process.stderr.write(`${text}\n`)
    process.exit(code)
  }
}

if (process.argv[1] === import.meta.filename) await serveWorker()
