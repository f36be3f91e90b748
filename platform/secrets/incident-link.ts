/**
 * Links in alerts, with which whoever got the message answers it: a JWT (HS256) that names one incident, one thing to do and the time it
 * was about, nothing else. Its key is derived from a key of the ring, as that of session links.
 */
import { hkdfSync } from 'node:crypto'
import { SignJWT, errors, jwtVerify } from 'jose'
import { isId } from '../../model/ids.ts'
import type { KeyRing } from './keyring.ts'

export const linkActions = ['acknowledge', 'snooze', 'resolve'] as const
export type LinkAction = (typeof linkActions)[number]

export interface IncidentLink {
  readonly incidentId: string
  readonly action: LinkAction
  /** How often the incident had been opened again: a link is of no use for a later time. */
  readonly reopened: number
  /** The channel that the message went to: who has answered. */
  readonly channelId: string
}

export interface IncidentLinks {
  sign(link: IncidentLink, expiresAt: Date): Promise<string>
  /** `expired`: it was ours once. `invalid`: forged, damaged, or its key is gone. */
  read(token: string): Promise<IncidentLink | 'expired' | 'invalid'>
}

const audience = 'tieline-incident'

export function createIncidentLinks(ring: KeyRing): IncidentLinks {
  const keyOf = (key: Uint8Array): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), 'tieline incident link', 32))
  return {
    sign: ({ incidentId, action, reopened, channelId }, expiresAt) =>
      new SignJWT({ act: action, n: reopened, ch: channelId })
        .setProtectedHeader({ alg: 'HS256', kid: ring.current.id })
        .setSubject(incidentId)
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
        const { sub, act, n, ch } = payload
        const action = linkActions.find((one) => one === act)
        if (
          !isId('incident', sub) ||
          action === undefined ||
          typeof n !== 'number' ||
          !isId('alertChannel', ch)
        )
          return 'invalid'
        return { incidentId: sub, action, reopened: n, channelId: ch }
      } catch (error) {
        return error instanceof errors.JWTExpired ? 'expired' : 'invalid'
      }
    },
  }
}
