/** Rounds of health checks before they are due. */
import { ScheduleNotFoundError } from '@temporalio/client'
import type { checkHealth } from './check-health.ts'
import { reaching } from './client-errors.ts'
import type { HubClientOptions, Started } from './client-options.ts'
import { temporalPriority, workflowIds } from './messages.ts'
import { searchAttributes } from './search-attributes.ts'

export function createHealthClient({ client, taskQueue }: Pick<HubClientOptions, 'client' | 'taskQueue'>) {
  return {
    /** The next round of the schedule comes at once. Nothing where the provider has no schedule: then nobody watches it. */
    checkHealthSoon: (provider: string): Promise<void> =>
      reaching(async () => {
        const handle = client.schedule.getHandle(workflowIds.checkHealth(taskQueue, provider))
        await handle.trigger().catch((error: unknown) => {
          if (!(error instanceof ScheduleNotFoundError)) throw error
        })
      }),

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
