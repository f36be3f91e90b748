/**
 * Webhooks of the simulated account: made, listed by cursor, changed, removed; each has a signing secret. Fields of the webhooks
 * reference (developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks, read 2026-11-24). They tell nobody anything: the
 * command `webhooks simulate` does.
 */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { firstIds, wordOf } from './simulator-objects.ts'
import { badRequest, json, notFound, origin, sizeOf } from './simulator-reads.ts'

export interface Hooks {
  /** By id; null for one that was removed: ids are not used again. */
  readonly all: Map<string, JsonObject | null>
  /** Kept for a restart. */
  save(id: string, webhook: JsonObject | null): void
  readonly now: () => Date
}

const mandatory = ['name', 'endpoint', 'http_method', 'request_format', 'status'] as const
/** Like Zendesk's (ULIDs): 26 letters and digits that grow. */
const idOf = (number: number): string => `01SANDBOX${String(number).padStart(17, '0')}`
const secretOf = (id: string): string => Buffer.from(`sandbox signing secret of ${id}`).toString('base64')

const given = (request: SimulatorRequest): JsonObject | undefined => {
  const part = isJsonObject(request.body) ? request.body['webhook'] : undefined
  return isJsonObject(part) ? part : undefined
}

/** What Zendesk would not take. */
function faultOf(webhook: JsonObject): string | undefined {
  const missing = mandatory.find((name) => typeof webhook[name] !== 'string' || webhook[name] === '')
  if (missing !== undefined) return `${missing} is missing`
  if (!['active', 'inactive'].includes(wordOf(webhook['status']))) return 'status is invalid'
  const subscriptions = Array.isArray(webhook['subscriptions']) ? webhook['subscriptions'] : []
  const isEvent = (one: unknown) => /^zen:event-type:[a-z_]+\.[a-z_]+$/.test(String(one))
  const isForTriggers = subscriptions.length === 1 && subscriptions[0] === 'conditional_ticket_events'
  if (!isForTriggers && !subscriptions.every(isEvent)) return 'subscriptions are invalid'
  return webhook['http_method'] === 'POST' && webhook['request_format'] === 'json'
    ? undefined
    : 'events are posted as json'
}

const invalid = (message: string): SimulatorReply => badRequest('InvalidWebhook', message)

export function createWebhook(hooks: Hooks, request: SimulatorRequest): SimulatorReply {
  const wish = given(request) ?? {}
  const fault = faultOf(wish)
  if (fault !== undefined) return invalid(fault)
  const at = hooks.now().toISOString()
  const id = idOf(hooks.all.size + 1)
  const webhook: JsonObject = {
    ...wish,
    id,
    created_at: at,
    created_by: String(firstIds.users),
    updated_at: at,
    updated_by: String(firstIds.users),
  }
  hooks.save(id, webhook)
  return json({ webhook }, 201)
}

export function listWebhooks({ all }: Hooks, { query, path }: SimulatorRequest): SimulatorReply {
  const size = sizeOf(query.get('page[size]'), 100)
  const after = Buffer.from(query.get('page[after]') ?? '', 'base64').toString('utf8')
  const rest = [...all].filter(([id, webhook]) => webhook !== null && id > after)
  const page = rest.slice(0, size)
  const shown = page.flatMap(([, webhook]) => webhook ?? [])
  const cursor = Buffer.from(page.at(-1)?.[0] ?? after).toString('base64')
  const hasMore = rest.length > shown.length
  return json({
    webhooks: shown,
    meta: { has_more: hasMore, after_cursor: shown.length > 0 ? cursor : null, before_cursor: null },
    links: {
      next: hasMore ? `${origin}${path}?page[after]=${cursor}&page[size]=${size}` : null,
      prev: null,
    },
  })
}

export function showWebhook({ all }: Hooks, id: string): SimulatorReply {
  const webhook = all.get(id)
  return webhook ? json({ webhook }) : notFound()
}

export const showSecret = ({ all }: Hooks, id: string): SimulatorReply =>
  all.get(id) ? json({ signing_secret: { algorithm: 'SHA256', secret: secretOf(id) } }) : notFound()

/** PATCH and PUT alike: what is given replaces. A webhook stays with events or with triggers. */
export function changeWebhook(hooks: Hooks, request: SimulatorRequest, id: string): SimulatorReply {
  const before = hooks.all.get(id)
  if (!before) return notFound()
  const after = { ...before, ...given(request), id, updated_at: hooks.now().toISOString() }
  const fault = faultOf(after)
  if (fault !== undefined) return invalid(fault)
  const isForTriggers = (webhook: JsonObject) =>
    JSON.stringify(webhook['subscriptions'] ?? []).includes('conditional_ticket_events')
  if (isForTriggers(before) !== isForTriggers(after))
    return invalid('the connection method cannot be changed')
  hooks.save(id, after)
  return { status: 204 }
}

export function removeWebhook(hooks: Hooks, id: string): SimulatorReply {
  if (!hooks.all.get(id)) return notFound()
  hooks.save(id, null)
  return { status: 204 }
}
