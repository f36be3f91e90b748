/**
 * Replaces a key that the hub signs with: the new one is published, signs when everybody who checks signatures can know it, and the old
 * one is retired when the last thing it has signed has expired. Nothing that was signed is refused meanwhile.
 */
import {
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  isCancellation,
  setCurrentDetails,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow'
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import type { SigningFacts } from '../activities/rotate-signing-key.ts'
import { publishSeconds, signingPurposes } from '../model/rotation.ts'
import { workflowIds } from './messages.ts'
import { checkSigningKeyInput, checkSigningKeysInput } from './rotation-input.ts'
import type { RotateSigningKeyInput, RotateSigningKeysInput, RotationResult } from './rotation-messages.ts'
import { asFailure, createSteering, pause, steps, type Steering } from './rotation-steering.ts'
import { searchAttributes } from './search-attributes.ts'

/** Started by its schedule, the API, or by hand: `{"purpose": "access"}`. Goes on where an unfinished one was left. */
export async function rotateSigningKey(input: RotateSigningKeyInput): Promise<RotationResult> {
  const wish = checkSigningKeyInput(input)
  let signs = false
  const steering = createSteering({
    refuse: (what) => {
      if (what === 'cancel' && signs)
        return 'The new key signs already. Start another rotation to replace it.'
      if (what === 'extend' || what === 'confirm')
        return 'Nobody has to act: this rotation goes by the clock.'
      return undefined
    },
  })
  try {
    const { purpose, startedBy } = wish
    const begin = { purpose, ...(startedBy === undefined ? {} : { startedBy }) }
    const facts = await steps('Publish the new key').beginSigningRotation(begin)
    steering.facts = facts
    if (await isTakenBack(steering, facts, wish)) return await close(steering, facts, 'cancelled')
    signs = true
    await replace(steering, facts, wish)
    return await close(steering, facts, 'done')
  } catch (error) {
    steering.failure ??= asFailure(error)
    await condition(allHandlersFinished)
    throw error
  }
}

/** Waits until who checks signatures knows the new key. True when somebody calls it off before it signs. */
async function isTakenBack(
  steering: Steering,
  facts: SigningFacts,
  wish: RotateSigningKeyInput,
): Promise<boolean> {
  const until = Date.parse(facts.publishedAt) + (wish.publishSeconds ?? publishSeconds) * 1000
  show(facts, `published; signs from ${new Date(until).toISOString()}`)
  const { rotationId } = facts
  if (Date.now() < until && facts.state !== 'overlap') {
    await steps('Note the wait').noteRotation({
      ...{ rotationId, state: 'working' },
      steps: [
        `The new key is published. It signs from ${new Date(until).toISOString()}, when everybody can know it.`,
      ],
    })
    try {
      while (Date.now() < until && !steering.wish)
        await pause(steering, until - Date.now(), 'until everybody knows the new key')
    } catch (error) {
      if (!isCancellation(error)) throw error
      steering.wish = 'cancel'
    }
  }
  if (steering.wish !== 'cancel') return false
  await CancellationScope.nonCancellable(() =>
    steps('Take the new key back').retireOldSigningKey({ keyId: facts.keyId }),
  )
  return true
}

/** Lets it sign; the old one is believed until what it has signed has expired. */
async function replace(steering: Steering, facts: SigningFacts, wish: RotateSigningKeyInput): Promise<void> {
  const { rotationId, keyId } = facts
  const { old, since } = await steps('Sign with the new key').promoteNewSigningKey({ rotationId, keyId })
  if (old === null) return
  // A key that has leaked: what it has signed is not believed any longer, whatever has not expired.
  const isUrgent = (): boolean => steering.wish === 'revoke'
  const until = Date.parse(since) + (wish.retireSeconds ?? facts.retireSeconds) * 1000
  show(facts, `signs; the old one (\`${old}\`) is believed until ${new Date(until).toISOString()}`)
  await steps('Note the overlap').noteRotation({
    ...{ rotationId, state: 'overlap' },
    steps: [
      `The new key signs. What the old one has signed is believed until ${new Date(until).toISOString()}.`,
    ],
  })
  while (Date.now() < until && !isUrgent())
    await pause(steering, until - Date.now(), 'until what the old key has signed has expired')
  await steps('Retire the old key').retireOldSigningKey({ keyId: old })
}

async function close(
  steering: Steering,
  facts: SigningFacts,
  state: 'done' | 'cancelled',
): Promise<RotationResult> {
  const { rotationId } = facts
  const text =
    state === 'done' ? 'The new key signs alone.' : 'The old key signs on; the new one is withdrawn.'
  return await CancellationScope.nonCancellable(async () => {
    await steps('Close the rotation').endRotation({ rotationId, state, steps: [text] })
    upsertSearchAttributes(searchAttributes({ outcome: state === 'done' ? 'succeeded' : 'cancelled' }))
    show(facts, text)
    steering.result = { rotationId, state }
    await condition(allHandlersFinished)
    return steering.result
  })
}

function show({ keyId, subject }: SigningFacts, text: string): void {
  setCurrentDetails(
    [
      `**Signing key (${subject})** \`${keyId}\` — ${text}`,
      'Updates: `revokeNow` lets the new key sign and ends the old one at once (a leak: what it has signed is refused), `cancel` takes the new one back before it signs.',
    ].join('\n\n'),
  )
}

/** What the schedule starts: a rotation of each purpose, under its own id. One that is under way is left to itself. */
export async function rotateSigningKeys(
  input: RotateSigningKeysInput = {},
): Promise<{ readonly started: number }> {
  const { purposes = signingPurposes, hub = 'tieline' } = checkSigningKeysInput(input)
  let started = 0
  for (const purpose of purposes) {
    try {
      await startChild<typeof rotateSigningKey>('rotateSigningKey', {
        workflowId: workflowIds.rotateSigningKey(purpose, hub),
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `New signing key (${purpose})`,
        args: [{ purpose, startedBy: 'schedule' }],
      })
      started++
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    }
  }
  if (purposes.length === 0)
    throw ApplicationFailure.nonRetryable('There is no purpose to rotate.', 'InvalidInput')
  return { started }
}
