/** The API inside this test file, over real HTTP: real Postgres, real Temporal, real worker, real sandbox. */
import { freePorts } from '../../cli/up/ports.ts'
import { createBrands } from '../../api/brands/brands.ts'
import { createAccessTokens } from '../../api/access-tokens.ts'
import { createCallers } from '../../api/callers.ts'
import { createKeyUses } from '../../api/key-use.ts'
import { createWaker } from '../../api/hooks/wake.ts'
import { createLive } from '../../api/live.ts'
import { createLimits } from '../../api/limits/limits.ts'
import { createApi, closeServer, type ApiDeps } from '../../api/server.ts'
import { describedOperations } from '../../api/description.ts'
import { insertApiKey } from '../../db/api-keys.ts'
import { createAppSource } from '../../db/app-source.ts'
import { openCaches } from '../../db/caches.ts'
import { openTenantDatabases } from '../../db/client.ts'
import { createVault } from '../../db/vault.ts'
import { defaultTenant, ensureDefaultTenant } from '../../db/partners.ts'
import { keyScopes, type Permission } from '../../model/permissions.ts'
import { mintApiKey, type KeyMode } from '../../platform/secrets/api-key.ts'
import type { TxtLookup } from '../../platform/dns.ts'
import { createLog } from '../../platform/log.ts'
import { createMetrics } from '../../platform/metrics.ts'
import { createPreviewLinks } from '../../platform/secrets/preview-link.ts'
import { createIncidentLinks } from '../../platform/secrets/incident-link.ts'
import type { Tracing } from '../../platform/tracing.ts'
import { createSessionLinks } from '../../platform/secrets/session-link.ts'
import { createTrialMarks } from '../../platform/secrets/trial-mark.ts'
import { appMethodsOf, type Provider } from '../../providers/contract.ts'
import { providers } from '../../providers/registry.ts'
import { startSandbox, type Sandbox } from '../../sandbox/server.ts'
import { simulators } from '../../sandbox/simulators.ts'
import { createTestDatabase, type TestDatabase } from './postgres.ts'
import { testTemporal } from './temporal.ts'
import { createTestHub, type TestHub } from './worker.ts'

export const adminToken = 'admin-token-of-a-test-0123456789'
export const uiOrigin = 'http://127.0.0.1:18233'

export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  /** Parsed JSON, or the text of anything else. */
  readonly body: unknown
}

export interface ApiWish {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Null: none. The admin's when left out. */
  readonly token?: string | null
}

export interface TestApi {
  readonly url: string
  readonly deps: ApiDeps
  readonly hub: TestHub
  readonly database: TestDatabase
  readonly sandbox: Sandbox
  /** Which answers the API has given: `<operationId> <status>`. */
  readonly seen: ReadonlySet<string>
  request(method: string, path: string, wish?: ApiWish): Promise<ApiAnswer>
  /** An API key of a partner, of the default one and with every scope unless told otherwise. */
  key(wish?: KeyWish): Promise<{ readonly keyId: string; readonly text: string }>
  /** A connection to the sandbox, made through the API. */
  connect(name?: string): Promise<{ connectionId: string; provider: string }>
  close(): Promise<void>
}

export interface KeyWish {
  readonly partnerId?: string
  readonly scopes?: readonly Permission[]
  readonly mode?: KeyMode
  readonly networks?: readonly string[]
  readonly expiresAt?: Date
}

export interface TestApiOptions {
  /** Changes to what the API is given. */
  readonly deps?: (deps: ApiDeps) => Partial<ApiDeps>
  readonly worker?: boolean
  /** The workers know where this API is. */
  readonly isReachable?: boolean
  /** What the workers ask for TXT records. */
  readonly txtOf?: TxtLookup
  /** Of the sandbox, beside what it is small in anyway. */
  readonly size?: Readonly<Record<string, number>>
  readonly tracing?: Tracing
  /** Providers that only this test knows, and where they are. */
  readonly more?: {
    readonly providers: readonly Provider[]
    readonly originMap: Readonly<Record<string, string>>
    /** Environment of the hub: its app there. */
    readonly variables: Readonly<Record<string, string>>
  }
}

const small = { tickets: 12, comments: 12, users: 8, organizations: 4, sections: 5, articles: 6 }

export async function startTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const database = await createTestDatabase()
  const sandbox = await startSandbox({ port: 0, size: { ...small, ...options.size } })
  const known = [...providers, ...(options.more?.providers ?? [])]
  const originMap = { ...sandbox.originMap, ...options.more?.originMap }
  const port = await freePorts(1).then(([one = 0]) => one)
  const url = `http://127.0.0.1:${port}`
  const hub = await createTestHub({
    database: database.database,
    ...(options.isReachable ? { publicUrl: url } : {}),
    providers: known,
    originMap,
    variables: options.more?.variables ?? {},
    startWorkers: options.worker ?? true,
    ...(options.txtOf ? { txtOf: options.txtOf } : {}),
    ...(options.tracing ? { tracing: options.tracing } : {}),
  })
  await ensureDefaultTenant(database.database.db)
  const deps = depsOf(database, hub, url, originMap, options.more?.variables ?? {})
  const given = { ...deps, ...options.deps?.(deps) }
  const server = await createApi(given).listen(port, '127.0.0.1')
  const seen = new Set<string>()
  const request = requester(url, seen)
  return {
    url,
    deps: given,
    hub,
    database,
    sandbox,
    seen,
    request,
    key: (wish) => makeKey(database, wish),
    connect: (name) => connect(request, name),
    close: async () => {
      await given.live.close()
      await closeServer(server, 2_000)
      await given.limits.close()
      if (given.limits !== deps.limits) await deps.limits.close()
      await deps.keyUses.close()
      await deps.caches.close()
      await deps.tenants.close()
      await close(hub, sandbox, database)
    },
  }
}

const silent = createLog('test-api', process.env['TIELINE_TEST_LOG'] ?? 'silent')

async function makeKey({ database: { db } }: TestDatabase, wish: KeyWish = {}) {
  const {
    partnerId = defaultTenant.partnerId,
    scopes = keyScopes,
    mode = 'live',
    networks = [],
    expiresAt = null,
  } = wish
  const minted = mintApiKey(mode)
  const { keyId } = await insertApiKey(
    db,
    { partnerId, name: 'Of a test', mode, scopes, networks, expiresAt, createdBy: 'test' },
    minted,
  )
  return { keyId, text: minted.text }
}

function depsOf(
  { database, url: databaseUrl }: TestDatabase,
  hub: TestHub,
  publicUrl: string,
  originMap: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
): ApiDeps {
  const { address, namespace } = testTemporal()
  const tenants = openTenantDatabases({ url: databaseUrl, applicationName: 'tieline-test-tenants' })
  const caches = openCaches(database, databaseUrl)
  const metrics = createMetrics()
  const vault = createVault(hub.ring)
  const methodsOf = (slug: string) => appMethodsOf(hub.deps.findProvider(slug))
  const apps = createAppSource({ db: database.db, vault, env: variables, methodsOf, caches })
  return {
    config: {
      environment: 'test',
      mail: undefined,
      adminToken,
      temporal: { address, namespace, connection: { address } },
      temporalPort: Number(address.split(':')[1]),
      temporalUiUrl: uiOrigin,
      publicUrl,
      originMap,
      trustedProxies: [],
      oidc: undefined,
      hookRates: { perAddress: 1_000_000, refusalsPerAddress: 10_000 },
      accessTokenSeconds: 900,
    },
    database,
    hubDatabase: database,
    tenants,
    caches,
    callers: createCallers(database.db, caches),
    limits: createLimits({ db: database.db, caches, log: silent, metrics }),
    brands: createBrands(database.db, caches),
    previews: createPreviewLinks(hub.ring),
    apps,
    tokens: createAccessTokens({
      ...{ db: database.db, vault, caches },
      config: { publicUrl, accessTokenSeconds: 900 },
    }),
    keyUses: createKeyUses(database.db),
    vault,
    links: createSessionLinks(hub.ring),
    incidentLinks: createIncidentLinks(hub.ring),
    trials: createTrialMarks(hub.ring),
    findProvider: hub.deps.findProvider,
    temporal: hub.hub,
    live: createLive({ db: database.db, log: silent, metrics, everyMs: 50, readersAtMost: 3 }),
    waker: createWaker((lane) => hub.hub.wakeInbox(lane), silent),
    codec: hub.temporal.codec,
    metrics,
    log: silent,
    env: apps.environment,
    validateAnswers: true,
  }
}

/** Calls the API; an answer that no operation describes, or that is not as described, fails the test. */
function requester(url: string, seen: Set<string>): TestApi['request'] {
  return async (method, path, wish = {}) => {
    const token = wish.token === undefined ? adminToken : wish.token
    const isText = typeof wish.body === 'string'
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        ...(wish.body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...wish.headers,
      },
      ...(wish.body === undefined ? {} : { body: isText ? String(wish.body) : JSON.stringify(wish.body) }),
    })
    const text = await response.text()
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '')
    const body: unknown = isJson && text !== '' ? JSON.parse(text) : text
    const operation = operationAt(method, path)
    if (operation) seen.add(`${operation} ${response.status}`)
    return { status: response.status, headers: response.headers, body }
  }
}

const patterns = describedOperations.map(({ operationId, method, path }) => ({
  operationId,
  method: method.toUpperCase(),
  pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
}))

const operationAt = (method: string, path: string): string | undefined =>
  patterns.find((one) => one.method === method && one.pattern.test(path.split('?')[0] ?? ''))?.operationId

async function connect(request: TestApi['request'], name?: string) {
  const [simulator] = simulators
  if (!simulator) throw new Error('the sandbox is empty')
  const { provider, settings, secrets } = simulator.sample
  const body = { provider, name: name ?? 'Sample', settings, secrets }
  const made = await request('POST', '/admin/v1/connections', { body })
  if (made.status !== 201) throw new Error(`no connection: ${JSON.stringify(made.body)}`)
  return made.body as { connectionId: string; provider: string }
}

async function close(hub: TestHub, sandbox: Sandbox, database: TestDatabase): Promise<void> {
  await removeSchedules(hub, database)
  await hub.close()
  await sandbox.close()
  await database.drop()
}

/** The Temporal server outlives this file. */
async function removeSchedules(hub: TestHub, { database }: TestDatabase): Promise<void> {
  const rows = await database.db.selectFrom('connections').select('connectionId').execute()
  for (const { connectionId } of rows) await hub.hub.deleteSyncSchedule(connectionId)
}

/** Asks until `done`, for at most 45 seconds. */
export async function until<T>(ask: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
  const end = Date.now() + 45_000
  for (;;) {
    const value = await ask()
    if (done(value)) return value
    if (Date.now() > end) throw new Error(`waited in vain: ${JSON.stringify(value).slice(0, 500)}`)
    await new Promise((next) => setTimeout(next, 100))
  }
}
