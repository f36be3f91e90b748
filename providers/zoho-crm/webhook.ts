/**
 * Notifications of Zoho CRM: which records of a module were made, changed or deleted, by id. Not signed: the token that was agreed on
 * with the channel comes back in the body. Sources: README, "Webhooks".
 */
import type {
  HookCheck,
  HookEvent,
  HookRequest,
  HookSampleWish,
  HookSecrets,
  Webhooks,
} from '../contract-webhook.ts'
import { momentOf, objectIn, objectOf, objectsIn, textIn } from '../hooks/parse.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import { checkToken } from '../hooks/verify.ts'
import { sha256 } from '../../platform/secrets/hash.ts'
import type { JsonObject } from '../../model/json.ts'
import { resourceNames } from './modules.ts'
import { channelOf, subscriptions } from './webhook-subscriptions.ts'

const effects: Readonly<Record<string, 'changed' | 'deleted'>> = {
  insert: 'changed',
  update: 'changed',
  delete: 'deleted',
}

function verify(request: HookRequest, secrets: HookSecrets): HookCheck[] {
  const missing = { name: 'token', passed: false, detail: 'the body is not a JSON object with a token' }
  try {
    const { token } = objectOf(request)
    return [checkToken(typeof token === 'string' && token !== '' ? token : missing, secrets['token'])]
  } catch {
    return [missing]
  }
}

function split(request: HookRequest): HookEvent[] {
  const body = objectOf(request)
  const module = textIn(body, 'module') ?? ''
  const operation = textIn(body, 'operation') ?? ''
  const type = `${module}.${operation}`
  const at = momentOf(body['server_time'])
  const base = { type, ...(at ? { occurredAt: at } : {}) }
  const place = [textIn(body, 'channel_id'), module, operation, textIn(body, 'server_time')].join('/')
  const ids = idsOf(body)
  if (ids.length === 0) {
    const payload = payloadOf(body)
    return [{ ...base, key: `${place}//${hashOf(payload)}`, about: 'unknown', payload }]
  }
  return ids.map((id): HookEvent => {
    const own = { ...base, key: `${place}/${id}`, payload: payloadOf(body, id) }
    const resource = Object.hasOwn(resourceNames, module) ? resourceNames[module] : undefined
    const about = Object.hasOwn(effects, operation) ? effects[operation] : undefined
    return resource === undefined || !about
      ? { ...own, about: 'unknown' }
      : { ...own, about, resource, externalId: id }
  })
}

const hashOf = (payload: JsonObject): string => sha256(JSON.stringify(payload)).toString('hex')

function idsOf(body: JsonObject): string[] {
  const { ids } = body
  const texts = (Array.isArray(ids) ? ids : []).map((id) => textIn({ id }, 'id'))
  return [...new Set(texts.filter((id) => id !== undefined))]
}

/** Without the token; without the parameters of the URL, where people keep keys as well. Of one record: what is told of it. */
function payloadOf(body: JsonObject, id?: string): JsonObject {
  const { token: _token, query_params: _parameters, ...rest } = body
  if (id === undefined) return rest
  const fields = objectsIn(body, 'affected_fields').find((one) => Object.hasOwn(one, id))
  const values = objectsIn(body, 'affected_values').find((one) => textIn(one, 'record_id') === id)
  return {
    ...rest,
    ids: [id],
    affected_fields: fields?.[id] ?? [],
    affected_values: objectIn(values ?? {}, 'values') ?? {},
  }
}

const samples = samplesOf(resourceNames)
const operations: Readonly<Record<string, string>> = {
  created: 'insert',
  updated: 'update',
  deleted: 'delete',
}

function sampleBody({ event, url, externalId, secrets, now }: HookSampleWish): JsonObject {
  const [module = '', effect = ''] = event.split('.')
  return {
    server_time: now.getTime(),
    affected_values: [],
    query_params: {},
    module,
    resource_uri: `https://www.zohoapis.com/crm/v8/${module}`,
    ids: [externalId],
    affected_fields: effect === 'updated' ? [{ [externalId]: ['Description'] }] : [],
    operation: operations[effect] ?? '',
    channel_id: channelOf(url.href),
    token: secrets['token'] ?? '',
  }
}

export const webhooks: Webhooks = {
  scope: 'connection',
  secrets: [
    {
      name: 'token',
      title: 'Token',
      help: 'Made here; given to Zoho with the channel and sent back in each notification. At most 50 characters.',
      madeBy: 'hub',
    },
  ],
  // Not documented which one is sent.
  contentTypes: [],
  maxBytes: 2_000_000,
  // The token proves as much as a key in the URL would; and whether Zoho calls the URL with its parameters is not documented.
  unguessableUrl: false,
  verify,
  split,
  subscriptions,
  setup: [
    'With a connection that is signed in the hub does all of this by itself. For one that only receives:',
    'Get an access token with the scope `ZohoCRM.notifications.ALL` and the ones of the modules (API console, self client).',
    'Post to `https://www.zohoapis.com/crm/v8/actions/watch` (or the domain of your data centre): `{"watch":[{"channel_id":"1000000068001","events":["Leads.all","Contacts.all","Accounts.all","Deals.all","Tasks.all","Events.all","Calls.all"],"channel_expiry":"<at most a week from now, 2026-12-01T09:00:00+00:00>","token":"{secret:token}","notify_url":"{url}","notify_on_related_action":false}]}`.',
    'Post the same again with a later `channel_expiry` before it ends: a channel lives a week at most, an hour where no time is given.',
  ],
  samples,
  sample(wish) {
    sampleNamed(samples, wish.event)
    return {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(sampleBody(wish)),
    }
  },
}
