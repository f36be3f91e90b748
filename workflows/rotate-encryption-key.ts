/**
 * Takes a key of the ring out of use: waits until every process seals with the current one, then wraps every data key that the old one
 * wraps by the current one, in batches. Readable all the time: processes hold both. Histories in Temporal stay encrypted with the old key
 * for as long as they are kept: `GET /admin/v1/encryption-keys` says when nothing needs it any more.
 */
import {
  allHandlersFinished,
  condition,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { RingFacts, Rewrapped } from '../activities/rotate-encryption-key.ts'
import { retry } from './retry.ts'
import { checkEncryptionKeyInput } from './rotation-input.ts'
import type { RotateEncryptionKeyInput, RotateEncryptionKeyResult } from './rotation-messages.ts'
import { asFailure, createSteering, pause, steps, type Steering } from './rotation-steering.ts'
import { searchAttributes } from './search-attributes.ts'

const { rewrapDataKeys, renewScheduleInputs } = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry: retry.database,
})

const lookAgainMs = 5_000

/** Started by the API, or by hand: `{"ringKeyId": "<the key that is to go>"}`. Goes on where an unfinished one was left. */
export async function rotateEncryptionKey(
  input: RotateEncryptionKeyInput,
): Promise<RotateEncryptionKeyResult> {
  const wish = checkEncryptionKeyInput(input)
  const steering = createSteering({
    refuse: (what) =>
      what === 'cancel' ? undefined : 'The old key ends when nothing is wrapped by it, not by the clock.',
  })
  try {
    const facts = await steps('Look at the ring').beginRingRotation(wish)
    steering.facts = facts
    const result = await replace(steering, facts)
    steering.result = result
    upsertSearchAttributes(searchAttributes({ outcome: result.state === 'done' ? 'succeeded' : 'cancelled' }))
    await condition(allHandlersFinished)
    return result
  } catch (error) {
    steering.failure ??= asFailure(error)
    await condition(allHandlersFinished)
    throw error
  }
}

async function replace(steering: Steering, facts: RingFacts): Promise<RotateEncryptionKeyResult> {
  const { rotationId } = facts
  let rewrapped: Rewrapped = { done: 0, left: 0 }
  const cancelled = async (): Promise<RotateEncryptionKeyResult> => {
    const told = 'Called off. What is wrapped by either key stays readable; start it again to go on.'
    await steps('Close the rotation').endRotation({ rotationId, state: 'cancelled', steps: [told] })
    show(facts, told, rewrapped)
    return { rotationId, state: 'cancelled', rewrapped: rewrapped.done, schedules: 0 }
  }
  if (await isCalledOff(steering, facts)) return await cancelled()
  for (;;) {
    rewrapped = await rewrapDataKeys({ rotationId })
    show(facts, 'data keys are wrapped by the current key', rewrapped)
    if (steering.wish) return await cancelled()
    if (rewrapped.left === 0) break
  }
  const schedules = await renewScheduleInputs({})
  // One that was being made while the batches ran.
  rewrapped = await rewrapDataKeys({ rotationId })
  const told = `No data key is wrapped by "${facts.subject}" any more. Histories in Temporal may still need it: GET /admin/v1/encryption-keys says until when. Until then leave it in TIELINE_ENCRYPTION_KEYS, behind the current key.`
  await steps('Close the rotation').endRotation({ rotationId, state: 'done', steps: [told] })
  show(facts, told, rewrapped)
  return { rotationId, state: 'done', rewrapped: rewrapped.done, schedules }
}

/** Waits for every process to seal with the current key. */
async function isCalledOff(steering: Steering, facts: RingFacts): Promise<boolean> {
  const { rotationId, currentKeyId } = facts
  let told = ''
  for (;;) {
    const lagging = await steps('Look who has the current key').listLaggingProcesses({})
    if (steering.wish) return true
    if (lagging.length === 0) return false
    const text = `These processes do not seal with "${currentKeyId}" yet; restart them with it in front: ${lagging.join(', ')}.`
    if (text !== told) await steps('Ask a person').askForSteps({ rotationId, steps: [text] })
    told = text
    show(facts, text, { done: 0, left: 0 })
    try {
      await pause(steering, lookAgainMs, 'until every process has the current key')
    } catch (error) {
      if (!isCancellation(error)) throw error
      return true
    }
  }
}

function show({ subject, currentKeyId }: RingFacts, text: string, { done, left }: Rewrapped): void {
  setCurrentDetails(
    [
      `**Key ring** \`${subject}\` → \`${currentKeyId}\`: ${text}`,
      '',
      '| data keys | |',
      '| --- | --- |',
      `| done | ${done} |`,
      `| left | ${left} |`,
      '',
      'Update: `cancel` stops it; what is done stays done.',
    ].join('\n'),
  )
}
