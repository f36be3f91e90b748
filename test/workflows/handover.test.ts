import { setTimeout as delay } from 'node:timers/promises'
import { beginOperation, getOperation } from '../../db/operations.ts'
import { newId } from '../../platform/new-id.ts'
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts'
import { connect } from '../harness/tiny-connection.ts'
import { startTinyProvider, type TinyProvider } from '../harness/tiny-provider.ts'
import { createTestHub, type TestHub } from '../harness/worker.ts'

let database: TestDatabase
let tiny: TinyProvider
let test: TestHub

beforeAll(async () => {
  database = await createTestDatabase()
  tiny = await startTinyProvider()
  const { originMap } = tiny
  test = await createTestHub({
    database: database.database,
    providers: [tiny.provider],
    originMap,
    startWorkers: false,
  })
}, 120_000)

afterAll(async () => {
  await test?.close()
  await tiny?.close()
  await database?.drop()
})

async function begin() {
  const connection = await connect(test, 'tiny')
  const kind = 'action'
  const name = 'tiny.create_note'
  const { operation } = await beginOperation(database.database.db, test.deps.vault, {
    operationId: newId('operation'),
    connection,
    kind,
    name,
    input: { text: 'hello' },
    idempotencyKey: newId('request'),
    startedBy: 'admin',
  })
  const { operationId } = operation
  const started = await test.hub.startOperation({ ...connection, operationId, kind, operation: name })
  return { operationId, started }
}

describe('a worker that is stopped', () => {
  it('ends in time and hands what it was doing to the next one, under the same idempotency key', async () => {
    tiny.answer(() => ({ delayMs: 30_000 }))
    const stopFirst = await test.startWorkers()
    const { operationId, started } = await begin()
    while (tiny.requests.length === 0) await delay(50)
    tiny.answer(() => ({ body: { id: 1 } }))
    const stoppedAt = Date.now()
    await stopFirst()
    expect(Date.now() - stoppedAt).toBeLessThan(8_000)
    expect((await getOperation(database.database.db, operationId))?.state).toBe('running')
    await test.startWorkers()
    expect(await test.hub.waitForOperation(started, 40_000)).toBe(true)
    expect(await getOperation(database.database.db, operationId)).toMatchObject({
      state: 'succeeded',
      failure: null,
    })
    const keys = new Set(tiny.requests.map((request) => (request.body as { key: string }).key))
    expect([...keys]).toEqual([operationId])
  })

  it('breaks a call off when its action is cancelled, and notes why it failed', async () => {
    tiny.answer(() => ({ delayMs: 30_000 }))
    const { operationId, started } = await begin()
    while (tiny.requests.length < 3) await delay(50)
    await test.temporal.client.workflow.getHandle(started.workflowId).cancel()
    expect(await test.hub.waitForOperation(started, 30_000)).toBe(true)
    expect(await getOperation(database.database.db, operationId)).toMatchObject({
      state: 'failed',
      failure: { code: 'Superseded' },
    })
  })
})
