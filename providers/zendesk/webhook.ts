/**
 * Webhooks of an account: either events that it subscribes to, or what a trigger sends with the body that we have written. Sources:
 * README, "Webhooks".
 */
import type { HookCheck, HookRequest, HookSampleWish, HookSecrets, Webhooks } from '../contract-webhook.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import { checkAge, checkSignature, digest, onlyHeader } from '../hooks/verify.ts'
import type { JsonObject } from '../../model/json.ts'
import { invocationHeader, split } from './webhook-events.ts'
import { subscriptions } from './webhook-subscriptions.ts'

const signatureHeader = 'x-zendesk-webhook-signature'
const timeHeader = 'x-zendesk-webhook-signature-timestamp'
const how = { algorithm: 'sha256', encoding: 'base64' } as const

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
    return { ticket_id: externalId, updated_at: `${now.toISOString().slice(0, 16)}Z` }
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

/** Over the time as it was written and the body, nothing between the two. */
function verify(request: HookRequest, secrets: HookSecrets): HookCheck[] {
  const signature = onlyHeader(request, signatureHeader)
  const time = onlyHeader(request, timeHeader)
  const age = typeof time === 'string' ? checkAge(request, Date.parse(time)) : { ...time, name: 'timestamp' }
  if (typeof signature !== 'string') return [signature, age]
  if (typeof time !== 'string') return [age]
  const known = [...(secrets['signingSecret'] ?? []), ...(secrets['triggerSigningSecret'] ?? [])]
  return [checkSignature(how, signature, known, [time, request.body]), age]
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
    {
      name: 'triggerSigningSecret',
      title: 'Signing secret of the webhook for triggers',
      help: 'Only where a second webhook is used for triggers: it has a secret of its own.',
      madeBy: 'provider',
      optional: true,
    },
  ],
  contentTypes: ['application/json'],
  maxBytes: 2_000_000,
  unguessableUrl: false,
  verify,
  split,
  subscriptions,
  setup: [
    'In Admin Center choose **Apps and integrations → Webhooks → Create webhook**, then **Zendesk events**, and choose ticket, user, organization and article events.',
    'Enter `{url}`, request method POST, request format JSON, no authentication.',
    'On the page of the webhook choose **Reveal secret** and enter it here: {secret:signingSecret}.',
    'Where ticket events are not offered: make a second webhook, **Trigger or automation**, enter its secret here: {secret:triggerSigningSecret}, and under **Objects and rules → Triggers** one trigger **Ticket is created** and one **Ticket is updated** that notify it with the body `{"ticket_id": "{{ticket.id}}", "updated_at": "{{ticket.updated_at_with_timestamp}}"}`.',
  ],
  samples,
  sample(wish) {
    const body = JSON.stringify(sampleBody(wish))
    const { signingSecret = '', triggerSigningSecret = signingSecret } = wish.secrets
    const secret = wish.event === 'trigger.ticket' ? triggerSigningSecret : signingSecret
    const time = wish.now.toISOString()
    return {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        [invocationHeader]: wish.id,
        [timeHeader]: time,
        [signatureHeader]: digest(how, secret, [time, body]),
      },
      body,
    }
  },
}
