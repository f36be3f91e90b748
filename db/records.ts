/** Reading records: lists with keyset pages, one record, its history. (They are written by `db/pages.ts`.) */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'

export interface RecordRow {
  readonly connectionId: string
  readonly resource: string
  readonly externalId: string
  readonly partnerId: string
  readonly accountId: string
  readonly model: string
  readonly raw: JsonObject
  readonly mapped: JsonObject
  /** SHA-256 of the content, hex. */
  readonly fingerprint: string
  readonly sourceUpdatedAt: Date | null
  readonly readAt: Date
  readonly createdAt: Date
  /** When the hub's copy last changed. */
  readonly changedAt: Date
  readonly deletedAt: Date | null
  readonly version: number
  readonly runId: string | null
}

/** Keyset position of a list: `changedAt` is text with microseconds, exactly as the database holds it. */
export interface RecordCursor {
  readonly changedAt: string
  readonly connectionId: string
  readonly externalId: string
}

export type RecordQuery = {
  /** Only changed at or after this moment. */
  readonly updatedSince?: Date | undefined
  readonly includeDeleted?: boolean | undefined
  readonly after?: RecordCursor | undefined
  readonly limit: number
} & (
  | { readonly connectionId: string; readonly resource: string }
  | { readonly partnerId: string; readonly model: string; readonly connectionId?: string | undefined }
)

const columns = sql`connection_id, resource, external_id, partner_id, account_id, model, raw, mapped,
  encode(fingerprint, 'hex') as fingerprint, source_updated_at, read_at, created_at, changed_at, deleted_at, version, run_id`

/**
 * Records by resource of a connection, or by model of a partner, in the order in which they changed in the hub. Served by
 * the indexes records_by_change and records_by_model.
 */
export async function listRecords(
  db: Db,
  query: RecordQuery,
): Promise<(RecordRow & { readonly cursor: RecordCursor })[]> {
  const { after } = query
  const byResource = 'resource' in query
  const place = byResource
    ? sql`connection_id = ${query.connectionId} and resource = ${query.resource}`
    : sql`partner_id = ${query.partnerId} and model = ${query.model}`
  const only =
    !byResource && query.connectionId !== undefined ? sql`and connection_id = ${query.connectionId}` : sql``
  const since = query.updatedSince ? sql`and changed_at >= ${query.updatedSince}::timestamptz` : sql``
  const living = query.includeDeleted ? sql`` : sql`and deleted_at is null`
  const beyond = !after
    ? sql``
    : byResource
      ? sql`and (changed_at, external_id) > (${after.changedAt}::timestamptz, ${after.externalId})`
      : sql`and (changed_at, connection_id, external_id) > (${after.changedAt}::timestamptz, ${after.connectionId}, ${after.externalId})`
  const order = byResource ? sql`changed_at, external_id` : sql`changed_at, connection_id, external_id`
  const found = await sql<RecordRow & { cursorAt: string }>`
    select ${columns}, changed_at::text as cursor_at from records
    where ${place} ${only} ${since} ${living} ${beyond} order by ${order} limit ${query.limit}
  `.execute(db)
  return found.rows.map(({ cursorAt, ...row }) => ({
    ...row,
    cursor: { changedAt: cursorAt, connectionId: row.connectionId, externalId: row.externalId },
  }))
}

export interface RecordKey {
  readonly connectionId: string
  readonly resource: string
  readonly externalId: string
}

/** One record, living or deleted, or undefined. */
export async function getRecord(db: Db, key: RecordKey): Promise<RecordRow | undefined> {
  const found = await sql<RecordRow>`
    select ${columns} from records
    where connection_id = ${key.connectionId} and resource = ${key.resource} and external_id = ${key.externalId}
  `.execute(db)
  return found.rows[0]
}

export interface RecordVersion {
  readonly version: number
  readonly raw: JsonObject
  readonly sourceUpdatedAt: Date | null
  readonly wasDeleted: boolean
  /** What ended this version. */
  readonly endedBy: 'updated' | 'deleted' | 'restored'
  readonly endedAt: Date
  readonly runId: string | null
}

/** Superseded versions of a record, newest first. */
export async function listRecordVersions(
  db: Db,
  key: RecordKey & { readonly before?: number | undefined; readonly limit: number },
): Promise<RecordVersion[]> {
  const found = await sql<RecordVersion>`
    select version, raw, source_updated_at, was_deleted, ended_by, created_at as ended_at, run_id from record_versions
    where connection_id = ${key.connectionId} and resource = ${key.resource} and external_id = ${key.externalId}
      ${key.before === undefined ? sql`` : sql`and version < ${key.before}`}
    order by version desc limit ${key.limit}
  `.execute(db)
  return found.rows
}

/** The mapped fields of a living record; null when there is none. */
export async function mappedRecord(
  db: Db,
  key: { readonly connectionId: string; readonly resource: string; readonly externalId: string },
): Promise<JsonObject | null> {
  const record = await getRecord(db, key)
  return record?.deletedAt === null ? record.mapped : null
}
