/**
 * The API process: any number of them may run. Ends with 2 and one line when its settings, its port or the database are not as
 * they should be. Without Temporal it starts: webhooks are accepted, what needs a workflow answers 503, and `/readyz` says why.
 */
import { hostname } from 'node:os'
import { expireConnectSessions } from '../db/connect-sessions.ts'
import { createAppSource } from '../db/app-source.ts'
import { openCaches } from '../db/caches.ts'
import { openDatabase, openTenantDatabases, type Database } from '../db/client.ts'
import { checkSchema } from '../db/migrate.ts'
import { ensureDefaultTenant } from '../db/partners.ts'
import { sweepSignIns } from '../db/sign-in-attempts.ts'
import { keepRingAnnounced } from '../db/ring-keys.ts'
import { createVault } from '../db/vault.ts'
import { ConfigError, readServiceConfig, type ServiceConfig } from '../platform/config.ts'
import { HubError, isHubError, messageOf } from '../platform/errors.ts'
import { createLog, type Log } from '../platform/log.ts'
import { createMetrics } from '../platform/metrics.ts'
import { parseKeyRing } from '../platform/secrets/keyring.ts'
import { createPreviewLinks } from '../platform/secrets/preview-link.ts'
import { createIncidentLinks } from '../platform/secrets/incident-link.ts'
import { createSessionLinks } from '../platform/secrets/session-link.ts'
import { createTrialMarks } from '../platform/secrets/trial-mark.ts'
import { createStopper, stopOnSignals, type Stopper } from '../platform/stop.ts'
import { startTracing } from '../platform/tracing.ts'
import { approachTemporal } from '../platform/temporal/connection.ts'
import { appMethodsOf } from '../providers/contract.ts'
import { findProvider } from '../providers/registry.ts'
import { createHubClient } from '../workflows/client.ts'
import { createBrands } from './brands/brands.ts'
import { createCallers } from './callers.ts'
import type { ApiDeps } from './deps.ts'
import { createLive } from './live.ts'
import { createWaker } from './hooks/wake.ts'
import { createLimits } from './limits/limits.ts'
import { createAccessTokens } from './access-tokens.ts'
import { createKeyUses } from './key-use.ts'
import { closeServer, createApi } from './server.ts'

/** Runs until it is told to stop. @throws ConfigError, or HubError with one public line, when it cannot start. */
export async function runApi(
  config: ServiceConfig,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<void> {
  const log = createLog('api', config.logLevel)
  const stopper = createStopper(log)
  stopOnSignals(stopper)
  try {
    const deps = await openDeps(config, env, log, stopper)
    const server = await createApi(deps).listen(config.port, config.host).catch(cannotListen(config))
    stopper.onStop('server', () => closeServer(server))
    stopper.onStop('live status', () => deps.live.close())
    stopper.onStop('sweep of sessions', sweepSessions(deps))
  } catch (error) {
    await stopper.stop('the API could not start')
    throw error
  }
  process.send?.({ ready: true })
  log.info({ host: config.host, port: config.port }, 'the API is listening')
  await new Promise<void>((resolve) =>
    stopper.signal.addEventListener('abort', () => resolve(), { once: true }),
  )
  await stopper.stop('asked to stop')
}

/** Ends connect sessions whose time is over, so that nothing that was entered outlives them; forgets old sign-ins. Any number may. */
function sweepSessions({ database, log }: ApiDeps): () => Promise<void> {
  let sweeping: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    sweeping = Promise.all([expireConnectSessions(database.db), sweepSignIns(database.db)]).catch(
      (err: unknown) => log.warn({ err }, 'connect sessions and sign-ins could not be swept'),
    )
  }, 60_000)
  return async () => {
    clearInterval(timer)
    await sweeping
  }
}

async function openDeps(
  config: ServiceConfig,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
  stopper: Stopper,
): Promise<ApiDeps> {
  const ring = parseKeyRing(config.encryptionKeys)
  const database = openDatabase({
    url: config.databaseUrl,
    poolSize: 20,
    applicationName: 'tieline-api',
    log,
  })
  stopper.onStop('database', () => database.close())
  await checkDatabase(database)
  const tenants = openTenantDatabases({
    url: config.databaseUrl,
    poolSize: 20,
    applicationName: 'tieline-api-tenants',
    log,
  })
  stopper.onStop('database of tenants', () => tenants.close())
  const caches = openCaches(database, config.databaseUrl, log)
  stopper.onStop('caches', () => caches.close())
  const metrics = createMetrics()
  const limits = createLimits({ db: database.db, caches, log, metrics })
  stopper.onStop('limits', () => limits.close())
  const vault = createVault(ring)
  const holder = { process: `api ${hostname()}-${process.pid}`, part: 'api', log }
  stopper.onStop('keys of the ring', await keepRingAnnounced(database.db, vault, holder))
  const methodsOf = (slug: string) => appMethodsOf(findProvider(slug))
  const apps = createAppSource({ db: database.db, vault, env, methodsOf, caches, log })
  await apps.reload()
  const keyUses = createKeyUses(database.db, log)
  stopper.onStop('uses of keys', () => keyUses.close())
  const tracing =
    config.tracesTo === undefined ? undefined : await startTracing('tieline-api', config.tracesTo)
  if (tracing) stopper.onStop('traces', () => tracing.close())
  const temporal = approachTemporal({ temporal: config.temporal, ring, tracing })
  stopper.onStop('connection to Temporal', () => temporal.close())
  const { client, namespace, codec } = temporal
  const { taskQueue, temporalUiUrl: uiUrl } = config
  const hub = createHubClient({ client, namespace, taskQueue, uiUrl })
  const live = createLive({ db: database.db, log, metrics })
  const waker = createWaker((lane) => hub.wakeInbox(lane), log)
  stopper.onStop('waker of lanes', () => waker.close())
  return {
    config,
    database,
    hubDatabase: database,
    tenants,
    caches,
    callers: createCallers(database.db, caches),
    limits,
    brands: createBrands(database.db, caches),
    previews: createPreviewLinks(ring),
    apps,
    tokens: createAccessTokens({ db: database.db, vault, caches, config }),
    keyUses,
    vault,
    links: createSessionLinks(ring),
    incidentLinks: createIncidentLinks(ring),
    trials: createTrialMarks(ring),
    findProvider,
    temporal: hub,
    waker,
    live,
    codec,
    metrics,
    log,
    env: apps.environment,
    validateAnswers: config.environment === 'test' || env['TIELINE_VALIDATE_RESPONSES'] === '1',
  }
}

/** @throws HubError with one line that names DATABASE_URL. The URL itself may hold a password: it is not shown. */
async function checkDatabase({ db }: Database): Promise<void> {
  try {
    await checkSchema(db)
    await ensureDefaultTenant(db)
  } catch (error) {
    if (isHubError(error)) throw error
    const text = `The database behind DATABASE_URL cannot be used: ${messageOf(error) || 'it does not answer'}.`
    throw new HubError('DatabaseUnavailable', text, { cause: error })
  }
}

const cannotListen =
  ({ host, port }: ServiceConfig) =>
  (error: unknown): never => {
    const { code } = error as { code?: unknown }
    if (code === 'EADDRINUSE') {
      const remedy = 'stop the program that holds it or set TIELINE_PORT to a free port'
      throw new HubError('StateConflict', `TIELINE_PORT: port ${port} is taken; ${remedy}.`)
    }
    throw new HubError(
      'StateConflict',
      `TIELINE_HOST, TIELINE_PORT: cannot listen on ${host}:${port} (${String(code)}).`,
    )
  }

/** Says in one line why the process ends, and with which code. */
function explain(error: unknown): { readonly text: string; readonly code: 1 | 2 } {
  if (error instanceof ConfigError) return { text: error.message, code: 2 }
  if (isHubError(error)) return { text: error.message, code: error.code === 'Internal' ? 1 : 2 }
  return { text: `The API broke: ${messageOf(error)}`, code: 1 }
}

if (process.argv[1] === import.meta.filename) {
  try {
    await runApi(readServiceConfig())
    process.exit(0)
  } catch (error) {
    const { text, code } = explain(error)
    process.stderr.write(`${text}\n`)
    process.exit(code)
  }
}
