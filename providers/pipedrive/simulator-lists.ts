/**
 * Lists as the two versions answer them: v2 by cursor with strict parameters, v1 by number. Written from the OpenAPI files and
 * the pages on pagination and on migrating (README, "Reading").
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { isDeleted, momentOf, textOf, type Table } from './simulator-objects.ts'

const keptMs = 30 * 24 * 3_600_000

export const ok = (data: JsonValue, more: JsonObject = {}, status = 200): SimulatorReply => ({
  status,
  body: { success: true, data, ...more },
})

export const refused = (status: number, error: string): SimulatorReply => ({
  status,
  body: {
    success: false,
    error,
    error_info: 'Please check developers.pipedrive.com',
    data: null,
    additional_data: null,
  },
})

interface Order {
  readonly field: string
  readonly sign: 1 | -1
}

/** Times compare by moment, ids by number where they are numbers. */
function compare(a: JsonValue | undefined, b: JsonValue | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [one, other] = [textOf(a), textOf(b)]
  return one < other ? -1 : one > other ? 1 : 0
}

const inOrder = (rows: readonly JsonObject[], orders: readonly Order[]): JsonObject[] =>
  [...rows].sort((a, b) => {
    for (const { field, sign } of orders) {
      const found = compare(a[field], b[field])
      if (found !== 0) return found * sign
    }
    return compare(a['id'], b['id'])
  })

/** A whole number within bounds; undefined when it is none. */
function whole(text: string | null, otherwise: number, least: number, most: number): number | undefined {
  if (text === null) return otherwise
  const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN
  return number >= least && number <= most ? number : undefined
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/

interface Marker {
  readonly field: string
  readonly sign: number
  readonly value: JsonValue
  readonly id: JsonValue
}

const cursorOf = ({ field, sign, value, id }: Marker): string =>
  Buffer.from(JSON.stringify({ field, sign, value, id })).toString('base64url')

function markerOf(cursor: string): Marker | undefined {
  try {
    const found: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (!isJsonObject(found)) return undefined
    const { field, sign, value = null, id = null } = found
    return { field: textOf(field), sign: Number(sign), value, id }
  } catch {
    return undefined
  }
}

export interface ListRules {
  readonly sortable: readonly string[]
  /** `status` as deals have it. */
  readonly hasStatus: boolean
  readonly now: Date
  /** Most rows of a page, whatever is asked for. */
  readonly page: number
}

/** Which rows are in the list: those that live, or of deals those of the statuses that are asked for. */
function isListed(row: JsonObject, statuses: readonly string[] | undefined, { now }: ListRules): boolean {
  if (!isDeleted(row)) return statuses?.includes(textOf(row['status'])) ?? true
  const since = now.getTime() - momentOf(textOf(row['update_time']))
  return (statuses?.includes('deleted') ?? false) && since <= keptMs
}

/** A list of v2. The cursor is the first row of the next page; if that has moved, the page begins with the one behind it. */
export function list(
  rows: readonly JsonObject[],
  { query }: SimulatorRequest,
  rules: ListRules,
): SimulatorReply {
  const limit = whole(query.get('limit'), 100, 1, 500)
  const field = query.get('sort_by') ?? 'id'
  const direction = query.get('sort_direction') ?? 'asc'
  const [since, until] = [query.get('updated_since'), query.get('updated_until')]
  const ids = query.get('ids')?.split(',')
  const statuses = rules.hasStatus ? query.get('status')?.split(',') : undefined
  if (limit === undefined) return refused(400, 'Parameter "limit" must be between 1 and 500')
  if (!rules.sortable.includes(field) || !['asc', 'desc'].includes(direction))
    return refused(400, 'Parameter "sort_by" or "sort_direction" is invalid')
  if ([since, until].some((one) => one !== null && !rfc3339.test(one)))
    return refused(400, 'Parameter "updated_since" must be in RFC3339 format')
  if (ids && (ids.length > 100 || !ids.every((id) => /^\d+$/.test(id))))
    return refused(400, 'Parameter "ids" must be a list of up to 100 ids')
  if (statuses?.some((one) => !['open', 'won', 'lost', 'deleted'].includes(one)))
    return refused(400, 'Parameter "status" is invalid')
  const sign = direction === 'asc' ? 1 : -1
  const cursor = query.get('cursor')
  const marker = cursor === null ? undefined : markerOf(cursor)
  if (cursor !== null && (marker?.field !== field || marker.sign !== sign))
    return refused(400, 'Parameter "cursor" is invalid')
  const changed = (row: JsonObject) => momentOf(textOf(row['update_time']))
  const chosen = rows.filter(
    (row) =>
      isListed(row, statuses, rules) &&
      (!ids || ids.includes(textOf(row['id']))) &&
      (since === null || changed(row) >= Date.parse(since)) &&
      (until === null || changed(row) < Date.parse(until)),
  )
  const left = inOrder(chosen, [{ field, sign }]).filter((row) => {
    const ahead = marker ? compare(row[field], marker.value) * sign : 1
    return ahead > 0 || (ahead === 0 && marker !== undefined && compare(row['id'], marker.id) >= 0)
  })
  const size = Math.min(limit, rules.page)
  const next = left[size]
  const next_cursor = next
    ? cursorOf({ field, sign, value: next[field] ?? null, id: next['id'] ?? null })
    : null
  return ok(left.slice(0, size), { additional_data: { next_cursor } })
}

/** `update_time ASC, id ASC`; undefined when a field cannot be sorted by. */
function ordersIn(text: string, sortable: readonly string[]): Order[] | undefined {
  const orders = text.split(',').map((part): Order | undefined => {
    const [field = '', direction = 'ASC'] = part.trim().split(/\s+/)
    return sortable.includes(field) && /^(ASC|DESC)$/i.test(direction)
      ? { field, sign: /^desc$/i.test(direction) ? -1 : 1 }
      : undefined
  })
  return orders.every((one) => one !== undefined) ? orders : undefined
}

/** A list of v1. @param canFollow whether it knows `updated_since`; archived leads do not, and such a parameter is ignored. */
export function oldList(
  rows: readonly JsonObject[],
  { query }: SimulatorRequest,
  { sortable, page }: Pick<ListRules, 'sortable' | 'page'>,
  canFollow: boolean,
): SimulatorReply {
  const start = whole(query.get('start'), 0, 0, 1e9)
  const limit = whole(query.get('limit'), 100, 1, 500)
  const orders = ordersIn(query.get('sort') ?? 'add_time ASC', sortable)
  const since = canFollow ? query.get('updated_since') : null
  if (start === undefined || limit === undefined) return refused(400, 'Invalid pagination')
  if (!orders) return refused(400, 'Invalid sort')
  if (since !== null && !rfc3339.test(since)) return refused(400, 'Invalid updated_since')
  const chosen = rows.filter(
    (row) => since === null || momentOf(textOf(row['update_time'])) >= Date.parse(since),
  )
  const size = Math.min(limit, page)
  const hasMore = chosen.length > start + size
  const pagination = {
    start,
    limit: size,
    more_items_in_collection: hasMore,
    ...(hasMore ? { next_start: start + size } : {}),
  }
  return ok(inOrder(chosen, orders).slice(start, start + size), { additional_data: { pagination } })
}

export const rowsOf = (table: Table): JsonObject[] => [...table.values()]

/** @param table deleted objects are as if they were not there. */
export function one(table: Table, id: string, what: string): SimulatorReply {
  const object = table.get(id)
  return object && !isDeleted(object) ? ok(object) : refused(404, `${what} not found`)
}
