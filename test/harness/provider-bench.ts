/**
 * A provider of the registry against its simulator, through the real transport: what the conformance suite needs. Time
 * stands still until it is moved; waits take no time but move it.
 */
import { canonicalJson } from '../../model/json.ts'
import type { Clock } from '../../platform/clock.ts'
import { createMetrics, type Metrics } from '../../platform/metrics.ts'
import { authMethod } from '../../providers/contract.ts'
import type {
  AuthMethod,
  Page,
  Position,
  Provider,
  ProviderContext,
  Resource,
  Row,
  Secrets,
} from '../../providers/contract.ts'
import type { CallTrace, CredentialSource, Limiter } from '../../providers/http/session.ts'
import { createTransport } from '../../providers/http/transport.ts'
import type { Sample } from '../../sandbox/kit.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/server.ts'
import { simulators } from '../../sandbox/simulators.ts'

export interface ProviderBench {
  readonly provider: Provider
  readonly auth: AuthMethod
  readonly sample: Sample
  readonly sandbox: Sandbox
  readonly traces: readonly CallTrace[]
  readonly metrics: Metrics
  now(): Date
  /** Moves the sandbox's and the transport's time. */
  pass(ms: number): void
  open(credential?: CredentialSource): ProviderContext
  /** Secrets that the simulator does not accept. */
  readonly wrongSecrets: Secrets
  close(): Promise<void>
}

const objects = 130
/** So that every resource has several pages, and a second may hold more objects than a page. */
const pageSize = 40

/** Starts the simulator of a provider with `objects` of each kind. @throws when there is none for it. */
export async function startProviderBench(
  provider: Provider,
  options: Partial<SandboxOptions> = {},
): Promise<ProviderBench> {
  const simulator = simulators.find(({ slug }) => slug === provider.slug)
  if (!simulator) throw new Error(`${provider.slug} has no simulator`)
  const { sample, defaultSize } = simulator
  const auth = authMethod(provider, sample.auth)
  if (!auth) throw new Error(`the sample of ${provider.slug} names no way to connect`)
  let time = Date.parse('2026-06-01T12:00:00Z')
  const now = () => new Date(time)
  const wide = Object.keys(provider.limits.buckets).map((bucket) => [bucket, 1e9])
  const sandbox = await startSandbox({
    port: 0,
    seed: 11,
    now,
    size: Object.fromEntries(
      Object.entries(defaultSize).map(([name, size]) => [name, Math.min(size, objects)]),
    ),
    limits: { ...(Object.fromEntries(wide) as Record<string, number>), page: pageSize },
    ...options,
  })
  const clock: Clock = {
    now,
    sleep: async (ms, signal) => {
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
      time += ms
    },
  }
  const traces: CallTrace[] = []
  const metrics = createMetrics()
  const transport = createTransport({ originMap: sandbox.originMap, limiter: grantsAll, metrics, clock })
  const fixed: CredentialSource = {
    current: async () => ({ generation: 1, secrets: sample.secrets }),
    renew: async () => undefined,
  }
  return {
    provider,
    auth,
    sample,
    sandbox,
    traces,
    metrics,
    now,
    pass: (ms) => {
      time += ms
    },
    open: (credential = fixed) =>
      transport.open({
        provider,
        auth,
        connectionId: 'con_conformance',
        settings: sample.settings,
        credential,
        priority: 'backfill',
        onCall: (trace) => traces.push(trace),
      }),
    wrongSecrets: Object.fromEntries(
      Object.keys(sample.secrets).map((name) => [name, 'not-the-right-secret-0123']),
    ),
    close: () => sandbox.close(),
  }
}

const grantsAll: Limiter = {
  lease: async () => ({ retryAt: undefined }),
  learn: async () => undefined,
  block: async () => undefined,
}

/** A page and where it began. */
export interface ReadPage extends Page {
  readonly from: Position
}

/** A position as the store gives it back. */
export const stored = (position: Position): Position => JSON.parse(JSON.stringify(position)) as Position

/**
 * Reads to the end, each page in a session of its own.
 * @param between called after each page.
 */
export async function readPages(
  bench: ProviderBench,
  resource: Resource,
  from: Position = resource.start({ settings: bench.sample.settings, now: bench.now }),
  between: (page: number) => void = () => undefined,
): Promise<ReadPage[]> {
  const pages: ReadPage[] = []
  for (let position = from; pages.length < 100; position = pages.at(-1)?.next ?? position) {
    const page = await resource.readPage(bench.open(), stored(position))
    pages.push({ ...page, from: position })
    if (page.done) return pages
    between(pages.length)
  }
  throw new Error(`${resource.name} does not end`)
}

/** What a store would hold after these pages: living rows by id, and what was reported gone. */
export function takeOver(resource: Resource, pages: readonly Page[], living = new Map<string, Row>()) {
  const gone = new Set<string>()
  for (const page of pages) {
    for (const row of page.rows) {
      const id = resource.externalId(row)
      if (resource.isDeleted?.(row)) {
        living.delete(id)
        gone.add(id)
      } else living.set(id, row)
    }
    for (const id of page.deletedIds ?? []) {
      living.delete(id)
      gone.add(id)
    }
  }
  return { living, gone }
}

/** Rows of a page in an order that does not depend on the answer's. */
export const contentOf = (page: Page): string[] => page.rows.map(canonicalJson).sort()

/** True when the secret shows in a text, plain or as the encodings that headers use. */
export function shows(text: string, secrets: Secrets, headers: Readonly<Record<string, string>>): boolean {
  const carried = Object.values(headers).map((value) => value.replace(/^\S+\s+/, ''))
  return [...Object.values(secrets), ...carried].some((secret) => text.includes(secret))
}
