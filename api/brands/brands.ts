/** Brands as pages need them, from memory: forgotten within a second of a change on any process (`db/caches.ts`). */
import { createHash } from 'node:crypto'
import { brandChain } from '../../db/brands.ts'
import { findBrandAssets } from '../../db/brand-assets.ts'
import { partnerOfDomain } from '../../db/brand-domains.ts'
import type { Caches } from '../../db/caches.ts'
import type { Db } from '../../db/client.ts'
import { resolveBrand, type Brand, type BrandContent, type BrandLink } from '../../model/brand.ts'
import { styleSheetOf } from '../../platform/brand/stylesheet.ts'

export interface Picture {
  readonly url: string
  readonly mediaType: string
  readonly width: number | null
  readonly height: number | null
}

/** A brand, ready to be shown. */
export interface Look extends Brand {
  readonly logo: Picture | undefined
  readonly logoDark: Picture | undefined
  readonly favicon: Picture | undefined
  readonly style: string
  /** Of the style sheet: part of its address, so that it may be kept for ever. */
  readonly styleHash: string
  /** Of all that is published: another one whenever anything has changed. */
  readonly hash: string
}

export interface Brands {
  /** What a partner's customers see. Undefined: there is no such partner. */
  of(partnerId: string): Promise<Look | undefined>
  /** The partner that a verified domain belongs to. */
  partnerAt(host: string): Promise<string | undefined>
}

export const assetUrl = (assetId: string): string => `/brand/assets/${assetId}`
export const styleUrl = ({ partnerId, styleHash }: Look): string =>
  `/brand/styles/${partnerId}/${styleHash}.css`

/** @param hub the whole hub's database: a tenant does not see the partners above it. */
export function createBrands(hub: Db, caches: Caches): Brands {
  // A change above changes what is below: whatever has changed, all of them are asked for again.
  const looks = caches.cache<Look>({
    topics: ['brand', 'partner'],
    max: 2_000,
    load: async (partnerId) => {
      const chain = await brandChain(hub, partnerId)
      return chain.length === 0 ? undefined : await lookOf(hub, chain)
    },
  })
  const hosts = caches.cache<{ readonly partnerId: string }>({
    topics: ['brand_domain', 'partner'],
    max: 10_000,
    load: async (host) => {
      const partnerId = await partnerOfDomain(hub, host)
      return partnerId === undefined ? undefined : { partnerId }
    },
  })
  return {
    of: (partnerId) => looks.get(partnerId),
    partnerAt: async (host) => (await hosts.get(host))?.partnerId,
  }
}

/** How the partner would look with other content of its own. Undefined: there is no such partner. */
export async function draftLook(
  hub: Db,
  partnerId: string,
  draft: { readonly version: number; readonly content: BrandContent } | undefined,
): Promise<Look | undefined> {
  const [own, ...above] = await brandChain(hub, partnerId)
  return own && (await lookOf(hub, [{ ...own, ...draft }, ...above]))
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 22)

async function lookOf(hub: Db, chain: readonly BrandLink[]): Promise<Look> {
  const brand = resolveBrand(chain)
  const { logo, logoDark, favicon } = brand.content
  const pictures = await picturesOf(hub, chain, [logo, logoDark, favicon])
  const style = styleSheetOf(brand, assetUrl)
  return {
    ...brand,
    logo: pictures.get(logo ?? ''),
    logoDark: pictures.get(logoDark ?? ''),
    favicon: pictures.get(favicon ?? ''),
    style,
    styleHash: hashOf(style),
    hash: hashOf(JSON.stringify([brand.name, brand.content])),
  }
}

async function picturesOf(
  hub: Db,
  chain: readonly BrandLink[],
  wanted: readonly (string | undefined)[],
): Promise<ReadonlyMap<string, Picture>> {
  const ids = wanted.filter((id) => id !== undefined)
  const found = new Map<string, Picture>()
  if (ids.length === 0) return found
  for (const { partnerId } of chain)
    for (const { assetId, mediaType, width, height } of await findBrandAssets(hub, partnerId, ids))
      found.set(assetId, { url: assetUrl(assetId), mediaType, width, height })
  return found
}
