/** Reading Mixpanel's answers: what is not there as documented is a `Protocol` failure, never a guess. */
import type { ProviderResponse, Row } from '../contract.ts'
import { isJsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'

export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return isJsonObject(value)
}

export function protocolError(what: string): HubError {
  return new HubError('Protocol', `Mixpanel answered differently from its documentation: ${what}`)
}

/** The answer's body, which must be a JSON object. */
export function bodyOf(response: ProviderResponse, what: string): Fields {
  if (!isFields(response.body)) throw protocolError(`${what}: no JSON object`)
  return response.body
}

/**
 * A list of rows. Elements that are no objects are kept as `{}` so that the schema check, not this function, reports them:
 * one bad row must not stop a page.
 */
export function rowsOf(value: unknown, what: string): Row[] {
  if (!Array.isArray(value)) throw protocolError(`${what}: no list`)
  return value.map((row: unknown) => (isFields(row) ? row : {}))
}

/** The App API wraps what it gives: `{status: 'ok', results}`. */
export function resultsOf(response: ProviderResponse, what: string): unknown {
  const body = bodyOf(response, what)
  if (!('results' in body)) throw protocolError(`${what}: no "results"`)
  return body['results']
}

export const fieldsIn = (fields: Fields, key: string): Fields => {
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

/** An id as text: Mixpanel has numbers, UUIDs and whatever the account's own apps send. */
export function idText(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined
}
