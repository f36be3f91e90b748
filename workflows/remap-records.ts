/**
 * `remapRecords`: applies a mapping to what is stored, in batches, without calling the provider; a dry run only counts.
 * `describeFields`: asks a provider which fields there are, for whoever edits a mapping.
 */
import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import { defineQuery } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { RemapFacts, RemapProgress } from '../activities/remap.ts'
import type { FailureNote } from '../model/failures.ts'
import { failureNote } from './failure-note.ts'
import { temporalPriority, type DescribeFieldsInput, type RemapInput, type RemapResult } from './messages.ts'
import { retry, times } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkIdInput, invalidInput } from './validate.ts'

const hub = proxyActivities<Activities>({ startToCloseTimeout: '1 minute', retry: retry.database })
const walk = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '30 seconds',
  retry: retry.database,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
})

/** A slice of a sync reads its mapping when it begins and lasts about half a minute. */
const longestSlice = '45 seconds'

const progressQuery = defineQuery<RemapProgress>('progress')

/** Started by the API; `{"remapId": "rmp_…"}`. */
export async function remapRecords(input: RemapInput): Promise<RemapResult> {
  const remapId = checkIdInput(input, 'remapId', 'remap')
  let progress: RemapProgress = { done: false, scanned: 0, changed: 0, troubled: 0, expected: 0 }
  setHandler(progressQuery, () => progress)
  const facts = await hub.describeRemap({ remapId })
  upsertSearchAttributes(searchAttributes(facts))
  const close = (state: RemapResult['state'], failure: FailureNote | null) =>
    CancellationScope.nonCancellable(() => hub.closeRemap({ remapId, state, failure }))
  try {
    for (let pass = 1; ; pass++) {
      do {
        show(facts, progress, pass)
        progress = await walk.remapSlice({ remapId })
      } while (!progress.done)
      // A plan has nothing to sweep; a walk is followed until no sync can have written with the mapping before.
      if (facts.dryRun || pass > 5) break
      if (pass === 1 && progress.isBeingRead !== false)
        await sleep(longestSlice, { summary: 'Until no slice of a sync works with the mapping before' })
      if ((await hub.sweepRemap({ remapId })).left === 0) break
    }
  } catch (error) {
    if (isCancellation(error)) {
      await close('cancelled', null)
      throw error
    }
    const failure = failureNote(error)
    if (!failure) throw error
    await close('failed', failure)
    throw ApplicationFailure.nonRetryable(failure.message, failure.code)
  }
  await close('succeeded', null)
  upsertSearchAttributes(searchAttributes({ outcome: 'succeeded' }))
  show(facts, progress, 0)
  return { remapId, state: 'succeeded', scanned: progress.scanned, changed: progress.changed }
}

function show(facts: RemapFacts, progress: RemapProgress, pass: number): void {
  const { scanned, changed, troubled, expected } = progress
  const state = pass === 0 ? 'done' : pass > 1 ? `pass ${pass}` : 'running'
  setCurrentDetails(
    [
      `**${facts.dryRun ? 'Plan of a re-mapping' : 'Re-mapping'} of ${facts.resource}** — ${state}`,
      `${facts.providerName}: ${facts.name} (\`${facts.connectionId}\`)`,
      `${scanned} of about ${expected} records looked at, ${changed} ${facts.dryRun ? 'would change' : 'changed'}, ${troubled} with values that cannot be converted`,
    ].join('\n\n'),
  )
}

/** `{"connectionId": "con_…", "resource": "contacts"}`. Answers how many fields there are; they are kept by the hub. */
export async function describeFields(input: DescribeFieldsInput): Promise<{ readonly fields: number }> {
  const { resource, ...rest } = (
    typeof input === 'object' && input !== null ? input : {}
  ) as Partial<DescribeFieldsInput>
  const connectionId = checkIdInput(rest, 'connectionId', 'connection')
  if (typeof resource !== 'string' || resource === '')
    throw invalidInput('"resource" is missing. The input is {"connectionId": "…", "resource": "…"}.')
  const facts = await hub.describeConnection({ connectionId })
  upsertSearchAttributes(searchAttributes(facts))
  const asked = proxyActivities<Activities>({
    ...times.check,
    startToCloseTimeout: '1 minute',
    scheduleToCloseTimeout: '2 minutes',
    taskQueue: `${workflowInfo().taskQueue}-${facts.provider}`,
    retry: retry.check,
    priority: { priorityKey: temporalPriority.interactive, fairnessKey: facts.partnerId },
    summary: `Fields of ${resource}`,
  })
  const { fields } = await asked.describeFields({ connectionId, resource })
  setCurrentDetails(`**${facts.providerName}: ${resource}** has ${fields} fields in this account.`)
  return { fields }
}
