/** The simulated API's endpoints: records, users, the organization, channels of notifications. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { createRouter, type Handler, type SimulatorReply, type SimulatorRequest } from '../../sandbox/kit.ts'
import { deletedMark, isDeleted, kindOf, orgId, stamp, textOf, type Kind } from './simulator-org.ts'
import { change, type Organization } from './simulator-edits.ts'

export interface Channels {
  /** By channel; null for one that ended. */
  readonly all: Map<string, JsonObject | null>
  save(id: string, channel: JsonObject | null): void
}

export interface Scene {
  readonly org: Organization
  readonly channels: Channels
  readonly now: Date
  /** Rows of a page at most. */
  readonly page: number
}
type Answer = Handler<Scene>

export const refused = (
  status: number,
  code: string,
  message: string,
  details: JsonObject = {},
): SimulatorReply => ({ status, body: { code, details, message, status: 'error' } })

const mostNumbered = 2000

/** `page` and `per_page`; 204 where there is nothing. */
function paged(
  scene: Scene,
  rows: readonly JsonObject[],
  key: string,
  { query }: SimulatorRequest,
  isWhole = false,
): SimulatorReply {
  const [asked, page] = [Number(query.get('per_page') ?? 200), Number(query.get('page') ?? 1)]
  const size = Math.min(asked, scene.page)
  if (!Number.isInteger(asked) || asked < 1 || asked > 200)
    return refused(400, 'INVALID_DATA', 'invalid data', { param_name: 'per_page' })
  if (!Number.isInteger(page) || page < 1)
    return refused(400, 'INVALID_DATA', 'invalid data', { param_name: 'page' })
  if (!isWhole && page * size > mostNumbered)
    return refused(400, 'DISCRETE_PAGINATION_LIMIT_EXCEEDED', 'You can get only the first 2000 records', {
      limit: mostNumbered,
    })
  const found = rows.slice((page - 1) * size, page * size)
  if (found.length === 0) return { status: 204, text: '' }
  const info = { per_page: size, count: found.length, page, more_records: page * size < rows.length }
  return { status: 200, body: { [key]: found, info } }
}

/** Modified after a moment, to the second; undefined for a header that is no time. */
function modifiedSince(
  rows: readonly JsonObject[],
  field: string,
  header: string | undefined,
): readonly JsonObject[] | undefined {
  if (header === undefined) return rows
  const since = Date.parse(header)
  return Number.isNaN(since) ? undefined : rows.filter((row) => Date.parse(textOf(row[field])) > since)
}

const badHeader = refused(400, 'INVALID_DATA', 'invalid data', { param_name: 'If-Modified-Since' })
const badModule = refused(400, 'INVALID_MODULE', 'the module name given seems to be invalid', {
  resource_path_index: 0,
})

const recordsOf = (kind: Kind, { org }: Scene): JsonObject[] => [...org.tables[kind].values()]

const only = (row: JsonObject, fields: readonly string[]): JsonObject =>
  Object.fromEntries([
    ['id', row['id'] ?? null],
    ...fields.flatMap((name): [string, JsonValue][] => {
      const value = row[name]
      return value === undefined || name === 'id' ? [] : [[name, value]]
    }),
  ])

const list: Answer = (scene, request, [module = '']) => {
  const kind = kindOf(module)
  if (!kind || kind === 'users') return badModule
  const { query, headers } = request
  const fields = query.get('fields')?.split(',') ?? []
  if (fields.length === 0 || fields.length > 50)
    return refused(400, 'REQUIRED_PARAM_MISSING', 'One of the expected parameter is missing', {
      param_name: 'fields',
    })
  const sortBy = query.get('sort_by') ?? 'id'
  if (!['id', 'Created_Time', 'Modified_Time'].includes(sortBy))
    return refused(400, 'INVALID_DATA', 'invalid data', { param_name: 'sort_by' })
  const ids = query.get('ids')?.split(',')
  const living = recordsOf(kind, scene).filter(
    (row) => !isDeleted(row) && (ids?.includes(textOf(row['id'])) ?? true),
  )
  const found = modifiedSince(living, 'Modified_Time', headers['if-modified-since'])
  if (!found) return badHeader
  if (found.length === 0 && headers['if-modified-since'] !== undefined) return { status: 304, text: '' }
  const sign = query.get('sort_order') === 'asc' ? 1 : -1
  const key = (row: JsonObject): string =>
    `${sortBy === 'id' ? '' : new Date(textOf(row[sortBy])).toISOString()} ${textOf(row['id'])}`
  const sorted = found.toSorted((a, b) => (key(a) < key(b) ? -sign : sign))
  return paged(
    scene,
    sorted.map((row) => only(row, fields)),
    'data',
    request,
  )
}

const listDeleted: Answer = (scene, request, [module = '']) => {
  const kind = kindOf(module)
  if (!kind || kind === 'users') return badModule
  const gone = recordsOf(kind, scene).filter(isDeleted)
  const found = modifiedSince(gone, deletedMark, request.headers['if-modified-since'])
  if (!found) return badHeader
  if (found.length === 0) return { status: 304, text: '' }
  const person = { name: 'Olivia Owner', id: '57662' }
  return paged(
    scene,
    found.map((row) => ({
      id: row['id'] ?? null,
      display_name: null,
      type: 'recycle',
      deleted_time: row[deletedMark] ?? null,
      deleted_by: person,
      created_by: person,
    })),
    'data',
    request,
    true,
  )
}

const count: Answer = (scene, _request, [module = '']) => {
  const kind = kindOf(module)
  if (!kind || kind === 'users') return badModule
  return { status: 200, body: { count: recordsOf(kind, scene).filter((row) => !isDeleted(row)).length } }
}

const listUsers: Answer = (scene, request) => {
  const users = recordsOf('users', scene)
  return paged(
    scene,
    request.query.get('type') === 'CurrentUser' ? users.slice(0, 1) : users,
    'users',
    request,
  )
}

const part = (code: string, message: string, details: JsonObject, status = 'success') => ({
  code,
  details,
  message,
  status,
})

const putDeals: Answer = ({ org }, { body }) => {
  const rows = isJsonObject(body) && Array.isArray(body['data']) ? body['data'].filter(isJsonObject) : []
  const parts = rows.map((wish) => {
    const id = textOf(wish['id'])
    const deal = org.tables.deals.get(id)
    if (!deal || isDeleted(deal))
      return part('INVALID_DATA', 'the id given seems to be invalid', { api_name: 'id' }, 'error')
    if (deal['Stage'] !== wish['Stage']) change(org, 'deals', id, { Stage: textOf(wish['Stage']) })
    return part('SUCCESS', 'record updated', { id })
  })
  const isGood = parts.every(({ code }) => code === 'SUCCESS')
  return { status: isGood ? 200 : parts.length > 1 ? 207 : 202, body: { data: parts } }
}

// ------------------------------------------------------------------------------------------ channels

const hour = 3_600_000
const week = 7 * 24 * hour

const putWatch: Answer = ({ channels, now }, { body }) => {
  const [wish] = isJsonObject(body) && Array.isArray(body['watch']) ? body['watch'].filter(isJsonObject) : []
  const id = textOf(wish?.['channel_id'])
  const events = Array.isArray(wish?.['events']) ? wish['events'].map(textOf) : []
  if (!wish || !/^\d+$/.test(id) || events.length === 0)
    return { status: 202, body: { watch: [part('INVALID_DATA', 'invalid data', {}, 'error')] } }
  const asked = Date.parse(textOf(wish['channel_expiry']))
  const isGood = asked > now.getTime() && asked - now.getTime() <= week
  const channel_expiry = stamp(isGood ? asked : now.getTime() + hour)
  channels.save(id, {
    channel_id: id,
    events,
    notify_url: textOf(wish['notify_url']),
    token: textOf(wish['token']),
    channel_expiry,
    resource_name: events[0]?.split('.')[0] ?? '',
  })
  const told = events.map((event) => ({
    channel_expiry,
    resource_name: event.split('.')[0] ?? '',
    channel_id: id,
  }))
  return { status: 200, body: { watch: [part('SUCCESS', 'Successfully subscribed', { events: told })] } }
}

const getWatch: Answer = (scene, request) => {
  const { channels, now } = scene
  const living = [...channels.all.values()].filter(
    (one) => one !== null && Date.parse(textOf(one['channel_expiry'])) > now.getTime(),
  )
  return paged(
    scene,
    living.filter((one) => one !== null),
    'watch',
    request,
    true,
  )
}

const deleteWatch: Answer = ({ channels }, { query }) => ({
  status: 200,
  body: {
    watch: (query.get('channel_ids')?.split(',') ?? []).map((id) => {
      if (!channels.all.get(id)) return part('NOT_SUBSCRIBED', 'not subscribed', {}, 'error')
      channels.save(id, null)
      return part('SUCCESS', 'Successfully un-subscribed', { channel_id: id })
    }),
  },
})

export const route = createRouter<Scene>([
  [
    'GET',
    '/crm/v8/org',
    () => ({
      status: 200,
      body: { org: [{ id: orgId, company_name: 'Harbour CRM', zgid: '20078633', currency: 'EUR' }] },
    }),
  ],
  ['GET', '/crm/v8/users', listUsers],
  ['GET', '/crm/v8/actions/watch', getWatch],
  ['POST', '/crm/v8/actions/watch', putWatch],
  ['PUT', '/crm/v8/actions/watch', putWatch],
  ['DELETE', '/crm/v8/actions/watch', deleteWatch],
  ['PUT', '/crm/v8/Deals', putDeals],
  ['GET', '/crm/v8/:module/deleted', listDeleted],
  ['GET', '/crm/v8/:module/actions/count', count],
  ['GET', '/crm/v8/:module', list],
])
