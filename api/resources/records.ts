/** What syncs have brought: records, their history, what did not fit, the feed of changes. */
import { listChanges as selectChanges } from '../../db/changes.ts'
import { defaultTenant } from '../../db/partners.ts'
import { listQuarantine as selectQuarantine } from '../../db/quarantine.ts'
import {
  getRecord as findRecord,
  listRecords as selectRecords,
  listRecordVersions as selectVersions,
  type RecordQuery,
  type RecordRow,
  type RecordVersion,
} from '../../db/records.ts'
import { isModelName, models } from '../../model/records.ts'
import type { components, operations } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import type { ApiDeps } from '../deps.ts'
import { cursorOf, listAnswer, nextUrl, positionOf, rowsFor } from '../list.ts'
import type { Call, Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { connectionOf } from './find.ts'

type Schemas = components['schemas']

const time = (at: Date | null): string | null => at?.toISOString() ?? null

export const listRecords: Handler<'listRecords'> = async (deps, call) => {
  const query = await recordQuery(deps, call)
  const rows = await selectRecords(deps.database.db, query)
  const withRaw = call.query.raw === true
  return listAnswer(
    call,
    rows,
    (row) => (withRaw ? { ...showRecord(row), raw: row.raw } : showRecord(row)),
    ({ cursor }) => ({ ...cursor }),
  )
}

/** Either resource of a connection or model of a partner: each has its index, and there is none for anything else. */
async function recordQuery(deps: ApiDeps, call: Call<operations['listRecords']>): Promise<RecordQuery> {
  const { connectionId, resource, model, partnerId, updatedSince, includeDeleted } = call.query
  const wrong = (name: string, detail: string) => invalidInput([{ in: 'query', pointer: `/${name}`, detail }])
  const position = positionOf(call, { changedAt: 'string', connectionId: 'string', externalId: 'string' })
  const after = position && {
    changedAt: checkedTime(position.changedAt, wrong),
    connectionId: position.connectionId,
    externalId: position.externalId,
  }
  const since = updatedSince === undefined ? undefined : new Date(updatedSince)
  // RFC 3339 knows leap seconds, a Date does not.
  if (since && Number.isNaN(since.getTime())) throw wrong('updatedSince', 'is not a moment that there is')
  const common = { updatedSince: since, includeDeleted, after, limit: rowsFor(call) }
  const connection = connectionId === undefined ? undefined : await connectionOf(deps, connectionId)
  if (resource !== undefined) {
    if (model !== undefined) throw wrong('model', 'goes without resource: ask for one of them')
    if (!connection) throw wrong('connectionId', 'is needed with resource')
    return { ...common, connectionId: connection.connectionId, resource }
  }
  if (model === undefined) throw wrong('resource', 'or model is needed')
  if (!isModelName(model)) throw wrong('model', `should be one of ${Object.keys(models).join(', ')}`)
  if (connection && partnerId !== undefined && partnerId !== connection.partnerId)
    throw wrong('partnerId', 'is not the partner of this connection')
  const owner = connection?.partnerId ?? partnerId ?? call.caller.partnerId ?? defaultTenant.partnerId
  return { ...common, partnerId: owner, model, connectionId }
}

/** As Postgres writes it: `2026-11-23 20:00:00.123456+00`. */
function checkedTime(text: string, wrong: (name: string, detail: string) => Error): string {
  const [, day, at] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)[+-]\d\d(?::\d\d)?$/.exec(text) ?? []
  if (!Number.isNaN(Date.parse(`${day}T${at}Z`))) return text
  throw wrong('cursor', 'is not a cursor of this list; give the nextCursor of the answer before unchanged')
}

function showRecord(row: RecordRow): Schemas['RecordListItem'] {
  return {
    connectionId: row.connectionId,
    resource: row.resource,
    externalId: row.externalId,
    partnerId: row.partnerId,
    accountId: row.accountId,
    model: row.model,
    mapped: row.mapped as Schemas['MappedRecord'],
    fingerprint: row.fingerprint,
    sourceUpdatedAt: time(row.sourceUpdatedAt),
    readAt: row.readAt.toISOString(),
    createdAt: row.createdAt.toISOString(),
    changedAt: row.changedAt.toISOString(),
    deletedAt: time(row.deletedAt),
    version: row.version,
    runId: row.runId,
  }
}

const showVersion = ({ sourceUpdatedAt, endedAt, ...rest }: RecordVersion): Schemas['RecordVersion'] => ({
  ...rest,
  sourceUpdatedAt: time(sourceUpdatedAt),
  endedAt: endedAt.toISOString(),
})

const historyShown = 20

async function recordAt(
  { database }: ApiDeps,
  key: { readonly connectionId: string; readonly resource: string; readonly externalId: string },
): Promise<RecordRow> {
  const record = await findRecord(database.db, key)
  if (record) return record
  throw new HubError(
    'NoSuchThing',
    `The connection "${key.connectionId}" has no record "${key.externalId}" of ${key.resource}.`,
  )
}

export const getRecord: Handler<'getRecord'> = async (deps, { path }) => {
  const record = await recordAt(deps, path)
  const versions = await selectVersions(deps.database.db, { ...path, limit: historyShown })
  return {
    status: 200,
    body: { ...showRecord(record), raw: record.raw, history: versions.map(showVersion) },
  }
}

export const listRecordVersions: Handler<'listRecordVersions'> = async (deps, call) => {
  const before = positionOf(call, { version: 'int' })?.version
  await recordAt(deps, call.path)
  const rows = await selectVersions(deps.database.db, { ...call.path, before, limit: rowsFor(call) })
  return listAnswer(call, rows, showVersion, ({ version }) => ({ version }))
}

export const listQuarantine: Handler<'listQuarantine'> = async (deps, call) => {
  const position = positionOf(call, { resource: 'string', externalId: 'string' })
  const { connectionId } = await connectionOf(deps, call.path.connectionId)
  const after = position && {
    resource: position.resource,
    externalId: position.externalId,
  }
  const { resource } = call.query
  const rows = await selectQuarantine(deps.database.db, {
    connectionId,
    resource,
    after,
    limit: rowsFor(call),
  })
  return listAnswer(
    call,
    rows,
    ({ readAt, firstSeenAt, lastSeenAt, ...rest }) => ({
      ...rest,
      readAt: readAt.toISOString(),
      firstSeenAt: firstSeenAt.toISOString(),
      lastSeenAt: lastSeenAt.toISOString(),
    }),
    ({ resource: place, externalId }) => ({ resource: place, externalId }),
  )
}

/** The feed has no end: the last position is always given back. */
export const listChanges: Handler<'listChanges'> = async (deps, call) => {
  const position = positionOf(call, { transactionId: 'string', seq: 'bigint' })
  if (position && !/^\d{1,19}$/.test(position.transactionId))
    throw invalidInput([{ in: 'query', pointer: '/after', detail: 'is not a position of this feed' }])
  const rows = await selectChanges(deps.database.db, {
    partnerId: call.query.partnerId,
    isTenants: call.caller.partnerId !== null,
    after: position,
    limit: rowsFor(call) - 1,
  })
  const last = rows.at(-1)
  const nextCursor = last ? cursorOf({ ...last.cursor }) : (call.query.after ?? null)
  const isFull = rows.length === rowsFor(call) - 1
  const headers: Record<string, string> =
    isFull && nextCursor !== null ? { Link: `<${nextUrl(call.url, 'after', nextCursor)}>; rel="next"` } : {}
  const items = rows.map(({ cursor, createdAt, ...change }) => ({
    ...change,
    cursor: cursorOf({ ...cursor }),
    createdAt: createdAt.toISOString(),
  }))
  return { status: 200, body: { items, nextCursor }, headers }
}
