/** How often somebody may post: per connection and per address, in this process. Whoever is over it gets 429 with the time. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { HubError } from '../../platform/errors.ts'

const minute = 60

export interface ThrottleRates {
  /** Requests of one address a minute. */
  readonly perAddress: number
  /** Refusals of one address a minute: each costs an audit entry. */
  readonly refusalsPerAddress: number
}

export interface Throttle {
  /** @throws HubError `TooManyRequests`. */
  admitAddress(address: string): Promise<void>
  /** @throws HubError `TooManyRequests`. */
  admitConnection(connectionId: string, perMinute: number): Promise<void>
  /** Counts a refusal. False: the address has had so many that no more is said of them. */
  noteRefusal(address: string): Promise<boolean>
  /** @throws HubError `TooManyRequests` for an address that was refused too often. */
  admitAfterRefusals(address: string): Promise<void>
}

export function createThrottle(rates: ThrottleRates): Throttle {
  const addresses = new RateLimiterMemory({
    points: rates.perAddress,
    duration: minute,
    keyPrefix: 'address',
  })
  const refusals = new RateLimiterMemory({
    points: rates.refusalsPerAddress,
    duration: minute,
    keyPrefix: 'refused',
  })
  // The points are those of the connection: a limiter for each number of them, of which there are few.
  const connections = new Map<number, RateLimiterMemory>()
  const limiterOf = (points: number): RateLimiterMemory => {
    let limiter = connections.get(points)
    if (!limiter) {
      limiter = new RateLimiterMemory({ points, duration: minute, keyPrefix: `connection-${points}` })
      connections.set(points, limiter)
    }
    return limiter
  }
  return {
    admitAddress: (address) => take(addresses, address),
    admitConnection: (connectionId, perMinute) => take(limiterOf(perMinute), connectionId),
    noteRefusal: async (address) =>
      await refusals.consume(address).then(
        () => true,
        () => false,
      ),
    admitAfterRefusals: async (address) => {
      const state = await refusals.get(address)
      if (state && state.remainingPoints <= 0) throw tooMany(state.msBeforeNext)
    },
  }
}

async function take(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (error) {
    if (error instanceof RateLimiterRes) throw tooMany(error.msBeforeNext)
    throw error
  }
}

const tooMany = (waitMs: number): HubError =>
  new HubError('TooManyRequests', 'Too many requests. Try again later.', {
    retryAt: new Date(Date.now() + waitMs),
  })
