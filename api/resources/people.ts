/** People and their roles, in the hub and in partners. A partner's people see and change those of the partner and what is below it. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import {
  deleteMembership,
  getMember as findMember,
  listMembers as selectMembers,
  lockOwners,
  membershipIdsOf,
  setRole,
  type Member,
} from '../../db/memberships.ts'
import { getPerson, setPersonState } from '../../db/people.ts'
import { hubRoles, partnerRoles, permissions, type Role } from '../../model/permissions.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion, hasChanged } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { end, sessionsOf, showPerson } from './own-sessions.ts'

type MemberJson = components['schemas']['Member']

const showMember = ({ createdAt, ...rest }: Member): MemberJson => ({
  ...rest,
  createdAt: createdAt.toISOString(),
})

const noSuch = (what: string, id: string) => new HubError('NoSuchThing', `There is no ${what} "${id}".`)

/** @throws InvalidInput for a role of the hub in a partner and the other way round. */
export function checkRole(partnerId: string | null, role: Role): void {
  const fitting: readonly string[] = partnerId === null ? hubRoles : partnerRoles
  if (fitting.includes(role)) return
  throw invalidInput([{ in: 'body', pointer: '/role', detail: `should be one of ${fitting.join(', ')}` }])
}

async function memberAt({ hubDatabase }: ApiDeps, caller: Caller, membershipId: string): Promise<Member> {
  const member = await findMember(hubDatabase.db, membershipId, caller.partnerId ?? undefined)
  if (!member) throw noSuch('member', membershipId)
  return member
}

export const listMembers: Handler<'listMembers'> = async (deps, call) => {
  const after = positionOf(call, { membershipId: 'string' })?.membershipId
  const within = call.caller.partnerId ?? undefined
  const query = { within, partnerId: call.query.partnerId, after, limit: rowsFor(call) }
  const rows = await selectMembers(deps.hubDatabase.db, query)
  return listAnswer(call, rows, showMember, ({ membershipId }) => ({ membershipId }))
}

export const getMember: Handler<'getMember'> = async (deps, { path, caller }) => {
  const member = await memberAt(deps, caller, path.membershipId)
  return { status: 200, body: showMember(member), headers: { ETag: etagOf(member) } }
}

/** Somebody must be left who can let others in. Call it first in the transaction. */
async function keepAnOwner(tx: Db, isMeant: (membershipId: string) => boolean): Promise<void> {
  const owners = await lockOwners(tx)
  if (owners.some(isMeant) && owners.every(isMeant))
    throw new HubError('StateConflict', 'This is the last owner of the hub. Make another one first.')
}

export const updateMember: Handler<'updateMember'> = async (deps, { path, header, body, caller }) => {
  const before = await memberAt(deps, caller, path.membershipId)
  checkRole(before.partnerId, body.role)
  const { membershipId, partnerId, personId } = before
  await inTransaction(deps.hubDatabase.db, async (tx) => {
    if (body.role !== 'owner') await keepAnOwner(tx, (id) => id === membershipId)
    if (!(await setRole(tx, membershipId, body.role, expectedVersion(header['If-Match']))))
      throw hasChanged('The member')
    await appendAudit(tx, {
      ...{ actor: caller.name, action: 'member.role_changed', subject: personId },
      ...{ partnerId: partnerId ?? undefined, details: { membershipId, from: before.role, to: body.role } },
    })
  })
  const after = await memberAt(deps, caller, membershipId)
  return { status: 200, body: showMember(after), headers: { ETag: etagOf(after) } }
}

export const deleteMember: Handler<'deleteMember'> = async (deps, { path, caller }) => {
  const { membershipId, partnerId, personId, role } = await memberAt(deps, caller, path.membershipId)
  await inTransaction(deps.hubDatabase.db, async (tx) => {
    await keepAnOwner(tx, (id) => id === membershipId)
    if (!(await deleteMembership(tx, membershipId))) return
    await appendAudit(tx, {
      ...{ actor: caller.name, action: 'member.removed', subject: personId },
      ...{ partnerId: partnerId ?? undefined, details: { membershipId, role } },
    })
  })
  return { status: 204, body: undefined }
}

export const updatePerson: Handler<'updatePerson'> = async (deps, { path, header, body, caller }) => {
  const { personId } = path
  const { db } = deps.hubDatabase
  const person = await getPerson(db, personId)
  if (!person) throw noSuch('person', personId)
  if (person.state === body.state)
    return { status: 200, body: showPerson(person), headers: { ETag: etagOf(person) } }
  const changed = await inTransaction(db, async (tx) => {
    if (body.state === 'disabled') {
      const own = await membershipIdsOf(tx, personId)
      await keepAnOwner(tx, (id) => own.includes(id))
    }
    const after = await setPersonState(tx, personId, body.state, expectedVersion(header['If-Match']))
    if (!after) throw hasChanged('The person')
    const action = body.state === 'disabled' ? 'person.disabled' : 'person.enabled'
    await appendAudit(tx, { actor: caller.name, action, subject: personId })
    return after
  })
  return { status: 200, body: showPerson(changed), headers: { ETag: etagOf(changed) } }
}

export const listPersonSessions: Handler<'listPersonSessions'> = async (deps, { path }) => {
  if (!(await getPerson(deps.hubDatabase.db, path.personId))) throw noSuch('person', path.personId)
  return { status: 200, body: await sessionsOf(deps, path.personId) }
}

export const endPersonSessions: Handler<'endPersonSessions'> = async (deps, { path, caller }) => {
  if (!(await getPerson(deps.hubDatabase.db, path.personId))) throw noSuch('person', path.personId)
  await end(deps, caller.name, path.personId, {})
  return { status: 204, body: undefined }
}

export const listPermissions: Handler<'listPermissions'> = () =>
  Promise.resolve({
    status: 200,
    body: {
      items: Object.entries(permissions).map(([permission, { title, hub, partner, keys }]) => ({
        ...{ permission, title, keys },
        hub: [...hub],
        partner: [...partner],
      })),
    },
  })
