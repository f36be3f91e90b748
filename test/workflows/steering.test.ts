import { setTimeout as delay } from 'node:timers/promises'
import { createConnection, getConnection, type Connection } from '../../db/connections.ts'
import { putCredential } from '../../db/credentials.ts'
import { defaultTenant, ensureDefaultTenant } from '../../db/partners.ts'
import { listRecords } from '../../db/records.ts'
import { getRun, listRuns } from '../../db/runs.ts'
import { newId } from '../../platform/new-id.ts'
import { providers } from '../../providers/registry.ts'
import { startSandbox, type Sandbox } from '../../sandbox/server.ts'
import { simulators } from '../../sandbox/simulators.ts'
import type { SyncConnectionInput } from '../../workflows/messages.ts'
import { noLimits } from '../harness/engine.ts'
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts'
import { createTestHub, type TestHub } from '../harness/worker.ts'

let database: TestDatabase
let sandbox: Sandbox
let test: TestHub
let connection: Connection

beforeAll(async () => {
  database = await createTestDatabase()
  sandbox = await startSandbox({ port: 0, limits: noLimits })
  test = await createTestHub({ database: database.database, providers, originMap: sandbox.originMap })
  connection = await sample()
}, 120_000)

afterAll(async () => {
  await test?.close()
  await sandbox?.close()
  await database?.drop()
})

async function sample(): Promise<Connection> {
  const { db } = database.database
  await ensureDefaultTenant(db)
  const [simulator] = simulators
  if (!simulator) throw new Error('the sandbox is empty')
  const { provider, auth, secrets, settings } = simulator.sample
  const { partnerId, accountId } = defaultTenant
  const made = await createConnection(db, {
    connectionId: newId('connection'),
    partnerId,
    accountId,
    provider,
    auth,
    name: 'Sample',
    settings: { ...settings, exports_per_minute: '999999' },
  })
  await putCredential(db, test.deps.vault, made, secrets)
  return made
}

async function start(input: Omit<SyncConnectionInput, 'connectionId'>) {
  const { connectionId } = connection
  const started = await test.hub.startSync({ connectionId, ...input }, connection)
  return test.temporal.client.workflow.getHandle(started.workflowId, started.runId)
}

async function until<T>(look: () => Promise<T | undefined | false>, what: string): Promise<T> {
  for (let tries = 0; tries < 300; tries++) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    await delay(100)
  }
  throw new Error(`it never came: ${what}`)
}

const newestRun = async () => {
  const [run] = await listRuns(database.database.db, { connectionId: connection.connectionId, limit: 1 })
  const whole = run && (await getRun(database.database.db, run.runId))
  if (!whole) throw new Error('there is no run')
  return whole
}

describe('a run of syncConnection', () => {
  it('reads everything, and INV-6: leaves neither records nor secrets in its history', async () => {
    const run = await start({ mode: 'full', startedBy: 'admin' })
    await run.result()
    expect(await newestRun()).toMatchObject({ state: 'succeeded', failure: null, startedBy: 'admin' })
    const resources = test.deps.findProvider(connection.provider)?.resources ?? []
    const { connectionId } = connection
    const query = (resource: string) =>
      listRecords(database.database.db, { connectionId, resource, limit: 30 })
    const records = (await Promise.all(resources.map(({ name }) => query(name)))).flat()
    expect(records.length).toBeGreaterThan(100)
    const json = JSON.stringify(await run.fetchHistory())
    const bytes = [...json.matchAll(/"([A-Za-z0-9+/]{8,}={0,2})"/g)].map(([, text = '']) =>
      Buffer.from(text, 'base64').toString('latin1'),
    )
    const history = [json, ...bytes].join('\n')
    const [simulator] = simulators
    const texts = records
      .flatMap(({ mapped }) => Object.values(mapped as Record<string, unknown>))
      .filter((value): value is string => typeof value === 'string' && value.length > 20)
    expect(texts.length).toBeGreaterThan(10)
    for (const text of [...texts, ...Object.values(simulator?.sample.secrets ?? {})])
      expect(history.includes(text)).toBe(false)
    expect((await getConnection(database.database.db, connection.connectionId))?.lastRunId).toBe(
      (await newestRun()).runId,
    )
  })

  it('can be watched, slowed, paused, resumed and cancelled; a second one is refused meanwhile', async () => {
    const { connectionId } = connection
    const run = await start({ mode: 'force', speed: { pagesPerMinute: 20 } })
    await until(
      async () => (await test.hub.progress(connectionId))?.resources.some((one) => one.pages > 0),
      'the first page',
    )
    await expect(start({})).rejects.toMatchObject({ code: 'AlreadyRunning' })
    const refused = test.hub.setSpeed(connectionId, { pagesPerMinute: -1 })
    await expect(refused).rejects.toMatchObject({ code: 'InvalidInput' })
    expect(await test.hub.setSpeed(connectionId, { pagesPerMinute: 30 })).toEqual({ pagesPerMinute: 30 })
    await test.hub.pause(connectionId)
    await until(async () => (await newestRun()).state === 'paused', 'the pause')
    expect(await test.hub.progress(connectionId)).toMatchObject({
      state: 'paused',
      speed: { pagesPerMinute: 30 },
    })
    await test.hub.resume(connectionId)
    await until(async () => (await newestRun()).state !== 'paused', 'the resumption')
    await test.hub.cancel(connectionId)
    await expect(run.result()).rejects.toMatchObject({ name: 'WorkflowFailedError' })
    expect((await newestRun()).state).toBe('cancelled')
    expect(await test.hub.progress(connectionId)).toBeUndefined()
  })
})
