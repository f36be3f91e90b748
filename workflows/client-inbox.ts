/** Waking lanes of webhooks, and the sweep that finds those that nobody woke. */
import { ScheduleAlreadyRunning, type ScheduleClient } from '@temporalio/client'
import { reaching } from './client-errors.ts'
import type { HubClientOptions } from './client-options.ts'
import { temporalPriority, wakeSignal, workflowIds } from './messages.ts'
import type { processInbox, sweepInbox } from './process-inbox.ts'
import { searchAttributes } from './search-attributes.ts'

interface LaneFacts {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
}

type ScheduleOptions = Parameters<typeof ScheduleClient.prototype.create<typeof sweepInbox>>[0]

export function createInboxClient({ client, taskQueue }: HubClientOptions) {
  return {
    /** Starts the lane of a connection, or tells the one that is under way that there is more. */
    wakeInbox: ({ connectionId, ...facts }: LaneFacts): Promise<void> =>
      reaching(async () => {
        await client.workflow.signalWithStart<typeof processInbox>('processInbox', {
          workflowId: workflowIds.processInbox(connectionId),
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          taskQueue,
          args: [{ connectionId }],
          signal: wakeSignal,
          typedSearchAttributes: searchAttributes({ connectionId, ...facts }),
          priority: { priorityKey: temporalPriority.webhook, fairnessKey: facts.partnerId },
          staticSummary: `Webhooks of ${facts.provider}`,
        })
      }),
    /** Makes the schedule of the sweep. Repeatable; one that is there is left as it is. */
    ensureInboxSweep: (): Promise<void> =>
      reaching(async () => {
        const id = workflowIds.sweepInbox(taskQueue)
        const options: ScheduleOptions = {
          scheduleId: id,
          spec: { intervals: [{ every: '1 minute' }] },
          policies: { overlap: 'SKIP', catchupWindow: '1 minute' },
          action: { type: 'startWorkflow', workflowType: 'sweepInbox', workflowId: id, taskQueue, args: [] },
        }
        try {
          await client.schedule.create<typeof sweepInbox>(options)
        } catch (error) {
          if (!(error instanceof ScheduleAlreadyRunning)) throw error
        }
      }),
  }
}
