/**
 * The stream of events: changes of records and what the hub itself has to tell, in one order, with one kind of cursor. Like
 * the change feed it ends before the oldest transaction that is still open, so that no reader is shown a gap.
 */
import { sql, type RawBuilder } from 'kysely'
import { eventIdOf, type HubEventType } from '../model/events.ts'
import type { JsonObject } from '../model/json.ts'
import type { ChangeCursor } from './changes.ts'
import type { Db } from './client.ts'

export interface EventKey {
  readonly cursor: ChangeCursor
  readonly type: string
}

export interface HubEventRow extends EventKey {
  readonly eventId: string
  readonly partnerId: string
  readonly accountId: string | null
  readonly createdAt: Date
  /** As it is told; of a record: the record as the store has it now. */
  readonly data: JsonObject
}

export interface Scanned {
  /** Those of the types that were asked for. */
  readonly events: readonly EventKey[]
  /** How far was read; undefined when there was nothing after the cursor. */
  readonly position: ChangeCursor | undefined
}

interface ScanQuery {
  readonly partnerId?: string | undefined
  /** The database shows a tenant: its partners are read one by one, each in the order of its index. */
  readonly isTenants?: boolean | undefined
  readonly after?: ChangeCursor | undefined
  /** Null: all. */
  readonly types: readonly string[] | null
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  /** Of matching events, at most. */
  readonly limit: number
}

/** So many events are looked at in one go, whatever their types: a rare type does not make a query long. */
const scannedAtOnce = 2_000

/** Events after a cursor, in their order. */
export async function scanEvents(db: Db, query: ScanQuery): Promise<Scanned> {
  const { partnerId, after, since, until, types, limit } = query
  const place = sql`transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    ${partnerId === undefined ? sql`` : sql`and partner_id = ${partnerId}`}
    ${after ? sql`and (transaction_id, seq) > (${after.transactionId}::xid8, ${after.seq})` : sql``}
    ${since ? sql`and created_at >= ${since}::timestamptz` : sql``}
    ${until ? sql`and created_at < ${until}::timestamptz` : sql``}`
  const isEach = query.isTenants === true && partnerId === undefined
  const rowsOf = (columns: RawBuilder<unknown>, table: RawBuilder<unknown>) => {
    const upTo = sql`order by transaction_id, seq limit ${scannedAtOnce}`
    return isEach
      ? sql`(select t.* from unnest(tenant_partners()) as p (id) cross join lateral (select ${columns} from ${table}
          where partner_id = p.id and ${place} ${upTo}) t ${upTo})`
      : sql`(select ${columns} from ${table} where ${place} ${upTo})`
  }
  const found = await sql<ChangeCursor & { type: string; isMeant: boolean }>`
    with stream as materialized (
      ${rowsOf(sql`transaction_id, seq, model || '.' || effect as type`, sql`changes`)}
      union all
      ${rowsOf(sql`transaction_id, seq, type`, sql`hub_events`)}
      order by 1, 2 limit ${scannedAtOnce}
    ), marked as (
      select *, ${types === null ? sql`true` : sql`type = any(${types}::text[])`} as is_meant,
        row_number() over (order by stream.transaction_id desc, seq desc) = 1 as is_last
      from stream
    )
    select transaction_id::text as transaction_id, seq, type, is_meant from marked
    where is_meant or is_last order by marked.transaction_id, marked.seq limit ${limit + 1}
  `.execute(db)
  const rows = found.rows.map(({ transactionId, seq, type, isMeant }) => ({
    cursor: { transactionId, seq },
    type,
    isMeant,
  }))
  const meant = rows.filter(({ isMeant }) => isMeant).slice(0, limit)
  const last = meant.length === limit ? meant.at(-1) : rows.at(-1)
  return { events: meant.map(({ cursor, type }) => ({ cursor, type })), position: last?.cursor }
}

/** Events in full, in the order of the given places; those that the store no longer has are missing. */
export async function getEvents(
  db: Db,
  places: readonly ChangeCursor[],
  partnerId?: string,
): Promise<HubEventRow[]> {
  if (places.length === 0) return []
  const mine = (table: string) =>
    partnerId === undefined ? sql`` : sql`and ${sql.ref(`${table}.partner_id`)} = ${partnerId}`
  const found = await sql<Omit<HubEventRow, 'cursor' | 'eventId'> & ChangeCursor>`
    with wanted as (
      select transaction_id, seq, ordinality from unnest(${places.map((one) => one.transactionId)}::xid8[], ${places.map((one) => one.seq)}::bigint[])
        with ordinality as w (transaction_id, seq, ordinality)
    ), told as (
      select w.ordinality, c.transaction_id::text as transaction_id, c.seq, c.partner_id, c.account_id, c.model || '.' || c.effect as type, c.created_at,
        jsonb_build_object('connectionId', c.connection_id, 'resource', c.resource, 'externalId', c.external_id, 'version', c.version,
          'runId', c.run_id, 'origin', c.origin, 'record', case when r.external_id is not null then jsonb_build_object(
            'version', r.version, 'deleted', r.deleted_at is not null, 'fields', r.mapped) end) as data
      from wanted w join changes c on c.transaction_id = w.transaction_id and c.seq = w.seq ${mine('c')}
      left join records r on r.connection_id = c.connection_id and r.resource = c.resource and r.external_id = c.external_id
      union all
      select w.ordinality, h.transaction_id::text, h.seq, h.partner_id, h.account_id, h.type, h.created_at, h.data
      from wanted w join hub_events h on h.transaction_id = w.transaction_id and h.seq = w.seq ${mine('h')}
    )
    select transaction_id, seq, partner_id, account_id, type, created_at, data from told order by ordinality
  `.execute(db)
  return found.rows.map(({ transactionId, seq, ...event }) => {
    const cursor = { transactionId, seq }
    return { ...event, cursor, eventId: eventIdOf(cursor) }
  })
}

/** Tells of something, in the transaction in which it happens. */
export async function tellEvent(
  tx: Db,
  event: {
    readonly partnerId: string
    readonly type: HubEventType
    readonly subject: string
    readonly data: JsonObject
  },
): Promise<ChangeCursor> {
  const made = await sql<ChangeCursor>`
    insert into hub_events (partner_id, type, subject, data)
    values (${event.partnerId}, ${event.type}, ${event.subject}, ${JSON.stringify(event.data)}::jsonb)
    returning transaction_id::text as transaction_id, seq
  `.execute(tx)
  const [row] = made.rows
  if (!row) throw new Error('an insert returned no row')
  return { transactionId: row.transactionId, seq: row.seq }
}

/** Tells of several things, in one statement. */
export async function tellEvents(
  tx: Db,
  events: readonly {
    readonly partnerId: string
    readonly type: HubEventType
    readonly subject: string
    readonly data: JsonObject
  }[],
): Promise<void> {
  if (events.length === 0) return
  await sql`
    insert into hub_events (partner_id, type, subject, data)
    select t."partnerId", t.type, t.subject, t.data
    from jsonb_to_recordset(${JSON.stringify(events)}::jsonb) as t ("partnerId" text, type text, subject text, data jsonb)
  `.execute(tx)
}
