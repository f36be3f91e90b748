/**
 * Links in alerts, with which whoever got the message answers it: they name one incident, one thing to do and the time it
 * was about, nothing else.
 */
import { isId } from '../../model/ids.ts'
import type { KeyRing } from './keyring.ts'
import { createSignedLinks } from './signed-link.ts'

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

export function createIncidentLinks(ring: KeyRing): IncidentLinks {
  const links = createSignedLinks(ring, {
    audience: 'tieline-incident',
    keyInfo: 'tieline incident link',
  })
  return {
    sign: ({ incidentId, action, reopened, channelId }, expiresAt) =>
      links.sign(incidentId, expiresAt, { act: action, n: reopened, ch: channelId }),
    read: async (token) => {
      const signed = await links.read(token)
      if (typeof signed === 'string') return signed
      const { sub, act, n, ch } = signed
      const action = linkActions.find((one) => one === act)
      if (
        !isId('incident', sub) ||
        action === undefined ||
        typeof n !== 'number' ||
        !isId('alertChannel', ch)
      )
        return 'invalid'
      return { incidentId: sub, action, reopened: n, channelId: ch }
    },
  }
}
