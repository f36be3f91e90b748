/** Samples in the shapes of "Webhook Topics", signed as Intercom signs. */
import type { HookSample, HookSampleSpec, HookSampleWish } from '../contract-webhook.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import { digest } from '../hooks/verify.ts'
import type { JsonObject } from '../../model/json.ts'

export const signatureHeader = 'x-hub-signature'
export const how = { algorithm: 'sha1', encoding: 'hex' } as const

export const samples: readonly HookSampleSpec[] = [
  ...samplesOf({ contact: 'contacts', conversation: 'conversations', company: 'companies' }),
  ...samplesOf({ ticket: 'tickets' }, ['created', 'updated']),
  { event: 'contact.merged', title: 'contact merged', resource: 'contacts', effect: 'updated' },
  { event: 'contact.tagged', title: 'contact tagged', resource: 'contacts', effect: 'updated' },
  { event: 'ticket.closed', title: 'ticket closed', resource: 'tickets', effect: 'updated' },
  { event: 'ping', title: 'What Intercom sends when the URL is saved, and now and then' },
]

/** Intercom's names of the topics, where the samples have plainer ones. */
const topics: Readonly<Record<string, string>> = {
  'contact.created': 'contact.user.created',
  'contact.updated': 'contact.user.updated',
  'contact.tagged': 'contact.user.tag.created',
  'conversation.created': 'conversation.user.created',
  'conversation.updated': 'conversation.admin.replied',
  'ticket.updated': 'ticket.state.updated',
}

const fields: Readonly<Record<string, JsonObject>> = {
  contact: { role: 'user', external_id: 'ana-1', name: 'Ana Sol', email: 'ana@example.com', phone: null },
  conversation: { title: 'A question', state: 'open', open: true, priority: 'not_priority' },
  company: { name: 'Sol e Mar', company_id: 'sol-1' },
  ticket: {
    ticket_id: '1390',
    category: 'Customer',
    ticket_attributes: { _default_title_: 'Found a bug' },
    ticket_state: { type: 'ticket_state', id: '12', category: 'in_progress' },
    open: true,
  },
}

function itemOf({ event, externalId, now, row }: HookSampleWish): JsonObject {
  const [type = ''] = event.split('.')
  if (event === 'ping') return { type: 'ping', message: 'something something interzen' }
  // A conversation is named by a field of its own.
  if (event === 'conversation.deleted') return { type, conversation_id: externalId }
  if (event.endsWith('.deleted')) return { type, id: externalId, deleted: true }
  const at = Math.floor(now.getTime() / 1000)
  const object: JsonObject = {
    ...fields[type],
    created_at: at,
    ...(row as JsonObject | undefined),
    type,
    id: externalId,
    updated_at: at,
  }
  if (event === 'contact.merged')
    return { ...object, merged_from: { type: 'contact', id: `${externalId}-merged` } }
  if (event === 'contact.tagged')
    return {
      type: 'contact_tag',
      created_at: at,
      tag: { type: 'tag', id: '1287', name: 'independent' },
      contact: object,
    }
  return event === 'ticket.closed' ? { ticket: object } : object
}

export function sample(wish: HookSampleWish): HookSample {
  sampleNamed(samples, wish.event)
  const at = Math.floor(wish.now.getTime() / 1000)
  const body = JSON.stringify({
    type: 'notification_event',
    app_id: wish.tenant,
    data: { type: 'notification_event_data', item: itemOf(wish) },
    links: {},
    id: `notif_${wish.id}`,
    topic: topics[wish.event] ?? wish.event,
    delivery_status: 'pending',
    delivery_attempts: 1,
    delivered_at: 0,
    first_sent_at: at,
    created_at: at,
    self: null,
  })
  const signature = digest(how, wish.secrets['clientSecret'] ?? '', [body])
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', [signatureHeader]: `sha1=${signature}` },
    body,
  }
}
