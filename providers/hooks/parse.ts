/** What splitters share: bodies as JSON with clear faults, fields of unknown shape. */
import type { HookRequest } from '../contract-webhook.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'

/** The body as JSON. @throws HubError `Invalid`. */
export function jsonOf(request: HookRequest): JsonValue {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body)) as JsonValue
  } catch {
    throw unreadable('it is not JSON in UTF-8')
  }
}

/** The body as a JSON object. @throws HubError `Invalid`. */
export function objectOf(request: HookRequest): JsonObject {
  const value = jsonOf(request)
  if (!isJsonObject(value)) throw unreadable('it is not a JSON object')
  return value
}

export const unreadable = (reason: string): HubError =>
  new HubError('Invalid', `The body of the webhook cannot be read: ${reason}.`)

/** A text or a number as text; undefined for anything else and for an empty text. */
export function textIn(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function objectIn(object: JsonObject, name: string): JsonObject | undefined {
  const value = object[name]
  return isJsonObject(value) ? value : undefined
}

export function objectsIn(object: JsonObject, name: string): JsonObject[] {
  const value = object[name]
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

/** The moment of an RFC 3339 text or of milliseconds; undefined for what is neither. */
export function momentOf(value: JsonValue | undefined): Date | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? undefined : date
}
