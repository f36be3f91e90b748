/**
 * One lane: the webhooks of one connection, in batches, until nothing waits. Woken by a signal (with start); a wake that comes while it
 * drains is no second lane. Waits for a second try, or for a provider that is away, by a timer.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  ParentClosePolicy,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { DrainResult } from '../activities/inbox-drain.ts'
import type { LaneFacts, OverdueLane } from '../activities/inbox.ts'
import {
  temporalPriority,
  wakeSignal,
  workflowIds,
  type InboxCounts,
  type ProcessInboxInput,
  type SweepInboxResult,
} from './messages.ts'
import { retry, times } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkIdInput } from './validate.ts'

const { describeLane } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: retry.database,
})

/** A lane that has emptied stays this long: a trickle of webhooks does not start a workflow for each. */
const lingerMs = 3_000
/** Pauses of a lane whose provider is away and does not say for how long. */
const shortestPauseMs = 5_000
const longestPauseMs = 10 * 60_000

/** Woken by the door; `{"connectionId": "con_…"}` by hand drains what waits. */
export async function processInbox(input: ProcessInboxInput): Promise<InboxCounts> {
  const { continued, ...own } = { ...input }
  const connectionId = checkIdInput(own, 'connectionId', 'connection')
  let isWoken = false
  setHandler(wakeSignal, () => void (isWoken = true))
  const facts = await describeLane({ connectionId })
  upsertSearchAttributes(searchAttributes(facts))
  const drain = drainOf(facts)
  let counts: InboxCounts = continued ?? { processed: 0, dead: 0, postponed: 0 }
  let troubles = 0
  for (;;) {
    isWoken = false
    const result = await drain({ connectionId })
    counts = add(counts, result)
    setCurrentDetails(detailsOf(facts, counts, result))
    troubles = result.trouble ? troubles + 1 : 0
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished)
      await continueAsNew<typeof processInbox>({ connectionId, continued: counts })
    }
    if (result.state === 'more' || (isWoken && !result.trouble)) continue
    if (result.state === 'waiting') {
      // A provider that is away is not asked again because another webhook has come.
      const pause = pauseOf(result, troubles)
      await condition(() => isWoken && !result.trouble, pause)
      continue
    }
    if (result.state === 'empty' && (await condition(() => isWoken, lingerMs))) continue
    if (isWoken && result.state === 'empty') continue
    return counts
  }
}

function drainOf({ hasQueue, provider, partnerId }: LaneFacts): Activities['drainInbox'] {
  const { drainInbox } = proxyActivities<Activities>({
    ...times.lane,
    ...(hasQueue ? { taskQueue: `${workflowInfo().taskQueue}-${provider}` } : {}),
    retry: retry.database,
    priority: { priorityKey: temporalPriority.webhook, fairnessKey: partnerId },
  })
  return drainInbox
}

function pauseOf({ until, trouble }: DrainResult, troubles: number): number {
  const told = until === null ? 0 : Date.parse(until) - Date.now()
  if (!trouble) return Math.max(100, told)
  const own = Math.min(longestPauseMs, shortestPauseMs * 2 ** Math.min(troubles - 1, 10))
  return Math.max(told, own * (1 + Math.random() * 0.2))
}

const add = (a: InboxCounts, b: InboxCounts): InboxCounts => ({
  processed: a.processed + b.processed,
  dead: a.dead + b.dead,
  postponed: a.postponed + b.postponed,
})

function detailsOf(
  { providerName, name }: LaneFacts,
  counts: InboxCounts,
  { trouble, until }: DrainResult,
): string {
  const lines = [
    `Webhooks of **${providerName}** for ${name}`,
    '',
    '| processed | for another try | dead letters |',
    '| --- | --- | --- |',
    `| ${counts.processed} | ${counts.postponed} | ${counts.dead} |`,
  ]
  if (trouble) lines.push('', `Waits${until === null ? '' : ` until ${until}`}: ${trouble.message}`)
  return lines.join('\n')
}

const { listOverdueLanes } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  retry: retry.check,
})

/** Wakes lanes that have been due for a while and that nobody woke. Started by its schedule; `{}` by hand does the same. */
export async function sweepInbox(): Promise<SweepInboxResult> {
  const lanes = await listOverdueLanes({})
  let woken = 0
  for (const lane of lanes) if (await wake(lane)) woken++
  return { woken }
}

/** False: its lane is under way. */
async function wake({ connectionId, ...facts }: OverdueLane): Promise<boolean> {
  try {
    await startChild<typeof processInbox>('processInbox', {
      workflowId: workflowIds.processInbox(connectionId),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: searchAttributes({ connectionId, ...facts }),
      priority: { priorityKey: temporalPriority.webhook, fairnessKey: facts.partnerId },
      staticSummary: `Webhooks of ${facts.provider} (swept)`,
      args: [{ connectionId }],
    })
    return true
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError') return false
    throw error
  }
}
