/**
 * How each kind of activity is repeated and timed, by purpose. Failures that cannot mend themselves carry their own mark
 * (`activities/failure.ts`), and a provider's Retry-After comes as `nextRetryDelay`, which goes before these intervals.
 */
import type { ActivityOptions, RetryPolicy } from '@temporalio/common'

export const retry = {
  /**
   * A slice of pages: short hiccups are ridden out by Temporal, a longer outage is the workflow's, which waits by a timer
   * that people can see.
   */
  providerSlice: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    maximumAttempts: 5,
  },
  /** A step that touches only Postgres: tried until the database is back, the work already done is worth the wait. */
  database: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  /** An action or report that somebody waits for. How long it is tried is bounded by `times.operation`. */
  operation: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
  /** A person looks at the answer: three tries, then what went wrong is the answer. */
  check: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '5 seconds',
    maximumAttempts: 3,
  },
  /** Worth trying for hours; nobody waits for it. */
  persistent: { initialInterval: '5 seconds', backoffCoefficient: 3, maximumInterval: '30 minutes' },
} as const satisfies Record<string, RetryPolicy>

/** Time limits of activities that call a provider for somebody who waits. */
export const times = {
  operation: {
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '30 seconds',
    scheduleToCloseTimeout: '1 hour',
  },
  check: {
    startToCloseTimeout: '20 seconds',
    heartbeatTimeout: '10 seconds',
    scheduleToCloseTimeout: '45 seconds',
  },
  /** Several calls in one step, and a person in front of the page. A worker that dies is noticed within the heartbeat. */
  connect: {
    startToCloseTimeout: '1 minute',
    heartbeatTimeout: '10 seconds',
    scheduleToCloseTimeout: '3 minutes',
  },
  /** Ending an access at its provider. */
  persistent: {
    startToCloseTimeout: '1 minute',
    heartbeatTimeout: '10 seconds',
    scheduleToCloseTimeout: '6 hours',
  },
  /** A slice of a lane. */
  lane: { startToCloseTimeout: '3 minutes', heartbeatTimeout: '15 seconds' },
  /** What is due for an endpoint. */
  delivery: { startToCloseTimeout: '3 minutes', heartbeatTimeout: '15 seconds' },
  /** One renewal, or the wait for one that somebody else does. */
  keepAlive: {
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: '15 seconds',
    scheduleToCloseTimeout: '10 minutes',
  },
} as const satisfies Record<string, ActivityOptions>
