/** Who is signed in. */
import { HubError } from '../../platform/errors.ts'
import type { Caller } from '../caller.ts'

/** @throws HubError `NotPermitted` for a key or the hub's own token: they have no password and no sessions. */
export function ownSession({ personId, personSessionId }: Caller): {
  readonly personId: string
  readonly personSessionId: string
} {
  if (personId === undefined || personSessionId === undefined)
    throw new HubError('NotPermitted', 'This is for people who have signed in.')
  return { personId, personSessionId }
}
