import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import type { Metrics } from '../../platform/metrics.ts'
import type { OriginMap } from './origin-map.ts'
import type { Limiter } from './session.ts'

export interface TransportOptions {
  readonly originMap: OriginMap
  readonly limiter: Limiter
  readonly metrics: Metrics
  readonly clock: Clock
  /** Told of what must not fail a call: limits that could not be remembered. */
  readonly log?: Log
  /** Largest body that is read; 32 MB when left out. */
  readonly maxBodyBytes?: number
  /** For one attempt, body included; 30 s when left out. */
  readonly timeoutMs?: number
  /** For a call: no further attempt begins later than this after the first; 60 s when left out. */
  readonly budgetMs?: number
}

/** Waits up to this long are spent in the call; longer ones are the workflow's, as a durable timer. */
export const shortWaitMs = 3_000
