/** Reading QuickBooks' answers: what is not there as documented is a `Protocol` failure, never a guess. */
import type { ProviderContext, ProviderRequest, ProviderResponse, Row, Settings } from '../contract.ts'
import { isJsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { faultIn } from './errors.ts'
import type { Group } from './limits.ts'

export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields => isJsonObject(value)

export function protocolError(what: string): HubError {
  return new HubError('Protocol', `QuickBooks answered differently from its documentation: ${what}`)
}

export function textIn(fields: Fields | undefined, key: string): string | undefined {
  const value = fields?.[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function numberIn(fields: Fields | undefined, key: string): number | undefined {
  const value = fields?.[key]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

export function fieldsIn(fields: Fields | undefined, key: string): Fields | undefined {
  const value = fields?.[key]
  return isFields(value) ? value : undefined
}

/** The objects of a list; none where there is no list. */
export function listIn(fields: Fields | undefined, key: string): Fields[] {
  const value = fields?.[key]
  return Array.isArray(value) ? value.filter(isFields) : []
}

/** The id inside a reference: `{ "value": "12", "name": "…" }`. */
export const refIn = (fields: Fields | undefined, key: string): string | undefined =>
  textIn(fieldsIn(fields, key), 'value')

/** A row's own moment of change as QuickBooks wrote it: `2026-11-01T10:00:00-07:00`. */
export const changedAt = (row: Row): string | undefined => {
  const time = textIn(fieldsIn(row, 'MetaData'), 'LastUpdatedTime')
  return time !== undefined && !Number.isNaN(Date.parse(time)) ? time : undefined
}

/**
 * Elements that are no objects are kept as empty rows, so that the schema check reports them: one bad row must not stop a
 * page. An empty result has no list at all.
 */
export function rowsIn(fields: Fields, key: string): Row[] {
  const value = fields[key]
  if (value === undefined) return []
  if (!Array.isArray(value)) throw protocolError(`"${key}" is not a list`)
  return value.map((row: unknown) => (isFields(row) ? row : {}))
}

/** Of the base, of old minor versions nothing is kept since 2025-08 (README). */
export const minorVersion = 75

/** The company's id, which is part of every path. @throws HubError `NotConfigured` for what is not digits only. */
export function realmOf(settings: Settings): string {
  const realm = settings['realm_id'] ?? ''
  if (!/^[0-9]{5,25}$/.test(realm))
    throw new HubError('NotConfigured', 'The QuickBooks connection lacks its company id. Connect it again.')
  return realm
}

export const companyPath = (settings: Settings, path: string): string =>
  `/v3/company/${realmOf(settings)}${path}`

type Asked = Partial<Omit<ProviderRequest, 'path' | 'group'>>

/**
 * One call below the company. @throws HubError also for a fault in a 200 answer.
 */
export async function ask(
  context: ProviderContext,
  group: Group,
  path: string,
  request: Asked = {},
): Promise<ProviderResponse & { readonly fields: Fields }> {
  const response = await context.call({
    method: 'GET',
    ...request,
    path: companyPath(context.settings, path),
    query: { minorversion: minorVersion, ...request.query },
    group,
  })
  const { body } = response
  const fault = faultIn(body, response.readAt)
  if (fault) throw fault
  if (!isFields(body)) throw protocolError(`${path}: no JSON object`)
  return { ...response, fields: body }
}

/** When QuickBooks answered, by its own clock; by ours where it does not say. */
export function timeOf(response: ProviderResponse & { readonly fields: Fields }): Date {
  const time = Date.parse(textIn(response.fields, 'time') ?? '')
  return Number.isNaN(time) ? response.readAt : new Date(time)
}
