/** What goes wrong between the client and Temporal, as the hub's own errors. */
import {
  ScheduleAlreadyRunning,
  ServiceError,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
  isGrpcServiceError,
} from '@temporalio/client'
import {
  CancelledFailure,
  TimeoutFailure,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/common'
import { HubError, isHubError, messageOf } from '../platform/errors.ts'
import { fromFailure } from '../platform/temporal/failure.ts'

/**
 * Runs a call to Temporal. `TemporalUnavailable` when it does not answer; a workflow's own failure as its `HubError`.
 * @param told public texts: `running` for a workflow that runs already, `missing` for one that does not run.
 */
export async function reaching<T>(
  call: () => Promise<T>,
  told: { readonly running?: string; readonly missing?: string } = {},
): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw hubErrorOf(error, told)
  }
}

/** Makes a schedule. Answers false when there is one with its id: that is left as it is. */
export async function isMadeNow(create: () => Promise<unknown>): Promise<boolean> {
  try {
    await create()
    return true
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning) return false
    throw error
  }
}

function hubErrorOf(
  error: unknown,
  told: { readonly running?: string; readonly missing?: string },
): HubError {
  if (isHubError(error)) return error
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    return new HubError('AlreadyRunning', told.running ?? 'This is under way already.', { cause: error })
  }
  if (error instanceof WorkflowNotFoundError) {
    return new HubError('NoSuchThing', told.missing ?? 'There is no such workflow.', { cause: error })
  }
  if (error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError) return failed(error)
  if (error instanceof ServiceError || isGrpcServiceError(error)) return unavailable(error)
  return new HubError('Internal', 'Something in the hub is broken.', {
    cause: error,
    internal: messageOf(error),
  })
}

function failed(error: WorkflowFailedError | WorkflowUpdateFailedError): HubError {
  const known = fromFailure(error)
  if (known) return known
  if (error.cause instanceof CancelledFailure)
    return new HubError('Superseded', 'It was cancelled.', { cause: error })
  if (error.cause instanceof TimeoutFailure) return noWorker(error)
  return new HubError('Internal', 'It ended without a result.', {
    cause: error,
    internal: messageOf(error.cause ?? error),
  })
}

/** Nobody took up the work in time. */
export function noWorker(cause?: unknown): HubError {
  return new HubError('TemporalUnavailable', 'No worker answered in time. Is a worker running?', { cause })
}

export function unavailable(cause: unknown): HubError {
  return new HubError('TemporalUnavailable', 'Temporal does not answer. Try again in a moment.', {
    cause,
    internal: messageOf(cause instanceof Error && cause.cause ? cause.cause : cause),
  })
}
