/** For tests of the transport: a real server that answers as told, a provider as small as can be, and time that passes at once. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Clock } from '../../platform/clock.ts'
import { createMetrics } from '../../platform/metrics.ts'
import type { AuthMethod, Limits, Priority, Provider, ProviderContext } from '../contract.ts'
import type { TransportOptions } from './options.ts'
import type { BucketWish, CallTrace, CredentialSource, Limiter, SessionOptions } from './session.ts'
import { createTransport } from './transport.ts'

export const origin = 'https://api.acme.example'
export const token = 's3cret-t0ken/+value'

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  /** Decompressed. */
  readonly body: string
}

/** Answers the n-th request (from 0). */
type Script = (response: ServerResponse, request: Received, n: number) => void

export interface TestServer {
  readonly url: string
  readonly requests: Received[]
  answer(script: Script): void
  close(): Promise<void>
}

export const json = (response: ServerResponse, status: number, body: unknown, headers = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

export async function startServer(): Promise<TestServer> {
  const requests: Received[] = []
  let script: Script = (response) => json(response, 200, { ok: true })
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const received = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body,
      }
      script(response, received, requests.push(received) - 1)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (next) => {
      requests.length = 0
      script = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const sent = Buffer.concat(chunks)
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString('utf8')
}

export const acmeToken: AuthMethod = {
  kind: 'token',
  name: 'token',
  title: 'Token',
  setup: [],
  headers: (secrets) => ({ authorization: `Bearer ${secrets['token'] ?? ''}` }),
}

export const acme: Provider = {
  slug: 'acme',
  name: 'Acme',
  category: 'support',
  apiVersion: '1',
  docs: [],
  auth: [acmeToken],
  baseUrl: () => origin,
  limits: {
    buckets: {
      all: { limit: 100, windowMs: 60_000, scope: 'app' },
      own: { limit: 10, windowMs: 60_000, scope: 'connection' },
    },
    groups: { free: [], narrow: ['all', 'own'] },
    learn: (_group, headers) =>
      headers['x-left'] === undefined ? [] : [{ bucket: 'own', remaining: Number(headers['x-left']) }],
  } satisfies Limits,
  explainError: () => undefined,
  resources: [],
  actions: [],
  reports: [],
  health: { check: async () => ({ proves: 'nothing', facts: {} }) },
}

/** Begins now; a wait takes no time, but counts as if it had. */
export interface TestClock extends Clock {
  readonly waits: number[]
}

export function createTestClock(): TestClock {
  let ahead = 0
  const waits: number[] = []
  return {
    waits,
    now: () => new Date(Date.now() + ahead),
    sleep: async (ms, signal) => {
      waits.push(ms)
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
      ahead += ms
    },
  }
}

/** Grants everything, and remembers what it was asked. */
export interface TestLimiter extends Limiter {
  readonly leases: { readonly keys: readonly string[]; readonly priority: Priority }[]
  readonly lessons: { readonly key: string; readonly remaining: number | undefined }[]
  readonly blocks: { readonly key: string; readonly until: Date }[]
}

export function createTestLimiter(): TestLimiter {
  const keys = (wishes: readonly BucketWish[]) => wishes.map((wish) => wish.key)
  const limiter: TestLimiter = {
    leases: [],
    lessons: [],
    blocks: [],
    lease: async (wishes, priority) => {
      limiter.leases.push({ keys: keys(wishes), priority })
      return { retryAt: undefined }
    },
    learn: async (key, lesson) => void limiter.lessons.push({ key, remaining: lesson.remaining }),
    block: async (key, until) => void limiter.blocks.push({ key, until }),
  }
  return limiter
}

export interface Bench extends ProviderContext {
  readonly clock: TestClock
  readonly limiter: TestLimiter
  readonly traces: CallTrace[]
  readonly metrics: TransportOptions['metrics']
}

/** A connection to the server through the real transport. */
export function openBench(
  server: Pick<TestServer, 'url'>,
  options: Partial<TransportOptions> = {},
  session: Partial<SessionOptions> = {},
): Bench {
  const clock = createTestClock()
  const limiter = createTestLimiter()
  const metrics = createMetrics()
  const traces: CallTrace[] = []
  const transport = createTransport({
    originMap: { [origin]: server.url },
    limiter,
    metrics,
    clock,
    ...options,
  })
  const context = transport.open({
    provider: acme,
    auth: acmeToken,
    connectionId: 'con_1',
    settings: {},
    credential: fixedCredential(),
    priority: 'incremental',
    onCall: (trace) => traces.push(trace),
    ...session,
  })
  return { ...context, clock, limiter, traces, metrics }
}

const fixedCredential = (): CredentialSource => ({
  current: async () => ({ generation: 1, secrets: { token } }),
  renew: async () => undefined,
})
