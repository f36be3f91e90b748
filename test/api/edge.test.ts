/** What happens at the edge, whatever the operation: routes, bodies, ids, metrics, docs, readiness. */
import { request as httpRequest, type Server } from 'node:http'
import { connect as openSocket, type AddressInfo } from 'node:net'
import Koa from 'koa'
import { closeServer } from '../../api/server.ts'
import { adminToken, startTestApi, type TestApi } from '../harness/api.ts'

let api: TestApi

beforeAll(async () => {
  api = await startTestApi({ worker: false })
}, 120_000)

afterAll(async () => {
  await api?.close()
})

const connections = '/admin/v1/connections'

describe('a route', () => {
  it('that does not exist is a problem', async () => {
    const answer = await api.request('GET', '/admin/v1/nothing')
    expect(answer).toMatchObject({
      status: 404,
      body: { code: 'NoSuchThing', type: 'urn:tieline:problem:no-such-thing' },
    })
  })

  it('refuses a method that it does not have and names those that it has', async () => {
    const answer = await api.request('DELETE', connections)
    expect(answer).toMatchObject({ status: 405, body: { code: 'MethodNotAllowed' } })
    expect(answer.headers.get('allow')).toBe('HEAD, GET, POST, OPTIONS')
  })

  it('answers OPTIONS with its methods and HEAD without a body', async () => {
    const options = await api.request('OPTIONS', connections, { token: null })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'HEAD, GET, POST, OPTIONS'])
    const head = await api.request('HEAD', connections)
    expect([head.status, head.body]).toEqual([200, ''])
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(10)
  })
})

describe('a body', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    api.request('POST', connections, { body, headers })

  it('that is not JSON is refused with the place of the mistake, and is not quoted', async () => {
    const answer = await post('{\n  "provider": "secret-text",\n  "name": oops\n}')
    expect(answer).toMatchObject({ status: 400, body: { code: 'InvalidInput' } })
    expect(answer.body).toMatchObject({ detail: 'The body is not JSON: line 3, column 11 is not valid.' })
    expect((await post('{"provider": "z"')).body).toMatchObject({
      detail: expect.stringContaining('line 1, column 17') as string,
    })
    expect((await post('{"a":1}}')).body).toMatchObject({
      detail: expect.stringContaining('line 1, column 8') as string,
    })
    expect((await post('')).body).toMatchObject({ detail: 'The body is empty; send a JSON object.' })
  })

  it('of another type or encoding is refused', async () => {
    const types = ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', '']
    for (const type of types) expect((await post('{}', { 'Content-Type': type })).status).toBe(415)
    expect((await post('{}', { 'Content-Encoding': 'gzip' })).status).toBe(415)
    expect((await post('{}', { 'Content-Type': 'application/json; charset=UTF-8' })).status).toBe(400)
  })

  it('over 1 MB is refused, whether its length is announced or not', async () => {
    const large = JSON.stringify({ provider: 'x'.repeat(1024 * 1024) })
    expect(await post(large)).toMatchObject({ status: 413, body: { code: 'TooLarge' } })
    expect(await chunked(large)).toBe(413)
  })

  it('that is not UTF-8 is refused', async () => {
    const answer = await fetch(api.url + connections, {
      method: 'POST',
      headers: { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' },
      body: Buffer.from([0x7b, 0xff, 0x7d]),
    })
    expect([answer.status, await answer.json()]).toMatchObject([400, { detail: 'The body is not UTF-8.' }])
  })

  function chunked(text: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' }
      const outgoing = httpRequest(api.url + connections, { method: 'POST', headers }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
      outgoing.on('error', reject)
      for (let at = 0; at < text.length; at += 65_536) outgoing.write(text.slice(at, at + 65_536))
      outgoing.end()
    })
  }
})

describe('a request id', () => {
  it('is taken over from the caller when it is one, and made otherwise', async () => {
    const mine = await api.request('GET', '/healthz', { headers: { 'X-Request-Id': 'my-request.0001' } })
    expect(mine.headers.get('x-request-id')).toBe('my-request.0001')
    const bad = await api.request('GET', '/healthz', { headers: { 'X-Request-Id': 'no good "id"' } })
    expect(bad.headers.get('x-request-id')).toMatch(/^req_[0-9A-Z]{26}$/)
  })
})

describe('health and metrics', () => {
  it('is ready only with a worker', async () => {
    const answer = await api.request('GET', '/readyz', { token: null })
    expect(answer).toMatchObject({
      status: 503,
      body: { ready: false, database: { ok: true }, temporal: { ok: true }, worker: { ok: false } },
    })
    const stop = await api.hub.startWorkers()
    for (let tries = 0; tries < 50; tries++) {
      if ((await api.request('GET', '/readyz', { token: null })).status === 200) break
    }
    expect((await api.request('GET', '/readyz', { token: null })).body).toMatchObject({ ready: true })
    await stop()
  })

  it('counts requests by the pattern of their path', async () => {
    await api.request('GET', '/admin/v1/providers/nobody')
    const { body } = await api.request('GET', '/metrics', { token: null })
    expect(body).toContain('route="/admin/v1/providers/{provider}",status="404"')
    expect(body).not.toContain('nobody')
  })
})

describe('the description', () => {
  it('is served for programs and for people, and the page reaches nothing but the hub', async () => {
    expect((await api.request('GET', '/openapi.json', { token: null })).body).toMatchObject({
      openapi: '3.1.0',
    })
    const page = await api.request('GET', '/docs', { token: null })
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
    expect(page.body).not.toMatch(/https?:\/\//)
    const script = await fetch(`${api.url}/docs/scalar.js`)
    expect([script.status, script.headers.get('content-type')]).toEqual([
      200,
      'text/javascript; charset=utf-8',
    ])
    const again = await fetch(`${api.url}/docs/scalar.js`, {
      // Without it fetch asks for a fresh copy.
      headers: { 'If-None-Match': script.headers.get('etag') ?? '', 'Cache-Control': 'max-age=0' },
    })
    expect(again.status).toBe(304)
  })
})

describe('a server that is closed', () => {
  async function slowServer(): Promise<{ server: Server; port: number; release: () => void }> {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const app = new Koa()
    app.use(async (ctx) => {
      await held
      ctx.body = 'done'
    })
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    return { server, port: (server.address() as AddressInfo).port, release }
  }

  it('lets what is under way end and takes nothing new', async () => {
    const { server, port, release } = await slowServer()
    const under = fetch(`http://127.0.0.1:${port}/`)
    await new Promise((resolve) => server.once('request', resolve))
    const closed = closeServer(server, 5_000)
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
    release()
    expect(await (await under).text()).toBe('done')
    await closed
  })

  it('cuts off what does not end', async () => {
    const { server, port } = await slowServer()
    const socket = openSocket(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await new Promise((resolve) => server.once('request', resolve))
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    await closeServer(server, 100)
    await ended
  })
})
