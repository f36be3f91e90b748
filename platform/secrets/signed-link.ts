/**
 * What signed links have in common: a JWT (HS256) whose key is derived from a key of the ring, whose id is the `kid`: a link that was
 * signed before a rotation works on while the old key is in the ring.
 */
import { hkdfSync } from 'node:crypto'
import { SignJWT, errors, jwtVerify, type JWTPayload } from 'jose'
import type { KeyRing } from './keyring.ts'

export interface SignedLinks {
  sign(subject: string, expiresAt: Date, claims?: JWTPayload): Promise<string>
  /** What was signed. `expired`: it was ours once. `invalid`: forged, damaged, or its key is gone. */
  read(token: string): Promise<JWTPayload | 'expired' | 'invalid'>
}

/** @param kind keeps links of one kind from being taken for those of another: the audience, and what the key is derived for. */
export function createSignedLinks(
  ring: KeyRing,
  kind: { readonly audience: string; readonly keyInfo: string },
): SignedLinks {
  const { audience, keyInfo } = kind
  const keyOf = (key: Uint8Array): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), keyInfo, 32))
  return {
    sign: (subject, expiresAt, claims = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid: ring.current.id })
        .setSubject(subject)
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
        return payload
      } catch (error) {
        return error instanceof errors.JWTExpired ? 'expired' : 'invalid'
      }
    },
  }
}
