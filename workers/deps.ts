/** What activities need, built once per process. */
import type { ActivityDeps } from '../activities/deps.ts'
import { createProviderGate } from '../activities/provider-gate.ts'
import { createCallStats } from '../db/call-stats.ts'
import { createAppSource } from '../db/app-source.ts'
import { openCaches, type Caches } from '../db/caches.ts'
import { openDatabase } from '../db/client.ts'
import { createLimiter } from '../db/limits.ts'
import { createVault } from '../db/vault.ts'
import { createBrandNames } from '../db/brand-names.ts'
import { systemClock } from '../platform/clock.ts'
import { createTxtLookup } from '../platform/dns.ts'
import type { ServiceConfig } from '../platform/config.ts'
import type { Log } from '../platform/log.ts'
import { createMetrics } from '../platform/metrics.ts'
import { createMailer } from '../platform/outbound/mail.ts'
import { createOutbound } from '../platform/outbound/post.ts'
import { createIncidentLinks } from '../platform/secrets/incident-link.ts'
import { parseKeyRing } from '../platform/secrets/keyring.ts'
import { createTrialMarks } from '../platform/secrets/trial-mark.ts'
import { createOAuthClient } from '../providers/http/oauth.ts'
import { createTransport } from '../providers/http/transport.ts'
import { appMethodsOf } from '../providers/contract.ts'
import { findProvider, providerSlugs } from '../providers/registry.ts'
import { createAlertClient } from '../workflows/client-alerts.ts'
import { createDeliveryClient } from '../workflows/client-delivery.ts'
import { createHealthClient } from '../workflows/client-health.ts'
import { createScheduleClient } from '../workflows/client-schedules.ts'
import { databasePoolSize } from './queues.ts'

/**
 * Close with `deps.caches.close()`, then `deps.database.close()`. @param env holds the hub's own apps at providers, unless they were
 * entered through the API.
 */
export function createWorkerDeps(
  config: Pick<
    ServiceConfig,
    | 'databaseUrl'
    | 'encryptionKeys'
    | 'environment'
    | 'originMap'
    | 'publicUrl'
    | 'accessTokenSeconds'
    | 'taskQueue'
    | 'mail'
    | 'retention'
  >,
  log: Log,
  env: Readonly<Record<string, string | undefined>>,
): ActivityDeps & { readonly caches: Caches } {
  const database = openDatabase({
    url: config.databaseUrl,
    poolSize: databasePoolSize,
    applicationName: 'tieline-worker',
    log,
  })
  const metrics = createMetrics()
  const clock = systemClock
  const limiter = createLimiter(database.db)
  const ring = parseKeyRing(config.encryptionKeys)
  const vault = createVault(ring)
  const caches = openCaches(database, config.databaseUrl, log)
  const methodsOf = (slug: string) => appMethodsOf(findProvider(slug))
  const apps = createAppSource({ db: database.db, vault, env, methodsOf, caches, log })
  return {
    database,
    caches,
    vault,
    transport: createTransport({ originMap: config.originMap, limiter, metrics, clock, log }),
    oauth: createOAuthClient({ originMap: config.originMap, clock }),
    appOf: apps.appOf,
    metrics,
    callStats: createCallStats(database.db, log),
    gate: createProviderGate(database.db, clock),
    log,
    clock,
    config: {
      taskQueue: config.taskQueue,
      publicUrl: config.publicUrl,
      accessTokenSeconds: config.accessTokenSeconds,
      mail: config.mail,
      retention: config.retention,
    },
    ensureSyncSchedule: (client, connection) =>
      createScheduleClient({ client, taskQueue: config.taskQueue }).ensureSyncSchedule(connection),
    syncSoon: (client, connectionId) =>
      createScheduleClient({ client, taskQueue: config.taskQueue }).triggerSyncSchedule(connectionId),
    checkHealthSoon: (client, provider) =>
      createHealthClient({ client, taskQueue: config.taskQueue }).checkHealthSoon(provider),
    outbound: createOutbound({ allowLoopback: config.environment !== 'production' }),
    wakeEndpoint: (client, endpoint) =>
      createDeliveryClient({ client, taskQueue: config.taskQueue }).wakeEndpoint(endpoint),
    txtOf: createTxtLookup(),
    brandName: createBrandNames(database.db),
    mailer: createMailer({ allowLoopback: config.environment !== 'production' }),
    incidentLinks: createIncidentLinks(parseKeyRing(config.encryptionKeys)),
    wakeIncident: (client, incident) =>
      createAlertClient({ client, taskQueue: config.taskQueue }).wakeIncident(incident),
    trials: createTrialMarks(ring),
    env,
    findProvider,
    providerSlugs,
  }
}
