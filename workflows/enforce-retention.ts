/**
 * Every night: figures of calls become days, what is older than its period goes, and what was removed is written down. Each slice commits
 * batch by batch: a run that is stopped has lost nothing, the next one goes on where it was.
 */
import {
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { retentionSteps } from '../model/retention.ts'
import { temporalPriority, type EnforceRetentionResult } from './messages.ts'
import { retry } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkNoInput } from './validate.ts'

const { noteRetention } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  retry: retry.database,
})

/** Started by its schedule; `{}` by hand does the same. */
export async function enforceRetention(input: Record<never, never> = {}): Promise<EnforceRetentionResult> {
  checkNoInput(input)
  const removed: Record<string, number> = {}
  for (const step of retentionSteps) {
    const { removeOld } = proxyActivities<Activities>({
      startToCloseTimeout: '3 minutes',
      heartbeatTimeout: '15 seconds',
      retry: retry.database,
      priority: { priorityKey: temporalPriority.backfill },
      summary: step,
    })
    for (let done = false; !done;) {
      const slice = await removeOld({ step })
      for (const [kind, n] of Object.entries(slice.removed)) removed[kind] = (removed[kind] ?? 0) + n
      done = slice.done
      show(removed)
    }
  }
  const { reviewId } = await noteRetention({ removed, startedAt: workflowInfo().startTime.toISOString() })
  upsertSearchAttributes(searchAttributes({ outcome: 'succeeded' }))
  return { removed, reviewId }
}

function show(removed: Readonly<Record<string, number>>): void {
  const rows = Object.entries(removed).map(([kind, n]) => `| ${kind} | ${n} |`)
  setCurrentDetails(['| what | removed |', '| --- | --- |', ...rows].join('\n'))
}
