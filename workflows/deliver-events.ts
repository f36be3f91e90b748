/**
 * The deliveries of one endpoint: batches of what is due, by activity, until nothing is; pauses of up to days by timer. Woken by a
 * signal (with start) when its partner's stream has something for it, or a person has changed it. Its truth is in Postgres: it
 * may end at any time, and be started again.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { DeliverResult } from '../activities/deliver-events.ts'
import type { EndpointFacts } from '../activities/delivery.ts'
import type { Activities } from '../activities/index.ts'
import {
  temporalPriority,
  wakeSignal,
  type DeliverEventsInput,
  type DeliverEventsResult,
} from './messages.ts'
import { retry, times } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkIdInput, invalidInput } from './validate.ts'

const { describeEndpoint } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: retry.database,
})

/** One that has nothing to send stays this long: a trickle of events does not start a workflow for each. */
const lingerMs = 3_000

/** Woken by the dispatcher of events and by the API; `{"endpointId": "end_…"}` by hand sends what is due. */
export async function deliverEvents(input: DeliverEventsInput): Promise<DeliverEventsResult> {
  const { continued, ...own } = { ...input }
  const endpointId = checkIdInput(own, 'endpointId', 'endpoint')
  let isWoken = false
  setHandler(wakeSignal, () => void (isWoken = true))
  const facts = await describeEndpoint({ endpointId })
  if (!facts) {
    // Deleted while it waited for days.
    if (continued) return continued
    throw invalidInput(`There is no endpoint "${endpointId}".`)
  }
  upsertSearchAttributes(searchAttributes({ partnerId: facts.partnerId }))
  const { deliverBatch } = proxyActivities<Activities>({
    ...times.delivery,
    retry: retry.database,
    summary: `Send to ${facts.host}`,
    priority: { priorityKey: temporalPriority.webhook, fairnessKey: facts.partnerId },
  })
  let sum: DeliverEventsResult = continued ?? { delivered: 0, failed: 0 }
  for (;;) {
    isWoken = false
    const result = await deliverBatch({ endpointId })
    sum = { delivered: sum.delivered + result.delivered, failed: sum.failed + result.failed }
    setCurrentDetails(detailsOf(facts, sum, result))
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished)
      await continueAsNew<typeof deliverEvents>({ endpointId, continued: sum })
    }
    if (result.state === 'more' || isWoken) continue
    if (result.state === 'waiting') {
      const ms = result.until === null ? 0 : Date.parse(result.until) - Date.now()
      await condition(() => isWoken, Math.max(100, ms))
      continue
    }
    if (result.state === 'idle' && (await condition(() => isWoken, lingerMs))) continue
    // A wake that came with the end of the pause. TypeScript does not know that the handler has set it.
    if (isWoken as boolean) continue
    return sum
  }
}

function detailsOf(
  { host, endpointId }: EndpointFacts,
  { delivered, failed }: DeliverEventsResult,
  { state, until }: DeliverResult,
): string {
  const next = until === null ? state : `${state} until ${until}`
  return [
    `Events for **${host}** (\`${endpointId}\`)`,
    '',
    '| delivered | failed attempts | now |',
    '| --- | --- | --- |',
    `| ${delivered} | ${failed} | ${next} |`,
  ].join('\n')
}
