/**
 * Lists of the accounting API, whose pages are counted from the start. What changed can be asked for by the day only: each read of
 * changes begins a day before the last one began, so that what a page has skipped is met by the reads of the same day.
 */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { Page, Position, ProviderContext, Row } from '../contract.ts'
import { accountOf, fieldsIn, get, numberIn, resultOf, rowsOf, textIn, timeIn, type Query } from './answer.ts'

const pageSize = 100
const day = 24 * 3_600_000

export interface ListOf {
  /** Below `/accounting/account/{account}`: `/invoices/invoices`. */
  readonly path: string
  /** Key of a list in the answer, and of a single object. */
  readonly many: string
  readonly one: string
  readonly include?: string
  /** What a mapping rule cannot say of a row. */
  derive?(row: JsonObject): JsonObject
}

/** Times with their zone and what the list adds, below `derived`. */
const derived = (row: JsonObject, list: ListOf): Row => ({
  ...row,
  derived: {
    updatedAt: timeIn(row, 'updated') ?? null,
    createdAt: timeIn(row, 'created_at') ?? null,
    ...list.derive?.(row),
  },
})

const includeOf = ({ include }: ListOf): Query => (include === undefined ? {} : { 'include[]': include })
const pathOf = (context: ProviderContext, { path }: ListOf) =>
  `/accounting/account/${accountOf(context.settings)}${path}`

/** A day by FreshBooks' clocks may begin before the same day in UTC or after it: the day before is early enough. */
const resumeAt = (began: string): Position => ({
  since: new Date(Date.parse(began) - day).toISOString().slice(0, 10),
})

/** Position `{since?}` at first, then `{since?, began, page}`; `since` is a day. */
export async function readList(context: ProviderContext, list: ListOf, position: Position): Promise<Page> {
  const since = textIn(position, 'since')
  const began = textIn(position, 'began') ?? context.now().toISOString()
  const page = numberIn(position, 'page') ?? 1
  const response = await get(context, pathOf(context, list), {
    ...includeOf(list),
    ...(since === undefined ? {} : { 'search[updated_min]': since }),
    per_page: pageSize,
    page,
  })
  const result = resultOf(response, list.path)
  const rows = rowsOf(result, list.many).map((row) => derived(row, list))
  const { readAt } = response
  const isLast = rows.length === 0 || page >= (numberIn(result, 'pages') ?? page)
  if (isLast) return { rows, next: resumeAt(began), done: true, readAt }
  const next = { ...(since === undefined ? {} : { since }), began, page: page + 1 }
  return { rows, next, done: false, readAt }
}

/** One call each. What is gone is a 404; an id that is none of FreshBooks' is not asked for. */
export async function readEach(context: ProviderContext, list: ListOf, ids: readonly string[]) {
  const rows: Row[] = []
  const readAt = context.now()
  for (const id of ids.filter((one) => /^\d{1,18}$/.test(one))) {
    const response = await get(context, `${pathOf(context, list)}/${id}`, includeOf(list), [404])
    if (response.status === 404) continue
    const result = resultOf(response, list.path)
    if (isJsonObject(result[list.one])) rows.push(derived(fieldsIn(result, list.one), list))
  }
  return { rows, readAt }
}

/** How many there are, by the list's own count. */
export async function countOf(context: ProviderContext, list: ListOf): Promise<number | undefined> {
  const response = await get(context, pathOf(context, list), { per_page: 1, page: 1 })
  return numberIn(resultOf(response, list.path), 'total')
}
