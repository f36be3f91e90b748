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
import { invalidInput } from './sync-input.ts'

type Check = (value: unknown) => string | undefined

const matching =
  (pattern: RegExp, told: string): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value) ? undefined : told
const whole =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? undefined
      : `a whole number from ${least} to ${most}`
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

function check<T>(
  input: unknown,
  example: string,
  checks: Readonly<Record<string, Check>>,
  required: readonly string[],
): T {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw invalidInput(`The input must be one JSON object, for example ${example}.`)
  for (const name of required)
    if (!(name in input)) throw invalidInput(`"${name}" is missing. Example: ${example}.`)
  for (const [name, value] of Object.entries(input)) {
    const rule = checks[name]
    if (!rule) throw invalidInput(`"${name}" is not known. Known: ${Object.keys(checks).join(', ')}.`)
    const wanted = value === undefined ? undefined : rule(value)
    if (wanted !== undefined) throw invalidInput(`"${name}" must be ${wanted}.`)
  }
  return input as T
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
  const known = check<RotateWebhookSecretInput>(input, example, checks, [])
  if ((known.connectionId === undefined) === (known.endpointId === undefined))
    throw invalidInput(`One of the two ids is needed: ${example}.`)
  return known
}

export const checkSigningKeyInput = (input: unknown): RotateSigningKeyInput =>
  check(
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
  check(input, '{}', { purposes, hub: matching(/^[\w.-]{1,100}$/, 'the task queue of the hub') }, [])

export const checkEncryptionKeyInput = (input: unknown): RotateEncryptionKeyInput =>
  check(
    input,
    '{"ringKeyId": "k20260101"}',
    { ringKeyId: matching(/^[\w.-]{1,64}$/, 'the id of a key of the ring'), startedBy: shared.startedBy },
    ['ringKeyId'],
  )

export const checkClientSecretInput = (input: unknown): RotateClientSecretInput =>
  check(
    input,
    '{"provider": "<slug>"}',
    { provider: matching(/^[a-z][a-z0-9-]{0,39}$/, 'the slug of a provider'), ...shared },
    ['provider'],
  )
