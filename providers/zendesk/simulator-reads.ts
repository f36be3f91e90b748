/** What the simulated API answers to reads: exports, lists, single objects, counts. Shapes from shared/specs/zendesk. */
import type { JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { subdomain, time, type Kind } from './simulator-objects.ts'
import type { Table } from './simulator-table.ts'

export type Tables = Readonly<Record<Kind, Table>>

const origin = `https://${subdomain}.zendesk.com`
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

const badRequest = (title: string, message: string): SimulatorReply =>
  json({ error: { title, message } }, 400)

/** Rows of JSON text put into an envelope without being parsed again. */
function envelope(key: string, rows: readonly string[], rest: JsonObject): SimulatorReply {
  return { status: 200, text: `{"${key}":[${rows.join(',')}],${JSON.stringify(rest).slice(1)}` }
}

/** `per_page`, `page[size]`: within 1 and the maximum, the maximum when it is missing or too large. */
const sizeOf = (value: string | null, maximum: number): number =>
  Math.min(maximum, Math.max(1, Number(value ?? maximum) || maximum))

const encodeCursor = (index: number): string => Buffer.from(`${index}.0||`).toString('base64')
function decodeCursor(cursor: string): number | undefined {
  const match = /^(\d+)\.0\|\|$/.exec(Buffer.from(cursor, 'base64').toString('utf8'))
  return match ? Number(match[1]) : undefined
}

/** Exports leave out what changed in the last minute (using-the-incremental-export-api, read 2026-11-23). */
const settledBefore = (now: Date): number => Math.floor(now.getTime() / 1000) - 60

/** `GET /api/v2/incremental/{tickets,users}/cursor`. */
export function cursorExport(table: Table, request: SimulatorRequest, now: Date): SimulatorReply {
  const { query } = request
  const perPage = sizeOf(query.get('per_page'), 1000)
  const cursor = query.get('cursor')
  const start = query.get('start_time')
  let index: number
  if (cursor !== null) {
    const found = decodeCursor(cursor)
    if (found === undefined || found > table.log.length)
      return badRequest('Invalid cursor', 'The cursor is not valid')
    index = found
  } else {
    if (start === null || !/^\d+$/.test(start))
      return badRequest('Invalid start_time', 'start_time is required')
    if (Number(start) > settledBefore(now))
      return badRequest(
        'Too recent start_time',
        'Too recent start_time. Use a start_time older than 60 seconds',
      )
    index = table.indexFrom(Number(start))
  }
  const from = index
  const rows: string[] = []
  const until = settledBefore(now)
  const withDeleted = query.get('exclude_deleted') !== 'true'
  let entry = table.log[index]
  while (rows.length < perPage && entry && entry.at <= until) {
    if (table.isCurrent(index) && (withDeleted || !table.isDeleted(entry.id)))
      rows.push(table.textOf(entry.id))
    entry = table.log[++index]
  }
  const after = encodeCursor(index)
  const endOfStream = !entry || entry.at > until
  return envelope(table.kind, rows, {
    after_cursor: after,
    after_url: `${origin}/api/v2/incremental/${table.kind}/cursor.json?cursor=${after}`,
    before_cursor: from === 0 ? null : encodeCursor(from),
    before_url: null,
    end_of_stream: endOfStream,
  })
}

/** A time-based export: rows from `start_time` on, at most 1,000; the next page begins at the last row's second. */
export function timeExport(
  table: Table,
  request: SimulatorRequest,
  now: Date,
  key: string,
  rowOf: (id: number) => string,
  showDeleted: boolean,
): SimulatorReply {
  const start = request.query.get('start_time')
  if (start === null || !/^\d+$/.test(start))
    return badRequest('Invalid start_time', 'start_time is required')
  const perPage = sizeOf(request.query.get('per_page'), 1000)
  const until = settledBefore(now)
  let index = table.indexFrom(Number(start))
  let entry = table.log[index]
  let end = Number(start)
  const rows: string[] = []
  while (rows.length < perPage && entry && entry.at <= until) {
    if (table.isCurrent(index) && (showDeleted || !table.isDeleted(entry.id))) {
      rows.push(rowOf(entry.id))
      end = entry.at
    }
    entry = table.log[++index]
  }
  const endOfStream = !entry || entry.at > until
  return envelope(key, rows, {
    count: rows.length,
    end_of_stream: endOfStream,
    end_time: end,
    next_page: `${origin}${request.path}.json?start_time=${end}`,
  })
}

/** An event of the ticket event export with its comment side-loaded. */
export function eventOf(table: Table, id: number): string {
  const comment = table.get(id) ?? {}
  const at = Math.floor(Date.parse(String(comment['created_at'])) / 1000)
  const { metadata: _metadata, created_at: createdAt, ticket_id: ticketId, ...child } = comment
  return JSON.stringify({
    id: Number(comment['audit_id']),
    ticket_id: ticketId,
    timestamp: at,
    created_at: createdAt,
    updater_id: comment['author_id'],
    via: 'Web form',
    system: { client: null, location: null },
    event_type: 'Audit',
    child_events: [{ ...child, event_type: 'Comment', via_reference_id: null }],
  })
}

/** A list with cursor pagination: `page[size]` ≤ 100, `page[after]`; `meta`, `links` (pagination page, read 2026-11-23). */
export function cursorList(
  key: string,
  ids: readonly number[],
  request: SimulatorRequest,
  rowOf: (id: number) => string,
): SimulatorReply {
  const size = sizeOf(request.query.get('page[size]'), 100)
  const after = request.query.get('page[after]')
  const position =
    after === null ? 0 : ids.findIndex((id) => id > Number(Buffer.from(after, 'base64').toString('utf8')))
  const begin = position === -1 ? ids.length : position
  const shown = ids.slice(begin, begin + size)
  const last = shown.at(-1)
  const hasMore = begin + size < ids.length
  const cursor = last === undefined ? null : Buffer.from(String(last)).toString('base64')
  return envelope(key, shown.map(rowOf), {
    meta: { has_more: hasMore, after_cursor: cursor, before_cursor: null },
    links: {
      next: hasMore ? `${origin}${request.path}.json?page[after]=${cursor ?? ''}&page[size]=${size}` : null,
      prev: null,
    },
  })
}

/** `show_many?ids=1,2`: those that exist. */
export function showMany(table: Table, request: SimulatorRequest): SimulatorReply {
  const ids = (request.query.get('ids') ?? '')
    .split(',')
    .filter((id) => id !== '')
    .map(Number)
  if (ids.length === 0 || ids.length > 100) return badRequest('Invalid ids', 'ids takes 1 to 100 ids')
  const rows = ids.filter((id) => table.has(id) && !table.isDeleted(id)).map((id) => table.textOf(id))
  return envelope(table.kind, rows, { count: rows.length, next_page: null, previous_page: null })
}

export function showOne(table: Table, key: string, id: number): SimulatorReply {
  if (!table.has(id) || table.isDeleted(id)) return notFound()
  return { status: 200, text: `{"${key}":${table.textOf(id)}}` }
}

export const countOf = (table: Table, now: Date): SimulatorReply =>
  json({ count: { value: table.livingCount(), refreshed_at: time(Math.floor(now.getTime() / 1000)) } })
