/** Waking lanes of webhooks, and the sweep that finds those that nobody woke. */
import { type ScheduleClient } from '@temporalio/client'
import { isMadeNow, reaching } from './client-errors.ts'
import type { HubClientOptions } from './client-options.ts'
import type { keepSubscriptions } from './keep-subscriptions.ts'
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
    /** Brings the webhook of one connection at its provider in line. Repeatable: one that is under way is joined. */
    startKeepSubscription: ({ connectionId, ...facts }: LaneFacts): Promise<void> =>
      reaching(async () => {
        // Somebody waits for the answer to a set-up; without Temporal the schedule sees to it later.
        await client.withDeadline(Date.now() + 3_000, () =>
          client.workflow.start<typeof keepSubscriptions>('keepSubscriptions', {
            workflowId: workflowIds.keepSubscription(connectionId),
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            taskQueue,
            args: [{ connectionId }],
            typedSearchAttributes: searchAttributes({ connectionId, ...facts }),
            staticSummary: `The webhook at ${facts.provider}`,
          }),
        )
      }),
    /** Makes the schedule that looks after webhooks at providers. Repeatable. */
    ensureSubscriptionCare: (): Promise<void> =>
      reaching(() =>
        ensure(
          client,
          taskQueue,
          'keepSubscriptions',
          workflowIds.keepSubscriptions(taskQueue),
          '15 minutes',
        ),
      ),
    /** Makes the schedule of the sweep. Repeatable; one that is there is left as it is. */
    ensureInboxSweep: (): Promise<void> =>
      reaching(() => ensure(client, taskQueue, 'sweepInbox', workflowIds.sweepInbox(taskQueue), '1 minute')),
  }
}

async function ensure(
  client: HubClientOptions['client'],
  taskQueue: string,
  workflowType: 'sweepInbox' | 'keepSubscriptions',
  id: string,
  every: '1 minute' | '15 minutes',
): Promise<void> {
  const options: ScheduleOptions = {
    scheduleId: id,
    spec: { intervals: [{ every }] },
    policies: { overlap: 'SKIP', catchupWindow: '1 minute' },
    action: { type: 'startWorkflow', workflowType, workflowId: id, taskQueue, args: [] },
  }
  await isMadeNow(() => client.schedule.create<typeof sweepInbox>(options))
}
