/** Reading Zendesk's answers: what is not there as documented is a `Protocol` failure, never a guess. */
import type { Position, ProviderContext, ProviderResponse, Row } from '../contract.ts'
import type { Group } from './limits.ts'
import { isJsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'

export type Fields = Readonly<Record<string, unknown>>
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export function isFields(value: unknown): value is Fields {
  return isJsonObject(value)
}

export function protocolError(what: string): HubError {
  return new HubError('Protocol', `Zendesk answered differently from its documentation: ${what}`)
}

/** The answer's body, which must be a JSON object. */
export function bodyOf(response: ProviderResponse, what: string): Fields {
  if (!isFields(response.body)) throw protocolError(`${what}: no JSON object`)
  return response.body
}

/** The object under `key`. */
export function objectIn(fields: Fields, key: string): Fields {
  const value = fields[key]
  if (!isFields(value)) throw protocolError(`"${key}" is not an object`)
  return value
}

/**
 * The rows under `key`. Elements that are no objects are kept as `{}` fields so that the schema check, not this
 * function, reports them: one bad row must not stop a page.
 */
export function rowsIn(fields: Fields, key: string): Row[] {
  const value = fields[key]
  if (!Array.isArray(value)) throw protocolError(`"${key}" is not a list`)
  return value.map((row: unknown) => (isFields(row) ? row : {}))
}

export function textIn(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function numberIn(fields: Fields, key: string): number | undefined {
  const value = fields[key]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** An id as text. Newer accounts have ids beyond 2^53: the transport hands those over as text already. */
export function idText(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'bigint') return value.toString()
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined
}

/** An id for a request body: a number where a number can hold it, as Zendesk documents ids; text beyond 2^53. */
export function idToSend(id: string): number | string {
  const number = Number(id)
  return Number.isSafeInteger(number) ? number : id
}

/** A time as Zendesk writes it, or undefined where it is missing or no time. */
export function timeIn(fields: Fields, key: string): string | undefined {
  const text = textIn(fields, key)
  return text !== undefined && !Number.isNaN(Date.parse(text)) ? text : undefined
}

/** A `GET` of the given group. */
export function get(
  context: ProviderContext,
  group: Group,
  path: string,
  query: Query = {},
  accept: readonly number[] = [],
): Promise<ProviderResponse> {
  return context.call({ method: 'GET', path, query, group, repeatable: true, accept })
}

/** A number or text of a stored position. */
export const positionNumber = (position: Position, key: string): number | undefined => numberIn(position, key)
export const positionText = (position: Position, key: string): string | undefined => textIn(position, key)

/**
 * `{ "count": { "value", "refreshed_at" } }`. Above 100,000 Zendesk's figure is up to a day old, and capped while
 * `refreshed_at` is null (count endpoints in tickets, users, organizations .openapi.yaml): then it will not do as a
 * yardstick, and the answer is undefined.
 */
export async function readCount(context: ProviderContext, path: string): Promise<number | undefined> {
  const response = await get(context, 'support', path, {}, [403, 404])
  if (response.status >= 400) return undefined
  const count = objectIn(bodyOf(response, 'count'), 'count')
  const value = numberIn(count, 'value')
  return value === undefined || value > 100_000 || textIn(count, 'refreshed_at') === undefined
    ? undefined
    : value
}
