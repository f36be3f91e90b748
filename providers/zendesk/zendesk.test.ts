/** What is special about Zendesk: its exports, its writes, its two satisfaction features. A local `call` plays the service. */
import { existsSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { parse } from 'yaml'
import type {
  Page,
  Position,
  ProviderContext,
  ProviderRequest,
  ProviderResponse,
  Resource,
  Row,
} from '../contract.ts'
import { findProvider, providerSlugs } from '../registry.ts'
import type { JsonObject } from '../../model/json.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import { exportPageSize, readTimeExport, type TimeExport } from './paging.ts'
import { zendesk } from './index.ts'

const now = new Date('2026-11-23T20:00:00Z')
const nowSeconds = now.getTime() / 1000

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** A context whose calls go to `serve`; refusals become errors as in the transport. Keeps the requests. */
function contextOf(serve: (request: ProviderRequest) => Answer | undefined) {
  const requests: ProviderRequest[] = []
  const context: ProviderContext = {
    settings: { subdomain: 'acme', email: 'ana@acme.com' },
    now: () => now,
    async call(request) {
      requests.push(request)
      const {
        status = 200,
        headers = {},
        body,
      } = serve(request) ?? { status: 404, body: { error: 'RecordNotFound' } }
      const response: ProviderResponse = { status, headers, body, readAt: now }
      if (status < 300 || request.accept?.includes(status)) return response
      const fault = zendesk.explainError(response)
      throw new HubError(fault?.code ?? 'Unavailable', fault?.message ?? `status ${String(status)}`)
    },
  }
  return { context, requests }
}

function resource(name: string): Resource {
  const found = zendesk.resources.find((each) => each.name === name)
  if (!found) throw new Error(`no resource ${name}`)
  return found
}

function action(name: string) {
  const found = zendesk.actions.find((each) => each.name === name)
  if (!found) throw new Error(`no action ${name}`)
  return found
}

async function readAll(
  of: Pick<Resource, 'readPage'>,
  context: ProviderContext,
  from: Position,
  limit = 500,
) {
  const rows: Row[] = []
  let position = from
  let pages = 0
  for (; pages < limit; pages++) {
    const page: Page = await of.readPage(context, position)
    rows.push(...page.rows)
    position = page.next
    if (page.done) return { rows, position, pages: pages + 1 }
  }
  throw new Error('the read does not end')
}

const ajv = addFormats.default(new Ajv2020({ allErrors: true, allowUnionTypes: true }))

const liveTicket = {
  id: 1,
  status: 'open',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-02T00:00:00Z',
}

describe('the registry', () => {
  it('finds Zendesk by its slug and nothing by another', () => {
    expect(findProvider('zendesk')).toBe(zendesk)
    expect(findProvider('zendsk')).toBeUndefined()
    expect(providerSlugs).toEqual(['zendesk'])
  })

  it('orders resources so that each stands after those it depends on', () => {
    const seen = new Set<string>()
    for (const each of zendesk.resources) {
      for (const before of each.after) expect(seen).toContain(before)
      seen.add(each.name)
    }
  })
})

describe('connecting', () => {
  it('signs in as {email}/token with the API token', () => {
    const headers = zendesk.auth.headers({ token: 'secret' }, { email: 'ana@acme.com' })
    expect(Buffer.from(String(headers['authorization']).slice(6), 'base64').toString()).toBe(
      'ana@acme.com/token:secret',
    )
  })

  it.each(['', 'acme.evil.com/', 'Acme', 'a@b', 'acme.zendesk.com'])(
    'refuses the subdomain %p',
    (subdomain) => {
      expect(() => zendesk.baseUrl({ subdomain })).toThrow(HubError)
    },
  )

  it('has an example that fits its own pattern for every field, and a refused address', () => {
    for (const field of zendesk.setup.flatMap((step) => step.fields)) {
      if (field.example !== undefined) expect(field.example).toMatch(new RegExp(field.pattern))
    }
    expect('https://acme.zendesk.com').not.toMatch(new RegExp(zendesk.setup[0]?.fields[0]?.pattern ?? ''))
  })

  it('is not fooled by the anonymous user that a wrong token gets', async () => {
    const { context } = contextOf(() => ({
      body: { user: { id: null, name: 'Anonymous user', role: 'end-user' } },
    }))
    await expect(zendesk.health.check(context)).rejects.toMatchObject({ code: 'Unauthorized' })
  })

  it('says that an agent who is no admin cannot export', async () => {
    const { context } = contextOf((request) =>
      request.path.endsWith('/me')
        ? { body: { user: { id: 7, name: 'Ana', role: 'agent' } } }
        : { status: 403, body: {} },
    )
    await expect(zendesk.health.check(context)).rejects.toMatchObject({ code: 'Forbidden' })
  })

  it('proves the admin and reports plan facts', async () => {
    const { context } = contextOf((request) =>
      request.path.endsWith('/me')
        ? { body: { user: { id: 7, name: 'Ana', role: 'admin' } } }
        : {
            headers: { 'x-rate-limit': '700' },
            body: { settings: { active_features: { customer_satisfaction: true } } },
          },
    )
    const finding = await zendesk.health.check(context)
    expect(finding.proves).toContain('Ana (admin)')
    expect(finding.facts).toMatchObject({ callsPerMinute: 700, legacyCsat: true, subdomain: 'acme' })
  })
})

describe('limits', () => {
  it('learns the account budget and the endpoint budget from the headers', () => {
    const lessons = zendesk.limits.learn(
      'export',
      {
        'x-rate-limit': '700',
        'x-rate-limit-remaining': '699',
        'ratelimit-reset': '41',
        'zendesk-ratelimit-incremental-exports': 'total=30; remaining=29; resets=12',
      },
      now,
    )
    expect(lessons).toEqual([
      { bucket: 'support', limit: 700, remaining: 699, resetAt: new Date(now.getTime() + 41_000) },
      { bucket: 'export', limit: 30, remaining: 29, resetAt: new Date(now.getTime() + 12_000) },
    ])
  })

  it('learns nothing from nonsense and keeps the Help Center apart', () => {
    expect(zendesk.limits.learn('support', { 'x-rate-limit': 'many' }, now)).toEqual([])
    expect(zendesk.limits.learn('help_center', { 'x-rate-limit': '400' }, now)).toEqual([
      { bucket: 'help_center', limit: 400 },
    ])
  })

  it('names only buckets that exist', () => {
    for (const names of Object.values(zendesk.limits.groups)) {
      for (const name of names) expect(zendesk.limits.buckets).toHaveProperty(name)
    }
  })
})

describe('cursor exports', () => {
  it('begins at 0, follows the cursor and keeps it past the end of the stream', async () => {
    const { context, requests } = contextOf(({ query }) =>
      query?.['cursor'] === undefined
        ? { body: { tickets: [liveTicket], after_cursor: 'c1', end_of_stream: false } }
        : { body: { tickets: [], after_cursor: 'c2', end_of_stream: true } },
    )
    const { rows, position } = await readAll(
      resource('tickets'),
      context,
      resource('tickets').start({ settings: {}, now: () => now }),
    )
    expect(rows).toHaveLength(1)
    expect(position).toEqual({ cursor: 'c2' })
    expect(requests.map((request) => request.query)).toEqual([
      { cursor: undefined, start_time: 0, per_page: exportPageSize },
      { cursor: 'c1', start_time: undefined, per_page: exportPageSize },
    ])
  })

  it('keeps the old cursor when an empty end brings none', async () => {
    const { context } = contextOf(() => ({ body: { users: [], after_cursor: null, end_of_stream: true } }))
    const page = await resource('users').readPage(context, { cursor: 'c9' })
    expect(page).toMatchObject({ next: { cursor: 'c9' }, done: true })
  })

  it('fails rather than read the same page for ever', async () => {
    const { context } = contextOf(() => ({
      body: { tickets: [liveTicket], after_cursor: 'c1', end_of_stream: false },
    }))
    await expect(resource('tickets').readPage(context, { cursor: 'c1' })).rejects.toMatchObject({
      code: 'Protocol',
    })
  })

  it('fails on an answer without rows or end', async () => {
    for (const body of [{}, { tickets: [] }, 'text', undefined]) {
      const { context } = contextOf(() => ({ body }))
      await expect(resource('tickets').readPage(context, { startTime: 0 })).rejects.toMatchObject({
        code: 'Protocol',
      })
    }
  })

  it('never asks for the last minute, which Zendesk refuses', async () => {
    const { context, requests } = contextOf(() => ({
      body: { tickets: [], after_cursor: 'c', end_of_stream: true },
    }))
    await resource('tickets').readPage(context, { startTime: nowSeconds })
    expect(requests[0]?.query?.['start_time']).toBeLessThanOrEqual(nowSeconds - 60)
  })
})

describe('time-based exports', () => {
  const timeOf = (second: number) => new Date(second * 1000).toISOString()
  const items: TimeExport = {
    path: '/items',
    key: 'items',
    group: 'export',
    list: { path: '/list', group: 'support' },
    secondOf: (row) => Date.parse(String(row['updated_at'])) / 1000,
  }

  /** Zendesk's rule: rows from `start_time` on, by time, one page; `end_time` is the last row's second. */
  function service(rows: readonly Row[], pageSize: number) {
    return contextOf(({ path, query }) => {
      if (path === '/list') {
        const from = Number(query?.['page[after]'] ?? 0)
        const more = from + pageSize < rows.length
        return {
          body: {
            items: rows.slice(from, from + pageSize),
            meta: { has_more: more, after_cursor: String(from + pageSize) },
          },
        }
      }
      const left = rows.filter((row) => (items.secondOf(row) ?? 0) >= Number(query?.['start_time']))
      const page = left.slice(0, pageSize)
      const last = page.at(-1)
      const end = last === undefined ? null : items.secondOf(last)
      return {
        body: { items: page, end_time: end, end_of_stream: left.length <= pageSize, count: page.length },
      }
    })
  }

  it('reads every row and ends, however many share a second (property)', async () => {
    const times = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: 1, max: 7 }), async (seconds, pageSize) => {
        const rows = [...seconds]
          .sort((a, b) => a - b)
          .map((second, id) => ({ id, updated_at: timeOf(second) }))
        const { context } = service(rows, pageSize)
        const read = await readAll({ readPage: (c, p) => readTimeExport(c, items, p) }, context, {
          startTime: 0,
        })
        expect(new Set(read.rows.map((row) => row['id'])).size).toBe(rows.length)
        // Nothing comes twice unless a second held more rows than a page.
        const crowded = rows.some(
          (row) => rows.filter((other) => other.updated_at === row.updated_at).length >= pageSize,
        )
        if (!crowded) expect(read.rows).toHaveLength(rows.length)
      }),
    )
  })

  it('goes on where it ended: an unchanged border row is left out, a changed one of the same second is not', async () => {
    const rows = [
      { id: 1, name: 'a', updated_at: timeOf(5) },
      { id: 2, name: 'b', updated_at: timeOf(9) },
    ]
    const first = await readAll(
      { readPage: (c, p) => readTimeExport(c, items, p) },
      service(rows, 10).context,
      { startTime: 0 },
    )
    const changed = [
      rows[0] ?? {},
      { id: 2, name: 'b, changed', updated_at: timeOf(9) },
      { id: 3, name: 'c', updated_at: timeOf(9) },
    ]
    const second = await readAll(
      { readPage: (c, p) => readTimeExport(c, items, p) },
      service(changed, 10).context,
      first.position,
    )
    expect(second.rows.map((row) => row['name'])).toEqual(['b, changed', 'c'])
    const third = await readAll(
      { readPage: (c, p) => readTimeExport(c, items, p) },
      service(changed, 10).context,
      second.position,
    )
    expect(third.rows).toEqual([])
  })

  it('fails clearly where a crowded second cannot be passed without loss', async () => {
    const { list: _, ...withoutList } = items
    const rows = [1, 2, 3].map((id) => ({ id, updated_at: timeOf(4) }))
    const read = readAll(
      { readPage: (c, p) => readTimeExport(c, withoutList, p) },
      service(rows, 2).context,
      { startTime: 0 },
    )
    await expect(read).rejects.toMatchObject({ code: 'Protocol' })
  })

  it('takes the time out of next_page and never follows the URL', async () => {
    const { context, requests } = contextOf(() => ({
      body: {
        organizations: [{ id: 1 }],
        next_page: 'https://evil.example/api?start_time=77',
        end_of_stream: true,
      },
    }))
    const page = await resource('organizations').readPage(context, { startTime: 0 })
    expect(page.next).toEqual({ startTime: 77 })
    expect(requests[0]?.path).toBe('/api/v2/incremental/organizations')
  })

  it('ends an empty article export whose end_time is null, and stays behind the last minute', async () => {
    const empty = contextOf(() => ({ body: { articles: [], end_time: null, next_page: null, count: 0 } }))
    expect(await resource('articles').readPage(empty.context, { startTime: 50 })).toMatchObject({
      done: true,
      next: { startTime: 50 },
    })
    const fresh = contextOf(() => ({
      body: { articles: [{ id: 1, updated_at: now.toISOString() }], end_time: nowSeconds, count: 1 },
    }))
    const page = await resource('articles').readPage(fresh.context, { startTime: 0 })
    expect(page.next['startTime']).toBe(nowSeconds - 60)
  })
})

describe('comments', () => {
  const comment = {
    id: 910,
    event_type: 'Comment',
    type: 'Comment',
    author_id: 5,
    body: 'Hi',
    public: true,
    attachments: [],
  }

  it('come from the ticket events with ticket and time of their event', async () => {
    const { context, requests } = contextOf(() => ({
      body: {
        ticket_events: [
          {
            id: 1,
            ticket_id: 35436,
            timestamp: 1_700_000_000,
            child_events: [comment, { id: 2, event_type: 'Change', status: 'open' }],
          },
          { id: 3, ticket_id: 35436, timestamp: 1_700_000_001, child_events: null },
        ],
        end_time: 1_700_000_001,
        end_of_stream: true,
      },
    }))
    const page = await resource('comments').readPage(context, { startTime: 0 })
    expect(requests[0]).toMatchObject({
      path: '/api/v2/incremental/ticket_events',
      query: { include: 'comment_events' },
    })
    expect(page.rows).toEqual([{ ...comment, ticket_id: 35436, created_at: '2023-11-14T22:13:20.000Z' }])
    expect(ajv.validate(resource('comments').schema, page.rows[0])).toBe(true)
  })

  it('are read again when one was redacted, so that the removed text leaves the store', async () => {
    const { context } = contextOf(({ path, query }) => {
      if (path.endsWith('/ticket_events')) {
        const child_events = [{ id: 4, event_type: 'CommentRedactionEvent', comment_id: 910 }]
        return {
          body: {
            ticket_events: [{ id: 1, ticket_id: 8, timestamp: 5, child_events }],
            end_time: 5,
            end_of_stream: true,
          },
        }
      }
      const second = query?.['page[after]'] === 'x'
      return {
        body: {
          comments: [{ ...comment, id: second ? 911 : 910, body: '▇▇' }],
          meta: { has_more: !second, after_cursor: 'x' },
        },
      }
    })
    const page = await resource('comments').readPage(context, { startTime: 0 })
    expect(page.rows.map((row) => [row['id'], row['body'], row['ticket_id']])).toEqual([
      [910, '▇▇', '8'],
      [911, '▇▇', '8'],
    ])
  })
})

describe('deletions', () => {
  it('knows a deleted ticket, user and organization', () => {
    expect(resource('tickets').isDeleted?.({ id: 1, status: 'deleted' })).toBe(true)
    expect(resource('tickets').isDeleted?.(liveTicket)).toBe(false)
    expect(resource('users').isDeleted?.({ id: 1, active: false })).toBe(true)
    expect(resource('organizations').isDeleted?.({ id: 1, deleted_at: '2026-01-01T00:00:00Z' })).toBe(true)
    expect(resource('organizations').isDeleted?.({ id: 1, deleted_at: null })).toBe(false)
  })

  it('asks for sections one by one and reports the missing by leaving them out', async () => {
    const { context } = contextOf(({ path }) =>
      path.endsWith('/7') ? { body: { section: { id: 7, name: 'A', locale: 'en-us' } } } : undefined,
    )
    const answer = await resource('sections').getMany?.(context, ['7', '8'])
    expect(answer?.rows.map((row) => row['id'])).toEqual([7])
  })

  it('looks through the list before it asks for many articles one by one', async () => {
    const ids = Array.from({ length: 30 }, (_, index) => String(index + 1))
    const { context, requests } = contextOf(({ path }) =>
      path.endsWith('/articles')
        ? {
            body: { articles: ids.slice(0, 28).map((id) => ({ id: Number(id) })), meta: { has_more: false } },
          }
        : path.endsWith('/29')
          ? { body: { article: { id: 29 } } }
          : undefined,
    )
    const answer = await resource('articles').getMany?.(context, ids)
    expect(answer?.rows).toHaveLength(29)
    expect(requests).toHaveLength(3)
  })

  it('treats a Help Center that is not set up as empty, a missing right as a failure', async () => {
    const gone = contextOf(() => undefined)
    expect(await resource('sections').readPage(gone.context, {})).toMatchObject({ rows: [], done: true })
    expect(await resource('articles').readPage(gone.context, { startTime: 3 })).toMatchObject({
      rows: [],
      done: true,
    })
    const refused = contextOf(() => ({ status: 403, body: { error: 'Forbidden' } }))
    await expect(resource('sections').readPage(refused.context, {})).rejects.toMatchObject({
      code: 'Forbidden',
    })
  })
})

describe('counts', () => {
  it('are given only where Zendesk counts exactly', async () => {
    const countOf = (count: unknown) =>
      resource('tickets').count?.(contextOf(() => ({ body: { count } })).context)
    expect(await countOf({ value: 102, refreshed_at: '2026-11-23T19:59:59Z' })).toBe(102)
    expect(await countOf({ value: 100_000, refreshed_at: null })).toBeUndefined()
    expect(await countOf({ value: 250_000, refreshed_at: '2026-11-22T20:00:00Z' })).toBeUndefined()
  })
})

describe('schemas', () => {
  it('are valid, as are those of actions and reports, whose examples fit them', () => {
    for (const each of zendesk.resources) ajv.compile(each.schema)
    for (const { input, output } of [...zendesk.actions, ...zendesk.reports]) {
      for (const schema of [input, output]) {
        const validate = ajv.compile(schema)
        const examples = schema['examples'] as unknown[]
        expect(examples.length).toBeGreaterThan(0)
        for (const example of examples) expect(validate(example) ? [] : validate.errors).toEqual([])
      }
    }
  })

  it('let a tombstone lack everything but its id, and hold a living ticket to its times', () => {
    const { schema } = resource('tickets')
    expect(ajv.validate(schema, { id: 404, status: 'deleted' })).toBe(true)
    expect(ajv.validate(schema, { id: 1, status: 'open' })).toBe(false)
    expect(ajv.validate(schema, { ...liveTicket, subject: 5 })).toBe(false)
    expect(ajv.validate(schema, { ...liveTicket, id: '9007199254740993', brand_new: { x: 1 } })).toBe(true)
  })

  it('keep an id beyond 2^53 as it is written', () => {
    expect(resource('tickets').externalId({ id: '9007199254740993' })).toBe('9007199254740993')
    expect(resource('tickets').externalId({ id: 35436 })).toBe('35436')
  })

  const specs = '/work/shared/specs/zendesk/incremental.openapi.yaml'
  const official = existsSync(specs) ? it : it.skip
  official("accept Zendesk's own example objects", async () => {
    interface Spec {
      components: { schemas: Record<string, { example?: Record<string, unknown> }> }
    }
    const { schemas } = (parse(readFileSync(specs, 'utf8')) as Spec).components
    const examples: [string, string][] = [
      ['CursorBasedExportIncrementalTicketsResponse', 'tickets'],
      ['CursorBasedExportIncrementalUsersResponse', 'users'],
      ['ExportIncrementalOrganizationsResponse', 'organizations'],
    ]
    for (const [schema, name] of examples) {
      const { context } = contextOf(() => ({ body: schemas[schema]?.example }))
      const page = await resource(name).readPage(context, { startTime: 0 })
      expect(page.done).toBe(true)
      expect(page.rows.length).toBeGreaterThan(0)
      for (const row of page.rows) {
        const validate = ajv.compile(resource(name).schema)
        expect(validate(row) ? [] : validate.errors).toEqual([])
        expect(resource(name).externalId(row)).toMatch(/^\d+$/)
        expect(resource(name).updatedAt(row)).toMatch(/^\d{4}-/)
      }
    }
  })
})

describe('errors', () => {
  const explain = (status: number, body: unknown) =>
    zendesk.explainError({ status, headers: {}, body, readAt: now })

  it('reads field errors and masks addresses', () => {
    const fault = explain(422, {
      error: 'RecordInvalid',
      description: 'Record validation errors',
      details: {
        email: [{ description: 'Email: ana@acme.com is already being used', error: 'DuplicateValue' }],
      },
    })
    expect(fault).toMatchObject({ code: 'Invalid', fields: [{ pointer: '/email' }] })
    expect(JSON.stringify(fault)).not.toContain('ana@acme.com')
  })

  it('knows the three forms of an error body', () => {
    expect(
      explain(403, { error: { title: 'Forbidden', message: 'You do not have access to this page.' } }),
    ).toMatchObject({
      code: 'Forbidden',
      message: 'You do not have access to this page.',
    })
    expect(
      explain(404, { errors: [{ code: 'NotFound', status: '404', title: 'The survey is not found' }] })
        ?.message,
    ).toBe('The survey is not found')
    expect(explain(401, { error: "Couldn't authenticate you" })?.code).toBe('Unauthorized')
  })

  it('leaves 429, 5xx and HTML to the transport', () => {
    expect(explain(429, { error: 'TooManyRequests' })).toBeUndefined()
    expect(explain(503, {})).toBeUndefined()
    expect(explain(404, '<html></html>')).toBeUndefined()
  })

  it('says that a closed ticket cannot change', () => {
    const details = {
      status: [{ description: 'Status: closed prevents ticket update', error: 'ClosedTicket' }],
    }
    expect(
      explain(422, { error: 'RecordInvalid', description: 'Record validation errors', details })?.code,
    ).toBe('Conflict')
  })
})

/** One ticket with its audits behind the documented endpoints, with safe updates. `lose`: answers to PUT that get lost. */
function ticketService(ticket: { status: string; updated_at: string }, lose = 0) {
  const audits: Row[] = []
  let lost = 0
  const service = contextOf(({ method, path, body }) => {
    if (path.endsWith('/audits')) return { body: { audits, meta: { has_more: false } } }
    if (method === 'GET') return { body: { ticket: { id: 35436, ...ticket } } }
    const change = (body as JsonObject)['ticket'] as JsonObject
    if (change['safe_update'] === true && change['updated_stamp'] !== ticket.updated_at)
      return { status: 409, body: { error: 'UpdateConflict' } }
    ticket.updated_at = new Date(Date.parse(ticket.updated_at) + 1000).toISOString()
    if (typeof change['status'] === 'string') ticket.status = change['status']
    if (change['comment'])
      audits.push({
        id: 1,
        metadata: { custom: change['metadata'] },
        events: [{ id: 100 + audits.length, type: 'Comment' }],
      })
    if (lost++ < lose) return { status: 409, body: { error: 'UpdateConflict' } }
    return { body: { ticket: { id: 35436, ...ticket } } }
  })
  return { ...service, audits, ticket }
}

describe('update_status', () => {
  it('writes against the state it read and reports the new one', async () => {
    const { context, ticket } = ticketService({ status: 'open', updated_at: '2026-11-23T19:00:00.000Z' })
    const done = await action('update_status').run(context, { ticketId: '35436', status: 'solved' }, 'k')
    expect(done).toMatchObject({ status: 'solved', isChanged: true })
    expect(ticket.status).toBe('solved')
    expect(ajv.validate(action('update_status').output, done)).toBe(true)
  })

  it('writes nothing when the status is set already', async () => {
    const { context, requests } = ticketService({ status: 'solved', updated_at: '2026-11-23T19:00:00.000Z' })
    expect(
      await action('update_status').run(context, { ticketId: '35436', status: 'solved' }, 'k'),
    ).toMatchObject({ isChanged: false })
    expect(requests.map((request) => request.method)).toEqual(['GET'])
  })

  it('does not write over what another changed after the caller looked', async () => {
    const { context, requests } = ticketService({ status: 'open', updated_at: '2026-11-23T19:00:00.000Z' })
    const input = { ticketId: '35436', status: 'solved', updatedStamp: '2026-11-23T18:00:00Z' }
    await expect(action('update_status').run(context, input, 'k')).rejects.toMatchObject({ code: 'Conflict' })
    expect(requests.every((request) => request.method === 'GET')).toBe(true)
  })

  it('recognises its own write whose answer was lost', async () => {
    const { context } = ticketService({ status: 'open', updated_at: '2026-11-23T19:00:00.000Z' }, 1)
    const input = { ticketId: '35436', status: 'solved', updatedStamp: '2026-11-23T19:00:00Z' }
    expect(await action('update_status').run(context, input, 'k')).toMatchObject({
      status: 'solved',
      isChanged: true,
    })
  })

  it('refuses a closed ticket with words that say what to do', async () => {
    const { context } = ticketService({ status: 'closed', updated_at: '2026-11-23T19:00:00.000Z' })
    await expect(
      action('update_status').run(context, { ticketId: '35436', status: 'open' }, 'k'),
    ).rejects.toThrow(/follow-up/)
  })
})

describe('add_comment', () => {
  const input = { ticketId: '35436', body: 'Thanks!' }

  it('adds one comment however often it is repeated, even when an answer is lost', async () => {
    const { context, audits } = ticketService({ status: 'open', updated_at: '2026-11-23T19:00:00.000Z' }, 1)
    const first = await action('add_comment').run(context, input, 'op_1')
    const again = await action('add_comment').run(context, input, 'op_1')
    expect(audits).toHaveLength(1)
    expect(first).toMatchObject({ commentId: '100', isRepeated: true })
    expect(again).toMatchObject({ commentId: '100', isRepeated: true })
    await action('add_comment').run(context, input, 'op_2')
    expect(audits).toHaveLength(2)
  })
})

describe('create_ticket', () => {
  const input = {
    subject: 'Fire',
    body: 'Smoke',
    customFields: [{ id: '27642', value: '745' }],
    requesterId: '9007199254740993',
  }

  it('sends the idempotency key and marks the ticket with it', async () => {
    const { context, requests } = contextOf(({ method }) =>
      method === 'GET'
        ? { body: { tickets: [] } }
        : {
            status: 201,
            headers: { 'x-idempotency-lookup': 'miss' },
            body: { ticket: { ...liveTicket, id: 3 } },
          },
    )
    const made = await action('create_ticket').run(context, input, 'op_9')
    expect(made).toMatchObject({ ticketId: '3', isRepeated: false })
    expect(requests[1]).toMatchObject({
      headers: { 'idempotency-key': 'op_9' },
      body: {
        ticket: {
          subject: 'Fire',
          comment: { body: 'Smoke', public: true },
          external_id: 'tieline:op_9',
          custom_fields: [{ id: 27642, value: '745' }],
          requester_id: '9007199254740993',
        },
      },
    })
  })

  it('finds the ticket of an earlier repetition after the two hours of the key', async () => {
    const { context, requests } = contextOf(() => ({ body: { tickets: [{ ...liveTicket, id: 3 }] } }))
    expect(await action('create_ticket').run(context, input, 'op_9')).toMatchObject({
      ticketId: '3',
      isRepeated: true,
    })
    expect(requests).toHaveLength(1)
  })
})

describe('create_or_update_user', () => {
  it('says whether the user was new', async () => {
    const { context, requests } = contextOf(() => ({ status: 201, body: { user: { id: 12 } } }))
    const input = { name: 'Ana', email: 'ana@acme.com', organizationId: '5' }
    expect(await action('create_or_update_user').run(context, input, 'k')).toEqual({
      userId: '12',
      isCreated: true,
    })
    expect(requests[0]?.body).toEqual({
      user: { name: 'Ana', email: 'ana@acme.com', organization_id: 5, skip_verify_email: true },
    })
  })
})

describe('create_or_update_article', () => {
  const input = {
    sectionId: '5',
    locale: 'en-us',
    title: 'Fire',
    bodyHtml: '<p>Calm</p>',
    permissionGroupId: '6',
  }

  it('creates once: a repetition updates the text of the article made first', async () => {
    const made: Row[] = []
    const { context, requests } = contextOf(({ method, path, body }) => {
      if (method === 'GET') return { body: { articles: made, meta: { has_more: false } } }
      if (method === 'POST') {
        made.push({ id: 77, ...((body as JsonObject)['article'] as JsonObject) })
        return { status: 201, body: { article: made[0] } }
      }
      return { body: path.includes('/translations/') ? { translation: {} } : { article: made[0] } }
    })
    expect(await action('create_or_update_article').run(context, input, 'k')).toMatchObject({
      articleId: '77',
      isCreated: true,
    })
    expect(await action('create_or_update_article').run(context, input, 'k')).toMatchObject({
      articleId: '77',
      isCreated: false,
    })
    expect(made).toHaveLength(1)
    const translation = requests.find(
      (request) => request.path === '/api/v2/help_center/articles/77/translations/en-us',
    )
    expect(translation?.body).toEqual({ translation: { title: 'Fire', body: '<p>Calm</p>' } })
  })

  it('adds the language where the article lacks it', async () => {
    const { context, requests } = contextOf(({ method }) =>
      method === 'POST' ? { status: 201, body: { translation: {} } } : undefined,
    )
    await action('create_or_update_article').run(
      context,
      { articleId: '77', locale: 'pt-br', title: 'Fogo', bodyHtml: '<p>Calma</p>' },
      'k',
    )
    expect(requests.at(-1)).toMatchObject({
      method: 'POST',
      body: { translation: { locale: 'pt-br', title: 'Fogo' } },
    })
  })
})

describe('satisfaction', () => {
  const survey = {
    id: '01J1WB51MG6HXTYWE6Q0C93RNW',
    responder_id: 4398080151295,
    subject_zrns: ['zen:ticket:99'],
    answers: [
      {
        type: 'rating_scale',
        rating: 1,
        rating_category: 'bad',
        question: { id: 'a', sub_type: 'customer_satisfaction', type: 'rating_scale_numeric' },
        created_at: '2026-10-14T12:00:00.000Z',
        updated_at: '2026-10-14T12:05:00.000Z',
      },
      {
        type: 'closed_ended',
        selections: [{ option_id: '01OPT', type: 'predefined' }],
        question: { id: 'b' },
        created_at: '2026-10-14T12:00:00.000Z',
      },
      {
        type: 'open_ended',
        value: 'Same questions again.',
        question: { id: 'c' },
        created_at: '2026-10-14T12:00:00.000Z',
      },
      { type: 'skipped', question: { id: 'd' }, created_at: '2026-10-14T12:00:00.000Z' },
    ],
  }
  const rating = (id: number, score: string, at: string, reason?: string): Row => ({
    id,
    score,
    reason,
    created_at: at,
    updated_at: at,
    ticket_id: 1,
  })
  const span = { from: '2026-10-01T00:00:00Z', to: '2026-11-01T00:00:00Z' }
  const report = zendesk.reports.find((each) => each.name === 'satisfaction')

  it('reads whichever feature is active and is empty for the other', async () => {
    const { context } = contextOf(({ path }) =>
      path === '/api/v2/guide/survey_responses'
        ? { body: { survey_responses: [survey], meta: { has_more: false } } }
        : { status: 403, body: { error: { title: 'Forbidden' } } },
    )
    expect(await resource('satisfaction_ratings').readPage(context, { since: 0 })).toMatchObject({
      rows: [],
      done: true,
      next: { since: 0 },
    })
    const page = await resource('survey_responses').readPage(context, { since: 0 })
    expect(page.rows[0]?.['derived']).toMatchObject({
      ticket_id: '99',
      rating: '1',
      comment: 'Same questions again.',
      reason: '01OPT',
    })
    expect(ajv.validate(resource('survey_responses').schema, page.rows[0])).toBe(true)
    expect(resource('survey_responses').updatedAt(page.rows[0] ?? {})).toBe('2026-10-14T12:05:00.000Z')
  })

  it('reads the weeks again in which a customer may still change the answer', async () => {
    const { context, requests } = contextOf(() => ({
      body: { satisfaction_ratings: [], meta: { has_more: false } },
    }))
    const { position } = await readAll(resource('satisfaction_ratings'), context, { since: 0 })
    expect(position).toEqual({ since: nowSeconds - 35 * 86_400 })
    await resource('satisfaction_ratings').readPage(context, position)
    expect(requests[1]?.query?.['start_time']).toBe(position['since'])
  })

  it('summarises legacy ratings over pages', async () => {
    const { context, requests } = contextOf(({ path, query }) => {
      if (path.endsWith('/settings'))
        return { body: { settings: { active_features: { customer_satisfaction: true } } } }
      const second = query?.['page[after]'] === 'n'
      const rows = second
        ? [
            rating(3, 'bad', '2026-10-14T09:00:00Z', 'Not resolved'),
            rating(4, 'offered', '2026-10-15T09:00:00Z'),
          ]
        : [rating(1, 'good', '2026-10-05T00:00:00Z'), rating(2, 'good', '2026-10-11T23:59:59Z')]
      return { body: { satisfaction_ratings: rows, meta: { has_more: !second, after_cursor: 'n' } } }
    })
    const summary = await report?.run(context, span)
    expect(summary).toMatchObject({
      variant: 'legacy',
      scorePercent: 66.7,
      good: 2,
      bad: 1,
      scores: { good: 2, bad: 1, offered: 1 },
      reasons: [{ reason: 'Not resolved', count: 1 }],
      weeks: [
        { week: '2026-10-05', good: 2, bad: 0, scorePercent: 100 },
        { week: '2026-10-12', good: 0, bad: 1, scorePercent: 0 },
      ],
    })
    expect(ajv.validate(report?.output ?? {}, summary)).toBe(true)
    expect(requests[1]?.query).toMatchObject({
      start_time: Date.parse(span.from) / 1000,
      end_time: Date.parse(span.to) / 1000,
    })
  })

  it('summarises survey responses, asking in milliseconds', async () => {
    const { context, requests } = contextOf(({ path }) =>
      path.endsWith('/settings')
        ? { body: { settings: { active_features: { customer_satisfaction: false } } } }
        : { body: { survey_responses: [survey, { id: 'B', answers: [] }], meta: { has_more: false } } },
    )
    expect(await report?.run(context, span)).toMatchObject({
      variant: 'survey',
      bad: 1,
      scores: { '1': 1, offered: 1 },
    })
    expect(requests.at(-1)?.query?.['filter[created_at_start]']).toBe(Date.parse(span.from))
  })

  it('says that no CSAT is active instead of failing', async () => {
    const { context } = contextOf(({ path }) =>
      path.endsWith('/settings')
        ? { body: { settings: { active_features: {} } } }
        : { status: 404, body: { errors: [{ code: 'NotFound' }] } },
    )
    expect(await report?.run(context, span)).toMatchObject({ variant: null, scorePercent: null, weeks: [] })
  })

  it('refuses a span that ends before it begins', async () => {
    const failure = await report
      ?.run(contextOf(() => undefined).context, { from: span.to, to: span.from })
      .catch((error: unknown) => error)
    expect(isHubError(failure, 'InvalidInput')).toBe(true)
  })
})
