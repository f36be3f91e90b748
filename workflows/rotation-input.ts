/** Checks of the inputs of rotations, which may have been typed into the Temporal UI. A bad one ends the workflow with `InvalidInput`. */
import { isId } from '../model/ids.ts'
import { graceSeconds, leastQuietSeconds, signingPurposes, type SigningPurpose } from '../model/rotation.ts'
import type {
  RotateClientSecretInput,
  RotateEncryptionKeyInput,
  RotateSigningKeyInput,
  RotateSigningKeysInput,
  RotateWebhookSecretInput,
} from './rotation-messages.ts'
import { checkInput, invalidInput, whole, type Check } from './validate.ts'

const matching =
  (pattern: RegExp, told: string): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value) ? undefined : told
const id =
  (kind: 'connection' | 'endpoint'): Check =>
  (value) =>
    isId(kind, value) ? undefined : `the id of a${kind === 'endpoint' ? 'n' : ''} ${kind}`

const isPurpose = (value: unknown): value is SigningPurpose => signingPurposes.some((one) => one === value)
const purpose: Check = (value) => (isPurpose(value) ? undefined : `one of ${signingPurposes.join(', ')}`)
const purposes: Check = (value) =>
  Array.isArray(value) && value.every(isPurpose) ? undefined : `a list of ${signingPurposes.join(', ')}`

export const bounds = {
  grace: [60, graceSeconds.most],
  quiet: [leastQuietSeconds, 604_800],
  day: [1, 86_400],
} as const

const shared = {
  graceSeconds: whole(...bounds.grace),
  startedBy: matching(/^.{1,200}$/, 'a text of 1 to 200 characters'),
}

export function checkWebhookSecretInput(input: unknown): RotateWebhookSecretInput {
  const example = '{"connectionId": "con_…"} or {"endpointId": "end_…"}'
  const checks = {
    connectionId: id('connection'),
    endpointId: id('endpoint'),
    name: matching(/^[A-Za-z]\w{0,59}$/, 'the name of a secret'),
    quietSeconds: whole(...bounds.quiet),
    ...shared,
  }
  const known = checkInput<RotateWebhookSecretInput>(input, example, checks, [])
  if ((known.connectionId === undefined) === (known.endpointId === undefined))
    throw invalidInput(`One of the two ids is needed: ${example}.`)
  return known
}

export const checkSigningKeyInput = (input: unknown): RotateSigningKeyInput =>
  checkInput(
    input,
    '{"purpose": "access"}',
    {
      purpose,
      publishSeconds: whole(...bounds.day),
      retireSeconds: whole(...bounds.day),
      startedBy: shared.startedBy,
    },
    ['purpose'],
  )

export const checkSigningKeysInput = (input: unknown): RotateSigningKeysInput =>
  checkInput(input, '{}', { purposes, hub: matching(/^[\w.-]{1,100}$/, 'the task queue of the hub') }, [])

export const checkEncryptionKeyInput = (input: unknown): RotateEncryptionKeyInput =>
  checkInput(
    input,
    '{"ringKeyId": "k20260101"}',
    { ringKeyId: matching(/^[\w.-]{1,64}$/, 'the id of a key of the ring'), startedBy: shared.startedBy },
    ['ringKeyId'],
  )

export const checkClientSecretInput = (input: unknown): RotateClientSecretInput =>
  checkInput(
    input,
    '{"provider": "<slug>"}',
    { provider: matching(/^[a-z][a-z0-9-]{0,39}$/, 'the slug of a provider'), ...shared },
    ['provider'],
  )
