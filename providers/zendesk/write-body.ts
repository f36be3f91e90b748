/** What the writers share: the hub's fields as Zendesk's bodies, and whether an object is what was asked for. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { lookUp } from '../../model/mapping.ts'
import { isSame, leavesOf } from '../../model/merge.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderResponse, Row, Written } from '../contract.ts'
import { bodyOf, idToSend, objectIn, timeIn } from './answer.ts'

const isId = (value: JsonValue): value is string => typeof value === 'string' && /^\d{1,20}$/.test(value)

const sentId = (value: JsonValue): JsonValue => (isId(value) ? idToSend(value) : value)

/** `requester_id`, `group_ids`, but not `external_id`, which is any text. */
const namesIds = (name: string): boolean => /(^|_)ids?$/.test(name) && name !== 'external_id'

/** Ids are text in the hub and numbers at Zendesk, in `custom_fields` too; everything else goes as it is. */
export function bodyFor(fields: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]): [string, JsonValue] => {
      if (name === 'custom_fields' && Array.isArray(value))
        return [name, value.map((field) => (isJsonObject(field) ? bodyFor(field) : field))]
      if (!namesIds(name)) return [name, value]
      return [name, Array.isArray(value) ? value.map(sentId) : sentId(value)]
    }),
  )
}

/** @throws HubError `Invalid` when the field is among those to write; `why` tells what to do instead. */
export function refuseField(fields: JsonObject, name: string, why: string): void {
  if (!Object.hasOwn(fields, name)) return
  throw new HubError('Invalid', why, { fields: [{ pointer: `/${name}`, detail: why }] })
}

const loosely = (value: unknown): unknown => (typeof value === 'string' ? value.trim().toLowerCase() : value)

const asSet = (list: readonly unknown[]): string[] =>
  list.map((one) => JSON.stringify(loosely(one))).sort((one, other) => (one < other ? -1 : 1))

/** True when the object has every value that was asked for; Zendesk trims texts, lowers addresses and tags, and sorts lists. */
export function isAsAsked(row: Row, fields: JsonObject): boolean {
  return leavesOf(fields).every(({ path, value }) => {
    const found = lookUp(row, path.split('.'))
    if (Array.isArray(value)) return Array.isArray(found) && isSame(asSet(found).join(), asSet(value).join())
    return isSame(loosely(found), loosely(value))
  })
}

/** The object in an answer, which Zendesk documents as the same that a reading gives. */
export const writtenIn = (response: ProviderResponse, key: string): Written => ({
  row: objectIn(bodyOf(response, key), key),
  readAt: response.readAt,
})

/** @throws HubError `Conflict` when `updated_at` is no longer that of `current`. */
export function assertUnchanged(found: Row, current: Row): void {
  const expected = timeIn(current, 'updated_at')
  const now = timeIn(found, 'updated_at')
  if (expected === undefined || now === undefined || Date.parse(expected) === Date.parse(now)) return
  throw new HubError('Conflict', 'The object has changed at Zendesk since it was read')
}

/** For writers of objects without a version token. */
export const goneError = (what: string): HubError =>
  new HubError('NotFound', `Zendesk has no such ${what} any more`)
