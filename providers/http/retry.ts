/** Which failed attempts are repeated within a call, and after how long. Longer waits are the workflow's, as durable timers. */
import { isHubError, type HubError } from '../../platform/errors.ts'
import type { ProviderRequest } from '../contract.ts'
import { shortWaitMs } from './options.ts'

/** Of one call, the first included. */
const attempts = 4

/** Asking again has no second effect. */
export const isRepeatable = (request: ProviderRequest): boolean =>
  request.repeatable ?? request.method === 'GET'

/** Told with a write that may have arrived: it must not be taken for one that did not. */
export const unknownOutcome = (request: ProviderRequest): string =>
  isRepeatable(request) ? '' : ' Whether the write took effect is not known.'

const passing = new WeakSet<HubError>()

/** Marks a `Protocol` failure that may pass by itself: a page of HTML, half a body. An address or a size does not. */
export function mayPass(error: HubError): HubError {
  passing.add(error)
  return error
}

/**
 * Milliseconds to wait before another attempt, or undefined when there must not be one here.
 * @param leftMs of the call's time.
 */
export function waitBefore(
  request: ProviderRequest,
  error: unknown,
  attempt: number,
  now: Date,
  leftMs: number,
): number | undefined {
  if (!isHubError(error) || attempt >= attempts) return undefined
  // A refusal by a limit had no effect, whatever the method; anything else may have had one.
  const isTransient = error.code === 'Unavailable' || (error.code === 'Protocol' && passing.has(error))
  if (error.code !== 'RateLimited' && !(isTransient && isRepeatable(request))) return undefined
  const wait = error.retryAt ? untilAsked(error.retryAt, now) : backOff(attempt)
  return wait !== undefined && wait <= leftMs ? wait : undefined
}

/** A little later than asked, so that those who were told the same moment do not come together. */
function untilAsked(retryAt: Date, now: Date): number | undefined {
  const asked = retryAt.getTime() - now.getTime()
  return asked <= shortWaitMs ? Math.max(0, asked) + Math.random() * 100 : undefined
}

/** About 0.2, 0.4, 0.8 s, each from half to one and a half times as much. */
const backOff = (attempt: number): number => 200 * 2 ** (attempt - 1) * (0.5 + Math.random())
