/**
 * Callbacks of an account by API: one for each kind of object, each with a verifier of its own, which FreshBooks posts once and wants
 * back. For the hub they are one subscription; its id is that of all of them. Sources: README, "Webhooks".
 */
import type { JsonObject } from '../../model/json.ts'
import type { ProviderContext } from '../contract-basics.ts'
import type { HookSubscription, HookSubscriptions } from '../contract-webhook.ts'
import {
  accountOf,
  fieldsIn,
  get,
  idIn,
  numberIn,
  protocolError,
  resultOf,
  rowsOf,
  textIn,
} from './answer.ts'

const group = 'callbacks'
const pathOf = ({ settings }: ProviderContext) => `/events/account/${accountOf(settings)}/events/callbacks`

interface Callback {
  readonly id: string
  readonly event: string
  readonly uri: string
  readonly isVerified: boolean
}

function callbackOf(one: JsonObject): Callback[] {
  const id = idIn(one, 'callbackid') ?? idIn(one, 'id')
  const event = textIn(one, 'event')
  const uri = textIn(one, 'uri')
  if (id === undefined || event === undefined || uri === undefined) return []
  return [{ id, event, uri, isVerified: one['verified'] === true }]
}

async function callbacksOf(context: ProviderContext): Promise<Callback[]> {
  const found: Callback[] = []
  for (let page = 1; ; page++) {
    const result = resultOf(await get(context, pathOf(context), { per_page: 100, page }), 'callbacks')
    const rows = rowsOf(result, 'callbacks')
    found.push(...rows.flatMap(callbackOf))
    if (rows.length === 0 || page >= (numberIn(result, 'pages') ?? page)) return found
  }
}

async function make(context: ProviderContext, event: string, uri: string): Promise<string> {
  const path = pathOf(context)
  const made = await context.call({ method: 'POST', path, body: { callback: { event, uri } }, group })
  const callback = fieldsIn(resultOf(made, path), 'callback')
  const id = idIn(callback, 'callbackid') ?? idIn(callback, 'id')
  if (id === undefined) throw protocolError('a callback without an id')
  return id
}

async function end(context: ProviderContext, id: string): Promise<void> {
  const path = `${pathOf(context)}/${id}`
  await context.call({ method: 'DELETE', path, group, repeatable: true, accept: [404] })
}

const separator = '+'

export const subscriptions: HookSubscriptions = {
  topics: ['client', 'invoice', 'payment', 'expense'],
  async list(context) {
    const byUri = new Map<string, Callback[]>()
    for (const one of await callbacksOf(context)) byUri.set(one.uri, [...(byUri.get(one.uri) ?? []), one])
    return [...byUri].map(([url, callbacks]): HookSubscription => ({
      id: callbacks.map(({ id }) => id).join(separator),
      url,
      active: callbacks.every(({ isVerified }) => isVerified),
      topics: callbacks.map(({ event }) => event),
    }))
  },
  async create(context, { url, topics }) {
    const ids: string[] = []
    for (const topic of topics) ids.push(await make(context, topic, url))
    return { id: ids.join(separator) }
  },
  /** What is missing is made, what is too much ends, and a verifier that got lost is asked for again. */
  async update(context, id, { url, topics }) {
    const ids = id.split(separator)
    const callbacks = (await callbacksOf(context)).filter((one) => ids.includes(one.id))
    const kept = new Set<string>()
    for (const one of callbacks) {
      if (one.uri !== url || !topics.includes(one.event) || kept.has(one.event)) {
        await end(context, one.id)
        continue
      }
      kept.add(one.event)
      if (!one.isVerified) await put(context, one.id, { resend: true })
    }
    for (const topic of topics) if (!kept.has(topic)) await make(context, topic, url)
    return {}
  },
  async remove(context, id) {
    for (const one of id.split(separator)) await end(context, one)
  },
}

async function put(context: ProviderContext, id: string, callback: JsonObject): Promise<void> {
  const path = `${pathOf(context)}/${id}`
  await context.call({ method: 'PUT', path, body: { callback }, group, repeatable: true })
}

/** Sends a verifier back: the callback is active from then on. Repeatable. @throws HubError where FreshBooks did not make it. */
export const verifyCallback = (context: ProviderContext, id: string, verifier: string): Promise<void> =>
  put(context, id, { verifier })
