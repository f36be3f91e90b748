/** How an endpoint is tried, given up and taken up again: times and decisions, without I/O. */

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/**
 * The schedule of the Standard Webhooks specification: pause before the second attempt, before the third … Ten attempts
 * over 75 hours; from then on, should more be needed, one a day.
 */
const pauses = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
] as const

/** At most so much is added to a pause, as a part of it: jitter never makes it shorter. */
const jitterPart = 0.2
const withJitter = (ms: number, random: number): number => Math.round(ms * (1 + jitterPart * random))

/** @param attempts made so far, from 1. @param random from 0 to 1. */
export const pauseAfter = (attempts: number, random: number): number =>
  withJitter(pauses[Math.min(attempts, pauses.length) - 1] ?? day, random)

/** A delivery is given up after so many attempts over so long a time, and only while its endpoint answers others. */
const attemptsAtLeast = 10
const triedForMs = 3 * day

export const isExhausted = (attempts: number, firstAttemptAt: Date | null, now: Date): boolean =>
  attempts >= attemptsAtLeast &&
  firstAttemptAt !== null &&
  now.getTime() - firstAttemptAt.getTime() >= triedForMs

/** Sustained failure: so many attempts in a row, over so long a time. */
const failuresToSuspend = 5
const failingToSuspendMs = hour

export const isSustained = (failuresInRow: number, failingSince: Date | null, now: Date): boolean =>
  failuresInRow >= failuresToSuspend &&
  failingSince !== null &&
  now.getTime() - failingSince.getTime() >= failingToSuspendMs

/** Until failure counts as sustained, an endpoint that fails again and again is left alone for a moment between attempts. */
const failuresToPause = 10
export const restAfterFailures = (failuresInRow: number): number =>
  failuresInRow >= failuresToPause ? minute : 0

const probePauses = [5 * minute, 10 * minute, 20 * minute, 40 * minute] as const
/** Pause before the next probe of a failing endpoint. @param probes made so far. */
export const probePause = (probes: number, random: number): number =>
  withJitter(probePauses[probes] ?? 50 * minute, random)

/** A failing endpoint is probed for so long; then only a person switches it on again. */
const probedForMs = 30 * day
export const isHopeless = (failingSince: Date | null, now: Date): boolean =>
  failingSince !== null && now.getTime() - failingSince.getTime() >= probedForMs

/** What a receiver answered, as far as it steers. */
export interface Answer {
  /** Null: none came. */
  readonly status: number | null
  readonly retryAfter: string | undefined
  /** `webhook-delivery`: `abort-message` or `disable` (proposal 291 of the Standard Webhooks). */
  readonly control: string | undefined
}

export type Verdict =
  | { readonly kind: 'delivered' }
  /** Not again, whatever comes. */
  | { readonly kind: 'aborted' }
  | { readonly kind: 'disabled'; readonly reason: 'gone' | 'asked' }
  /** `notBefore`: the receiver's own wish, for the whole endpoint. */
  | { readonly kind: 'retry'; readonly notBefore: Date | null }

/** A receiver that asks for more than this is asked again after it. */
const longestRetryAfter = day
/** A receiver that is overloaded and does not say for how long (429, 502, 504). */
const restOfOverloaded = 10 * second

export function verdictOn(answer: Answer, now: Date): Verdict {
  const { status, control } = answer
  if (control === 'disable') return { kind: 'disabled', reason: 'asked' }
  if (status === 410) return { kind: 'disabled', reason: 'gone' }
  if (status !== null && status >= 200 && status < 300) return { kind: 'delivered' }
  if (control === 'abort-message') return { kind: 'aborted' }
  const told = retryAfterMs(answer.retryAfter, now)
  const overloaded = status === 429 || status === 502 || status === 504 ? restOfOverloaded : undefined
  const pause = told ?? overloaded
  return { kind: 'retry', notBefore: pause === undefined ? null : new Date(now.getTime() + pause) }
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3). */
function retryAfterMs(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\s*\d{1,9}\s*$/.test(text) ? Number(text) * second : Date.parse(text) - now.getTime()
  return Number.isNaN(ms) ? undefined : Math.min(longestRetryAfter, Math.max(0, ms))
}
