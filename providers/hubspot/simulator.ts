/**
 * A HubSpot account behind HTTP: sign-in, limits, CRM objects, search, associations, lists, mails. Written from HubSpot's
 * documentation (README.md names the pages), not from the connector. All else stands in `simulator-*.ts`.
 */
import type { JsonValue } from '../../model/json.ts'
import {
  createChance,
  createRouter,
  createWindows,
  type Edit,
  type EditWish,
  type Sample,
  type Simulator,
  type SimulatorOptions,
  type SimulatorReply,
  type SimulatorRequest,
  type Windows,
  type World,
} from '../../sandbox/kit.ts'
import { app, consent, decide, revoke, stranger, token } from './simulator-oauth.ts'
import { archivedAt, nextId, refuse, touch, type Scene } from './simulator-objects.ts'
import {
  createPortal,
  living,
  newEmailEvent,
  newObject,
  stateOf,
  withValues,
  type Portal,
} from './simulator-portal.ts'
import { routes } from './simulator-rest.ts'
import { isObjectType, makers, type ObjectType } from './simulator-types.ts'

const sample: Sample = {
  provider: 'hubspot',
  name: 'HubSpot sandbox',
  auth: 'private_app',
  settings: {},
  secrets: { token: 'sandbox-hubspot-private-app-token-0123456789' },
  origins: ['https://api.hubapi.com', 'https://app.hubspot.com'],
}

const defaultSize = {
  owners: 8,
  companies: 400,
  contacts: 2000,
  deals: 800,
  tickets: 300,
  calls: 150,
  emails: 150,
  meetings: 150,
  notes: 150,
  tasks: 150,
  communications: 150,
  lists: 12,
  marketing_emails: 10,
  email_events: 500,
}
/** A free or starter account's private app: 100 calls in ten seconds, 250,000 a day, five searches a second. */
const defaultLimits: Readonly<Record<string, number>> = { ten_seconds: 100, daily: 250_000, search: 5 }

const refusals: Readonly<Record<number, JsonValue>> = {
  429: {
    status: 'error',
    message: 'You have reached your ten_secondly_rolling limit.',
    errorType: 'RATE_LIMIT',
    policyName: 'TEN_SECONDLY_ROLLING',
    category: 'RATE_LIMITS',
  },
  500: { status: 'error', message: 'internal error', category: 'INTERNAL_ERROR' },
  503: { status: 'error', message: 'service unavailable', category: 'SERVICE_UNAVAILABLE' },
}

const route = createRouter(routes)

export const hubspotSimulator: Simulator = {
  slug: 'hubspot',
  sample,
  app,
  defaultSize,
  refusals,
  createWorld,
}

/** How far the search index is behind, where providers hold things back. */
const indexLagMs = 5_000

function createWorld(options: SimulatorOptions): World {
  const { seed, epoch, now, record, minuteRule } = options
  const portal = createPortal({ seed, size: { ...defaultSize, ...options.size }, epoch, record })
  const limits: Record<string, number> = { ...defaultLimits, ...options.limits }
  const windows = createWindows(now)
  let { token: privateToken = '' } = sample.secrets
  let { editEveryReads } = options
  let reads = 0
  const scene = (): Scene => ({
    portal,
    now,
    page: limits['page'] ?? 1000,
    indexedUntil: minuteRule === 'real' ? now().getTime() - indexLagMs : Number.MAX_SAFE_INTEGER,
  })
  return {
    handle: (request) => {
      if (editEveryReads > 0 && ++reads % editEveryReads === 0) edit(portal, options, { update: 1 })
      return answer(scene(), request, privateToken, windows, limits)
    },
    edit: (wish) => edit(portal, options, wish),
    editExactly: ({ resource, id, fields, delete: isOver }) => {
      const object = isObjectType(resource) ? portal.objects[resource].get(id) : undefined
      if (!isObjectType(resource) || !object || object.archived !== null) return undefined
      const at = Math.max(now().getTime(), object.updated + 1)
      const values = Object.fromEntries(
        Object.entries(fields ?? {}).map(([name, value]) => [
          name,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      )
      portal.keepObject(
        resource,
        isOver === true ? archivedAt(object, at) : withValues(resource, object, values, at, 'CRM_UI'),
      )
      return { resource, id, effect: isOver === true ? 'deleted' : 'updated', fields: Object.keys(values) }
    },
    state: (resource) => stateOf(portal, resource),
    settle: () => void (editEveryReads = 0),
    setSecrets: (next) => void (privateToken = next['token'] ?? sample.secrets['token'] ?? ''),
    setLimits: (next) => void Object.assign(limits, next),
    replay: (entry) => portal.replay(entry),
  }
}

function answer(
  scene: Scene,
  request: SimulatorRequest,
  privateToken: string,
  windows: Windows,
  limits: Readonly<Record<string, number>>,
): SimulatorReply {
  const { portal, now } = scene
  const { method, path } = request
  const at = now().getTime()
  if (path === '/oauth/authorize') return method === 'POST' ? decide(portal, request, at) : consent(request)
  if (method === 'POST' && /^\/oauth\/[\w-]+\/token$/.test(path)) return token(portal, request, at)
  if (method === 'POST' && /^\/oauth\/[\w-]+\/token\/revoke$/.test(path)) return revoke(portal, request)
  const refusal = stranger(portal, request, privateToken, at)
  if (refusal) return refusal
  const isExempt = /single-email\/send$|^\/events\/[\w-]+\/send$/.test(path)
  const isSearch = path.endsWith('/search') && path.startsWith('/crm/objects')
  if (isSearch && windows.take('search', limits['search'] ?? 5, 1_000).isOver)
    return tooMany('SECONDLY', 'secondly')
  if (isExempt) return routed(scene, request)
  const rolling = windows.take('ten_seconds', limits['ten_seconds'] ?? 100, 10_000)
  const daily = windows.take('daily', limits['daily'] ?? 250_000, 86_400_000)
  if (daily.isOver) return tooMany('DAILY', 'daily')
  if (rolling.isOver) return tooMany('TEN_SECONDLY_ROLLING', 'ten_secondly_rolling')
  const reply = routed(scene, request)
  if (isSearch) return reply
  const headers = {
    'x-hubspot-ratelimit-max': String(rolling.limit),
    'x-hubspot-ratelimit-remaining': String(rolling.remaining),
    'x-hubspot-ratelimit-interval-milliseconds': '10000',
    'x-hubspot-ratelimit-daily': String(daily.limit),
    'x-hubspot-ratelimit-daily-remaining': String(daily.remaining),
  }
  return { ...reply, headers: { ...headers, ...reply.headers } }
}

const routed = (scene: Scene, request: SimulatorRequest): SimulatorReply =>
  route(scene, request, request.path) ?? refuse(404, 'NOT_FOUND', 'No route matches this path')

const tooMany = (policyName: string, words: string): SimulatorReply =>
  refuse(429, 'RATE_LIMITS', `You have reached your ${words} limit.`, { errorType: 'RATE_LIMIT', policyName })

// ------------------------------------------------------------------------------------------------- edits

/** Random edits, the same ones for the same seed and history. */
function edit(portal: Portal, options: SimulatorOptions, wish: EditWish): Edit[] {
  const resource = wish.resource ?? 'contacts'
  const chance = createChance(options.seed * 7919 + portal.changes())
  const at = options.now().getTime()
  if (resource === 'email_events') return newEvents(portal, wish.create ?? 0, at)
  if (!isObjectType(resource)) return []
  const edits: Edit[] = []
  const done = (id: string, effect: Edit['effect'], fields: readonly string[]) =>
    void edits.push({ resource, id, effect, fields })
  for (let n = 0; n < (wish.create ?? 0); n++) {
    const id = nextId({ portal } as Scene)
    portal.keepObject(resource, newObject(resource, id, makers[resource](Number(id), chance, '701'), at))
    done(id, 'created', [])
  }
  const some = (): ReturnType<typeof living>[number] | undefined => {
    const all = living(portal, resource)
    return all[chance.below(all.length)]
  }
  for (let n = 0; n < (wish.update ?? 0); n++) {
    const object = some()
    if (!object) continue
    const name = fieldToEdit[resource]
    portal.keepObject(
      resource,
      withValues(
        resource,
        object,
        { [name]: `Edited ${portal.changes()}` },
        Math.max(at, object.updated + 1),
        'CRM_UI',
      ),
    )
    done(object.id, 'updated', ['properties'])
  }
  for (let n = 0; n < (wish.delete ?? 0); n++) {
    const object = some()
    if (!object) continue
    portal.keepObject(resource, archivedAt(object, Math.max(at, object.updated + 1)))
    done(object.id, 'deleted', [])
  }
  for (let n = 0; n < (wish.touch ?? 0); n++) {
    const object = some()
    if (!object) continue
    portal.keepObject(resource, touch(resource, object, Math.max(at, object.updated + 1)))
    done(object.id, 'touched', [])
  }
  return edits
}

const fieldToEdit: Readonly<Record<ObjectType, string>> = {
  companies: 'name',
  contacts: 'lastname',
  deals: 'dealname',
  tickets: 'subject',
  calls: 'hs_call_title',
  emails: 'hs_email_subject',
  meetings: 'hs_meeting_title',
  notes: 'hs_note_body',
  tasks: 'hs_task_subject',
  communications: 'hs_communication_body',
}

function newEvents(portal: Portal, count: number, at: number): Edit[] {
  const edits: Edit[] = []
  for (let n = 0; n < count; n++) {
    const id = `e1000000-0000-4000-8000-${String(portal.changes()).padStart(12, '0')}`
    const recipient = living(portal, 'contacts')[0]?.properties['email'] ?? 'nobody@example.com'
    portal.keep('email_events', id, newEmailEvent(id, createChance(portal.changes()), recipient, at))
    edits.push({ resource: 'email_events', id, effect: 'created', fields: [] })
  }
  return edits
}
