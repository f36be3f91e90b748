/** Rate-limit leases around a call: take before, learn after. */
import { HubError } from '../../platform/errors.ts'
import type { ProviderRequest, ProviderResponse } from '../contract.ts'
import { bucketOf } from '../contract-limits.ts'
import type { BucketWish, SessionOptions } from './session.ts'
import { shortWaitMs, type TransportOptions } from './options.ts'

const wishFor = (session: SessionOptions, bucket: string): BucketWish =>
  bucketOf(session.provider, session, bucket)

function bucketsOf(session: SessionOptions, group: string): readonly string[] {
  const buckets = session.provider.limits.groups[group]
  if (!buckets)
    throw new Error(`${session.provider.slug} calls with a group that it does not define: ${group}`)
  return buckets
}

/** Waits for a lease for a moment and tells for how many milliseconds. @throws HubError `RateLimited` with the time to come again when the wait would be long. */
export async function takeLease(
  transport: TransportOptions,
  session: SessionOptions,
  request: ProviderRequest,
): Promise<number> {
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
      return waited
    }
    const wait = retryAt.getTime() - now.getTime()
    if (waited + wait > shortWaitMs) {
      metrics.leaseRefusals.inc({ provider: session.provider.slug })
      throw new HubError(
        'RateLimited',
        `The limit that ${session.provider.name} allows is used up for now.`,
        { retryAt },
      )
    }
    await clock.sleep(Math.max(10, wait), session.signal)
  }
}

/** Takes over what an answer's headers say. A limiter that fails must not lose the answer. */
export async function learn(
  transport: TransportOptions,
  session: SessionOptions,
  request: ProviderRequest,
  response: ProviderResponse,
): Promise<void> {
  const now = transport.clock.now()
  await quietly(transport, session, async () => {
    for (const lesson of session.provider.limits.learn?.(request.group, response.headers, now) ?? []) {
      const wish = wishFor(session, lesson.bucket)
      await transport.limiter.learn(wish.key, lesson, wish.limit, now)
    }
  })
}

/** After a refusal by a limit, nobody takes from the most particular bucket of the call's group before it is over. */
export async function hold(
  transport: TransportOptions,
  session: SessionOptions,
  request: ProviderRequest,
  { code, retryAt }: HubError,
): Promise<void> {
  const narrowest = bucketsOf(session, request.group).at(-1)
  const isLimit = code === 'RateLimited' || code === 'QuotaExhausted'
  if (!isLimit || retryAt === undefined || narrowest === undefined) return
  const { key, limit } = wishFor(session, narrowest)
  await quietly(transport, session, () => transport.limiter.block(key, retryAt, limit))
}

async function quietly(
  transport: TransportOptions,
  session: SessionOptions,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    const provider = session.provider.slug
    transport.log?.warn({ err: error, provider }, 'what an answer said of limits could not be remembered')
  }
}
