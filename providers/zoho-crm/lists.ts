/**
 * Records of a module, read in the order of their last change: each page begins at the last time of the one before, so that nothing is
 * skipped when records change meanwhile, and neither the 2,000 records of numbered pages nor the end of a page token is ever reached. By
 * number only within one second that fills a page. What was deleted is a list of its own, read last.
 */
import type { Page, Position, ProviderContext, Row } from '../contract.ts'
import { bodyOf, fieldsIn, get, numberIn, rowsOf, secondOf, textIn, timeIn } from './answer.ts'

const pageSize = 200
/** `ids` of one call. */
const mostIds = 100
/** Each read begins so long before the last one began: clocks differ, and what is being written shows late. */
export const overlapMs = 10 * 60_000
const beginning = '1970-01-01T00:00:00+00:00'
/** Deleted records leave the recycle bin after 60 days, and the list some time later: half of that is safe. */
const rememberedMs = 50 * 24 * 3_600_000

export interface ModuleOf {
  /** API name: `Leads`. */
  readonly module: string
  /** API names of the fields that are asked for, at most 50. */
  readonly fields: readonly string[]
}

const pathOf = ({ module }: ModuleOf) => `/crm/v8/${module}`
const before = (time: string): string => secondOf(Date.parse(time) - 1000)
const isLater = (one: string, other: string): boolean => Date.parse(one) > Date.parse(other)
const beganAt = (position: Position, { now }: Pick<ProviderContext, 'now'>): string =>
  textIn(position, 'began') ?? secondOf(now().getTime())
const resumeAt = (began: string): Position => ({ since: secondOf(Date.parse(began) - overlapMs) })

/** False when deletions since then are not told any more. */
export function canResume(position: Position, now: Date): boolean {
  const since = textIn(position, 'since')
  return since === undefined || now.getTime() - Date.parse(since) < rememberedMs
}

/** Position `{since?}` at first, then `{since?, began, from, page}`, then `{since, began, isDeleted, page}`. */
export function readModule(context: ProviderContext, module: ModuleOf, position: Position): Promise<Page> {
  return position['isDeleted'] === true
    ? readDeleted(context, module, position)
    : readLiving(context, module, position)
}

/**
 * Whether `If-Modified-Since` takes in the second that it names is not said: a page begins a second before the last time of the one
 * before.
 */
async function readLiving(context: ProviderContext, module: ModuleOf, position: Position): Promise<Page> {
  const since = textIn(position, 'since')
  const began = beganAt(position, context)
  const from = textIn(position, 'from') ?? since ?? beginning
  const page = numberIn(position, 'page') ?? 1
  const query = {
    fields: module.fields.join(','),
    sort_by: 'Modified_Time',
    sort_order: 'asc',
    per_page: pageSize,
    page,
  }
  const response = await get(context, pathOf(module), query, from)
  const body = bodyOf(response, module.module)
  const rows = rowsOf(body, 'data')
  const { readAt } = response
  const here = { ...(since === undefined ? {} : { since }), began }
  if (fieldsIn(body, 'info')['more_records'] === true && rows.length > 0) {
    const last = timeIn(rows.at(-1) ?? {}, 'Modified_Time')
    const next = last === undefined ? from : before(last)
    const then = isLater(next, from) ? { from: next, page: 1 } : { from, page: page + 1 }
    return { rows, next: { ...here, ...then }, done: false, readAt }
  }
  // What was deleted before the first read was never here.
  if (since === undefined) return { rows, next: resumeAt(began), done: true, readAt }
  return { rows, next: { ...here, isDeleted: true, page: 1 }, done: false, readAt }
}

async function readDeleted(context: ProviderContext, module: ModuleOf, position: Position): Promise<Page> {
  const since = textIn(position, 'since') ?? beginning
  const began = beganAt(position, context)
  const page = numberIn(position, 'page') ?? 1
  const query = { type: 'all', per_page: pageSize, page }
  const response = await get(context, `${pathOf(module)}/deleted`, query, since)
  const body = bodyOf(response, `${module.module}/deleted`)
  const deletedIds = rowsOf(body, 'data').flatMap((row) => textIn(row, 'id') ?? [])
  const { readAt } = response
  if (fieldsIn(body, 'info')['more_records'] === true && deletedIds.length > 0) {
    const next = { since, began, isDeleted: true, page: page + 1 }
    return { rows: [], deletedIds, next, done: false, readAt }
  }
  return { rows: [], deletedIds, next: resumeAt(began), done: true, readAt }
}

/** Ids that do not exist, or that the user may not see, are left out by Zoho. */
export async function readByIds(context: ProviderContext, module: ModuleOf, ids: readonly string[]) {
  const rows: Row[] = []
  const readAt = context.now()
  const numeric = ids.filter((id) => /^\d{1,20}$/.test(id))
  for (let at = 0; at < numeric.length; at += mostIds) {
    const query = {
      fields: module.fields.join(','),
      ids: numeric.slice(at, at + mostIds).join(','),
      per_page: pageSize,
    }
    rows.push(...rowsOf(bodyOf(await get(context, pathOf(module), query), module.module), 'data'))
  }
  return { rows, readAt }
}

/** Users: a short list by number, whole each time. */
export async function readUsers(context: ProviderContext, position: Position): Promise<Page> {
  const page = numberIn(position, 'page') ?? 1
  const query = { type: 'AllUsers', per_page: pageSize, page }
  const response = await get(context, '/crm/v8/users', query)
  const body = bodyOf(response, 'users')
  const rows = rowsOf(body, 'users')
  const { readAt } = response
  return fieldsIn(body, 'info')['more_records'] === true && rows.length > 0
    ? { rows, next: { page: page + 1 }, done: false, readAt }
    : { rows, next: {}, done: true, readAt }
}
