/** People: who can sign in, with what. Passwords are hashed before they come here, secrets sealed. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface Person {
  readonly personId: string
  /** In lower case. */
  readonly email: string
  readonly name: string
  readonly state: 'active' | 'disabled'
  readonly hasSecondFactor: boolean
  readonly version: number
  readonly createdAt: Date
}

const columns = sql`person_id, email, name, state, totp_sealed is not null as has_second_factor, version, created_at`

/** The e-mail address by which a person is known again. */
export const emailKey = (email: string): string => email.trim().toLowerCase()

export async function findPersonByEmail(db: Db, email: string): Promise<Person | undefined> {
  const found = await sql<Person>`select ${columns} from people where email = ${emailKey(email)}`.execute(db)
  return found.rows[0]
}

/** What a sign-in is judged by, in one query whether or not there is such a person. */
export async function findSignIn(
  db: Db,
  email: string,
): Promise<{ readonly person: Person; readonly passwordHash: string | null } | undefined> {
  const found = await sql<Person & { passwordHash: string | null }>`
    select ${columns}, password_hash from people where email = ${emailKey(email)}
  `.execute(db)
  const [row] = found.rows
  if (!row) return undefined
  const { passwordHash, ...person } = row
  return { person, passwordHash }
}

export async function getPerson(db: Db, personId: string): Promise<Person | undefined> {
  const found = await sql<Person>`select ${columns} from people where person_id = ${personId}`.execute(db)
  return found.rows[0]
}

/** @returns undefined when there is somebody with this address. */
export async function insertPerson(
  tx: Db,
  person: {
    readonly personId: string
    readonly email: string
    readonly name: string
    readonly passwordHash: string | null
    readonly createdBy: string
  },
): Promise<Person | undefined> {
  const made = await sql<Person>`
    insert into people (person_id, email, name, password_hash, password_changed_at, created_by)
    values (${person.personId}, ${emailKey(person.email)}, ${person.name}, ${person.passwordHash}, now(), ${person.createdBy})
    on conflict (email) do nothing returning ${columns}
  `.execute(tx)
  return made.rows[0]
}

export interface Secrets {
  readonly passwordHash: string | null
  readonly totp: Buffer | null
  readonly totpPending: Buffer | null
}

export async function secretsOf(db: Db, personId: string): Promise<Secrets | undefined> {
  const found = await sql<Secrets>`
    select password_hash, totp_sealed as totp, totp_pending_sealed as totp_pending from people where person_id = ${personId}
  `.execute(db)
  return found.rows[0]
}

/** Puts a new password in the place of the one that was checked. False when that has been changed meanwhile. */
export async function setPassword(
  tx: Db,
  personId: string,
  passwordHash: string,
  before: string | null,
): Promise<boolean> {
  const changed = await sql`
    update people set password_hash = ${passwordHash}, password_changed_at = now(), updated_at = now(), version = version + 1
    where person_id = ${personId} and password_hash is not distinct from ${before}
  `.execute(tx)
  return changed.numAffectedRows === 1n
}

/** False when a second factor is there already. */
export async function setPendingTotp(tx: Db, personId: string, sealed: Buffer): Promise<boolean> {
  const changed = await sql`
    update people set totp_pending_sealed = ${sealed}, updated_at = now() where person_id = ${personId} and totp_sealed is null
  `.execute(tx)
  return changed.numAffectedRows === 1n
}

/** The secret that was pending counts from now on, unless another has come in its place meanwhile. @param step of the code. */
export async function confirmTotp(
  tx: Db,
  personId: string,
  pending: Buffer,
  step: number,
  codeHashes: readonly Buffer[],
): Promise<boolean> {
  const changed = await sql`
    update people set totp_sealed = totp_pending_sealed, totp_pending_sealed = null, totp_last_step = ${step},
      updated_at = now(), version = version + 1
    where person_id = ${personId} and totp_sealed is null and totp_pending_sealed = ${pending}
  `.execute(tx)
  if (changed.numAffectedRows !== 1n) return false
  await sql`delete from recovery_codes where person_id = ${personId}`.execute(tx)
  await sql`
    insert into recovery_codes (person_id, code_hash) select ${personId}, unnest(${codeHashes}::bytea[])
  `.execute(tx)
  return true
}

export async function removeTotp(tx: Db, personId: string): Promise<void> {
  await sql`delete from recovery_codes where person_id = ${personId}`.execute(tx)
  await sql`
    update people set totp_sealed = null, totp_pending_sealed = null, totp_last_step = null, updated_at = now(), version = version + 1
    where person_id = ${personId}
  `.execute(tx)
}

/** Uses the code of a step up: false when it, or a later one, has been used. */
export async function takeTotpStep(tx: Db, personId: string, step: number): Promise<boolean> {
  const taken = await sql`
    update people set totp_last_step = ${step} where person_id = ${personId} and (totp_last_step is null or totp_last_step < ${step})
  `.execute(tx)
  return taken.numAffectedRows === 1n
}

/** Uses a recovery code up: false when there is none such, or it has been used. */
export async function takeRecoveryCode(tx: Db, personId: string, hash: Buffer): Promise<boolean> {
  const taken = await sql`
    update recovery_codes set used_at = now() where person_id = ${personId} and code_hash = ${hash} and used_at is null
  `.execute(tx)
  return taken.numAffectedRows === 1n
}

/** @returns undefined when the person has another version than expected. */
export async function setPersonState(
  tx: Db,
  personId: string,
  state: Person['state'],
  expected: number | undefined,
): Promise<Person | undefined> {
  const changed = await sql<Person>`
    update people set state = ${state}, version = version + 1, updated_at = now()
    where person_id = ${personId} ${expected === undefined ? sql`` : sql`and version = ${expected}`} returning ${columns}
  `.execute(tx)
  return changed.rows[0]
}
