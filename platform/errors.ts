import { failures, type FailureCode } from '../model/failures.ts'

/** One field that is wrong: where (a JSON pointer into the input), what, and how to mend it. */
export interface FieldError {
  readonly pointer: string
  readonly detail: string
}

export interface HubErrorDetails {
  /** Text for the log only: may name tables and foreign ids, never a secret. */
  readonly internal?: string
  readonly cause?: unknown
  /** Not before this moment is a repetition of use. */
  readonly retryAt?: Date
  readonly fields?: readonly FieldError[]
}

/**
 * The one error class. `code` is a key of `model/failures.ts`; `message` is the public text: what is wrong and what to
 * do, without SQL, stack, secret or foreign id.
 */
export class HubError extends Error {
  override readonly name = 'HubError'
  readonly code: FailureCode
  readonly internal: string | undefined
  readonly retryAt: Date | undefined
  readonly fields: readonly FieldError[]

  constructor(code: FailureCode, publicText: string, details: HubErrorDetails = {}) {
    super(publicText, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.internal = details.internal
    this.retryAt = details.retryAt
    this.fields = details.fields ?? []
  }

  /** HTTP status of this failure, from the failure table. */
  get status(): number {
    return failures[this.code].status
  }
}

export function isHubError(error: unknown, code?: FailureCode): error is HubError {
  return error instanceof HubError && (code === undefined || error.code === code)
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
