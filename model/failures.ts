/**
 * THE failure table: what each code means over HTTP, for Temporal, and for people. The first nine are the closed set
 * that every answer of a provider is turned into (design §4); the rest are the hub's own.
 * `retry`: `yes` with the policy's back-off, `later` not before the `retryAt` that the failure carries, `no` never.
 */
import type { JsonObject } from './json.ts'

export type WhoMustAct = 'nobody' | 'admin' | 'account' | 'provider' | 'caller' | 'developer'

export interface Failure {
  readonly status: number
  readonly title: string
  readonly retry: 'yes' | 'later' | 'no'
  readonly who: WhoMustAct
}

const failure = (status: number, title: string, retry: Failure['retry'], who: WhoMustAct): Failure => ({
  status,
  title,
  retry,
  who,
})

export const failures = {
  // From a provider.
  Unauthorized: failure(502, 'The provider refused the credential', 'no', 'account'),
  Forbidden: failure(502, 'The credential lacks a permission at the provider', 'no', 'account'),
  NotFound: failure(404, 'The provider has no such object', 'no', 'caller'),
  Invalid: failure(422, 'The provider refused the content', 'no', 'caller'),
  Conflict: failure(409, 'The object has changed at the provider meanwhile', 'no', 'caller'),
  RateLimited: failure(503, 'The provider asks us to slow down', 'later', 'nobody'),
  QuotaExhausted: failure(503, 'A quota at the provider is used up', 'later', 'nobody'),
  Unavailable: failure(503, 'The provider does not answer', 'yes', 'provider'),
  Protocol: failure(
    502,
    'The provider answered in a way its documentation does not describe',
    'yes',
    'developer',
  ),
  // Our own.
  InvalidInput: failure(400, 'The request is not valid', 'no', 'caller'),
  Unauthenticated: failure(401, 'Who is calling is not known', 'no', 'caller'),
  NotPermitted: failure(403, 'The caller may not do this', 'no', 'caller'),
  NoSuchThing: failure(404, 'There is no such thing', 'no', 'caller'),
  MethodNotAllowed: failure(405, 'The method does not exist here', 'no', 'caller'),
  AlreadyRunning: failure(409, 'A run is already under way', 'no', 'caller'),
  StateConflict: failure(409, 'The state does not allow this', 'no', 'caller'),
  IdempotencyConflict: failure(409, 'The idempotency key was used for a different request', 'no', 'caller'),
  PreconditionFailed: failure(412, 'The thing has changed since it was read', 'no', 'caller'),
  TooLarge: failure(413, 'The body is too large', 'no', 'caller'),
  UnsupportedMediaType: failure(415, 'The content type is not supported', 'no', 'caller'),
  TooManyRequests: failure(429, 'Too many requests', 'later', 'caller'),
  NotConfigured: failure(409, 'The provider is not configured', 'no', 'admin'),
  Superseded: failure(409, 'A newer attempt has taken over', 'no', 'nobody'),
  DatabaseUnavailable: failure(503, 'The database does not answer', 'yes', 'admin'),
  TemporalUnavailable: failure(503, 'Temporal does not answer', 'yes', 'admin'),
  Internal: failure(500, 'Something in the hub is broken', 'yes', 'developer'),
} as const satisfies Record<string, Failure>

export type FailureCode = keyof typeof failures

export function isFailureCode(text: string | null | undefined): text is FailureCode {
  return text != null && Object.hasOwn(failures, text)
}

/** What went wrong, as runs and workflows keep it: a code of this table and a public sentence. */
export interface FailureNote extends JsonObject {
  code: string
  message: string
}
