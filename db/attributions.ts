/** Who earns from whom: customers of billing connections, and accounts, attributed to partners. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface Attribution {
  readonly attributionId: string
  readonly partnerId: string
  readonly accountId: string
  /** A billing connection whose customer (all of them, when none is named) the account is; null: the account's own usage. */
  readonly connectionId: string | null
  readonly customerId: string | null
  /** Days, UTC. */
  readonly effectiveFrom: string
  readonly effectiveTo: string | null
  readonly createdBy: string
  readonly createdAt: Date
}

const columns = sql`attribution_id, partner_id, account_id, connection_id, customer_id, to_char(effective_from, 'YYYY-MM-DD') as effective_from,
  to_char(effective_to, 'YYYY-MM-DD') as effective_to, created_by, created_at`

/** Undefined when the customer or account is attributed already. */
export async function createAttribution(
  tx: Db,
  made: Omit<Attribution, 'createdAt' | 'effectiveTo'>,
): Promise<Attribution | undefined> {
  const rows = await sql<Attribution>`
    insert into attributions (attribution_id, partner_id, account_id, connection_id, customer_id, effective_from, created_by)
    values (${made.attributionId}, ${made.partnerId}, ${made.accountId}, ${made.connectionId}, ${made.customerId},
      ${made.effectiveFrom}::date, ${made.createdBy})
    on conflict do nothing returning ${columns}
  `.execute(tx)
  return rows.rows[0]
}

/** Ends one: what happens from that day on earns nothing by it. Undefined when it is not in force. */
export async function endAttribution(
  tx: Db,
  attributionId: string,
  day: string,
): Promise<Attribution | undefined> {
  const rows = await sql<Attribution>`
    update attributions set effective_to = ${day}::date where attribution_id = ${attributionId} and effective_to is null
    returning ${columns}
  `.execute(tx)
  return rows.rows[0]
}

export async function getAttribution(db: Db, attributionId: string): Promise<Attribution | undefined> {
  const found =
    await sql<Attribution>`select ${columns} from attributions where attribution_id = ${attributionId}`.execute(
      db,
    )
  return found.rows[0]
}

/** Oldest first. */
export async function listAttributions(
  db: Db,
  query: {
    readonly partnerId?: string | undefined
    readonly accountId?: string | undefined
    readonly connectionId?: string | undefined
    readonly after?: string | undefined
    readonly limit: number
  },
): Promise<Attribution[]> {
  const found = await sql<Attribution>`
    select ${columns} from attributions where true
      ${query.partnerId === undefined ? sql`` : sql`and partner_id = ${query.partnerId}`}
      ${query.accountId === undefined ? sql`` : sql`and account_id = ${query.accountId}`}
      ${query.connectionId === undefined ? sql`` : sql`and connection_id = ${query.connectionId}`}
      ${query.after === undefined ? sql`` : sql`and attribution_id > ${query.after}`}
    order by attribution_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** To whom a customer of a billing connection is attributed on a day; what names the customer goes before what names all. */
export async function attributionOf(
  db: Db,
  customer: { readonly connectionId: string; readonly customerId: string | null },
  day: string,
): Promise<Attribution | undefined> {
  const found = await sql<Attribution>`
    select ${columns} from attributions
    where connection_id = ${customer.connectionId} and (customer_id is null or customer_id = ${customer.customerId})
      and effective_from <= ${day}::date and (effective_to is null or effective_to > ${day}::date)
    order by customer_id nulls last, attribution_id desc limit 1
  `.execute(db)
  return found.rows[0]
}
