/** Bodies of writes: lines unfolded, versions added, lists sent whole. */
import { createHash } from 'node:crypto'
import type { Row, Settings } from '../contract.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { listIn, textIn } from './answer.ts'
import { productOf } from './amounts.ts'
import { currencyOf } from './derive.ts'
import type { Entity } from './entities.ts'

/**
 * The key under which QuickBooks answers a repetition with the first answer: 36 hex digits of the hub's key, which fits
 * the 50 characters of single calls and the 36 of batches. One key per call: `step` tells the calls of one action apart.
 */
export const requestIdOf = (idempotencyKey: string, step = ''): string =>
  createHash('sha256').update(`${idempotencyKey}\0${step}`).digest('hex').slice(0, 36)

/** `{"a.b": 1, "c.0.d": 2}` → `{a: {b: 1}, c: [{d: 2}]}`; what is null or missing is left out. */
function unfold(flat: JsonObject): JsonObject {
  const root: JsonObject = {}
  for (const [path, value] of Object.entries(flat)) {
    if (value === null) continue
    const keys = path.split('.')
    let place: JsonObject | JsonValue[] = root
    keys.forEach((key, index) => {
      const following = keys[index + 1]
      const holder = place as JsonObject
      if (following === undefined) holder[key] = value
      else {
        const inner = holder[key] ?? (/^\d+$/.test(following) ? [] : {})
        holder[key] = inner
        place = inner as JsonObject | JsonValue[]
      }
    })
  }
  return root
}

function merged(under: JsonObject, over: JsonObject): JsonObject {
  const result: JsonObject = { ...under }
  for (const [key, value] of Object.entries(over)) {
    const before = result[key]
    result[key] = isJsonObject(before) && isJsonObject(value) ? merged(before, value) : value
  }
  return result
}

/** An amount that follows from quantity and price need not be given: QuickBooks wants it all the same. */
function withAmount(line: JsonObject, currency: string): JsonObject {
  const detail = line['SalesItemLineDetail'] ?? line['ItemBasedExpenseLineDetail']
  if (line['Amount'] !== undefined || !isJsonObject(detail)) return line
  const { Qty: quantity, UnitPrice: price } = detail
  if (typeof price !== 'number') return line
  const amount = productOf(typeof quantity === 'number' ? quantity : 1, price, currency)
  return amount === undefined ? line : { ...line, Amount: amount }
}

/** Lines of the wish; one that names a line that exists is laid over it, so that nothing of it is lost. */
function linesOf(given: readonly JsonValue[], current: Row | undefined, currency: string): JsonValue[] {
  const known = new Map(listIn(current, 'Line').map((line) => [textIn(line, 'Id'), line as JsonObject]))
  return given.filter(isJsonObject).map((flat) => {
    const line = unfold(flat)
    const before = typeof line['Id'] === 'string' ? known.get(line['Id']) : undefined
    return withAmount(before ? merged(before, line) : line, currency)
  })
}

/** The body of a creation. */
export function createBody(fields: JsonObject, settings: Settings): JsonObject {
  const { Line: lines, ...rest } = fields
  if (!Array.isArray(lines)) return rest
  return { ...rest, Line: linesOf(lines, undefined, currencyOf(fields, settings)) }
}

/** `{Id, SyncToken}` of an object that was just read. */
export function versionOf(current: Row): { Id: string; SyncToken: string } {
  const id = textIn(current, 'Id')
  const token = textIn(current, 'SyncToken')
  if (id === undefined || token === undefined)
    throw new HubError('Protocol', 'QuickBooks gave an object without id or version')
  return { Id: id, SyncToken: token }
}

/**
 * The body of an update, sparse where QuickBooks understands that. A list that is sent stands for the whole list, and some transactions lose their lines when
 * none are sent: all lines go along, subtotals excepted, which QuickBooks makes itself.
 */
export function updateBody(entity: Entity, fields: JsonObject, current: Row, settings: Settings): JsonObject {
  const { Line: lines, CurrencyRef: _currency, ...rest } = fields
  const always = Object.fromEntries(
    entity.always.flatMap((name) =>
      current[name] === undefined ? [] : [[name, current[name] as JsonValue]],
    ),
  )
  const kept = listIn(current, 'Line').filter((line) => textIn(line, 'DetailType') !== 'SubTotalLineDetail')
  const all = Array.isArray(lines)
    ? linesOf(lines, current, currencyOf(current, settings))
    : (kept as JsonObject[])
  // A part of an object (one line of an address) stands for the whole object as well.
  const whole = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => {
      const before = current[key]
      return [key, isJsonObject(value) && isJsonObject(before) ? merged(before, value) : value]
    }),
  )
  return {
    ...(entity.isWhole ? ownFields(current) : always),
    ...whole,
    ...(entity.hasLines ? { Line: all } : {}),
    ...versionOf(current),
    sparse: !entity.isWhole,
  }
}

/** What QuickBooks works out itself, and what the hub has added. */
const notSent = new Set(['derived', 'domain', 'sparse', 'status', 'MetaData', 'TotalAmt', 'HomeTotalAmt'])

const ownFields = (current: Row): JsonObject =>
  Object.fromEntries(Object.entries(current as JsonObject).filter(([name]) => !notSent.has(name)))
