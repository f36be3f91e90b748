/** Which roles people have, in the hub (no partner) and in partners; and whom somebody has invited. Read and written as the hub. */
import { sql } from 'kysely'
import type { Role } from '../model/permissions.ts'
import type { Db } from './client.ts'
import { emailKey } from './people.ts'

export interface Member {
  readonly membershipId: string
  readonly personId: string
  /** Null: of the hub. */
  readonly partnerId: string | null
  readonly role: Role
  readonly email: string
  readonly name: string
  readonly state: 'active' | 'disabled'
  readonly hasSecondFactor: boolean
  readonly version: number
  readonly createdAt: Date
}

const columns = sql`m.membership_id, m.person_id, m.partner_id, m.role, p.email, p.name, p.state,
  p.totp_sealed is not null as has_second_factor, m.version, m.created_at`

/** Rows of a partner and what is below it; of everybody when none is given. */
const within = (partnerId: string | undefined, column = sql`m.partner_id`) =>
  partnerId === undefined
    ? sql``
    : sql`and ${column} in (select partner_id from partner_ancestry where ancestor_id = ${partnerId})`

export interface MemberQuery {
  /** Of this partner and what is below it. */
  readonly within?: string | undefined
  readonly partnerId?: string | undefined
  readonly after?: string | undefined
  readonly limit: number
}

export async function listMembers(db: Db, query: MemberQuery): Promise<Member[]> {
  const found = await sql<Member>`
    select ${columns} from memberships m join people p using (person_id) where true ${within(query.within)}
      ${query.partnerId === undefined ? sql`` : sql`and m.partner_id = ${query.partnerId}`}
      ${query.after === undefined ? sql`` : sql`and m.membership_id > ${query.after}`}
    order by m.membership_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

export async function getMember(db: Db, membershipId: string, under?: string): Promise<Member | undefined> {
  const found = await sql<Member>`
    select ${columns} from memberships m join people p using (person_id)
    where m.membership_id = ${membershipId} ${within(under)}
  `.execute(db)
  return found.rows[0]
}

export async function membershipIdsOf(db: Db, personId: string): Promise<readonly string[]> {
  const found = await sql<{ membershipId: string }>`
    select membership_id from memberships where person_id = ${personId}
  `.execute(db)
  return found.rows.map(({ membershipId }) => membershipId)
}

/** @returns false when the person has a role there already. */
export async function insertMembership(
  tx: Db,
  membership: {
    readonly membershipId: string
    readonly personId: string
    readonly partnerId: string | null
    readonly role: Role
    readonly createdBy: string
  },
): Promise<boolean> {
  const { membershipId, personId, partnerId, role, createdBy } = membership
  const made = await sql`
    insert into memberships (membership_id, person_id, partner_id, role, created_by)
    values (${membershipId}, ${personId}, ${partnerId}, ${role}, ${createdBy}) on conflict (person_id, partner_id) do nothing
  `.execute(tx)
  return made.numAffectedRows === 1n
}

export async function setRole(
  tx: Db,
  membershipId: string,
  role: Role,
  expected: number | undefined,
): Promise<boolean> {
  const changed = await sql`
    update memberships set role = ${role}, version = version + 1
    where membership_id = ${membershipId} ${expected === undefined ? sql`` : sql`and version = ${expected}`}
  `.execute(tx)
  return changed.numAffectedRows === 1n
}

export async function deleteMembership(tx: Db, membershipId: string): Promise<boolean> {
  const gone = await sql`delete from memberships where membership_id = ${membershipId}`.execute(tx)
  return gone.numAffectedRows === 1n
}

/** Owners of the hub that can sign in; holds them until the transaction ends, so that two cannot remove each other. */
export async function lockOwners(tx: Db): Promise<readonly string[]> {
  const found = await sql<{ membershipId: string }>`
    select m.membership_id from memberships m join people p using (person_id)
    where m.partner_id is null and m.role = 'owner' and p.state = 'active' order by m.membership_id for update
  `.execute(tx)
  return found.rows.map(({ membershipId }) => membershipId)
}

/** Whether anybody runs the hub. */
export async function hasOwner(db: Db): Promise<boolean> {
  const found = await sql<{ some: boolean }>`
    select exists (select from memberships where partner_id is null and role = 'owner') as some
  `.execute(db)
  return found.rows[0]?.some ?? false
}

export interface Invitation {
  readonly invitationId: string
  readonly partnerId: string | null
  readonly email: string
  readonly role: Role
  readonly state: 'open' | 'accepted' | 'withdrawn'
  readonly expiresAt: Date
  readonly createdBy: string
  readonly createdAt: Date
  readonly endedAt: Date | null
}

const invited = sql`invitation_id, partner_id, email, role, state, expires_at, created_by, created_at, ended_at`

export async function insertInvitation(
  tx: Db,
  wish: Pick<Invitation, 'invitationId' | 'partnerId' | 'email' | 'role' | 'expiresAt' | 'createdBy'>,
  tokenHash: Buffer,
): Promise<Invitation> {
  const made = await sql<Invitation>`
    insert into invitations (invitation_id, partner_id, email, role, token_hash, expires_at, created_by)
    values (${wish.invitationId}, ${wish.partnerId}, ${emailKey(wish.email)}, ${wish.role}, ${tokenHash},
      ${wish.expiresAt}::timestamptz, ${wish.createdBy}) returning ${invited}
  `.execute(tx)
  const [row] = made.rows
  if (!row) throw new Error('the invitation was not written')
  return row
}

export async function listInvitations(
  db: Db,
  query: MemberQuery & { readonly state?: Invitation['state'] | undefined },
): Promise<Invitation[]> {
  const found = await sql<Invitation>`
    select ${invited} from invitations where true ${within(query.within, sql`partner_id`)}
      ${query.partnerId === undefined ? sql`` : sql`and partner_id = ${query.partnerId}`}
      ${query.state === undefined ? sql`` : sql`and state = ${query.state}`}
      ${query.after === undefined ? sql`` : sql`and invitation_id > ${query.after}`}
    order by invitation_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

export async function getInvitation(
  db: Db,
  invitationId: string,
  under?: string,
): Promise<Invitation | undefined> {
  const found = await sql<Invitation>`
    select ${invited} from invitations where invitation_id = ${invitationId} ${within(under, sql`partner_id`)}
  `.execute(db)
  return found.rows[0]
}

/** One that can still be accepted. */
export async function findInvitation(db: Db, tokenHash: Buffer): Promise<Invitation | undefined> {
  const found = await sql<Invitation>`
    select ${invited} from invitations where token_hash = ${tokenHash} and state = 'open' and expires_at > now()
  `.execute(db)
  return found.rows[0]
}

/** False when somebody else was quicker. */
export async function endInvitation(
  tx: Db,
  invitationId: string,
  state: 'accepted' | 'withdrawn',
): Promise<boolean> {
  const ended = await sql`
    update invitations set state = ${state}, ended_at = now() where invitation_id = ${invitationId} and state = 'open'
  `.execute(tx)
  return ended.numAffectedRows === 1n
}
