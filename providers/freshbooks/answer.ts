/** Calls to FreshBooks and reading of its answers: what is not there as documented is a `Protocol` failure, never a guess. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { timeOf } from '../../model/times.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext, ProviderRequest, ProviderResponse, Row, Settings } from '../contract.ts'

export type Query = NonNullable<ProviderRequest['query']>

/** Clocks that times of the accounting and events APIs are written by (README, "Reading"). */
export const zone = 'America/New_York'

export const protocolError = (what: string): HubError =>
  new HubError('Protocol', `FreshBooks answered differently from its documentation: ${what}`)

/** `{response: {result: …}}` of the accounting and events APIs. */
export function resultOf({ body }: ProviderResponse, what: string): JsonObject {
  const response = isJsonObject(body) ? body['response'] : undefined
  const result = isJsonObject(response) ? response['result'] : undefined
  if (!isJsonObject(result)) throw protocolError(`${what}: no "response.result"`)
  return result
}

/** Elements that are no objects become `{}`, so that the schema check reports them: one bad row must not stop a page. */
export function rowsOf(result: JsonObject, key: string): JsonObject[] {
  const rows = result[key]
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

/** An id as text; numbers in the accounting API. */
export function idIn(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  if (typeof value === 'string' && value !== '') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined
}

/** `2019-10-22 12:18:29` by FreshBooks' clocks as RFC 3339; undefined where it is no time. */
export function timeIn(fields: Fields, key: string): string | undefined {
  const ms = timeOf(textIn(fields, key) ?? '', zone)
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}

/** @throws HubError `NotConfigured` for a connection that does not know its account. */
export function accountOf(settings: Settings): string {
  const account = settings['account_id'] ?? ''
  if (!/^[A-Za-z0-9]{2,20}$/.test(account))
    throw new HubError(
      'NotConfigured',
      'The FreshBooks connection does not know its account. Connect it again.',
    )
  return account
}

export const get = (
  { call }: ProviderContext,
  path: string,
  query: Query = {},
  accept: readonly number[] = [],
): Promise<ProviderResponse> => call({ method: 'GET', path, query, group: 'read', repeatable: true, accept })
