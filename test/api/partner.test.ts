/** The partner API as its users meet it: a key, an account, a connection, synced data by model, writes, events; nothing of the hub's own. */
import { ensureAccount, ensurePartner } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import { startTestApi, until, type ApiAnswer, type TestApi } from '../harness/api.ts'
import { simulators } from '../../sandbox/simulators.ts'

let api: TestApi
let token: string
const partnerId = newId('partner')
const accountId = newId('account')

beforeAll(async () => {
  api = await startTestApi()
  const { db } = api.database.database
  await ensurePartner(db, { partnerId, name: 'Acme Resale' })
  await ensureAccount(db, { partnerId, accountId, name: 'Bolt & Sons' })
  token = (await api.key({ partnerId })).text
}, 120_000)
afterAll(() => api?.close())

const ask = (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiAnswer> =>
  api.request(method, path, {
    token,
    headers: { ...(method === 'POST' ? { 'Idempotency-Key': newId('request') } : {}), ...headers },
    ...(body === undefined ? {} : { body }),
  })
const get = async <T>(path: string): Promise<T> => {
  const answer = await ask('GET', path)
  expect(answer.status).toBe(200)
  return answer.body as T
}
interface Page<T> {
  readonly items: T[]
  readonly nextCursor: string | null
}
interface Ticket {
  readonly id: string
  readonly externalId: string
  readonly version: number
  readonly changedAt: string
  readonly deletedAt: string | null
  readonly fields: { readonly id: string; readonly subject?: string; readonly status?: string }
}

/** All of a stream, from its beginning. */
async function stream<T>(path: string): Promise<T[]> {
  const all: T[] = []
  for (let after: string | null = null; ;) {
    const page: Page<T> = await get(`${path}?limit=200${after === null ? '' : `&after=${after}`}`)
    all.push(...page.items)
    if (page.items.length === 0 || page.nextCursor === null) return all
    after = page.nextCursor
  }
}

/** The sandbox's support desk, connected for the account. */
async function connect(key = token, more: object = {}): Promise<ApiAnswer> {
  const [simulator] = simulators
  const { provider, settings, secrets } = simulator?.sample ?? { provider: '', settings: {}, secrets: {} }
  return await api.request('POST', '/v1/connections', {
    token: key,
    body: { provider, name: 'Support', accountId, settings, secrets, ...more },
  })
}

let connectionId = ''

describe('a partner', () => {
  it('connects an account and starts a run, and is shown nothing of Temporal', async () => {
    const made = await connect()
    expect(made).toMatchObject({ status: 201, body: { partnerId, accountId, sandbox: false } })
    connectionId = (made.body as { connectionId: string }).connectionId
    expect(made.headers.get('location')).toBe(`/v1/connections/${connectionId}`)

    const started = await ask('POST', '/v1/runs', { connectionId })
    expect(started.status).toBe(202)
    const { runId } = started.body as { runId: string }
    expect(started.headers.get('location')).toBe(`/v1/runs/${runId}`)
    expect(JSON.stringify(started.body)).not.toMatch(/temporal|workflow/i)
    const run = await until(
      () => get<{ state: string }>(`/v1/runs/${runId}`),
      ({ state }) => state !== 'running' && state !== 'queued',
    )
    expect(run.state).toBe('succeeded')
    expect((await ask('GET', `/v1/runs/${runId}/proof`)).status).toBe(200)
  }, 60_000)

  it('reads tickets by cursor, each once, in the order of their changes', async () => {
    const seen: Ticket[] = []
    let path: string | undefined = '/v1/tickets?limit=5'
    while (path !== undefined) {
      const answer = await ask('GET', path)
      const page = answer.body as Page<Ticket>
      seen.push(...page.items)
      path = page.nextCursor === null ? undefined : `/v1/tickets?limit=5&cursor=${page.nextCursor}`
      expect(answer.headers.get('link') === null).toBe(page.nextCursor === null)
    }
    expect(seen).toHaveLength(12)
    expect(new Set(seen.map(({ id }) => id)).size).toBe(12)
    const times = seen.map(({ changedAt }) => changedAt)
    expect(times).toEqual([...times].sort())
    const narrowed = await get<Page<Ticket>>(`/v1/tickets?connectionId=${connectionId}&limit=100`)
    expect(narrowed.items.map(({ id }) => id).sort()).toEqual(seen.map(({ id }) => id).sort())
    for (const filter of [
      `accountId=${newId('account')}`,
      'provider=nobody',
      `connectionId=${newId('connection')}`,
    ])
      expect((await get<Page<Ticket>>(`/v1/tickets?${filter}`)).items).toEqual([])
  })

  it('gets only the fields that it names, and what has changed since', async () => {
    const { items } = await get<Page<Ticket>>('/v1/tickets?fields=subject&limit=200')
    const [first] = items
    expect(Object.keys(first?.fields ?? {}).sort()).toEqual(['id', 'subject'])
    const last = items.at(-1)
    const since = await get<Page<Ticket>>(
      `/v1/tickets?updated_since=${encodeURIComponent(last?.changedAt ?? '')}`,
    )
    expect(since.items.map(({ id }) => id)).toContain(last?.id)
    expect(since.items.every(({ changedAt }) => changedAt >= (last?.changedAt ?? ''))).toBe(true)
    expect(await ask('GET', '/v1/tickets?fields=nonsense')).toMatchObject({
      status: 400,
      body: { errors: [{ in: 'query', pointer: '/fields' }] },
    })
    expect((await ask('GET', '/v1/tickets?updatedSince=2026-02-30T00:00:00Z')).status).toBe(400)
  })

  it('reads one by its id, and again only when it has changed', async () => {
    const { items } = await get<Page<Ticket>>('/v1/tickets?limit=1')
    const [first] = items
    const answer = await ask('GET', `/v1/tickets/${first?.id}`)
    expect(answer).toMatchObject({ status: 200, body: { id: first?.id, fields: { id: first?.externalId } } })
    const etag = answer.headers.get('etag') ?? ''
    const again = await ask('GET', `/v1/tickets/${first?.id}`, undefined, { 'If-None-Match': etag })
    expect(again).toMatchObject({ status: 304, body: '' })
    // It is a ticket, and nothing else.
    expect((await ask('GET', `/v1/contacts/${first?.id}`)).status).toBe(404)
    expect((await ask('GET', '/v1/tickets/rec_bm90IGEgcmVjb3JkIGF0IGFsbA')).status).toBe(404)
  })

  it('makes, changes and deletes one at the provider, once per key', async () => {
    const fields = { subject: 'Printer on fire', description: 'It burns.' }
    const headers = { 'Idempotency-Key': newId('request'), Prefer: 'wait=20' }
    const made = await ask('POST', '/v1/tickets', { connectionId, fields }, headers)
    expect(made).toMatchObject({
      status: 201,
      body: { model: 'ticket', fields: { subject: 'Printer on fire' } },
    })
    const ticket = made.body as Ticket
    expect(made.headers.get('location')).toBe(`/v1/tickets/${ticket.id}`)
    const again = await ask('POST', '/v1/tickets', { connectionId, fields }, headers)
    expect(again).toMatchObject({ status: 201, body: { id: ticket.id } })
    expect(made.headers.get('idempotency-replayed')).toBeNull()
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const other = await ask('POST', '/v1/tickets', { connectionId, fields: { subject: 'Other' } }, headers)
    expect(other).toMatchObject({ status: 409, body: { code: 'IdempotencyConflict' } })

    const place = `/v1/tickets/${ticket.id}`
    const stale = await ask('PATCH', place, { fields: { subject: 'x' } }, { 'If-Match': '"99"' })
    expect(stale).toMatchObject({ status: 412, body: { code: 'PreconditionFailed' } })
    const etag = made.headers.get('etag') ?? ''
    const changed = await ask(
      'PATCH',
      place,
      { fields: { subject: 'Put out' } },
      { 'If-Match': etag, Prefer: 'wait=20' },
    )
    expect(changed).toMatchObject({
      status: 200,
      body: { fields: { subject: 'Put out' }, version: ticket.version + 1 },
    })
    const gone = await ask('DELETE', place, undefined, { Prefer: 'wait=20' })
    expect(gone).toMatchObject({ status: 200, body: { id: ticket.id } })
    expect((gone.body as Ticket).deletedAt).not.toBeNull()
    const { items } = await get<Page<Ticket>>('/v1/tickets?limit=200')
    expect(items.map(({ id }) => id)).not.toContain(ticket.id)
    const all = await get<Page<Ticket>>('/v1/tickets?limit=200&includeDeleted=true')
    expect(all.items.map(({ id }) => id)).toContain(ticket.id)
  }, 60_000)

  it('is told at once that nobody waits: 202 with the write to look after', async () => {
    const body = { connectionId, fields: { subject: 'Slow', description: 'No hurry.' } }
    const answer = await ask('POST', '/v1/tickets', body, { Prefer: 'wait=0' })
    expect(answer.status).toBe(202)
    const { writeId } = answer.body as { writeId: string }
    expect(answer.headers.get('location')).toBe(`/v1/writes/${writeId}`)
    const write = await ask('GET', `/v1/writes/${writeId}`, undefined, { Prefer: 'wait=20' })
    expect(write).toMatchObject({ status: 200, body: { state: 'succeeded' } })
    expect(JSON.stringify(write.body)).not.toMatch(/temporal/i)
  }, 60_000)

  it('reads the changes and the events of its own, and has an endpoint of its own', async () => {
    // The feed ends before the oldest transaction that is open anywhere on the server.
    const changes = await until(
      () => stream<{ partnerId: string; model: string }>('/v1/changes'),
      (items) => items.filter(({ model }) => model === 'ticket').length > 12,
    )
    const events = await stream<{ partnerId: string; type: string }>('/v1/events')
    expect(events.map(({ type }) => type)).toContain('ticket.created')
    expect([...changes, ...events].every((one) => one.partnerId === partnerId)).toBe(true)
    const made = await ask('POST', '/v1/endpoints', {
      url: 'https://partner.example/hooks',
      eventTypes: ['ticket.*'],
    })
    expect(made).toMatchObject({ status: 201, body: { endpoint: { partnerId } } })
    const { endpointId } = (made.body as { endpoint: { endpointId: string } }).endpoint
    const rotated = await ask('POST', `/v1/endpoints/${endpointId}/rotate`, { overlapSeconds: 60 })
    expect(rotated.status).toBe(200)
    expect((await ask('DELETE', `/v1/endpoints/${endpointId}`)).status).toBe(204)
  })

  it('runs an action, and sees it among the operations', async () => {
    const place = `/v1/connections/${connectionId}`
    const input = { subject: 'By action', body: 'Hello' }
    const action = await ask('POST', `${place}/actions/create_ticket`, input, { Prefer: 'wait=20' })
    expect(action).toMatchObject({ status: 200, body: { state: 'succeeded', name: 'zendesk.create_ticket' } })
    const operations = await get<Page<{ operationId: string }>>(`${place}/operations`)
    expect(operations.items.map(({ operationId }) => operationId)).toContain(
      (action.body as { operationId: string }).operationId,
    )
    expect(JSON.stringify([action.body, operations])).not.toMatch(/temporal/i)
  }, 60_000)
})

describe('another partner', () => {
  it('finds nothing of it, by list, id or feed', async () => {
    const { items } = await get<Page<Ticket>>('/v1/tickets?limit=1')
    const other = (await api.key()).text
    const theirs = (path: string) => api.request('GET', path, { token: other })
    expect((await theirs('/v1/tickets')).body).toEqual({ items: [], nextCursor: null })
    expect((await theirs(`/v1/tickets/${items[0]?.id}`)).status).toBe(404)
    expect((await theirs(`/v1/tickets?connectionId=${connectionId}`)).body).toEqual({
      items: [],
      nextCursor: null,
    })
    expect((await theirs('/v1/changes')).body).toMatchObject({ items: [] })
  })

  it('cannot give an account that is not its own a connection', async () => {
    const other = (await api.key()).text
    expect(await connect(other)).toMatchObject({ status: 400, body: { errors: [{ pointer: '/accountId' }] } })
  })
})

describe('a partner above', () => {
  it('reads what is below it', async () => {
    const above = newId('partner')
    const { db } = api.database.database
    await ensurePartner(db, { partnerId: above, name: 'Above' })
    await db.updateTable('partners').set({ parentId: above }).where('partnerId', '=', partnerId).execute()
    const key = (await api.key({ partnerId: above })).text
    for (const path of [
      '/v1/tickets?limit=200',
      '/v1/changes?limit=200',
      '/v1/events?limit=200',
      `/v1/connections`,
    ]) {
      const { body } = await api.request('GET', path, { token: key })
      expect((body as Page<object>).items.length).toBeGreaterThan(0)
    }
  })
})

describe('a test key', () => {
  it('makes and sees connections to the sandbox only', async () => {
    const test = (await api.key({ partnerId, mode: 'test' })).text
    const made = await connect(test)
    expect(made).toMatchObject({ status: 201, body: { sandbox: true } })
    const { connectionId: sandboxed } = made.body as { connectionId: string }
    const list = await api.request('GET', '/v1/connections', { token: test })
    expect((list.body as Page<{ connectionId: string }>).items.map((one) => one.connectionId)).toEqual([
      sandboxed,
    ])
    expect((await api.request('GET', '/v1/tickets', { token: test })).body).toMatchObject({ items: [] })
    expect((await api.request('GET', `/v1/connections/${connectionId}`, { token: test })).status).toBe(404)
    expect(await connect(test, { sandbox: false })).toMatchObject({ status: 400 })
    const session = await api.request('POST', '/v1/connect-sessions', {
      token: test,
      body: { provider: 'zendesk', accountId },
    })
    expect(session.status).toBe(201)
    const { sessionId } = session.body as { sessionId: string }
    const shown = await api.request('GET', `/v1/connect-sessions/${sessionId}`, { token: test })
    expect(shown).toMatchObject({ status: 200, body: { sandbox: true, state: 'open' } })
  })

  it('is told where there is no sandbox', async () => {
    const bare = await startTestApi({
      worker: false,
      deps: ({ config }) => ({ config: { ...config, originMap: {} } }),
    })
    try {
      const key = (await bare.key({ mode: 'test' })).text
      const body = { provider: 'zendesk', accountId: 'acc_00000000000000000000000000' }
      const answer = await bare.request('POST', '/v1/connect-sessions', { token: key, body })
      expect(answer).toMatchObject({ status: 409, body: { code: 'NotConfigured' } })
    } finally {
      await bare.close()
    }
  }, 60_000)
})

describe('the catalogue', () => {
  it('says nothing of the environment of the hub, and may be kept', async () => {
    const answer = await ask('GET', '/v1/providers/zendesk')
    expect(answer.status).toBe(200)
    expect(JSON.stringify(answer.body)).not.toMatch(/ZENDESK_|"env"|environment/)
    expect(answer.headers.get('cache-control')).toBe('private, max-age=60')
    const etag = answer.headers.get('etag') ?? ''
    const again = await ask('GET', '/v1/providers/zendesk', undefined, { 'If-None-Match': etag })
    expect(again).toMatchObject({ status: 304, body: '' })
  })
})
