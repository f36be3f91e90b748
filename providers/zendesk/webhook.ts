/**
 * Webhooks of an account: either events that it subscribes to, or what a trigger sends with the body that we have written. Sources:
 * README, "Webhooks".
 */
import type { HookEvent, HookRequest, HookSampleWish, Webhooks } from '../contract-webhook.ts'
import { momentOf, objectIn, objectOf, textIn } from '../hooks/parse.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import { checkAge, checkSignature, digest, onlyHeader } from '../hooks/verify.ts'
import type { JsonObject } from '../../model/json.ts'
import { subscriptions } from './webhook-subscriptions.ts'

const signatureHeader = 'x-zendesk-webhook-signature'
const timeHeader = 'x-zendesk-webhook-signature-timestamp'
const how = { algorithm: 'sha256', encoding: 'base64' } as const

/** Resources by the domain of an event: `zen:event-type:ticket.created`. */
const resources: Readonly<Record<string, string>> = {
  ticket: 'tickets',
  user: 'users',
  organization: 'organizations',
  article: 'articles',
}

const ends = new Set(['deleted', 'soft_deleted', 'permanently_deleted'])

/** An event webhook: `type`, `id`, `time`, `subject` ("zen:user:6596848315901"), `detail` with the object's id. */
function fromEvent(body: JsonObject, type: string): HookEvent {
  const [, domain = '', happening = ''] = /^zen:event-type:(\w+)\.(\w+)$/.exec(type) ?? []
  const resource = resources[domain]
  const id = textIn(objectIn(body, 'detail') ?? {}, 'id') ?? textIn(body, 'subject')?.split(':').at(-1)
  const occurredAt = momentOf(body['time'])
  const base = {
    key: textIn(body, 'id') ?? `${type}/${id ?? ''}/${textIn(body, 'time') ?? ''}`,
    type,
    payload: body,
    ...(occurredAt ? { occurredAt } : {}),
  }
  if (resource === undefined || id === undefined) return { ...base, about: 'unknown' }
  return { ...base, about: ends.has(happening) ? 'deleted' : 'changed', resource, externalId: id }
}

/** What our trigger sends (`setup`): ticket and time of its change. It has no id of the event: both stand for it. */
function fromTrigger(body: JsonObject): HookEvent {
  const id = textIn(body, 'ticket_id')
  const at = textIn(body, 'updated_at')
  if (id === undefined) return { key: JSON.stringify(body), type: 'unknown', about: 'unknown', payload: body }
  const occurredAt = momentOf(at)
  return {
    key: `trigger/${id}/${at ?? ''}`,
    type: 'trigger.ticket',
    about: 'changed',
    resource: 'tickets',
    externalId: id,
    payload: body,
    ...(occurredAt ? { occurredAt } : {}),
  }
}

function split(request: HookRequest): HookEvent[] {
  const body = objectOf(request)
  const type = textIn(body, 'type')
  return [type?.startsWith('zen:') ? fromEvent(body, type) : fromTrigger(body)]
}

const samples = [
  ...samplesOf({ ticket: 'tickets', user: 'users', organization: 'organizations' }),
  ...samplesOf({ article: 'articles' }, ['updated']),
  { event: 'trigger.ticket', title: 'What a trigger sends', resource: 'tickets', effect: 'updated' as const },
]

/** Names of happenings as Zendesk has them, by what the sample is about. */
const happenings: Readonly<Record<string, string>> = {
  'ticket.created': 'ticket.created',
  'ticket.updated': 'ticket.status_changed',
  'ticket.deleted': 'ticket.soft_deleted',
  'user.updated': 'user.name_changed',
  'organization.updated': 'organization.name_changed',
  'article.updated': 'article.published',
}

function sampleBody({ event, externalId, now, id }: HookSampleWish): JsonObject {
  sampleNamed(samples, event)
  if (event === 'trigger.ticket')
    return { ticket_id: externalId, updated_at: now.toISOString(), delivery: id }
  const [domain = ''] = event.split('.')
  return {
    type: `zen:event-type:${happenings[event] ?? event}`,
    account_id: 22129848,
    id,
    time: now.toISOString(),
    zendesk_event_version: '2022-06-20',
    subject: `zen:${domain}:${externalId}`,
    detail: { id: externalId },
    event: { current: 'OPEN', previous: 'NEW' },
  }
}

export const webhooks: Webhooks = {
  scope: 'connection',
  secrets: [
    {
      name: 'signingSecret',
      title: 'Signing secret',
      help: 'On the page of the webhook in Admin Center: "Reveal secret". The hub reads it itself where it made the webhook.',
      madeBy: 'provider',
    },
  ],
  contentTypes: ['application/json'],
  maxBytes: 2_000_000,
  unguessableUrl: false,
  verify(request, secrets) {
    const signature = onlyHeader(request, signatureHeader)
    const time = onlyHeader(request, timeHeader)
    if (typeof signature !== 'string') return [signature]
    if (typeof time !== 'string') return [{ ...time, name: 'timestamp' }]
    return [
      checkSignature(how, signature, secrets['signingSecret'], [time, request.body]),
      checkAge(request, Date.parse(time)),
    ]
  },
  split,
  subscriptions,
  setup: [
    'In Admin Center choose **Apps and integrations → Webhooks → Create webhook**, then **Zendesk events**, and choose ticket, user, organization and article events.',
    'Enter `{url}`, request method POST, request format JSON, no authentication.',
    'On the page of the webhook choose **Reveal secret** and enter it here: {secret:signingSecret}.',
    'Where ticket events are not offered: make a webhook for triggers instead, and a trigger "ticket is created or updated" with the body `{"ticket_id": "{{ticket.id}}", "updated_at": "{{ticket.updated_at_with_timestamp}}"}`.',
  ],
  samples,
  sample(wish) {
    const body = JSON.stringify(sampleBody(wish))
    const time = wish.now.toISOString()
    return {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        [timeHeader]: time,
        [signatureHeader]: digest(how, wish.secrets['signingSecret'] ?? '', [time, body]),
      },
      body,
    }
  },
}
