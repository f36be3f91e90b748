/** Rate-limit leases around a call: take before, learn after. */
import { HubError } from '../../platform/errors.ts'
import type { ProviderRequest, ProviderResponse } from '../contract.ts'
import { retryAfter } from './fault.ts'
import type { BucketWish, SessionOptions } from './session.ts'
import { shortWaitMs, type TransportOptions } from './options.ts'

/** Names a bucket across all processes. */
function wishFor(session: SessionOptions, bucket: string): BucketWish {
  const limit = session.provider.limits.buckets[bucket]
  if (!limit) throw new Error(`${session.provider.slug} names a bucket that it does not define: ${bucket}`)
  const scope = limit.scope === 'app' ? 'app' : session.connectionId
  const key = `${session.provider.slug}:${scope}:${bucket}`
  const own = session.provider.limits.limitFor?.(bucket, session.settings)
  // A limit that a person changes makes a bucket of its own: what was learned for the old one does not hold for it.
  return own === undefined ? { key, limit } : { key: `${key}@${own}`, limit: { ...limit, limit: own } }
}

function bucketsOf(session: SessionOptions, group: string): readonly string[] {
  const buckets = session.provider.limits.groups[group]
  if (!buckets)
    throw new Error(`${session.provider.slug} calls with a group that it does not define: ${group}`)
  return buckets
}

/** Waits for a lease for a moment. @throws HubError `RateLimited` with the time to come again when the wait would be long. */
export async function takeLease(
  transport: TransportOptions,
  session: SessionOptions,
  request: ProviderRequest,
): Promise<void> {
  const { clock, limiter, metrics } = transport
  const wishes = bucketsOf(session, request.group).map((bucket) => wishFor(session, bucket))
  const began = clock.now().getTime()
  for (;;) {
    const now = clock.now()
    const { retryAt } = await limiter.lease(wishes, session.priority, now)
    const waited = now.getTime() - began
    if (!retryAt) {
      metrics.leaseWaitSeconds.observe(
        { provider: session.provider.slug, priority: session.priority },
        waited / 1000,
      )
      return
    }
    const wait = retryAt.getTime() - now.getTime()
    if (waited + wait > shortWaitMs) {
      throw new HubError(
        'RateLimited',
        `The limit that ${session.provider.name} allows is used up for now.`,
        { retryAt },
      )
    }
    await clock.sleep(Math.max(10, wait), session.signal)
  }
}

/** Takes over what an answer's headers say; a 429 blocks the most particular bucket of its group. */
export async function teach(
  transport: TransportOptions,
  session: SessionOptions,
  request: ProviderRequest,
  response: ProviderResponse,
): Promise<void> {
  const { limiter, clock } = transport
  const now = clock.now()
  const { limits } = session.provider
  for (const lesson of limits.learn(request.group, response.headers, now)) {
    const wish = wishFor(session, lesson.bucket)
    await limiter.learn(wish.key, lesson, wish.limit, now)
  }
  const narrowest = bucketsOf(session, request.group).at(-1)
  if (response.status !== 429 || narrowest === undefined) return
  const until = retryAfter(response.headers['retry-after'], now)
  const wish = wishFor(session, narrowest)
  if (until) await limiter.block(wish.key, until, wish.limit)
}
