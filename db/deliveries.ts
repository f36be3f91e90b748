/** Deliveries: events on their way to endpoints, and the log of every attempt. */
import { sql } from 'kysely'
import { eventIdOf } from '../model/events.ts'
import type { JsonObject } from '../model/json.ts'
import type { ChangeCursor } from './changes.ts'
import type { Db } from './client.ts'

export type DeliveryState = 'waiting' | 'delivered' | 'failed' | 'discarded'
export type DeliveryKind = 'event' | 'replay' | 'test'

export interface Delivery {
  readonly deliveryId: string
  readonly endpointId: string
  readonly partnerId: string
  readonly eventId: string
  readonly cursor: ChangeCursor
  readonly eventType: string
  readonly kind: DeliveryKind
  readonly state: DeliveryState
  readonly attempts: number
  readonly nextAt: Date
  readonly firstAttemptAt: Date | null
  readonly lastAttemptAt: Date | null
  readonly lastStatus: number | null
  readonly lastError: string | null
  readonly replayOf: string | null
  readonly createdAt: Date
  readonly endedAt: Date | null
}

const columns = sql`delivery_id, endpoint_id, partner_id, event_transaction::text as transaction_id, event_seq as seq, event_type, kind, state,
  attempts, next_at, first_attempt_at, last_attempt_at, last_status, last_error, replay_of, created_at, ended_at`

type Row = Omit<Delivery, 'cursor' | 'eventId'> & ChangeCursor
const deliveryOf = ({ transactionId, seq, ...rest }: Row): Delivery => {
  const cursor = { transactionId, seq }
  return { ...rest, cursor, eventId: eventIdOf(cursor) }
}

export async function getDelivery(db: Db, deliveryId: string): Promise<Delivery | undefined> {
  const found = await sql<Row>`select ${columns} from deliveries where delivery_id = ${deliveryId}`.execute(
    db,
  )
  return found.rows[0] && deliveryOf(found.rows[0])
}

export interface DeliveryFilter {
  readonly endpointId?: string | undefined
  readonly partnerId?: string | undefined
  readonly state?: DeliveryState | undefined
  readonly types?: readonly string[] | undefined
  readonly event?: ChangeCursor | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

const filtered = (filter: DeliveryFilter) => sql`true
  ${filter.endpointId === undefined ? sql`` : sql`and endpoint_id = ${filter.endpointId}`}
  ${filter.partnerId === undefined ? sql`` : sql`and partner_id = ${filter.partnerId}`}
  ${filter.state === undefined ? sql`` : sql`and state = ${filter.state}`}
  ${filter.types === undefined ? sql`` : sql`and event_type = any(${filter.types}::text[])`}
  ${filter.event ? sql`and event_transaction = ${filter.event.transactionId}::xid8 and event_seq = ${filter.event.seq}` : sql``}
  ${filter.since ? sql`and created_at >= ${filter.since}::timestamptz` : sql``}
  ${filter.until ? sql`and created_at < ${filter.until}::timestamptz` : sql``}`

/** Newest first. */
export async function listDeliveries(
  db: Db,
  query: DeliveryFilter & { readonly before?: string | undefined; readonly limit: number },
): Promise<Delivery[]> {
  const found = await sql<Row>`
    select ${columns} from deliveries where ${filtered(query)}
      ${query.before === undefined ? sql`` : sql`and delivery_id < ${query.before}`}
    order by delivery_id desc limit ${query.limit}
  `.execute(db)
  return found.rows.map(deliveryOf)
}

/** What may be sent: tests, the head of an ordered endpoint, or whatever is due. */
export async function listWaiting(
  db: Db,
  endpointId: string,
  query: {
    readonly tests: boolean
    readonly order: 'stream' | 'due' | 'least tried'
    readonly dueBy?: Date | undefined
    readonly limit: number
  },
): Promise<Delivery[]> {
  const order = {
    stream: sql`deliveries.event_transaction, deliveries.event_seq`,
    due: sql`deliveries.next_at, deliveries.event_transaction, deliveries.event_seq`,
    'least tried': sql`deliveries.attempts, deliveries.event_transaction, deliveries.event_seq`,
  }[query.order]
  const found = await sql<Row>`
    select ${columns} from deliveries where endpoint_id = ${endpointId} and state = 'waiting'
      and ${query.tests ? sql`kind = 'test'` : sql`kind <> 'test'`}
      ${query.dueBy ? sql`and next_at <= ${query.dueBy}::timestamptz` : sql``}
    order by ${order} limit ${query.limit}
  `.execute(db)
  return found.rows.map(deliveryOf)
}

/** How many wait (counted to `most`), and when the first is due. Tests left out. */
export async function waitingOf(
  db: Db,
  endpointId: string,
  most: number,
): Promise<{ readonly count: number; readonly nextAt: Date | null }> {
  const found = await sql<{ count: number; nextAt: Date | null }>`
    select (select count(*)::int from (select from deliveries where endpoint_id = ${endpointId} and state = 'waiting' and kind <> 'test' limit ${most}) w) as count,
      (select min(next_at) from deliveries where endpoint_id = ${endpointId} and state = 'waiting' and kind <> 'test') as next_at
  `.execute(db)
  return found.rows[0] ?? { count: 0, nextAt: null }
}

/**
 * Takes a delivery for one attempt. False when somebody else has it or it has ended. Should the taker die, it is due again
 * at `leaseUntil`.
 */
export async function claimDelivery(
  db: Db,
  { deliveryId, attempts }: Pick<Delivery, 'deliveryId' | 'attempts'>,
  { now, leaseUntil }: { readonly now: Date; readonly leaseUntil: Date },
): Promise<boolean> {
  const claimed = await sql<{ deliveryId: string }>`
    update deliveries set attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, ${now}::timestamptz),
      last_attempt_at = ${now}::timestamptz, next_at = ${leaseUntil}::timestamptz
    where delivery_id = ${deliveryId} and attempts = ${attempts} and state = 'waiting' returning delivery_id
  `.execute(db)
  return claimed.rows.length > 0
}

/** Ends a delivery, or says when it is tried next. */
export async function settleDelivery(
  tx: Db,
  deliveryId: string,
  result: {
    readonly state: DeliveryState
    readonly status: number | null
    readonly error: string | null
    readonly nextAt: Date
    readonly endedAt: Date | null
  },
): Promise<void> {
  await sql`
    update deliveries set state = ${result.state}, last_status = ${result.status}, last_error = ${result.error},
      next_at = ${result.nextAt}::timestamptz, ended_at = ${result.endedAt}::timestamptz
    where delivery_id = ${deliveryId} and state = 'waiting'
  `.execute(tx)
}

/** Whatever waits for this endpoint is due now. */
export async function hastenDeliveries(tx: Db, endpointId: string, now: Date): Promise<void> {
  await sql`
    update deliveries set next_at = ${now}::timestamptz where endpoint_id = ${endpointId} and state = 'waiting' and next_at > ${now}::timestamptz
  `.execute(tx)
}

export interface DeliveryAttempt {
  readonly attempt: number
  readonly at: Date
  readonly durationMs: number
  readonly url: string
  readonly requestHeaders: JsonObject
  readonly requestBytes: number
  /** Hex. */
  readonly requestHash: string
  readonly outcome: 'delivered' | 'retry' | 'aborted' | 'disabled' | 'given_up'
  readonly status: number | null
  readonly error: string | null
  readonly answerHeaders: JsonObject | null
  readonly answerBody: string | null
  readonly answerTruncated: boolean
}

export async function addAttempt(
  tx: Db,
  { deliveryId, endpointId, partnerId }: Pick<Delivery, 'deliveryId' | 'endpointId' | 'partnerId'>,
  one: DeliveryAttempt,
): Promise<void> {
  await sql`
    insert into delivery_attempts (delivery_id, attempt, endpoint_id, partner_id, at, duration_ms, url, request_headers, request_bytes, request_hash,
      outcome, status, error, answer_headers, answer_body, answer_truncated)
    values (${deliveryId}, ${one.attempt}, ${endpointId}, ${partnerId}, ${one.at}::timestamptz, ${one.durationMs}, ${one.url},
      ${JSON.stringify(one.requestHeaders)}::jsonb, ${one.requestBytes}, decode(${one.requestHash}, 'hex'), ${one.outcome}, ${one.status},
      ${one.error}, ${one.answerHeaders === null ? null : JSON.stringify(one.answerHeaders)}::jsonb, ${one.answerBody}, ${one.answerTruncated})
    on conflict do nothing
  `.execute(tx)
}

/** In their order. */
export async function listAttempts(db: Db, deliveryId: string): Promise<DeliveryAttempt[]> {
  const found = await sql<DeliveryAttempt>`
    select attempt, at, duration_ms, url, request_headers, request_bytes, encode(request_hash, 'hex') as request_hash, outcome, status, error,
      answer_headers, answer_body, answer_truncated
    from delivery_attempts where delivery_id = ${deliveryId} order by attempt limit 1000
  `.execute(db)
  return found.rows
}
