/**
 * Incremental exports: what changed since a moment, oldest change first. Rules from using-the-incremental-export-api and
 * understanding-incremental-article-exports (read 2026-11-23) and the OpenAPI file `incremental`.
 */
import type { JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { wordOf } from './simulator-objects.ts'
import { badRequest, envelope, json, origin, sizeOf } from './simulator-reads.ts'
import type { Table } from './simulator-table.ts'

const encodeCursor = (index: number): string => Buffer.from(`${index}.0||`).toString('base64')
function decodeCursor(cursor: string): number | undefined {
  const match = /^(\d+)\.0\|\|$/.exec(Buffer.from(cursor, 'base64').toString('utf8'))
  return match ? Number(match[1]) : undefined
}

/** The form that connectors in the field report: 422 InvalidValue (embulk-input-zendesk#14 and others). */
const tooRecent = (): SimulatorReply =>
  json(
    {
      error: 'InvalidValue',
      description: 'Too recent start_time. Use a start_time older than 60 seconds',
    },
    422,
  )

/** `start_time` in seconds, or the answer that refuses it. */
function startOf(query: URLSearchParams, horizon: number): number | SimulatorReply {
  const start = query.get('start_time')
  if (start === null || !/^\d+$/.test(start))
    return badRequest('Invalid attribute', 'You passed an invalid value for the start_time attribute.')
  return Number(start) > horizon ? tooRecent() : Number(start)
}

/**
 * `GET /api/v2/incremental/{tickets,users}/cursor`: a row appears once in a stream, again when it changes later.
 * @param horizon the last second that is shown.
 */
export function cursorExport(table: Table, request: SimulatorRequest, horizon: number): SimulatorReply {
  const { query } = request
  const perPage = sizeOf(query.get('per_page'), 1000)
  const cursor = query.get('cursor')
  let index: number
  if (cursor === null) {
    const start = startOf(query, horizon)
    if (typeof start !== 'number') return start
    index = table.indexFrom(start)
  } else {
    const found = decodeCursor(cursor)
    if (found === undefined || found > table.log.length)
      return badRequest('Invalid attribute', 'You passed an invalid value for the cursor attribute.')
    index = found
  }
  const from = index
  const rows: string[] = []
  const withDeleted = query.get('exclude_deleted') !== 'true'
  let entry = table.log[index]
  while (rows.length < perPage && entry && entry.at <= horizon) {
    if (table.isCurrent(index) && (withDeleted || !table.isDeleted(entry.id)))
      rows.push(table.textOf(entry.id))
    entry = table.log[++index]
  }
  const after = encodeCursor(index)
  const before = from === 0 ? null : encodeCursor(from)
  const also = withDeleted ? '' : 'exclude_deleted=true&'
  const url = `${origin}/api/v2/incremental/${table.kind}/cursor.json?${also}cursor=`
  return envelope(table.kind, rows, {
    after_cursor: after,
    after_url: `${url}${after}`,
    before_cursor: before,
    before_url: before === null ? null : `${url}${before}`,
    end_of_stream: !entry || entry.at > horizon,
  })
}

export interface TimeExport {
  readonly table: Table
  /** Name of the list in the answer. */
  readonly key: string
  readonly rowOf: (id: number) => string
  readonly showDeleted: boolean
  /** The article export does not say whether it ended; it answers nulls when nothing changed (dust-tt/dust reads it so). */
  readonly saysEnd: boolean
}

/** A time-based export: rows from `start_time` on, at most 1,000; the next page begins at the last row's second. */
export function timeExport(
  { table, key, rowOf, showDeleted, saysEnd }: TimeExport,
  request: SimulatorRequest,
  horizon: number,
): SimulatorReply {
  const start = startOf(request.query, horizon)
  if (typeof start !== 'number') return start
  const perPage = sizeOf(request.query.get('per_page'), 1000)
  let index = table.indexFrom(start)
  let entry = table.log[index]
  let end = start
  const rows: string[] = []
  while (rows.length < perPage && entry && entry.at <= horizon) {
    if (table.isCurrent(index) && (showDeleted || !table.isDeleted(entry.id))) {
      rows.push(rowOf(entry.id))
      end = entry.at
    }
    entry = table.log[++index]
  }
  const isEmpty = rows.length === 0 && !saysEnd
  return envelope(key, rows, {
    count: rows.length,
    ...(saysEnd ? { end_of_stream: !entry || entry.at > horizon } : {}),
    end_time: isEmpty ? null : end,
    next_page: isEmpty ? null : `${origin}${request.path}.json?per_page=${perPage}&start_time=${end}`,
  })
}

/** An event of the ticket event export. Without the side-load it only says that there is a comment. */
export function eventOf(table: Table, id: number, withComments: boolean): string {
  const comment = table.get(id) ?? {}
  const at = Math.floor(Date.parse(wordOf(comment['created_at'])) / 1000)
  const { metadata: _metadata, ticket_id: ticketId, via, ...child } = comment
  const short: JsonObject = {
    id: Number(comment['id']),
    via: via ?? null,
    via_reference_id: null,
    comment_present: true,
    comment_public: comment['public'] === true,
    event_type: 'Comment',
  }
  return JSON.stringify({
    id: Number(comment['audit_id']),
    ticket_id: ticketId,
    timestamp: at,
    created_at: comment['created_at'],
    updater_id: comment['author_id'],
    via: 'Web form',
    system: { client: null, location: null },
    event_type: 'Audit',
    child_events: [withComments ? { ...child, via, via_reference_id: null, event_type: 'Comment' } : short],
  })
}
