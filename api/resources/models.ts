/** The common models by name: `/v1/tickets` and the like, across the connections of a tenant. Writes go through `writes.ts`. */
import {
  getModelRecord,
  listModelRecords,
  type ModelRecord,
  type ModelScope,
} from '../../db/model-records.ts'
import type { JsonObject } from '../../model/json.ts'
import { placeOfRecord, recordIdOf, type RecordPlace } from '../../model/record-id.ts'
import { models, type ModelName } from '../../model/records.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { isFailureCode } from '../../model/failures.ts'
import { newId } from '../../platform/new-id.ts'
import { hookSources, providers } from '../../providers/registry.ts'
import type { AnyAnswer, Client } from '../call.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion, isMatch } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import { forPartners } from '../partner-view.ts'
import { invalidInput } from '../problem.ts'
import { livingConnection } from './find.ts'
import { createWrite } from './writes.ts'

interface ListQuery {
  readonly updatedSince?: string
  readonly updated_since?: string
  readonly connectionId?: string
  readonly accountId?: string
  readonly provider?: string
  readonly includeDeleted?: boolean
  readonly fields?: string
  readonly limit?: number
  readonly cursor?: string
}
interface Headers {
  readonly 'Idempotency-Key'?: string
  readonly 'If-Match'?: string
  readonly Prefer?: string
}
interface WriteBody {
  readonly connectionId?: string
  readonly resource?: string
  readonly fields?: JsonObject
  readonly providerFields?: JsonObject
  readonly policy?: components['schemas']['ConflictPolicy']
}
interface ModelCall {
  readonly path: { readonly recordId?: string }
  readonly query: ListQuery
  readonly header: Headers
  readonly body?: WriteBody
  readonly caller: Caller
  readonly client: Client
  readonly requestId: string
  readonly url: URL
}
type ModelHandler = (deps: ApiDeps, call: ModelCall) => Promise<AnyAnswer>

const makers = {
  list: (model) => (deps, call) => list(deps, call, model),
  get: (model) => (deps, call) => get(deps, call, model),
  create: (model) => (deps, call) => create(deps, call, model),
  update: (model) => (deps, call) => change(deps, call, model, 'update'),
  remove: (model) => (deps, call) => change(deps, call, model, 'delete'),
} as const satisfies Record<string, (model: ModelName) => ModelHandler>

/** The handler of one operation on one model. */
export const modelHandler = (operation: keyof typeof makers, model: ModelName): ModelHandler =>
  makers[operation](model)

async function list(deps: ApiDeps, call: ModelCall, model: ModelName): Promise<AnyAnswer> {
  const { query } = call
  const shown = shownFields(query.fields, model)
  const after = positionOf(call, {
    ...{ changedAt: 'string', connectionId: 'string', externalId: 'string', resource: 'string' },
  })
  if (after) checkTime(after.changedAt)
  const rows = await listModelRecords(deps.database.db, {
    model,
    updatedSince: moment(query),
    includeDeleted: query.includeDeleted,
    after,
    limit: rowsFor(call),
    of: scopeOf(deps, query, model),
  })
  return listAnswer(
    call,
    rows,
    (row) => show(row, shown),
    ({ cursorAt, connectionId, externalId, resource }) => ({
      ...{ changedAt: cursorAt, connectionId, externalId, resource },
    }),
  )
}

function moment({ updatedSince, updated_since: alias }: ListQuery): Date | undefined {
  const given = updatedSince ?? alias
  if (given === undefined) return undefined
  const name = updatedSince === undefined ? 'updated_since' : 'updatedSince'
  const wrong = (detail: string) => invalidInput([{ in: 'query', pointer: `/${name}`, detail }])
  if (updatedSince !== undefined && alias !== undefined && alias !== updatedSince)
    throw wrong('says something else than updated_since')
  const since = new Date(given)
  // RFC 3339 knows leap seconds, a Date does not; Postgres knows no year 0.
  if (Number.isNaN(since.getTime()) || since.getUTCFullYear() < 1)
    throw wrong('is not a moment that there is')
  return since
}

/** As Postgres writes it: `2026-11-23 20:00:00.123456+00`. */
function checkTime(text: string): void {
  const [, day, at] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)[+-]\d\d(?::\d\d)?$/.exec(text) ?? []
  if (!Number.isNaN(Date.parse(`${day}T${at}Z`))) return
  const detail = 'is not a cursor of this list; give the nextCursor of the answer before unchanged'
  throw invalidInput([{ in: 'query', pointer: '/cursor', detail }])
}

function scopeOf(
  { findProvider }: ApiDeps,
  { connectionId, accountId, provider }: ListQuery,
  model: ModelName,
): ModelScope | undefined {
  if (connectionId === undefined && accountId === undefined && provider === undefined) return undefined
  const one = provider === undefined ? undefined : findProvider(provider)
  const known = one ? [one] : providers
  const all = [
    ...known.flatMap(({ slug, resources }) => resources.map(({ name, model: its }) => ({ slug, name, its }))),
    ...hookSources.flatMap(({ slug, webhooks }) =>
      (webhooks.received ?? []).map(({ name, model: its }) => ({ slug, name, its })),
    ),
  ].filter(({ its }) => its === model)
  const unique = new Map(all.map((each) => [`${each.slug} ${each.name}`, each]))
  const resources = [...unique.values()].map(({ slug, name }) => ({ provider: slug, resource: name }))
  return { connectionId, accountId, provider, resources }
}

/** Null: all of them. @throws InvalidInput for one that the model does not have. */
function shownFields(text: string | undefined, model: ModelName): ReadonlySet<string> | null {
  if (text === undefined) return null
  const names = text.split(',')
  const known = [...Object.keys(models[model]), 'custom', 'zones']
  const stranger = names.find((name) => !known.includes(name))
  if (stranger === undefined) return new Set(['id', ...names])
  const detail = `${stranger} is no field of ${model}; it has ${known.join(', ')}`
  throw invalidInput([{ in: 'query', pointer: '/fields', detail }])
}

const time = (at: Date | null): string | null => at?.toISOString() ?? null

function show(row: ModelRecord, shown: ReadonlySet<string> | null) {
  const { model, partnerId, accountId, connectionId, provider, resource, externalId, version } = row
  const fields = shown
    ? Object.fromEntries(Object.entries(row.fields).filter(([name]) => shown.has(name)))
    : row.fields
  return {
    id: recordIdOf(row),
    ...{ model, partnerId, accountId, connectionId, provider, resource, externalId, version, fields },
    createdAt: row.createdAt.toISOString(),
    changedAt: row.changedAt.toISOString(),
    sourceUpdatedAt: time(row.sourceUpdatedAt),
    deletedAt: time(row.deletedAt),
  }
}

async function found(deps: ApiDeps, call: ModelCall, model: ModelName): Promise<ModelRecord> {
  const id = call.path.recordId ?? ''
  const place = placeOfRecord(id)
  const record = place && (await getModelRecord(deps.database.db, place))
  if (record?.model === model) return record
  throw new HubError('NoSuchThing', `There is no ${model} "${id.slice(0, 60)}".`)
}

async function get(deps: ApiDeps, call: ModelCall, model: ModelName): Promise<AnyAnswer> {
  const shown = shownFields(call.query.fields, model)
  const record = await found(deps, call, model)
  const part = call.query.fields === undefined ? '' : `;${call.query.fields}`
  const ETag = part === '' ? etagOf(record) : `"${record.version}${part}"`
  return { status: 200, body: show(record, shown), headers: { ETag } }
}

async function create(deps: ApiDeps, call: ModelCall, model: ModelName): Promise<AnyAnswer> {
  const { connectionId = '', resource, fields = {}, providerFields } = call.body ?? {}
  const connection = await livingConnection(deps, connectionId)
  const name = resourceFor(deps, connection.provider, model, resource)
  const wish = {
    resource: name,
    operation: 'create',
    fields,
    ...(providerFields ? { providerFields } : {}),
  } as const
  const answer = await write(deps, call, connectionId, wish)
  const { externalId } = answer.body as Write
  if (answer.status !== 200 || externalId === null)
    return { ...answer, status: 202, headers: watchAt(answer) }
  const place = { connectionId, resource: name, externalId }
  const { body, headers } = await written(deps, place, answer)
  return { status: 201, body, headers: { ...headers, Location: `${call.url.pathname}/${recordIdOf(place)}` } }
}

/** The one resource of the provider that holds the model, or the one that was named. */
function resourceFor(deps: ApiDeps, slug: string, model: ModelName, named: string | undefined): string {
  const provider = deps.findProvider(slug)
  const holding = (provider?.resources ?? []).filter((one) => one.model === model)
  const writable = holding.filter((one) => one.write?.create).map(({ name }) => name)
  const [only] = writable
  const wrong = (pointer: string, detail: string) => invalidInput([{ in: 'body', pointer, detail }])
  if (only === undefined)
    throw wrong('/connectionId', `is to ${provider?.name ?? slug}, where the hub makes no ${model}`)
  if (named !== undefined && !writable.includes(named))
    throw wrong('/resource', `should be one of ${writable.join(', ')}`)
  if (named === undefined && writable.length > 1)
    throw wrong('/resource', `is needed: should be one of ${writable.join(', ')}`)
  return named ?? only
}

async function change(
  deps: ApiDeps,
  call: ModelCall,
  model: ModelName,
  operation: 'update' | 'delete',
): Promise<AnyAnswer> {
  const record = await found(deps, call, model)
  const ifMatch = call.header['If-Match']
  if (!isMatch(ifMatch, etagOf(record)))
    throw new HubError('PreconditionFailed', 'The record has changed since you read it: read it again.')
  const { connectionId, resource, externalId, version } = record
  const { fields, providerFields, policy } = call.body ?? {}
  const wish = {
    ...{ resource, operation, externalId },
    ...(fields ? { fields } : {}),
    ...(providerFields ? { providerFields } : {}),
    ...(policy ? { policy } : {}),
    ...(expectedVersion(ifMatch) === undefined ? {} : { basedOnVersion: version }),
  } as const
  const answer = await write(deps, call, connectionId, wish)
  if (answer.status !== 200) return { ...answer, headers: watchAt(answer) }
  return await written(deps, record, answer)
}

type Write = components['schemas']['Write']

/** @throws HubError with the code of the failure, when the write has failed while it was waited for. */
async function write(
  deps: ApiDeps,
  call: ModelCall,
  connectionId: string,
  body: components['schemas']['NewWrite'],
): Promise<AnyAnswer> {
  const { caller, client, requestId, url } = call
  const header = { ...call.header, 'Idempotency-Key': call.header['Idempotency-Key'] ?? newId('request') }
  const asked = { path: { connectionId }, query: {}, header, body, caller, client, requestId, url }
  const answer = await forPartners(createWrite)(deps, asked)
  const { state, failure, writeId } = answer.body as Write
  if (state !== 'failed') return answer
  const code = isFailureCode(failure?.code) ? failure.code : 'Unavailable'
  throw new HubError(code, `${failure?.message ?? 'It failed.'} (write ${writeId})`)
}

const watchAt = (answer: AnyAnswer): Record<string, string> => ({
  Location: `/v1/writes/${(answer.body as Write).writeId}`,
  ...replayed(answer),
})

/** A write that was asked for before says so. */
const replayed = ({ headers }: AnyAnswer): Record<string, string> =>
  headers?.['Idempotency-Replayed'] === undefined ? {} : { 'Idempotency-Replayed': 'true' }

/** The record as it is after a write; what is being written is in the write meanwhile. */
async function written(deps: ApiDeps, place: RecordPlace, answer: AnyAnswer): Promise<AnyAnswer> {
  const record = await getModelRecord(deps.database.db, place)
  if (!record) return { status: 202, body: answer.body, headers: watchAt(answer) }
  return { status: 200, body: show(record, null), headers: { ETag: etagOf(record), ...replayed(answer) } }
}
