/**
 * The sync engine without Temporal: the real activities against real Postgres, the real connector and transport, and a
 * sandbox over HTTP. What the workflow would decide, `sync` decides in the same order.
 */
import { createProviderGate } from '../../activities/provider-gate.ts'
import { createCallStats } from '../../db/call-stats.ts'
import { sql } from 'kysely'
import { MockActivityEnvironment } from '@temporalio/testing'
import { createSyncActivities } from '../../activities/sync.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import type { CloseRunResult } from '../../activities/sync-close.ts'
import { createConnection, type Connection } from '../../db/connections.ts'
import { putCredential } from '../../db/credentials.ts'
import { createLimiter } from '../../db/limits.ts'
import { defaultTenant, ensureDefaultTenant } from '../../db/partners.ts'
import { openDatabase } from '../../db/client.ts'
import { getRun, type Run, type RunMode } from '../../db/runs.ts'
import { createVault } from '../../db/vault.ts'
import { defaultRetention } from '../../model/retention.ts'
import { systemClock } from '../../platform/clock.ts'
import { createLog } from '../../platform/log.ts'
import { createMetrics } from '../../platform/metrics.ts'
import { createMailer } from '../../platform/outbound/mail.ts'
import { createOutbound } from '../../platform/outbound/post.ts'
import { newId } from '../../platform/new-id.ts'
import { createIncidentLinks } from '../../platform/secrets/incident-link.ts'
import { newKeyRingText, parseKeyRing } from '../../platform/secrets/keyring.ts'
import { createTrialMarks } from '../../platform/secrets/trial-mark.ts'
import { createOAuthClient } from '../../providers/http/oauth.ts'
import { createTransport } from '../../providers/http/transport.ts'
import { findProvider, providerSlugs } from '../../providers/registry.ts'
import { simulators } from '../../sandbox/simulators.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/server.ts'
import { createTestDatabase, type TestDatabase } from './postgres.ts'

/** Limits so wide that a test never waits for them. */
export const noLimits = { support: 1_000_000, export: 1_000_000, help_center: 1_000_000 }

export interface Engine {
  readonly test: TestDatabase
  readonly sandbox: Sandbox
  readonly deps: ActivityDeps
  readonly connection: Connection
  sync(wish?: SyncWish): Promise<CloseRunResult & { readonly run: Run }>
  close(): Promise<void>
}

export interface SyncWish {
  readonly mode?: RunMode
  readonly dryRun?: boolean
  readonly resources?: readonly string[]
  /** Called before each slice; may cut things. Gets the number of the slice. */
  readonly beforeSlice?: (slice: number) => Promise<void> | void
  /**
   * Milliseconds after which the worker of this slice loses its database, or undefined to let it live. Another worker
   * takes over at once, while the first may still be at work.
   */
  readonly crashAfter?: (slice: number) => number | undefined
}

export async function startEngine(options: Partial<SandboxOptions> = {}): Promise<Engine> {
  const test = await createTestDatabase()
  const sandbox = await startSandbox({ port: 0, limits: noLimits, ...options })
  const ring = parseKeyRing(newKeyRingText())
  const clock = systemClock
  const depsOn = (database: ActivityDeps['database']): ActivityDeps => {
    const metrics = createMetrics()
    const limiter = createLimiter(database.db)
    return {
      database,
      trials: createTrialMarks(ring),
      env: {},
      vault: createVault(ring),
      transport: createTransport({ originMap: sandbox.originMap, limiter, metrics, clock }),
      oauth: createOAuthClient({ originMap: sandbox.originMap, clock }),
      appOf: async () => undefined,
      metrics,
      callStats: createCallStats(database.db),
      gate: createProviderGate(database.db, clock),
      log: createLog('test', 'silent'),
      clock,
      config: {
        taskQueue: 'tieline',
        publicUrl: 'http://127.0.0.1:1',
        accessTokenSeconds: 900,
        retention: defaultRetention,
      },
      ensureSyncSchedule: async () => undefined,
      syncSoon: async () => undefined,
      checkHealthSoon: async () => undefined,
      outbound: createOutbound({ allowLoopback: true }),
      wakeEndpoint: async () => undefined,
      txtOf: () => Promise.resolve([]),
      brandName: () => Promise.resolve('Test'),
      mailer: createMailer({ allowLoopback: true }),
      incidentLinks: createIncidentLinks(ring),
      wakeIncident: async () => undefined,
      findProvider,
      providerSlugs,
    }
  }
  const deps = depsOn(test.database)
  const { db } = test.database
  await ensureDefaultTenant(db)
  const [simulator] = simulators
  if (!simulator) throw new Error('the sandbox is empty')
  const { partnerId, accountId } = defaultTenant
  const { provider, auth, name, settings, secrets } = simulator.sample
  // No test waits for the simulated plan's limits unless it is about them.
  const wide = { ...settings, exports_per_minute: '999999' }
  const connection = await createConnection(db, {
    connectionId: newId('connection'),
    partnerId,
    accountId,
    provider,
    auth,
    name,
    settings: wide,
  })
  await putCredential(db, deps.vault, connection, secrets)
  return {
    test,
    sandbox,
    deps,
    connection,
    sync: (wish = {}) =>
      sync(deps, connection, wish, () =>
        depsOn(openDatabase({ url: test.url, poolSize: 3, applicationName: 'tieline-test-other' })),
      ),
    close: async () => {
      await Promise.all(zombies.splice(0))
      await sandbox.close()
      await test.drop()
    },
  }
}

/** Runs one activity as a worker would, with a context of its own. */
export async function perform<T>(work: () => Promise<T>, attempt = 1, workflowId = 'sync:test'): Promise<T> {
  const environment = new MockActivityEnvironment({
    attempt,
    workflowExecution: { workflowId, runId: 'test' },
  })
  return await environment.run(work)
}

export async function sync(
  deps: ActivityDeps,
  connection: Connection,
  wish: SyncWish,
  another: () => ActivityDeps = () => deps,
): Promise<CloseRunResult & { readonly run: Run }> {
  const activities = createSyncActivities(deps)
  const workflowId = `sync:${connection.connectionId}`
  const { mode = 'incremental', dryRun = false, resources } = wish
  const plan = await perform(
    () =>
      activities.openRun({
        connectionId: connection.connectionId,
        mode,
        dryRun,
        ...(resources ? { resources } : {}),
        startedBy: 'test',
        workflowRunId: newId('request'),
      }),
    1,
    workflowId,
  )
  const { runId, partnerId } = plan
  let slices = 0
  for (const { name: resource } of plan.resources) {
    try {
      let finishing = false
      for (;;) {
        const slice = slices++
        await wish.beforeSlice?.(slice)
        const crashAfter = wish.crashAfter?.(slice)
        if (crashAfter !== undefined) await crash(another(), deps, { runId, resource }, finishing, crashAfter)
        const step = finishing
          ? await perform(() => activities.finishResource({ runId, resource }))
          : await perform(() => activities.syncSlice({ runId, resource, pagesPerMinute: null }))
        if (step.state === 'done' && finishing) break
        if (step.state === 'done') finishing = true
        if (step.state === 'wait')
          await deps.clock.sleep(Math.max(50, Date.parse(step.until ?? '') - Date.now()))
      }
    } catch (error) {
      const code = error instanceof Error && 'type' in error ? String(error.type) : 'Internal'
      await perform(() =>
        activities.failResource({ runId, partnerId, resource, failure: { code, message: String(error) } }),
      )
    }
  }
  const result = await perform(() => activities.closeRun({ runId, cancelled: false, failure: null }))
  const run = await getRun(deps.database.db, runId)
  if (!run) throw new Error('the run is gone')
  return { ...result, run }
}

/**
 * A worker that dies: its connections to the database are cut from the server's side while it works. Nobody waits for it:
 * it goes on as a zombie until its next query.
 */
async function crash(
  victim: ActivityDeps,
  deps: ActivityDeps,
  key: { runId: string; resource: string },
  finishing: boolean,
  afterMs: number,
): Promise<void> {
  const activities = createSyncActivities(victim)
  const work = finishing
    ? perform(() => activities.finishResource(key))
    : perform(() => activities.syncSlice({ ...key, pagesPerMinute: null }))
  const ended = work.then(
    () => undefined,
    () => undefined,
  )
  await deps.clock.sleep(afterMs)
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tieline-test-other' and datname = current_database()`.execute(
    deps.database.db,
  )
  void ended.then(() => victim.database.close())
  zombies.push(ended)
}

const zombies: Promise<void>[] = []
