import { createProviderGate } from '../../activities/provider-gate.ts'
import { createCallStats } from '../../db/call-stats.ts'
import { randomBytes } from 'node:crypto'
import { NativeConnection, Runtime } from '@temporalio/worker'
import type { ActivityDeps } from '../../activities/deps.ts'
import { createBrandNames } from '../../db/brand-names.ts'
import { createAppSource } from '../../db/app-source.ts'
import type { Database } from '../../db/client.ts'
import { createLimiter } from '../../db/limits.ts'
import { createVault } from '../../db/vault.ts'
import { defaultRetention } from '../../model/retention.ts'
import { systemClock } from '../../platform/clock.ts'
import { createTxtLookup, type TxtLookup } from '../../platform/dns.ts'
import { createLog } from '../../platform/log.ts'
import { createMetrics } from '../../platform/metrics.ts'
import { createMailer } from '../../platform/outbound/mail.ts'
import { createOutbound } from '../../platform/outbound/post.ts'
import { createIncidentLinks } from '../../platform/secrets/incident-link.ts'
import { newKeyRingText, parseKeyRing, type KeyRing } from '../../platform/secrets/keyring.ts'
import type { Tracing } from '../../platform/tracing.ts'
import { createTrialMarks } from '../../platform/secrets/trial-mark.ts'
import { connectTemporal, type TemporalConnection } from '../../platform/temporal/connection.ts'
import { appMethodsOf, type Provider } from '../../providers/contract.ts'
import { createOAuthClient } from '../../providers/http/oauth.ts'
import { createTransport } from '../../providers/http/transport.ts'
import { workflowBundle } from '../../workers/bundle.ts'
import { temporalLogger } from '../../workers/runtime-log.ts'
import { createWorkers } from '../../workers/workers.ts'
import { createAlertClient } from '../../workflows/client-alerts.ts'
import { createDeliveryClient } from '../../workflows/client-delivery.ts'
import { createHealthClient } from '../../workflows/client-health.ts'
import { createScheduleClient } from '../../workflows/client-schedules.ts'
import { createHubClient, type HubClient } from '../../workflows/client.ts'
import { testTemporal } from './temporal.ts'

export interface TestHub {
  readonly deps: ActivityDeps
  readonly ring: KeyRing
  readonly taskQueue: string
  readonly temporal: TemporalConnection
  readonly hub: HubClient
  /** Starts another set of workers on the same queues; answers how to stop it. */
  startWorkers(): Promise<() => Promise<void>>
  close(): Promise<void>
}

export interface TestHubOptions {
  /** Keys of its ring; new ones when left out. */
  readonly ring?: string
  readonly database: Database
  readonly providers: readonly Provider[]
  /** Real origin → local one. */
  readonly originMap?: Readonly<Record<string, string>>
  /** Environment of the workers: the hub's own apps at providers. */
  readonly variables?: Readonly<Record<string, string>>
  /** Where the API is, for what reaches it from outside; nowhere when left out. */
  readonly publicUrl?: string
  /** Answers TXT records; nobody when left out. */
  readonly txtOf?: TxtLookup
  /** Workers from the beginning; true when left out. */
  readonly startWorkers?: boolean
  readonly tracing?: Tracing
}

/** The worker process's parts inside this test file, on task queues of its own, with its own keys. Close it in `afterAll`. */
export async function createTestHub(options: TestHubOptions): Promise<TestHub> {
  const log = createLog('test-worker', process.env['TIELINE_TEST_LOG'] ?? 'silent')
  installTestRuntime(log)
  const ring = parseKeyRing(options.ring ?? newKeyRingText())
  const taskQueue = `test-${randomBytes(5).toString('hex')}`
  const { address, namespace } = testTemporal()
  const target = { address, namespace, connection: { address } }
  const deps = testDeps(options, ring, taskQueue, log)
  const temporal = await connectTemporal({ temporal: target, ring, tracing: options.tracing })
  const native = await NativeConnection.connect({ address })
  const hub = createHubClient({ client: temporal.client, taskQueue, uiUrl: 'http://127.0.0.1:1', namespace })
  const stops: (() => Promise<void>)[] = []

  const startWorkers = async (): Promise<() => Promise<void>> => {
    const bundle = await workflowBundle({ logger: temporalLogger(log) })
    const workers = await createWorkers({
      connection: native,
      namespace,
      ring,
      deps,
      bundle,
      tracing: options.tracing,
      identity: taskQueue,
    })
    const running = workers.run()
    const stop = async (): Promise<void> => {
      workers.shutdown()
      await running
    }
    stops.push(stop)
    return stop
  }

  if (options.startWorkers ?? true) await startWorkers()
  const close = async (): Promise<void> => {
    for (const stop of stops) await stop()
    await deps.outbound.close()
    await native.close()
    await temporal.close()
  }
  return { deps, ring, taskQueue, temporal, hub, startWorkers, close }
}

function testDeps(
  options: TestHubOptions,
  ring: KeyRing,
  taskQueue: string,
  log: ActivityDeps['log'],
): ActivityDeps {
  const { database, providers, originMap = {} } = options
  const metrics = createMetrics()
  const clock = systemClock
  const vault = createVault(ring)
  const findProvider = (slug: string) => providers.find((provider) => provider.slug === slug)
  const env = options.variables ?? {}
  const methodsOf = (slug: string) => appMethodsOf(findProvider(slug))
  const apps = createAppSource({ db: database.db, vault, env, methodsOf })
  return {
    database,
    vault,
    transport: createTransport({ originMap, limiter: createLimiter(database.db), metrics, clock }),
    oauth: createOAuthClient({ originMap, clock }),
    appOf: apps.appOf,
    metrics,
    callStats: createCallStats(database.db),
    gate: createProviderGate(database.db, clock),
    log,
    clock,
    config: {
      taskQueue,
      publicUrl: options.publicUrl ?? 'http://127.0.0.1:1',
      accessTokenSeconds: 900,
      retention: defaultRetention,
    },
    ensureSyncSchedule: (client, connection) =>
      createScheduleClient({ client, taskQueue }).ensureSyncSchedule(connection),
    syncSoon: (client, connectionId) =>
      createScheduleClient({ client, taskQueue }).triggerSyncSchedule(connectionId),
    checkHealthSoon: (client, provider) =>
      createHealthClient({ client, taskQueue }).checkHealthSoon(provider),
    outbound: createOutbound({ allowLoopback: true }),
    wakeEndpoint: (client, endpoint) => createDeliveryClient({ client, taskQueue }).wakeEndpoint(endpoint),
    txtOf: options.txtOf ?? createTxtLookup({ servers: ['127.0.0.1:1'] }),
    brandName: createBrandNames(database.db),
    trials: createTrialMarks(ring),
    env: options.variables ?? {},
    findProvider,
    mailer: createMailer({ allowLoopback: true }),
    incidentLinks: createIncidentLinks(ring),
    wakeIncident: (client, incident) => createAlertClient({ client, taskQueue }).wakeIncident(incident),
    providerSlugs: providers.map((provider) => provider.slug),
  }
}

let installed = false

/** One runtime per process; a second file in the same process finds it there. */
export function installTestRuntime(
  log = createLog('test-worker', process.env['TIELINE_TEST_LOG'] ?? 'silent'),
): void {
  if (installed) return
  installed = true
  Runtime.install({
    logger: temporalLogger(log),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
  })
}
