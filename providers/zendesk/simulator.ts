/**
 * A Zendesk account behind HTTP: authentication, limits, exports, lists, writes. Written from Zendesk's documentation and
 * OpenAPI files, not from the connector, so that the two cannot share a misreading. All else stands in `simulator-*.ts`.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import {
  createWindows,
  type Sample,
  type Simulator,
  type SimulatorOptions,
  type World,
} from '../../sandbox/kit.ts'
import { answer, refusals, type Door } from './simulator-answer.ts'
import { createAccountClock } from './simulator-clock.ts'
import { createEditor } from './simulator-edits.ts'
import { adminEmail, kinds, subdomain, wordOf, type Kind, type Sizes } from './simulator-objects.ts'
import type { Tables } from './simulator-reads.ts'
import type { Scene } from './simulator-routes.ts'
import { createTable, type Change } from './simulator-table.ts'
import type { Answered } from './simulator-writer.ts'

const sample: Sample = {
  provider: 'zendesk',
  name: 'Zendesk sandbox',
  auth: 'api_token',
  settings: { subdomain, email: adminEmail, exports_per_minute: '30' },
  secrets: { token: 'sandbox-zendesk-api-token-0123456789' },
  origins: [`https://${subdomain}.zendesk.com`],
  isFirst: true,
}

const defaultSize: Sizes = {
  organizations: 200,
  users: 2000,
  tickets: 3000,
  comments: 4000,
  satisfaction_ratings: 800,
  sections: 10,
  articles: 150,
}
/** The High Volume add-on: 2,500 calls a minute, 30 of them exports (fact sheet §3). */
const defaultLimits = { support: 2500, export: 30, help_center: 2500, ticket_update: 30 }
const days = 24 * 3600

export const zendeskSimulator: Simulator = { slug: 'zendesk', sample, defaultSize, refusals, createWorld }

function createWorld(options: SimulatorOptions): World {
  const { seed, now, minuteRule } = options
  const sizes: Sizes = { ...defaultSize, ...options.size }
  // The account began 90 days ago and was quiet for the last ten.
  const from = Math.floor(options.epoch.getTime() / 1000) - 90 * days
  const clock = createAccountClock(now, minuteRule, from + 80 * days)
  let changes = 0
  const answers = new Map<string, Answered>()
  const record = (change: Change) => {
    changes++
    options.record({ ...change })
  }
  const tables = createTables(seed, sizes, from, record)
  const editor = createEditor(tables, clock, seed, () => changes)
  const jobs: Scene['jobs'] = new Map()
  const writer = {
    tables,
    now,
    tick: clock.tick,
    addresses: new Map<number, string[]>(),
    answered: (key: string) => answers.get(key),
    keepAnswer: (key: string, answered: Answered) => {
      answers.set(key, answered)
      options.record({ key, asked: answered.asked, at: answered.at, reply: replyToKeep(answered) })
    },
  }
  const hooks: Scene['hooks'] = {
    all: new Map(),
    now,
    save: (id, webhook) => {
      hooks.all.set(id, webhook)
      options.record({ hook: id, webhook })
    },
  }
  let secrets: Readonly<Record<string, string>> = sample.secrets
  const limits: Record<string, number> = { ...defaultLimits, ...options.limits }
  const windows = createWindows(now)
  const scene = (): Scene => ({ tables, writer, jobs, hooks, now, horizon: clock.horizon() })
  let { editEveryReads } = options
  let reads = 0

  return {
    ...editor,
    handle: (request) => {
      const isPage = request.method === 'GET' && pages.test(request.path)
      if (isPage && editEveryReads > 0 && ++reads % editEveryReads === 0) editor.editSomething()
      const door: Door = { windows, limits, secrets, scene }
      const reply = answer(door, request)
      if (isPage) clock.seal()
      return reply
    },
    state: (resource) => {
      const table = tables[resource as Kind] as Tables[Kind] | undefined
      return Object.fromEntries((table?.living() ?? []).map((id) => [String(id), table?.get(id) ?? {}]))
    },
    settle: () => void (editEveryReads = 0),
    setSecrets: (next) => void (secrets = { ...sample.secrets, ...next }),
    setLimits: (next) => void Object.assign(limits, next),
    replay: (entry) => {
      const change = readChange(entry)
      const answered = readAnswer(entry)
      const hook = readHook(entry)
      if (change) {
        changes++
        clock.remember(change.at)
        tables[change.kind].restore(change)
      } else if (answered) answers.set(...answered)
      else if (hook) hooks.all.set(...hook)
    },
  }
}

/** What is read page by page. */
const pages = /incremental|articles|sections|satisfaction_ratings|\/(tickets|users|organizations)$/

function createTables(seed: number, sizes: Sizes, from: number, record: (change: Change) => void): Tables {
  const table = (kind: Kind) => {
    // Objects are spread over 80 days; a few share each second.
    const step = Math.max(1, Math.floor((80 * days) / Math.max(1, Math.ceil(sizes[kind] / 3))))
    return createTable({ kind, seed, sizes, from, step, record })
  }
  return {
    organizations: table('organizations'),
    users: table('users'),
    tickets: table('tickets'),
    comments: table('comments'),
    satisfaction_ratings: table('satisfaction_ratings'),
    sections: table('sections'),
    articles: table('articles'),
  }
}

const replyToKeep = ({ reply }: Answered): JsonObject => ({
  status: reply.status,
  headers: { ...reply.headers },
  body: reply.body ?? null,
})

function readChange(entry: JsonValue): Change | undefined {
  if (!isJsonObject(entry) || !isJsonObject(entry['object'])) return undefined
  const kind = kinds.find((one) => one === entry['kind'])
  if (!kind) return undefined
  return {
    kind,
    id: Number(entry['id']),
    at: Number(entry['at']),
    isDeleted: entry['isDeleted'] === true,
    object: entry['object'],
  }
}

function readHook(entry: JsonValue): [string, JsonObject | null] | undefined {
  if (!isJsonObject(entry) || typeof entry['hook'] !== 'string') return undefined
  return [entry['hook'], isJsonObject(entry['webhook']) ? entry['webhook'] : null]
}

function readAnswer(entry: JsonValue): [string, Answered] | undefined {
  if (!isJsonObject(entry) || !isJsonObject(entry['reply']) || typeof entry['key'] !== 'string')
    return undefined
  const { status, headers, body } = entry['reply']
  const reply = {
    status: Number(status),
    headers: Object.fromEntries(
      Object.entries(isJsonObject(headers) ? headers : {}).map(([name, value]) => [name, wordOf(value)]),
    ),
    body: body ?? null,
  }
  return [entry['key'], { asked: wordOf(entry['asked']), at: Number(entry['at']), reply }]
}
