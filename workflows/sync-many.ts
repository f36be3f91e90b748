/** Syncs many connections, a bounded number at once, and collects how it went. What `tieline sync [service]` starts. */
import {
  WorkflowExecutionAlreadyStartedError,
  ChildWorkflowFailure,
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
} from '@temporalio/common'
import {
  CancellationScope,
  ParentClosePolicy,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import {
  manyProgressQuery,
  workflowIds,
  type SyncManyInput,
  type SyncManyResult,
  type SyncResult,
} from './messages.ts'
import { retry } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import type { syncConnection } from './sync-connection.ts'
import { addCounts, manyDetails, noCounts } from './sync-details.ts'
import { checkSyncManyInput } from './sync-input.ts'

const { findConnections } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  retry: retry.database,
})

const batch = 200
const failuresKept = 50

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
interface View {
  result: Mutable<SyncManyResult>
  running: number
}

export async function syncMany(input: SyncManyInput): Promise<SyncManyResult> {
  const request = checkSyncManyInput(input)
  const empty = {
    ...noCounts,
    connections: 0,
    succeeded: 0,
    partlyFailed: 0,
    failed: 0,
    cancelled: 0,
    skipped: 0,
    failures: [],
  }
  const view: View = { result: { ...empty, ...request.continued?.result }, running: 0 }
  setHandler(manyProgressQuery, () => view.result)
  let after = request.continued?.after
  for (;;) {
    const ids = await findConnections({
      ...filterOf(request),
      ...(after === undefined ? {} : { after }),
      limit: batch,
    })
    // An empty upsert would fail the workflow task.
    if (request.provider !== undefined)
      upsertSearchAttributes(searchAttributes({ provider: request.provider }))
    await syncAll(request, ids, view)
    after = ids.at(-1)
    if (after === undefined || ids.length < batch) break
    if (workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof syncMany>({ ...request, continued: { after, result: view.result } })
    }
  }
  upsertSearchAttributes(searchAttributes({ outcome: outcomeOf(view.result) }))
  return view.result
}

function filterOf(request: SyncManyInput) {
  const { provider, accountId, connectionId } = request
  return {
    ...(provider === undefined ? {} : { provider }),
    ...(accountId === undefined ? {} : { accountId }),
    ...(connectionId === undefined ? {} : { connectionId }),
  }
}

const outcomeOf = ({ connections, succeeded, failed, partlyFailed, cancelled }: SyncManyResult) =>
  failed + partlyFailed + cancelled === 0
    ? 'succeeded'
    : succeeded + partlyFailed > 0 || connections === 0
      ? 'partly_failed'
      : 'failed'

async function syncAll(request: SyncManyInput, ids: readonly string[], view: View): Promise<void> {
  const parallel = request.parallel ?? 10
  const tasks: Promise<void>[] = []
  for (const connectionId of ids) {
    await condition(() => view.running < parallel)
    view.running++
    view.result.connections++
    tasks.push(
      syncOne(request, connectionId, view).finally(() => {
        view.running--
        setCurrentDetails(
          manyDetails(`Sync of ${request.provider ?? 'all providers'}`, view.result, view.running),
        )
      }),
    )
  }
  await Promise.all(tasks)
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('The batch was cancelled')
}

async function syncOne(request: SyncManyInput, connectionId: string, view: View): Promise<void> {
  const { result } = view
  try {
    const child = await startChild<typeof syncConnection>('syncConnection', {
      workflowId: workflowIds.syncConnection(connectionId),
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: `Sync of ${connectionId}, asked for by ${workflowInfo().workflowId}`,
      args: [
        {
          connectionId,
          batchId: workflowInfo().workflowId,
          startedBy: request.startedBy ?? 'sync-many',
          ...(request.mode === undefined ? {} : { mode: request.mode }),
          ...(request.dryRun === undefined ? {} : { dryRun: request.dryRun }),
          ...(request.resources === undefined ? {} : { resources: request.resources }),
        },
      ],
    })
    take(result, await child.result())
  } catch (error) {
    failed(result, connectionId, error)
  }
}

function take(result: Mutable<SyncManyResult>, one: SyncResult): void {
  Object.assign(result, addCounts(result, one))
  if (one.outcome === 'succeeded') result.succeeded++
  else if (one.outcome === 'partly_failed') result.partlyFailed++
  else if (one.outcome === 'cancelled') result.cancelled++
  else result.failed++
}

function failed(result: Mutable<SyncManyResult>, connectionId: string, error: unknown): void {
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    result.skipped++
    addFailure(result, connectionId, 'a run of this connection is under way already')
    return
  }
  if (isCancellation(error)) {
    result.cancelled++
    return
  }
  // A run that could not be opened fails by its activity, one that was read by itself.
  const ofRun = error instanceof ChildWorkflowFailure ? error.cause : error
  const cause = ofRun instanceof ActivityFailure ? ofRun.cause : ofRun
  result.failed++
  addFailure(
    result,
    connectionId,
    cause instanceof ApplicationFailure ? cause.message : 'the run ended without a result',
  )
}

function addFailure(result: Mutable<SyncManyResult>, connectionId: string, reason: string): void {
  if (result.failures.length < failuresKept) result.failures = [...result.failures, { connectionId, reason }]
}
