/**
 * The one typed way to start and steer workflows from outside. Never part of the bundle: it opens connections. Every
 * function throws `HubError`: `TemporalUnavailable` when Temporal does not answer, and what its comment names.
 */
import type { Client } from '@temporalio/client'
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { HubError } from '../platform/errors.ts'
import type { checkConnection } from './check-connection.ts'
import { createAlertClient } from './client-alerts.ts'
import { createAutomationClient } from './client-automations.ts'
import { createBatchClient } from './client-batches.ts'
import { createCommissionClient } from './client-commissions.ts'
import type { connectAccount } from './connect-account.ts'
import { noWorker, reaching } from './client-errors.ts'
import type { HubClientOptions, Started } from './client-options.ts'
import { createCredentialClient } from './client-credentials.ts'
import { createBrandClient } from './client-brands.ts'
import { createDeliveryClient } from './client-delivery.ts'
import { createDiagnosisClient } from './client-diagnosis.ts'
import { createHubScheduleClient } from './client-hub-schedules.ts'
import { createHealthClient } from './client-health.ts'
import { createInboxClient } from './client-inbox.ts'
import { createKeyClient } from './client-keys.ts'
import { createScheduleClient } from './client-schedules.ts'
import { createVerifyClient } from './client-verify.ts'
import { createRotationClient } from './client-rotations.ts'
import { createUpkeepClient } from './client-upkeep.ts'
import { createWriteClient } from './client-writes.ts'
import {
  pauseSignal,
  progressQuery,
  resumeSignal,
  setSpeedUpdate,
  temporalPriority,
  workflowIds,
  type CheckConnectionResult,
  type Progress,
  type Speed,
  type SyncConnectionInput,
} from './messages.ts'
import type { runAction } from './run-operation.ts'
import { searchAttributes } from './search-attributes.ts'
import type { syncConnection } from './sync-connection.ts'

export type { HubScheduleSettings } from './client-hub-schedules.ts'
export type { KnownSchedule, ScheduledConnection } from './client-schedules.ts'
export { isPausedIn } from './client-schedules.ts'
export type { ManyState } from './client-batches.ts'
export type { HubClientOptions } from './client-options.ts'
export type * from './messages.ts'
export { workflowIds } from './messages.ts'

/** What a run is found and named by; a `Connection` of the store fits. */
export interface ConnectionFacts {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly name: string
}

export interface StartedOperation extends ConnectionFacts {
  readonly operationId: string
  readonly kind: 'action' | 'report'
  /** `<slug>.<name>`. */
  readonly operation: string
}

/** What a connect session is found by; a `ConnectSession` of the store fits. */
export interface ConnectSessionFacts {
  readonly sessionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
}

const noRun = 'No run of this connection is under way.'

export type HubClient = ReturnType<typeof createHubClient>

export function createHubClient(options: HubClientOptions) {
  return {
    ...createScheduleClient(options),
    ...createStarts(options),
    ...createSteering(options),
    ...createBatchClient(options),
    ...createWriteClient(options),
    ...createCredentialClient(options),
    ...createKeyClient(options),
    ...createAutomationClient(options),
    ...createInboxClient(options),
    ...createHubScheduleClient(options),
    ...createHealthClient(options),
    ...createVerifyClient(options),
    ...createAlertClient(options),
    ...createUpkeepClient(options),
    ...createDeliveryClient(options),
    ...createDiagnosisClient(options),
    ...createBrandClient(options),
    ...createCommissionClient(options),
    ...createRotationClient(options),
    isWorkerPolling: () => isWorkerPolling(options),
    /** Where the Temporal UI shows a workflow; its newest run when none is named. */
    workflowLink: (workflowId: string, runId?: string | null): string =>
      workflowLink(options.uiUrl, options.namespace, workflowId, runId),
    /** Where the Temporal UI shows a connection's schedule. */
    scheduleLink: (connectionId: string): string =>
      `${options.uiUrl}/namespaces/${encodeURIComponent(options.namespace)}/schedules/${encodeURIComponent(workflowIds.syncSchedule(connectionId))}`,
  }
}

function createStarts({ client, taskQueue }: HubClientOptions) {
  return {
    /** @throws HubError `AlreadyRunning` when the connection has a run under way. */
    startSync: (input: SyncConnectionInput, connection: ConnectionFacts): Promise<Started> =>
      reaching(
        async () => {
          const priorityKey =
            (input.mode ?? 'incremental') === 'incremental'
              ? temporalPriority.incremental
              : temporalPriority.backfill
          const handle = await client.workflow.start<typeof syncConnection>('syncConnection', {
            workflowId: workflowIds.syncConnection(connection.connectionId),
            workflowIdConflictPolicy: 'FAIL',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            taskQueue,
            args: [input],
            typedSearchAttributes: searchAttributes(connection),
            priority: { priorityKey, fairnessKey: connection.partnerId },
            staticSummary: `${connection.provider}: ${connection.name} (${kindOf(input)})`,
            staticDetails: `Keeps \`${connection.connectionId}\` in step with ${connection.provider}. Pause and resume by signal, speed by update.`,
          })
          return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId }
        },
        { running: `A run of the connection "${connection.name}" is under way already.` },
      ),

    /** Takes an operation up. Repeatable: one that is under way or done is not started again. */
    startOperation: (operation: StartedOperation): Promise<Started> =>
      reaching(async () => {
        const { operationId, kind } = operation
        const workflowId =
          kind === 'action' ? workflowIds.runAction(operationId) : workflowIds.runReport(operationId)
        try {
          const handle = await client.workflow.start<typeof runAction>(
            kind === 'action' ? 'runAction' : 'runReport',
            {
              workflowId,
              workflowIdConflictPolicy: 'USE_EXISTING',
              workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
              taskQueue,
              args: [{ operationId }],
              typedSearchAttributes: searchAttributes(operation),
              priority: { priorityKey: temporalPriority.interactive, fairnessKey: operation.partnerId },
              staticSummary: `${operation.operation} for ${operation.name}`,
            },
          )
          return { workflowId, runId: handle.firstExecutionRunId }
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
          return { workflowId, runId: (await client.workflow.getHandle(workflowId).describe()).runId }
        }
      }),

    /** Waits for the end of an operation. False when it has not ended within `timeoutMs`; how it ended is in its row. */
    waitForOperation: ({ workflowId }: Pick<Started, 'workflowId'>, timeoutMs: number): Promise<boolean> =>
      reaching(async () => {
        const ended = client.workflow.getHandle(workflowId).result().catch(ignoreFailure)
        return await withinTime(client, timeoutMs, () => ended)
      }),

    /** Takes up what a person has entered or approved. Repeatable: one that is under way is joined. */
    startConnectAccount: (session: ConnectSessionFacts): Promise<Started> =>
      reaching(async () => {
        const { sessionId } = session
        const handle = await client.workflow.start<typeof connectAccount>('connectAccount', {
          workflowId: workflowIds.connectAccount(sessionId),
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          taskQueue,
          args: [{ sessionId }],
          typedSearchAttributes: searchAttributes({
            partnerId: session.partnerId,
            accountId: session.accountId,
            provider: session.provider,
          }),
          priority: { priorityKey: temporalPriority.interactive, fairnessKey: session.partnerId },
          staticSummary: `Connect ${session.provider}`,
        })
        return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId }
      }),

    /**
     * Checks a connection and waits for the finding; joins a check that is under way.
     * @throws HubError `TemporalUnavailable` when no worker has answered after `timeoutMs`.
     */
    checkConnection: (connection: ConnectionFacts, timeoutMs = 60_000): Promise<CheckConnectionResult> =>
      reaching(async () => {
        const { connectionId } = connection
        let result: CheckConnectionResult | undefined
        const ended = await withinTime(client, timeoutMs, async () => {
          result = await client.workflow.execute<typeof checkConnection>('checkConnection', {
            workflowId: workflowIds.checkConnection(connectionId),
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            workflowExecutionTimeout: timeoutMs,
            taskQueue,
            args: [{ connectionId }],
            typedSearchAttributes: searchAttributes(connection),
            priority: { priorityKey: temporalPriority.interactive, fairnessKey: connection.partnerId },
            staticSummary: `Check of ${connection.provider}: ${connection.name}`,
          })
        })
        if (!ended || !result) throw noWorker()
        return result
      }),
  }
}

const kindOf = (input: SyncConnectionInput): string =>
  `${input.mode ?? 'incremental'}${input.dryRun ? ', dry run' : ''}`

/** Steering of the run that a connection has under way. Each throws `NoSuchThing` when it has none. */
function createSteering({ client }: HubClientOptions) {
  const run = (connectionId: string) =>
    client.workflow.getHandle<typeof syncConnection>(workflowIds.syncConnection(connectionId))
  const steer = <T>(work: () => Promise<T>): Promise<T> => reaching(work, { missing: noRun })
  return {
    pause: (connectionId: string): Promise<void> => steer(() => run(connectionId).signal(pauseSignal)),
    resume: (connectionId: string): Promise<void> => steer(() => run(connectionId).signal(resumeSignal)),
    /** Asks the run to end after its current page. */
    cancel: (connectionId: string): Promise<void> =>
      steer(async () => {
        await running(client, workflowIds.syncConnection(connectionId))
        await run(connectionId).cancel()
      }),
    /** Answers the speed that is now kept. @throws HubError `InvalidInput` for a speed that cannot be kept. */
    setSpeed: (connectionId: string, speed: Speed): Promise<Speed> =>
      steer(() => run(connectionId).executeUpdate(setSpeedUpdate, { args: [speed] })),
    /** How far the run is. Undefined when none is under way, it is just being opened, or no worker answers within 3 s. */
    progress: async (connectionId: string): Promise<Progress | undefined> => {
      try {
        return await client.withDeadline(Date.now() + 3_000, async () => {
          await running(client, workflowIds.syncConnection(connectionId))
          return await run(connectionId).query(progressQuery)
        })
      } catch {
        return undefined
      }
    },
  }
}

/** @throws HubError `NoSuchThing` unless the newest execution of this id is running. */
async function running(client: Client, workflowId: string): Promise<void> {
  const { status } = await client.workflow.getHandle(workflowId).describe()
  if (status.name !== 'RUNNING') throw new HubError('NoSuchThing', noRun)
}

/** A long poll lasts a minute and is renewed: whoever polls has been seen within this time. */
const seenWithinMs = 90_000

/** True when a worker asks for the hub's workflows. A worker that was killed counts for a minute and a half more. */
async function isWorkerPolling({ client, namespace, taskQueue }: HubClientOptions): Promise<boolean> {
  const { pollers } = await reaching(() =>
    client.withDeadline(Date.now() + 3_000, () =>
      client.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: taskQueue },
        taskQueueType: 1,
      }),
    ),
  )
  return (pollers ?? []).some(
    ({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > Date.now() - seenWithinMs,
  )
}

/** Address of a workflow in the Temporal UI. */
export function workflowLink(
  uiUrl: string,
  namespace: string,
  workflowId: string,
  runId?: string | null,
): string {
  const workflow = `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`
  return runId ? `${workflow}/${runId}/history` : workflow
}

/** Runs `work`; false when it has not ended in time. The workflow goes on. */
async function withinTime(client: Client, timeoutMs: number, work: () => Promise<unknown>): Promise<boolean> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      resolve(false)
      controller.abort()
    }, timeoutMs)
  })
  const done = client.withAbortSignal(controller.signal, work).then(() => true as const)
  done.catch(() => undefined)
  try {
    return await Promise.race([done, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A failed workflow is an end too. */
function ignoreFailure(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'WorkflowFailedError') throw error
}
