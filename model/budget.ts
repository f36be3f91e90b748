/** A budget of calls: what is left of it, when it is whole again, and when it is used up if things go on as they do. */

export interface BudgetState {
  readonly limit: number
  readonly windowMs: number
  /** Calls that are left, fractions included. */
  readonly tokens: number
  readonly blockedUntil: Date | null
  readonly callsPerSecond: number
}

export interface BudgetForecast {
  /** Whole calls; none while the provider refuses. */
  readonly remaining: number
  readonly used: number
  /** When all of it is there again if nobody calls; null when it is. */
  readonly resetsAt: Date | null
  /** When nothing is left at the present rate; null when it refills as fast as it is used. */
  readonly exhaustedAt: Date | null
}

export function forecastBudget(state: BudgetState, now: Date): BudgetForecast {
  const { limit, windowMs, blockedUntil, callsPerSecond } = state
  const isBlocked = blockedUntil !== null && blockedUntil > now
  const tokens = Math.min(limit, Math.max(0, state.tokens))
  // The limiter lets a millionth of a token pass, so a whole number may arrive a trifle short.
  const remaining = isBlocked ? 0 : Math.floor(tokens + 0.000001)
  const refillPerMs = limit / windowMs
  const wholeAt = now.getTime() + Math.ceil((limit - tokens) / refillPerMs)
  const resets = Math.max(wholeAt, isBlocked ? blockedUntil.getTime() : 0)
  const lossPerMs = callsPerSecond / 1000 - refillPerMs
  const exhausted = lossPerMs > 0 ? now.getTime() + Math.ceil(tokens / lossPerMs) : Number.POSITIVE_INFINITY
  return {
    remaining,
    used: Math.ceil(limit) - remaining,
    resetsAt: resets > now.getTime() ? new Date(resets) : null,
    exhaustedAt: remaining === 0 ? now : asDate(exhausted),
  }
}

/** Null for a moment that no `Date` holds: so slow a loss is none. */
const asDate = (ms: number): Date | null => (ms <= 8.64e15 ? new Date(ms) : null)
