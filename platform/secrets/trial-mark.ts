/**
 * The mark on a webhook that the hub sends to itself to try its own door: a JWT (HS256) that names the connection. Nobody else can make
 * it, so that no webhook of a provider is ever taken for a trial, which would be answered and not stored (INV-1).
 */
import { hkdfSync } from 'node:crypto'
import { SignJWT, errors, jwtVerify } from 'jose'
import type { KeyRing } from './keyring.ts'

export const trialHeader = 'tieline-trial'

export interface TrialMarks {
  sign(connectionId: string, expiresAt: Date): Promise<string>
  isFor(connectionId: string, mark: string): Promise<boolean>
}

const audience = 'tieline-webhook-trial'

export function createTrialMarks(ring: KeyRing): TrialMarks {
  const keyOf = (key: Uint8Array): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), 'tieline webhook trial mark', 32))
  return {
    sign: (connectionId, expiresAt) =>
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256', kid: ring.current.id })
        .setSubject(connectionId)
        .setAudience(audience)
        .setExpirationTime(expiresAt)
        .sign(keyOf(ring.current.key)),
    isFor: async (connectionId, mark) => {
      try {
        const { payload } = await jwtVerify(
          mark,
          ({ kid }) => {
            const key = kid === undefined ? undefined : ring.find(kid)
            if (!key) throw new errors.JWKSNoMatchingKey()
            return keyOf(key)
          },
          { algorithms: ['HS256'], audience, requiredClaims: ['exp', 'sub'] },
        )
        return payload.sub === connectionId
      } catch {
        return false
      }
    },
  }
}
