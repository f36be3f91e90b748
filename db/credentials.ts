/** Credentials: sealed, and never changed: every new one is a new generation. */
import { sql } from 'kysely'
import { isJsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import { inTransaction, type Db } from './client.ts'
import type { Vault } from './vault.ts'

const place = (connectionId: string, generation: number) => ({
  table: 'credentials',
  column: 'sealed',
  row: `${connectionId}:${generation}`,
})

/** Generations whose rows (without their secrets) are kept. A token of an hour makes 24 a day. */
const kept = 50

export interface StoredCredential {
  readonly generation: number
  readonly secrets: Readonly<Record<string, string>>
}

export interface CredentialOwner {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
}

/**
 * Stores a new generation and retires those before it, whose secrets are erased. Whatever was wrong with the old one is
 * forgotten. Answers its number.
 * @throws HubError `Superseded` when a generation is expected to be the newest and is not: somebody put in another one.
 */
export async function putCredential(
  db: Db,
  vault: Vault,
  connection: CredentialOwner,
  secrets: Readonly<Record<string, string>>,
  options: { readonly expectedGeneration?: number } = {},
): Promise<number> {
  const { connectionId, partnerId, accountId } = connection
  return await inTransaction(db, async (tx) => {
    await sql`select 1 from connections where connection_id = ${connectionId} for update`.execute(tx)
    const before = await newestGeneration(tx, connectionId)
    if (options.expectedGeneration !== undefined && options.expectedGeneration !== before)
      throw new HubError('Superseded', 'The credential was replaced meanwhile.')
    const generation = before + 1
    const sealed = await vault.seal(tx, accountId, place(connectionId, generation), JSON.stringify(secrets))
    await sql`
      update credentials set retired_at = now(), sealed = '' where connection_id = ${connectionId} and retired_at is null
    `.execute(tx)
    await sql`
      insert into credentials (connection_id, generation, partner_id, account_id, sealed, expires_at, refresh_expires_at, refresh_hard_expires_at)
      values (${connectionId}, ${generation}, ${partnerId}, ${accountId}, ${sealed}, ${timeOf(secrets['expires_at'])}::timestamptz,
        ${timeOf(secrets['refresh_expires_at'])}::timestamptz, ${timeOf(secrets['refresh_hard_expires_at'])}::timestamptz)
    `.execute(tx)
    await sql`delete from credentials where connection_id = ${connectionId} and generation <= ${generation - kept}`.execute(
      tx,
    )
    await sql`
      update credential_refreshes set sent = false, failures = 0, failing_since = null, retry_at = null, last_failure = null,
        refused_generation = null, updated_at = now() where connection_id = ${connectionId}
    `.execute(tx)
    return generation
  })
}

/** Null for a text that is no time. */
function timeOf(text: string | undefined): Date | null {
  const at = new Date(text ?? '')
  return Number.isNaN(at.getTime()) ? null : at
}

/** Number of the newest generation; 0 for a connection that never had one. */
export async function newestGeneration(db: Db, connectionId: string): Promise<number> {
  const last = await sql<{ generation: number }>`
    select coalesce(max(generation), 0)::int as generation from credentials where connection_id = ${connectionId}
  `.execute(db)
  return last.rows[0]?.generation ?? 0
}

/** The newest credential in clear, or undefined for a connection without one. */
export async function openCredential(
  db: Db,
  vault: Vault,
  connectionId: string,
): Promise<StoredCredential | undefined> {
  const found = await sql<{ generation: number; accountId: string; sealed: Buffer }>`
    select generation, account_id, sealed from credentials
    where connection_id = ${connectionId} and retired_at is null order by generation desc limit 1
  `.execute(db)
  const [row] = found.rows
  if (!row) return undefined
  const plain = await vault.open(db, row.accountId, place(connectionId, row.generation), row.sealed)
  return {
    generation: row.generation,
    secrets: textsIn(JSON.parse(plain.toString('utf8'))),
  }
}

function textsIn(secrets: unknown): Readonly<Record<string, string>> {
  if (!isJsonObject(secrets))
    throw new HubError('Internal', 'A stored secret cannot be read', { internal: 'not an object' })
  return Object.fromEntries(
    Object.entries(secrets).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )
}
