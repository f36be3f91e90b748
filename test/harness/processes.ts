/**
 * A hub of real processes that can be killed one by one: Postgres, Temporal, worker. The sandbox runs in this process, so
 * that the truth about the provider is at hand. For crash tests and benches.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { nodeFlags } from '../../cli/up/parts.ts'
import { freePorts } from '../../cli/up/ports.ts'
import { startEmbeddedPostgres, stopLeftoverPostgres, type EmbeddedPostgres } from '../../cli/up/postgres.ts'
import { startProgram, type Program } from '../../cli/up/process.ts'
import { findTemporalCli } from '../../cli/up/temporal-cli.ts'
import { startTemporalServer, type TemporalServer } from '../../cli/up/temporal-server.ts'
import { openDatabase, type Database } from '../../db/client.ts'
import { createConnection, type Connection } from '../../db/connections.ts'
import { putCredential } from '../../db/credentials.ts'
import { migrateUp } from '../../db/migrate.ts'
import { defaultTenant, ensureDefaultTenant } from '../../db/partners.ts'
import { createVault, type Vault } from '../../db/vault.ts'
import { newId } from '../../platform/new-id.ts'
import { newKeyRingText, parseKeyRing } from '../../platform/secrets/keyring.ts'
import { connectTemporal, type TemporalConnection } from '../../platform/temporal/connection.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/server.ts'
import { simulators } from '../../sandbox/simulators.ts'
import { createHubClient, type HubClient } from '../../workflows/client.ts'

const root = path.resolve(import.meta.dirname, '../..')

export type Victim = 'worker' | 'temporal' | 'postgres' | 'api'

export interface Processes {
  readonly database: Database
  readonly sandbox: Sandbox
  readonly temporal: TemporalConnection
  readonly hub: HubClient
  /** A connection to the sandbox; every call makes a new one. */
  connect(settings?: Readonly<Record<string, string>>, slug?: string): Promise<Connection>
  workerPid(): number
  /** Where the first API process is; only with `apis`. */
  readonly apiUrl: string
  readonly apiPorts: readonly number[]
  readonly adminToken: string
  readonly databaseUrl: string
  readonly temporalAddress: string
  readonly vault: Vault
  /** kill -9, and a new one in its place. Of the API processes, the first. */
  killAndRestart(victim: Victim): Promise<void>
  /** Asks an API process to end, as a roll-out does, and starts a new one in its place. */
  restartApi(index: number): Promise<void>
  close(): Promise<void>
}

export interface ProcessesOptions {
  readonly sandbox: Partial<SandboxOptions>
  /** A sandbox in a process of its own, already started: its origin map. */
  readonly originMap?: Readonly<Record<string, string>>
  readonly postgresSettings?: Readonly<Record<string, string>>
  /** How many API processes; none when left out. */
  readonly apis?: number
  readonly env?: Readonly<Record<string, string>>
}

const adminToken = 'a-token-of-enough-characters'

export async function startProcesses(options: ProcessesOptions): Promise<Processes> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tieline-processes-'))
  chmodSync(folder, 0o755)
  const [pgPort = 0, temporalPort = 0, ...apiPorts] = await freePorts(2 + Math.max(1, options.apis ?? 0))
  const sandbox = await startSandbox({ port: 0, ...options.sandbox })
  const ringText = newKeyRingText()
  const ring = parseKeyRing(ringText)
  const dataDir = path.join(folder, 'postgres')
  const settings = options.postgresSettings ?? {}
  const startPostgres = () => startEmbeddedPostgres({ dataDir, port: pgPort, settings })
  const binary = await findTemporalCli()
  const startTemporal = () =>
    startTemporalServer({
      binary,
      port: temporalPort,
      dbFile: path.join(folder, 'temporal.sqlite'),
      logFile: path.join(folder, 'temporal.log'),
    })
  let [postgres, server]: [EmbeddedPostgres, TemporalServer] = await Promise.all([
    startPostgres(),
    startTemporal(),
  ])
  const database = openDatabase({ url: postgres.url, applicationName: 'tieline-test' })
  await migrateUp(database.db)
  await ensureDefaultTenant(database.db)
  const apiUrl = `http://127.0.0.1:${apiPorts[0] ?? 0}`
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: server.address,
    TEMPORAL_NAMESPACE: server.namespace,
    TIELINE_ADMIN_TOKEN: adminToken,
    TIELINE_PUBLIC_URL: apiUrl,
    ...options.env,
    TIELINE_ENCRYPTION_KEYS: ringText,
    TIELINE_ORIGIN_MAP: JSON.stringify(options.originMap ?? sandbox.originMap),
    TIELINE_LOG_LEVEL: 'info',
  }
  /** One that cannot start because another victim is away is started again, as a supervisor does. */
  const startPart = async (name: 'worker' | 'api', port?: number): Promise<Program> => {
    for (let attempt = 1; ; attempt++) {
      const program = await startProgram({
        name,
        command: process.execPath,
        args: [
          ...nodeFlags,
          '--import',
          import.meta.resolve('tsx'),
          path.join(root, name === 'api' ? 'api' : 'workers', 'main.ts'),
        ],
        env: port === undefined ? env : { ...env, TIELINE_PORT: String(port) },
        cwd: root,
        logFile: path.join(folder, `${name}.log`),
        ipc: true,
      })
      const isReady = await Promise.race([
        new Promise<boolean>((resolve) => program.child.once('message', () => resolve(true))),
        program.ended.then(() => false),
      ])
      if (isReady) return program
      if (attempt === 60) throw new Error(`the ${name} does not start; see ${folder}`)
      await delay(500)
    }
  }
  const startWorker = () => startPart('worker')
  let worker = await startWorker()
  const startApi = (index: number) => startPart('api', apiPorts[index])
  const apis = await Promise.all(Array.from({ length: options.apis ?? 0 }, (_, index) => startApi(index)))
  const restartApi = async (index: number, end: (api: Program) => Promise<void>): Promise<void> => {
    const api = apis[index]
    if (!api) throw new Error('there is no such API process')
    await end(api)
    apis[index] = await startApi(index)
  }
  const target = {
    address: server.address,
    namespace: server.namespace,
    connection: { address: server.address },
  }
  const temporal = await connectTemporal({ temporal: target, ring })
  const hub = createHubClient({
    client: temporal.client,
    taskQueue: 'tieline',
    uiUrl: 'http://127.0.0.1:1',
    namespace: server.namespace,
  })
  const vault = createVault(ring)

  const kill = async (pid: number, ended: Promise<unknown>): Promise<void> => {
    process.kill(pid, 'SIGKILL')
    await ended
  }
  const killAndRestart = async (victim: Victim): Promise<void> => {
    if (victim === 'worker') {
      await kill(worker.pid, worker.ended)
      worker = await startWorker()
    } else if (victim === 'api') {
      await restartApi(0, ({ pid, ended }) => kill(pid, ended))
    } else if (victim === 'temporal') {
      await kill(server.pid, server.ended)
      server = await startTemporal()
    } else {
      await kill(postgres.pid, postgres.ended)
      await stopLeftoverPostgres(dataDir)
      postgres = await withPatience(startPostgres)
    }
  }
  return {
    database,
    sandbox,
    temporal,
    hub,
    connect: async (more = {}, slug) => {
      const simulator = slug === undefined ? simulators[0] : simulators.find((one) => one.slug === slug)
      if (!simulator) throw new Error('the sandbox is empty')
      const { provider, auth, name, settings: sample, secrets } = simulator.sample
      const { partnerId, accountId } = defaultTenant
      const made = {
        connectionId: newId('connection'),
        partnerId,
        accountId,
        provider,
        auth,
        name,
        settings: { ...sample, ...more },
      }
      const connection = await createConnection(database.db, made)
      await putCredential(database.db, vault, connection, secrets)
      return connection
    },
    workerPid: () => worker.pid,
    apiUrl,
    apiPorts,
    adminToken,
    databaseUrl: postgres.url,
    temporalAddress: server.address,
    vault,
    killAndRestart,
    restartApi: (index) => restartApi(index, (api) => api.stop()),
    close: async () => {
      for (const api of apis) await api.stop(5_000)
      await worker.stop(5_000)
      await temporal.close()
      await server.stop()
      await database.close()
      await postgres.stop()
      await sandbox.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The backends of a killed Postgres take a moment to notice; until then its memory is in use. */
async function withPatience<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start()
    } catch (error) {
      if (attempt === 10) throw error
      await delay(500)
    }
  }
}
