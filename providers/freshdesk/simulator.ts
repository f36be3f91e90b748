/**
 * A Freshdesk account behind HTTP: the key, the limits with what an `include` costs, lists counted in pages. Written from Freshdesk's
 * documentation, not from the connector, so that the two cannot share a misreading. All else stands in `simulator-*.ts`.
 */
import { isJsonObject } from '../../model/json.ts'
import {
  createWindows,
  type Sample,
  type Simulator,
  type SimulatorOptions,
  type SimulatorReply,
  type SimulatorRequest,
  type World,
} from '../../sandbox/kit.ts'
import { createTables, defaultSize, isDeleted, isKind, textOf } from './simulator-desk.ts'
import { createEditor, type Desk } from './simulator-edits.ts'
import { notFound, refused } from './simulator-lists.ts'
import { route } from './simulator-routes.ts'

const domain = 'tieline-sandbox'
const sample: Sample = {
  provider: 'freshdesk',
  name: 'Freshdesk sandbox',
  auth: 'api_key',
  settings: { domain, lists_per_minute: '200' },
  secrets: { api_key: 'sandboxFreshdeskKey0' },
  origins: [`https://${domain}.freshdesk.com`],
}

/** Enterprise. */
const defaultLimits = { account: 700, ticket_list: 200, contact_list: 200 }

const refusals = {
  429: { message: 'You have exceeded the limit of requests per minute' },
  500: { code: 'internal_error', message: "We're sorry, but something went wrong." },
  503: { code: 'service_unavailable', message: 'Freshdesk is under maintenance' },
}

export const freshdeskSimulator: Simulator = {
  slug: 'freshdesk',
  sample,
  defaultSize,
  refusals,
  createWorld,
}

/** A call costs 1, each object that is asked to be included 2 more. */
const costOf = ({ query }: SimulatorRequest): number =>
  1 +
  2 *
    (query
      .get('include')
      ?.split(',')
      .filter((one) => one !== '').length ?? 0)

const listOf = ({ method, path }: SimulatorRequest): 'ticket_list' | 'contact_list' | undefined =>
  method === 'GET' && path === '/api/v2/tickets'
    ? 'ticket_list'
    : method === 'GET' && path === '/api/v2/contacts'
      ? 'contact_list'
      : undefined

const pages = /\/(agents|companies|contacts|tickets)$/

function createWorld(options: SimulatorOptions): World {
  const { seed, now } = options
  const limits: Record<string, number> = { ...defaultLimits, ...options.limits }
  const windows = createWindows(now)
  const tables = createTables(seed, { ...defaultSize, ...options.size }, options.epoch.getTime())
  let changes = 0
  const keep: Desk['save'] = (kind, id, object) => {
    changes++
    if (object) tables[kind].set(id, object)
    else tables[kind].delete(id)
  }
  const desk: Desk = {
    tables,
    seed,
    now,
    changes: () => changes,
    save: (kind, id, object) => {
      keep(kind, id, object)
      options.record({ kind, id, object: object ?? null })
    },
  }
  const editor = createEditor(desk)
  let secrets: Readonly<Record<string, string>> = sample.secrets
  let { editEveryReads } = options
  let reads = 0

  const isKnown = ({ headers }: SimulatorRequest): boolean => {
    const [, coded = ''] = /^Basic (.+)$/i.exec(headers['authorization'] ?? '') ?? []
    const [key] = Buffer.from(coded, 'base64').toString('utf8').split(':')
    return key !== '' && key === secrets['api_key']
  }
  /** What is over answers 429; invalid calls count too. */
  const spend = (request: SimulatorRequest) => {
    const cost = costOf(request)
    const list = listOf(request)
    const taken = [
      ...Array.from({ length: cost }, () => windows.take('account', limits['account'] ?? 0)),
      ...(list === undefined ? [] : [windows.take(list, limits[list] ?? 0)]),
    ]
    const account = taken[cost - 1]
    const headers = {
      'x-freshdesk-api-version': 'latest=v2; requested=v2',
      'x-ratelimit-total': String(account?.limit ?? 0),
      'x-ratelimit-remaining': String(account?.remaining ?? 0),
      'x-ratelimit-used-currentrequest': String(cost),
    }
    return { headers, over: taken.find(({ isOver }) => isOver) }
  }

  return {
    edit: editor.edit,
    editExactly: editor.editExactly,
    handle: (request): SimulatorReply => {
      const { headers, over } = spend(request)
      if (over)
        return {
          status: 429,
          headers: { ...headers, 'retry-after': String(over.resetSeconds) },
          body: refusals[429],
        }
      if (!isKnown(request))
        return {
          headers,
          ...refused(401, 'invalid_credentials', 'You have to be logged in to perform this action.'),
        }
      const isPage = request.method === 'GET' && pages.test(request.path)
      if (isPage && editEveryReads > 0 && ++reads % editEveryReads === 0) editor.editSomething()
      const reply = route({ desk, now: now() }, request, request.path) ?? notFound
      return { ...reply, headers: { ...headers, ...reply.headers } }
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
      const { kind, id, object } = entry
      const name = textOf(kind)
      if (isKind(name)) keep(name, textOf(id), isJsonObject(object) ? object : undefined)
    },
  }
}
