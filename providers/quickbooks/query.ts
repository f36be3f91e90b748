/** QuickBooks' query language: statements, whole reads by key, reads by id, counts. */
import type { Page, Position, ProviderContext, Row } from '../contract.ts'
import { ask, changedAt, fieldsIn, numberIn, protocolError, rowsIn, textIn, timeOf } from './answer.ts'
import type { Entity } from './entities.ts'
import type { Group } from './limits.ts'

/** Most rows of one answer. */
const pageSize = 1000
/** How many rows of a page's end the position remembers. */
const rememberedRows = 20

/** A text for a statement: quotes and backslashes are escaped by a backslash (data queries page, README). */
export const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** Conditions, joined by AND; lists hide inactive objects unless both values are asked for. */
export function whereOf(entity: Entity, conditions: readonly string[]): string {
  const all = entity.isList ? ['Active in (true,false)', ...conditions] : conditions
  return all.length === 0 ? '' : ` where ${all.join(' and ')}`
}

export interface QueryAnswer {
  readonly rows: Row[]
  readonly totalCount: number | undefined
  /** The moment of the answer by QuickBooks' clock. */
  readonly time: Date
  readonly readAt: Date
}

export async function query(
  context: ProviderContext,
  name: string,
  statement: string,
  group: Group = 'query',
): Promise<QueryAnswer> {
  const response = await ask(context, group, '/query', { query: { query: statement }, repeatable: true })
  const found = fieldsIn(response.fields, 'QueryResponse')
  if (!found) throw protocolError('"QueryResponse" is missing')
  return {
    rows: rowsIn(found, name),
    totalCount: numberIn(found, 'totalCount'),
    time: timeOf(response),
    readAt: response.readAt,
  }
}

/** Everything that fits, page after page, until an answer brings nothing. For short lists and date ranges of reports. */
export async function queryAll(
  context: ProviderContext,
  entity: Entity,
  conditions: readonly string[] = [],
  most = 20_000,
): Promise<{ rows: Row[]; isWhole: boolean }> {
  const rows: Row[] = []
  for (;;) {
    const clause = `${whereOf(entity, conditions)} orderby Id startposition ${rows.length + 1} maxresults ${pageSize}`
    const answer = await query(context, entity.name, `select * from ${entity.name}${clause}`)
    rows.push(...answer.rows)
    if (answer.rows.length === 0) return { rows, isWhole: true }
    if (rows.length >= most) return { rows: rows.slice(0, most), isWhole: false }
  }
}

/** Objects by id; what is gone is missing. Asked on while an answer is shorter than what was asked for. */
export async function queryByIds(
  context: ProviderContext,
  entity: Entity,
  ids: readonly string[],
): Promise<{ rows: Row[]; readAt: Date }> {
  const known = ids.filter((id) => /^[A-Za-z0-9]{1,30}$/.test(id))
  const rows: Row[] = []
  let readAt: Date | undefined
  while (rows.length < known.length) {
    const where = whereOf(entity, [`Id in (${known.map(quoted).join(',')})`])
    const answer = await query(
      context,
      entity.name,
      `select * from ${entity.name}${where} startposition ${rows.length + 1} maxresults ${pageSize}`,
    )
    readAt ??= answer.readAt
    rows.push(...answer.rows)
    if (answer.rows.length === 0) break
  }
  return { rows, readAt: readAt ?? context.now() }
}

/** QuickBooks' own count, inactive ones included. */
export async function count(context: ProviderContext, entity: Entity): Promise<number | undefined> {
  const statement = `select count(*) from ${entity.name}${whereOf(entity, [])}`
  return (await query(context, entity.name, statement)).totalCount
}

/** A row as it stands: a changed one has a new SyncToken. */
const keyOf = (row: Row): string => `${textIn(row, 'Id') ?? ''}/${textIn(row, 'SyncToken') ?? ''}`

/** Where a whole read stands. `began`: its start by QuickBooks' clock, from which on changes are followed afterwards. */
interface Place {
  readonly from: string | undefined
  readonly start: number
  readonly border: readonly string[]
  readonly began: string | undefined
}

function placeOf(position: Position): Place {
  const { from, start, border, began } = position
  return {
    from: typeof from === 'string' ? from : undefined,
    start: typeof start === 'number' ? start : 1,
    border: Array.isArray(border) ? border.filter((key) => typeof key === 'string') : [],
    began: typeof began === 'string' ? began : undefined,
  }
}

/**
 * One page of a whole read, in the order of the last change. The next page begins at the last row's moment, so that what
 * changes meanwhile shifts nothing: it comes again later. Rows of that moment come twice; those still unchanged are left
 * out. Where a moment holds more rows than a page, the read counts on within it, with an overlap that shows whether rows
 * have left it meanwhile; if so, the moment is read again from its beginning.
 * @param finish makes the position after the last page from the moment at which the read began.
 */
export async function readWhole(
  context: ProviderContext,
  entity: Entity,
  position: Position,
  finish: (began: string) => Position,
): Promise<Page> {
  const place = placeOf(position)
  const conditions = place.from === undefined ? [] : [`MetaData.LastUpdatedTime >= ${quoted(place.from)}`]
  const answer = await query(
    context,
    entity.name,
    `select * from ${entity.name}${whereOf(entity, conditions)} orderby MetaData.LastUpdatedTime, Id ` +
      `startposition ${place.start} maxresults ${pageSize}`,
  )
  const began = place.began ?? answer.time.toISOString()
  const { readAt } = answer
  const known = new Set(place.border)
  const rows = answer.rows.filter((row) => !known.has(keyOf(row)))
  const isShifted = place.start > 1 && place.border.length > 0 && rows.length === answer.rows.length
  if (isShifted) return { rows, next: next(position, place.from, 1, [], began), done: false, readAt }
  if (rows.length === 0) return { rows, next: finish(began), done: true, readAt }
  return { rows, next: after(position, place, answer.rows, began), done: false, readAt }
}

/** The place after a page that brought something new. */
function after(position: Position, place: Place, rows: readonly Row[], began: string): Position {
  const last = rows.findLast((row) => changedAt(row) !== undefined)
  const moment = last && changedAt(last)
  const isSame = (one: string | undefined): boolean =>
    one !== undefined && moment !== undefined && Date.parse(one) === Date.parse(moment)
  const border = rows
    .filter((row) => isSame(changedAt(row)))
    .slice(-rememberedRows)
    .map(keyOf)
  if (moment === undefined || isSame(place.from))
    return next(position, place.from, place.start + rows.length - border.length, border, began)
  return next(position, moment, 1, border, began)
}

function next(
  position: Position,
  from: string | undefined,
  start: number,
  border: readonly string[],
  began: string,
): Position {
  const { from: _from, ...kept } = position
  return { ...kept, ...(from === undefined ? {} : { from }), start, border: [...border], began }
}
