/** Sessions of people who are signed in, and of those of whom the second factor is awaited. Only hashes of tokens are here. */
import { sql } from 'kysely'
import type { PartnerRole, HubRole } from '../model/permissions.ts'
import type { Db } from './client.ts'
import type { PartnerState } from './partner-tree.ts'

export interface PersonSession {
  readonly personSessionId: string
  readonly personId: string
  readonly stage: 'code' | 'open' | 'ended'
  readonly address: string
  readonly userAgent: string
  readonly createdAt: Date
  readonly lastSeenAt: Date
  readonly expiresAt: Date
}

const columns = sql`person_session_id, person_id, stage, address, user_agent, created_at, last_seen_at, expires_at`

export interface NewPersonSession {
  readonly personSessionId: string
  readonly personId: string
  readonly stage: 'code' | 'open'
  readonly address: string
  readonly userAgent: string
  readonly expiresAt: Date
}

export async function insertPersonSession(tx: Db, wish: NewPersonSession, tokenHash: Buffer): Promise<void> {
  await sql`
    insert into person_sessions (person_session_id, person_id, token_hash, stage, address, user_agent, expires_at)
    values (${wish.personSessionId}, ${wish.personId}, ${tokenHash}, ${wish.stage}, ${wish.address}, ${wish.userAgent},
      ${wish.expiresAt}::timestamptz)
  `.execute(tx)
}

/** One of whom the second factor is awaited, in time. */
export async function findChallenge(db: Db, tokenHash: Buffer): Promise<PersonSession | undefined> {
  const found = await sql<PersonSession>`
    select ${columns} from person_sessions where token_hash = ${tokenHash} and stage = 'code' and expires_at > now()
  `.execute(db)
  return found.rows[0]
}

/** The challenge is met: the session opens under a token of its own. False when it was met or ended already. */
export async function openPersonSession(
  tx: Db,
  personSessionId: string,
  tokenHash: Buffer,
  expiresAt: Date,
): Promise<boolean> {
  const opened = await sql`
    update person_sessions set stage = 'open', token_hash = ${tokenHash}, expires_at = ${expiresAt}::timestamptz, last_seen_at = now()
    where person_session_id = ${personSessionId} and stage = 'code'
  `.execute(tx)
  return opened.numAffectedRows === 1n
}

/** What a session's person may do, where. */
export interface KnownMembership {
  readonly partnerId: string | null
  readonly partnerName: string | null
  readonly role: HubRole | PartnerRole
  /** Of the partner with all above it; active for the hub. */
  readonly partnerState: PartnerState
}

export interface KnownSession {
  readonly session: PersonSession
  readonly personState: 'active' | 'disabled'
  readonly memberships: readonly KnownMembership[]
}

/** An open session with what its person may do. @param hash SHA-256 of the token, hex. */
export async function findPersonSession(db: Db, hash: string): Promise<KnownSession | undefined> {
  const found = await sql<PersonSession & { personState: KnownSession['personState'] }>`
    select ${columns}, (select state from people p where p.person_id = s.person_id) as person_state
    from person_sessions s where token_hash = decode(${hash}, 'hex') and stage = 'open'
  `.execute(db)
  const [row] = found.rows
  if (!row) return undefined
  const { personState, ...session } = row
  return { session, personState, memberships: await membershipsOf(db, session.personId) }
}

/** The hub first, then the oldest. */
export async function membershipsOf(db: Db, personId: string): Promise<KnownMembership[]> {
  const found = await sql<KnownMembership>`
    select m.partner_id, p.name as partner_name, m.role, case when m.partner_id is null then 'active' else (
      select case when bool_or(up.state = 'closed') then 'closed' when bool_or(up.state = 'suspended') then 'suspended' else 'active' end
      from partner_ancestry a join partners up on up.partner_id = a.ancestor_id where a.partner_id = m.partner_id) end as partner_state
    from memberships m left join partners p using (partner_id) where m.person_id = ${personId}
    order by m.partner_id is not null, m.membership_id
  `.execute(db)
  return found.rows
}

/** Open ones that have not run out, newest first. */
export async function listPersonSessions(
  db: Db,
  personId: string,
  restedSince: Date,
): Promise<PersonSession[]> {
  const found = await sql<PersonSession>`
    select ${columns} from person_sessions
    where person_id = ${personId} and stage = 'open' and expires_at > now() and last_seen_at > ${restedSince}::timestamptz
    order by person_session_id desc limit 200
  `.execute(db)
  return found.rows
}

export async function touchPersonSession(db: Db, personSessionId: string): Promise<void> {
  await sql`
    update person_sessions set last_seen_at = now()
    where person_session_id = ${personSessionId} and last_seen_at < now() - interval '30 seconds'
  `.execute(db)
}

/** Ends sessions of a person, awaited ones too. Answers how many. */
export async function endPersonSessions(
  tx: Db,
  personId: string,
  which: { readonly only?: string | undefined; readonly except?: string | undefined },
  because: string,
): Promise<number> {
  const ended = await sql`
    update person_sessions set stage = 'ended', ended_at = now(), ended_because = ${because}
    where person_id = ${personId} and stage <> 'ended'
      ${which.only === undefined ? sql`` : sql`and person_session_id = ${which.only}`}
      ${which.except === undefined ? sql`` : sql`and person_session_id <> ${which.except}`}
  `.execute(tx)
  return Number(ended.numAffectedRows)
}
