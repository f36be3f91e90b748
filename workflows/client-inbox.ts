/** Waking lanes of webhooks, and what keeps the webhook at a provider in line. */
import { reaching } from './client-errors.ts'
import type { HubClientOptions } from './client-options.ts'
import type { keepSubscriptions } from './keep-subscriptions.ts'
import { temporalPriority, wakeSignal, workflowIds } from './messages.ts'
import type { processInbox } from './process-inbox.ts'
import { searchAttributes } from './search-attributes.ts'

interface LaneFacts {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
}

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
  }
}
