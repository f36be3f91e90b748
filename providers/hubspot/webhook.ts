/**
 * Webhooks of the app, for every portal that has installed it: arrays of up to 100 thin events. Signature v3; the older ones only where
 * a connection says so. Sources: README, "Webhooks".
 */
import { createHash } from 'node:crypto'
import type {
  HookCheck,
  HookEvent,
  HookRequest,
  HookSampleWish,
  HookSecrets,
  Webhooks,
} from '../contract-webhook.ts'
import { jsonOf, momentOf, textIn, unreadable } from '../hooks/parse.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import { checkAge, checkSignature, digest, isOneOf, onlyHeader } from '../hooks/verify.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { Settings } from '../contract-basics.ts'

const v3 = 'x-hubspot-signature-v3'
const timeHeader = 'x-hubspot-request-timestamp'
const how = { algorithm: 'sha256', encoding: 'base64' } as const

/** Percent-encodings that HubSpot decodes before it signs (page "Validating requests"); all others stay. */
const decoded: Readonly<Record<string, string>> = {
  '%3A': ':',
  '%2F': '/',
  '%3F': '?',
  '%40': '@',
  '%21': '!',
  '%24': '$',
  '%27': "'",
  '%28': '(',
  '%29': ')',
  '%2A': '*',
  '%2C': ',',
  '%3B': ';',
}

/** The URL as it is signed: without what follows `#`, some encodings decoded. */
const signedUrl = (url: URL): string =>
  url.href.replace(/#.*$/, '').replace(/%[0-9a-f]{2}/gi, (code) => decoded[code.toUpperCase()] ?? code)

function verifyV3(request: HookRequest, secrets: HookSecrets): HookCheck[] {
  const signature = onlyHeader(request, v3)
  const time = onlyHeader(request, timeHeader)
  if (typeof signature !== 'string') return [signature]
  if (typeof time !== 'string') return [{ ...time, name: 'timestamp' }]
  const age = /^\d{1,15}$/.test(time) ? Number(time) : NaN
  const parts = [request.method, signedUrl(request.url), request.body, time]
  return [checkSignature(how, signature, secrets['clientSecret'], parts), checkAge(request, age)]
}

/** v1: hex SHA-256 of secret and body; v2: of secret, method, URL and body. No time: a replay is told by the events' identity. */
function verifyOlder(request: HookRequest, secrets: HookSecrets): HookCheck[] {
  const version = onlyHeader(request, 'x-hubspot-signature-version')
  const signature = onlyHeader(request, 'x-hubspot-signature')
  if (typeof signature !== 'string') return [signature]
  if (version !== 'v1' && version !== 'v2')
    return [{ name: 'signature', passed: false, detail: 'the version of the signature is neither v1 nor v2' }]
  const known = (secrets['clientSecret'] ?? []).filter((secret) => secret !== '')
  const made = known.map((secret) => {
    const hash = createHash('sha256').update(secret)
    if (version === 'v2') hash.update(request.method).update(request.url.href)
    return hash.update(request.body).digest('hex')
  })
  const passed = isOneOf(signature, made)
  return [
    { name: 'signature', passed, ...(passed ? {} : { detail: `the signature ${version} does not fit` }) },
  ]
}

function verify(request: HookRequest, secrets: HookSecrets, settings: Settings): HookCheck[] {
  const mayBeOlder = settings['webhook_signatures'] === 'all'
  return mayBeOlder && !request.headers.has(v3) ? verifyOlder(request, secrets) : verifyV3(request, secrets)
}

/** Resources by the object's name in legacy types (`contact.creation`) and by `objectTypeId` of generic ones. */
const byName: Readonly<Record<string, string>> = {
  contact: 'contacts',
  company: 'companies',
  deal: 'deals',
  ticket: 'tickets',
}
const byTypeId: Readonly<Record<string, string>> = {
  '0-1': 'contacts',
  '0-2': 'companies',
  '0-3': 'deals',
  '0-5': 'tickets',
}
const ends = new Set(['deletion', 'privacyDeletion'])
const changes = new Set(['creation', 'propertyChange', 'restore', 'merge', 'associationChange'])

function eventsOf(one: JsonObject): HookEvent[] {
  const type = textIn(one, 'subscriptionType') ?? ''
  const [name = '', happening = ''] = type.split('.')
  const resource = name === 'object' ? byTypeId[textIn(one, 'objectTypeId') ?? ''] : byName[name]
  const tenant = textIn(one, 'portalId')
  const objectId = textIn(one, 'objectId')
  const occurredAt = momentOf(one['occurredAt'])
  // `eventId` is not unique by itself; `attemptNumber` tells repetitions of the same event.
  const key = [
    'portalId',
    'subscriptionId',
    'eventId',
    'objectId',
    'occurredAt',
    'propertyName',
    'fromObjectId',
    'toObjectId',
  ]
    .map((field) => textIn(one, field) ?? '')
    .join('/')
  const base = {
    key: `${type}/${key}`,
    type,
    payload: one,
    ...(tenant === undefined ? {} : { tenant }),
    ...(occurredAt ? { occurredAt } : {}),
  }
  const id = objectId ?? textIn(one, 'primaryObjectId') ?? textIn(one, 'fromObjectId')
  if (resource === undefined || id === undefined || !(ends.has(happening) || changes.has(happening)))
    return [{ ...base, about: 'unknown' }]
  const event: HookEvent = {
    ...base,
    about: ends.has(happening) ? 'deleted' : 'changed',
    resource,
    externalId: id,
  }
  return [event, ...(happening === 'merge' ? mergedAway(one, event) : [])]
}

/** The objects that ended in a merge. */
function mergedAway(one: JsonObject, event: HookEvent): HookEvent[] {
  const merged = Array.isArray(one['mergedObjectIds']) ? one['mergedObjectIds'] : []
  return merged
    .filter((id) => typeof id === 'number' || typeof id === 'string')
    .filter((id) => String(id) !== event.externalId)
    .map((id) => ({
      ...event,
      key: `${event.key}/merged/${id}`,
      about: 'deleted' as const,
      externalId: String(id),
    }))
}

function split(request: HookRequest): HookEvent[] {
  const body = jsonOf(request)
  if (!Array.isArray(body)) throw unreadable('it is not an array of events')
  return body.filter(isJsonObject).flatMap(eventsOf)
}

const samples = samplesOf({ contact: 'contacts', company: 'companies', deal: 'deals', ticket: 'tickets' })
const happenings = { created: 'creation', updated: 'propertyChange', deleted: 'deletion' } as const

function sampleBody({ event, tenant, externalId, now, id }: HookSampleWish): JsonObject[] {
  const { effect = 'updated' } = sampleNamed(samples, event)
  const [name = ''] = event.split('.')
  return [
    {
      eventId: Number.parseInt(createHash('sha256').update(id).digest('hex').slice(0, 8), 16),
      subscriptionId: 190,
      portalId: /^\d{1,15}$/.test(tenant) ? Number(tenant) : tenant,
      appId: 1160452,
      occurredAt: now.getTime(),
      subscriptionType: `${name}.${happenings[effect]}`,
      attemptNumber: 0,
      objectId: /^\d{1,15}$/.test(externalId) ? Number(externalId) : externalId,
      changeSource: 'CRM',
      ...(effect === 'updated' ? { propertyName: 'lifecyclestage', propertyValue: 'customer' } : {}),
    },
  ]
}

export const webhooks: Webhooks = {
  scope: 'app',
  secrets: [
    {
      name: 'clientSecret',
      title: 'Client secret',
      help: 'Of the app, on its page in the developer account; of a private app on its page in the portal.',
      madeBy: 'provider',
      env: 'HUBSPOT_CLIENT_SECRET',
    },
  ],
  tenantSetting: 'portal_id',
  contentTypes: ['application/json'],
  maxBytes: 2_000_000,
  unguessableUrl: false,
  verify,
  split,
  setup: [
    'In the project of the app add a webhooks component (`webhooks-hsmeta.json`) with `targetUrl` `{url}` and `maxConcurrentRequests` 10; for a private app open its **Webhooks** tab.',
    'Subscribe to creation, deletion, privacy deletion, merge, restore, property change and association change of contacts, companies, deals and tickets.',
    'The client secret of the app signs: `HUBSPOT_CLIENT_SECRET` for all portals, {secret:clientSecret} for a private app.',
    'Behind a proxy set `TIELINE_PUBLIC_URL`: the URL that HubSpot calls is part of what is signed.',
  ],
  samples,
  sample(wish) {
    const body = JSON.stringify(sampleBody(wish))
    const time = String(wish.now.getTime())
    const signature = digest(how, wish.secrets['clientSecret'] ?? '', [
      'POST',
      signedUrl(wish.url),
      body,
      time,
    ])
    return {
      method: 'POST',
      headers: { 'content-type': 'application/json', [timeHeader]: time, [v3]: signature },
      body,
    }
  },
}
