/** Reading Xero's answers: what is not there as documented is a `Protocol` failure, never a guess. */
import type { ProviderContext, ProviderRequest, ProviderResponse, Row } from '../contract.ts'
import { isJsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { Group } from './limits.ts'

export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields => isJsonObject(value)

export const protocolError = (what: string): HubError =>
  new HubError('Protocol', `Xero answered differently from its documentation: ${what}`)

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

/**
 * Elements that are no objects are kept as empty rows, so that the schema check reports them: one bad row must not stop a
 * page.
 */
export function rowsIn(fields: Fields, key: string): Row[] {
  const value = fields[key]
  if (!Array.isArray(value)) throw protocolError(`"${key}" is not a list`)
  return value.map((row: unknown) => (isFields(row) ? row : {}))
}

type Asked = Partial<Omit<ProviderRequest, 'path' | 'group'>>

/** One call of the accounting API; undefined for a 404 that the request accepts. */
export async function ask(
  context: ProviderContext,
  group: Group,
  path: string,
  request: Asked = {},
): Promise<ProviderResponse & { readonly fields: Fields | undefined }> {
  const response = await context.call({
    method: 'GET',
    ...request,
    path: `/api.xro/2.0${path}`,
    group,
  })
  if (response.status === 404) return { ...response, fields: undefined }
  if (!isFields(response.body)) throw protocolError(`${path}: no JSON object`)
  return { ...response, fields: response.body }
}

/** An id as Xero makes them; anything else is asked for nowhere, since ids become parts of paths. */
export const isId = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)
