/** Webhooks of an account by API: made and removed. Sources: README, "Webhooks". */
import { randomBytes } from 'node:crypto'
import type { ProviderContext } from '../contract-basics.ts'
import type { HookSubscription, HookSubscriptions } from '../contract-webhook.ts'
import { objectIn, objectsIn, textIn } from '../hooks/parse.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'

const path = '/v2/webhooks'
const group = 'mailbox'

/** Of what is read; chats, tags, surveys and people's presence are left out. */
const topics = [
  'convo.created',
  'convo.assigned',
  'convo.status',
  'convo.tags',
  'convo.custom-fields',
  'convo.moved',
  'convo.merged',
  'convo.deleted',
  'convo.customer.reply.created',
  'convo.agent.reply.created',
  'convo.note.created',
  'customer.created',
  'customer.updated',
  'customer.deleted',
  'organization.created',
  'organization.updated',
  'organization.deleted',
  'satisfaction.ratings',
] as const

/** At most 40 characters: 30 bytes. */
const newSecret = (): string => randomBytes(30).toString('base64url')

function subscriptionOf(one: JsonObject): HookSubscription[] {
  const id = textIn(one, 'id')
  const url = textIn(one, 'url')
  if (id === undefined || url === undefined) return []
  const events = Array.isArray(one['events']) ? one['events'] : []
  const mailboxes = Array.isArray(one['mailboxIds']) ? one['mailboxIds'] : []
  // One that sends addresses in place of objects, or tells of some inboxes only, is not what is wished.
  const active = one['state'] === 'enabled' && one['notification'] !== true && mailboxes.length === 0
  return [{ id, url, active, topics: events.filter((event) => typeof event === 'string') }]
}

/** Pages count from 1; `_embedded` is missing where there is nothing. */
async function list({ call }: ProviderContext): Promise<HookSubscription[]> {
  const found: HookSubscription[] = []
  for (let page = 1, pages = 1; page <= pages; page++) {
    const { body } = await call({ method: 'GET', path, query: { page }, group })
    const answer = isJsonObject(body) ? body : {}
    found.push(...objectsIn(objectIn(answer, '_embedded') ?? {}, 'webhooks').flatMap(subscriptionOf))
    pages = Number(textIn(objectIn(answer, 'page') ?? {}, 'totalPages') ?? 1)
  }
  return found
}

/**
 * No `update`: it asks for a secret and would not tell it back. A webhook that is not as wished, or that Help Scout has disabled, is made
 * again with a new secret.
 */
export const subscriptions: HookSubscriptions = {
  topics,
  list,
  async create({ call }, wish) {
    const secret = newSecret()
    const { url } = wish
    const events = [...wish.topics]
    const body = { url, events, secret, payloadVersion: 'V2', notification: false, label: 'Tieline' }
    const { headers } = await call({ method: 'POST', path, body, group })
    const id = headers['resource-id'] ?? headers['location']?.split('/').at(-1)
    if (id === undefined || id === '')
      throw new HubError('Protocol', 'Help Scout made a webhook without an id.')
    return { id, secrets: { signingSecret: secret } }
  },
  async remove({ call }, id) {
    const gone = [404]
    await call({ method: 'DELETE', path: `${path}/${id}`, group, repeatable: true, accept: gone })
  },
}
