/** Signed links to a draft of a brand: a JWT (HS256) that names the partner, the version and its end, nothing else. */
import { hkdfSync } from 'node:crypto'
import { SignJWT, errors, jwtVerify } from 'jose'
import { isId } from '../../model/ids.ts'
import type { KeyRing } from './keyring.ts'

export interface Previewed {
  readonly partnerId: string
  readonly version: number
}

export interface PreviewLinks {
  sign(previewed: Previewed, expiresAt: Date): Promise<string>
  /** Undefined: forged, damaged, over, or its key is gone. */
  read(token: string): Promise<Previewed | undefined>
}

const audience = 'tieline-brand-preview'

export function createPreviewLinks(ring: KeyRing): PreviewLinks {
  const keyOf = (key: Uint8Array): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), 'tieline brand preview link', 32))
  return {
    sign: ({ partnerId, version }, expiresAt) =>
      new SignJWT({ v: version })
        .setProtectedHeader({ alg: 'HS256', kid: ring.current.id })
        .setSubject(partnerId)
        .setAudience(audience)
        .setExpirationTime(expiresAt)
        .sign(keyOf(ring.current.key)),
    read: async (token) => {
      try {
        const { payload } = await jwtVerify(
          token,
          ({ kid }) => {
            const key = kid === undefined ? undefined : ring.find(kid)
            if (!key) throw new errors.JWKSNoMatchingKey()
            return keyOf(key)
          },
          { algorithms: ['HS256'], audience, requiredClaims: ['exp', 'sub'] },
        )
        const { sub: partnerId, v: version } = payload
        return isId('partner', partnerId) && typeof version === 'number' && Number.isSafeInteger(version)
          ? { partnerId, version }
          : undefined
      } catch {
        return undefined
      }
    },
  }
}
