/**
 * Hourly: takes up rotations of API keys whose workflow has gone, begins those of keys that have become older than their partner's
 * policy wants, and erases new keys that nobody has fetched for a month.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import {
  ParentClosePolicy,
  continueAsNew,
  proxyActivities,
  startChild,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import {
  temporalPriority,
  workflowIds,
  type EnforceKeyAgeContinuation,
  type EnforceKeyAgeInput,
  type EnforceKeyAgeResult,
} from './messages.ts'
import { retry } from './retry.ts'
import type { rotateApiKey } from './rotate-api-key.ts'
import { searchAttributes } from './search-attributes.ts'

const { listDueKeys, eraseLeftKeys } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  retry: retry.database,
})

/** Started by its schedule; `{}` by hand does the same. */
export async function enforceKeyAge(input: EnforceKeyAgeInput = {}): Promise<EnforceKeyAgeResult> {
  let place = input.continued ?? (await begin())
  for (;;) {
    const { kind, after } = place
    const page = await listDueKeys({ kind, after })
    const begun = await startAll(kind, page.keys)
    const result = { ...place.result }
    result[kind === 'aged' ? 'started' : 'takenUp'] += begun
    if (page.next === null && kind === 'aged') return result
    place = { kind: page.next === null ? 'aged' : kind, after: page.next, result }
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof enforceKeyAge>({ continued: place })
  }
}

async function begin(): Promise<EnforceKeyAgeContinuation> {
  const erased = await eraseLeftKeys({})
  return { kind: 'left', after: null, result: { started: 0, takenUp: 0, erased } }
}

interface DueKey {
  readonly keyId: string
  readonly partnerId: string
}

async function startAll(kind: 'left' | 'aged', keys: readonly DueKey[]): Promise<number> {
  let begun = 0
  for (const key of keys) if (await start(kind, key)) begun++
  return begun
}

/** False: its rotation is under way. */
async function start(kind: 'left' | 'aged', { keyId, partnerId }: DueKey): Promise<boolean> {
  try {
    await startChild<typeof rotateApiKey>('rotateApiKey', {
      workflowId: workflowIds.rotateApiKey(keyId),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: searchAttributes({ partnerId }),
      priority: { priorityKey: temporalPriority.backfill, fairnessKey: partnerId },
      staticSummary:
        kind === 'aged' ? 'New API key: the old one is over age' : 'Rotation of an API key, taken up',
      args: [{ keyId, ...(kind === 'aged' ? { reason: 'age' as const, startedBy: 'enforceKeyAge' } : {}) }],
    })
    return true
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false
    throw error
  }
}
