/**
 * Nobody but a canary calls a provider that is out of reach: one look at the store every few seconds tells all sessions of a process. What
 * would call it gets `Unavailable` with the time of the next probe, and waits by its own durable timer.
 */
import { pausedProviders } from '../db/provider-health.ts'
import type { Db } from '../db/client.ts'
import { HubError } from '../platform/errors.ts'
import type { Clock } from '../platform/clock.ts'

export interface ProviderGate {
  /** @throws HubError `Unavailable` while the provider's lanes are paused. */
  pass(provider: { readonly slug: string; readonly name: string }): Promise<void>
}

const rememberMs = 3_000
const leastWaitMs = 5_000

export function createProviderGate(db: Db, clock: Clock): ProviderGate {
  let known: Promise<ReadonlyMap<string, Date | null>> | undefined
  let knownAt = Number.NEGATIVE_INFINITY
  const look = (): Promise<ReadonlyMap<string, Date | null>> => {
    const now = clock.now().getTime()
    if (known && now - knownAt < rememberMs) return known
    knownAt = now
    const looking = pausedProviders(db)
    looking.catch(() => (known = undefined))
    known = looking
    return looking
  }
  return {
    pass: async ({ slug, name }) => {
      const paused = await look()
      const until = paused.get(slug)
      if (until === undefined) return
      const soonest = clock.now().getTime() + leastWaitMs
      const retryAt = new Date(Math.max(until?.getTime() ?? 0, soonest))
      throw new HubError(
        'Unavailable',
        `${name} is out of reach; its lanes are paused until a probe gets through.`,
        {
          retryAt,
        },
      )
    },
  }
}
