/** What must still be ended at a provider after its connection was deleted: kept sealed until then, and not for long. */
import { sql } from 'kysely'
import type { Db } from './client.ts'
import { openCredential, type CredentialOwner } from './credentials.ts'
import type { Vault } from './vault.ts'

const place = (connectionId: string) => ({
  table: 'credential_revocations',
  column: 'sealed',
  row: connectionId,
})

/** Sets the credential aside, in the transaction that deletes the connection. False when there is none. */
export async function keepForRevocation(tx: Db, vault: Vault, owner: CredentialOwner): Promise<boolean> {
  const { connectionId, partnerId, accountId } = owner
  const credential = await openCredential(tx, vault, connectionId)
  if (!credential) return false
  const sealed = await vault.seal(tx, accountId, place(connectionId), JSON.stringify(credential.secrets))
  await sql`
    insert into credential_revocations (connection_id, partner_id, account_id, sealed)
    values (${connectionId}, ${partnerId}, ${accountId}, ${sealed}) on conflict do nothing
  `.execute(tx)
  return true
}

/** A token that was renewed meanwhile takes the place of the one that was set aside. */
export async function replaceRevocation(
  db: Db,
  vault: Vault,
  connectionId: string,
  secrets: Readonly<Record<string, string>>,
): Promise<void> {
  const found = await sql<{ accountId: string }>`
    select account_id from credential_revocations where connection_id = ${connectionId}
  `.execute(db)
  const [row] = found.rows
  if (!row) return
  const sealed = await vault.seal(db, row.accountId, place(connectionId), JSON.stringify(secrets))
  await sql`update credential_revocations set sealed = ${sealed} where connection_id = ${connectionId}`.execute(
    db,
  )
}

/** The secrets in clear; undefined when nothing is left to be ended. */
export async function openRevocation(
  db: Db,
  vault: Vault,
  connectionId: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  const found = await sql<{ accountId: string; sealed: Buffer }>`
    select account_id, sealed from credential_revocations where connection_id = ${connectionId}
  `.execute(db)
  const [row] = found.rows
  if (!row) return undefined
  const plain = await vault.open(db, row.accountId, place(connectionId), row.sealed)
  return JSON.parse(plain.toString('utf8')) as Readonly<Record<string, string>>
}

export async function isRevocationLeft(db: Db, connectionId: string): Promise<boolean> {
  const found = await sql`select 1 from credential_revocations where connection_id = ${connectionId}`.execute(
    db,
  )
  return found.rows.length > 0
}

/** True when there was one. */
export async function eraseRevocation(tx: Db, connectionId: string): Promise<boolean> {
  const gone = await sql<{ connectionId: string }>`
    delete from credential_revocations where connection_id = ${connectionId} returning connection_id
  `.execute(tx)
  return gone.rows.length > 0
}

/** Erases what no workflow has come for. Answers how many. */
export async function eraseRevocationsBefore(db: Db, before: Date): Promise<number> {
  const gone = await sql<{ connectionId: string }>`
    delete from credential_revocations where created_at < ${before}::timestamptz returning connection_id
  `.execute(db)
  return gone.rows.length
}
