/** The worker objects of one process: the hub's queue with the workflows, and one queue per provider. */
import { Worker, type NativeConnection } from '@temporalio/worker'
import { createActivities } from '../activities/index.ts'
import type { ActivityDeps } from '../activities/deps.ts'
import type { KeyRing } from '../platform/secrets/keyring.ts'
import { createDataConverter } from '../platform/temporal/data-converter.ts'
import { untracedSinks, type Tracing } from '../platform/tracing.ts'
import type { WorkflowBundle } from './bundle.ts'
import { hubTuning, providerQueue, providerTuning } from './queues.ts'

/** Short steps get this long to finish; then activities are told to end: a slice does so after its page, a call breaks off. */
const shutdownGraceTime = '1 second'
/** Less than what `platform/stop.ts` gives a closer: the database is closed after the last activity, not under it. */
const shutdownForceTime = '12 seconds'
/**
 * A cancellation (a pause, a new speed) reaches an activity with the answer to a heartbeat, and the SDK holds heartbeats
 * back for most of their time-out unless told otherwise. Each one that is sent counts as an action: not more often.
 */
const maxHeartbeatThrottleInterval = '3 seconds'

export interface WorkersOptions {
  readonly connection: NativeConnection
  readonly namespace: string
  readonly ring: KeyRing
  readonly deps: ActivityDeps
  readonly bundle: WorkflowBundle
  /** Where traces are sent; nowhere when left out. */
  readonly tracing?: Tracing | undefined
  /** Shown in the Temporal UI. */
  readonly identity: string
}

export interface Workers {
  /** Resolves when all have stopped; rejects when one breaks, after the others have been told to stop. */
  run(): Promise<void>
  /** Tells all to stop; `run` resolves when they have. */
  shutdown(): void
}

export async function createWorkers(options: WorkersOptions): Promise<Workers> {
  const { connection, namespace, ring, deps, bundle, identity, tracing } = options
  const { taskQueue } = deps.config
  const shared = {
    connection,
    namespace,
    identity,
    activities: createActivities(deps),
    dataConverter: createDataConverter(ring, namespace),
    shutdownGraceTime,
    shutdownForceTime,
    maxHeartbeatThrottleInterval,
    ...(tracing ? { interceptors: { activity: [...tracing.activity] } } : {}),
    sinks: tracing?.sinks ?? untracedSinks,
  } as const
  const workers = [await Worker.create({ ...shared, ...hubTuning, taskQueue, workflowBundle: bundle })]
  for (const slug of deps.providerSlugs) {
    workers.push(
      await Worker.create({ ...shared, ...providerTuning, taskQueue: providerQueue(taskQueue, slug) }),
    )
  }
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
  }
  return { shutdown, run: () => runAll(workers, shutdown) }
}

async function runAll(workers: readonly Worker[], shutdown: () => void): Promise<void> {
  const ends = workers.map(async (worker) => {
    try {
      await worker.run()
    } finally {
      shutdown()
    }
  })
  const results = await Promise.allSettled(ends)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
