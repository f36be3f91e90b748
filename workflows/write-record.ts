/**
 * `writeRecord`: one write to a provider, with the conflict policy that was asked for; it waits (for days, if need be) when
 * a person has to decide. `writeMany`: several as one; what was done before a failure is taken back in reverse order.
 */
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  executeChild,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { WriteFacts } from '../activities/writes.ts'
import type { FailureNote } from '../model/failures.ts'
import { failureNote } from './failure-note.ts'
import {
  decidedSignal,
  temporalPriority,
  workflowIds,
  type WriteInput,
  type WriteResult,
  type WriteSetInput,
  type WriteSetResult,
} from './messages.ts'
import { retry, times } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkIdInput } from './validate.ts'

const hub = proxyActivities<Activities>({ startToCloseTimeout: '1 minute', retry: retry.database })

/** How long a conflict waits for a person. */
const patience = '30 days'

/** Started by the API; `{"writeId": "wrt_…"}` by hand takes up one that was left behind. */
export async function writeRecord(input: WriteInput): Promise<WriteResult> {
  const writeId = checkIdInput(input, 'writeId', 'write')
  let decided = false
  setHandler(decidedSignal, () => {
    decided = true
  })
  const facts = await hub.describeWrite({ writeId })
  upsertSearchAttributes(searchAttributes(facts))
  show(facts, 'running')
  try {
    for (;;) {
      decided = false
      const { state } = await provider(facts).performWrite({ writeId })
      if (state !== 'needs_decision') return end(facts, state === 'failed' ? 'failed' : 'succeeded')
      show(facts, 'waits for a person: both sides have changed the same fields')
      if (!(await condition(() => decided, patience))) throw undecided
    }
  } catch (error) {
    const failure = isCancellation(error) ? cancelled : error === undecided ? nobody : failureNote(error)
    if (!failure) throw error
    await CancellationScope.nonCancellable(() => hub.endFailedWrite({ writeId, failure }))
    end(facts, 'failed', failure)
    if (isCancellation(error)) throw error
    throw ApplicationFailure.nonRetryable(failure.message, failure.code)
  }
}

const undecided = new Error('nobody has decided')
const nobody: FailureNote = { code: 'Conflict', message: 'Nobody has decided the conflict within 30 days.' }
const cancelled: FailureNote = {
  code: 'Superseded',
  message: 'The write was cancelled. The provider may have done it already.',
}

function provider(facts: WriteFacts) {
  return proxyActivities<Activities>({
    ...times.operation,
    taskQueue: `${workflowInfo().taskQueue}-${facts.provider}`,
    retry: retry.operation,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    priority: { priorityKey: temporalPriority.interactive, fairnessKey: facts.partnerId },
    summary: `${facts.operation} in ${facts.resource}`,
  })
}

function end(facts: WriteFacts, state: WriteResult['state'], failure?: FailureNote): WriteResult {
  upsertSearchAttributes(searchAttributes({ outcome: state }))
  show(facts, state, failure)
  return { writeId: facts.writeId, state }
}

function show(facts: WriteFacts, state: string, failure?: FailureNote): void {
  const lines = [
    `**${facts.operation} in ${facts.resource}** — ${state}`,
    `${facts.providerName}: ${facts.name} (\`${facts.connectionId}\`)`,
    ...(failure ? [`${failure.code}: ${failure.message}`] : []),
    `Fields and outcome are kept by the hub: \`${facts.writeId}\`.`,
  ]
  setCurrentDetails(lines.join('\n\n'))
}

/** `{"setId": "wrs_…"}`. */
export async function writeMany(input: WriteSetInput): Promise<WriteSetResult> {
  const setId = checkIdInput(input, 'setId', 'writeSet')
  const set = await hub.describeWriteSet({ setId })
  if (set.state !== 'running') return { setId, state: set.state }
  const done: string[] = []
  let failed = 0
  for (const { writeId } of set.writes) {
    const ok = await succeeded(writeId)
    setCurrentDetails(
      `${done.length + failed + 1} of ${set.writes.length} writes, ${ok ? failed : failed + 1} failed`,
    )
    if (ok) done.push(writeId)
    else failed++
    if (!ok && set.mode === 'together') return await takeBack(setId, done)
  }
  return await close(setId, failed === 0 ? 'succeeded' : done.length === 0 ? 'failed' : 'partly_failed')
}

async function succeeded(writeId: string): Promise<boolean> {
  try {
    const child = { workflowId: workflowIds.writeRecord(writeId), args: [{ writeId }] as [WriteInput] }
    return (await executeChild(writeRecord, child)).state === 'succeeded'
  } catch (error) {
    if (isCancellation(error)) throw error
    return false
  }
}

/** In reverse order. What cannot be taken back is named; the rest is taken back all the same. */
async function takeBack(setId: string, done: readonly string[]): Promise<WriteSetResult> {
  let left = 0
  for (const writeId of [...done].reverse()) {
    const facts = await hub.describeWrite({ writeId })
    try {
      await provider(facts).undoWrite({ writeId })
    } catch (error) {
      const failure = failureNote(error)
      if (!failure) throw error
      left++
      await hub.noteUndoFailed({ writeId, failure })
    }
  }
  return await close(setId, left > 0 ? 'compensation_failed' : done.length === 0 ? 'failed' : 'compensated')
}

async function close(setId: string, state: WriteSetResult['state']): Promise<WriteSetResult> {
  await hub.closeWriteSet({ setId, state })
  upsertSearchAttributes(searchAttributes({ outcome: state }))
  setCurrentDetails(`**${state}** — \`${setId}\``)
  return { setId, state }
}
