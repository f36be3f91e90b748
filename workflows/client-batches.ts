/** The client's part for syncs over many connections. */
import type { Client } from '@temporalio/client'
import { HubError } from '../platform/errors.ts'
import { reaching } from './client-errors.ts'
import type { HubClientOptions, Started } from './client-options.ts'
import {
  manyProgressQuery,
  temporalPriority,
  workflowIds,
  type SyncManyInput,
  type SyncManyResult,
} from './messages.ts'
import { searchAttributes } from './search-attributes.ts'
import type { syncMany } from './sync-many.ts'

export interface ManyState {
  readonly workflowId: string
  readonly runId: string
  readonly state: 'running' | 'succeeded' | 'failed' | 'cancelled'
  /** So far, or in the end. Undefined for one that failed before it began. */
  readonly result: SyncManyResult | undefined
  /** Why it failed. */
  readonly failure: { readonly code: string; readonly message: string } | undefined
}

/** Starts, watches and ends batches. */
export function createBatchClient({ client, taskQueue }: HubClientOptions) {
  return {
    /** @throws HubError `AlreadyRunning` for the same scope in the same millisecond. */
    startSyncMany: (input: SyncManyInput, now: Date = new Date()): Promise<Started> =>
      reaching(async () => {
        const scope = input.connectionId ?? input.accountId ?? input.provider ?? 'all'
        const mode = input.mode ?? 'incremental'
        const handle = await client.workflow.start<typeof syncMany>('syncMany', {
          workflowId: workflowIds.syncMany(scope, now.toISOString()),
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          taskQueue,
          args: [input],
          typedSearchAttributes: searchAttributes({
            provider: input.provider,
            accountId: input.accountId,
            connectionId: input.connectionId,
          }),
          priority: {
            priorityKey: mode === 'incremental' ? temporalPriority.incremental : temporalPriority.backfill,
          },
          staticSummary: `Sync of ${scope === 'all' ? 'all connections' : scope} (${mode}${input.dryRun ? ', dry run' : ''})`,
        })
        return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId }
      }),

    /** How far a batch is, or how it ended. @throws HubError `NoSuchThing` for an id that is not there. */
    describeSyncMany: (workflowId: string): Promise<ManyState> =>
      reaching(() => describeMany(client, workflowId), { missing: `There is no batch "${workflowId}".` }),

    /** Waits for the end of a batch. @throws HubError of its failure. */
    resultOfSyncMany: (workflowId: string): Promise<SyncManyResult> =>
      reaching(() => client.workflow.getHandle<typeof syncMany>(workflowId).result(), {
        missing: `There is no batch "${workflowId}".`,
      }),

    /** Asks a batch and the runs it started to end. */
    cancelSyncMany: (workflowId: string): Promise<void> =>
      reaching(
        async () => {
          await client.workflow.getHandle(workflowId).cancel()
        },
        { missing: `There is no batch "${workflowId}".` },
      ),
  }
}

async function describeMany(client: Client, workflowId: string): Promise<ManyState> {
  const handle = client.workflow.getHandle<typeof syncMany>(workflowId)
  const { status, runId } = await handle.describe()
  const base = { workflowId, runId, failure: undefined }
  if (status.name === 'COMPLETED') return { ...base, state: 'succeeded', result: await handle.result() }
  if (status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW') {
    const result = await client
      .withDeadline(Date.now() + 3_000, () => handle.query(manyProgressQuery))
      .catch(() => undefined)
    return { ...base, state: 'running', result }
  }
  if (status.name === 'CANCELLED') return { ...base, state: 'cancelled', result: undefined }
  const failure = await reaching(() => handle.result()).then(
    () => undefined,
    (error: unknown) =>
      error instanceof HubError ? { code: error.code, message: error.message } : undefined,
  )
  return { ...base, state: 'failed', result: undefined, failure }
}
