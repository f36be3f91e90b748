/**
 * What a notification says. The item is the object itself, or an envelope around it (a tag of a contact, a ticket that was closed), or only
 * names what is gone. Sources: README, "Webhooks".
 */
import type { HookEvent, HookRequest } from '../contract-webhook.ts'
import { objectIn, objectOf, textIn, unreadable } from '../hooks/parse.ts'
import type { JsonObject } from '../../model/json.ts'

/** Resources by the type of an object; `user` and `lead` are what older API versions call contacts. */
const byType: Readonly<Record<string, string>> = {
  conversation: 'conversations',
  contact: 'contacts',
  user: 'contacts',
  lead: 'contacts',
  company: 'companies',
  ticket: 'tickets',
}
/** The first part of the topics whose items are about these objects: all other envelopes (content stats, calls) are not. */
const told = new Set(['conversation', 'contact', 'company', 'ticket', 'user', 'lead', 'visitor'])
const envelopes = ['ticket', 'contact', 'company'] as const

type Base = Pick<HookEvent, 'key' | 'type' | 'payload' | 'tenant' | 'occurredAt'>

const seconds = (value: unknown): Date | undefined =>
  typeof value === 'number' && value > 0 ? new Date(value * 1000) : undefined

const resourceOf = (object: JsonObject): string | undefined => {
  const type = textIn(object, 'type') ?? ''
  return Object.hasOwn(byType, type) ? byType[type] : undefined
}

/** Its times may be Unix seconds or text; what is only named has none. */
const isWhole = (object: JsonObject): boolean => textIn(object, 'updated_at') !== undefined

export function split(request: HookRequest): HookEvent[] {
  const body = objectOf(request)
  const topic = textIn(body, 'topic')
  if (topic === undefined) throw unreadable('it has no topic')
  const tenant = textIn(body, 'app_id')
  const occurredAt = seconds(body['created_at'])
  const base: Base = {
    key: textIn(body, 'id') ?? `${topic}/${tenant ?? ''}/${textIn(body, 'created_at') ?? ''}`,
    type: topic,
    payload: body,
    ...(tenant === undefined ? {} : { tenant }),
    ...(occurredAt ? { occurredAt } : {}),
  }
  if (topic === 'ping') return [{ ...base, about: 'notice' }]
  const item = objectIn(objectIn(body, 'data') ?? {}, 'item') ?? {}
  const events = told.has(topic.split('.')[0] ?? '') ? eventsOf(base, topic, item) : []
  return events.length > 0 ? events : [{ ...base, about: 'unknown' }]
}

function eventsOf(base: Base, topic: string, item: JsonObject): HookEvent[] {
  const resource = resourceOf(item)
  // A conversation that is gone is named by another field.
  const externalId =
    textIn(item, 'id') ?? (resource === 'conversations' ? textIn(item, 'conversation_id') : undefined)
  if (resource === undefined || externalId === undefined) return envelopedIn(base, item)
  // `contact.user.tag.deleted` ends a tag, not the contact: only two parts name the object itself.
  if (topic.endsWith('.deleted') && topic.split('.').length === 2)
    return [{ ...base, about: 'deleted', resource, externalId }]
  return [changed(base, resource, externalId, item), ...mergedInto(base, topic, item)]
}

const changed = (base: Base, resource: string, externalId: string, object: JsonObject): HookEvent => ({
  ...base,
  about: 'changed',
  resource,
  externalId,
  ...(isWhole(object) ? { row: object } : {}),
})

/** The item is who lives on; who was absorbed is named in it. */
function mergedInto(base: Base, topic: string, item: JsonObject): HookEvent[] {
  const source = topic === 'contact.merged' ? objectIn(item, 'merged_from') : undefined
  const externalId = source ? textIn(source, 'id') : undefined
  if (externalId === undefined) return []
  return [{ ...base, key: `${base.key}/merged`, about: 'deleted', resource: 'contacts', externalId }]
}

/** Each object in an envelope; several make several events. */
function envelopedIn(base: Base, item: JsonObject): HookEvent[] {
  const events = envelopes.flatMap((name) => {
    const object = objectIn(item, name)
    const externalId = object ? textIn(object, 'id') : undefined
    const resource = byType[name]
    return object && externalId !== undefined && resource !== undefined
      ? [changed(base, resource, externalId, object)]
      : []
  })
  // A conversation stands in an envelope as Intercom keeps it, not as its API gives it.
  const model = objectIn(objectIn(item, 'conversation') ?? {}, 'model')
  const conversationId = model ? textIn(model, 'id') : undefined
  if (conversationId !== undefined)
    events.push({ ...base, about: 'changed', resource: 'conversations', externalId: conversationId })
  return events.map((event, n) => (n === 0 ? event : { ...event, key: `${event.key}/${n}` }))
}
