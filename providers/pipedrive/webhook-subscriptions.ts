/** Webhooks of a company by API: listed, made, removed. Sources: README, "Webhooks". */
import type { ProviderContext } from '../contract-basics.ts'
import type { HookSubscription, HookSubscriptions } from '../contract-webhook.ts'
import { objectIn, objectsIn, textIn } from '../hooks/parse.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { user } from './webhook-sample.ts'

const path = '/api/v1/webhooks'
const group = 'webhooks'
/** A webhook has one action and one object: with both wildcards it is one of the 40 that a user may have. */
const everything = '*.*'
const version = '2.0'

/**
 * The hub itself turned the last delivery away: the webhook carries an older password, which Pipedrive neither shows nor lets be
 * changed. Taken for broken, it is made anew with the present one.
 */
const isTurnedAway = (one: JsonObject): boolean => one['last_http_status'] === 401

function subscriptionOf(one: JsonObject): HookSubscription[] {
  const id = textIn(one, 'id')
  const url = textIn(one, 'subscription_url')
  if (id === undefined || url === undefined) return []
  const isActive = one['is_active'] === 1 || one['is_active'] === true
  return [
    {
      id,
      url,
      // Version 1.0 has other bodies, and one without a user is not believed here.
      active:
        isActive &&
        textIn(one, 'version') === version &&
        textIn(one, 'http_auth_user') === user &&
        !isTurnedAway(one),
      topics: [`${textIn(one, 'event_action') ?? ''}.${textIn(one, 'event_object') ?? ''}`],
    },
  ]
}

/** There is one page: a user has at most 40. `data` is null where there is none. */
async function list({ call }: ProviderContext): Promise<HookSubscription[]> {
  const { body } = await call({ method: 'GET', path, group })
  if (!isJsonObject(body)) throw new HubError('Protocol', 'Pipedrive answered without a list of webhooks.')
  return objectsIn(body, 'data').flatMap(subscriptionOf)
}

/** No `update`: Pipedrive has none. One that is not as wished is removed and made again. */
export const subscriptions: HookSubscriptions = {
  topics: [everything],
  list,
  async create({ call }, { url, topics, secrets }) {
    const [topic = everything] = topics
    const [action = '*', object = '*'] = topic.split('.')
    const { body } = await call({
      method: 'POST',
      path,
      group,
      body: {
        subscription_url: url,
        event_action: action,
        event_object: object,
        name: 'Tieline',
        version,
        http_auth_user: user,
        http_auth_password: secrets['password'] ?? '',
      },
    })
    const made = isJsonObject(body) ? objectIn(body, 'data') : undefined
    const id = made ? textIn(made, 'id') : undefined
    if (id === undefined) throw new HubError('Protocol', 'Pipedrive made a webhook without an id.')
    return { id }
  },
  async remove({ call }, id) {
    await call({ method: 'DELETE', path: `${path}/${id}`, group, repeatable: true, accept: [404] })
  },
}
