/** What token endpoints say, good or bad, whatever their dialect. Nothing of what is said reaches a message: it may hold a token. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { OAuth2Auth, Secrets } from '../contract.ts'
import { parseBody } from './body.ts'
import { retryAfter } from './fault.ts'

/** What a token endpoint gave. */
export interface TokenAnswer {
  /** `access_token`, `expires_at`, and where known `refresh_token`, `refresh_expires_at`, `refresh_hard_expires_at`, `scope`. */
  readonly secrets: Secrets
  /** The answer as it came. Holds the tokens: sealed or forgotten, never logged. */
  readonly token: JsonObject
  /** Undefined where the provider does not say. */
  readonly grantedScopes: readonly string[] | undefined
}

/** Which question was answered: it decides whom a refusal concerns. */
export type Grant = 'code' | 'refresh' | 'revocation'

/** An endpoint's answer, read within bounds. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
}

/** Error words of RFC 6749 §5.2 and RFC 7009, and what providers say in their place (sources: their fact sheets). */
const refusedGrant = [
  'invalid_grant',
  'bad_refresh_token',
  'bad_auth_code',
  'invalid_code',
  'invalid_refresh_token',
  'expired_token',
  'access_denied',
]
const refusedApp = [
  'invalid_client',
  'unauthorized_client',
  'bad_client_id',
  'bad_client_secret',
  'invalid_client_secret',
]

/**
 * The failure that an answer means; undefined for a good one. `Unauthorized`: the person must approve again;
 * `NotConfigured`: the hub's own app is refused; `Unavailable`, `RateLimited`: later; `Protocol`: the rest.
 */
export function tokenFault(
  { status, headers, bytes }: Answered,
  grant: Grant,
  now: Date,
): HubError | undefined {
  const word = errorWord(bytes)
  // Some providers answer 200 with an error in the body.
  if (status >= 200 && status < 300 && word === undefined) return undefined
  const internal = `token endpoint, ${grant}: status ${status}${word === undefined ? '' : `, ${word}`}`
  const retryAt = retryAfter(headers.get('retry-after') ?? undefined, now)
  const more = { internal, ...(retryAt ? { retryAt } : {}) }
  if (word !== undefined && refusedApp.includes(word)) return appRefused(internal)
  if (word !== undefined && refusedGrant.includes(word))
    return new HubError('Unauthorized', sentences[grant], { internal })
  if (status === 429 || word === 'slow_down')
    return new HubError('RateLimited', 'The provider asks to be called less often for tokens.', {
      internal,
      retryAt: retryAt ?? new Date(now.getTime() + 60_000),
    })
  if (status >= 500 || status === 408 || word === 'temporarily_unavailable' || word === 'server_error')
    return new HubError('Unavailable', `The provider gives no tokens at the moment (status ${status}).`, more)
  if (word === 'invalid_scope')
    return new HubError('Forbidden', 'The provider does not know the access that was asked for.', {
      internal,
    })
  // 401 without a word is about the app: it is what shows itself here (RFC 6749 §5.2).
  if (status === 401) return appRefused(internal)
  return new HubError('Protocol', `The provider did not take the request for tokens (status ${status}).`, {
    internal,
  })
}

const appRefused = (internal: string): HubError =>
  new HubError(
    'NotConfigured',
    'The provider refuses the hub’s own app: its client id or secret is wrong, or the app was withdrawn. An administrator must correct it.',
    { internal },
  )

const sentences: Readonly<Record<Grant, string>> = {
  code: 'The provider did not take the approval: it was used already, has expired, or belongs to another app.',
  refresh:
    'The provider does not renew the access any more: it was withdrawn or has expired. Connect the account again.',
  revocation: 'The provider does not know the access that was to be ended.',
}

/** The word by which an answer names its failure: short, of word characters only. */
function errorWord(bytes: Buffer): string | undefined {
  const body = bodyOf(bytes)
  if (!isJsonObject(body) || body['access_token'] !== undefined) return undefined
  const { error, status } = body
  const nested = isJsonObject(error) ? (error['type'] ?? error['code']) : undefined
  const word = [error, nested, status].find((one) => typeof one === 'string' && /^\w{3,40}$/.test(one))
  return typeof word === 'string' ? word.toLowerCase() : undefined
}

function bodyOf(bytes: Buffer): unknown {
  try {
    return parseBody(bytes)
  } catch {
    return undefined
  }
}

/**
 * A good answer as secrets. What it does not say is kept from `before`: a refresh token that was not replaced goes on
 * living, and its last day is still its last day.
 */
export function tokenAnswer(method: OAuth2Auth, bytes: Buffer, now: Date, before: Secrets = {}): TokenAnswer {
  const token = bodyOf(bytes)
  if (!isJsonObject(token))
    throw new HubError('Protocol', 'The provider answered with something else than tokens.')
  const read = method.readToken?.(token, now) ?? {}
  const refresh = textIn(token, 'refresh_token')
  const scope = textIn(token, 'scope')
  const grantedScopes =
    read.scopes ?? (scope === undefined ? undefined : scope.split(/[\s,]+/).filter((one) => one !== ''))
  const idle = method.refresh.idleSeconds
  // Being used is what starts the time without use anew, also where the value stays the same.
  const dies = read.refreshExpiresAt ?? (idle === undefined ? undefined : later(now, idle))
  const ends = read.refreshHardExpiresAt
  const kept = refresh === undefined ? before['refresh_expires_at'] : undefined
  return {
    token,
    grantedScopes,
    secrets: withValues({
      access_token: textIn(token, 'access_token'),
      expires_at: later(now, lifetimeOf(token) ?? method.accessLifetimeSeconds).toISOString(),
      refresh_token: refresh ?? before['refresh_token'],
      refresh_expires_at: dies?.toISOString() ?? kept,
      refresh_hard_expires_at: ends?.toISOString() ?? before['refresh_hard_expires_at'],
      scope: grantedScopes?.join(' ') ?? before['scope'],
    }),
  }
}

const later = (now: Date, seconds: number): Date => new Date(now.getTime() + seconds * 1000)

/** Seconds; some providers write the number as text. */
function lifetimeOf(token: JsonObject): number | undefined {
  const seconds = Number(token['expires_in'])
  return token['expires_in'] !== undefined && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
}

function textIn(token: JsonObject, name: string): string | undefined {
  const value = token[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

const withValues = (values: Readonly<Record<string, string | undefined>>): Secrets =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
