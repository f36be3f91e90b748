import { setTimeout as delay } from 'node:timers/promises'
import {
  deleteConnection,
  setConnectionState,
  updateConnection,
  type Connection,
} from '../../db/connections.ts'
import { newId } from '../../platform/new-id.ts'
import { reconcileSchedules } from '../../workers/reconcile-schedules.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { ScheduledSyncResult } from '../../workflows/messages.ts'
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

const made: string[] = []

afterAll(async () => {
  for (const connectionId of made) await test.hub.deleteSyncSchedule(connectionId)
  await test?.close()
  await tiny?.close()
  await database?.drop()
})

async function scheduled(): Promise<Connection> {
  const connection = await connect(test, 'tiny', { syncIntervalSeconds: 3600 })
  made.push(connection.connectionId)
  return connection
}

const describeSchedule = ({ connectionId }: Connection) =>
  test.temporal.client.schedule.getHandle(workflowIds.syncSchedule(connectionId)).describe()

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 200; tries++) {
    const found = await look()
    if (found !== undefined) return found
    await delay(100)
  }
  throw new Error('it never came')
}

/** What the schedule's next tick answers. */
async function trigger(connection: Connection): Promise<ScheduledSyncResult> {
  const before = (await describeSchedule(connection)).info.recentActions.length
  await test.hub.triggerSyncSchedule(connection.connectionId)
  const action = await eventually(async () => (await describeSchedule(connection)).info.recentActions[before])
  const { workflowId, firstExecutionRunId } = action.action.workflow
  expect(workflowId).toMatch(`${workflowIds.scheduledSync(connection.connectionId)}-20`)
  return (await test.temporal.client.workflow
    .getHandle(workflowId, firstExecutionRunId)
    .result()) as ScheduledSyncResult
}

describe('a connection’s schedule', () => {
  it('is made, follows the connection, is paused and deleted with it; each step may be repeated', async () => {
    const connection = await scheduled()
    for (let times = 0; times < 2; times++) await test.hub.ensureSyncSchedule(connection)
    const first = await describeSchedule(connection)
    expect(first.spec.intervals?.[0]?.every).toBe(3_600_000)
    expect(first.spec.jitter).toBe(360_000)
    expect(first.policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 60_000 })
    expect(first.state).toMatchObject({ paused: false })
    expect(first.action).toMatchObject({ workflowType: 'startScheduledSync', taskQueue: test.taskQueue })
    await test.hub.ensureSyncSchedule({ ...connection, syncIntervalSeconds: 600, state: 'paused' })
    const second = await describeSchedule(connection)
    expect(second.spec.intervals?.[0]?.every).toBe(600_000)
    expect(second.state.paused).toBe(true)
    expect(second.state.note).toContain('Paused with its connection')
    await test.hub.resumeSyncSchedule(connection.connectionId)
    expect((await describeSchedule(connection)).state.paused).toBe(false)
    await test.hub.pauseSyncSchedule(connection.connectionId)
    expect((await describeSchedule(connection)).state.paused).toBe(true)
    for (let times = 0; times < 2; times++) await test.hub.deleteSyncSchedule(connection.connectionId)
    await expect(test.hub.triggerSyncSchedule(connection.connectionId)).rejects.toMatchObject({
      code: 'NoSuchThing',
    })
  })

  it('starts the one sync of the connection, and skips quietly while it runs', async () => {
    const connection = await scheduled()
    const { connectionId } = connection
    await test.hub.ensureSyncSchedule(connection)
    // Nobody works on this queue: the run stays under way.
    const running = await test.temporal.client.workflow.start('syncConnection', {
      workflowId: workflowIds.syncConnection(connectionId),
      taskQueue: `${test.taskQueue}-nobody`,
      args: [{ connectionId }],
    })
    expect(await trigger(connection)).toEqual({ connectionId, started: false, reason: 'already running' })
    await expect(test.hub.startSync({ connectionId }, connection)).rejects.toMatchObject({
      code: 'AlreadyRunning',
    })
    await running.terminate()
    expect(await trigger(connection)).toEqual({ connectionId, started: true })
    const handle = test.temporal.client.workflow.getHandle(workflowIds.syncConnection(connectionId))
    const { typedSearchAttributes, type } = await handle.describe()
    expect(type).toBe('syncConnection')
    expect(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value])).toEqual(
      expect.arrayContaining([
        ['TielineProvider', 'tiny'],
        ['TielineConnection', connectionId],
      ]),
    )
    await handle.terminate().catch(() => undefined)
  })

  it('does nothing for a connection that is paused, needs attention or is gone', async () => {
    const { db } = database.database
    const connection = await scheduled()
    const { connectionId } = connection
    await test.hub.ensureSyncSchedule(connection)
    await setConnectionState(db, connectionId, 'needs_attention', 'refused')
    expect(await trigger(connection)).toEqual({ connectionId, started: false, reason: 'needs attention' })
    await setConnectionState(db, connectionId, 'paused', null)
    expect(await trigger(connection)).toEqual({ connectionId, started: false, reason: 'paused' })
    await deleteConnection(db, connectionId)
    expect(await trigger(connection)).toEqual({ connectionId, started: false, reason: 'deleted' })
  })
})

describe('reconcileSchedules', () => {
  it('makes what is missing, changes what differs, deletes what is orphaned, leaves what belongs to others', async () => {
    const { db } = database.database
    const kept = await scheduled()
    const changed = await scheduled()
    const deleted = await scheduled()
    const missing = await scheduled()
    const stranger = { ...missing, connectionId: newId('connection') }
    const orphan = { ...missing, connectionId: newId('connection') }
    made.push(stranger.connectionId, orphan.connectionId)
    for (const one of [kept, changed, deleted, orphan]) await test.hub.ensureSyncSchedule(one)
    await ensureStranger(stranger)
    await updateConnection(db, changed.connectionId, { syncIntervalSeconds: 120 })
    await deleteConnection(db, deleted.connectionId)
    await eventually(async () => {
      const listed = (await test.hub.listSyncSchedules()).map((one) => one.connectionId)
      return (
        [kept, changed, deleted, orphan, stranger].every((one) => listed.includes(one.connectionId)) ||
        undefined
      )
    })
    const result = await reconcileSchedules(db, test.hub)
    // The connection that an earlier test deleted counts too.
    expect(result.deleted).toBeGreaterThanOrEqual(2)
    expect((await describeSchedule(missing)).spec.intervals?.[0]?.every).toBe(3_600_000)
    expect((await describeSchedule(changed)).spec.intervals?.[0]?.every).toBe(120_000)
    expect((await describeSchedule(kept)).info.lastUpdatedAt).toBeUndefined()
    await expect(describeSchedule(deleted)).rejects.toThrow()
    await expect(describeSchedule(orphan)).rejects.toThrow()
    expect((await describeSchedule(stranger)).scheduleId).toBe(
      workflowIds.syncSchedule(stranger.connectionId),
    )
    await eventually(async () => ((await reconcileSchedules(db, test.hub)).changed === 0 ? true : undefined))
  })

  /** A schedule of another hub in the same namespace. */
  async function ensureStranger({ connectionId }: Connection): Promise<void> {
    await test.temporal.client.schedule.create({
      scheduleId: workflowIds.syncSchedule(connectionId),
      spec: { intervals: [{ every: '1h' }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'startScheduledSync',
        taskQueue: 'another-hub',
        args: [{ connectionId }],
      },
    })
  }
})

describe('the client', () => {
  it('knows whether a worker polls', async () => {
    await eventually(async () => (await test.hub.isWorkerPolling()) || undefined)
  })

  it('says so when there is no run to steer', async () => {
    const connectionId = newId('connection')
    await expect(test.hub.pause(connectionId)).rejects.toMatchObject({ code: 'NoSuchThing' })
    await expect(test.hub.cancel(connectionId)).rejects.toMatchObject({ code: 'NoSuchThing' })
    await expect(test.hub.setSpeed(connectionId, { pagesPerMinute: 5 })).rejects.toMatchObject({
      code: 'NoSuchThing',
    })
    expect(await test.hub.progress(connectionId)).toBeUndefined()
    await expect(test.hub.describeSyncMany('sync-many:none')).rejects.toMatchObject({ code: 'NoSuchThing' })
  })

  it('has a provider looked at at once when its first connection is made, where it is watched', async () => {
    await test.hub.checkHealthSoon('tiny')
    const scheduleId = workflowIds.checkHealth(test.taskQueue, 'tiny')
    const handle = await test.temporal.client.schedule.create({
      scheduleId,
      spec: { intervals: [{ every: '1 day' }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'checkHealth',
        workflowId: scheduleId,
        taskQueue: test.taskQueue,
        args: [{ provider: 'tiny', everySeconds: 86_400 }],
      },
    })
    try {
      expect((await handle.describe()).info.numActionsTaken).toBe(0)
      await test.hub.checkHealthSoon('tiny')
      await eventually(async () => ((await handle.describe()).info.numActionsTaken === 1 ? true : undefined))
    } finally {
      await handle.delete()
    }
  })

  it('links to the Temporal UI', () => {
    expect(test.hub.workflowLink('sync:con_1', 'r')).toBe(
      'http://127.0.0.1:1/namespaces/default/workflows/sync%3Acon_1/r/history',
    )
  })

  it('gives back what a batch found, and why it failed', async () => {
    const good = await test.hub.startSyncMany({ connectionId: (await scheduled()).connectionId })
    expect(await test.hub.resultOfSyncMany(good.workflowId)).toMatchObject({ connections: 1 })
    expect(await test.hub.describeSyncMany(good.workflowId)).toMatchObject({
      state: 'succeeded',
      result: { connections: 1 },
    })
    const bad = await test.hub.startSyncMany({ provider: 'tinny' })
    await expect(test.hub.resultOfSyncMany(bad.workflowId)).rejects.toMatchObject({ code: 'InvalidInput' })
    expect(await test.hub.describeSyncMany(bad.workflowId)).toMatchObject({
      state: 'failed',
      failure: { code: 'InvalidInput' },
    })
  })
})
