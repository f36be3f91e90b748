/**
 * Replaces the secret of the hub's own app at a provider: a person makes it there and enters it here; it is proven with one renewal of
 * tokens, put in force, and the old one forgotten when the person has deleted it. Both are known meanwhile: a token request that is refused
 * under one is made with the other.
 */
import {
  allHandlersFinished,
  condition,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { AppFacts } from '../activities/rotate-client-secret.ts'
import { temporalPriority } from './messages.ts'
import { retry, times } from './retry.ts'
import { checkClientSecretInput } from './rotation-input.ts'
import type { RotateClientSecretInput, RotationResult } from './rotation-messages.ts'
import { asFailure, createSteering, pause, steps, type Steering } from './rotation-steering.ts'
import { searchAttributes } from './search-attributes.ts'

/** Started by the API, or by hand: `{"provider": "<slug>"}`. Goes on where an unfinished one was left. */
export async function rotateClientSecret(input: RotateClientSecretInput): Promise<RotationResult> {
  const wish = checkClientSecretInput(input)
  let force: 'old' | 'switching' | 'new' = 'old'
  const steering = createSteering({
    refuse: async (what) => {
      // The store may know of the switch, and so a person, before this workflow does.
      await condition(() => force !== 'switching' || steering.failure !== undefined)
      if (what === 'cancel' && force === 'new')
        return 'The new secret is in force already. Start another rotation to replace it.'
      if ((what === 'confirm' || what === 'revoke') && force === 'old')
        return 'The new secret is not in force yet: it has to be entered and proven first.'
      return undefined
    },
  })
  try {
    const facts = await steps('Look at the app').beginAppRotation(wish)
    upsertSearchAttributes(searchAttributes({ provider: facts.subject }))
    steering.deadline = facts.deadline
    steering.facts = facts
    // One that goes on may be switched already.
    if (facts.state !== 'overlap') {
      const given = await isGiven(steering, facts)
      // Called off while it was proven: nothing is switched.
      if (!given || steering.wish)
        return await close(steering, facts, steering.wish === 'cancel' ? 'cancelled' : 'failed')
      force = 'switching'
      await steps('Put the new secret in force').switchApp({ rotationId: facts.rotationId })
    }
    force = 'new'
    await deletion(steering, facts)
    return await close(steering, facts, 'done')
  } catch (error) {
    steering.failure ??= asFailure(error)
    await condition(allHandlersFinished)
    throw error
  }
}

const isOver = ({ deadline }: Steering): boolean => deadline !== null && Date.now() >= Date.parse(deadline)
const left = ({ deadline }: Steering): number =>
  deadline === null ? 3_600_000 : Date.parse(deadline) - Date.now()

/** Until a secret was entered that the provider takes. False when it was called off, or nobody came in time. */
async function isGiven(steering: Steering, facts: AppFacts): Promise<boolean> {
  const { rotationId, subject, providerName } = facts
  const { proveApp } = proxyActivities<Activities>({
    ...times.keepAlive,
    taskQueue: `${workflowInfo().taskQueue}-${subject}`,
    retry: retry.operation,
    priority: { priorityKey: temporalPriority.interactive },
    summary: `Prove the new secret at ${providerName}`,
  })
  let refused: string | undefined
  for (;;) {
    if (steering.wish || isOver(steering)) return false
    if (refused === undefined && (await steps('Look whether it was entered').isAppEntered({ rotationId }))) {
      const proof = await proveApp({ rotationId })
      if (proof.ok) return true
      refused = proof.message
    }
    const asked = await steps('Say what a person has to do').describeAppSteps({ rotationId, part: 'make' })
    const told = refused === undefined ? asked : [refused, ...asked]
    await steps('Ask a person').askForSteps({ rotationId, steps: told })
    show(facts, told)
    try {
      await pause(steering, left(steering), 'until the new secret was entered')
    } catch (error) {
      if (!isCancellation(error)) throw error
      steering.wish = 'cancel'
    }
    // Woken: it was entered (again).
    refused = undefined
  }
}

/** Until the person has deleted the old one at the provider, or the time is over. */
async function deletion(steering: Steering, facts: AppFacts): Promise<void> {
  const { rotationId } = facts
  if (steering.isConfirmed) return
  const asked = await steps('Say what a person has to do').describeAppSteps({ rotationId, part: 'delete' })
  await steps('Ask a person').askForSteps({ rotationId, steps: asked })
  show(facts, asked)
  while (!steering.isConfirmed && steering.wish !== 'revoke' && !isOver(steering))
    await pause(steering, left(steering), 'until the old secret was deleted')
}

async function close(
  steering: Steering,
  facts: AppFacts,
  state: RotationResult['state'],
): Promise<RotationResult> {
  const { rotationId, providerName } = facts
  const texts = {
    done: steering.isConfirmed
      ? 'The new secret is in force alone.'
      : `The new secret is in force, the old one is forgotten here. Nobody has confirmed that it was deleted at ${providerName}.`,
    cancelled: 'The old secret stays in force.',
    failed: 'Nobody entered a secret that the provider takes in time. The old one stays in force.',
  } as const
  const { endAppRotation } = steps('Forget the other secret')
  await endAppRotation({ rotationId, state, steps: [texts[state]] })
  const outcomes = { done: 'succeeded', cancelled: 'cancelled', failed: 'failed' } as const
  upsertSearchAttributes(searchAttributes({ outcome: outcomes[state] }))
  show(facts, [texts[state]])
  steering.result = { rotationId, state }
  await condition(allHandlersFinished)
  return steering.result
}

function show({ providerName, subject, deadline }: AppFacts, told: readonly string[]): void {
  setCurrentDetails(
    [
      `**Client secret of the hub’s app at ${providerName}** (\`${subject}\`), until ${deadline ?? 'it is done'}`,
      '',
      ...told.map((step, index) => `${index + 1}. ${step}`),
      '',
      'Updates: `confirm` says that the old one is deleted there, `revokeNow` forgets it at once, `extendGrace` `{"seconds": 86400}`, `cancel` keeps the old one.',
    ].join('\n'),
  )
}
