/** What the simulated API answers to reads: lists, single objects, counts. Shapes from shared/specs/zendesk. */
import type { JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { subdomain, time, type Kind } from './simulator-objects.ts'
import type { Table } from './simulator-table.ts'

export type Tables = Readonly<Record<Kind, Table>>

export const origin = `https://${subdomain}.zendesk.com`
export const json = (
  body: JsonObject,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): SimulatorReply => ({ status, body, headers })
export const notFound = (): SimulatorReply => json({ error: 'RecordNotFound', description: 'Not found' }, 404)

/** `{"error":"RecordInvalid","description":…,"details":{field:[{description,error}]}}` (fact sheet §8). */
export const recordInvalid = (field: string, error: string, description: string): SimulatorReply =>
  json(
    {
      error: 'RecordInvalid',
      description: 'Record validation errors',
      details: { [field]: [{ description, error }] },
    },
    422,
  )

export const badRequest = (title: string, message: string): SimulatorReply =>
  json({ error: { title, message } }, 400)

/** Rows of JSON text put into an envelope without being parsed again. */
export function envelope(key: string, rows: readonly string[], rest: JsonObject): SimulatorReply {
  return { status: 200, text: `{"${key}":[${rows.join(',')}],${JSON.stringify(rest).slice(1)}` }
}

/** `per_page`, `page[size]`: within 1 and the maximum, the maximum when it is missing or too large. */
export const sizeOf = (value: string | null, maximum: number): number =>
  Math.min(maximum, Math.max(1, Number(value ?? maximum) || maximum))

/** A list of ids in ascending order: by cursor when `page[…]` is asked for, by offset otherwise, as Zendesk decides it. */
export function list(
  key: string,
  ids: readonly number[],
  request: SimulatorRequest,
  rowOf: (id: number) => string,
): SimulatorReply {
  const { query } = request
  return query.has('page[size]') || query.has('page[after]') || query.has('page[before]')
    ? cursorList(key, ids, request, rowOf)
    : offsetList(key, ids, request, rowOf)
}

const encodeId = (id: number): string => Buffer.from(String(id)).toString('base64')

/** `page[size]` ≤ 100, `page[after]`, `page[before]`; `meta`, `links` (pagination page, read 2026-11-23). */
function cursorList(
  key: string,
  ids: readonly number[],
  request: SimulatorRequest,
  rowOf: (id: number) => string,
): SimulatorReply {
  const { query } = request
  const size = sizeOf(query.get('page[size]'), 100)
  const positionOf = (cursor: string, offset: 0 | 1): number =>
    firstFrom(ids, Number(Buffer.from(cursor, 'base64').toString('utf8')) + offset)
  const after = query.get('page[after]')
  const before = query.get('page[before]')
  const end = before === null ? undefined : positionOf(before, 0)
  const begin = end === undefined ? (after === null ? 0 : positionOf(after, 1)) : Math.max(0, end - size)
  const shown = ids.slice(begin, end ?? begin + size)
  const [first, last] = [shown[0], shown.at(-1)]
  const hasMore = end === undefined ? begin + size < ids.length : begin > 0
  const [afterCursor, beforeCursor] = [last, first].map((id) => (id === undefined ? null : encodeId(id)))
  const url = (name: string, cursor: string | null | undefined) =>
    cursor ? `${origin}${request.path}.json?page[${name}]=${cursor}&page[size]=${size}` : null
  return envelope(key, shown.map(rowOf), {
    meta: { has_more: hasMore, after_cursor: afterCursor ?? null, before_cursor: beforeCursor ?? null },
    links: {
      next: begin + shown.length < ids.length ? url('after', afterCursor) : null,
      prev: begin > 0 ? url('before', beforeCursor) : null,
    },
  })
}

/** `per_page` ≤ 100 and `page`; ends at 10,000 records with a typed error (fact sheet §5). */
function offsetList(
  key: string,
  ids: readonly number[],
  request: SimulatorRequest,
  rowOf: (id: number) => string,
): SimulatorReply {
  const size = sizeOf(request.query.get('per_page'), 100)
  const page = Math.max(1, Number(request.query.get('page') ?? 1) || 1)
  if (page * size > 10_000) {
    const title = 'Pagination requests using Offset Pagination are limited to 10,000 records'
    return json({ errors: [{ code: 'InvalidPaginationDepth', title }] }, 400)
  }
  const begin = (page - 1) * size
  const url = (number: number) => `${origin}${request.path}.json?page=${number}&per_page=${size}`
  return envelope(key, ids.slice(begin, begin + size).map(rowOf), {
    count: ids.length,
    next_page: begin + size < ids.length ? url(page + 1) : null,
    previous_page: page > 1 ? url(page - 1) : null,
  })
}

/** Index of the first id that is at least `id`. */
function firstFrom(ids: readonly number[], id: number): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ids[middle] ?? 0) < id) low = middle + 1
    else high = middle
  }
  return low
}

/** `show_many?ids=1,2` or `?external_ids=a,b`: those that exist. Tickets take only ids (OpenAPI files). */
export function showMany(table: Table, request: SimulatorRequest): SimulatorReply {
  const wanted = (name: string) => (request.query.get(name) ?? '').split(',').filter((one) => one !== '')
  const externalIds = table.kind === 'tickets' ? [] : wanted('external_ids')
  const ids = [
    ...wanted('ids').map(Number),
    ...externalIds.flatMap((externalId) => table.find('external_id', externalId)),
  ]
  if (ids.length > 100 || ids.length + externalIds.length === 0)
    return badRequest('Invalid ids', 'ids takes 1 to 100 ids')
  const rows = ids.filter((id) => table.has(id) && !table.isDeleted(id)).map((id) => table.textOf(id))
  return envelope(table.kind, rows, { count: rows.length, next_page: null, previous_page: null })
}

export function showOne(table: Table, key: string, id: number): SimulatorReply {
  if (!table.has(id) || table.isDeleted(id)) return notFound()
  return { status: 200, text: `{"${key}":${table.textOf(id)}}` }
}

export const countOf = (value: number, now: Date): SimulatorReply =>
  json({ count: { value, refreshed_at: time(Math.floor(now.getTime() / 1000)) } })
