/** Calls to HubSpot and reading of its answers: what is not there as documented is a `Protocol` failure, never a guess. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext, ProviderRequest, ProviderResponse, Row } from '../contract.ts'
import type { Group } from './limits.ts'

export type Fields = Readonly<Record<string, unknown>>
export type Query = NonNullable<ProviderRequest['query']>

export function isFields(value: unknown): value is Fields {
  return isJsonObject(value)
}

export function protocolError(what: string): HubError {
  return new HubError('Protocol', `HubSpot answered differently from its documentation: ${what}`)
}

/** The answer's body, which must be a JSON object. */
export function bodyOf(response: ProviderResponse, what: string): Fields {
  if (!isFields(response.body)) throw protocolError(`${what}: no JSON object`)
  return response.body
}

/**
 * The rows under `key`. Elements that are no objects become `{}`, so that the schema check, not this function, reports
 * them: one bad row must not stop a page.
 */
export function rowsIn(fields: Fields, key: string): Row[] {
  const value = fields[key]
  if (!Array.isArray(value)) throw protocolError(`"${key}" is not a list`)
  return value.map((row: unknown) => (isFields(row) ? row : {}))
}

/** The objects of a list that may be missing. */
export function objectsIn(fields: Fields, key: string): Fields[] {
  const value = fields[key]
  return Array.isArray(value) ? value.filter(isFields) : []
}

export function fieldsIn(fields: Fields, key: string): Fields {
  const value = fields[key]
  return isFields(value) ? value : {}
}

export function textIn(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A number, or a text that is one: property values are texts. */
export function numberIn(fields: Fields, key: string): number | undefined {
  const value = fields[key]
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** An id as text, whatever it was written as. */
export function idIn(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  if (typeof value === 'string' && value !== '') return value
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined
}

/** A time as HubSpot writes it, or undefined where it is missing or no time. */
export function timeIn(fields: Fields, key: string): string | undefined {
  const text = textIn(fields, key)
  return text !== undefined && !Number.isNaN(Date.parse(text)) ? text : undefined
}

/** Milliseconds of a time that is ISO text, or a number or text of milliseconds. */
export function millisecondsIn(fields: Fields, key: string): number | undefined {
  const text = textIn(fields, key)
  if (text !== undefined && !/^\d+$/.test(text)) {
    const at = Date.parse(text)
    return Number.isNaN(at) ? undefined : at
  }
  return numberIn(fields, key)
}

/** `paging.next.after`: undefined on the last page. The link beside it is never followed. */
export function afterIn(body: Fields): string | undefined {
  return idIn(fieldsIn(fieldsIn(body, 'paging'), 'next'), 'after')
}

export function get(
  context: ProviderContext,
  path: string,
  query: Query = {},
  accept: readonly number[] = [],
  group: Group = 'crm',
): Promise<ProviderResponse> {
  return context.call({ method: 'GET', path, query, group, repeatable: true, accept })
}

/** A `POST` that changes nothing, or comes to the same when it is repeated. */
export function ask(
  context: ProviderContext,
  path: string,
  body: JsonObject,
  group: Group = 'crm',
  accept: readonly number[] = [],
): Promise<ProviderResponse> {
  return context.call({ method: 'POST', path, body, group, repeatable: true, accept })
}

/** Lists of at most `size`. */
export function inChunks<T>(list: readonly T[], size: number): T[][] {
  const chunks: T[][] = []
  for (let at = 0; at < list.length; at += size) chunks.push(list.slice(at, at + size))
  return chunks
}
