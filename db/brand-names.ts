/** The name of a partner's brand, for requests that go out: remembered for a few seconds, as every one of them bears it. */
import { LRUCache } from 'lru-cache'
import { resolveBrand } from '../model/brand.ts'
import { brandChain } from './brands.ts'
import type { Db } from './client.ts'

const rememberedMs = 30_000

/** Of a partner that there is not, an empty one. */
export function createBrandNames(hub: Db): (partnerId: string) => Promise<string> {
  const names = new LRUCache<string, string>({
    max: 5_000,
    ttl: rememberedMs,
    fetchMethod: async (partnerId) => {
      const chain = await brandChain(hub, partnerId)
      return chain.length === 0 ? '' : resolveBrand(chain).name
    },
  })
  return async (partnerId) => (await names.fetch(partnerId)) ?? ''
}
