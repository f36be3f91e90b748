/** Calls to Freshdesk and reading of its answers: what is not there as documented is a `Protocol` failure, never a guess. */
import { isJsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext, ProviderRequest, ProviderResponse, Row } from '../contract.ts'
import type { Group } from './limits.ts'

export type Fields = Readonly<Record<string, unknown>>
export type Query = NonNullable<ProviderRequest['query']>

export function isFields(value: unknown): value is Fields {
  return isJsonObject(value)
}

export const protocolError = (what: string): HubError =>
  new HubError('Protocol', `Freshdesk answered differently from its documentation: ${what}`)

export function bodyOf({ body }: ProviderResponse, what: string): Fields {
  if (!isFields(body)) throw protocolError(`${what}: no JSON object`)
  return body
}

/** Lists come bare. Elements that are no objects become `{}`, so that the schema check reports them: one bad row must not stop a page. */
export function rowsOf({ body }: ProviderResponse, what: string): Row[] {
  if (!Array.isArray(body)) throw protocolError(`${what}: not a list`)
  return body.map((row: unknown) => (isFields(row) ? row : {}))
}

export function fieldsIn(fields: Fields, key: string): Fields {
  const value = fields[key]
  return isFields(value) ? value : {}
}

export function textIn(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function numberIn(fields: Fields, key: string): number | undefined {
  const value = fields[key]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** An id as text; ids are numbers. */
export function idIn(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined
}

/** RFC 3339; undefined where it is no time. */
export function timeIn(fields: Fields, key: string): string | undefined {
  const text = textIn(fields, key)
  return text === undefined || Number.isNaN(Date.parse(text)) ? undefined : text
}

/** As `updated_since` takes it: RFC 3339 to the second. */
export const secondOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

export function get(
  { call }: ProviderContext,
  group: Group,
  path: string,
  query: Query = {},
  accept: readonly number[] = [],
): Promise<ProviderResponse> {
  return call({ method: 'GET', path, query, group, repeatable: true, accept })
}
