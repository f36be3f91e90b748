/**
 * The change feed. Readers go by (transaction, seq) and stop before the oldest transaction that is still open: a row that
 * commits late can never fall behind a cursor that has moved on.
 */
import { sql } from 'kysely'
import type { Db } from './client.ts'

/** Where a reader stands: the last row it has. `transactionId` is decimal text. */
export interface ChangeCursor {
  readonly transactionId: string
  readonly seq: number
}

export interface Change {
  readonly cursor: ChangeCursor
  readonly partnerId: string
  readonly accountId: string
  readonly connectionId: string
  readonly resource: string
  readonly externalId: string
  readonly model: string
  /** `remapped`: the mapping changed, not the object. */
  readonly effect: 'created' | 'updated' | 'deleted' | 'restored' | 'remapped'
  readonly version: number
  readonly runId: string | null
  /** `write:<id>` or `remap:<id>`: the hub's own doing; null for what a provider's side did. */
  readonly origin: string | null
  readonly createdAt: Date
}

/** Changes in commit order after a cursor. */
export async function listChanges(
  db: Db,
  query: {
    readonly partnerId?: string | undefined
    /** The database shows a tenant: its partners are read one by one, each in the order of its index. */
    readonly isTenants?: boolean | undefined
    readonly after?: ChangeCursor | undefined
    readonly limit: number
  },
): Promise<Change[]> {
  const { after, partnerId, isTenants = false } = query
  const ended = sql`transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    ${after ? sql`and (transaction_id, seq) > (${after.transactionId}::xid8, ${after.seq})` : sql``}`
  const rows =
    isTenants && partnerId === undefined
      ? sql`(select c.* from unnest(tenant_partners()) as p (id) cross join lateral (select * from changes
          where partner_id = p.id and ${ended} order by transaction_id, seq limit ${query.limit}) c) as changes`
      : sql`changes where ${ended} ${partnerId === undefined ? sql`` : sql`and partner_id = ${partnerId}`}`
  // The order names the table: a bare `transaction_id` would mean the text that is selected, and '10' sorts before '9'.
  const found = await sql<Omit<Change, 'cursor'> & ChangeCursor>`
    select transaction_id::text as transaction_id, seq, partner_id, account_id, connection_id, resource, external_id, model, effect,
      version, run_id, origin, created_at
    from ${rows}
    order by changes.transaction_id, changes.seq limit ${query.limit}
  `.execute(db)
  return found.rows.map(({ transactionId, seq, ...change }) => ({
    ...change,
    cursor: { transactionId, seq },
  }))
}
