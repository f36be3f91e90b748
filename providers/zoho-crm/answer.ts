/** Calls to Zoho CRM and reading of its answers: what is not there as documented is a `Protocol` failure, never a guess. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext, ProviderRequest, ProviderResponse, Row } from '../contract.ts'

export type Query = NonNullable<ProviderRequest['query']>

export const protocolError = (what: string): HubError =>
  new HubError('Protocol', `Zoho answered differently from its documentation: ${what}`)

/** An empty object for 204 (no records) and 304 (none modified). */
export function bodyOf({ status, body }: ProviderResponse, what: string): JsonObject {
  if (status === 204 || status === 304) return {}
  if (!isJsonObject(body)) throw protocolError(`${what}: no JSON object`)
  return body
}

/** Elements that are no objects become `{}`, so that the schema check reports them: one bad row must not stop a page. */
export function rowsOf(body: JsonObject, key: string): Row[] {
  const rows = body[key]
  if (rows === undefined) return []
  if (!Array.isArray(rows)) throw protocolError(`"${key}" is no list`)
  return rows.map((row) => (isJsonObject(row) ? row : {}))
}

type Fields = Row | JsonObject

export function fieldsIn(fields: Fields, key: string): JsonObject {
  const value = fields[key]
  return isJsonObject(value) ? value : {}
}

export function textIn(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function numberIn(fields: Fields, key: string): number | undefined {
  const value = fields[key]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** RFC 3339 with an offset; undefined where it is no time. */
export function timeIn(fields: Fields, key: string): string | undefined {
  const text = textIn(fields, key)
  return text === undefined || Number.isNaN(Date.parse(text)) ? undefined : text
}

/** As `If-Modified-Since` takes it: ISO 8601 to the second, with an offset. */
export const secondOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+00:00`

/** @param since only what was modified since: 304 where there is nothing. */
export const get = (
  { call }: ProviderContext,
  path: string,
  query: Query = {},
  since?: string,
): Promise<ProviderResponse> =>
  call({
    method: 'GET',
    path,
    query,
    group: 'read',
    repeatable: true,
    accept: [304],
    ...(since === undefined ? {} : { headers: { 'if-modified-since': since } }),
  })
