/** Invitations: a token for one use, with which somebody takes a role. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import {
  endInvitation,
  findInvitation,
  getInvitation as selectInvitation,
  insertInvitation,
  insertMembership,
  listInvitations as selectInvitations,
  type Invitation,
} from '../../db/memberships.ts'
import { depthBelow, getPartner } from '../../db/partner-tree.ts'
import { findSignIn, insertPerson } from '../../db/people.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { hashPassword, isPassword } from '../../platform/secrets/password.ts'
import { mintPersonToken, readPersonToken } from '../../platform/secrets/person-token.ts'
import { countAttempt, forgiveAttempt, subjectOf } from '../attempts.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { refused } from '../refused.ts'
import { checkNewPassword } from './own-password.ts'
import { checkRole } from './people.ts'

const lifetimeMs = 3 * 24 * 3_600_000

const show = ({
  expiresAt,
  createdAt,
  endedAt,
  ...rest
}: Invitation): components['schemas']['Invitation'] => ({
  ...rest,
  expiresAt: expiresAt.toISOString(),
  createdAt: createdAt.toISOString(),
  endedAt: endedAt?.toISOString() ?? null,
})

async function invitationAt(
  { hubDatabase }: ApiDeps,
  caller: Caller,
  invitationId: string,
): Promise<Invitation> {
  const found = await selectInvitation(hubDatabase.db, invitationId, caller.partnerId ?? undefined)
  if (!found) throw new HubError('NoSuchThing', `There is no invitation "${invitationId}".`)
  return found
}

export const listInvitations: Handler<'listInvitations'> = async (deps, call) => {
  const after = positionOf(call, { invitationId: 'string' })?.invitationId
  const { partnerId, state } = call.query
  const within = call.caller.partnerId ?? undefined
  const rows = await selectInvitations(deps.hubDatabase.db, {
    ...{ within, partnerId, state, after, limit: rowsFor(call) },
  })
  return listAnswer(call, rows, show, ({ invitationId }) => ({ invitationId }))
}

export const getInvitation: Handler<'getInvitation'> = async (deps, { path, caller }) => ({
  status: 200,
  body: show(await invitationAt(deps, caller, path.invitationId)),
})

/** The partner that somebody is invited to; null: the hub. @throws InvalidInput for one that the caller does not see. */
async function placeOf(deps: ApiDeps, caller: Caller, wished: string | undefined): Promise<string | null> {
  const partnerId = wished ?? caller.partnerId
  if (partnerId === null) return null
  const { db } = deps.hubDatabase
  const isSeen =
    caller.partnerId === null || (await depthBelow(db, partnerId, caller.partnerId)) !== undefined
  const partner = isSeen ? await getPartner(db, partnerId) : undefined
  if (partner) return partner.partnerId
  throw invalidInput([
    { in: 'body', pointer: '/partnerId', detail: 'is not the id of a partner that you see' },
  ])
}

export const createInvitation: Handler<'createInvitation'> = async (deps, { body, caller, url }) => {
  const partnerId = await placeOf(deps, caller, body.partnerId)
  checkRole(partnerId, body.role)
  const { text, hash } = mintPersonToken('inv')
  const invitation = await inTransaction(deps.hubDatabase.db, async (tx) => {
    const expiresAt = new Date(Date.now() + lifetimeMs)
    const made = await insertInvitation(
      tx,
      {
        ...{ invitationId: newId('invitation'), partnerId, email: body.email, role: body.role },
        ...{ expiresAt, createdBy: caller.name },
      },
      hash,
    )
    await appendAudit(tx, {
      ...{ actor: caller.name, action: 'invitation.created', subject: made.invitationId },
      ...{ partnerId: partnerId ?? undefined, details: { role: body.role } },
    })
    return made
  })
  const headers = { Location: `${url.pathname}/${invitation.invitationId}` }
  return { status: 201, body: { invitation: show(invitation), token: text }, headers }
}

export const deleteInvitation: Handler<'deleteInvitation'> = async (deps, { path, caller }) => {
  const { invitationId, partnerId, state } = await invitationAt(deps, caller, path.invitationId)
  const accepted = () => new HubError('StateConflict', 'The invitation has been accepted.')
  if (state === 'accepted') throw accepted()
  await inTransaction(deps.hubDatabase.db, async (tx) => {
    if (!(await endInvitation(tx, invitationId, 'withdrawn'))) {
      const now = await selectInvitation(tx, invitationId)
      if (now?.state === 'accepted') throw accepted()
      return
    }
    await appendAudit(tx, {
      ...{ actor: caller.name, action: 'invitation.withdrawn', subject: invitationId },
      partnerId: partnerId ?? undefined,
    })
  })
  return { status: 204, body: undefined }
}

const over = () => new HubError('NoSuchThing', 'This invitation is over, or there is none such.')

export const acceptInvitation: Handler<'acceptInvitation'> = async (deps, { body, client: { address } }) => {
  const { db } = deps.hubDatabase
  const hash = readPersonToken('inv', body.token)
  // Of tokens there are too many to guess: only what is done with a right one is counted.
  const invitation = hash && (await findInvitation(db, hash))
  if (!invitation) throw over()
  const personId = await acceptingPerson(deps, invitation, body, address)
  const { invitationId, partnerId, role, email } = invitation
  const passwordHash = personId === undefined ? await hashPassword(body.password) : null
  await inTransaction(db, async (tx) => {
    if (!(await endInvitation(tx, invitationId, 'accepted'))) throw over()
    const who = personId ?? newId('person')
    if (personId === undefined) {
      const made = await insertPerson(tx, {
        ...{ personId: who, email, name: body.name, passwordHash, createdBy: invitation.createdBy },
      })
      if (!made)
        throw new HubError('StateConflict', 'Somebody has just signed up with this address. Try again.')
    }
    const membershipId = newId('membership')
    const wish = { membershipId, personId: who, partnerId, role, createdBy: invitation.createdBy }
    if (!(await insertMembership(tx, wish)))
      throw new HubError('StateConflict', 'You have a role there already; it can be changed.')
    await appendAudit(tx, {
      ...{ actor: `person:${who}`, action: 'invitation.accepted', subject: invitationId },
      ...{ partnerId: partnerId ?? undefined, details: { membershipId, role } },
    })
  })
  return { status: 201, body: { email, partnerId, role } }
}

/** Somebody whom the hub knows already proves it by the password; undefined for a new person, whose password is good enough. */
async function acceptingPerson(
  deps: ApiDeps,
  { email }: Invitation,
  body: components['schemas']['Acceptance'],
  address: string,
): Promise<string | undefined> {
  const known = await findSignIn(deps.hubDatabase.db, email)
  if (!known) {
    await checkNewPassword(body.password, [email, body.name], '/password')
    return undefined
  }
  const subject = subjectOf(email)
  await countAttempt(deps, subject, address)
  const fits = await isPassword(known.passwordHash, body.password)
  if (!fits || known.person.state !== 'active')
    throw refused('The hub knows this address already; the password is not the one it has.')
  await forgiveAttempt(deps, subject, address)
  return known.person.personId
}
