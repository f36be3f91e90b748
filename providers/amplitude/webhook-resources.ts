/** What comes in Amplitude's webhooks, as rows and as objects of the models. Names are those that reading Amplitude will use. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import { isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '../../model/json.ts'
import { timeOf } from '../../model/times.ts'
import type { Row } from '../contract-basics.ts'
import type { ReceivedResource } from '../contract-webhook.ts'
import { textIn } from '../hooks/parse.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const asIs = (to: string, from: string): FieldRule => ({ to, from })
/** `2026-06-16 11:57:13.345000`: UTC without saying so. */
const utcTime = (to: string, from: string): FieldRule => ({
  to,
  from,
  convert: 'time',
  zone: { constant: 'UTC' },
})

const row = (required: readonly string[], properties: JsonObject): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required,
  properties,
})
const id = { type: ['string', 'integer'], minLength: 1 }
const textOrNull = { type: ['string', 'null'] }
const objectOrNull = { type: ['object', 'null'] }

/** A time of Amplitude's as RFC 3339; what is none is left as it is, to be told as such. */
export function utc(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const ms = timeOf(value, 'UTC')
  return Number.isNaN(ms) ? value : new Date(ms).toISOString()
}

const own = (one: Row, name: string): string | undefined => textIn(one as JsonObject, name)

/** `uuid` is the event's own; without it what Amplitude de-duplicates by. */
export function eventId(event: Row): string | undefined {
  const inserted = own(event, '$insert_id')
  const device = own(event, 'device_id')
  return (
    own(event, 'uuid') ??
    (inserted === undefined || device === undefined ? undefined : `${device}:${inserted}`)
  )
}

/** A flag as it is read, with the keys of its variants as a list of texts. */
export function flagRow(flag: JsonObject): Row {
  const variants = Array.isArray(flag['variants']) ? flag['variants'] : []
  const keys = variants.flatMap((variant: JsonValue) =>
    isJsonObject(variant) ? (textIn(variant, 'key') ?? []) : [],
  )
  return { ...flag, derived: { variants: keys } }
}

const eventMapping: FieldMapping = {
  model: 'event',
  rules: [
    { ...text('id', 'uuid'), when: { '!!': [{ var: 'uuid' }] } },
    { to: 'id', concat: { from: ['device_id', '$insert_id'], with: ':' } },
    text('name', 'event_type'),
    utcTime('occurredAt', 'event_time'),
    utcTime('receivedAt', 'server_upload_time'),
    text('profileId', 'user_id'),
    text('anonymousId', 'device_id'),
    // -1: outside any session.
    { ...text('sessionId', 'session_id'), values: { '-1': null } },
    text('city', 'city'),
    text('country', 'country'),
    asIs('properties', 'event_properties'),
  ],
}

const userMapping: FieldMapping = {
  model: 'profile',
  rules: [
    { ...text('id', 'user_id'), when: { '!!': [{ var: 'user_id' }] } },
    text('id', 'device_id'),
    text('city', 'city'),
    text('country', 'country'),
    asIs('properties', 'user_properties'),
  ],
}

const memberMapping: FieldMapping = {
  model: 'membership',
  rules: [
    { to: 'id', concat: { from: ['cohort_id', 'user_id'], with: ':' } },
    text('segmentId', 'cohort_id'),
    text('memberId', 'user_id'),
  ],
}

const flagMapping: FieldMapping = {
  model: 'experiment',
  rules: [
    text('id', 'id'),
    text('name', 'name'),
    // A flag that is off may be a draft or over: not told.
    { to: 'status', constant: 'active', when: { '===': [{ var: 'enabled' }, true] } },
    { to: 'variants', from: 'derived.variants', convert: 'texts', fallback: [] },
    utcTime('createdAt', 'createdAt'),
    utcTime('updatedAt', 'lastModifiedAt'),
  ],
}

export const received: readonly ReceivedResource[] = [
  {
    name: 'events',
    title: 'Events',
    model: 'event',
    schema: row(['event_type'], {
      event_type: { type: 'string', minLength: 1 },
      uuid: textOrNull,
      $insert_id: textOrNull,
      user_id: textOrNull,
      device_id: textOrNull,
      event_time: textOrNull,
      server_upload_time: textOrNull,
      event_properties: objectOrNull,
      user_properties: objectOrNull,
    }),
    externalId: (event) => eventId(event) ?? '',
    updatedAt: (event) => utc(event['server_upload_time']),
    mapping: eventMapping,
  },
  {
    name: 'users',
    title: 'Users',
    model: 'profile',
    schema: row([], { user_id: textOrNull, device_id: textOrNull, user_properties: objectOrNull }),
    externalId: (user) => own(user, 'user_id') ?? own(user, 'device_id') ?? '',
    updatedAt: () => undefined,
    mapping: userMapping,
  },
  {
    name: 'cohort_members',
    title: 'Members of cohorts',
    model: 'membership',
    schema: row(['cohort_id', 'user_id'], { cohort_id: id, user_id: id }),
    externalId: (member) => `${own(member, 'cohort_id') ?? ''}:${own(member, 'user_id') ?? ''}`,
    updatedAt: () => undefined,
    mapping: memberMapping,
  },
  {
    name: 'flags',
    title: 'Feature flags and experiments',
    model: 'experiment',
    schema: row(['id'], {
      id,
      key: textOrNull,
      name: textOrNull,
      enabled: { type: ['boolean', 'null'] },
      variants: { type: ['array', 'null'] },
      createdAt: textOrNull,
      lastModifiedAt: textOrNull,
    }),
    externalId: (flag) => own(flag, 'id') ?? '',
    updatedAt: (flag) => utc(flag['lastModifiedAt']),
    mapping: flagMapping,
  },
]
