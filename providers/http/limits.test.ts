import { createLog } from '../../platform/log.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderRequest } from '../contract.ts'
import { acme, createTestLimiter, json, openBench, startServer, type TestServer } from './test-server.ts'

const get: ProviderRequest = { method: 'GET', path: '/things', group: 'narrow' }

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

async function failureOf(call: Promise<unknown>): Promise<HubError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof HubError)) throw new Error(`not a HubError: ${String(error)}`)
  return error
}

/** Seconds from now. */
const inSeconds = (at: Date | undefined): number => ((at?.getTime() ?? NaN) - Date.now()) / 1000

describe('a 429', () => {
  it('with a short Retry-After is waited for and asked again, also for a write', async () => {
    server.answer((response, _request, n) =>
      n === 0 ? json(response, 429, {}, { 'retry-after': '2' }) : json(response, 201, { made: 1 }),
    )
    const { call, clock, limiter } = openBench(server)
    const answer = await call({ method: 'POST', path: '/things', group: 'narrow', body: {} })
    expect(answer.body).toEqual({ made: 1 })
    expect(clock.waits).toHaveLength(1)
    expect(clock.waits[0]).toBeGreaterThan(1_800)
    expect(clock.waits[0]).toBeLessThan(2_200)
    expect(limiter.blocks.map(({ key }) => key)).toEqual(['acme:con_1:own'])
  })

  it.each([
    ['seconds', () => '120', 120],
    ['an HTTP date', () => new Date(Date.now() + 90_000).toUTCString(), 90],
    ['a date of long ago', () => 'Wed, 21 Oct 2015 07:28:00 GMT', 0],
    ['a month', () => String(30 * 86_400), 86_400],
  ])('with %s in Retry-After is RateLimited until then, a day at most', async (_what, header, seconds) => {
    server.answer((response) => json(response, 429, {}, { 'retry-after': header() }))
    const { call, limiter, clock } = openBench(server)
    const failure = await failureOf(call(get))
    const waited = clock.waits.reduce((sum, wait) => sum + wait, 0) / 1000
    expect(failure.code).toBe('RateLimited')
    expect(Math.abs(inSeconds(failure.retryAt) - waited - seconds)).toBeLessThan(2)
    expect(limiter.blocks[0]?.key).toBe('acme:con_1:own')
    if (seconds > 0) expect(server.requests).toHaveLength(1)
  })

  it.each([{}, { 'retry-after': 'soon' }])('with headers %p is RateLimited for a minute', async (headers) => {
    server.answer((response) => json(response, 429, {}, headers))
    const { call, limiter } = openBench(server)
    const failure = await failureOf(call(get))
    expect(inSeconds(failure.retryAt)).toBeGreaterThan(58)
    expect(inSeconds(failure.retryAt)).toBeLessThan(61)
    expect(limiter.blocks).toHaveLength(1)
  })

  it('that never ends is given up after four tries', async () => {
    server.answer((response) => json(response, 429, {}, { 'retry-after': '1' }))
    expect(await failureOf(openBench(server).call(get))).toMatchObject({ code: 'RateLimited' })
    expect(server.requests).toHaveLength(4)
  })
})

it('a 503 with a long Retry-After is Unavailable until then, and not asked again here', async () => {
  server.answer((response) => json(response, 503, {}, { 'retry-after': '600' }))
  const { call, limiter } = openBench(server)
  const failure = await failureOf(call(get))
  expect(failure.code).toBe('Unavailable')
  expect(inSeconds(failure.retryAt)).toBeGreaterThan(590)
  expect(server.requests).toHaveLength(1)
  expect(limiter.blocks).toEqual([])
})

describe('a lease', () => {
  it('is taken from each bucket of the group, in the call’s lane, before each attempt', async () => {
    server.answer((response, _request, n) => json(response, n === 0 ? 500 : 200, {}, { 'x-left': '3' }))
    const { call, limiter } = openBench(server, {}, { priority: 'backfill' })
    await call(get)
    const lease = { keys: ['acme:app:all', 'acme:con_1:own'], priority: 'backfill' }
    expect(limiter.leases).toEqual([lease, lease])
    expect(limiter.lessons).toEqual([
      { key: 'acme:con_1:own', remaining: 3 },
      { key: 'acme:con_1:own', remaining: 3 },
    ])
  })

  it('that comes soon is waited for, and the wait is measured', async () => {
    server.answer((response) => json(response, 200, { ok: 1 }))
    let asked = 0
    const limiter = {
      ...createTestLimiter(),
      lease: async (_wishes: unknown, _priority: unknown, now: Date) => ({
        retryAt: asked++ < 2 ? new Date(now.getTime() + 700) : undefined,
      }),
    }
    const { call, clock, metrics } = openBench(server, { limiter })
    expect((await call(get)).body).toEqual({ ok: 1 })
    expect(clock.waits).toEqual([700, 700])
    const text = await metrics.registry.getSingleMetricAsString('tieline_rate_limit_wait_seconds')
    expect(text).toMatch(/sum\{provider="acme",priority="incremental"\} 1\.4/)
  })

  it('that comes late is RateLimited with the time, and nothing is sent', async () => {
    server.answer((response) => json(response, 200, {}))
    const retryAt = new Date(Date.now() + 20_000)
    const limiter = { ...createTestLimiter(), lease: async () => ({ retryAt }) }
    const failure = await failureOf(openBench(server, { limiter }).call(get))
    expect(failure).toMatchObject({ code: 'RateLimited', retryAt })
    expect(server.requests).toHaveLength(0)
  })

  it('that is waited for ends with the reason of a cancellation', async () => {
    const cancel = new AbortController()
    const reason = new Error('stop')
    const limiter = {
      ...createTestLimiter(),
      lease: async () => {
        cancel.abort(reason)
        return { retryAt: new Date(Date.now() + 500) }
      },
    }
    await expect(openBench(server, { limiter }, { signal: cancel.signal }).call(get)).rejects.toBe(reason)
  })
})

it('a limit that cannot be remembered does not lose the answer', async () => {
  server.answer((response) => json(response, 201, { made: 1 }, { 'x-left': '0' }))
  const broken = () => Promise.reject(new Error('the database is gone'))
  const limiter = { ...createTestLimiter(), learn: broken, block: broken }
  const bench = openBench(server, { limiter, log: createLog('test', 'silent') })
  expect((await bench.call(get)).body).toEqual({ made: 1 })
  server.answer((response) => json(response, 429, {}, { 'retry-after': '60' }))
  expect(await failureOf(bench.call(get))).toMatchObject({ code: 'RateLimited' })
})

it('a limit that the settings change makes a bucket of its own', async () => {
  server.answer((response) => json(response, 200, {}))
  const limits = {
    ...acme.limits,
    limitFor: (bucket: string) => (bucket === 'own' ? 30 : undefined),
  }
  const { call, limiter } = openBench(server, {}, { provider: { ...acme, limits } })
  await call(get)
  expect(limiter.leases[0]?.keys).toEqual(['acme:app:all', 'acme:con_1:own@30'])
})
