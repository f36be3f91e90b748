/** What verifiers share: one value of a header, digests in constant time, time windows, Basic auth. */
import { createHmac } from 'node:crypto'
import { timingSafeEqualText } from '../../platform/secrets/hash.ts'
import type { HookCheck, HookRequest } from '../contract-webhook.ts'

/** The header's only value; a check that failed when it is missing or came more than once. */
export function onlyHeader(request: HookRequest, name: string): string | HookCheck {
  const values = request.headers.get(name.toLowerCase()) ?? []
  const [value] = values
  if (value === undefined || value === '')
    return { name: 'signature', passed: false, detail: `the header ${name} is missing` }
  if (values.length > 1)
    return { name: 'signature', passed: false, detail: `the header ${name} came ${values.length} times` }
  return value
}

/** True when one of the values fits; every value is tried, whichever fits. */
export function isOneOf(given: string, expected: readonly string[]): boolean {
  let found = false
  for (const one of expected) if (one !== '' && timingSafeEqualText(given, one)) found = true
  return found
}

export interface Digest {
  readonly algorithm: 'sha256' | 'sha1'
  readonly encoding: 'base64' | 'hex'
}

export const digest = (how: Digest, secret: string, parts: readonly (string | Buffer)[]): string => {
  const hmac = createHmac(how.algorithm, secret)
  for (const part of parts) hmac.update(part)
  return hmac.digest(how.encoding)
}

/** Whether the signature was made with one of the secrets. A hub without a secret refuses: nothing can be genuine. */
export function checkSignature(
  how: Digest,
  given: string,
  secrets: readonly string[] | undefined,
  parts: readonly (string | Buffer)[],
): HookCheck {
  const known = (secrets ?? []).filter((secret) => secret !== '')
  if (known.length === 0)
    return { name: 'signature', passed: false, detail: 'the hub has no secret to check it with' }
  const made = known.map((secret) => digest(how, secret, parts))
  return isOneOf(given, made)
    ? { name: 'signature', passed: true }
    : {
        name: 'signature',
        passed: false,
        detail: 'it was not made with a secret that the hub knows over these bytes',
      }
}

/** Against replays: a moment that is neither older than the window nor further ahead than it. */
export function checkAge(request: HookRequest, sentAt: number, windowMs = 5 * 60_000): HookCheck {
  if (Number.isNaN(sentAt)) return { name: 'timestamp', passed: false, detail: 'it is not a time' }
  const age = request.receivedAt.getTime() - sentAt
  if (age > windowMs)
    return { name: 'timestamp', passed: false, detail: `older than ${windowMs / 1000} seconds` }
  if (age < -windowMs)
    return { name: 'timestamp', passed: false, detail: `more than ${windowMs / 1000} seconds ahead` }
  return { name: 'timestamp', passed: true }
}

/** `Authorization: Basic …` with one of the passwords; user and password are compared as one text. */
export function checkBasic(
  request: HookRequest,
  user: string,
  passwords: readonly string[] | undefined,
): HookCheck {
  const header = onlyHeader(request, 'authorization')
  if (typeof header !== 'string') return { ...header, name: 'basic_auth' }
  const known = (passwords ?? []).filter((password) => password !== '')
  if (known.length === 0)
    return { name: 'basic_auth', passed: false, detail: 'the hub has no password to check it with' }
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? []
  if (encoded === undefined)
    return { name: 'basic_auth', passed: false, detail: 'the header Authorization is not Basic' }
  const bytes = Buffer.from(encoded, 'base64')
  // Several texts decode to the same bytes; only the one that an encoder writes is taken.
  const given = bytes.toString('base64') === encoded ? bytes.toString('utf8') : ''
  return isOneOf(
    given,
    known.map((password) => `${user}:${password}`),
  )
    ? { name: 'basic_auth', passed: true }
    : { name: 'basic_auth', passed: false, detail: 'user or password is another one' }
}

/** A token that was agreed on and is sent along as it is: in a header (`onlyHeader`) or in the body. */
export function checkToken(given: string | HookCheck, tokens: readonly string[] | undefined): HookCheck {
  if (typeof given !== 'string') return { ...given, name: 'token' }
  const known = (tokens ?? []).filter((token) => token !== '')
  if (known.length === 0)
    return { name: 'token', passed: false, detail: 'the hub has no token to compare it with' }
  return isOneOf(given, known)
    ? { name: 'token', passed: true }
    : { name: 'token', passed: false, detail: 'it is another one' }
}

export const basicHeader = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
