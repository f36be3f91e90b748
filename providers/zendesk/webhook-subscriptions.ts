/** Webhooks of an account by API: made, brought in line, removed. Sources: README, "Webhooks". */
import type { ProviderContext } from '../contract.ts'
import type { HookSubscription, HookSubscriptions, HookWish } from '../contract-webhook.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'

const name = 'Tieline'
const path = '/api/v2/webhooks'

/** Domains of events; a webhook subscribes to events, or is connected to triggers, for ever. */
const topics = [
  'zen:event-type:user.created',
  'zen:event-type:user.name_changed',
  'zen:event-type:user.deleted',
  'zen:event-type:organization.created',
  'zen:event-type:organization.name_changed',
  'zen:event-type:organization.deleted',
  'zen:event-type:article.published',
  'zen:event-type:article.unpublished',
  'zen:event-type:ticket.created',
  'zen:event-type:ticket.status_changed',
  'zen:event-type:ticket.soft_deleted',
] as const

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

export const subscriptions: HookSubscriptions = {
  topics,
  list,
  async create({ call }, wish) {
    const made = partOf(
      (await call({ method: 'POST', path, body: bodyOf(wish), group: 'support' })).body,
      'webhook',
    )
    const { id } = made
    if (typeof id !== 'string') throw new HubError('Protocol', 'Zendesk made a webhook without an id.')
    const answer = await call({ method: 'GET', path: `${path}/${id}/signing_secret`, group: 'support' })
    const { secret } = partOf(answer.body, 'signing_secret')
    return { id, ...(typeof secret === 'string' ? { secrets: { signingSecret: secret } } : {}) }
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
  async remove({ call }, id) {
    await call({ method: 'DELETE', path: `${path}/${id}`, group: 'support', repeatable: true, accept: [404] })
  },
}
