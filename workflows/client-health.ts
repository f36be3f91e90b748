/** The schedules of health checks, one per provider, and rounds by hand. */
import { ScheduleNotFoundError, ScheduleOverlapPolicy, type ScheduleClient } from '@temporalio/client'
import type { checkHealth } from './check-health.ts'
import { isMadeNow, reaching } from './client-errors.ts'
import type { HubClientOptions, Started } from './client-options.ts'
import { temporalPriority, workflowIds } from './messages.ts'
import { searchAttributes } from './search-attributes.ts'

type ScheduleOptions = Parameters<typeof ScheduleClient.prototype.create<typeof checkHealth>>[0]

export function createHealthClient({ client, taskQueue }: Pick<HubClientOptions, 'client' | 'taskQueue'>) {
  const optionsOf = (provider: string, everySeconds: number): ScheduleOptions => ({
    scheduleId: workflowIds.checkHealth(taskQueue, provider),
    // Providers are not asked all in the same moment.
    spec: { intervals: [{ every: everySeconds * 1000 }], jitter: everySeconds * 100 },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    action: {
      type: 'startWorkflow',
      workflowType: 'checkHealth',
      workflowId: workflowIds.checkHealth(taskQueue, provider),
      taskQueue,
      args: [{ provider, everySeconds }],
      typedSearchAttributes: searchAttributes({ provider }),
    },
  })
  return {
    /** Makes the schedule of each provider, or brings it in line with the interval. Repeatable. */
    ensureHealthChecks: (providers: readonly string[], everySeconds: number): Promise<void> =>
      reaching(async () => {
        for (const provider of providers) {
          const options = optionsOf(provider, everySeconds)
          if (await isMadeNow(() => client.schedule.create<typeof checkHealth>(options))) continue
          const { spec, action, policies } = options
          await client.schedule
            .getHandle(options.scheduleId)
            .update((before) => ({ ...before, spec, action, ...(policies ? { policies } : {}) }))
        }
      }),

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
