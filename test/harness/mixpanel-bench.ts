/** The Mixpanel connector through the real transport against the sandbox; every exchange is kept as it passed. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { JsonObject } from '../../model/json.ts'
import type { Clock } from '../../platform/clock.ts'
import { createMetrics } from '../../platform/metrics.ts'
import type {
  Action,
  Page,
  Position,
  Provider,
  ProviderContext,
  Report,
  Resource,
  Row,
  Secrets,
  Settings,
} from '../../providers/contract.ts'
import type { Limiter } from '../../providers/http/session.ts'
import { createTransport } from '../../providers/http/transport.ts'
import { findProvider } from '../../providers/registry.ts'
import type { Sample } from '../../sandbox/kit.ts'
import { samples } from '../../sandbox/samples.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/server.ts'
import type { Exchange } from './mixpanel-openapi.ts'

const slug = 'mixpanel'

export interface Credential {
  readonly settings?: Settings
  readonly secrets?: Secrets
}

export interface MixpanelBench {
  readonly provider: Provider
  readonly sample: Sample
  readonly sandbox: Sandbox
  /** What passed, oldest first. */
  readonly exchanges: readonly Exchange[]
  now(): Date
  pass(ms: number): void
  /** A context of the sample's connection, or of one that differs by these. */
  open(credential?: Credential): ProviderContext
  act(name: string, input: JsonObject, key?: string, context?: ProviderContext): Promise<JsonObject>
  ask(name: string, input: JsonObject, context?: ProviderContext): Promise<JsonObject>
  resource(name: string): Resource
  /** Reads to the end. */
  read(
    name: string,
    from?: Position,
    context?: ProviderContext,
  ): Promise<{ rows: Row[]; pages: Page[]; next: Position }>
  close(): Promise<void>
}

const found = findProvider(slug)
const known = samples.find(({ provider }) => provider === slug)
if (!found || !known) throw new Error('Mixpanel is missing')
const provider: Provider = found
const sample: Sample = known

/** The hub's own limiter has tests of its own; here the simulated project says what is too much. */
const grantsAll: Limiter = {
  lease: async () => ({ retryAt: undefined }),
  learn: async () => undefined,
  block: async () => undefined,
}

const named = <T extends { readonly name: string }>(list: readonly T[], name: string): T => {
  const one = list.find((each) => each.name === name)
  if (!one) throw new Error(`Mixpanel has no ${name}`)
  return one
}

export async function startMixpanelBench(options: Partial<SandboxOptions> = {}): Promise<MixpanelBench> {
  let time = Date.parse('2026-11-20T12:00:00Z')
  const now = () => new Date(time)
  const sandbox = await startSandbox({ port: 0, seed: 5, now, ...options })
  const exchanges: Exchange[] = []
  const recorder = createServer((request, response) => {
    passOn(sandbox.url, request, response, exchanges).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve))
  const here = `http://127.0.0.1:${String((recorder.address() as AddressInfo).port)}`
  const originMap = Object.fromEntries(
    Object.entries(sandbox.originMap).map(([origin, url]) => [origin, url.replace(sandbox.url, here)]),
  )
  const clock: Clock = {
    now,
    sleep: async (ms) => {
      await new Promise((resolve) => setImmediate(resolve))
      time += ms
    },
  }
  const transport = createTransport({ originMap, limiter: grantsAll, metrics: createMetrics(), clock })
  const open: MixpanelBench['open'] = ({ settings = {}, secrets = sample.secrets } = {}) =>
    transport.open({
      provider,
      auth: provider.auth[0],
      connectionId: 'con_bench',
      settings: { ...sample.settings, ...settings },
      credential: { current: async () => ({ generation: 1, secrets }), renew: async () => undefined },
      priority: 'interactive',
    })
  const resource = (name: string) => named(provider.resources, name)
  const action = (name: string): Action => named(provider.actions, name)
  const report = (name: string): Report => named(provider.reports, name)
  return {
    provider,
    sample,
    sandbox,
    exchanges,
    now,
    pass: (ms) => void (time += ms),
    open,
    resource,
    act: (name, input, key = 'key', context = open()) => action(name).run(context, input, key),
    ask: (name, input, context = open()) => report(name).run(context, input),
    read: async (name, from, context = open()) => {
      const of = resource(name)
      const pages: Page[] = []
      let next: Position = from ?? of.start({ settings: context.settings, now })
      while (pages.length < 100) {
        const page = await of.readPage(context, JSON.parse(JSON.stringify(next)) as Position)
        pages.push(page)
        next = page.next
        // The pace that the hub's limiter keeps for the export: three a second.
        time += 350
        if (page.done) return { pages, next, rows: pages.flatMap(({ rows }) => rows) }
      }
      throw new Error(`${name} does not end`)
    },
    close: async () => {
      recorder.closeAllConnections()
      await new Promise((resolve) => recorder.close(resolve))
      await sandbox.close()
    },
  }
}

async function passOn(
  to: string,
  request: IncomingMessage,
  response: ServerResponse,
  exchanges: Exchange[],
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  const headers = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      ['host', 'connection', 'content-length', 'transfer-encoding'].includes(name)
        ? []
        : [[name, String(value)]],
    ),
  ) as Record<string, string>
  const method = request.method ?? 'GET'
  const answered = await fetch(`${to}${request.url ?? ''}`, {
    method,
    headers,
    ...(bytes.length > 0 ? { body: bytes } : {}),
  })
  const answer = await answered.text()
  const url = new URL(request.url ?? '', to)
  const answerType = answered.headers.get('content-type') ?? ''
  exchanges.push({
    method,
    origin: headers['x-tieline-origin'] ?? '',
    path: url.pathname.replace(`/${slug}`, ''),
    query: Object.fromEntries(url.searchParams),
    headers,
    sent: (headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8'),
    status: answered.status,
    answerType,
    answer,
  })
  response.writeHead(answered.status, { 'content-type': answerType }).end(answer)
}
