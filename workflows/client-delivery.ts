/** Waking the deliveries of an endpoint. */
import { reaching } from './client-errors.ts'
import type { HubClientOptions } from './client-options.ts'
import type { deliverEvents } from './deliver-events.ts'
import { temporalPriority, wakeSignal, workflowIds } from './messages.ts'
import { searchAttributes } from './search-attributes.ts'

export function createDeliveryClient({ client, taskQueue }: Pick<HubClientOptions, 'client' | 'taskQueue'>) {
  return {
    deliveryWorkflowId: ({ endpointId }: { readonly endpointId: string }): string =>
      workflowIds.deliverEvents(endpointId),
    /** Starts the deliveries of an endpoint, or tells those under way that there is more, or that it was changed. */
    wakeEndpoint: (endpoint: { readonly endpointId: string; readonly partnerId: string }): Promise<void> =>
      reaching(async () => {
        const { endpointId, partnerId } = endpoint
        await client.workflow.signalWithStart<typeof deliverEvents>('deliverEvents', {
          workflowId: workflowIds.deliverEvents(endpointId),
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          taskQueue,
          args: [{ endpointId }],
          signal: wakeSignal,
          typedSearchAttributes: searchAttributes({ partnerId }),
          priority: { priorityKey: temporalPriority.webhook, fairnessKey: partnerId },
          staticSummary: `Events for ${endpointId}`,
        })
      }),
  }
}
