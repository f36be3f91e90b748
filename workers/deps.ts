/** What activities need, built once per process. */
import type { ActivityDeps } from '../activities/deps.ts'
import { createProviderGate } from '../activities/provider-gate.ts'
import { createCallStats } from '../db/call-stats.ts'
import { openDatabase } from '../db/client.ts'
import { createLimiter } from '../db/limits.ts'
import { createVault } from '../db/vault.ts'
import { createBrandNames } from '../db/brand-names.ts'
import { systemClock } from '../platform/clock.ts'
import { createTxtLookup } from '../platform/dns.ts'
import type { ServiceConfig } from '../platform/config.ts'
import type { Log } from '../platform/log.ts'
import { createMetrics } from '../platform/metrics.ts'
import { createOutbound } from '../platform/outbound/post.ts'
import { parseKeyRing } from '../platform/secrets/keyring.ts'
import { createTrialMarks } from '../platform/secrets/trial-mark.ts'
import { appsIn, createOAuthClient } from '../providers/http/oauth.ts'
import { createTransport } from '../providers/http/transport.ts'
import { findProvider, providerSlugs } from '../providers/registry.ts'
import { createDeliveryClient } from '../workflows/client-delivery.ts'
import { createScheduleClient } from '../workflows/client-schedules.ts'
import { databasePoolSize } from './queues.ts'

/** Nothing is connected before the first query. Close with `deps.database.close()`. @param env holds the hub's own apps at providers. */
export function createWorkerDeps(
  config: Pick<
    ServiceConfig,
    'databaseUrl' | 'encryptionKeys' | 'environment' | 'originMap' | 'publicUrl' | 'taskQueue'
  >,
  log: Log,
  env: Readonly<Record<string, string | undefined>>,
): ActivityDeps {
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
  return {
    database,
    vault: createVault(ring),
    transport: createTransport({ originMap: config.originMap, limiter, metrics, clock, log }),
    oauth: createOAuthClient({ originMap: config.originMap, clock }),
    appOf: appsIn(env),
    metrics,
    callStats: createCallStats(database.db, log),
    gate: createProviderGate(database.db, clock),
    log,
    clock,
    config: { taskQueue: config.taskQueue, publicUrl: config.publicUrl },
    ensureSyncSchedule: (client, connection) =>
      createScheduleClient({ client, taskQueue: config.taskQueue }).ensureSyncSchedule(connection),
    outbound: createOutbound({ allowLoopback: config.environment !== 'production' }),
    wakeEndpoint: (client, endpoint) =>
      createDeliveryClient({ client, taskQueue: config.taskQueue }).wakeEndpoint(endpoint),
    txtOf: createTxtLookup(),
    brandName: createBrandNames(database.db),
    trials: createTrialMarks(ring),
    env,
    findProvider,
    providerSlugs,
  }
}
