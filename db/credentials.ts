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

/** Stores a new generation and retires those before it, whose secrets are erased. Answers its number. */
export async function putCredential(
  db: Db,
  vault: Vault,
  connection: { readonly connectionId: string; readonly partnerId: string; readonly accountId: string },
  secrets: Readonly<Record<string, string>>,
): Promise<number> {
  const { connectionId, partnerId, accountId } = connection
  return await inTransaction(db, async (tx) => {
    await sql`select 1 from connections where connection_id = ${connectionId} for update`.execute(tx)
    const last = await sql<{ generation: number }>`
      select coalesce(max(generation), 0)::int as generation from credentials where connection_id = ${connectionId}
    `.execute(tx)
    const generation = (last.rows[0]?.generation ?? 0) + 1
    const sealed = await vault.seal(tx, accountId, place(connectionId, generation), JSON.stringify(secrets))
    await sql`
      update credentials set retired_at = now(), sealed = '' where connection_id = ${connectionId} and retired_at is null
    `.execute(tx)
    await sql`
      insert into credentials (connection_id, generation, partner_id, account_id, sealed)
      values (${connectionId}, ${generation}, ${partnerId}, ${accountId}, ${sealed})
    `.execute(tx)
    return generation
  })
}

/** The newest credential in clear, or undefined for a connection without one. */
export async function openCredential(
  db: Db,
  vault: Vault,
  connectionId: string,
): Promise<{ generation: number; secrets: Readonly<Record<string, string>> } | undefined> {
  const found = await sql<{ generation: number; accountId: string; sealed: Buffer }>`
    select generation, account_id, sealed from credentials
    where connection_id = ${connectionId} and retired_at is null order by generation desc limit 1
  `.execute(db)
  const [row] = found.rows
  if (!row) return undefined
  const plain = await vault.open(db, row.accountId, place(connectionId, row.generation), row.sealed)
  const secrets: unknown = JSON.parse(plain.toString('utf8'))
  if (!isJsonObject(secrets))
    throw new HubError('Internal', 'A stored secret cannot be read', { internal: 'not an object' })
  return {
    generation: row.generation,
    secrets: Object.fromEntries(
      Object.entries(secrets).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    ),
  }
}
