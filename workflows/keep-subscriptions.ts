/**
 * Webhooks at providers: what stands there is compared with what is wished, a few times an hour; a webhook that is gone, switched off or about
 * to end is mended. Events that a provider has counted and that never came are looked for as well.
 */
import { ActivityFailure } from '@temporalio/common'
import {
  isCancellation,
  ParentClosePolicy,
  patched,
  proxyActivities,
  startChild,
  workflowInfo,
} from '@temporalio/workflow'
import type { SubscribedConnection } from '../activities/hook-subscription.ts'
import type { Activities } from '../activities/index.ts'
import {
  temporalPriority,
  workflowIds,
  type KeepSubscriptionsInput,
  type KeepSubscriptionsResult,
} from './messages.ts'
import { retry, times } from './retry.ts'
import type { syncMany } from './sync-many.ts'
import { checkIdInput } from './validate.ts'

const { listSubscribed, findHookGaps } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  retry: retry.check,
})

/** Connections at the same time. */
const parallel = 4

/** Started by its schedule; `{"connectionId": "con_…"}` does it for one. */
export async function keepSubscriptions(
  input: KeepSubscriptionsInput = {},
): Promise<KeepSubscriptionsResult> {
  const wish =
    input.connectionId === undefined
      ? {}
      : { connectionId: checkIdInput(input, 'connectionId', 'connection') }
  const connections = await listSubscribed(wish)
  const count = { active: 0, failed: 0, unsupported: 0, none: 0 }
  const queue = [...connections]
  const lane = async (): Promise<void> => {
    for (let one = queue.shift(); one; one = queue.shift()) count[await keepOne(one)]++
  }
  await Promise.all(Array.from({ length: Math.min(parallel, connections.length) }, lane))
  if (input.connectionId !== undefined || !patched('gaps')) return count
  return { ...count, gaps: await closeGaps() }
}

/** Lost events say only what has changed: an incremental sync of the provider's connections reads it. */
async function closeGaps(): Promise<number> {
  const gaps = await findHookGaps({ since: workflowInfo().startTime.toISOString() })
  for (const provider of new Set(gaps.map((gap) => gap.provider))) {
    const startedBy = 'gap in webhooks'
    await startChild<typeof syncMany>('syncMany', {
      workflowId: `${workflowIds.syncMany(provider, workflowInfo().startTime.toISOString())}:gap`,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `Sync of ${provider}: webhooks are missing in its count`,
      args: [{ provider, startedBy }],
    })
  }
  return gaps.length
}

async function keepOne({
  connectionId,
  provider,
}: SubscribedConnection): Promise<'active' | 'failed' | 'unsupported' | 'none'> {
  const { keepSubscription } = proxyActivities<Activities>({
    ...times.keepAlive,
    taskQueue: `${workflowInfo().taskQueue}-${provider}`,
    retry: retry.check,
    priority: { priorityKey: temporalPriority.backfill },
    summary: connectionId,
  })
  try {
    return (await keepSubscription({ connectionId })).state
  } catch (error) {
    if (error instanceof ActivityFailure && !isCancellation(error)) return 'failed'
    throw error
  }
}
