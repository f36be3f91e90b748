/**
 * A Zoho CRM organization behind HTTP: sign-in in one data centre, credits, records in pages and by time, the recycle bin, channels.
 * Written from Zoho's documentation and OpenAPI files, not from the connector, so that the two cannot share a misreading. All else stands
 * in `simulator-*.ts`.
 */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import {
  createWindows,
  type Sample,
  type Simulator,
  type SimulatorOptions,
  type SimulatorReply,
  type SimulatorRequest,
  type World,
} from '../../sandbox/kit.ts'
import { createEditor, type Organization } from './simulator-edits.ts'
import { app, createSignIn } from './simulator-oauth.ts'
import { createTables, defaultSize, isDeleted, isKind, orgId, textOf } from './simulator-org.ts'
import { refused, route, type Channels } from './simulator-routes.ts'

const scopes = [
  'ZohoCRM.modules.READ',
  'ZohoCRM.users.READ',
  'ZohoCRM.org.READ',
  'ZohoCRM.notifications.ALL',
  'ZohoCRM.modules.deals.UPDATE',
]

const sample: Sample = {
  provider: 'zoho-crm',
  name: 'Zoho CRM sandbox',
  auth: 'oauth',
  settings: { data_center: 'eu', org_id: orgId, credits_per_day: '100000' },
  secrets: {
    access_token: '1000.sandbox-zoho-access-token-0123456789',
    refresh_token: '1000.sandbox-zoho-refresh-token-0123456789',
    expires_at: '2999-01-01T00:00:00.000Z',
    scope: scopes.join(' '),
  },
  origins: ['https://www.zohoapis.eu', 'https://accounts.zoho.eu'],
}

const refusals = {
  429: { code: 'TOO_MANY_REQUESTS', details: {}, message: 'Too many requests', status: 'error' },
  500: { code: 'INTERNAL_ERROR', details: {}, message: 'Internal Server Error', status: 'error' },
}

export const zohoCrmSimulator: Simulator = {
  slug: 'zoho-crm',
  sample,
  app,
  defaultSize,
  refusals,
  createWorld,
}

const dayMs = 24 * 3_600_000
const pages = /^\/crm\/v8\/(users|Leads|Contacts|Accounts|Deals|Tasks|Events|Calls)$/

function createWorld(options: SimulatorOptions): World {
  const { seed, now } = options
  const limits: Record<string, number> = { day: 100_000, pace: 600, ...options.limits }
  const windows = createWindows(now)
  const tables = createTables(seed, { ...defaultSize, ...options.size }, options.epoch.getTime())
  let changes = 0
  const keep: Organization['save'] = (kind, id, object) => {
    changes++
    tables[kind].set(id, object)
  }
  const org: Organization = {
    tables,
    seed,
    now,
    changes: () => changes,
    save: (kind, id, object) => {
      keep(kind, id, object)
      options.record({ kind, id, object })
    },
  }
  const editor = createEditor(org)
  const channels: Channels = {
    all: new Map(),
    save: (id, channel) => {
      channels.all.set(id, channel)
      options.record({ channel: id, object: channel })
    },
  }
  const pairOf = (secrets: Readonly<Record<string, string>>) => ({
    access: secrets['access_token'] ?? '',
    refresh: secrets['refresh_token'] ?? '',
  })
  const signIn = createSignIn({ seed, now, record: options.record, first: pairOf(sample.secrets) })
  let { editEveryReads } = options
  let reads = 0

  const answerApi = (request: SimulatorRequest): SimulatorReply => {
    const [, token = ''] = /^Zoho-oauthtoken (.+)$/.exec(request.headers['authorization'] ?? '') ?? []
    if (!signIn.accepts(token)) return refused(401, 'INVALID_TOKEN', 'invalid oauth token')
    if (windows.take('day', limits['day'] ?? 0, dayMs).isOver)
      return refused(429, 'LIMIT_EXCEEDED', 'API credits are exhausted')
    const isPage = request.method === 'GET' && pages.test(request.path)
    if (isPage && editEveryReads > 0 && ++reads % editEveryReads === 0) editor.editSomething()
    const found = route({ org, channels, now: now(), page: limits['page'] ?? 200 }, request, request.path)
    return (
      found ??
      refused(404, 'INVALID_URL_PATTERN', 'Please check if the URL trying to access is a correct one')
    )
  }

  return {
    edit: editor.edit,
    editExactly: editor.editExactly,
    handle: (request) => {
      const signedIn = signIn.answer(request)
      if (signedIn) return signedIn
      const window = windows.take('pace', limits['pace'] ?? 0)
      if (window.isOver)
        return {
          status: 429,
          headers: { 'retry-after': String(window.resetSeconds) },
          body: refusals[429],
        }
      return answerApi(request)
    },
    state: (resource) =>
      isKind(resource)
        ? Object.fromEntries([...tables[resource]].filter(([, object]) => !isDeleted(object)))
        : {},
    settle: () => void (editEveryReads = 0),
    setSecrets: (next) => signIn.reset(pairOf({ ...sample.secrets, ...next })),
    setLimits: (next) => void Object.assign(limits, next),
    replay: (entry) => {
      if (!isJsonObject(entry)) return
      const { kind, id, object, channel } = entry
      const name = textOf(kind)
      if ('oauth' in entry) signIn.restore(entry)
      else if (channel !== undefined) channels.all.set(textOf(channel), objectOrNull(object))
      else if (isKind(name) && isJsonObject(object)) keep(name, textOf(id), object)
    },
  }
}

const objectOrNull = (value: unknown): JsonObject | null => (isJsonObject(value) ? value : null)
