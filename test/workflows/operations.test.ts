import { Client } from '@temporalio/client'
import { listAudit } from '../../db/audit.ts'
import { getConnection } from '../../db/connections.ts'
import {
  beginOperation,
  getOperation,
  openOperationInput,
  openOperationResult,
  type OperationKind,
} from '../../db/operations.ts'
import type { JsonObject } from '../../model/json.ts'
import { newId } from '../../platform/new-id.ts'
import type { Connection } from '../../db/connections.ts'
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
  test = await createTestHub({
    database: database.database,
    providers: [tiny.provider],
    originMap: tiny.originMap,
  })
}, 120_000)

afterAll(async () => {
  await test?.close()
  await tiny?.close()
  await database?.drop()
})

beforeEach(() => {
  tiny.requests.length = 0
  tiny.answer(() => ({ body: { id: 7 } }))
})

async function run(
  connection: Connection,
  input: JsonObject,
  how: { kind?: OperationKind; name?: string; key?: string } = {},
) {
  const { db } = test.deps.database
  const { kind = 'action', name = 'tiny.create_note', key = newId('request') } = how
  const { operation, isNew } = await beginOperation(db, test.deps.vault, {
    operationId: newId('operation'),
    connection,
    kind,
    name,
    input,
    idempotencyKey: key,
    startedBy: 'admin',
  })
  const { operationId } = operation
  const started = await test.hub.startOperation({ ...connection, operationId, kind, operation: name })
  expect(await test.hub.waitForOperation(started, 30_000)).toBe(true)
  const ended = await getOperation(db, operationId)
  if (!ended) throw new Error('the operation is gone')
  return { operation: ended, isNew, started, result: await openOperationResult(db, test.deps.vault, ended) }
}

describe('runAction', () => {
  it('carries an action out once, with the same key on each attempt, and seals what came out', async () => {
    const connection = await connect(test, 'tiny')
    let refusals = 0
    tiny.answer(() => (refusals++ < 5 ? { status: 503 } : { body: { id: 7 } }))
    const { operation, result } = await run(connection, { text: 'hello' })
    expect(operation).toMatchObject({ state: 'succeeded', failure: null, calls: 6 })
    expect(result).toEqual({ note: '{"id":7}' })
    expect(tiny.requests.map((request) => request.body)).toEqual(
      Array.from({ length: 6 }, () => ({ text: 'hello', key: operation.operationId })),
    )
    expect(tiny.requests[0]?.authorization).toBe('Bearer good-token')
    const [entry] = await listAudit(database.database.db, { subject: operation.operationId, limit: 5 })
    expect(entry).toMatchObject({ action: 'action.succeeded', actor: 'admin' })
  })

  it('answers the same key with the same operation, and a different request with a conflict', async () => {
    const connection = await connect(test, 'tiny')
    const key = newId('request')
    const first = await run(connection, { text: 'once' }, { key })
    const second = await run(connection, { text: 'once' }, { key })
    expect(second.isNew).toBe(false)
    expect(second.operation.operationId).toBe(first.operation.operationId)
    expect(tiny.requests).toHaveLength(1)
    await expect(run(connection, { text: 'other' }, { key })).rejects.toMatchObject({
      code: 'IdempotencyConflict',
    })
  })

  it('refuses an input that does not fit, without a call', async () => {
    const { operation } = await run(await connect(test, 'tiny'), { text: '', colour: 'red' })
    expect(operation).toMatchObject({ state: 'failed', failure: { code: 'InvalidInput' } })
    expect(operation.failure?.message).toContain('/colour')
    expect(tiny.requests).toHaveLength(0)
  })

  it('says what the provider refused', async () => {
    tiny.answer(() => ({ status: 403 }))
    const { operation, result } = await run(await connect(test, 'tiny'), { text: 'x' })
    expect(operation).toMatchObject({ state: 'failed', failure: { code: 'Forbidden' } })
    expect(result).toBeUndefined()
  })

  it('INV-6: leaves no trace of input, result or token in the history', async () => {
    const marker = 'marker-9b41-secret'
    tiny.answer(() => ({ body: { echoed: marker } }))
    const connection = await connect(test, 'tiny', { token: `token-${marker}` })
    const good = await run(connection, { text: marker })
    tiny.answer(() => ({ status: 422, body: { error: marker } }))
    const bad = await run(connection, { text: `${marker}-2` })
    expect([good.operation.state, bad.operation.state]).toEqual(['succeeded', 'failed'])
    for (const { started, operation } of [good, bad]) {
      const history = await test.temporal.client.workflow.getHandle(started.workflowId).fetchHistory()
      const text = inClear(history)
      expect(text).toContain('binary/encrypted')
      expect(text).not.toContain('marker-9b41')
      // Not even the failure's public text is in clear.
      expect(text).not.toContain('provider refused')
      const input = await openOperationInput(database.database.db, test.deps.vault, operation)
      expect(input['text']).toContain(marker)
    }
  })
})

/** The whole history as text, with all that is base64 in it decoded as well. */
function inClear(history: unknown): string {
  const json = JSON.stringify(history)
  const bytes = [...json.matchAll(/"([A-Za-z0-9+/]{8,}={0,2})"/g)].map(([, text = '']) =>
    Buffer.from(text, 'base64').toString('latin1'),
  )
  return [json, ...bytes].join('\n')
}

describe('runReport', () => {
  it('keeps the answer, and a report is not an action', async () => {
    tiny.answer(() => ({ body: { notes: 3 } }))
    const connection = await connect(test, 'tiny')
    const { operation, result } = await run(connection, {}, { kind: 'report', name: 'tiny.count' })
    expect(operation.state).toBe('succeeded')
    expect(result).toEqual({ answer: '{"notes":3}' })
    const wrong = test.temporal.client.workflow.execute('runAction', {
      workflowId: `action:${operation.operationId}`,
      taskQueue: test.taskQueue,
      args: [{ operationId: operation.operationId }],
    })
    await expect(wrong).rejects.toMatchObject({ cause: { type: 'InvalidInput' } })
  })

  it.each([
    [undefined],
    ['text'],
    [{}],
    [{ operationId: 7 }],
    [{ operationId: 'op_x' }],
    [{ operationID: 'op_x' }],
    [[]],
  ])('INV-12: refuses %j typed by hand, clearly and for good', async (input) => {
    const wrong = test.temporal.client.workflow.execute('runReport', {
      workflowId: `by-hand-${newId('request')}`,
      taskQueue: test.taskQueue,
      args: [input],
    })
    await expect(wrong).rejects.toMatchObject({ cause: { type: 'InvalidInput', nonRetryable: true } })
  })
})

describe('checkConnection', () => {
  it('says what it proved and keeps it', async () => {
    const connection = await connect(test, 'tiny')
    const result = await test.hub.checkConnection(connection)
    expect(result).toEqual({
      connectionId: connection.connectionId,
      ok: true,
      proves: 'signed in',
      facts: { role: 'admin' },
    })
    const after = await getConnection(database.database.db, connection.connectionId)
    expect(after).toMatchObject({ state: 'active', lastCheck: { ok: true, proves: 'signed in' } })
  })

  it('asks for attention when the credential is refused, and takes it back when it works again', async () => {
    const connection = await connect(test, 'tiny')
    tiny.answer(() => ({ status: 401 }))
    expect(await test.hub.checkConnection(connection)).toMatchObject({
      ok: false,
      failure: { code: 'Unauthorized' },
    })
    const refused = await getConnection(database.database.db, connection.connectionId)
    expect(refused?.state).toBe('needs_attention')
    expect(refused?.stateReason).toBeTruthy()
    tiny.answer(() => ({ body: {} }))
    await test.hub.checkConnection(connection)
    expect(await getConnection(database.database.db, connection.connectionId)).toMatchObject({
      state: 'active',
      stateReason: null,
    })
    const audit = await listAudit(database.database.db, { subject: connection.connectionId, limit: 5 })
    expect(audit.map((entry) => entry.action)).toEqual(['connection.active', 'connection.needs_attention'])
  })

  it('tells of an outage after a few tries, without blaming the credential', async () => {
    const connection = await connect(test, 'tiny')
    tiny.answer(() => ({ status: 502 }))
    expect(await test.hub.checkConnection(connection)).toMatchObject({
      ok: false,
      failure: { code: 'Unavailable' },
    })
    const after = await getConnection(database.database.db, connection.connectionId)
    expect(after).toMatchObject({
      state: 'active',
      lastCheck: { ok: false, failure: { code: 'Unavailable' } },
    })
  })

  it('can be started by hand with plain JSON, without the codec', async () => {
    const connection = await connect(test, 'tiny')
    const plain = new Client({ connection: test.temporal.connection, namespace: test.temporal.namespace })
    const { workflowId } = await plain.workflow.start('checkConnection', {
      workflowId: `by-hand-${newId('request')}`,
      taskQueue: test.taskQueue,
      args: [{ connectionId: connection.connectionId }],
    })
    expect(await test.temporal.client.workflow.getHandle(workflowId).result()).toMatchObject({ ok: true })
    await expect(plain.workflow.getHandle(workflowId).result()).rejects.toThrow('binary/encrypted')
  })

  it('says so when no connection has this id', async () => {
    const unknown = { ...(await connect(test, 'tiny')), connectionId: newId('connection') }
    await expect(test.hub.checkConnection(unknown)).rejects.toMatchObject({ code: 'InvalidInput' })
  })
})
