/** Checks a connection now: does the provider accept its credential, and what does it say. A refusal is a result. */
import {
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { CheckOutcome } from '../activities/check.ts'
import type { ConnectionFacts } from '../activities/describe.ts'
import type { Activities } from '../activities/index.ts'
import { failureNote } from './failure-note.ts'
import { temporalPriority, type CheckConnectionInput, type CheckConnectionResult } from './messages.ts'
import { retry, times } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkIdInput } from './validate.ts'

const { describeConnection, noteCheck } = proxyActivities<Activities>({
  startToCloseTimeout: '30 seconds',
  retry: retry.database,
})

export async function checkConnection(input: CheckConnectionInput): Promise<CheckConnectionResult> {
  const connectionId = checkIdInput(input, 'connectionId', 'connection')
  const facts = await describeConnection({ connectionId })
  upsertSearchAttributes(searchAttributes(facts))
  const outcome = await check(facts)
  upsertSearchAttributes(searchAttributes({ outcome: outcome.ok ? 'succeeded' : 'failed' }))
  const finding = outcome.ok ? outcome.proves : `${outcome.failure.code}: ${outcome.failure.message}`
  setCurrentDetails(
    `**${facts.providerName}: ${facts.name}** — ${outcome.ok ? 'works' : 'does not work'}\n\n${finding}`,
  )
  return { connectionId, ...outcome }
}

async function check(facts: ConnectionFacts): Promise<CheckOutcome> {
  const { connectionId } = facts
  const { runHealthCheck } = proxyActivities<Activities>({
    ...times.check,
    taskQueue: `${workflowInfo().taskQueue}-${facts.provider}`,
    retry: retry.check,
    priority: { priorityKey: temporalPriority.interactive, fairnessKey: facts.partnerId },
    summary: `Ask ${facts.providerName}`,
  })
  try {
    return await runHealthCheck({ connectionId })
  } catch (error) {
    const failure = isCancellation(error) ? undefined : failureNote(error)
    if (!failure) throw error
    const outcome: CheckOutcome = { ok: false, failure }
    await noteCheck({ connectionId, outcome })
    return outcome
  }
}
