/** Signed links to a connect session: they hold the session's id and its expiry, nothing else. */
import { isId } from '../../model/ids.ts'
import type { KeyRing } from './keyring.ts'
import { createSignedLinks } from './signed-link.ts'

export interface SessionLinks {
  sign(sessionId: string, expiresAt: Date): Promise<string>
  /** The session that a token names. `expired`: it was ours once. `invalid`: forged, damaged, or its key is gone. */
  read(token: string): Promise<{ readonly sessionId: string } | 'expired' | 'invalid'>
}

export function createSessionLinks(ring: KeyRing): SessionLinks {
  const links = createSignedLinks(ring, {
    audience: 'tieline-connect',
    keyInfo: 'tieline connect session link',
  })
  return {
    sign: (sessionId, expiresAt) => links.sign(sessionId, expiresAt),
    read: async (token) => {
      const signed = await links.read(token)
      if (typeof signed === 'string') return signed
      return isId('session', signed.sub) ? { sessionId: signed.sub } : 'invalid'
    },
  }
}
