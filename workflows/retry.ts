/**
 * How each kind of activity is timed and repeated, by purpose. Failures that cannot mend themselves are non-retryable by
 * their own mark (`activities/failure.ts`); a provider's Retry-After comes as `nextRetryDelay` and goes before the back-off.
 */
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow'

/**
 * A slice of pages. It ends by itself after about 30 s, so two minutes mean that it hangs; without a heartbeat for 20 s
 * its worker is dead, and another takes over. A provider that is down is tried for a day, ever less often.
 */
export const providerSlice = {
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '20 seconds',
  scheduleToCloseTimeout: '24 hours',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '5 minutes' },
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
} as const satisfies ActivityOptions

/** Work over a whole resource at the end of its read (deletions, verification): calls the provider, may take minutes. */
export const providerSweep = {
  ...providerSlice,
  startToCloseTimeout: '10 minutes',
} as const satisfies ActivityOptions

/** A step that touches only Postgres. Tried until the database is back: the work already done is worth the wait. */
export const database = {
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '24 hours',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
} as const satisfies ActivityOptions

/** The same inside the workflow task: fewer events, no hop over the queue. */
export const localDatabase = {
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '24 hours',
  localRetryThreshold: '30 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
} as const satisfies LocalActivityOptions

/** An action or report that somebody waits for: repeated for an hour, then it has failed and says why. */
export const operation = {
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: '20 seconds',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
} as const satisfies ActivityOptions

/** A person looks at the answer: three tries, then what went wrong is the answer. */
export const check = {
  startToCloseTimeout: '20 seconds',
  heartbeatTimeout: '10 seconds',
  scheduleToCloseTimeout: '45 seconds',
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '5 seconds',
    maximumAttempts: 3,
  },
  cancellationType: 'TRY_CANCEL',
} as const satisfies ActivityOptions
