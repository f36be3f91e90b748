/**
 * Replaces a secret that webhooks are signed with, of what a provider sends (`connectionId`) or of what an endpoint receives
 * (`endpointId`): the new one is valid beside the old one, is put where it is used by API or by a person, and the old one goes when nothing
 * is signed with it any more, or at the deadline. Nothing is refused meanwhile. What has been done is in the store: another run goes on.
 */
import {
  ContinueAsNew,
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { RotationFacts } from '../activities/rotations.ts'
import type { SecretFacts, SecretLook } from '../activities/rotate-secret.ts'
import { failureNote } from './failure-note.ts'
import { temporalPriority } from './messages.ts'
import { retry, times } from './retry.ts'
import { checkWebhookSecretInput } from './rotation-input.ts'
import type { RotateWebhookSecretInput, RotationResult } from './rotation-messages.ts'
import { asFailure, createSteering, pause, steps, type Steering } from './rotation-steering.ts'
import { searchAttributes } from './search-attributes.ts'

/** The provider did not take it: so long until it is tried again. */
const tryAgainMs = 10 * 60_000

interface Run {
  readonly facts: SecretFacts
  readonly steering: Steering
  /** How far it is, for who steers. */
  readonly seen: { look?: SecretLook }
}

/** Started by the API; `{"connectionId": "con_…"}` or `{"endpointId": "end_…"}` by hand. Joins a rotation that was left unfinished. */
export async function rotateWebhookSecret(input: RotateWebhookSecretInput): Promise<RotationResult> {
  const wish = checkWebhookSecretInput(input)
  const seen: Run['seen'] = {}
  const steering = createSteering({
    refuse: async (what) => {
      // As it is now: a person may have been shown the new one since it was looked last.
      if (steering.facts) seen.look = await lookAt({ facts: steering.facts })
      if (what === 'cancel' && seen.look?.inPlace)
        return 'The new secret is in use already: end the old one with revokeNow, or let it live longer with extendGrace.'
      if ((what === 'confirm' || what === 'revoke') && seen.look?.isMade === false)
        return 'The new secret is not there yet: it has to be entered first.'
      return undefined
    },
  })
  try {
    const facts = await steps('Make the new secret valid beside the old one').beginSecretRotation(wish)
    upsertSearchAttributes(
      searchAttributes({
        provider: facts.provider ?? undefined,
        connectionId: wish.connectionId,
        accountId: facts.accountId ?? undefined,
        partnerId: facts.partnerId ?? undefined,
      }),
    )
    const run = { facts, steering, seen }
    seen.look = await lookAt(run)
    steering.deadline = facts.deadline
    steering.facts = facts
    return await ended(run, await watch(run, wish))
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error
    steering.failure ??= asFailure(error)
    await condition(allHandlersFinished)
    throw error
  }
}

const lookAt = ({ facts: { rotationId } }: { readonly facts: RotationFacts }): Promise<SecretLook> =>
  steps('Look which secret is used').lookAtSecrets({ rotationId })

type Outcome = 'drop' | 'keep' | 'revoke' | 'cancel'

/** Puts the new one where it is used, then looks who uses which until there is a reason to end. */
async function watch(run: Run, input: RotateWebhookSecretInput): Promise<Outcome> {
  const { facts, steering, seen } = run
  let triedAt: number | undefined
  try {
    for (;;) {
      const isDue = triedAt === undefined || Date.now() - triedAt >= tryAgainMs
      if (facts.byApi && !seen.look?.inPlace && !steering.wish && isDue) {
        triedAt = Date.now()
        await putAtProvider(run)
      }
      seen.look = await lookAt(run)
      if (!seen.look.inPlace && !steering.wish) await handOver(run)
      steering.deadline = seen.look.deadline
      if (steering.wish) return steering.wish
      if (seen.look.decision !== 'wait') return seen.look.decision
      show(run, seen.look)
      await pause(steering, pauseOf(run, seen.look), 'until it is looked again which secret is used')
      if (workflowInfo().continueAsNewSuggested && !steering.wish) {
        await condition(allHandlersFinished)
        await continueAsNew<typeof rotateWebhookSecret>(input)
      }
    }
  } catch (error) {
    if (!isCancellation(error)) throw error
    return seen.look?.inPlace ? 'keep' : 'cancel'
  }
}

/** The webhook at the provider is brought in line with the new secret, or made anew where the provider makes secrets. */
async function putAtProvider({ facts, seen }: Run): Promise<void> {
  const { rotationId, subject: connectionId, provider, providerName, partnerId, renews } = facts
  const { keepSubscription, renewSubscription } = proxyActivities<Activities>({
    ...times.keepAlive,
    taskQueue: `${workflowInfo().taskQueue}-${provider ?? ''}`,
    retry: retry.check,
    priority: { priorityKey: temporalPriority.interactive, fairnessKey: partnerId ?? 'hub' },
    summary: `Put the new secret at ${providerName ?? 'the provider'}`,
  })
  try {
    // What was made anew by an earlier attempt is there already.
    const isMade = renews && seen.look?.isMade === true
    const put = renews && !isMade ? renewSubscription : keepSubscription
    if ((await put({ connectionId })).state !== 'active') return
    await steps('Note that the new secret is in place').settleNewSecret({ rotationId })
    if (seen.look) seen.look = { ...seen.look, inPlace: true, isMade: true }
  } catch (error) {
    if (isCancellation(error) || !failureNote(error)) throw error
  }
}

/** A person is told what to enter where. Told once. */
async function handOver({ facts: { rotationId } }: Run): Promise<void> {
  const told = await steps('Say what a person has to do').describeHandOver({ rotationId })
  await steps('Ask a person').askForSteps({ rotationId, steps: told, unlessInPlace: true })
}

const minute = 60_000

/** A few looks in a quiet time, at most one a second and at least one an hour; the deadline itself is not slept through. */
function pauseOf({ facts }: Run, { deadline }: SecretLook): number {
  const isUnseen = facts.kind === 'endpoint_secret'
  const every = isUnseen ? 60 * minute : Math.min(10 * minute, Math.max(1_000, facts.quietMs / 4))
  return Math.min(every, Date.parse(deadline) - Date.now())
}

async function ended(run: Run, outcome: Outcome): Promise<RotationResult> {
  const { facts, steering } = run
  const { rotationId } = facts
  if (outcome === 'keep') {
    const message =
      'The time is over, and nothing shows that the new secret is where it is to be used. Both stay valid; start another rotation, or revoke the old one then.'
    const failure = { code: 'StateConflict', message }
    await steps('End without dropping anything').endRotation({
      rotationId,
      state: 'failed',
      steps: [message],
      failure,
    })
    steering.result = { rotationId, state: 'failed' }
  } else {
    const which = outcome === 'cancel' ? 'new' : 'old'
    const { finishSecretRotation } = steps(`Drop the ${which} secret`)
    await finishSecretRotation({ rotationId, which, revoked: outcome === 'revoke' })
    steering.result = { rotationId, state: which === 'new' ? 'cancelled' : 'done' }
  }
  const outcomes = { done: 'succeeded', failed: 'failed', cancelled: 'cancelled' } as const
  upsertSearchAttributes(searchAttributes({ outcome: outcomes[steering.result.state] }))
  setCurrentDetails(`**${facts.title}** — ${steering.result.state} (${outcome})\n\n\`${facts.subject}\``)
  await condition(allHandlersFinished)
  return steering.result
}

function show({ facts }: Run, look: SecretLook): void {
  const { title, subject, kind, quietMs } = facts
  const use =
    kind === 'endpoint_secret'
      ? ['Events are signed with both secrets: nobody here can see which one the receiver checks.']
      : [
          '| secret | last used |',
          '| --- | --- |',
          `| old | ${look.oldUsedAt ?? 'not seen'} |`,
          `| new | ${look.isMade ? (look.newUsedAt ?? 'not seen') : 'has to be entered'} |`,
          '',
          `The old one goes when it has not been used for ${Math.round(quietMs / 1000)} s.`,
        ]
  setCurrentDetails(
    [
      `**${title}** (\`${subject}\`): both are valid until ${look.deadline}`,
      '',
      ...use,
      look.inPlace
        ? 'The new one is in place.'
        : `A person has to act: rotation \`${facts.rotationId}\` says what.`,
      '',
      'Updates: `revokeNow` ends the old one at once, `extendGrace` `{"seconds": 86400}` lets it live longer, `confirm` says that the new one is in place, `cancel` takes it back.',
    ].join('\n'),
  )
}
