/** Accounts: a partner's customers, who own connections and data. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface AccountRow {
  readonly accountId: string
  readonly partnerId: string
  /** What its partner calls it; unique there. */
  readonly externalId: string | null
  readonly name: string
  readonly state: 'active' | 'closed'
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = sql`account_id, partner_id, external_id, name, state, version, created_at, updated_at`

export interface AccountQuery {
  readonly partnerId?: string | undefined
  readonly externalId?: string | undefined
  readonly state?: AccountRow['state'] | undefined
  readonly after?: string | undefined
  readonly limit: number
}

/** Oldest first. */
export async function listAccounts(db: Db, query: AccountQuery): Promise<AccountRow[]> {
  const found = await sql<AccountRow>`
    select ${columns} from accounts where true
      ${query.partnerId === undefined ? sql`` : sql`and partner_id = ${query.partnerId}`}
      ${query.externalId === undefined ? sql`` : sql`and external_id = ${query.externalId}`}
      ${query.state === undefined ? sql`` : sql`and state = ${query.state}`}
      ${query.after === undefined ? sql`` : sql`and account_id > ${query.after}`}
    order by account_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

export async function findAccount(db: Db, accountId: string): Promise<AccountRow | undefined> {
  const found =
    await sql<AccountRow>`select ${columns} from accounts where account_id = ${accountId}`.execute(db)
  return found.rows[0]
}

/** @returns undefined when its partner has one with this external id. */
export async function insertAccount(
  tx: Db,
  account: Pick<AccountRow, 'accountId' | 'partnerId' | 'externalId' | 'name'>,
): Promise<AccountRow | undefined> {
  const made = await sql<AccountRow>`
    insert into accounts (account_id, partner_id, external_id, name)
    values (${account.accountId}, ${account.partnerId}, ${account.externalId}, ${account.name})
    on conflict (partner_id, external_id) where external_id is not null do nothing returning ${columns}
  `.execute(tx)
  return made.rows[0]
}

export interface AccountChange {
  readonly name?: string | undefined
  readonly externalId?: string | null | undefined
  readonly state?: AccountRow['state'] | undefined
}

/** @returns undefined when it is gone or has another version than expected. */
export async function changeAccount(
  tx: Db,
  accountId: string,
  change: AccountChange,
  expected: number | undefined,
): Promise<AccountRow | undefined> {
  const made = await sql<AccountRow>`
    update accounts set name = coalesce(${change.name ?? null}, name), state = coalesce(${change.state ?? null}, state),
      external_id = ${change.externalId === undefined ? sql`external_id` : sql`${change.externalId}`},
      version = version + 1, updated_at = now()
    where account_id = ${accountId} ${expected === undefined ? sql`` : sql`and version = ${expected}`}
    returning ${columns}
  `.execute(tx)
  return made.rows[0]
}

/** Its connections that are not deleted; none is added while the transaction lasts that asks with a lock. */
export async function connectionsOf(tx: Db, accountId: string): Promise<number> {
  await sql`select 1 from accounts where account_id = ${accountId} for update`.execute(tx)
  const found = await sql<{ count: number }>`
    select count(*)::int as count from connections where account_id = ${accountId} and state <> 'deleted'
  `.execute(tx)
  return found.rows[0]?.count ?? 0
}

/** True for what the database says when a partner has an account with this external id already. */
export const isTakenExternalId = (error: unknown): boolean =>
  error instanceof Error && 'constraint' in error && error.constraint === 'accounts_by_external_id'
