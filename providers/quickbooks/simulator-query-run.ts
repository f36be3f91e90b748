/** Answers a query from the books. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { Books } from './simulator-books.ts'
import { entities } from './simulator-entities.ts'
import { invalidQuery } from './simulator-faults.ts'
import type { Condition, Query } from './simulator-query.ts'
import { objectOf, textOf } from './simulator-values.ts'

/** The `QueryResponse`; an empty one has no list. @param most objects that any page holds. */
export function runQuery(books: Books, query: Query, most: number, singles: Singles): JsonObject {
  const rows = matching(books, query, singles)
  if (query.what === 'count') return { totalCount: rows.length }
  const page = rows.slice(query.start - 1, query.start - 1 + Math.min(query.size, most))
  if (page.length === 0) return {}
  return {
    [query.entityName]: page.map((row) => projected(row, query.what)),
    startPosition: query.start,
    maxResults: page.length,
  }
}

/** Objects of which a company has one. */
export type Singles = Readonly<Record<string, JsonObject>>

function matching(books: Books, query: Query, singles: Singles): readonly JsonObject[] {
  const { entity, conditions } = query
  if (entity === undefined) {
    const single = singles[query.entityName]
    return single ? [single] : []
  }
  const hidesInactive =
    entities[entity].kind === 'name' && !conditions.some(({ property }) => property === 'Active')
  const tests = conditions.map(testOf)
  const found = books
    .allShown(entity)
    .filter((row) => !(hidesInactive && row['Active'] === false) && tests.every((test) => test(row)))
  return query.order.length === 0 ? found.sort(asShown) : found.sort(byOrder(query))
}

/** Without an order the newest transactions come first, and names by their name: no order to page by. */
function asShown(one: JsonObject, other: JsonObject): number {
  const [a, b] = [one, other].map((row) => textOf(row['TxnDate']))
  if (a !== b) return (a ?? '') < (b ?? '') ? 1 : -1
  const [name, second] = [one, other].map((row) => textOf(row['DisplayName'] ?? row['Name']))
  if (name !== second) return (name ?? '') < (second ?? '') ? -1 : 1
  return Number(other['Id']) - Number(one['Id'])
}

const byOrder =
  ({ order }: Query) =>
  (one: JsonObject, other: JsonObject): number => {
    for (const { property, isDown } of order) {
      const difference = compare(property, valueOf(one, property), valueOf(other, property))
      if (difference !== 0) return isDown ? -difference : difference
    }
    // What is equal in the asked order comes in no promised one.
    return Number(other['Id']) - Number(one['Id'])
  }

/** The value of a property as text; of a reference it is the id. */
function valueOf(row: JsonObject, property: string): string {
  if (property.startsWith('MetaData.')) return textOf(objectOf(row['MetaData'])[property.slice(9)])
  const value: JsonValue | undefined = row[property]
  if (isJsonObject(value)) return textOf(value['value'] ?? value['Address'])
  return typeof value === 'boolean' ? String(value) : textOf(value)
}

const isTime = (property: string) => property.startsWith('MetaData.')
const isNumber = (text: string) => text !== '' && !Number.isNaN(Number(text))

/** Times by the moment, numbers by size, all else as text without regard to upper and lower case. */
function compare(property: string, one: string, other: string): number {
  if (isTime(property)) return Date.parse(one) - Date.parse(other)
  if (isNumber(one) && isNumber(other)) return Number(one) - Number(other)
  const [a, b] = [one.toLowerCase(), other.toLowerCase()]
  return a < b ? -1 : a > b ? 1 : 0
}

function testOf({ property, operator, values }: Condition): (row: JsonObject) => boolean {
  const wanted = values.map((value) => (isTime(property) ? momentOf(property, value) : value))
  const [first = ''] = wanted
  if (operator === 'in') {
    return (row) => wanted.some((value) => compare(property, valueOf(row, property), value) === 0)
  }
  if (operator === 'like') {
    const pattern = first.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/%/g, '.*')
    const regular = new RegExp(`^${pattern}$`, 'is')
    return (row) => regular.test(valueOf(row, property))
  }
  const holds = {
    '=': (difference: number) => difference === 0,
    '<': (difference: number) => difference < 0,
    '>': (difference: number) => difference > 0,
    '<=': (difference: number) => difference <= 0,
    '>=': (difference: number) => difference >= 0,
  }[operator]
  return (row) => {
    const value = valueOf(row, property)
    if (operator !== '=' && value === '') return false
    return holds(compare(property, value, first))
  }
}

/** A time of a condition; without a zone it is the company's (-08:00 all year, as servers read it). */
function momentOf(property: string, value: string): string {
  const text = /^\d{4}-\d{2}-\d{2}$/.test(value) ? `${value}T00:00:00` : value
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/.test(text.slice(10)) ? text : `${text}-08:00`
  if (Number.isNaN(Date.parse(zoned))) throw invalidQuery(`value ${value} of ${property} is not a date.`)
  return zoned
}

/** Only the chosen properties, where some were chosen. */
function projected(row: JsonObject, what: Query['what']): JsonObject {
  if (typeof what === 'string') return row
  const wanted = what.map((column) => (column.split('.')[0] ?? '').toLowerCase())
  const chosen = Object.entries(row).filter(([name]) => wanted.includes(name.toLowerCase()))
  return { ...Object.fromEntries(chosen), domain: 'QBO', sparse: true }
}
