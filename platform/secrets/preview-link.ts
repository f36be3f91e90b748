/** Signed links to a draft of a brand: they name the partner, the version and their end, nothing else. */
import { isId } from '../../model/ids.ts'
import type { KeyRing } from './keyring.ts'
import { createSignedLinks } from './signed-link.ts'

export interface Previewed {
  readonly partnerId: string
  readonly version: number
}

export interface PreviewLinks {
  sign(previewed: Previewed, expiresAt: Date): Promise<string>
  /** Undefined: forged, damaged, over, or its key is gone. */
  read(token: string): Promise<Previewed | undefined>
}

export function createPreviewLinks(ring: KeyRing): PreviewLinks {
  const links = createSignedLinks(ring, {
    audience: 'tieline-brand-preview',
    keyInfo: 'tieline brand preview link',
  })
  return {
    sign: ({ partnerId, version }, expiresAt) => links.sign(partnerId, expiresAt, { v: version }),
    read: async (token) => {
      const signed = await links.read(token)
      if (typeof signed === 'string') return undefined
      const { sub: partnerId, v: version } = signed
      return isId('partner', partnerId) && typeof version === 'number' && Number.isSafeInteger(version)
        ? { partnerId, version }
        : undefined
    },
  }
}
