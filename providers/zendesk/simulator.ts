/**
 * A Zendesk account behind HTTP: authentication, limits, exports, lists, writes. Written from Zendesk's documentation and
 * OpenAPI files, not from the connector. All edits are stamped in the past, each later than all before, so that the rule
 * that exports hold back the last minute never hides them from a test or a first-time user.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import {
  createChance,
  createWindows,
  type Edit,
  type EditWish,
  type Sample,
  type Simulator,
  type SimulatorOptions,
  type SimulatorReply,
  type SimulatorRequest,
  type World,
} from '../../sandbox/kit.ts'
import { adminEmail, firstIds, kinds, subdomain, time, type Kind, type Sizes } from './simulator-objects.ts'
import * as reads from './simulator-reads.ts'
import { createTable } from './simulator-table.ts'
import * as writes from './simulator-writes.ts'

const sample: Sample = {
  provider: 'zendesk',
  name: 'Zendesk sandbox',
  settings: { subdomain, email: adminEmail, exports_per_minute: '30' },
  secrets: { token: 'sandbox-zendesk-api-token-0123456789' },
  origin: `https://${subdomain}.zendesk.com`,
}

const defaultSizes: Sizes = {
  organizations: 200,
  users: 1000,
  tickets: 2000,
  comments: 4000,
  satisfaction_ratings: 300,
  sections: 10,
  articles: 120,
}
/** The High Volume add-on: 2,500 calls a minute, 30 of them exports (fact sheet §3). */
const defaultLimits = { support: 2500, export: 30, help_center: 2500 }
const days = 24 * 3600

export const zendeskSimulator: Simulator = { slug: 'zendesk', sample, createWorld }

function createWorld(options: SimulatorOptions): World {
  const { seed, now } = options
  const sizes: Sizes = { ...defaultSizes, ...options.size }
  const limits: Record<string, number> = { ...defaultLimits, ...options.limits }
  const from = Math.floor(options.epoch.getTime() / 1000) - 90 * days
  const step = (kind: Kind) => Math.max(1, Math.floor((80 * days) / Math.max(1, Math.ceil(sizes[kind] / 3))))
  const table = (kind: Kind) => createTable({ kind, seed, sizes, from, step: step(kind) })
  const tables: reads.Tables = {
    organizations: table('organizations'),
    users: table('users'),
    tickets: table('tickets'),
    comments: table('comments'),
    satisfaction_ratings: table('satisfaction_ratings'),
    sections: table('sections'),
    articles: table('articles'),
  }
  const windows = createWindows(now)
  const chance = createChance(seed ^ 0x5eed)
  let secrets: Readonly<Record<string, string>> = sample.secrets
  let clock = from + 85 * days
  let pageReads = 0
  let { editEveryReads } = options
  const writer: writes.Writer = { tables, answers: new Map(), tick: () => ++clock }

  const edit = (wish: EditWish): Edit[] => {
    const wanted = kinds.filter((kind) =>
      wish.resource === undefined ? kind === 'tickets' : wish.resource === kind,
    )
    return wanted.flatMap((kind) => [
      ...repeat(wish.create ?? 0, () => create(kind)),
      ...repeat(wish.update ?? 0, () => update(kind)),
      ...repeat(wish.delete ?? 0, () => remove(kind)),
    ])
  }
  const repeat = (times: number, make: () => Edit | undefined): Edit[] =>
    Array.from({ length: times }, make).filter((one) => one !== undefined)
  /** Two of three edits share their second with the one before. */
  const at = () => (chance.next() < 0.66 ? clock : ++clock)
  const pickLiving = (kind: Kind): number | undefined => {
    const { nextId, has, isDeleted } = tables[kind]
    for (let tries = 0; tries < 50; tries++) {
      const id = firstIds[kind] + chance.below(Math.max(1, nextId() - firstIds[kind]))
      if (has(id) && !isDeleted(id) && !(kind === 'users' && id === firstIds.users)) return id
    }
    return undefined
  }
  const create = (kind: Kind): Edit | undefined => {
    const template = pickLiving(kind)
    if (template === undefined) return undefined
    const id = tables[kind].nextId()
    const second = at()
    const object = {
      ...tables[kind].get(template),
      id,
      created_at: time(second),
      ...stamp(kind, second),
      ...(kind === 'users' ? { email: `user${id}@new.example` } : {}),
      external_id: null,
    }
    tables[kind].put(id, object, second)
    return { resource: kind, id: String(id), effect: 'created', fields: [] }
  }
  const update = (kind: Kind): Edit | undefined => {
    const id = pickLiving(kind)
    const object = id === undefined ? undefined : tables[kind].get(id)
    if (id === undefined || !object) return undefined
    const second = at()
    const change = { ...changeOf(kind, object, chance.below(1_000_000)), ...stamp(kind, second) }
    const fields = Object.keys(change).filter(
      (name) =>
        JSON.stringify(object[name]) !== JSON.stringify(change[name]) && name !== 'generated_timestamp',
    )
    tables[kind].put(id, { ...object, ...change }, second)
    return { resource: kind, id: String(id), effect: 'updated', fields: fields.sort() }
  }
  const remove = (kind: Kind): Edit | undefined => {
    const id = kind === 'comments' || kind === 'satisfaction_ratings' ? undefined : pickLiving(kind)
    if (id === undefined) return undefined
    tables[kind].remove(id, at())
    return { resource: kind, id: String(id), effect: 'deleted', fields: [] }
  }

  return {
    edit,
    handle: (request) => {
      const isPage =
        request.method === 'GET' && /incremental|articles|sections|satisfaction/.test(request.path)
      if (isPage && editEveryReads > 0 && ++pageReads % editEveryReads === 0) {
        edit({
          resource: chance.pick(['tickets', 'users', 'organizations', 'articles']),
          ...chance.pick([{ update: 1 }, { update: 2 }, { create: 1 }, { delete: 1 }]),
        })
      }
      return answer({ tables, writer, windows, limits, secrets, now }, request)
    },
    state: (resource) => {
      const kind = kinds.find((one) => one === resource)
      if (!kind) return {}
      return Object.fromEntries(tables[kind].living().map((id) => [String(id), tables[kind].get(id) ?? {}]))
    },
    settle: () => void (editEveryReads = 0),
    setSecrets: (next) => void (secrets = { ...sample.secrets, ...next }),
    setLimits: (next) => void Object.assign(limits, next),
    save: () => save(tables, sizes, clock),
    load: (saved) => void (clock = load(tables, saved, clock)),
  }
}

/** The stamps that a change of an object leaves on it. */
function stamp(kind: Kind, second: number): JsonObject {
  if (kind === 'tickets') return { updated_at: time(second), generated_timestamp: second }
  if (kind === 'comments') return {}
  if (kind === 'articles') return { updated_at: time(second), edited_at: time(second) }
  return { updated_at: time(second) }
}

function changeOf(kind: Kind, object: JsonObject, number: number): JsonObject {
  if (kind === 'tickets')
    return {
      subject: `Changed subject ${number}`,
      raw_subject: `Changed subject ${number}`,
      priority: object['priority'] === 'high' ? 'low' : 'high',
    }
  if (kind === 'users') return { name: `Renamed ${number}` }
  if (kind === 'organizations') return { details: `Changed details ${number}` }
  if (kind === 'satisfaction_ratings') return { comment: `Changed comment ${number}` }
  if (kind === 'articles') return { body: `<p>Changed body ${number}</p>` }
  if (kind === 'sections') return { description: `Changed description ${number}` }
  return { body: `Redacted ${number}` }
}

/** What changed since the account was made, in the order of its log. */
function save(tables: reads.Tables, sizes: Sizes, clock: number): JsonValue {
  const changes = kinds.map((kind) => [
    kind,
    tables[kind].log.slice(sizes[kind]).flatMap((entry, index): JsonObject[] =>
      tables[kind].isCurrent(sizes[kind] + index)
        ? [
            {
              id: entry.id,
              at: entry.at,
              deleted: tables[kind].isDeleted(entry.id),
              object: tables[kind].get(entry.id) ?? {},
            },
          ]
        : [],
    ),
  ])
  return { clock, changes: Object.fromEntries(changes) as JsonObject }
}

function load(tables: reads.Tables, saved: JsonValue, clock: number): number {
  if (!isJsonObject(saved) || !isJsonObject(saved['changes'])) return clock
  for (const kind of kinds) {
    const changes = saved['changes'][kind]
    for (const change of Array.isArray(changes) ? changes : []) {
      if (!isJsonObject(change) || !isJsonObject(change['object'])) continue
      const [id, at] = [Number(change['id']), Number(change['at'])]
      tables[kind].put(id, change['object'], at)
      if (change['deleted'] === true) tables[kind].remove(id, at)
    }
  }
  return typeof saved['clock'] === 'number' ? saved['clock'] : clock
}

interface Scene {
  readonly tables: reads.Tables
  readonly writer: writes.Writer
  readonly windows: ReturnType<typeof createWindows>
  readonly limits: Readonly<Record<string, number>>
  readonly secrets: Readonly<Record<string, string>>
  readonly now: () => Date
}

/** Host, limits and credential first, as Zendesk does; then the endpoint. */
function answer(scene: Scene, original: SimulatorRequest): SimulatorReply {
  const request = { ...original, path: original.path.replace(/\.json$/, '') }
  if (request.origin !== undefined && request.origin !== sample.origin) {
    return {
      status: 404,
      headers: { 'content-type': 'text/html' },
      text: '<!DOCTYPE html><html><head><title>Help Center Closed | Zendesk</title></head><body>Oops</body></html>',
    }
  }
  const helpCenter =
    request.path.startsWith('/api/v2/help_center') || request.path.startsWith('/api/v2/guide')
  const account = helpCenter ? 'help_center' : 'support'
  const window = scene.windows.take(account, scene.limits[account] ?? 200)
  const headers: Record<string, string> = {
    'x-rate-limit': String(window.limit),
    'x-rate-limit-remaining': String(window.remaining),
    'ratelimit-limit': String(window.limit),
    'ratelimit-remaining': String(window.remaining),
    'ratelimit-reset': String(window.resetSeconds),
    'x-zendesk-request-id': 'sandbox',
  }
  const isExport = request.path.startsWith('/api/v2/incremental/')
  const narrow = isExport ? scene.windows.take('export', scene.limits['export'] ?? 10) : undefined
  const over = window.isOver ? window : narrow?.isOver ? narrow : undefined
  if (over) {
    const body = {
      error: 'APIRateLimitExceeded',
      description: 'Number of allowed API requests per minute exceeded',
    }
    return { status: 429, headers: { ...headers, 'retry-after': String(over.resetSeconds) }, body }
  }
  const who = authenticate(scene, request)
  if (who === 'wrong' && request.path !== '/api/v2/users/me') {
    return { status: 401, headers, body: { error: "Couldn't authenticate you" } }
  }
  const reply =
    who === 'wrong'
      ? reads.json({
          user: {
            id: null,
            name: 'Anonymous user',
            email: 'invalid@example.com',
            role: 'end-user',
            active: null,
          },
        })
      : route(scene, request)
  return { ...reply, headers: { ...headers, ...reply.headers } }
}

function authenticate(scene: Scene, request: SimulatorRequest): 'admin' | 'wrong' {
  const match = /^Basic (.+)$/.exec(request.headers['authorization'] ?? '')
  const given = match?.[1] === undefined ? '' : Buffer.from(match[1], 'base64').toString('utf8')
  return given === `${adminEmail}/token:${scene.secrets['token'] ?? ''}` ? 'admin' : 'wrong'
}

type Handler = (scene: Scene, request: SimulatorRequest, ids: readonly number[]) => SimulatorReply

const routes: readonly (readonly [method: string, pattern: RegExp, handler: Handler])[] = [
  ['GET', /^\/incremental\/(?:tickets)\/cursor$/, (s, r) => reads.cursorExport(s.tables.tickets, r, s.now())],
  ['GET', /^\/incremental\/(?:users)\/cursor$/, (s, r) => reads.cursorExport(s.tables.users, r, s.now())],
  [
    'GET',
    /^\/incremental\/organizations$/,
    (s, r) =>
      reads.timeExport(
        s.tables.organizations,
        r,
        s.now(),
        'organizations',
        s.tables.organizations.textOf,
        true,
      ),
  ],
  [
    'GET',
    /^\/incremental\/ticket_events$/,
    (s, r) =>
      reads.timeExport(
        s.tables.comments,
        r,
        s.now(),
        'ticket_events',
        (id) => reads.eventOf(s.tables.comments, id),
        true,
      ),
  ],
  [
    'GET',
    /^\/help_center\/incremental\/articles$/,
    (s, r) => reads.timeExport(s.tables.articles, r, s.now(), 'articles', s.tables.articles.textOf, false),
  ],
  ['GET', /^\/tickets\/count$/, (s) => reads.countOf(s.tables.tickets, s.now())],
  ['GET', /^\/users\/count$/, (s) => reads.countOf(s.tables.users, s.now())],
  ['GET', /^\/organizations\/count$/, (s) => reads.countOf(s.tables.organizations, s.now())],
  ['GET', /^\/tickets\/show_many$/, (s, r) => reads.showMany(s.tables.tickets, r)],
  ['GET', /^\/users\/show_many$/, (s, r) => reads.showMany(s.tables.users, r)],
  ['GET', /^\/organizations\/show_many$/, (s, r) => reads.showMany(s.tables.organizations, r)],
  ['GET', /^\/users\/me$/, (s) => reads.showOne(s.tables.users, 'user', firstIds.users)],
  [
    'GET',
    /^\/account\/settings$/,
    () =>
      reads.json({
        settings: {
          active_features: { customer_satisfaction: true, help_center_enabled: true },
          api: { accepted_api_agreement: true, api_token_access: 'true' },
          branding: {},
        },
      }),
  ],
  [
    'GET',
    /^\/tickets\/(\d+)\/comments$/,
    (s, r, [id = 0]) => ofTicket(s, r, 'comments', id, s.tables.comments.textOf),
  ],
  [
    'GET',
    /^\/tickets\/(\d+)\/audits$/,
    (s, r, [id = 0]) => ofTicket(s, r, 'audits', id, (one) => writes.auditOf(s.tables, one)),
  ],
  ['GET', /^\/tickets\/(\d+)$/, (s, _r, [id = 0]) => reads.showOne(s.tables.tickets, 'ticket', id)],
  ['PUT', /^\/tickets\/(\d+)$/, (s, r, [id = 0]) => writes.updateTicket(s.writer, r, id)],
  ['GET', /^\/tickets$/, (s, r) => listTickets(s, r)],
  ['POST', /^\/tickets$/, (s, r) => writes.createTicket(s.writer, r)],
  ['POST', /^\/users\/create_or_update$/, (s, r) => writes.createOrUpdateUser(s.writer, r)],
  ['GET', /^\/users\/(\d+)$/, (s, _r, [id = 0]) => reads.showOne(s.tables.users, 'user', id)],
  ['PUT', /^\/users\/(\d+)$/, (s, r, [id = 0]) => writes.updateUser(s.writer, r, id)],
  [
    'GET',
    /^\/organizations$/,
    (s, r) =>
      reads.cursorList('organizations', s.tables.organizations.living(), r, s.tables.organizations.textOf),
  ],
  [
    'GET',
    /^\/organizations\/(\d+)$/,
    (s, _r, [id = 0]) => reads.showOne(s.tables.organizations, 'organization', id),
  ],
  [
    'GET',
    /^\/satisfaction_ratings$/,
    (s, r) =>
      reads.cursorList('satisfaction_ratings', ratingsOf(s, r), r, s.tables.satisfaction_ratings.textOf),
  ],
  [
    'GET',
    /^\/satisfaction_ratings\/(\d+)$/,
    (s, _r, [id = 0]) => reads.showOne(s.tables.satisfaction_ratings, 'satisfaction_rating', id),
  ],
  [
    'GET',
    /^\/help_center\/sections$/,
    (s, r) => reads.cursorList('sections', s.tables.sections.living(), r, s.tables.sections.textOf),
  ],
  [
    'GET',
    /^\/help_center\/sections\/(\d+)$/,
    (s, _r, [id = 0]) => reads.showOne(s.tables.sections, 'section', id),
  ],
  [
    'GET',
    /^\/help_center\/sections\/(\d+)\/articles$/,
    (s, r, [id = 0]) =>
      reads.cursorList(
        'articles',
        s.tables.articles.living().filter((one) => s.tables.articles.get(one)?.['section_id'] === id),
        r,
        s.tables.articles.textOf,
      ),
  ],
  [
    'POST',
    /^\/help_center\/sections\/(\d+)\/articles$/,
    (s, r, [id = 0]) => writes.createArticle(s.writer, r, id),
  ],
  [
    'GET',
    /^\/help_center\/articles$/,
    (s, r) => reads.cursorList('articles', s.tables.articles.living(), r, s.tables.articles.textOf),
  ],
  [
    'GET',
    /^\/help_center\/articles\/(\d+)$/,
    (s, _r, [id = 0]) => reads.showOne(s.tables.articles, 'article', id),
  ],
  [
    'PUT',
    /^\/help_center\/articles\/(\d+)$/,
    (s, r, [id = 0]) => writes.updateArticle(s.writer, r, id, false),
  ],
  [
    'PUT',
    /^\/help_center\/articles\/(\d+)\/translations\/[\w-]+$/,
    (s, r, [id = 0]) => writes.updateArticle(s.writer, r, id, true),
  ],
]

function route(scene: Scene, original: SimulatorRequest): SimulatorReply {
  const request = withSmallPages(original, scene.limits['page'])
  const path = request.path
    .replace(/^\/api\/v2/, '')
    .replace(/^\/help_center\/[a-z]{2}(-[a-z]{2})?\//, '/help_center/')
  for (const [method, pattern, handler] of routes) {
    const match = method === request.method ? pattern.exec(path) : null
    if (match) return handler(scene, request, match.slice(1).map(Number))
  }
  return reads.json({ error: 'InvalidEndpoint', description: 'Not found' }, 404)
}

/** The limit `page` makes all pages smaller than asked for, so that a small account has many. */
function withSmallPages(request: SimulatorRequest, page: number | undefined): SimulatorRequest {
  if (page === undefined) return request
  const query = new URLSearchParams(request.query)
  for (const name of ['per_page', 'page[size]'])
    query.set(name, String(Math.min(page, Number(query.get(name) ?? page))))
  return { ...request, query }
}

function ofTicket(
  scene: Scene,
  request: SimulatorRequest,
  key: string,
  ticketId: number,
  rowOf: (id: number) => string,
): SimulatorReply {
  const { tickets, comments } = scene.tables
  if (!tickets.has(ticketId) || tickets.isDeleted(ticketId)) return reads.notFound()
  return reads.cursorList(
    key,
    comments.living().filter((id) => comments.get(id)?.['ticket_id'] === ticketId),
    request,
    rowOf,
  )
}

function listTickets(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const { tickets } = scene.tables
  const externalId = request.query.get('external_id')
  const ids = tickets
    .living()
    .filter((id) => externalId === null || tickets.get(id)?.['external_id'] === externalId)
  return reads.cursorList('tickets', ids, request, tickets.textOf)
}

function ratingsOf(scene: Scene, request: SimulatorRequest): number[] {
  const { satisfaction_ratings: ratings } = scene.tables
  const [start, end, score] = [
    request.query.get('start_time'),
    request.query.get('end_time'),
    request.query.get('score'),
  ]
  return ratings.living().filter((id) => {
    const rating = ratings.get(id) ?? {}
    const made = Date.parse(String(rating['created_at'])) / 1000
    return (
      (start === null || made >= Number(start)) &&
      (end === null || made < Number(end)) &&
      (score === null || rating['score'] === score)
    )
  })
}
