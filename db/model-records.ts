/**
 * Records by model across the connections of a tenant: what `GET /v1/tickets` reads. One statement, for a database that shows a tenant
 * (`db/client.ts`): each partner the tenant sees has its rows in order in the index records_by_model, and only so many of each are read.
 */
import { sql, type RawBuilder } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'

/** Keyset position: `changedAt` is text with microseconds, exactly as the database holds it. */
export interface ModelCursor {
  readonly changedAt: string
  readonly connectionId: string
  readonly externalId: string
  readonly resource: string
}

export interface ModelRecord {
  readonly connectionId: string
  readonly resource: string
  readonly externalId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly model: string
  readonly fields: JsonObject
  readonly version: number
  readonly createdAt: Date
  readonly changedAt: Date
  readonly sourceUpdatedAt: Date | null
  readonly deletedAt: Date | null
  /** `changedAt` with microseconds. */
  readonly cursorAt: string
}

export interface ModelQuery {
  readonly model: string
  readonly updatedSince?: Date | undefined
  readonly includeDeleted?: boolean | undefined
  readonly after?: ModelCursor | undefined
  readonly limit: number
  /** Only of these resources, each of a connection: they are read by the index records_by_change. */
  readonly of?: ModelScope | undefined
}

export interface ModelScope {
  readonly connectionId?: string | undefined
  readonly accountId?: string | undefined
  readonly provider?: string | undefined
  /** Which resources of which provider hold the model. */
  readonly resources: readonly { readonly provider: string; readonly resource: string }[]
}

const columns = sql`r.connection_id, r.resource, r.external_id, r.partner_id, r.account_id, r.model, r.mapped as fields, r.version,
  r.created_at, r.changed_at, r.source_updated_at, r.deleted_at`
const order = sql`changed_at, connection_id, external_id, resource`

/** Records of a model in the order in which the hub's copies changed. */
export async function listModelRecords(db: Db, query: ModelQuery): Promise<ModelRecord[]> {
  const { updatedSince, after } = query
  const since = updatedSince ? sql`and r.changed_at >= ${updatedSince}::timestamptz` : sql``
  const living = query.includeDeleted ? sql`` : sql`and r.deleted_at is null`
  const rest = sql`${since} ${living} ${beyond(after)} order by ${order} limit ${query.limit}`
  const read = query.of ? ofResources(query.model, query.of, rest) : ofPartners(query.model, rest)
  const found = await sql<ModelRecord>`
    select r.*, c.provider, r.changed_at::text as cursor_at from (
      select r.* from ${read} order by ${order} limit ${query.limit}
    ) r join connections c using (connection_id) order by ${order}
  `.execute(db)
  return found.rows
}

const beyond = (after: ModelCursor | undefined): RawBuilder<unknown> =>
  after
    ? sql`and (r.changed_at, r.connection_id, r.external_id, r.resource) >
        (${after.changedAt}::timestamptz, ${after.connectionId}, ${after.externalId}, ${after.resource})`
    : sql``

const ofPartners = (model: string, rest: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  unnest(tenant_partners()) as p (id) cross join lateral (
    select ${columns} from records r where r.partner_id = p.id and r.model = ${model} ${rest}) r`

/** By the connections that are meant: they are few beside the records of a model. */
function ofResources(model: string, scope: ModelScope, rest: RawBuilder<unknown>): RawBuilder<unknown> {
  const { connectionId, accountId, provider, resources } = scope
  const filter = [
    connectionId === undefined ? undefined : sql`connection_id = ${connectionId}`,
    accountId === undefined ? undefined : sql`account_id = ${accountId}`,
    provider === undefined ? undefined : sql`provider = ${provider}`,
  ].filter((part) => part !== undefined)
  return sql`
    (select connection_id, provider from connections where ${sql.join(filter, sql` and `)}) as c
    join unnest(${resources.map((one) => one.provider)}::text[], ${resources.map((one) => one.resource)}::text[]) as s (provider, resource)
      on s.provider = c.provider
    cross join lateral (
      select ${columns} from records r
      where r.connection_id = c.connection_id and r.resource = s.resource and r.model = ${model} ${rest}) r`
}

/** One record of a model, living or deleted, with the provider of its connection. */
export async function getModelRecord(
  db: Db,
  key: { readonly connectionId: string; readonly resource: string; readonly externalId: string },
): Promise<ModelRecord | undefined> {
  const found = await sql<ModelRecord>`
    select ${columns}, c.provider, r.changed_at::text as cursor_at from records r join connections c using (connection_id)
    where r.connection_id = ${key.connectionId} and r.resource = ${key.resource} and r.external_id = ${key.externalId}
  `.execute(db)
  return found.rows[0]
}
