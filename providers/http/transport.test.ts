import { gzipSync } from 'node:zlib'
import { HubError } from '../../platform/errors.ts'
import type { ProviderRequest } from '../contract.ts'
import { acme, json, openBench, startServer, type TestServer } from './test-server.ts'

const get: ProviderRequest = { method: 'GET', path: '/things', group: 'free' }
const post: ProviderRequest = { method: 'POST', path: '/things', group: 'free', body: { name: 'x' } }

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

/** What a call fails with. */
async function failureOf(call: Promise<unknown>): Promise<HubError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof HubError)) throw new Error(`not a HubError: ${String(error)}`)
  return error
}

describe('a request', () => {
  it('carries path, query, credential, headers and JSON body, and the real origin beside', async () => {
    server.answer((response) => json(response, 200, { id: 1 }))
    const { call } = openBench(server)
    const answer = await call({
      ...post,
      query: { a: 'x y&z', n: 2, no: undefined },
      headers: { 'idempotency-key': 'k1' },
    })
    expect(answer).toMatchObject({ status: 200, body: { id: 1 } })
    expect(server.requests).toHaveLength(1)
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      url: '/things?a=x+y%26z&n=2',
      body: '{"name":"x"}',
      headers: {
        authorization: 'Bearer s3cret-t0ken/+value',
        'content-type': 'application/json',
        'idempotency-key': 'k1',
        'x-tieline-origin': 'https://api.acme.example',
      },
    })
  })

  it('cannot replace the credential by a header of its own', async () => {
    server.answer((response) => json(response, 200, {}))
    await openBench(server).call({ ...get, headers: { Authorization: 'Bearer other' } })
    expect(server.requests[0]?.headers.authorization).toBe('Bearer s3cret-t0ken/+value')
  })

  it.each([
    'things',
    '//evil.example/x',
    '/a/../b',
    '/a/%2e%2E/b',
    '/..',
    '/a\\b',
    '/u@evil.example',
    '/a?b=1',
    '/a#b',
    '/a\nb',
  ])('is not sent, and takes no lease, when its path is %p', async (path) => {
    server.answer((response) => json(response, 200, {}))
    const { call, limiter } = openBench(server)
    expect(await failureOf(call({ ...get, path }))).toMatchObject({ code: 'Protocol' })
    expect(server.requests).toHaveLength(0)
    expect(limiter.leases).toHaveLength(0)
  })

  it('is not sent to a base that is not https', async () => {
    server.answer((response) => json(response, 200, {}))
    const { call } = openBench(server, {}, { provider: { ...acme, baseUrl: () => server.url } })
    expect(await failureOf(call(get))).toMatchObject({ code: 'Protocol' })
    expect(server.requests).toHaveLength(0)
  })
})

describe('an answer', () => {
  it('that is empty has no body', async () => {
    server.answer((response) => response.writeHead(204).end())
    expect(await openBench(server).call(get)).toMatchObject({ status: 204, body: undefined })
  })

  it('may be compressed', async () => {
    server.answer((response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"zipped":true}')),
    )
    expect((await openBench(server).call(get)).body).toEqual({ zipped: true })
  })

  it('keeps ids that a double cannot hold', async () => {
    server.answer((response) => response.writeHead(200).end('{"id":9007199254740993,"n":1.5}'))
    expect((await openBench(server).call(get)).body).toEqual({ id: '9007199254740993', n: 1.5 })
  })

  it('with a status that the request accepts is an answer, whatever its body', async () => {
    server.answer((response) => response.writeHead(404).end('<p>none</p>'))
    expect(await openBench(server).call({ ...get, accept: [404] })).toMatchObject({
      status: 404,
      body: '<p>none</p>',
    })
  })

  it.each([
    ['an HTML page', '<!doctype html><p>Be right back', 'an HTML page'],
    ['half of a JSON text', '{"rows":[', 'not JSON'],
    ['letters that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not JSON'],
  ])('of %s is Protocol, asked for again first', async (_what, body, said) => {
    server.answer((response) => response.writeHead(200).end(body))
    const failure = await failureOf(openBench(server).call(get))
    expect(failure).toMatchObject({ code: 'Protocol' })
    expect(failure.message).toContain(said)
    expect(server.requests).toHaveLength(4)
  })

  it('that is larger than allowed is Protocol at once, also when it only grows by unpacking', async () => {
    server.answer((response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(5_000_000, 'a'))),
    )
    const { call } = openBench(server, { maxBodyBytes: 1_000_000 })
    expect(await failureOf(call(get))).toMatchObject({ code: 'Protocol' })
    expect(server.requests).toHaveLength(1)
  })

  it('that sends the call elsewhere is not followed', async () => {
    const other = await startServer()
    server.answer((response) => response.writeHead(302, { location: `${other.url}/steal` }).end())
    expect(await failureOf(openBench(server).call(get))).toMatchObject({ code: 'Protocol' })
    expect(server.requests).toHaveLength(1)
    expect(other.requests).toHaveLength(0)
    await other.close()
  })

  it.each([
    [400, 'Invalid'],
    [401, 'Unauthorized'],
    [402, 'Forbidden'],
    [403, 'Forbidden'],
    [404, 'NotFound'],
    [409, 'Conflict'],
    [410, 'NotFound'],
    [412, 'Conflict'],
    [418, 'Protocol'],
    [422, 'Invalid'],
    [500, 'Unavailable'],
    [503, 'Unavailable'],
  ])('of status %i is %s', async (status, code) => {
    server.answer((response) => json(response, status, {}, { 'x-request-id': 'req-7' }))
    expect(await failureOf(openBench(server).call(post))).toMatchObject({
      code,
      internal: `POST /things: status ${status}, request req-7`,
    })
    expect(server.requests).toHaveLength(1)
  })

  it('is explained by the provider before the table by status is asked', async () => {
    server.answer((response) => json(response, 403, { reason: 'daily quota' }))
    const retryAt = new Date(Date.now() + 3_600_000)
    const provider = {
      ...acme,
      explainError: () => ({
        code: 'QuotaExhausted' as const,
        message: 'The daily quota is used up',
        retryAt,
        fields: [{ pointer: '/a', detail: 'b' }],
      }),
    }
    const { call, limiter } = openBench(server, {}, { provider })
    expect(await failureOf(call({ ...get, group: 'narrow' }))).toMatchObject({
      code: 'QuotaExhausted',
      message: 'The daily quota is used up',
      retryAt,
      fields: [{ pointer: '/a', detail: 'b' }],
    })
    expect(limiter.blocks).toEqual([{ key: 'acme:con_1:own', until: retryAt }])
  })

  it('says in its sentence what is wrong with which field', async () => {
    server.answer((response) => json(response, 422, {}))
    const provider = {
      ...acme,
      explainError: () => ({
        code: 'Invalid' as const,
        message: 'Record validation errors',
        fields: [
          { pointer: '/first_name', detail: 'cannot be blank' },
          { pointer: '/email', detail: 'Email: is in use' },
          { pointer: '', detail: 'Too many tags' },
        ],
      }),
    }
    expect(await failureOf(openBench(server, {}, { provider }).call(post))).toMatchObject({
      message: 'Record validation errors: first name cannot be blank; Email: is in use; Too many tags',
    })
  })
})

describe('a failed attempt', () => {
  it('of a GET is repeated up to three times, each after a longer wait', async () => {
    server.answer((response) => json(response, 503, {}))
    const { call, clock, traces } = openBench(server)
    expect(await failureOf(call(get))).toMatchObject({ code: 'Unavailable' })
    expect(traces.map(({ attempt, status, outcome }) => [attempt, status, outcome])).toEqual(
      [1, 2, 3, 4].map((n) => [n, 503, 'Unavailable']),
    )
    expect(clock.waits).toHaveLength(3)
    clock.waits.forEach((wait, i) => {
      expect(wait).toBeGreaterThanOrEqual(100 * 2 ** i)
      expect(wait).toBeLessThan(300 * 2 ** i)
    })
  })

  it('is forgotten when a later one succeeds', async () => {
    server.answer((response, _request, n) => json(response, n < 3 ? 500 : 200, { n }))
    const { call, limiter } = openBench(server)
    expect((await call({ ...get, group: 'narrow' })).body).toEqual({ n: 3 })
    expect(limiter.leases).toHaveLength(4)
  })

  it('is not repeated once the time of the call is used up', async () => {
    server.answer((response) => json(response, 503, {}))
    await failureOf(openBench(server, { budgetMs: 50 }).call(get))
    expect(server.requests).toHaveLength(1)
  })

  it.each([
    ['no answer', (response: Parameters<typeof json>[0]) => response.destroy(), 'Unavailable'],
    ['half an answer', half, 'Unavailable'],
    ['a 502', (response: Parameters<typeof json>[0]) => json(response, 502, {}), 'Unavailable'],
    [
      'an HTML page',
      (response: Parameters<typeof json>[0]) => response.writeHead(200).end('<p>'),
      'Protocol',
    ],
  ])(
    'of a write with %s is not repeated, and says that its outcome is not known',
    async (_what, answer, code) => {
      server.answer(answer)
      const failure = await failureOf(openBench(server).call(post))
      expect(failure.code).toBe(code)
      expect(failure.message).toContain('Whether the write took effect is not known.')
      expect(server.requests).toHaveLength(1)
    },
  )

  it('of a write that may be repeated is repeated with the same body', async () => {
    server.answer((response, _request, n) =>
      n === 0 ? response.destroy() : json(response, 201, { made: true }),
    )
    const answer = await openBench(server).call({ ...post, repeatable: true })
    expect(answer).toMatchObject({ status: 201, body: { made: true } })
    expect(server.requests.map((request) => request.body)).toEqual(['{"name":"x"}', '{"name":"x"}'])
  })

  it('of a GET that must not be repeated is not', async () => {
    server.answer((response) => response.destroy())
    await failureOf(openBench(server).call({ ...get, repeatable: false }))
    expect(server.requests).toHaveLength(1)
  })

  it('whose body broke off is traced with its status, and repeated', async () => {
    server.answer((response, _request, n) =>
      n === 0 ? half(response) : json(response, 200, { whole: true }),
    )
    const { call, traces } = openBench(server)
    expect((await call(get)).body).toEqual({ whole: true })
    expect(traces[0]).toMatchObject({ status: 200, outcome: 'Unavailable' })
  })

  it('ends after its time, whether nothing comes or a body that never ends', async () => {
    const dribbles: NodeJS.Timeout[] = []
    server.answer((response, _request, n) => {
      if (n % 2 === 0) return
      response.writeHead(200)
      dribbles.push(setInterval(() => response.write(' '), 20))
    })
    const failure = await failureOf(openBench(server, { timeoutMs: 150 }).call(get))
    dribbles.forEach((timer) => clearInterval(timer))
    expect(failure).toMatchObject({ code: 'Unavailable', message: 'Acme did not answer in time.' })
    expect(server.requests).toHaveLength(4)
  })

  it('at a server that is not there is Unavailable', async () => {
    const gone = await startServer()
    await gone.close()
    expect(await failureOf(openBench(gone).call(get))).toMatchObject({
      code: 'Unavailable',
      internal: 'GET /things: ECONNREFUSED',
    })
  })
})

/** Promises ten letters, sends some and hangs up. */
function half(response: Parameters<typeof json>[0]): void {
  response.writeHead(200, { 'content-length': '10' })
  response.write('{"a"', () => response.destroy())
}

describe('cancelling', () => {
  const reason = new Error('the run was cancelled')

  it('before the start sends nothing', async () => {
    server.answer((response) => json(response, 200, {}))
    const { call } = openBench(server, {}, { signal: AbortSignal.abort(reason) })
    await expect(call(get)).rejects.toBe(reason)
    expect(server.requests).toHaveLength(0)
  })

  it.each([
    ['before the answer', () => undefined],
    [
      'in the middle of the body',
      (response: Parameters<typeof json>[0]) => void response.writeHead(200).write('{'),
    ],
  ])('%s ends the call with the reason, and nothing is repeated', async (_when, answer) => {
    const cancel = new AbortController()
    server.answer((response) => {
      answer(response)
      setTimeout(() => cancel.abort(reason), 30)
    })
    const { call, traces } = openBench(server, {}, { signal: cancel.signal })
    await expect(call(get)).rejects.toBe(reason)
    expect(server.requests).toHaveLength(1)
    expect(traces.map((trace) => trace.outcome)).toEqual(['cancelled'])
  })

  it('during a wait ends the call with the reason', async () => {
    const cancel = new AbortController()
    server.answer((response) => {
      json(response, 503, {}, { 'retry-after': '2' })
      setImmediate(() => cancel.abort(reason))
    })
    const { call } = openBench(server, {}, { signal: cancel.signal })
    await expect(call(get)).rejects.toBe(reason)
    expect(server.requests).toHaveLength(1)
  })
})
