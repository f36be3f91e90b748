/** Webhooks of the app, for every workspace that has installed it; the whole object comes along. Sources: README, "Webhooks". */
import type { HookEvent, HookRequest, HookSampleWish, Webhooks } from '../contract-webhook.ts'
import { objectIn, objectOf, textIn, unreadable } from '../hooks/parse.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import { checkSignature, digest, onlyHeader } from '../hooks/verify.ts'
import type { JsonObject } from '../../model/json.ts'
import { received } from './webhook-resources.ts'

const header = 'x-hub-signature'
const how = { algorithm: 'sha1', encoding: 'hex' } as const

/** Resources by the type of the item. */
const resources: Readonly<Record<string, string>> = {
  conversation: 'conversations',
  contact: 'contacts',
  user: 'contacts',
  lead: 'contacts',
  company: 'companies',
}

const seconds = (value: unknown): Date | undefined =>
  typeof value === 'number' && value > 0 ? new Date(value * 1000) : undefined

function split(request: HookRequest): HookEvent[] {
  const body = objectOf(request)
  const topic = textIn(body, 'topic')
  const key = textIn(body, 'id')
  if (topic === undefined) throw unreadable('it has no topic')
  const tenant = textIn(body, 'app_id')
  const item = objectIn(objectIn(body, 'data') ?? {}, 'item') ?? {}
  const occurredAt = seconds(body['created_at'])
  const base = {
    // Pings have no id of their own.
    key: key ?? `${topic}/${textIn(body, 'created_at') ?? ''}`,
    type: topic,
    payload: body,
    ...(tenant === undefined ? {} : { tenant }),
    ...(occurredAt ? { occurredAt } : {}),
  }
  if (topic === 'ping') return [{ ...base, about: 'notice' }]
  const resource = resources[textIn(item, 'type') ?? '']
  const externalId = textIn(item, 'id')
  if (resource === undefined || externalId === undefined) return [{ ...base, about: 'unknown' }]
  // What is deleted is only named.
  if (topic.endsWith('.deleted')) return [{ ...base, about: 'deleted', resource, externalId }]
  const isWhole = typeof item['updated_at'] === 'number'
  return [{ ...base, about: 'changed', resource, externalId, ...(isWhole ? { row: item } : {}) }]
}

const samples = [
  ...samplesOf({ contact: 'contacts', conversation: 'conversations' }),
  ...samplesOf({ company: 'companies' }, ['created', 'updated']),
  { event: 'ping', title: 'What Intercom sends when the URL is saved' },
]

const topics: Readonly<Record<string, string>> = {
  'contact.created': 'contact.user.created',
  'contact.updated': 'contact.user.updated',
  'conversation.created': 'conversation.user.created',
  'conversation.updated': 'conversation.admin.replied',
}

function itemOf({ event, externalId, now, row }: HookSampleWish): JsonObject {
  const [type = ''] = event.split('.')
  if (event === 'ping') return { type: 'ping', message: 'something something interzen' }
  if (event.endsWith('.deleted')) return { type, id: externalId }
  const at = Math.floor(now.getTime() / 1000)
  const own: Readonly<Record<string, JsonObject>> = {
    contact: { role: 'user', name: 'Ana Sol', email: 'ana@example.com' },
    conversation: { title: 'A question', state: 'open', open: true, priority: 'not_priority' },
    company: { name: 'Sol e Mar', company_id: 'sol-1' },
  }
  return {
    ...own[type],
    ...(row as JsonObject | undefined),
    type,
    id: externalId,
    created_at: at,
    updated_at: at,
  }
}

export const webhooks: Webhooks = {
  scope: 'app',
  secrets: [
    {
      name: 'clientSecret',
      title: 'Client secret',
      help: 'On the page "Basic information" of the app in the Developer Hub.',
      madeBy: 'provider',
      env: 'INTERCOM_CLIENT_SECRET',
    },
  ],
  tenantSetting: 'app_id',
  contentTypes: ['application/json'],
  maxBytes: 4_000_000,
  unguessableUrl: false,
  // The URL is looked at before it is saved.
  unsignedHandshake: (request) => (request.method === 'HEAD' ? { status: 200 } : undefined),
  verify(request, secrets) {
    const given = onlyHeader(request, header)
    if (typeof given !== 'string') return [given]
    if (!given.startsWith('sha1='))
      return [{ name: 'signature', passed: false, detail: 'it does not begin with sha1=' }]
    return [checkSignature(how, given.slice('sha1='.length), secrets['clientSecret'], [request.body])]
  },
  split,
  setup: [
    'Open the app in the Intercom Developer Hub, choose **Configure → Webhooks** and enter `{url}`.',
    'Subscribe to the topics of contacts, companies and conversations (created, updated, replied, closed, deleted).',
    'The client secret of the app signs: enter it into the hub as `INTERCOM_CLIENT_SECRET`.',
  ],
  samples,
  sample(wish) {
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
      headers: { 'content-type': 'application/json', [header]: `sha1=${signature}` },
      body,
    }
  },
  received,
}
