/**
 * A Pipedrive company behind HTTP: sign-in, both limits, lists of v2 and v1, webhooks. Written from Pipedrive's documentation
 * and OpenAPI files, not from the connector, so that the two cannot share a misreading. All else stands in `simulator-*.ts`.
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
import { createEditor, type Company } from './simulator-edits.ts'
import { refused } from './simulator-lists.ts'
import { createTables, defaultSize, domain, isDeleted, isKind, textOf } from './simulator-objects.ts'
import { app, createSignIn } from './simulator-oauth.ts'
import { costOf, route } from './simulator-routes.ts'
import type { Hooks } from './simulator-webhooks.ts'

const sample: Sample = {
  provider: 'pipedrive',
  name: 'Pipedrive sandbox',
  auth: 'api_token',
  settings: { company_domain: domain, tokens_per_day: '300000' },
  secrets: { api_token: 'sandbox0pipedrive0api0token00123456789ab' },
  origins: [`https://${domain}.pipedrive.com`, 'https://api.pipedrive.com', 'https://oauth.pipedrive.com'],
}

/** Growth with five seats: 40 calls in 2 seconds; `day` in calls of 10 tokens, as the hub counts. */
const defaultLimits = { burst: 40, day: 30_000 }
const tokensACall = 10
const dayMs = 24 * 3_600_000

const refusals = {
  429: { success: false, error: 'Request over limit' },
  500: { success: false, error: 'Internal Server Error' },
  503: { success: false, error: 'Scheduled maintenance' },
}

export const pipedriveSimulator: Simulator = {
  slug: 'pipedrive',
  sample,
  app,
  defaultSize,
  refusals,
  createWorld,
}

/** What is read page by page. */
const pages = /\/(deals|persons|organizations|activities|products|leads|notes|archived)$/

function createWorld(options: SimulatorOptions): World {
  const { seed, now } = options
  const limits: Record<string, number> = { ...defaultLimits, ...options.limits }
  const windows = createWindows(now)
  const tables = createTables(seed, { ...defaultSize, ...options.size }, options.epoch.getTime())
  let changes = 0
  const keep: Company['save'] = (kind, id, object) => {
    changes++
    if (object) tables[kind].set(id, object)
    else tables[kind].delete(id)
  }
  const company: Company = {
    tables,
    seed,
    now,
    changes: () => changes,
    save: (kind, id, object) => {
      keep(kind, id, object)
      options.record({ kind, id, object: object ?? null })
    },
  }
  const editor = createEditor(company)
  const hooks: Hooks = {
    all: new Map(),
    now,
    save: (id, webhook) => {
      hooks.all.set(id, webhook)
      options.record({ hook: id, webhook })
    },
  }
  const signIn = createSignIn({ seed, now, record: options.record })
  let secrets: Readonly<Record<string, string>> = sample.secrets
  let day = { date: '', used: 0 }
  let { editEveryReads } = options
  let reads = 0

  const isKnown = ({ headers }: SimulatorRequest): boolean => {
    const bearer = /^Bearer (.+)$/i.exec(headers['authorization'] ?? '')?.[1]
    return bearer === undefined ? headers['x-api-token'] === secrets['api_token'] : signIn.accepts(bearer)
  }
  /** The tokens of the day, filled at midnight (UTC here); false when they do not suffice. */
  const spend = (cost: number): boolean => {
    const date = new Date(Math.floor(now().getTime() / dayMs) * dayMs).toISOString()
    if (day.date !== date) day = { date, used: 0 }
    if (day.used + cost > (limits['day'] ?? 0) * tokensACall) return false
    day.used += cost
    return true
  }
  const answerApi = (request: SimulatorRequest): SimulatorReply => {
    if (!isKnown(request)) return refused(401, 'unauthorized access')
    const scene = { company, hooks, now: now(), page: limits['page'] ?? 500 }
    return route(scene, request, request.path) ?? refused(404, 'Unknown method .')
  }

  return {
    edit: editor.edit,
    editExactly: editor.editExactly,
    handle: (request) => {
      const signedIn = signIn.answer(request)
      if (signedIn) return signedIn
      const window = windows.take('burst', limits['burst'] ?? 20, 2000)
      const headers = {
        'x-ratelimit-limit': String(window.limit),
        'x-ratelimit-remaining': String(window.remaining),
        'x-ratelimit-reset': String(window.resetSeconds),
      }
      if (window.isOver)
        return {
          status: 429,
          headers: { ...headers, 'retry-after': String(window.resetSeconds) },
          body: refusals[429],
        }
      if (!spend(costOf(request))) return { status: 429, headers, body: refusals[429] }
      const isPage = request.method === 'GET' && pages.test(request.path)
      if (isPage && editEveryReads > 0 && ++reads % editEveryReads === 0) editor.editSomething()
      return { headers, ...answerApi(request) }
    },
    state: (resource) =>
      isKind(resource)
        ? Object.fromEntries([...tables[resource]].filter(([, object]) => !isDeleted(object)))
        : {},
    settle: () => void (editEveryReads = 0),
    setSecrets: (next) => void (secrets = { ...sample.secrets, ...next }),
    setLimits: (next) => void Object.assign(limits, next),
    replay: (entry) => {
      if (!isJsonObject(entry)) return
      const { kind, id, object, hook, webhook } = entry
      const name = textOf(kind)
      if ('oauth' in entry) signIn.restore(entry)
      else if (hook !== undefined) hooks.all.set(textOf(hook), objectOrNull(webhook))
      else if (isKind(name)) keep(name, textOf(id), objectOrNull(object) ?? undefined)
    },
  }
}

const objectOrNull = (value: unknown): JsonObject | null => (isJsonObject(value) ? value : null)
