/** Looking for the proof of domains. */
import { reaching } from './client-errors.ts'
import type { HubClientOptions } from './client-options.ts'
import { temporalPriority, wakeSignal, workflowIds } from './messages.ts'
import { searchAttributes } from './search-attributes.ts'
import type { verifyDomain } from './verify-domain.ts'

interface DomainFacts {
  readonly domainId: string
  readonly partnerId: string
  readonly domain: string
}

export function createBrandClient({ client, taskQueue }: HubClientOptions) {
  return {
    /** Starts to look for the proof of a domain, or has the one that is under way look now. Repeatable. */
    startVerifyDomain: ({ domainId, partnerId, domain }: DomainFacts): Promise<void> =>
      reaching(async () => {
        await client.workflow.signalWithStart<typeof verifyDomain>('verifyDomain', {
          workflowId: workflowIds.verifyDomain(domainId),
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          taskQueue,
          args: [{ domainId }],
          signal: wakeSignal,
          typedSearchAttributes: searchAttributes({ partnerId }),
          priority: { priorityKey: temporalPriority.interactive, fairnessKey: partnerId },
          staticSummary: `Domain ${domain}`,
        })
      }),
  }
}
