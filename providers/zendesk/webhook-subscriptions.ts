/** Webhooks of an account by API: made, brought in line, removed. Sources: README, "Webhooks". */
import type { ProviderContext } from '../contract.ts'
import type { HookSubscription, HookSubscriptions, HookWish } from '../contract-webhook.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { topics } from './webhook-events.ts'

const name = 'Tieline'
const path = '/api/v2/webhooks'

const partOf = (value: unknown, key: string): JsonObject => {
  const part = isJsonObject(value) ? value[key] : undefined
  if (!isJsonObject(part)) throw new HubError('Protocol', `Zendesk answered without "${key}".`)
  return part
}

const bodyOf = (wish: HookWish): JsonObject => ({
  webhook: {
    name,
    endpoint: wish.url,
    http_method: 'POST',
    request_format: 'json',
    status: 'active',
    subscriptions: [...wish.topics],
  },
})

function subscriptionOf(one: JsonObject): HookSubscription[] {
  const { id, endpoint, status, subscriptions: told } = one
  if (typeof id !== 'string' || typeof endpoint !== 'string') return []
  const list = Array.isArray(told) ? told.filter((topic) => typeof topic === 'string') : []
  // Made by hand for triggers: none of the hub's business.
  if (list.includes('conditional_ticket_events')) return []
  return [{ id, url: endpoint, active: status === 'active', topics: list }]
}

async function list({ call }: ProviderContext): Promise<HookSubscription[]> {
  const found: HookSubscription[] = []
  let after: string | undefined
  do {
    const query = { 'page[size]': 100, ...(after === undefined ? {} : { 'page[after]': after }) }
    const { body } = await call({ method: 'GET', path, query, group: 'support' })
    const page = isJsonObject(body) ? body : {}
    const hooks = Array.isArray(page['webhooks']) ? page['webhooks'].filter(isJsonObject) : []
    found.push(...hooks.flatMap(subscriptionOf))
    const meta = isJsonObject(page['meta']) ? page['meta'] : {}
    after =
      meta['has_more'] === true && typeof meta['after_cursor'] === 'string' ? meta['after_cursor'] : undefined
  } while (after !== undefined)
  return found
}

async function secretOf({ call }: ProviderContext, id: string): Promise<string> {
  const { body } = await call({ method: 'GET', path: `${path}/${id}/signing_secret`, group: 'support' })
  const { secret } = partOf(body, 'signing_secret')
  if (typeof secret === 'string' && secret !== '') return secret
  throw new HubError('Protocol', 'Zendesk gave a webhook no signing secret.')
}

async function remove({ call }: ProviderContext, id: string): Promise<void> {
  await call({ method: 'DELETE', path: `${path}/${id}`, group: 'support', repeatable: true, accept: [404] })
}

export const subscriptions: HookSubscriptions = {
  topics,
  list,
  async create(context, wish) {
    const { call } = context
    const made = partOf(
      (await call({ method: 'POST', path, body: bodyOf(wish), group: 'support' })).body,
      'webhook',
    )
    const { id } = made
    if (typeof id !== 'string') throw new HubError('Protocol', 'Zendesk made a webhook without an id.')
    try {
      return { id, secrets: { signingSecret: await secretOf(context, id) } }
    } catch (error) {
      // A webhook whose secret nobody has would stand there, looking well.
      await remove(context, id)
      throw error
    }
  },
  async update({ call }, id, wish) {
    await call({
      method: 'PATCH',
      path: `${path}/${id}`,
      body: bodyOf(wish),
      group: 'support',
      repeatable: true,
    })
    return {}
  },
  remove,
}
