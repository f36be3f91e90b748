/**
 * Webhooks of the app, for every company that is connected to it. Two formats, told apart by shape: CloudEvents (an array) and the older
 * `eventNotifications`. Both are thin: the object is read by id. Sources: README, "Webhooks".
 */
import type { HookEvent, HookRequest, HookSampleWish, Webhooks } from '../contract-webhook.ts'
import { jsonOf, momentOf, objectIn, objectsIn, textIn, unreadable } from '../hooks/parse.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import { checkSignature, digest, onlyHeader } from '../hooks/verify.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'

const header = 'intuit-signature'
const how = { algorithm: 'sha256', encoding: 'base64' } as const

/** By the entity's name in lower case, as CloudEvents write it. */
const resources: Readonly<Record<string, string>> = {
  account: 'accounts',
  bill: 'bills',
  creditmemo: 'credit_memos',
  customer: 'customers',
  deposit: 'deposits',
  invoice: 'invoices',
  item: 'items',
  journalentry: 'journal_entries',
  payment: 'payments',
  purchase: 'purchases',
  vendor: 'vendors',
}

/** Of both formats: `Create`, `created`. A void keeps its object; so does an e-mail that was sent. */
const effects: Readonly<Record<string, 'changed' | 'deleted'>> = {
  create: 'changed',
  created: 'changed',
  update: 'changed',
  updated: 'changed',
  void: 'changed',
  voided: 'changed',
  emailed: 'changed',
  merge: 'changed',
  merged: 'changed',
  delete: 'deleted',
  deleted: 'deleted',
}

/** What one entry of either format says. */
interface Told {
  readonly key: string
  readonly type: string
  readonly tenant: string | undefined
  readonly entity: string
  readonly operation: string
  readonly id: string | undefined
  readonly at: Date | undefined
  readonly payload: JsonObject
}

function eventOf(told: Told): HookEvent {
  const { key, type, tenant, id, at, payload } = told
  const resource = resources[told.entity.toLowerCase()]
  const about = effects[told.operation.toLowerCase()]
  const base = {
    key,
    type,
    payload,
    ...(tenant === undefined ? {} : { tenant }),
    ...(at ? { occurredAt: at } : {}),
  }
  if (resource === undefined || about === undefined || id === undefined) return { ...base, about: 'unknown' }
  return { ...base, about, resource, externalId: id }
}

function fromCloudEvent(one: JsonObject): HookEvent[] {
  const key = textIn(one, 'id')
  if (key === undefined) throw unreadable('an event has no id')
  const type = textIn(one, 'type') ?? ''
  const [, entity = '', operation = ''] = /^qbo\.(\w+)\.(\w+)\.v\d+$/.exec(type) ?? []
  const tenant = textIn(one, 'intuitaccountid')
  const told = {
    key,
    type,
    tenant,
    entity,
    operation,
    id: textIn(one, 'intuitentityid'),
    at: momentOf(one['time']),
  }
  return [
    eventOf({ ...told, payload: one }),
    ...mergedAway(told, textIn(objectIn(one, 'data') ?? {}, 'deletedId'), one),
  ]
}

function fromNotification(notification: JsonObject): HookEvent[] {
  const tenant = textIn(notification, 'realmId')
  return objectsIn(objectIn(notification, 'dataChangeEvent') ?? {}, 'entities').flatMap((one) => {
    const entity = textIn(one, 'name') ?? ''
    const operation = textIn(one, 'operation') ?? ''
    const id = textIn(one, 'id')
    // No id of the event: what happened to which object when is its name.
    const key = [tenant, entity, id, operation, textIn(one, 'lastUpdated')].join('/')
    const told = {
      key,
      type: `${entity}.${operation}`,
      tenant,
      entity,
      operation,
      id,
      at: momentOf(one['lastUpdated']),
    }
    return [eventOf({ ...told, payload: one }), ...mergedAway(told, textIn(one, 'deletedId'), one)]
  })
}

/** A merge ends one object and changes the other: two events. */
function mergedAway(
  told: Omit<Told, 'payload'>,
  deletedId: string | undefined,
  payload: JsonObject,
): HookEvent[] {
  if (deletedId === undefined) return []
  return [eventOf({ ...told, key: `${told.key}/merged`, operation: 'deleted', id: deletedId, payload })]
}

function split(request: HookRequest): HookEvent[] {
  const body = jsonOf(request)
  if (Array.isArray(body)) return body.filter(isJsonObject).flatMap(fromCloudEvent)
  if (isJsonObject(body) && Array.isArray(body['eventNotifications']))
    return objectsIn(body, 'eventNotifications').flatMap(fromNotification)
  throw unreadable('it is neither an array of CloudEvents nor has it eventNotifications')
}

const samples = [
  ...samplesOf({
    customer: 'customers',
    invoice: 'invoices',
    payment: 'payments',
    bill: 'bills',
    vendor: 'vendors',
    item: 'items',
  }),
  {
    event: 'legacy.invoice.updated',
    title: 'An invoice updated, in the format before CloudEvents',
    resource: 'invoices',
    effect: 'updated' as const,
  },
]

function sampleBody(wish: HookSampleWish): unknown {
  const spec = sampleNamed(samples, wish.event)
  const [entity = '', operation = ''] = wish.event.split('.').slice(-2)
  const { tenant, externalId, now, id } = wish
  if (wish.event.startsWith('legacy.')) {
    const entities = [
      { name: 'Invoice', id: externalId, operation: 'Update', lastUpdated: now.toISOString() },
    ]
    return { eventNotifications: [{ realmId: tenant, dataChangeEvent: { entities } }] }
  }
  return [
    {
      specversion: '1.0',
      id,
      source: 'intuit.sandbox',
      type: `qbo.${entity}.${operation}.v1`,
      datacontenttype: 'application/json',
      time: now.toISOString(),
      intuitentityid: externalId,
      intuitaccountid: tenant,
      data: { title: spec.title },
    },
  ]
}

export const webhooks: Webhooks = {
  scope: 'app',
  secrets: [
    {
      name: 'verifierToken',
      title: 'Verifier token',
      help: 'In the developer portal, below the webhooks of the app.',
      madeBy: 'provider',
      env: 'QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN',
    },
  ],
  tenantSetting: 'realm_id',
  // CloudEvents have a media type of their own.
  contentTypes: ['application/json', 'application/cloudevents-batch+json', 'application/cloudevents+json'],
  maxBytes: 2_000_000,
  unguessableUrl: false,
  verify(request, secrets) {
    const given = onlyHeader(request, header)
    return typeof given === 'string'
      ? [checkSignature(how, given, secrets['verifierToken'], [request.body])]
      : [given]
  },
  split,
  setup: [
    'Open the app in the Intuit developer portal and choose **Webhooks** (production and development have their own).',
    'Enter `{url}` as the endpoint URL and choose the entities and operations that the hub syncs.',
    'Copy the **verifier token** into the hub: `QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN`, two of them separated by a comma while it is replaced.',
  ],
  samples,
  sample(wish) {
    const body = JSON.stringify(sampleBody(wish))
    const signature = digest(how, wish.secrets['verifierToken'] ?? '', [body])
    return { method: 'POST', headers: { 'content-type': 'application/json', [header]: signature }, body }
  },
}
