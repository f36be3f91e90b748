/** What callers have asked for: counted by the API's processes (`api/limits/usage-book.ts`), read by day, operation, account, key or partner. */
import { sql, type RawBuilder } from 'kysely'
import type { RateClass } from '../model/limits.ts'
import type { Db } from './client.ts'

export interface CallCount {
  readonly day: string
  readonly partnerId: string
  /** Empty: no key. */
  readonly keyId: string
  readonly operation: string
  readonly class: RateClass
  /** What the call was about, as far as it says so; empty where it does not. */
  readonly connectionId: string
  readonly accountId: string
  readonly calls: number
  readonly errors: number
  readonly refused: number
  readonly bytes: number
}

/**
 * True once for each batch of a process: one that is sent again, because the answer to the first time was lost, has been written.
 * In the transaction that writes it. @param seq rises with every batch.
 */
export async function claimFlush(tx: Db, processId: string, seq: number): Promise<boolean> {
  const claimed = await sql`
    insert into usage_flushes as f (process_id, seq) values (${processId}, ${seq})
    on conflict (process_id) do update set seq = excluded.seq, at = now() where f.seq < excluded.seq returning 1
  `.execute(tx)
  return claimed.rows.length === 1
}

/** Adds calls, each to the account that it was about, where that is the caller's or below it. */
export async function addCalls(tx: Db, counts: readonly CallCount[]): Promise<void> {
  await sql`
    with given as (
      select * from json_to_recordset(${JSON.stringify(counts)}::json) as g ("day" date, "partnerId" text, "keyId" text, "operation" text, "class" text,
        "connectionId" text, "accountId" text, "calls" bigint, "errors" bigint, "refused" bigint, "bytes" bigint)
    ), placed as (
      select g.*, coalesce((
        select a.account_id from accounts a join partner_ancestry p on p.partner_id = a.partner_id and p.ancestor_id = g."partnerId"
        where a.account_id = coalesce((select c.account_id from connections c where c.connection_id = g."connectionId"), g."accountId")), '') as account
      from given g
    )
    insert into usage_daily as u (day, partner_id, account_id, key_id, operation, class, calls, errors, refused, bytes)
    select "day", "partnerId", account, "keyId", "operation", "class", sum("calls"), sum("errors"), sum("refused"), sum("bytes")
    from placed group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
    on conflict (partner_id, day, account_id, key_id, operation, class, whole_month) do update set calls = u.calls + excluded.calls,
      errors = u.errors + excluded.errors, refused = u.refused + excluded.refused, bytes = u.bytes + excluded.bytes
  `.execute(tx)
}

export type UsageGroup = 'day' | 'operation' | 'account' | 'key' | 'partner'

export interface UsageQuery {
  /** Days, both included. */
  readonly from: string
  readonly to: string
  readonly groupBy: UsageGroup
  readonly partnerId?: string | undefined
  readonly accountId?: string | undefined
  readonly keyId?: string | undefined
  readonly operation?: string | undefined
  readonly after?: string | undefined
  readonly limit: number
}

export interface UsageRow {
  /** The day, the operation, the id; empty: none. */
  readonly group: string
  readonly calls: number
  readonly errors: number
  readonly refused: number
  readonly bytes: number
  /** Null where calls are grouped or filtered by what only calls have. */
  readonly recordsChanged: number | null
  readonly recordsHeld: number | null
  readonly connections: number | null
}

const groups: Readonly<Record<UsageGroup, RawBuilder<unknown>>> = {
  day: sql`to_char(day, 'YYYY-MM-DD')`,
  operation: sql`operation`,
  account: sql`account_id`,
  key: sql`key_id`,
  partner: sql`partner_id`,
}

/** Sums by group, in the order of the groups. Of records held and connections it is the last count of each account. */
export async function readUsage(db: Db, query: UsageQuery): Promise<UsageRow[]> {
  const { groupBy, after, limit, keyId, operation } = query
  const group = groups[groupBy]
  const place = sql`day between ${query.from}::date and ${query.to}::date
    ${query.partnerId === undefined ? sql`` : sql`and partner_id = ${query.partnerId}`}
    ${query.accountId === undefined ? sql`` : sql`and account_id = ${query.accountId}`}`
  const beyond = after === undefined ? sql`` : sql`having ${group} > ${after}`
  const calls = sql`
    select ${group} as grp, sum(calls)::bigint as calls, sum(errors)::bigint as errors, sum(refused)::bigint as refused, sum(bytes)::bigint as bytes
    from usage_daily where ${place} ${keyId === undefined ? sql`` : sql`and key_id = ${keyId}`}
      ${operation === undefined ? sql`` : sql`and operation = ${operation}`}
    group by 1 ${beyond} order by 1 limit ${limit}`
  const isOfCalls =
    groupBy === 'operation' || groupBy === 'key' || keyId !== undefined || operation !== undefined
  if (isOfCalls) {
    const found = await sql<Omit<UsageRow, 'recordsChanged' | 'recordsHeld' | 'connections'>>`
      select grp as group, calls, errors, refused, bytes from (${calls}) c order by 1`.execute(db)
    return found.rows.map((row) => ({ ...row, recordsChanged: null, recordsHeld: null, connections: null }))
  }
  const found = await sql<UsageRow>`
    with calls as (${calls}), stock as (
      select grp, sum(records_changed)::bigint as records_changed,
        coalesce(sum(records_held) filter (where is_last), 0)::bigint as records_held,
        coalesce(sum(connections) filter (where is_last), 0)::bigint as connections
      from (
        select ${group} as grp, records_changed, records_held, connections,
          row_number() over (partition by ${group}, partner_id, account_id order by day desc, whole_month) = 1 as is_last
        from usage_accounts where ${place}) s
      ${after === undefined ? sql`` : sql`where grp > ${after}`}
      group by 1 order by 1 limit ${limit}
    )
    select grp as group, coalesce(calls, 0)::bigint as calls, coalesce(errors, 0)::bigint as errors, coalesce(refused, 0)::bigint as refused,
      coalesce(bytes, 0)::bigint as bytes, coalesce(records_changed, 0)::bigint as records_changed,
      coalesce(records_held, 0)::bigint as records_held, coalesce(connections, 0)::bigint as connections
    from calls full join stock using (grp) order by 1 limit ${limit}
  `.execute(db)
  return found.rows
}
