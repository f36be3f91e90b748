/** Which bucket a connection's calls draw on: the one place that gives buckets the names under which processes share them. */
import type { Settings } from './contract-basics.ts'
import type { Provider, RateLimit } from './contract.ts'

export interface NamedBucket {
  /** The same in all processes. */
  readonly key: string
  readonly limit: RateLimit
}

export function bucketOf(
  provider: Pick<Provider, 'slug' | 'limits'>,
  connection: { readonly connectionId: string; readonly settings: Settings },
  bucket: string,
): NamedBucket {
  const limit = provider.limits.buckets[bucket]
  if (!limit) throw new Error(`${provider.slug} names a bucket that it does not define: ${bucket}`)
  const scope = limit.scope === 'app' ? 'app' : connection.connectionId
  const key = `${provider.slug}:${scope}:${bucket}`
  const own = provider.limits.limitFor?.(bucket, connection.settings)
  // A limit that a person changes makes a bucket of its own: what was learned for the old one does not hold for it.
  return own === undefined ? { key, limit } : { key: `${key}@${own}`, limit: { ...limit, limit: own } }
}
