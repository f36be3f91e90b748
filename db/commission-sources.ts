/** What may earn commission or take it back, each once by its key; and the place in the change feed that it was read up to. */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { Change, ChangeCursor } from './changes.ts'
import type { Db } from './client.ts'

export type SourceKind = 'invoice' | 'payment' | 'credit' | 'usage'
export type SourceState = 'pending' | 'posted' | 'nothing' | 'failed'

export interface CommissionSource {
  readonly sourceId: string
  readonly sourceKey: string
  readonly kind: SourceKind
  readonly partnerId: string
  readonly accountId: string
  readonly documentKey: string
  readonly connectionId: string | null
  readonly resource: string | null
  readonly externalId: string | null
  readonly recordVersion: number | null
  readonly customerId: string | null
  readonly period: string
  readonly occurredAt: Date
  readonly state: SourceState
  readonly reason: string | null
  readonly facts: JsonObject
  readonly releaseAt: Date | null
  readonly releasedAt: Date | null
  readonly createdAt: Date
  readonly postedAt: Date | null
}

const columns = sql`source_id, source_key, kind, partner_id, account_id, document_key, connection_id, resource, external_id, record_version,
  customer_id, period, occurred_at, state, reason, facts, release_at, released_at, created_at, posted_at`

export type NewSource = Pick<
  CommissionSource,
  | 'sourceId'
  | 'sourceKey'
  | 'kind'
  | 'partnerId'
  | 'accountId'
  | 'documentKey'
  | 'connectionId'
  | 'resource'
  | 'externalId'
  | 'recordVersion'
  | 'customerId'
  | 'period'
  | 'occurredAt'
  | 'facts'
>

/** Writes a source down; false when the same event has been written down before. */
export async function addSource(tx: Db, source: NewSource): Promise<boolean> {
  const made = await sql`
    insert into commission_sources (source_id, source_key, kind, partner_id, account_id, document_key, connection_id, resource, external_id,
      record_version, customer_id, period, occurred_at, facts)
    values (${source.sourceId}, ${source.sourceKey}, ${source.kind}, ${source.partnerId}, ${source.accountId}, ${source.documentKey},
      ${source.connectionId}, ${source.resource}, ${source.externalId}, ${source.recordVersion}, ${source.customerId}, ${source.period},
      ${source.occurredAt}::timestamptz, ${JSON.stringify(source.facts)}::jsonb)
    on conflict (source_key) do nothing returning source_id
  `.execute(tx)
  return made.rows.length > 0
}

export async function getSource(db: Db, sourceId: string): Promise<CommissionSource | undefined> {
  const found =
    await sql<CommissionSource>`select ${columns} from commission_sources where source_id = ${sourceId}`.execute(
      db,
    )
  return found.rows[0]
}

export async function lockSource(tx: Db, sourceId: string): Promise<CommissionSource | undefined> {
  const found = await sql<CommissionSource>`
    select ${columns} from commission_sources where source_id = ${sourceId} for update
  `.execute(tx)
  return found.rows[0]
}

/** Whose workflow is to be started: those not posted, and those that should have been released hours ago and were not. */
export async function listPendingSources(
  db: Db,
  limit: number,
): Promise<Pick<CommissionSource, 'sourceId' | 'partnerId' | 'accountId'>[]> {
  const found = await sql<Pick<CommissionSource, 'sourceId' | 'partnerId' | 'accountId'>>`
    (select source_id, partner_id, account_id from commission_sources where state = 'pending' order by source_id limit ${limit})
    union
    (select source_id, partner_id, account_id from commission_sources
      where released_at is null and release_at is not null and release_at < now() - interval '6 hours' order by release_at limit ${limit})
    limit ${limit}
  `.execute(db)
  return found.rows
}

/** What became of a source. */
export async function settleSource(
  tx: Db,
  sourceId: string,
  end: {
    readonly state: SourceState
    readonly reason: string | null
    readonly facts?: JsonObject
    readonly releaseAt?: Date | null
    readonly awaitsDocuments?: boolean
  },
): Promise<void> {
  await sql`
    update commission_sources set state = ${end.state}, reason = ${end.reason}, facts = facts || ${JSON.stringify(end.facts ?? {})}::jsonb,
      release_at = ${end.releaseAt ?? null}::timestamptz, awaits_documents = ${end.awaitsDocuments ?? false}, posted_at = now()
    where source_id = ${sourceId}
  `.execute(tx)
}

/** What could not be posted may be posted now. */
export async function retryFailedSources(db: Db): Promise<void> {
  await sql`update commission_sources set state = 'pending', reason = null where state = 'failed'`.execute(db)
}

/** False when it was released before, or holds nothing. */
export async function noteReleased(tx: Db, sourceId: string): Promise<boolean> {
  const moved = await sql`
    update commission_sources set released_at = now() where source_id = ${sourceId} and released_at is null and release_at is not null
    returning source_id
  `.execute(tx)
  return moved.rows.length > 0
}

/** Credits of a customer that found too little to take from; they are not waiting any longer. */
export async function takeWaitingCredits(
  tx: Db,
  customer: { readonly connectionId: string; readonly customerId: string | null },
): Promise<CommissionSource[]> {
  const found = await sql<CommissionSource>`
    update commission_sources set awaits_documents = false
    where connection_id = ${customer.connectionId} and customer_id is not distinct from ${customer.customerId} and awaits_documents
    returning ${columns}
  `.execute(tx)
  return found.rows
}

const place = 'commissions'

/** From now on changes are listened to: what was there before is no event. Repeatable. */
export async function startListening(tx: Db): Promise<void> {
  await sql`
    insert into feed_places (name, feed_transaction, feed_seq) values (${place}, pg_snapshot_xmin(pg_current_snapshot()), 0)
    on conflict do nothing
  `.execute(tx)
}

/** Where the feed was read up to; undefined while nothing is attributed. */
export async function feedPlace(db: Db): Promise<ChangeCursor | undefined> {
  const found = await sql<ChangeCursor>`
    select feed_transaction::text as transaction_id, feed_seq as seq from feed_places where name = ${place}
  `.execute(db)
  return found.rows[0]
}

/** Moves on. False when another dispatcher has moved it meanwhile. */
export async function moveFeedPlace(tx: Db, from: ChangeCursor, to: ChangeCursor): Promise<boolean> {
  const moved = await sql`
    update feed_places set feed_transaction = ${to.transactionId}::xid8, feed_seq = ${to.seq}
    where name = ${place} and feed_transaction = ${from.transactionId}::xid8 and feed_seq = ${from.seq} returning name
  `.execute(tx)
  return moved.rows.length > 0
}

/** So many changes are looked at in one go, whatever they are of. */
const scannedAtOnce = 2_000

/** Changes after a place that may concern commissions: of the given models, at connections with attributions; and how far was read. */
export async function scanBilling(
  db: Db,
  after: ChangeCursor,
  models: readonly string[],
): Promise<{ readonly changes: readonly Change[]; readonly position: ChangeCursor | undefined }> {
  const found = await sql<Omit<Change, 'cursor'> & ChangeCursor & { isMeant: boolean }>`
    with stream as materialized (
      select * from changes
      where transaction_id < pg_snapshot_xmin(pg_current_snapshot()) and (transaction_id, seq) > (${after.transactionId}::xid8, ${after.seq})
      order by transaction_id, seq limit ${scannedAtOnce}
    ), marked as (
      select *, model = any(${models}::text[]) and effect <> 'remapped'
          and exists (select from attributions a where a.connection_id = stream.connection_id) as is_meant,
        row_number() over (order by stream.transaction_id desc, seq desc) = 1 as is_last
      from stream
    )
    select transaction_id::text as transaction_id, seq, partner_id, account_id, connection_id, resource, external_id, model, effect,
      version, run_id, origin, created_at, is_meant
    from marked where is_meant or is_last order by marked.transaction_id, marked.seq
  `.execute(db)
  const last = found.rows.at(-1)
  return {
    position: last && { transactionId: last.transactionId, seq: last.seq },
    changes: found.rows
      .filter(({ isMeant }) => isMeant)
      .map(({ transactionId, seq, isMeant: _, ...change }) => ({
        ...change,
        cursor: { transactionId, seq },
      })),
  }
}
