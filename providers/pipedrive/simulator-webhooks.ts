/**
 * Webhooks of the simulated company: made, listed, removed, never changed; passwords are not shown. Fields of the reference
 * (README, "Webhooks"). They tell nobody anything: the command `webhooks simulate` does.
 */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { ok, refused } from './simulator-lists.ts'
import { adminId, companyId, stamp, textOf } from './simulator-objects.ts'

export interface Hooks {
  /** By id; null for one that was removed: ids are not used again. */
  readonly all: Map<string, JsonObject | null>
  /** Kept for a restart. */
  save(id: string, webhook: JsonObject | null): void
  readonly now: () => Date
}

const actions = ['create', 'change', 'delete', '*']
const objects = [
  'activity',
  'deal',
  'lead',
  'note',
  'organization',
  'person',
  'pipeline',
  'product',
  'stage',
  'user',
  '*',
]
const mostOfAUser = 40

const status = { status: 'ok' }

function faultOf(wish: JsonObject): string | undefined {
  const url = textOf(wish['subscription_url'])
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return 'subscription_url is invalid'
  if (textOf(wish['name']) === '') return 'name is required'
  if (!actions.includes(textOf(wish['event_action']))) return 'event_action is invalid'
  if (!objects.includes(textOf(wish['event_object']))) return 'event_object is invalid'
  return ['1.0', '2.0', ''].includes(textOf(wish['version'])) ? undefined : 'version is invalid'
}

const living = ({ all }: Hooks): JsonObject[] => [...all.values()].filter((one) => one !== null)

export const listWebhooks = (hooks: Hooks): SimulatorReply => ok(living(hooks), status)

export function createWebhook(hooks: Hooks, { body }: SimulatorRequest): SimulatorReply {
  const wish = isJsonObject(body) ? body : {}
  const fault = faultOf(wish)
  if (fault !== undefined)
    return { status: 400, body: { success: false, status: 'error', errors: { fault } } }
  if (living(hooks).length >= mostOfAUser) return refused(422, 'Webhooks limit reached')
  const id = hooks.all.size + 1
  const webhook: JsonObject = {
    id,
    company_id: companyId,
    owner_id: adminId,
    user_id: typeof wish['user_id'] === 'number' ? wish['user_id'] : adminId,
    event_action: textOf(wish['event_action']),
    event_object: textOf(wish['event_object']),
    subscription_url: textOf(wish['subscription_url']),
    name: textOf(wish['name']),
    version: textOf(wish['version']) || '2.0',
    is_active: 1,
    add_time: stamp('notes', hooks.now().getTime()),
    remove_time: null,
    type: 'general',
    http_auth_user: textOf(wish['http_auth_user']) || null,
    http_auth_password: null,
    remove_reason: null,
    last_delivery_time: null,
    last_http_status: null,
    admin_id: adminId,
  }
  hooks.save(String(id), webhook)
  return ok(webhook, status, 201)
}

export function removeWebhook(hooks: Hooks, id: string): SimulatorReply {
  if (!hooks.all.get(id)) return refused(404, 'Webhook not found')
  hooks.save(id, null)
  return { status: 200, body: { success: true, status: 'ok' } }
}
