/** Pages of a list, in Xero's own order (`UpdatedDateUTC`, then id), such that what changes meanwhile is neither lost nor shifts anything. */
import type { Page, Position, ProviderContext, Row } from '../contract.ts'
import { ask, fieldsIn, numberIn, protocolError, rowsIn, textIn } from './answer.ts'
import { millisecondsOf, modifiedSince } from './times.ts'

/** A kind of object, as paths and answers name it. */
export interface Listed {
  /** `Invoices`: the path and the list in the answer. */
  readonly path: string
  /** `InvoiceID`. */
  readonly id: string
  /** Parameters of every page. */
  readonly query: Readonly<Record<string, string | boolean>>
}

/** The most that a page holds; larger wishes are cut to it (README, "Reading"). */
const largestPage = 1000

/**
 * Where a read stands. `since`: the second of the last row of the pages before, in milliseconds. Within a second that holds more
 * than a page, `seen` rows of the list that begins there were read, the last of them `last`, `size` a page.
 */
interface Place {
  readonly since: number | undefined
  readonly seen: number
  readonly size: number
  readonly last: string | undefined
}

function placeOf({ since, seen, size, last }: Position): Place {
  return {
    since: typeof since === 'number' ? since : undefined,
    seen: typeof seen === 'number' ? seen : 0,
    size: typeof size === 'number' ? size : largestPage,
    last: typeof last === 'string' ? last : undefined,
  }
}

function positionOf({ since, seen, size, last }: Place): Position {
  return {
    size,
    ...(since === undefined ? {} : { since }),
    ...(seen === 0 ? {} : { seen }),
    ...(last === undefined ? {} : { last }),
  }
}

/**
 * The page of the list that goes on after `seen` rows and overlaps them by at least one, by which is seen whether rows have left
 * the list's beginning meanwhile. Pages are counted in their own size, so a little smaller ones are asked for: after 40
 * rows in pages of 40 the second page of 39, after 78 the third of 38.
 */
function pageAfter({ seen, size }: Place): { readonly page: number; readonly pageSize: number } {
  if (seen === 0) return { page: 1, pageSize: size }
  const before = Math.ceil((seen - 1) / size)
  return before === 0
    ? { page: 1, pageSize: size }
    : { page: before + 1, pageSize: Math.floor((seen - 1) / before) }
}

/** A row as it stands: one that changes meanwhile has another. */
const keyOf = (row: Row, id: string): string =>
  `${textIn(row, id) ?? ''} ${textIn(row, 'UpdatedDateUTC') ?? ''}`

/** How far a run goes back behind the end of the one before: what was being written then may show later than its own time says. */
const overlapMs = 60_000

/**
 * One page. The next one begins at the second of the last row, by `If-Modified-Since`, so that objects that change and move to the
 * end shift nothing; a second earlier in fact, because it is not said whether the moment itself is among what is answered. What
 * comes again is unchanged, and costs the store nothing.
 */
export async function readListed(
  context: ProviderContext,
  listed: Listed,
  position: Position,
): Promise<Page> {
  const place = placeOf(position)
  const wish = pageAfter(place)
  const { fields, readAt } = await ask(context, 'read', `/${listed.path}`, {
    query: { ...listed.query, ...wish },
    headers: place.since === undefined ? {} : { 'if-modified-since': modifiedSince(place.since - 1000) },
  })
  const rows = rowsIn(fields ?? {}, listed.path)
  const paging = fieldsIn(fields, 'pagination')
  const size = numberIn(paging, 'pageSize')
  const pages = numberIn(paging, 'pageCount')
  if (size === undefined || size < 1 || pages === undefined) throw protocolError('"pagination" is missing')
  const offset = (wish.page - 1) * size
  const isShifted = offset > 0 && !rows.some((row) => keyOf(row, listed.id) === place.last)
  if (isShifted && place.last !== undefined && offset < place.seen)
    return {
      rows,
      next: positionOf({ since: place.since, seen: 0, size, last: undefined }),
      done: false,
      readAt,
    }
  if (isShifted) throw protocolError('a page does not begin where it should')
  const { moment, last } = endOf(rows, listed.id)
  if (wish.page >= pages) return { rows, next: positionOf(nextRun(place, moment)), done: true, readAt }
  const isLater = moment !== undefined && moment > (place.since ?? -Infinity)
  const next = isLater
    ? { since: moment, seen: 0, size: larger(place, size, wish.pageSize), last: undefined }
    : { since: place.since, seen: offset + rows.length, size: larger(place, size, wish.pageSize), last }
  return { rows, next: positionOf(next), done: false, readAt }
}

/** What Xero cut a wish to is its page; smaller ones that were asked for to overlap are not. */
const larger = (place: Place, answered: number, wished: number): number =>
  answered < wished ? answered : place.size

/** The second of the last change, and the last row. */
function endOf(
  rows: readonly Row[],
  id: string,
): { readonly moment: number | undefined; readonly last: string | undefined } {
  const timed = rows.findLast((row) => millisecondsOf(row['UpdatedDateUTC']) !== undefined)
  const ms = millisecondsOf(timed?.['UpdatedDateUTC'])
  const row = rows.at(-1)
  return {
    moment: ms === undefined ? undefined : Math.floor(ms / 1000) * 1000,
    last: row && keyOf(row, id),
  }
}

/** An account without objects is read from its beginning again. */
function nextRun({ since, size }: Place, moment: number | undefined): Place {
  const end = Math.max(moment ?? -Infinity, since ?? -Infinity)
  return { since: Number.isFinite(end) ? end - overlapMs : undefined, seen: 0, size, last: undefined }
}

/** Ids of one call: the query string may not be long, and 53 have been refused (README, "Reading"). */
const idsPerCall = 40

/** Objects by the list parameter `IDs`. What is gone is missing. */
export async function readListedByIds(
  context: ProviderContext,
  listed: Listed,
  ids: readonly string[],
): Promise<{ rows: Row[]; readAt: Date }> {
  const rows: Row[] = []
  let readAt: Date | undefined
  for (let at = 0; at < ids.length; at += idsPerCall) {
    const some = ids.slice(at, at + idsPerCall)
    const answer = await ask(context, 'read', `/${listed.path}`, {
      query: { ...listed.query, IDs: some.join(','), page: 1, pageSize: idsPerCall },
    })
    readAt ??= answer.readAt
    rows.push(...rowsIn(answer.fields ?? {}, listed.path))
  }
  return { rows, readAt: readAt ?? context.now() }
}

/** Objects by their paths, for a list that takes no ids. */
export async function readEach(
  context: ProviderContext,
  listed: Listed,
  ids: readonly string[],
): Promise<{ rows: Row[]; readAt: Date }> {
  const rows: Row[] = []
  let readAt: Date | undefined
  for (const id of ids) {
    const answer = await ask(context, 'read', `/${listed.path}/${id}`, { accept: [404] })
    readAt ??= answer.readAt
    if (answer.fields) rows.push(...rowsIn(answer.fields, listed.path))
  }
  return { rows, readAt: readAt ?? context.now() }
}
