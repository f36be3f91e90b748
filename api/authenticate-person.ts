/** People by the token of their session: who it is, and in which of their roles they act. */
import { depthBelow } from '../db/partner-tree.ts'
import { touchPersonSession, type KnownMembership, type KnownSession } from '../db/person-sessions.ts'
import { isId } from '../model/ids.ts'
import {
  permissionsOfHub,
  permissionsOfPartner,
  type HubRole,
  type PartnerRole,
} from '../model/permissions.ts'
import { readPersonToken } from '../platform/secrets/person-token.ts'
import type { Caller } from './caller.ts'
import type { ApiDeps } from './deps.ts'
import { invalidInput } from './problem.ts'
import { refused } from './refused.ts'

/** A session ends after so long a rest. */
export const restMs = 12 * 3_600_000
/** And after so long in any case. */
export const longestMs = 7 * 24 * 3_600_000
const touchedEveryMs = 60_000

/**
 * @param chosen the header `Tieline-Partner`: one of the person's partners, one below it, or for somebody of the hub any.
 * @throws Unauthenticated when the session is over; InvalidInput for a partner where the person has no role.
 */
export async function bySession(deps: ApiDeps, token: string, chosen: string): Promise<Caller> {
  const hash = readPersonToken('ses', token)
  if (!hash) throw refused('This is no token of a session.')
  const known = await fresh(deps, hash.toString('hex'))
  const { session, personState, memberships } = known
  if (personState !== 'active') throw refused('This person has been disabled.')
  const { personId, personSessionId } = session
  const person = { kind: 'person', name: `person:${personId}`, personId, personSessionId } as const
  const membership = await membershipOf(deps, memberships, chosen)
  // Who has no role, or several and has not chosen, can do nothing but look after oneself.
  if (!membership) return { ...person, permissions: new Set(['self.use']), partnerId: null }
  const { role, partnerId, actsFor } = membership
  if (membership.partnerState !== 'active') throw refused(`The partner is ${membership.partnerState}.`)
  const permissions =
    partnerId === null ? permissionsOfHub(role as HubRole) : permissionsOfPartner(role as PartnerRole)
  return { ...person, role, permissions, partnerId: actsFor }
}

/** The session, if it is open and has not rested too long. What is remembered may be older than its last use elsewhere. */
async function fresh({ callers, hubDatabase, log }: ApiDeps, hash: string): Promise<KnownSession> {
  const isOver = (one: KnownSession): boolean =>
    one.session.expiresAt.getTime() <= Date.now() || one.session.lastSeenAt.getTime() + restMs <= Date.now()
  let known = await callers.sessions.get(hash)
  if (known && isOver(known)) {
    callers.sessions.forget(hash)
    known = await callers.sessions.get(hash)
  }
  if (!known || isOver(known)) throw refused('This session is over. Sign in again.')
  const { personSessionId, lastSeenAt } = known.session
  if (lastSeenAt.getTime() + touchedEveryMs <= Date.now()) {
    // The next request asks the store again, and finds that the session was in use now.
    await touchPersonSession(hubDatabase.db, personSessionId).catch((err: unknown) =>
      log.warn({ err }, 'the use of a session was not written down'),
    )
    callers.sessions.forget(hash)
  }
  return known
}

type Chosen = KnownMembership & { readonly actsFor: string | null }

async function membershipOf(
  { hubDatabase }: ApiDeps,
  memberships: readonly KnownMembership[],
  chosen: string,
): Promise<Chosen | undefined> {
  const hub = memberships.find(({ partnerId }) => partnerId === null)
  if (chosen === '') {
    const only = hub ?? (memberships.length === 1 ? memberships[0] : undefined)
    return only && { ...only, actsFor: only.partnerId }
  }
  const unknown = () =>
    invalidInput([
      { in: 'header', pointer: '/Tieline-Partner', detail: 'is not the id of a partner of yours' },
    ])
  if (!isId('partner', chosen)) throw unknown()
  for (const one of memberships) {
    if (one.partnerId === null) continue
    const depth = await depthBelow(hubDatabase.db, chosen, one.partnerId)
    if (depth !== undefined) return { ...one, actsFor: chosen }
  }
  const isThere = hub && (await depthBelow(hubDatabase.db, chosen, chosen)) !== undefined
  if (!isThere) throw unknown()
  return { ...hub, actsFor: chosen }
}
