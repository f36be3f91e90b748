/**
 * What a connection's schedule starts. Temporal adds the time to the id of a scheduled workflow, so the schedule cannot
 * start `sync:<connectionId>` itself and keep it to one at a time. This tick starts it as a child that outlives it; a tick
 * that finds a run under way, or a connection that is not to be synced, ends quietly.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { ParentClosePolicy, proxyLocalActivities, startChild } from '@temporalio/workflow'
import type { ConnectionFacts } from '../activities/describe.ts'
import type { Activities } from '../activities/index.ts'
import {
  temporalPriority,
  workflowIds,
  type ScheduledSyncInput,
  type ScheduledSyncResult,
} from './messages.ts'
import { retry } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import type { syncConnection } from './sync-connection.ts'
import { checkIdInput } from './validate.ts'

const { describeConnection } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: retry.database,
})

export async function startScheduledSync(input: ScheduledSyncInput): Promise<ScheduledSyncResult> {
  const connectionId = checkIdInput(input, 'connectionId', 'connection')
  const facts = await describeConnection({ connectionId })
  const reason = reasonNotTo(facts)
  if (reason !== undefined) return { connectionId, started: false, reason }
  try {
    await startChild<typeof syncConnection>('syncConnection', {
      workflowId: workflowIds.syncConnection(connectionId),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: searchAttributes(facts),
      priority: { priorityKey: temporalPriority.incremental, fairnessKey: facts.partnerId },
      staticSummary: `${facts.providerName}: ${facts.name} (scheduled)`,
      args: [{ connectionId, mode: 'incremental', startedBy: 'schedule' }],
    })
    return { connectionId, started: true }
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError)
      return { connectionId, started: false, reason: 'already running' }
    throw error
  }
}

function reasonNotTo({ state }: ConnectionFacts): ScheduledSyncResult['reason'] {
  if (state === 'active') return undefined
  return state === 'needs_attention' ? 'needs attention' : state
}
