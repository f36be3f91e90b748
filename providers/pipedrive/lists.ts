/**
 * Lists of API v2, read by cursor. A full read goes by id, so that what is made meanwhile comes last; an incremental one by the
 * time of the last change, so that what changes meanwhile comes again. Archived deals are in a list of their own, read second:
 * what is archived between the two is still met.
 */
import type { Page, Position, ProviderContext, Row } from '../contract.ts'
import { bodyOf, fieldsIn, get, idIn, rowsOf, secondOf, textIn, type Query } from './answer.ts'

const pageSize = 500
/** Ids that one call may ask for. */
const mostIds = 100
/** Each read begins so long before the last one began: clocks differ, and what is being written shows late. */
export const overlapMs = 10 * 60_000

export interface ListOf {
  /** `/api/v2/deals`. */
  readonly path: string
  readonly archived?: string
  /** Asked for when changes are read: a list that can tell what was deleted in the last 30 days. */
  readonly withDeleted?: Query
  /** Adds what the mapping cannot say to each row, below `derived`. */
  derive(row: Row): Row
}

interface Answered {
  readonly rows: readonly Row[]
  readonly cursor: string | undefined
  readonly readAt: Date
}

async function ask(context: ProviderContext, path: string, query: Query): Promise<Answered> {
  const response = await get(context, path, { limit: pageSize, ...query })
  const rows = rowsOf(response, path)
  const cursor = textIn(fieldsIn(bodyOf(response, path), 'additional_data'), 'next_cursor')
  return { rows, cursor, readAt: response.readAt }
}

const order = (since: string | undefined): Query =>
  since === undefined
    ? { sort_by: 'id', sort_direction: 'asc' }
    : { updated_since: since, sort_by: 'update_time', sort_direction: 'asc' }

/** When a read began, as kept in its position. */
export const beganAt = (position: Position, { now }: Pick<ProviderContext, 'now'>): string =>
  textIn(position, 'began') ?? secondOf(now().getTime())

/** Where the next incremental read begins. */
export const resumeAt = (began: string): Position => ({ since: secondOf(Date.parse(began) - overlapMs) })

/** Position `{since?}` at first, then `{since?, began, isArchived?, cursor?}`. */
export async function readList(context: ProviderContext, list: ListOf, position: Position): Promise<Page> {
  const since = textIn(position, 'since')
  const began = beganAt(position, context)
  const isArchived = position['isArchived'] === true && list.archived !== undefined
  const path = isArchived ? (list.archived ?? list.path) : list.path
  const { rows, cursor, readAt } = await ask(context, path, {
    ...order(since),
    ...(since === undefined ? {} : list.withDeleted),
    cursor: textIn(position, 'cursor'),
  })
  const here: Position = {
    ...(since === undefined ? {} : { since }),
    began,
    ...(isArchived ? { isArchived } : {}),
  }
  const found = rows.map((row) => list.derive(row))
  if (cursor !== undefined) return { rows: found, next: { ...here, cursor }, done: false, readAt }
  if (list.archived !== undefined && !isArchived)
    return { rows: found, next: { ...here, isArchived: true }, done: false, readAt }
  return { rows: found, next: resumeAt(began), done: true, readAt }
}

/** All of a short list. */
export async function readWhole(context: ProviderContext, path: string, query: Query = {}) {
  const rows: Row[] = []
  const readAt = context.now()
  let cursor: string | undefined
  do {
    const answered = await ask(context, path, { ...query, cursor })
    rows.push(...answered.rows)
    cursor = answered.cursor
  } while (cursor !== undefined)
  return { rows, readAt }
}

/** Ids that do not exist, or that the user may not see, are left out by Pipedrive. Archived deals are asked for apart. */
export async function readByIds(context: ProviderContext, list: ListOf, ids: readonly string[]) {
  const rows: Row[] = []
  const readAt = context.now()
  const numeric = ids.filter((id) => /^\d+$/.test(id))
  for (let at = 0; at < numeric.length; at += mostIds) {
    let wanted = numeric.slice(at, at + mostIds)
    for (const path of [list.path, list.archived]) {
      if (path === undefined || wanted.length === 0) continue
      const found = (await readWhole(context, path, { ids: wanted.join(',') })).rows
      rows.push(...found.map((row) => list.derive(row)))
      const known = new Set(found.map((row) => idIn(row, 'id')))
      wanted = wanted.filter((id) => !known.has(id))
    }
  }
  return { rows, readAt }
}
