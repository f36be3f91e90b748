/** The transport with leases in Postgres, as two worker processes share them. */
import { createLimiter } from '../../db/limits.ts'
import { openDatabase } from '../../db/client.ts'
import type { Clock } from '../../platform/clock.ts'
import { createMetrics } from '../../platform/metrics.ts'
import type { Priority, ProviderContext } from '../../providers/contract.ts'
import { createTransport } from '../../providers/http/transport.ts'
import {
  acme,
  acmeToken,
  json,
  origin,
  startServer,
  type TestServer,
} from '../../providers/http/test-server.ts'
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts'

let test: TestDatabase
let server: TestServer
let other: ReturnType<typeof openDatabase>
beforeAll(async () => {
  test = await createTestDatabase()
  other = openDatabase({ url: test.url, poolSize: 3, applicationName: 'tieline-test-other' })
  server = await startServer()
})
afterAll(async () => {
  await server.close()
  await other.close()
  await test.drop()
})

/** Stands still: no bucket is refilled during a test. */
const began = new Date()
const stopped: Clock = { now: () => began, sleep: async () => undefined }

function open(
  database: Pick<TestDatabase['database'], 'db'>,
  connectionId: string,
  priority: Priority,
): ProviderContext {
  const limiter = createLimiter(database.db)
  const originMap = { [origin]: server.url }
  return createTransport({ originMap, limiter, metrics: createMetrics(), clock: stopped }).open({
    provider: acme,
    auth: acmeToken,
    connectionId,
    settings: {},
    credential: {
      current: async () => ({ generation: 1, secrets: { token: 'token-0123' } }),
      renew: async () => undefined,
    },
    priority,
  })
}

const call = ({ call }: ProviderContext) => call({ method: 'GET', path: '/things', group: 'narrow' })
const codeOf = (result: PromiseSettledResult<unknown>): string =>
  result.status === 'fulfilled' ? 'ok' : (result.reason as { code: string }).code

it('two processes together call no more often than the limit, and are told when to come again', async () => {
  server.answer((response) => json(response, 200, {}))
  const [one, two] = [open(test.database, 'con_a', 'webhook'), open(other, 'con_a', 'webhook')]
  const calls = Array.from({ length: 12 }, () => [call(one), call(two)]).flat()
  const results = await Promise.allSettled(calls)
  expect(results.filter((result) => codeOf(result) === 'ok')).toHaveLength(10)
  expect(server.requests).toHaveLength(10)
  const refused = results.filter((result) => result.status === 'rejected')
  for (const { reason } of refused) {
    expect(reason).toMatchObject({ code: 'RateLimited' })
    expect((reason as { retryAt: Date }).retryAt.getTime()).toBeGreaterThan(began.getTime() + 3_000)
  }
})

it('a lower lane stops before a higher one does', async () => {
  server.answer((response) => json(response, 200, {}))
  const backfill = await Promise.allSettled(
    Array.from({ length: 12 }, () => call(open(test.database, 'con_b', 'backfill'))),
  )
  expect(backfill.filter((result) => codeOf(result) === 'ok')).toHaveLength(6)
  const webhook = await Promise.allSettled(
    Array.from({ length: 12 }, () => call(open(test.database, 'con_b', 'webhook'))),
  )
  expect(webhook.filter((result) => codeOf(result) === 'ok')).toHaveLength(4)
})

it('a 429 to one process holds the other back, without a call', async () => {
  server.answer((response) => json(response, 429, {}, { 'retry-after': '40' }))
  await expect(call(open(test.database, 'con_c', 'webhook'))).rejects.toMatchObject({ code: 'RateLimited' })
  await expect(call(open(other, 'con_c', 'webhook'))).rejects.toMatchObject({
    code: 'RateLimited',
    retryAt: new Date(began.getTime() + 40_000),
  })
  expect(server.requests).toHaveLength(1)
})

it('a limit that an answer teaches holds for the other process', async () => {
  server.answer((response) => json(response, 200, {}, { 'x-left': '0' }))
  await call(open(test.database, 'con_d', 'webhook'))
  await expect(call(open(other, 'con_d', 'webhook'))).rejects.toMatchObject({ code: 'RateLimited' })
  expect(server.requests).toHaveLength(1)
})
