/**
 * Signed links to a connect session: a JWT (HS256) that holds the session's id and its expiry, nothing else. Its key is
 * derived from a key of the ring, whose id is the `kid`: a link that was signed before a rotation works on while the old
 * key is in the ring.
 */
import { hkdfSync } from 'node:crypto'
import { SignJWT, errors, jwtVerify } from 'jose'
import { isId } from '../../model/ids.ts'
import type { KeyRing } from './keyring.ts'

export interface SessionLinks {
  sign(sessionId: string, expiresAt: Date): Promise<string>
  /** The session that a token names. `expired`: it was ours once. `invalid`: forged, damaged, or its key is gone. */
  read(token: string): Promise<{ readonly sessionId: string } | 'expired' | 'invalid'>
}

const audience = 'tieline-connect'

export function createSessionLinks(ring: KeyRing): SessionLinks {
  const keyOf = (key: Uint8Array): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), 'tieline connect session link', 32))
  return {
    sign: (sessionId, expiresAt) =>
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256', kid: ring.current.id })
        .setSubject(sessionId)
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
        return isId('session', payload.sub) ? { sessionId: payload.sub } : 'invalid'
      } catch (error) {
        return error instanceof errors.JWTExpired ? 'expired' : 'invalid'
      }
    },
  }
}
