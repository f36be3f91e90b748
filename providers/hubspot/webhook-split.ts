/** What a body says: up to 100 thin events. What they concern is read by id. Sources: README, "Webhooks". */
import type { HookEvent, HookRequest } from '../contract-webhook.ts'
import { jsonOf, momentOf, textIn, unreadable } from '../hooks/parse.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { singular, walks } from './associations.ts'
import { objectTypes, type ObjectName } from './object-types.ts'

/** By the object's name in types of their own (`contact.creation`). */
const byName: Readonly<Record<string, ObjectName>> = {
  contact: 'contacts',
  company: 'companies',
  deal: 'deals',
  ticket: 'tickets',
}
/** By `objectTypeId` of generic types (`object.creation`). */
export const byTypeId: Readonly<Record<string, ObjectName>> = {
  '0-1': 'contacts',
  '0-2': 'companies',
  '0-3': 'deals',
  '0-5': 'tickets',
  '0-18': 'communications',
  '0-27': 'tasks',
  '0-46': 'notes',
  '0-47': 'meetings',
  '0-48': 'calls',
  '0-49': 'emails',
}
const ends = new Set(['deletion', 'privacyDeletion'])
const changes = new Set(['creation', 'propertyChange', 'restore'])

/** `eventId` is not unique by itself; `attemptNumber` tells repetitions of the same event. */
const identity = [
  'portalId',
  'subscriptionId',
  'eventId',
  'objectId',
  'occurredAt',
  'propertyName',
  'fromObjectId',
  'toObjectId',
]

type Base = Pick<HookEvent, 'key' | 'type' | 'payload' | 'tenant' | 'occurredAt'>

const named = (
  list: Readonly<Record<string, ObjectName>>,
  name: string | undefined,
): ObjectName | undefined => (name !== undefined && Object.hasOwn(list, name) ? list[name] : undefined)

/** An id; none of what stands for "no object" (0, -1). */
const idOf = (one: JsonObject, field: string): string | undefined => {
  const id = textIn(one, field)
  return id !== undefined && /^[1-9]\d*$/.test(id) ? id : undefined
}

function eventsOf(one: JsonObject): HookEvent[] {
  const type = textIn(one, 'subscriptionType') ?? ''
  const [name = '', happening = ''] = type.split('.')
  const tenant = textIn(one, 'portalId')
  const occurredAt = momentOf(one['occurredAt'])
  const base: Base = {
    key: [type, ...identity.map((field) => textIn(one, field) ?? '')].join('/'),
    type,
    payload: one,
    ...(tenant === undefined ? {} : { tenant }),
    ...(occurredAt ? { occurredAt } : {}),
  }
  const resource = name === 'object' ? named(byTypeId, textIn(one, 'objectTypeId')) : named(byName, name)
  const events =
    happening === 'associationChange'
      ? associationEvents(one, base, name)
      : resource === undefined
        ? []
        : happening === 'merge'
          ? mergeEvents(one, base, resource)
          : plainEvents(one, base, resource, happening)
  return events.length > 0 ? events : [{ ...base, about: 'unknown' }]
}

function plainEvents(one: JsonObject, base: Base, resource: string, happening: string): HookEvent[] {
  const externalId = idOf(one, 'objectId')
  if (externalId === undefined || !(ends.has(happening) || changes.has(happening))) return []
  return [{ ...base, about: ends.has(happening) ? 'deleted' : 'changed', resource, externalId }]
}

/** In some cases a merge makes a new object (`newObjectId`): then the one that was kept before is gone as well. */
function mergeEvents(one: JsonObject, base: Base, resource: string): HookEvent[] {
  const primary = idOf(one, 'primaryObjectId')
  const winner = idOf(one, 'newObjectId') ?? primary ?? idOf(one, 'objectId')
  if (winner === undefined) return []
  const merged = Array.isArray(one['mergedObjectIds']) ? one['mergedObjectIds'] : []
  const losers = [primary, ...merged.map((id) => idOf({ id }, 'id'))].filter((id) => id !== undefined)
  return [
    { ...base, about: 'changed', resource, externalId: winner },
    ...[...new Set(losers)]
      .filter((id) => id !== winner)
      .map((id): HookEvent => ({
        ...base,
        key: `${base.key}/merged/${id}`,
        about: 'deleted',
        resource,
        externalId: id,
      })),
  ]
}

/**
 * The object that is told of, the one at the other end where its row shows the association, and the association itself where its type is
 * told (types of their own name it in words only).
 */
function associationEvents(one: JsonObject, base: Base, name: string): HookEvent[] {
  const [fromWord, toWord] = (textIn(one, 'associationType') ?? '').toLowerCase().split('_to_')
  const isGeneric = name === 'object'
  const from = isGeneric
    ? named(byTypeId, textIn(one, 'fromObjectTypeId'))
    : (named(byName, fromWord) ?? named(byName, name))
  const to = isGeneric ? named(byTypeId, textIn(one, 'toObjectTypeId')) : named(byName, toWord)
  const fromId = idOf(one, 'fromObjectId')
  const toId = idOf(one, 'toObjectId')
  const typeId = idOf(one, 'associationTypeId')
  const events: HookEvent[] = []
  if (from && fromId !== undefined)
    events.push({ ...base, about: 'changed', resource: from, externalId: fromId })
  if (from && to && toId !== undefined && shows(to, from))
    events.push({ ...base, key: `${base.key}/to`, about: 'changed', resource: to, externalId: toId })
  if (from && to && fromId !== undefined && toId !== undefined && typeId !== undefined && isWalked(from, to))
    events.push({
      ...base,
      key: `${base.key}/association/${typeId}`,
      about: one['associationRemoved'] === true ? 'deleted' : 'changed',
      resource: 'associations',
      externalId: [word(from), fromId, word(to), toId, typeId].join(':'),
    })
  return events
}

const shows = (name: ObjectName, other: ObjectName): boolean =>
  (objectTypes[name].associated as readonly string[]).includes(other)

/** Associations are read from one side of each pair only. */
const isWalked = (from: ObjectName, to: ObjectName): boolean =>
  walks.some((walk) => walk.from === from && (walk.to as readonly string[]).includes(to))

const word = (name: ObjectName): string => (singular as Readonly<Record<string, string>>)[name] ?? name

export function split(request: HookRequest): HookEvent[] {
  const body = jsonOf(request)
  if (!Array.isArray(body)) throw unreadable('it is not an array of events')
  return body.filter(isJsonObject).flatMap(eventsOf)
}
