/** Pages that are counted from the start, and what an answer by id has more than a list. */
import type { Page, Position, ProviderContext } from '../contract.ts'
import { json, openBench, startServer, type Received, type TestServer } from '../http/test-server.ts'
import { freshdesk } from './index.ts'

const now = new Date('2026-11-24T10:00:00Z')
let server: TestServer
let asked: URL[]
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.close())

function open(serve: (url: URL) => { readonly status?: number; readonly body: unknown }): ProviderContext {
  asked = []
  server.answer((response, received: Received) => {
    const url = new URL(received.url, 'http://desk')
    asked.push(url)
    const { status = 200, body } = serve(url)
    json(response, status, body)
  })
  return openBench(
    server,
    {
      originMap: { 'https://acme.freshdesk.com': server.url },
      clock: { now: () => now, sleep: async () => undefined },
    },
    {
      provider: freshdesk,
      auth: freshdesk.auth[0],
      settings: { domain: 'acme' },
      credential: {
        current: async () => ({ generation: 1, secrets: { api_key: 'not-a-real-key' } }),
        renew: async () => undefined,
      },
    },
  )
}

const resource = (name: string) => {
  const found = freshdesk.resources.find((one) => one.name === name)
  if (!found) throw new Error(`there is no ${name}`)
  return found
}
const stamp = (second: number) =>
  new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString().slice(0, 19) + 'Z'
const ticket = (id: number, second: number) => ({
  id,
  subject: `Ticket ${id}`,
  status: 2,
  priority: 1,
  created_at: stamp(0),
  updated_at: stamp(second),
})

/** A list in the order of changes; `isInclusive`: whether `updated_since` takes in its own second. */
const listing = (rows: readonly ReturnType<typeof ticket>[], isInclusive: boolean) => (url: URL) => {
  const since = url.searchParams.get('updated_since') ?? ''
  const page = Number(url.searchParams.get('page'))
  const found = rows.filter((row) => (isInclusive ? row.updated_at >= since : row.updated_at > since))
  return { body: found.slice((page - 1) * 100, page * 100) }
}

async function readAll(context: ProviderContext, start: Position = {}) {
  const ids = new Set<string>()
  let position = start
  for (let pages = 0; pages < 40; pages++) {
    const page: Page = await resource('tickets').readPage(context, position)
    for (const row of page.rows) ids.add(resource('tickets').externalId(row))
    position = page.next
    if (page.done) return { ids, position }
  }
  throw new Error('it does not end')
}

describe('tickets', () => {
  it.each([true, false])('are read whole when `updated_since` is inclusive: %s', async (isInclusive) => {
    // 250 in one second in the middle: pages by number within it, by time around it.
    const rows = Array.from({ length: 700 }, (_, n) => ticket(n + 1, n < 220 ? n : n < 470 ? 220 : n))
    const { ids, position } = await readAll(open(listing(rows, isInclusive)))
    expect(ids.size).toBe(700)
    expect(position).toEqual({ since: '2026-11-24T09:50:00Z' })
    expect(asked[0]?.searchParams.get('updated_since')).toBe('1970-01-01T00:00:00Z')
    expect(Math.max(...asked.map((url) => Number(url.searchParams.get('page'))))).toBeLessThan(5)
  })

  it('that change while they are read push none out of sight', async () => {
    let rows = Array.from({ length: 350 }, (_, n) => ticket(n + 1, n))
    let reads = 0
    const context = open((url) => {
      const answer = listing(rows, true)(url)
      // After each page the first ones change: a list by number alone would move up behind the reader's back.
      const moved = rows.slice(0, 20).map((row) => ({ ...row, updated_at: stamp(1000 + ++reads) }))
      rows = [...rows.slice(20), ...moved]
      return answer
    })
    expect((await readAll(context)).ids.size).toBe(350)
  })
})

it('an answer by id and a list give the same row, whatever else is in them', async () => {
  const row = ticket(7, 1)
  const one = { ...row, attachments: [{ id: 1 }], conversations: [] }
  const context = open((url) => ({ body: url.pathname.endsWith('/7') ? one : [row] }))
  const { rows } = await resource('tickets').readPage(context, {})
  const byId = await resource('tickets').getMany?.(context, ['7', 'no-number'])
  expect(byId?.rows).toEqual(rows)
  expect(asked.map(({ pathname }) => pathname)).toEqual(['/api/v2/tickets', '/api/v2/tickets/7'])
})

it('a deleted ticket is told by its mark, one that is gone by its absence', async () => {
  const context = open((url) =>
    url.pathname.endsWith('/8') ? { status: 404, body: '' } : { body: { ...ticket(7, 1), deleted: true } },
  )
  const found = await resource('tickets').getMany?.(context, ['7', '8'])
  expect(found?.rows.map((row) => [row['id'], resource('tickets').isDeleted?.(row)])).toEqual([[7, true]])
})

it('contacts are asked for since the last read began; agents whole each time', async () => {
  const context = open(() => ({ body: [] }))
  const contacts = await resource('contacts').readPage(context, { since: '2026-11-24T09:00:00Z' })
  expect(asked[0]?.searchParams.get('_updated_since')).toBe('2026-11-24T09:00:00Z')
  expect(contacts).toMatchObject({ done: true, next: { since: '2026-11-24T09:50:00Z' } })
  expect(await resource('agents').readPage(context, {})).toMatchObject({ done: true, next: {} })
})

it('a refusal says which field, without addresses of people', () => {
  const body = {
    description: 'Validation failed',
    errors: [{ field: 'email', message: 'ana@example.com is taken', code: 'duplicate_value' }],
  }
  expect(freshdesk.explainError({ status: 409, headers: {}, body, readAt: now })).toEqual({
    code: 'Conflict',
    message: 'Validation failed',
    fields: [{ pointer: '/email', detail: '[email] is taken' }],
  })
  expect(freshdesk.explainError({ status: 404, headers: {}, body: undefined, readAt: now })).toBeUndefined()
})
