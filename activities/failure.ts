/**
 * Our errors as Temporal carries them. `type` is a code of `model/failures.ts`, the message is the public text, the one
 * detail holds the field errors and the moment before which a repetition is of no use. Internal texts and foreign errors
 * stay in the worker's log: a failure is kept in the history for ever.
 */
import { asyncLocalStorage } from '@temporalio/activity'
import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { isLostDatabase } from '../db/lost-database.ts'
import { failures } from '../model/failures.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import { brokenHub, type FailureDetail } from '../platform/temporal/failure.ts'

/** Attempts after which a fault of the hub (`Internal`) is given up: it does not mend itself, an outage does. */
const attemptsOfFault = 5

/**
 * What an activity throws for `error`. A cancellation passes as it is, so that Temporal records it as one. Inside an
 * activity, what is not for the history goes to the worker's log.
 * @param now for the delay until `retryAt`.
 */
export function asFailure(error: unknown, now: Date = new Date()): Error {
  if (error instanceof ApplicationFailure) return error
  const cancellation = cancellationIn(error)
  if (cancellation) return cancellation
  const hubError = asHubError(error)
  const activity = asyncLocalStorage.getStore()
  if (hubError.code === 'Internal')
    activity?.log.error('an activity failed in a way nobody foresaw', { err: error })
  else if (hubError.internal) activity?.log.warn(hubError.internal, { code: hubError.code })
  const { retry, who } = failures[hubError.code]
  const { retryAt } = hubError
  const spent = hubError.code === 'Internal' && (activity?.info.attempt ?? 1) >= attemptsOfFault
  return ApplicationFailure.create({
    message: hubError.message,
    type: hubError.code,
    nonRetryable: retry === 'no' || spent,
    details: [detailOf(hubError)],
    ...(retry !== 'no' && retryAt
      ? { nextRetryDelay: Math.max(1_000, retryAt.getTime() - now.getTime()) }
      : {}),
    // Expected answers of the world, not faults of the hub: they must not raise alarms on the worker's error metrics.
    ...(who === 'developer' ? {} : { category: 'BENIGN' }),
  })
}

function detailOf({ fields, retryAt }: HubError): FailureDetail {
  return {
    ...(fields.length > 0 ? { fields } : {}),
    ...(retryAt ? { retryAt: retryAt.toISOString() } : {}),
  }
}

/** Whatever was thrown, as one of our errors: a lost database is `DatabaseUnavailable`, the rest is `Internal`. */
export function asHubError(error: unknown): HubError {
  if (isHubError(error)) return error
  if (isLostDatabase(error))
    return new HubError('DatabaseUnavailable', 'The database does not answer; trying again.', {
      cause: error,
    })
  return new HubError('Internal', brokenHub, { cause: error })
}

/** True for a cancellation that was asked for, whichever error carries it. */
function cancellationIn(error: unknown): Error | undefined {
  if (error instanceof CancelledFailure) return error
  if (!(error instanceof Error)) return undefined
  if (error.name === 'AbortError' || error.cause instanceof CancelledFailure) {
    return error.cause instanceof CancelledFailure ? error.cause : error
  }
  return undefined
}

/** Wraps an activity's function so that whatever it throws crosses Temporal as one of our failures. */
export function failing<I, O>(work: (input: I) => Promise<O>): (input: I) => Promise<O> {
  return async (input) => {
    try {
      return await work(input)
    } catch (error) {
      throw asFailure(error)
    }
  }
}
