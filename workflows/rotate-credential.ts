/**
 * Replaces a connection's credential by a new one that its provider makes: mint, prove, switch, and, once nobody works with
 * the old one any more, retire it. What fails before the switch is taken back; from then on the new one is in force.
 */
import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { RotationFacts } from '../activities/rotate-credential.ts'
import type { FailureNote } from '../model/failures.ts'
import { failureNote } from './failure-note.ts'
import { temporalPriority, type RotateCredentialInput, type RotateCredentialResult } from './messages.ts'
import { retry, times } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkIdInput, invalidInput } from './validate.ts'

const { beginRotation, switchCredential, abandonRotation } = proxyActivities<Activities>({
  startToCloseTimeout: '30 seconds',
  retry: retry.database,
})

/** Work that began with the old credential goes on with it for as long as an activity may take. */
const defaultOverlapSeconds = 360
const proofs = 6

/** Started by the API; `{"connectionId": "con_…"}` by hand begins a rotation, or takes up one that was left unfinished. */
export async function rotateCredential(input: RotateCredentialInput): Promise<RotateCredentialResult> {
  const { connectionId, overlapSeconds } = checked(input)
  const facts = await beginRotation({ connectionId, attempt: workflowInfo().runId })
  upsertSearchAttributes(searchAttributes(facts))
  const key = { connectionId, attempt: facts.attempt }
  await replace(facts, key)
  show(facts, 'the new credential is in force; the old one is retired when nobody works with it any more')
  await sleep(overlapSeconds * 1000, { summary: 'until nobody works with the old credential' })
  await retire(facts, key)
  upsertSearchAttributes(searchAttributes({ outcome: 'succeeded' }))
  show(facts, 'done')
  return { connectionId, state: 'rotated' }
}

function checked(input: RotateCredentialInput): Required<RotateCredentialInput> {
  const { overlapSeconds = defaultOverlapSeconds, ...rest } =
    typeof input === 'object' && input !== null ? input : { connectionId: '' }
  const connectionId = checkIdInput(rest, 'connectionId', 'connection')
  if (!Number.isInteger(overlapSeconds) || overlapSeconds < 0 || overlapSeconds > 604_800)
    throw invalidInput('"overlapSeconds" is a whole number from 0 to 604800.')
  return { connectionId, overlapSeconds }
}

interface Key {
  readonly connectionId: string
  readonly attempt: string
}

const atProvider = (facts: RotationFacts, summary: string) =>
  proxyActivities<Activities>({
    ...times.connect,
    taskQueue: `${workflowInfo().taskQueue}-${facts.provider}`,
    retry: retry.check,
    priority: { priorityKey: temporalPriority.interactive, fairnessKey: facts.partnerId },
    summary,
  })

/** Up to the switch. What fails is taken back. */
async function replace(facts: RotationFacts, key: Key): Promise<void> {
  try {
    show(facts, 'a new credential is being made')
    await atProvider(facts, `Make a new credential at ${facts.providerName}`).mintCredential(key)
    await prove(facts, key)
    await switchCredential(key)
  } catch (error) {
    const failure = isCancellation(error) ? cancelled : (failureNote(error) ?? noteOf(error))
    if (!failure) throw error
    await CancellationScope.nonCancellable(() => takeBack(facts, key, failure))
    upsertSearchAttributes(searchAttributes({ outcome: 'failed' }))
    show(facts, `failed: ${failure.message} The old credential stays in force.`)
    if (isCancellation(error)) throw error
    throw ApplicationFailure.nonRetryable(failure.message, failure.code)
  }
}

const cancelled: FailureNote = { code: 'Superseded', message: 'The rotation was cancelled.' }

const noteOf = (error: unknown): FailureNote | undefined =>
  error instanceof ApplicationFailure && error.type ? { code: error.type, message: error.message } : undefined

/** A new credential may take a moment until it works everywhere. */
async function prove(facts: RotationFacts, key: Key): Promise<void> {
  for (let tried = 1; ; tried++) {
    const proof = await atProvider(facts, 'Prove the new credential').proveMinted(key)
    if (proof.ok) return
    const { code, message } = proof.failure
    if (tried === proofs) throw ApplicationFailure.nonRetryable(message, code)
    await sleep(tried * 5_000, { summary: 'until the new credential works' })
  }
}

async function takeBack(facts: RotationFacts, key: Key, failure: FailureNote): Promise<void> {
  try {
    await atProvider(facts, 'Take the new credential back').discardMinted({ ...key, failure })
  } catch (error) {
    if (!failureNote(error)) throw error
    await abandonRotation({ ...key, failure })
  }
}

async function retire(facts: RotationFacts, key: Key): Promise<void> {
  const { retireCredential } = proxyActivities<Activities>({
    ...times.persistent,
    taskQueue: `${workflowInfo().taskQueue}-${facts.provider}`,
    retry: retry.persistent,
    summary: `End the old credential at ${facts.providerName}`,
  })
  try {
    await retireCredential(key)
  } catch (error) {
    const failure = failureNote(error)
    if (!failure || isCancellation(error)) throw error
    await abandonRotation({ ...key, failure })
    upsertSearchAttributes(searchAttributes({ outcome: 'partly_failed' }))
    const text = `The new credential is in force, but the old one could not be ended: ${failure.message} End it by hand at ${facts.providerName}.`
    show(facts, text)
    throw ApplicationFailure.nonRetryable(text, failure.code)
  }
}

function show(facts: RotationFacts, state: string): void {
  setCurrentDetails(
    [`**${facts.providerName}** — ${state}`, `${facts.name} (\`${facts.connectionId}\`)`].join('\n\n'),
  )
}
