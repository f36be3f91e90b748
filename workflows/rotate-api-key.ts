/**
 * Replaces an API key without a gap: a new key is made, the partner is told, both work during the overlap, and the old one ends when
 * nobody uses it any more, at the deadline, or when somebody says so. What has been done is in the store: should this workflow die,
 * another takes the rotation up (`enforceKeyAge`). The new key itself never comes through here.
 */
import {
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { KeyRotationFacts, KeyRotationFinding } from '../activities/rotate-api-key.ts'
import { longestKeyOverlapSeconds } from '../model/key-rotation.ts'
import { failureNote } from './failure-note.ts'
import { checkKeyRotationInput } from './key-rotation-input.ts'
import {
  cancelRotationUpdate,
  extendGraceUpdate,
  keyMintedUpdate,
  revokeNowUpdate,
  type RotateApiKeyInput,
  type RotateApiKeyResult,
  type SteeringOfKeys,
} from './messages.ts'
import { retry } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { invalidInput, isWhole } from './validate.ts'

const options = { startToCloseTimeout: '30 seconds', retry: retry.database } as const
const steps = (summary: string) => proxyActivities<Activities>({ ...options, summary })

type Outcome = NonNullable<KeyRotationFinding['end']>

/** What the handlers and the loop tell each other. */
interface Standing {
  facts?: KeyRotationFacts
  /** How somebody, or the beginning, wants it to end. */
  wish?: { readonly outcome: Outcome; readonly by: string }
  deadlineAt?: string
  result?: RotateApiKeyResult
  /** Why it could not begin. */
  failure?: ApplicationFailure
}

/** Started by the API, by `enforceKeyAge`, or by hand: `{"keyId": "key_…"}` begins a rotation, or takes up one that was left. */
export async function rotateApiKey(input: RotateApiKeyInput): Promise<RotateApiKeyResult> {
  const wish = checkKeyRotationInput(input)
  const standing: Standing = {}
  listen(standing, wish)
  try {
    const facts = await begin(standing, wish)
    return await settle(standing, facts, await watch(standing, facts, wish))
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error
    standing.failure ??= failed(error)
    await condition(allHandlersFinished)
    throw error
  }
}

async function begin(standing: Standing, wish: RotateApiKeyInput): Promise<KeyRotationFacts> {
  const { keyId, overlapSeconds, quietSeconds, expiresAt, reason = 'asked', startedBy = 'ui' } = wish
  const attempt = workflowInfo().firstExecutionRunId
  const { beginApiKeyRotation } = steps('Make the new key, tell the partner')
  const facts = await beginApiKeyRotation({
    ...{ keyId, attempt, reason, startedBy, overlapSeconds, quietSeconds, expiresAt },
  })
  upsertSearchAttributes(searchAttributes(facts))
  standing.deadlineAt = facts.deadlineAt
  if (overlapSeconds === 0) standing.wish = { outcome: 'now', by: startedBy }
  standing.facts = facts
  return facts
}

/** Looks who uses which key until there is a reason to end. */
async function watch(
  standing: Standing,
  facts: KeyRotationFacts,
  input: RotateApiKeyInput,
): Promise<NonNullable<Standing['wish']>> {
  const key = { keyId: facts.keyId, attempt: facts.attempt }
  try {
    for (;;) {
      if (standing.wish) return standing.wish
      const finding = await steps('Look who uses which key').lookAtApiKeyRotation(key)
      standing.deadlineAt = finding.deadlineAt
      if (standing.wish) return standing.wish
      if (finding.end) return { outcome: finding.end, by: 'rotateApiKey' }
      show(facts, finding)
      const known = finding.deadlineAt
      const pause = pauseOf(facts, known, input.lookEverySeconds)
      await condition(() => standing.wish !== undefined || standing.deadlineAt !== known, pause, {
        summary: 'until it is looked again who uses which key',
      })
      if (workflowInfo().continueAsNewSuggested && !standing.wish) {
        await condition(allHandlersFinished)
        await continueAsNew<typeof rotateApiKey>(input)
      }
    }
  } catch (error) {
    if (!isCancellation(error)) throw error
    return { outcome: 'cancelled', by: 'ui' }
  }
}

/** A cancellation from Temporal's UI takes the new key back too; so this must go through whatever happens. */
async function settle(
  standing: Standing,
  facts: KeyRotationFacts,
  { outcome, by }: NonNullable<Standing['wish']>,
): Promise<RotateApiKeyResult> {
  return await CancellationScope.nonCancellable(async () => {
    const { keyId, attempt, newKeyId } = facts
    const { endApiKeyRotation } = steps(outcome === 'cancelled' ? 'End the new key' : 'End the old key')
    const end = await endApiKeyRotation({ keyId, attempt, outcome, by })
    if (end.state === 'overlap') throw ApplicationFailure.nonRetryable('The rotation has no end', 'Internal')
    standing.result = { keyId, newKeyId, state: end.state, outcome: end.outcome }
    upsertSearchAttributes(searchAttributes({ outcome: outcomes[end.state] }))
    showEnd(facts, standing.result)
    await condition(allHandlersFinished)
    return standing.result
  })
}

const outcomes = { done: 'succeeded', cancelled: 'cancelled', failed: 'failed' } as const

/** Before the first await, so that nothing that is asked early is lost. */
function listen(standing: Standing, input: RotateApiKeyInput): void {
  const ended = async (): Promise<RotateApiKeyResult> => {
    await condition(() => standing.result !== undefined || standing.failure !== undefined)
    if (standing.result) return standing.result
    throw standing.failure ?? stateConflict('The rotation could not end.')
  }
  // From the Temporal UI an update may come without anything.
  const steer = (
    outcome: 'now' | 'cancelled',
    who: SteeringOfKeys | undefined,
  ): Promise<RotateApiKeyResult> => {
    standing.wish ??= { outcome, by: who?.by ?? 'ui' }
    return ended()
  }
  const validator = (_who: SteeringOfKeys): void => requireOverlap(standing)
  setHandler(keyMintedUpdate, async () => {
    const isThere = () =>
      standing.facts !== undefined && (input.overlapSeconds !== 0 || standing.result !== undefined)
    await condition(() => standing.failure !== undefined || isThere())
    if (standing.failure) throw standing.failure
    return { newKeyId: standing.facts?.newKeyId ?? '', deadlineAt: standing.deadlineAt ?? '' }
  })
  setHandler(revokeNowUpdate, (who) => steer('now', who), { validator })
  setHandler(cancelRotationUpdate, (who) => steer('cancelled', who), { validator })
  setHandler(extendGraceUpdate, (wish) => extend(standing, wish), {
    validator: (wish) => {
      requireOverlap(standing)
      checkExtension(standing, wish)
    },
  })
}

const stateConflict = (text: string) => ApplicationFailure.nonRetryable(text, 'StateConflict')

function requireOverlap({ facts, wish, result, failure }: Standing): void {
  if (!facts) throw stateConflict('The new key is not there yet. Try again in a moment.')
  if (wish || result || failure) throw stateConflict('This rotation is ending already.')
}

function checkExtension({ facts, deadlineAt }: Standing, wish: unknown): void {
  const seconds = typeof wish === 'object' && wish !== null && 'seconds' in wish ? wish.seconds : undefined
  if (!isWhole(seconds, 60, longestKeyOverlapSeconds))
    throw invalidInput(`"seconds" is a whole number from 60 to ${longestKeyOverlapSeconds}.`)
  const total = later(deadlineAt, seconds) - Date.parse(facts?.startedAt ?? '')
  if (total > longestKeyOverlapSeconds * 1000)
    throw invalidInput('The old key lives at most 30 days beside the new one.')
}

const later = (deadlineAt: string | undefined, seconds: number): number =>
  Date.parse(deadlineAt ?? '') + seconds * 1000

async function extend(
  standing: Standing,
  { seconds, by = 'ui' }: { readonly seconds: number; readonly by?: string },
): Promise<{ readonly deadlineAt: string }> {
  const { facts } = standing
  if (!facts) throw stateConflict('The new key is not there yet.')
  const deadlineAt = new Date(later(standing.deadlineAt, seconds)).toISOString()
  const { keyId, attempt } = facts
  const { extendApiKeyRotation } = steps('Let the old key live longer')
  try {
    const after = await extendApiKeyRotation({ keyId, attempt, deadlineAt, by })
    standing.deadlineAt = after.deadlineAt
    return after
  } catch (error) {
    throw failed(error)
  }
}

/** An activity's failure under its own code, as whoever waits for an update is told it. */
function failed(error: unknown): ApplicationFailure {
  const note = failureNote(error)
  return ApplicationFailure.nonRetryable(note?.message ?? 'The rotation broke.', note?.code ?? 'Internal')
}

const minute = 60_000

/** Some 150 looks in an overlap, at most one a minute and at least one an hour; the deadline itself is not slept through. */
function pauseOf({ startedAt }: KeyRotationFacts, deadlineAt: string, lookEverySeconds?: number): number {
  const whole = Date.parse(deadlineAt) - Date.parse(startedAt)
  const every =
    lookEverySeconds === undefined
      ? Math.min(60 * minute, Math.max(minute, whole / 150))
      : lookEverySeconds * 1000
  return Math.max(1_000, Math.min(every, Date.parse(deadlineAt) - Date.now()))
}

function show(facts: KeyRotationFacts, finding: KeyRotationFinding): void {
  const { keyId, newKeyId, name, quietSeconds } = facts
  const lines = [
    `**${name}**: both keys work until ${finding.deadlineAt}`,
    '',
    '| key | | last used |',
    '| --- | --- | --- |',
    `| \`${keyId}\` | old | ${finding.oldUsedAt ?? 'never'} |`,
    `| \`${newKeyId}\` | new | ${finding.newUsedAt ?? 'never'} |`,
    '',
    finding.secretWaits
      ? `The new key waits to be fetched, once: \`GET /v1/keys/${newKeyId}/secret\`.`
      : 'The new key has been fetched.',
    `The old one ends when nobody has used it for ${quietSeconds} s while the new one is used, or at the deadline. Reminders: ${finding.reminders}.`,
    '',
    'Updates: `revokeNow` ends the old key at once, `extendGrace` `{"seconds": 86400}` lets it live longer, `cancel` takes the new one back.',
  ]
  setCurrentDetails(lines.join('\n'))
}

const ends: Readonly<Record<RotateApiKeyResult['state'], string>> = {
  done: 'the new key is in force alone',
  cancelled: 'called off: the old key stays, the new one has ended',
  failed: 'the new key was revoked meanwhile, so the old one stays: start another rotation, or revoke it',
}

function showEnd({ keyId, newKeyId, name }: KeyRotationFacts, { state, outcome }: RotateApiKeyResult): void {
  setCurrentDetails(`**${name}**: ${ends[state]} (${outcome})\n\n\`${keyId}\` → \`${newKeyId}\``)
}
