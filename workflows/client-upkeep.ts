/** What the hub does for itself, by hand. */
import type { ReviewWorkflow } from '../model/reviews.ts'
import { reaching } from './client-errors.ts'
import type { HubClientOptions, Started } from './client-options.ts'
import type { enforceRetention } from './enforce-retention.ts'
import { temporalPriority, workflowIds } from './messages.ts'

export { searchAttributeNames } from './messages.ts'

const summaries: Readonly<Record<ReviewWorkflow, string>> = {
  enforceRetention: 'Remove what is older than its period',
  dailyHealthReport: 'Health of the last day',
  weeklyReview: 'Performance of the last week',
  securityAudit: 'Security of the last month',
}

export function createUpkeepClient({ client, taskQueue }: HubClientOptions) {
  return {
    /** Does it now; one that is under way is joined. */
    startUpkeep: (workflowType: ReviewWorkflow): Promise<Started> =>
      reaching(async () => {
        const workflowId = workflowIds.reviewNow(taskQueue, workflowType)
        const handle = await client.workflow.start<typeof enforceRetention>(workflowType, {
          workflowId,
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          taskQueue,
          args: [{}],
          priority: { priorityKey: temporalPriority.interactive },
          staticSummary: `${summaries[workflowType]}, now`,
        })
        return { workflowId, runId: handle.firstExecutionRunId }
      }),
  }
}
