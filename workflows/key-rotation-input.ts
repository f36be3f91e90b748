/** Checks the input of `rotateApiKey`, which may have been typed into the Temporal UI. */
import { longestKeyOverlapSeconds, shortestQuietSeconds } from '../model/key-rotation.ts'
import type { RotateApiKeyInput } from './messages.ts'
import { checkIdInput, invalidInput, whole, type Check } from './validate.ts'

const checks: Readonly<Record<string, Check>> = {
  overlapSeconds: whole(0, longestKeyOverlapSeconds),
  quietSeconds: whole(shortestQuietSeconds, longestKeyOverlapSeconds),
  lookEverySeconds: whole(1, 86_400),
  expiresAt: (value) =>
    value === null ||
    (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value)))
      ? undefined
      : 'a time such as "2027-01-31T00:00:00Z", or null',
  reason: (value) => (['asked', 'leak', 'age'].includes(String(value)) ? undefined : 'asked, leak or age'),
  startedBy: (value) =>
    typeof value === 'string' && /^[\w:.-]{1,100}$/.test(value) ? undefined : 'a name of 1 to 100 characters',
}

/** @throws ApplicationFailure `InvalidInput` that names the field. */
export function checkKeyRotationInput(input: unknown): RotateApiKeyInput {
  const given = typeof input === 'object' && input !== null ? { ...(input as Record<string, unknown>) } : {}
  const rest: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    const check = checks[name]
    if (!check) rest[name] = value
    else {
      const fault = value === undefined ? undefined : check(value)
      if (fault !== undefined) throw invalidInput(`"${name}" is ${fault}.`)
    }
  }
  checkIdInput(rest, 'keyId', 'apiKey')
  return given as unknown as RotateApiKeyInput
}
