/** Webhooks of the app, for every organisation that is connected to it: thin events, counted. Sources: README, "Webhooks". */
import type { HookEvent, HookRequest, HookSampleWish, Webhooks } from '../contract-webhook.ts'
import { momentOf, objectIn, objectOf, objectsIn, textIn, unreadable } from '../hooks/parse.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import { checkSignature, digest, onlyHeader } from '../hooks/verify.ts'
import type { JsonObject } from '../../model/json.ts'

const header = 'x-xero-signature'
const how = { algorithm: 'sha256', encoding: 'base64' } as const

const resources: Readonly<Record<string, string>> = {
  CONTACT: 'contacts',
  INVOICE: 'invoices',
  CREDITNOTE: 'credit_notes',
}

/** `eventDateUtc` comes without a zone and is UTC. */
const utc = (text: string | undefined): Date | undefined =>
  text === undefined ? undefined : momentOf(/(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`)

/** Credit notes alone say which side they are of. */
const isOfSupplier = (one: JsonObject): boolean =>
  textIn(objectIn(one, 'data') ?? {}, 'Type') === 'ACCPAYCREDIT'

function eventOf(one: JsonObject, sequence: number | undefined): HookEvent {
  const [tenant, id, category = '', type = '', at] = [
    textIn(one, 'tenantId'),
    textIn(one, 'resourceId'),
    textIn(one, 'eventCategory'),
    textIn(one, 'eventType'),
    textIn(one, 'eventDateUtc'),
  ]
  const occurredAt = utc(at)
  const base = {
    key: [tenant, category, id, type, at].join('/'),
    type: `${category}.${type}`,
    payload: one,
    ...(tenant === undefined ? {} : { tenant }),
    ...(occurredAt ? { occurredAt } : {}),
    ...(sequence === undefined ? {} : { sequence }),
  }
  // Subscriptions are those of the app itself, not of an organisation's books; credit notes of suppliers are not read.
  if (category === 'SUBSCRIPTION' || isOfSupplier(one)) return { ...base, about: 'notice' }
  const resource = resources[category]
  if (resource === undefined || id === undefined || (type !== 'CREATE' && type !== 'UPDATE'))
    return { ...base, about: 'unknown' }
  return { ...base, about: 'changed', resource, externalId: id }
}

function split(request: HookRequest): HookEvent[] {
  const body = objectOf(request)
  if (!Array.isArray(body['events'])) throw unreadable('it has no list of events')
  const first = body['firstEventSequence']
  return objectsIn(body, 'events').map((one, index) =>
    eventOf(one, typeof first === 'number' ? first + index : undefined),
  )
}

const samples = samplesOf({ contact: 'contacts', invoice: 'invoices', creditnote: 'credit_notes' }, [
  'created',
  'updated',
])

function sampleBody({ event, tenant, externalId, now, id }: HookSampleWish): JsonObject {
  const { effect } = sampleNamed(samples, event)
  const category = (event.split('.')[0] ?? '').toUpperCase()
  const path = { CONTACT: 'Contacts', INVOICE: 'Invoices', CREDITNOTE: 'CreditNotes' }[category] ?? ''
  return {
    events: [
      {
        resourceUrl: `https://api.xero.com/api.xro/2.0/${path}/${externalId}`,
        resourceId: externalId,
        eventDateUtc: now.toISOString().replace('Z', ''),
        eventType: effect === 'created' ? 'CREATE' : 'UPDATE',
        eventCategory: category,
        tenantId: tenant,
        tenantType: 'ORGANISATION',
        ...(category === 'CREDITNOTE' ? { data: { Type: 'ACCRECCREDIT', Status: 'AUTHORISED' } } : {}),
      },
    ],
    firstEventSequence: 1,
    lastEventSequence: 1,
    entropy: id,
  }
}

/** The "intent to receive" check: a body without events, signed rightly or wrongly, wants 200 or 401. */
const isIntentToReceive = (request: HookRequest): boolean => {
  try {
    const { events } = objectOf(request)
    return Array.isArray(events) && events.length === 0
  } catch {
    return false
  }
}

export const webhooks: Webhooks = {
  scope: 'app',
  counts: true,
  secrets: [
    {
      name: 'webhookKey',
      title: 'Webhooks key',
      help: 'On the page "Webhooks" of the app in the developer portal.',
      madeBy: 'provider',
      env: 'XERO_WEBHOOK_KEY',
    },
  ],
  tenantSetting: 'tenant_id',
  contentTypes: ['application/json'],
  maxBytes: 2_000_000,
  unguessableUrl: false,
  verify(request, secrets) {
    const given = onlyHeader(request, header)
    return typeof given === 'string'
      ? [checkSignature(how, given, secrets['webhookKey'], [request.body])]
      : [given]
  },
  handshake: (request) => (isIntentToReceive(request) ? { status: 200 } : undefined),
  split,
  setup: [
    'Open the app in the Xero developer portal, choose **Webhooks** and subscribe to contacts, invoices and credit notes.',
    'Enter `{url}` as the delivery URL and save: the **webhooks key** appears. Enter it into the hub as `XERO_WEBHOOK_KEY` and restart the API.',
    'Choose **Send "Intent to receive"**: Xero sends good and bad signatures and wants 200 and 401. The status becomes OK after a moment.',
  ],
  samples,
  sample(wish) {
    const body = JSON.stringify(sampleBody(wish))
    const signature = digest(how, wish.secrets['webhookKey'] ?? '', [body])
    return { method: 'POST', headers: { 'content-type': 'application/json', [header]: signature }, body }
  },
}
