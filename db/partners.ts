/** Partners and their accounts. The tree of partners comes with the partner API; here is what connections hang on. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

/** The tenant that the embedded hub, and whoever names no account, works in. */
export const defaultTenant = {
  partnerId: 'par_00000000000000000000000000',
  partnerName: 'This hub',
  accountId: 'acc_00000000000000000000000000',
  accountName: 'Default account',
} as const

export interface Account {
  readonly accountId: string
  readonly partnerId: string
  readonly partnerName: string
  readonly name: string
}

/** Makes a partner unless there is one with this id. */
export async function ensurePartner(
  db: Db,
  partner: { readonly partnerId: string; readonly name: string; readonly tier?: string },
): Promise<void> {
  const { partnerId, name, tier = 'standard' } = partner
  await sql`insert into partners (partner_id, name, tier) values (${partnerId}, ${name}, ${tier}) on conflict do nothing`.execute(
    db,
  )
}

/** Makes an account unless there is one with this id. */
export async function ensureAccount(
  db: Db,
  account: { readonly accountId: string; readonly partnerId: string; readonly name: string },
): Promise<void> {
  await sql`
    insert into accounts (account_id, partner_id, name) values (${account.accountId}, ${account.partnerId}, ${account.name})
    on conflict do nothing
  `.execute(db)
}

/** Makes the default tenant. */
export async function ensureDefaultTenant(db: Db): Promise<void> {
  await ensurePartner(db, {
    partnerId: defaultTenant.partnerId,
    name: defaultTenant.partnerName,
    // Who runs the hub pays nobody for it.
    tier: 'unlimited',
  })
  await ensureAccount(db, {
    accountId: defaultTenant.accountId,
    partnerId: defaultTenant.partnerId,
    name: defaultTenant.accountName,
  })
}

export async function getAccount(db: Db, accountId: string): Promise<Account | undefined> {
  const found = await sql<Account>`
    select a.account_id, a.partner_id, p.name as partner_name, a.name from accounts a join partners p using (partner_id)
    where a.account_id = ${accountId}
  `.execute(db)
  return found.rows[0]
}

export async function findPartner(
  db: Db,
  partnerId: string,
): Promise<{ readonly partnerId: string; readonly name: string } | undefined> {
  const found = await sql<{ partnerId: string; name: string }>`
    select partner_id, name from partners where partner_id = ${partnerId}
  `.execute(db)
  return found.rows[0]
}
