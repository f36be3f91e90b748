/** What the transport needs from outside to work for one connection: kept free of the database and of Temporal. */
import type {
  AuthMethod,
  LimitLesson,
  Priority,
  Provider,
  RateLimit,
  Secrets,
  Settings,
} from '../contract.ts'

/** The credential as the store holds it. Every change makes a new generation. */
export interface CredentialVersion {
  readonly generation: number
  readonly secrets: Secrets
}

export interface CredentialSource {
  /** The newest credential (may be cached for a moment). */
  current(): Promise<CredentialVersion>
  /**
   * Called when the provider answered 401 to a call made with generation `refused`. Returns a newer credential if there
   * is one (somebody replaced it, or it could be refreshed), else undefined: the caller then fails with `Unauthorized`.
   */
  renew(refused: number): Promise<CredentialVersion | undefined>
}

/** One bucket that a call wants a token from. `key` names it across all processes. */
export interface BucketWish {
  readonly key: string
  readonly limit: RateLimit
}

/** Rate-limit leases, shared by all processes (the store is `db/limits.ts`). */
export interface Limiter {
  /** Takes one token from every bucket, or none and says when to come again. */
  lease(
    wishes: readonly BucketWish[],
    priority: Priority,
    now: Date,
  ): Promise<{ readonly retryAt: Date | undefined }>
  /** Takes over what the provider's headers said about a bucket. */
  learn(key: string, lesson: LimitLesson, limit: RateLimit, now: Date): Promise<void>
  /** No lease from this bucket before `until` (a 429 with Retry-After). */
  block(key: string, until: Date, limit: RateLimit): Promise<void>
}

/** One provider call as the run's log keeps it: no query values, no bodies, no secrets. */
export interface CallTrace {
  readonly at: Date
  readonly method: string
  /** Path only. */
  readonly path: string
  readonly group: string
  readonly status: number | undefined
  readonly attempt: number
  readonly durationMs: number
  readonly bytes: number
  readonly outcome: string
  /** What the provider's clock said with the answer (header `Date`, whole seconds), where it did. */
  readonly providerTime?: Date | undefined
}

export interface SessionOptions {
  readonly provider: Provider
  /** How the connection shows itself. */
  readonly auth: AuthMethod
  readonly connectionId: string
  readonly settings: Settings
  /** Calls only what the origin map has put in the provider's place. */
  readonly isSandbox?: boolean
  readonly credential: CredentialSource
  readonly priority: Priority
  /** Aborted when the activity is cancelled or the process stops. */
  readonly signal?: AbortSignal
  /** Called after each attempt. */
  readonly onCall?: (trace: CallTrace) => void
}
