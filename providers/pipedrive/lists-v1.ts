/**
 * Lists of API v1 (leads, notes), whose pages are counted from the start: what is deleted meanwhile moves the rest, and a page
 * that begins by number skips as many. So every page begins at the last time of the one before; by number only within one
 * second that fills a page. Archived leads cannot be asked for by time: they are read from the latest change backwards.
 */
import type { Page, Position, ProviderContext, Row } from '../contract.ts'
import { bodyOf, fieldsIn, get, numberIn, rowsOf, secondOf, textIn, timeIn, type Query } from './answer.ts'
import { beganAt, resumeAt } from './lists.ts'

const pageSize = 500
/** Rows of the last page that the next one reads again: so many may leave the archive meanwhile without one being skipped. */
const overlapRows = 20
const beginning = '1970-01-01T00:00:00Z'

export interface OldListOf {
  /** `/api/v1/leads`. */
  readonly path: string
  readonly archived?: string
  derive(row: Row): Row
}

interface Answered {
  readonly rows: readonly Row[]
  readonly hasMore: boolean
  readonly readAt: Date
}

/** `more_items_in_collection` stands below `pagination`; the reference of leads has it one level higher. */
async function ask(context: ProviderContext, path: string, query: Query): Promise<Answered> {
  const response = await get(context, path, { limit: pageSize, ...query })
  const rows = rowsOf(response, path)
  const more = fieldsIn(bodyOf(response, path), 'additional_data')
  const pagination = 'pagination' in more ? fieldsIn(more, 'pagination') : more
  return {
    rows,
    hasMore: pagination['more_items_in_collection'] === true && rows.length > 0,
    readAt: response.readAt,
  }
}

const secondIn = (row: Row | undefined): string | undefined => {
  const time = row && timeIn(row, 'update_time')
  return time === undefined ? undefined : secondOf(Date.parse(time))
}

/** Position `{since?}` at first, then `{since?, began, from, start}`, then `{since?, began, isArchived, start}`. */
export function readOldList(context: ProviderContext, list: OldListOf, position: Position): Promise<Page> {
  return position['isArchived'] === true && list.archived !== undefined
    ? readArchived(context, list, list.archived, position)
    : readLiving(context, list, position)
}

async function readLiving(context: ProviderContext, list: OldListOf, position: Position): Promise<Page> {
  const since = textIn(position, 'since')
  const began = beganAt(position, context)
  const from = textIn(position, 'from') ?? since ?? beginning
  const start = numberIn(position, 'start') ?? 0
  const { rows, hasMore, readAt } = await ask(context, list.path, {
    start,
    updated_since: from,
    sort: 'update_time ASC, id ASC',
  })
  const here: Position = { ...(since === undefined ? {} : { since }), began }
  const found = rows.map((row) => list.derive(row))
  if (hasMore) {
    const last = secondIn(rows.at(-1)) ?? from
    const next = last > from ? { from: last, start: 0 } : { from, start: start + rows.length }
    return { rows: found, next: { ...here, ...next }, done: false, readAt }
  }
  if (list.archived !== undefined)
    return { rows: found, next: { ...here, isArchived: true, start: 0 }, done: false, readAt }
  return { rows: found, next: resumeAt(began), done: true, readAt }
}

async function readArchived(
  context: ProviderContext,
  list: OldListOf,
  path: string,
  position: Position,
): Promise<Page> {
  const since = textIn(position, 'since')
  const began = beganAt(position, context)
  const start = numberIn(position, 'start') ?? 0
  const { rows, hasMore, readAt } = await ask(context, path, { start, sort: 'update_time DESC, id DESC' })
  const last = secondIn(rows.at(-1))
  const isPast = since !== undefined && last !== undefined && last < since
  const found = rows.map((row) => list.derive(row))
  if (!hasMore || isPast) return { rows: found, next: resumeAt(began), done: true, readAt }
  const step = rows.length - Math.min(overlapRows, Math.floor(rows.length / 2))
  return {
    rows: found,
    next: { ...(since === undefined ? {} : { since }), began, isArchived: true, start: start + step },
    done: false,
    readAt,
  }
}

/** One call each: v1 has no list by ids. What is gone is a 404; an id that is none of Pipedrive's is not asked for. */
export async function readEach(
  context: ProviderContext,
  list: OldListOf,
  ids: readonly string[],
  isId: RegExp,
): Promise<{ readonly rows: readonly Row[]; readonly readAt: Date }> {
  const rows: Row[] = []
  const readAt = context.now()
  for (const id of ids.filter((one) => isId.test(one))) {
    const response = await get(context, `${list.path}/${id}`, {}, [404, 410])
    if (response.status >= 400) continue
    rows.push(list.derive(fieldsIn(bodyOf(response, list.path), 'data')))
  }
  return { rows, readAt }
}
