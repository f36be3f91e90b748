import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import { pino } from 'pino'
import { HubError } from '../../platform/errors.ts'
import type { ProviderRequest } from '../contract.ts'
import type { CredentialSource } from './session.ts'
import {
  acme,
  createTestLimiter,
  json,
  openBench,
  startServer,
  token,
  type TestServer,
} from './test-server.ts'

const get: ProviderRequest = { method: 'GET', path: '/me', group: 'free' }

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

/** Hands out a new token when the old one is refused; however many ask at once, it is made once. */
function renewable(first = 'token-1') {
  let version = { generation: 1, secrets: { token: first } }
  let making: Promise<typeof version> | undefined
  const asked: number[] = []
  const make = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    version = { generation: version.generation + 1, secrets: { token: `token-${version.generation + 1}` } }
    return version
  }
  const source: CredentialSource = {
    current: async () => version,
    renew: async (refused) => {
      asked.push(refused)
      if (version.generation > refused) return version
      making ??= make().finally(() => (making = undefined))
      return making
    },
  }
  return { source, asked, generation: () => version.generation }
}

const accepts = (wanted: string) =>
  server.answer((response, request) =>
    json(response, request.headers.authorization === `Bearer ${wanted}` ? 200 : 401, { seen: 1 }),
  )

describe('a refused credential', () => {
  it('is renewed once and the call repeated, also a write: it was refused, not done', async () => {
    accepts('token-2')
    const { source, asked } = renewable()
    const { call, clock } = openBench(server, {}, { credential: source })
    expect(await call({ ...get, method: 'POST', body: {} })).toMatchObject({ status: 200 })
    expect(server.requests).toHaveLength(2)
    expect(asked).toEqual([1])
    expect(clock.waits).toEqual([])
  })

  it('is renewed once for many calls at the same time', async () => {
    accepts('token-2')
    const { source, generation } = renewable()
    const { call } = openBench(server, {}, { credential: source })
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(get)))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(generation()).toBe(2)
    expect(server.requests.length).toBeLessThanOrEqual(40)
  })

  it('that is refused again after it was renewed is Unauthorized', async () => {
    accepts('none')
    const { source, asked } = renewable()
    await expect(openBench(server, {}, { credential: source }).call(get)).rejects.toMatchObject({
      code: 'Unauthorized',
    })
    expect(asked).toEqual([1])
    expect(server.requests).toHaveLength(2)
  })

  it('that nobody can renew is Unauthorized at once', async () => {
    accepts('none')
    await expect(openBench(server).call(get)).rejects.toMatchObject({ code: 'Unauthorized' })
    expect(server.requests).toHaveLength(1)
  })

  it('with characters that no header takes is Unauthorized, unsent and unnamed', async () => {
    accepts('none')
    const credential: CredentialSource = {
      current: async () => ({ generation: 1, secrets: { token: 'geh€im\nX: y' } }),
      renew: async () => undefined,
    }
    const error: unknown = await openBench(server, {}, { credential })
      .call(get)
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'Unauthorized' })
    expect(inspect(error)).not.toContain('geh')
    expect(server.requests).toHaveLength(0)
  })
})

describe('INV-6: the credential', () => {
  const echo = { said: `bad token ${token}, sent as Bearer ${token}, or ${encodeURIComponent(token)}` }
  const loud = {
    ...acme,
    explainError: () => ({
      code: 'Invalid' as const,
      message: `Acme says: ${echo.said}`,
      fields: [{ pointer: '/token', detail: `${token} is not a token` }],
    }),
  }

  it.each([
    ['an answer that repeats it', 400, loud],
    ['a refusal', 401, acme],
    ['a broken answer', 200, acme],
    ['a rate limit', 429, acme],
    ['no answer', 0, acme],
  ])(
    'is in no error, trace, log or metric after %s; nor is a query value or a body',
    async (_what, status, provider) => {
      server.answer((response) => {
        if (status === 0) return response.destroy()
        const headers = { 'x-request-id': token, 'x-left': '1', 'retry-after': '90', location: `/?${token}` }
        if (status === 200) return response.writeHead(200, headers).end(`<html>${echo.said}`)
        json(response, status, echo, headers)
      })
      let logged = ''
      const lines = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          logged += chunk.toString()
          done()
        },
      })
      const log = pino({ level: 'trace' }, lines)
      const failing = async () => Promise.reject(new Error('limiter down'))
      const limiter = { ...createTestLimiter(), learn: failing, block: failing }
      const { call, traces, metrics } = openBench(server, { limiter, log }, { provider })
      const query = { search: 'ana@personal.example' }
      const request: ProviderRequest = {
        method: 'POST',
        path: `/keys/${encodeURIComponent(token)}`,
        group: 'narrow',
        query,
        body: { note: 'private-note' },
      }
      const error: unknown = await call(request).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(HubError)
      const everything = [
        inspect(error, { depth: 10, showHidden: true }),
        JSON.stringify(error),
        JSON.stringify(traces),
        logged,
        await metrics.registry.metrics(),
      ].join('\n')
      expect(everything).not.toContain('s3cret')
      expect(everything).not.toContain('personal.example')
      expect(everything).not.toContain('private-note')
      expect(traces).toHaveLength(1)
    },
  )
})

it('each attempt is measured by provider, group and outcome, and its bytes are counted', async () => {
  server.answer((response, _request, n) => json(response, n === 0 ? 500 : 200, { n }))
  const { call, metrics, traces } = openBench(server)
  await call(get)
  const text = await metrics.registry.metrics()
  expect(text).toContain(
    'tieline_provider_call_seconds_count{provider="acme",group="free",outcome="Unavailable"} 1',
  )
  expect(text).toContain('tieline_provider_call_seconds_count{provider="acme",group="free",outcome="ok"} 1')
  expect(text).toContain('tieline_provider_bytes_total{provider="acme",group="free"} 14')
  expect(traces).toMatchObject([
    { method: 'GET', path: '/me', group: 'free', status: 500, attempt: 1, bytes: 7 },
    { method: 'GET', path: '/me', group: 'free', status: 200, attempt: 2, bytes: 7, outcome: 'ok' },
  ])
})
