/**
 * The three ways in which Zendesk pages. Positions are small JSON objects; a URL in an answer is never followed, only
 * its cursor or time is taken.
 */
import { createHash } from 'node:crypto'
import type { Page, Position, ProviderContext, Row } from '../contract.ts'
import type { Group } from './limits.ts'
import {
  bodyOf,
  get,
  isFields,
  numberIn,
  positionNumber,
  positionText,
  protocolError,
  rowsIn,
  textIn,
} from './answer.ts'
import type { Fields, Query } from './answer.ts'
import { canonicalJson } from '../../model/json.ts'

/** Rows of an export page: default and maximum. */
export const exportPageSize = 1000
/** Rows of a page of the ordinary lists (pagination page: most endpoints allow at most 100). */
const listPageSize = 100
/** Exports refuse a start that is less than a minute old; five seconds more for clocks that differ. */
const minimumAgeSeconds = 65
/** How many border rows a position remembers. A row beyond that is read twice, which changes nothing in the store. */
const rememberedRows = 100

const unixSeconds = (now: Date): number => Math.floor(now.getTime() / 1000)

/** The requested second, but old enough to be accepted. */
function oldEnough(seconds: number, now: Date): number {
  return Math.max(0, Math.min(seconds, unixSeconds(now) - minimumAgeSeconds))
}

// --------------------------------------------------------------------------------- cursor-based exports

export interface CursorExport {
  readonly path: string
  /** Key of the rows in the answer. */
  readonly key: string
}

/** A full export begins at second 0, as public connectors do (README); kept as a position. */
export const exportStart: Position = { startTime: 0 }

/**
 * One page of `/api/v2/incremental/{tickets,users}/cursor`. `after_cursor` stays valid after `end_of_stream` and is where
 * the next run begins. An answer that is not at the end but has no new cursor would read the same page for ever: refused.
 */
export async function readCursorExport(
  context: ProviderContext,
  of: CursorExport,
  position: Position,
): Promise<Page> {
  const cursor = positionText(position, 'cursor')
  const from =
    cursor === undefined ? oldEnough(positionNumber(position, 'startTime') ?? 0, context.now()) : undefined
  const response = await get(context, 'export', of.path, {
    cursor,
    start_time: from,
    per_page: exportPageSize,
  })
  const body = bodyOf(response, of.key)
  const rows = rowsIn(body, of.key)
  const after = textIn(body, 'after_cursor')
  const done = body['end_of_stream']
  if (typeof done !== 'boolean') throw protocolError('"end_of_stream" is missing')
  if (!done && (after === undefined || after === cursor)) throw protocolError('the cursor does not advance')
  return { rows, next: after === undefined ? position : { cursor: after }, done, readAt: response.readAt }
}

// ----------------------------------------------------------------------------------- time-based exports

export interface TimeExport {
  readonly path: string
  readonly key: string
  readonly group: Group
  readonly query?: Query
  /** The second by which the export sorts a row; rows without it are not de-duplicated. */
  secondOf(row: Row): number | undefined
  /** The ordinary list of the same objects, for the second that holds more rows than a page (see below). */
  readonly list?: { readonly path: string; readonly group: Group }
  /** Statuses that mean that the feature is not active in this account: an empty, completed read. */
  readonly inactive?: readonly number[]
  /** Seconds before now beyond which a finished read does not move its position (for exports without the minute's rest). */
  readonly settleSeconds?: number
  /** So many rows of one second may be a full page; a page's size when left out. For exports without `end_of_stream`. */
  readonly crowdedRows?: number
}

/** A row as it stands, in 16 hex digits: only a row that is the same in every field counts as read already. */
const fingerprint = (row: Row): string =>
  createHash('sha256').update(canonicalJson(row)).digest('hex').slice(0, 16)

function remembered(position: Position): string[] {
  const seen = position['seen']
  return Array.isArray(seen) ? seen.filter((item) => typeof item === 'string') : []
}

/** `end_time`, or the `start_time` inside `next_page`. */
function endOf(body: Fields): number | undefined {
  const end = numberIn(body, 'end_time')
  if (end !== undefined) return end
  const match = /[?&]start_time=(\d{1,12})(?:&|$)/.exec(textIn(body, 'next_page') ?? '')
  return match?.[1] === undefined ? undefined : Number(match[1])
}

/**
 * `end_of_stream` says it. Where the answer has no such field (articles), the end is a page that brings nothing later
 * than it was asked from: the number of rows proves little, because Help Center leaves out what the user may not see.
 */
function isLastPage(body: Fields, rows: number, advances: boolean, crowdedRows: number): boolean {
  const flag = body['end_of_stream']
  if (typeof flag === 'boolean') return flag || (rows === 0 && !advances)
  return rows === 0 || (!advances && rows < crowdedRows)
}

/**
 * One page of a time-based export. The next page begins at this page's last second, so rows of that second come again:
 * identical ones are left out here. When the position cannot move because more rows share a second than a page
 * holds, the ordinary list is read once (position `{list, resume}`) and the export goes on one second later; without
 * a list the read fails, because going on would lose rows silently.
 */
export async function readTimeExport(
  context: ProviderContext,
  of: TimeExport,
  position: Position,
): Promise<Page> {
  if (position['list'] === true && of.list) return readCatchUp(context, of, of.list, position)
  const asked = positionNumber(position, 'startTime') ?? 0
  const from = of.settleSeconds === undefined ? oldEnough(asked, context.now()) : asked
  const query = { ...of.query, start_time: from, per_page: exportPageSize }
  const response = await get(context, of.group, of.path, query, of.inactive ?? [])
  if (response.status >= 400) return { rows: [], next: position, done: true, readAt: response.readAt }
  const body = bodyOf(response, of.key)
  const all = rowsIn(body, of.key)
  const seen = new Set(remembered(position))
  const rows = all.filter((row) => !seen.has(fingerprint(row)))
  const end = endOf(body) ?? from
  const done = isLastPage(body, all.length, end > from, of.crowdedRows ?? exportPageSize)
  if (!done && end <= from)
    return { rows, next: carried(position, stuckNext(of, from)), done: false, readAt: response.readAt }
  const until = done && of.settleSeconds !== undefined ? unixSeconds(context.now()) - of.settleSeconds : end
  const next = Math.max(0, Math.min(end, until))
  const then = timePosition(of, next, all, seen, next <= from)
  return { rows, next: done ? ended(position, then) : carried(position, then), done, readAt: response.readAt }
}

/**
 * The ordinary list shows no deletions. A whole read finds them by its scan; after a read of changes the position says that some may
 * be missed, and the next run is a whole one.
 */
export const wholeExport: Position = { startTime: 0, whole: true }
export const canResumeExport = (position: Position): boolean => position['missed'] !== true

const carried = ({ whole, missed }: Position, next: Position): Position => ({
  ...next,
  ...(whole === true ? { whole } : {}),
  ...(missed === true ? { missed } : {}),
})
const ended = (position: Position, next: Position): Position =>
  position['whole'] === true ? next : carried(position, next)

/** The next position with the rows of its second; what was remembered stays only while the second stays. */
function timePosition(
  of: TimeExport,
  startTime: number,
  rows: readonly Row[],
  before: ReadonlySet<string>,
  still: boolean,
): Position {
  const seen = new Set(still ? before : [])
  for (const row of rows) {
    const second = of.secondOf(row)
    if (second !== undefined && second >= startTime) seen.add(fingerprint(row))
  }
  const kept = [...seen].slice(-rememberedRows)
  return kept.length === 0 ? { startTime } : { startTime, seen: kept }
}

function stuckNext(of: TimeExport, from: number): Position {
  if (!of.list) {
    throw protocolError(
      `more rows of ${of.key} share one second than a page of the export holds; it cannot be passed`,
    )
  }
  return { list: true, resume: from + 1 }
}

async function readCatchUp(
  context: ProviderContext,
  of: TimeExport,
  list: { readonly path: string; readonly group: Group },
  position: Position,
): Promise<Page> {
  const resume = positionNumber(position, 'resume') ?? 0
  const { rows, after, readAt } = await readList(
    context,
    list.group,
    list.path,
    of.key,
    {},
    positionText(position, 'after'),
  )
  const next: Position =
    after === undefined ? { startTime: resume, missed: true } : { list: true, resume, after }
  return { rows, next: carried(position, next), done: false, readAt }
}

// --------------------------------------------------------------------------------------- ordinary lists

export interface ListPage {
  readonly rows: readonly Row[]
  /** Cursor of the next page; undefined on the last. */
  readonly after: string | undefined
  readonly readAt: Date
  readonly status: number
}

/**
 * One page of an ordinary list by cursor pagination: `page[size]`, `page[after]`; the answer's `meta.has_more` and
 * `meta.after_cursor` (developer.zendesk.com/api-reference/introduction/pagination, read 2026-11-23).
 */
export async function readList(
  context: ProviderContext,
  group: Group,
  path: string,
  key: string,
  query: Query,
  after: string | undefined,
  accept: readonly number[] = [],
): Promise<ListPage> {
  const response = await get(
    context,
    group,
    path,
    { 'page[size]': listPageSize, ...query, 'page[after]': after },
    accept,
  )
  const { readAt, status } = response
  if (status >= 400) return { rows: [], after: undefined, readAt, status }
  const body = bodyOf(response, key)
  const rows = rowsIn(body, key)
  const meta = body['meta']
  const more = isFields(meta) && meta['has_more'] === true
  const next = isFields(meta) ? textIn(meta, 'after_cursor') : undefined
  if (more && (next === undefined || next === after))
    throw protocolError('the list has more pages but no new cursor')
  return { rows, after: more ? next : undefined, readAt, status }
}
