/** The client against a real server that asks for patience. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bodyOf, createHub, eachItem, HubProblem } from './index.ts'

interface Reply {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body: unknown
}
let server: Server
let seen: IncomingMessage[] = []
let replies: Reply[] = []
let waited: number[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request)
    request.resume()
    const { status, headers = {}, body } = replies.shift() ?? { status: 500, body: {} }
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => {
  seen = []
  waited = []
})

const hub = (more: object = {}) =>
  createHub({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'tl_test_key',
    sleep: async (ms) => void waited.push(ms),
    ...more,
  })
const later = (seconds: string): Reply => ({ status: 429, headers: { 'retry-after': seconds }, body: {} })
const page = (items: number[], nextCursor: string | null): Reply => ({
  status: 200,
  body: { items, nextCursor },
})

describe('the client', () => {
  it('shows its key, acts for a partner, and gives every POST a key of its own', async () => {
    replies = [page([], null), { status: 202, body: { runId: 'run_1' } }]
    const client = hub({ partnerId: 'par_1', token: async () => 'fresh' })
    await client.GET('/v1/connections')
    await client.POST('/v1/runs', { body: { connectionId: 'con_1' } })
    const [first, second] = seen.map(({ headers }) => headers)
    expect(first).toMatchObject({ authorization: 'Bearer fresh', 'tieline-partner': 'par_1' })
    expect(first?.['idempotency-key']).toBeUndefined()
    expect(second?.['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('waits as long as it is told and sends the same request again, with the same key', async () => {
    replies = [
      later('7'),
      { status: 503, headers: { 'retry-after': '2' }, body: {} },
      { status: 202, body: { runId: 'r' } },
    ]
    const { data } = await hub().POST('/v1/runs', { body: { connectionId: 'con_1' } })
    expect(data).toEqual({ runId: 'r' })
    expect(waited).toEqual([7000, 2000])
    expect(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  })

  it('gives up after so many times, and at once where the wait would be too long or nothing says how long', async () => {
    replies = [later('1'), later('1'), later('1')]
    expect((await hub({ retries: 2 }).GET('/v1/me')).response.status).toBe(429)
    expect(waited).toEqual([1000, 1000])
    for (const reply of [later('3600'), { status: 503, body: {} }]) {
      replies = [reply]
      expect((await hub().GET('/v1/me')).response.status).toBe(reply.status)
    }
    expect(waited).toHaveLength(2)
  })

  it('goes through a list page by page, and stops at the end of a stream', async () => {
    replies = [page([1, 2], 'a'), page([3], null), page([4], 'b'), page([], 'b')]
    const all = async (): Promise<unknown[]> => {
      const items: unknown[] = []
      const list = (cursor: string | undefined) =>
        hub().GET('/v1/tickets', { params: { query: cursor === undefined ? {} : { cursor } } })
      for await (const item of eachItem<unknown>(list)) items.push(item)
      return items
    }
    expect(await all()).toEqual([1, 2, 3])
    expect(await all()).toEqual([4])
    expect(seen.map(({ url }) => url)).toEqual([
      ...['/v1/tickets', '/v1/tickets?cursor=a', '/v1/tickets', '/v1/tickets?cursor=b'],
    ])
  })

  it('throws a problem with its code', async () => {
    replies = [{ status: 404, body: { code: 'NoSuchThing', detail: 'There is no connection.' } }]
    const call = bodyOf(
      hub().GET('/v1/connections/{connectionId}', { params: { path: { connectionId: 'x' } } }),
    )
    await expect(call).rejects.toThrow(HubProblem)
    await expect(call).rejects.toMatchObject({
      status: 404,
      message: 'There is no connection.',
      problem: { code: 'NoSuchThing' },
    })
  })
})
