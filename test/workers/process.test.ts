import { lookAtTemporal } from '../../cli/doctor/temporal.ts'
import { freePorts } from '../../cli/up/ports.ts'
import { readServiceConfig } from '../../platform/config.ts'
import { newKeyRingText, parseKeyRing } from '../../platform/secrets/keyring.ts'
import { connectTemporal } from '../../platform/temporal/connection.ts'
import { hubScheduleSettings } from '../../workers/hub-schedules.ts'
import { createHubClient } from '../../workflows/client.ts'
import { until } from '../harness/api.ts'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../harness/postgres.ts'
import { metricsAt, startPart, partEnvironment, type EnvironmentChange } from '../harness/part-process.ts'

let database: TestDatabase
let empty: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase(1)
  empty = await createEmptyDatabase(1)
})

afterAll(async () => {
  await database?.drop()
  await empty?.drop()
})

const environment = (change: EnvironmentChange = {}) => partEnvironment(database.url, change)
const start = (change: EnvironmentChange = {}) => startPart('workers', environment(change))

describe('the worker process', () => {
  it('says when it is ready, shows its metrics, and ends in order when it is told to', async () => {
    const [metricsPort = 0, temporalPort = 0] = await freePorts(2)
    const { child, ready, ended } = start({
      TIELINE_WORKER_METRICS_PORT: String(metricsPort),
      TIELINE_TEMPORAL_METRICS_PORT: String(temporalPort),
    })
    const first = await Promise.race([ready, ended])
    expect(first).toEqual({ ready: true })
    const texts = await Promise.all([metricsPort, temporalPort].map(metricsAt))
    expect(texts[0]).toContain('tieline_run_slices_open 0')
    expect(texts[1]).toContain('temporal_')
    child.kill('SIGTERM')
    const { code, errors } = await ended
    expect([code, errors]).toEqual([0, ''])
  })

  it('makes the schedules that the doctor looks for, and no other; the doctor names what is gone or paused', async () => {
    const queue = `schedules-${process.pid}`
    const change = { TIELINE_TASK_QUEUE: queue, TIELINE_ENCRYPTION_KEYS: newKeyRingText() }
    const { child, ready, ended } = start(change)
    expect(await Promise.race([ready, ended])).toEqual({ ready: true })
    const config = readServiceConfig(environment(change))
    const temporal = await connectTemporal({
      temporal: config.temporal,
      ring: parseKeyRing(config.encryptionKeys),
    })
    const { client, namespace } = temporal
    const hub = createHubClient({ client, namespace, taskQueue: queue, uiUrl: config.temporalUiUrl })
    const look = () => hub.lookAtSchedules(hubScheduleSettings(config))
    const found = async () => (await lookAtTemporal(config)).find(({ check }) => check === 'schedules')
    const { expected, missing, paused } = await look()
    expect([missing, paused]).toEqual([[], []])
    const made = async () => {
      const ids: string[] = []
      for await (const { scheduleId } of client.schedule.list())
        if (scheduleId.endsWith(`:${queue}`)) ids.push(scheduleId)
      return ids.sort()
    }
    // What Temporal lists may lag behind what it holds.
    expect(await until(made, (ids) => ids.length >= expected.length)).toEqual([...expected].sort())
    expect(await found()).toMatchObject({ state: 'ok' })
    await client.schedule.getHandle(`verify-many:${queue}`).pause()
    expect(await found()).toMatchObject({ state: 'bad', detail: `Paused: verify-many:${queue}.` })
    await client.schedule.getHandle(`check-ledgers:${queue}`).delete()
    await client.schedule.getHandle(`alerts:${queue}`).delete()
    expect(await found()).toMatchObject({ detail: `Missing: alerts:${queue}, check-ledgers:${queue}.` })
    child.kill('SIGTERM')
    await ended
    // Nobody does their work any more.
    for (const id of await made())
      await client.schedule
        .getHandle(id)
        .delete()
        .catch(() => undefined)
    await temporal.close()
  }, 60_000)

  it('ends when the process that started it is gone', async () => {
    const { child, ready, ended } = start()
    await ready
    child.disconnect()
    expect((await ended).code).toBe(0)
  })

  it.each([
    ['a missing variable', { TIELINE_ENCRYPTION_KEYS: undefined }, /^TIELINE_ENCRYPTION_KEYS is missing/],
    [
      'Temporal out of reach',
      { TEMPORAL_ADDRESS: '127.0.0.1:9' },
      /^Temporal does not answer at 127\.0\.0\.1:9\. .*TEMPORAL_ADDRESS/,
    ],
    ['a database out of reach', { DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:9/x' }, /DATABASE_URL/],
  ])('ends with 2 and one line for %s', async (_, change, line) => {
    const { code, errors } = await start(change).ended
    expect(errors.trim().split('\n')).toHaveLength(1)
    expect(errors).toMatch(line)
    expect(errors).not.toContain('hunter2')
    expect(code).toBe(2)
  })

  it('ends with 2 and one line for a database without a schema', async () => {
    const { code, errors } = await start({ DATABASE_URL: empty.url }).ended
    expect(errors).toMatch(/DATABASE_URL lacks \d+ migration/)
    expect(code).toBe(2)
  })
})
