/** The schedules of what the hub does for itself, and runs of it by hand. */
import { ScheduleNotFoundError, type ScheduleClient } from '@temporalio/client'
import type { ReviewWorkflow } from '../model/reviews.ts'
import { isMadeNow, reaching } from './client-errors.ts'
import type { HubClientOptions, Started } from './client-options.ts'
import type { enforceRetention } from './enforce-retention.ts'
import { temporalPriority, workflowIds } from './messages.ts'

export { searchAttributeNames } from './messages.ts'

type ScheduleOptions = Parameters<typeof ScheduleClient.prototype.create<typeof enforceRetention>>[0]

/** UTC; in the night of most, and not all at the same minute. */
const calendars = {
  enforceRetention: { hour: 2, minute: 17 },
  dailyHealthReport: { hour: 5, minute: 3 },
  weeklyReview: { hour: 5, minute: 23, dayOfWeek: 'MONDAY' },
  securityAudit: { hour: 5, minute: 43, dayOfMonth: 1 },
} as const satisfies Record<ReviewWorkflow, object>

const summaries: Readonly<Record<ReviewWorkflow, string>> = {
  enforceRetention: 'Remove what is older than its period',
  dailyHealthReport: 'Health of the last day',
  weeklyReview: 'Performance of the last week',
  securityAudit: 'Security of the last month',
}

export const upkeepWorkflows = Object.keys(calendars) as readonly ReviewWorkflow[]

export function createUpkeepClient({ client, taskQueue }: HubClientOptions) {
  return {
    /** Makes the schedules of retention and reviews. Repeatable; those that are there are left as they are. */
    ensureUpkeep: (): Promise<void> =>
      reaching(async () => {
        for (const workflowType of upkeepWorkflows) {
          const id = workflowIds.review(taskQueue, workflowType)
          const options: ScheduleOptions = {
            scheduleId: id,
            spec: { calendars: [calendars[workflowType]], jitter: '2 minutes' },
            policies: { overlap: 'SKIP', catchupWindow: '1 day' },
            action: { type: 'startWorkflow', workflowType, workflowId: id, taskQueue, args: [{}] },
          }
          await isMadeNow(() => client.schedule.create<typeof enforceRetention>(options))
        }
      }),

    /** Whether the schedules of the hub itself are there, and those of checks of these providers. */
    lookAtSchedules: (
      providers: readonly string[],
    ): Promise<{ readonly missing: readonly string[]; readonly paused: readonly string[] }> =>
      reaching(async () => {
        const ids = [
          ...upkeepWorkflows.map((workflow) => workflowIds.review(taskQueue, workflow)),
          ...[workflowIds.dispatchEvents, workflowIds.keepCredentialsAlive].map((id) => id(taskQueue)),
          ...[workflowIds.keepSubscriptions, workflowIds.sweepInbox].map((id) => id(taskQueue)),
          ...providers.map((provider) => workflowIds.checkHealth(taskQueue, provider)),
        ]
        const missing: string[] = []
        const paused: string[] = []
        for (const id of ids) {
          try {
            if ((await client.schedule.getHandle(id).describe()).state.paused) paused.push(id)
          } catch (error) {
            if (!(error instanceof ScheduleNotFoundError)) throw error
            missing.push(id)
          }
        }
        return { missing, paused }
      }),

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
