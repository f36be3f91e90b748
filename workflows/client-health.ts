/** Rounds of health checks by hand. */
import type { checkHealth } from './check-health.ts'
import { reaching } from './client-errors.ts'
import type { HubClientOptions, Started } from './client-options.ts'
import { temporalPriority, workflowIds } from './messages.ts'
import { searchAttributes } from './search-attributes.ts'

export function createHealthClient({ client, taskQueue }: HubClientOptions) {
  return {
    /** A round now; one that is under way is joined. */
    startHealthRound: (provider: string): Promise<Started> =>
      reaching(async () => {
        const workflowId = workflowIds.checkHealthNow(taskQueue, provider)
        const handle = await client.workflow.start<typeof checkHealth>('checkHealth', {
          workflowId,
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          taskQueue,
          args: [{ provider, everySeconds: 30 }],
          typedSearchAttributes: searchAttributes({ provider }),
          priority: { priorityKey: temporalPriority.interactive },
          staticSummary: `Health of ${provider}, now`,
        })
        return { workflowId, runId: handle.firstExecutionRunId }
      }),
  }
}
