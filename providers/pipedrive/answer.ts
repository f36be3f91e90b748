/** Calls to Pipedrive and reading of its answers: what is not there as documented is a `Protocol` failure, never a guess. */
import { isJsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext, ProviderRequest, ProviderResponse, Row } from '../contract.ts'

export type Fields = Readonly<Record<string, unknown>>
export type Query = NonNullable<ProviderRequest['query']>

export function isFields(value: unknown): value is Fields {
  return isJsonObject(value)
}

export const protocolError = (what: string): HubError =>
  new HubError('Protocol', `Pipedrive answered differently from its documentation: ${what}`)

/** Every answer is an envelope: `success`, `data`, `additional_data`. */
export function bodyOf({ body }: ProviderResponse, what: string): Fields {
  if (!isFields(body)) throw protocolError(`${what}: no JSON object`)
  return body
}

/** `data` as an object. */
export function dataOf(response: ProviderResponse, what: string): Fields {
  const { data } = bodyOf(response, what)
  if (!isFields(data)) throw protocolError(`${what}: no "data"`)
  return data
}

/**
 * `data` as a list; null stands for an empty one (v1). Elements that are no objects become `{}`, so that the schema check
 * reports them: one bad row must not stop a page.
 */
export function rowsOf(response: ProviderResponse, what: string): Row[] {
  const { data } = bodyOf(response, what)
  if (data === null) return []
  if (!Array.isArray(data)) throw protocolError(`${what}: "data" is not a list`)
  return data.map((row: unknown) => (isFields(row) ? row : {}))
}

export function fieldsIn(fields: Fields, key: string): Fields {
  const value = fields[key]
  return isFields(value) ? value : {}
}

export function objectsIn(fields: Fields, key: string): Fields[] {
  const value = fields[key]
  return Array.isArray(value) ? value.filter(isFields) : []
}

export function textIn(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function numberIn(fields: Fields, key: string): number | undefined {
  const value = fields[key]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** An id as text, whatever it was written as: numbers, of leads UUIDs. */
export function idIn(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  if (typeof value === 'string' && value !== '') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined
}

const withoutZone = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/

/** RFC 3339 in v2 and of leads, `YYYY-MM-DD HH:MM:SS` in UTC elsewhere in v1; undefined where it is no time. */
export function timeIn(fields: Fields, key: string): string | undefined {
  const text = textIn(fields, key)
  if (text === undefined) return undefined
  const whole = withoutZone.test(text) ? `${text.replace(' ', 'T')}Z` : text
  return Number.isNaN(Date.parse(whole)) ? undefined : whole
}

/** As `updated_since` takes it: RFC 3339 to the second. */
export const secondOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

export function get(
  { call }: ProviderContext,
  path: string,
  query: Query = {},
  accept: readonly number[] = [],
): Promise<ProviderResponse> {
  return call({ method: 'GET', path, query, group: 'read', repeatable: true, accept })
}
