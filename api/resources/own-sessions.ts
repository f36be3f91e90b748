/** Whoever is signed in: who it is, and where else. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import { getPerson, type Person } from '../../db/people.ts'
import {
  endPersonSessions,
  listPersonSessions,
  membershipsOf,
  type PersonSession,
} from '../../db/person-sessions.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { restMs } from '../authenticate-person.ts'
import type { ApiDeps } from '../deps.ts'
import type { Handler } from '../operation.ts'
import { ownSession } from './own-session.ts'

type Schemas = components['schemas']

export const showPerson = ({ createdAt, ...rest }: Person): Schemas['Person'] => ({
  ...rest,
  createdAt: createdAt.toISOString(),
})

const showSession = (session: PersonSession, currentId: string | undefined): Schemas['PersonSession'] => ({
  personSessionId: session.personSessionId,
  isCurrent: session.personSessionId === currentId,
  address: session.address,
  userAgent: session.userAgent,
  createdAt: session.createdAt.toISOString(),
  lastSeenAt: session.lastSeenAt.toISOString(),
  expiresAt: session.expiresAt.toISOString(),
})

/** Sessions of a person that are open. */
export async function sessionsOf(
  { hubDatabase }: ApiDeps,
  personId: string,
  currentId?: string,
): Promise<Schemas['PersonSessionList']> {
  const rows = await listPersonSessions(hubDatabase.db, personId, new Date(Date.now() - restMs))
  return { items: rows.map((row) => showSession(row, currentId)) }
}

export const listOwnSessions: Handler<'listOwnSessions'> = async (deps, { caller }) => {
  const { personId, personSessionId } = ownSession(caller)
  return { status: 200, body: await sessionsOf(deps, personId, personSessionId) }
}

export const endOtherSessions: Handler<'endOtherSessions'> = async (deps, { caller }) => {
  const { personId, personSessionId } = ownSession(caller)
  await end(deps, caller.name, personId, { except: personSessionId })
  return { status: 204, body: undefined }
}

export const endOwnSession: Handler<'endOwnSession'> = async (deps, { path, caller }) => {
  const { personId } = ownSession(caller)
  const ended = await end(deps, caller.name, personId, { only: path.personSessionId })
  if (ended === 0) throw new HubError('NoSuchThing', `There is no open session "${path.personSessionId}".`)
  return { status: 204, body: undefined }
}

/** Ends sessions of a person and says so in the audit chain. */
export async function end(
  { hubDatabase }: ApiDeps,
  actor: string,
  personId: string,
  which: { readonly only?: string; readonly except?: string },
): Promise<number> {
  return await inTransaction(hubDatabase.db, async (tx) => {
    const ended = await endPersonSessions(tx, personId, which, `ended by ${actor}`)
    if (ended > 0)
      await appendAudit(tx, {
        ...{ actor, action: 'person.sessions_ended', subject: personId, details: { ended } },
      })
    return ended
  })
}

export const getOwnPerson: Handler<'getOwnPerson'> = async (deps, { caller }) => {
  const { personId } = ownSession(caller)
  const { db } = deps.hubDatabase
  const person = await getPerson(db, personId)
  if (!person) throw new HubError('NoSuchThing', 'This person is gone.')
  const memberships = await membershipsOf(db, personId)
  return {
    status: 200,
    body: {
      person: showPerson(person),
      memberships: memberships.map(({ partnerId, partnerName, role }) => ({ partnerId, partnerName, role })),
    },
  }
}
