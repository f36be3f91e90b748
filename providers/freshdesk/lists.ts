/**
 * Lists, whose pages are counted from the start. Tickets can be asked for in the order of their last change: a page then begins at the
 * last time of the one before, so that nothing is skipped when tickets change meanwhile and the 300th page is never reached; by number
 * only within one second that fills a page. Other lists have no such order.
 */
import type { Page, Position, ProviderContext, Row } from '../contract.ts'
import { bodyOf, get, numberIn, rowsOf, secondOf, textIn, timeIn, type Query } from './answer.ts'
import type { Group } from './limits.ts'

const pageSize = 100
/** Each read begins so long before the last one began: clocks differ, and what is being written shows late. */
export const overlapMs = 10 * 60_000
/** Tickets older than 30 days are told only to who asks for a time. */
const beginning = '1970-01-01T00:00:00Z'

export interface ListOf {
  /** `/api/v2/tickets`. */
  readonly path: string
  readonly group: Group
  /** The parameter that asks for what changed since, where there is one. */
  readonly since?: '_updated_since'
  /** Keeps what a list and a single answer have in common. */
  pick(row: Row): Row
}

const beganAt = (position: Position, { now }: Pick<ProviderContext, 'now'>): string =>
  textIn(position, 'began') ?? secondOf(now().getTime())

const resumeAt = (began: string): Position => ({ since: secondOf(Date.parse(began) - overlapMs) })

const before = (time: string): string => secondOf(Date.parse(time) - 1000)

/** A full page may have a successor: lists have neither a count nor a mark in the body. */
const isFull = (rows: readonly Row[]): boolean => rows.length >= pageSize

/**
 * Position `{since?}` at first, then `{began, from, page}`. Whether `updated_since` takes in the second that it names is not said: a page
 * begins a second before the last time of the one before.
 */
export async function readTickets(
  context: ProviderContext,
  list: ListOf,
  include: Query,
  position: Position,
): Promise<Page> {
  const began = beganAt(position, context)
  const from = textIn(position, 'from') ?? textIn(position, 'since') ?? beginning
  const page = numberIn(position, 'page') ?? 1
  const response = await get(context, list.group, list.path, {
    ...include,
    updated_since: from,
    order_by: 'updated_at',
    order_type: 'asc',
    per_page: pageSize,
    page,
  })
  const rows = rowsOf(response, list.path)
  const { readAt } = response
  const found = rows.map((row) => list.pick(row))
  if (!isFull(rows)) return { rows: found, next: resumeAt(began), done: true, readAt }
  const last = timeIn(rows.at(-1) ?? {}, 'updated_at')
  const next = last === undefined ? from : before(last)
  const then = next > from ? { from: next, page: 1 } : { from, page: page + 1 }
  return { rows: found, next: { began, ...then }, done: false, readAt }
}

/** Position `{since?}` at first, then `{since?, began, page}`. */
export async function readList(context: ProviderContext, list: ListOf, position: Position): Promise<Page> {
  const since = textIn(position, 'since')
  const began = beganAt(position, context)
  const page = numberIn(position, 'page') ?? 1
  const response = await get(context, list.group, list.path, {
    ...(list.since === undefined || since === undefined ? {} : { [list.since]: since }),
    per_page: pageSize,
    page,
  })
  const rows = rowsOf(response, list.path)
  const { readAt } = response
  const found = rows.map((row) => list.pick(row))
  const here = { ...(since === undefined ? {} : { since }), began }
  if (isFull(rows)) return { rows: found, next: { ...here, page: page + 1 }, done: false, readAt }
  return { rows: found, next: list.since === undefined ? {} : resumeAt(began), done: true, readAt }
}

/** One call each: there is no list by ids. What is gone is a 404; an id that is none of Freshdesk's is not asked for. */
export async function readEach(context: ProviderContext, list: ListOf, ids: readonly string[]) {
  const rows: Row[] = []
  const readAt = context.now()
  for (const id of ids.filter((one) => /^\d{1,18}$/.test(one))) {
    const response = await get(context, 'read', `${list.path}/${id}`, {}, [404])
    if (response.status === 404) continue
    rows.push(list.pick(bodyOf(response, list.path)))
  }
  return { rows, readAt }
}
