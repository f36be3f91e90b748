/** Reads our failures back from Temporal's. The way there is in `activities/failure.ts`. */
import { isFailureCode } from '../../model/failures.ts'
import { HubError, type FieldError } from '../errors.ts'

/** The one detail of our failures: what the code and the message do not say. */
export interface FailureDetail {
  readonly fields?: readonly FieldError[]
  /** RFC 3339. */
  readonly retryAt?: string
}

/** Public text of a fault of the hub. */
export const brokenHub = 'Something in the hub is broken. The log of the worker has the details.'

interface FailureLike extends Error {
  readonly type?: string | null | undefined
  readonly details?: unknown[] | null | undefined
}

/**
 * The failure at the root of what a client got (`WorkflowFailedError` → `ActivityFailure` → `ApplicationFailure`) as a
 * `HubError`; undefined when none of ours is in it.
 */
export function fromFailure(error: unknown): HubError | undefined {
  for (let failure = error; failure instanceof Error; failure = failure.cause) {
    const { type, message, details } = failure as FailureLike
    if (!isFailureCode(type)) continue
    if (type === 'Internal') return new HubError('Internal', brokenHub, { internal: message, cause: error })
    const detail = detailOf(details?.[0])
    return new HubError(type, message, {
      ...(detail.fields ? { fields: detail.fields } : {}),
      ...(detail.retryAt ? { retryAt: new Date(detail.retryAt) } : {}),
    })
  }
  return undefined
}

/** Failures of workflows carry other details (a run's result), so each part is looked at before it is believed. */
function detailOf(detail: unknown): FailureDetail {
  if (typeof detail !== 'object' || detail === null) return {}
  const { fields, retryAt } = detail as { fields?: unknown; retryAt?: unknown }
  return {
    ...(Array.isArray(fields) ? { fields: fields as FieldError[] } : {}),
    ...(typeof retryAt === 'string' && !Number.isNaN(Date.parse(retryAt)) ? { retryAt } : {}),
  }
}
