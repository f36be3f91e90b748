/**
 * Deliveries over days: the workflow and its activities as they are, on a server that skips time, to a receiver on this
 * machine. What the activities take for now is the server's time.
 */
import type { TestWorkflowEnvironment } from '@temporalio/testing'
import { Worker } from '@temporalio/worker'
import { createDeliveryActivities } from '../../activities/delivery.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { listAttempts } from '../../db/deliveries.ts'
import { deleteEndpoint, type Endpoint } from '../../db/endpoints.ts'
import type { Clock } from '../../platform/clock.ts'
import { createLog } from '../../platform/log.ts'
import { workflowBundle } from '../../workers/bundle.ts'
import { temporalLogger } from '../../workers/runtime-log.ts'
import type { deliverEvents } from '../../workflows/deliver-events.ts'
import { wakeSignal } from '../../workflows/messages.ts'
import {
  deliveriesOf,
  endpointNow,
  happen,
  idsOf,
  newEndpoint,
  newPartner,
} from '../harness/delivery-bench.ts'
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts'
import { startReceiver, type Receiver } from '../harness/receiver.ts'
import { createTimeSkippingEnvironment } from '../harness/temporal.ts'
import { createTestHub, type TestHub } from '../harness/worker.ts'

const hour = 3_600_000
const taskQueue = 'days'
let env: TestWorkflowEnvironment
let database: TestDatabase
let hub: TestHub
let deps: ActivityDeps
let stop: () => Promise<void>

/** The server's time, as it was when the activity began. */
let ahead = 0
const clock: Clock = {
  now: () => new Date(Date.now() + ahead),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}
const follow = async (): Promise<void> => {
  ahead = (await env.currentTimeMs()) - Date.now()
}

beforeAll(async () => {
  database = await createTestDatabase()
  hub = await createTestHub({ database: database.database, providers: [], startWorkers: false })
  env = await createTimeSkippingEnvironment()
  deps = { ...hub.deps, clock }
  const own = createDeliveryActivities(deps)
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle: await workflowBundle({ logger: temporalLogger(createLog('test', 'silent')) }),
    activities: {
      describeEndpoint: own.describeEndpoint,
      deliverBatch: async (input: { endpointId: string }) => {
        await follow()
        return await own.deliverBatch(input)
      },
    },
  })
  const running = worker.run()
  stop = async () => {
    worker.shutdown()
    await running
  }
}, 120_000)
afterAll(async () => {
  await stop()
  await env.teardown()
  await hub.close()
  await database.drop()
})

const begin = ({ endpointId }: Endpoint) =>
  env.client.workflow.start<typeof deliverEvents>('deliverEvents', {
    taskQueue,
    workflowId: `deliver:${endpointId}`,
    args: [{ endpointId }],
  })

/** When each webhook came, by the server's time, in hours from the first. */
function recorder(receiver: Receiver, isDown: (hours: number, externalId: string) => number) {
  const hours: number[] = []
  let began: number | undefined
  receiver.answer((response, { event }) => {
    const now = clock.now().getTime()
    began ??= now
    const after = (now - began) / hour
    hours.push(after)
    response.writeHead(isDown(after, String((event.data as { externalId?: string }).externalId))).end()
  })
  return hours
}

describe('a partner whose endpoint is down for a day', () => {
  it('receives everything, in order, when it returns', async () => {
    const receiver = await startReceiver()
    const partner = await newPartner(deps)
    await follow()
    const endpoint = await newEndpoint(deps, partner, receiver.url, {
      ordered: true,
      eventTypes: ['ticket.*'],
    })
    const ids = await happen(deps, partner, 120)
    const hours = recorder(receiver, (after) => (after < 24 ? 503 : 204))
    const handle = await begin(endpoint)
    // It goes on happening while the endpoint is away.
    for (let n = 0; n < 5; n++) {
      await env.sleep(4 * hour)
      ids.push(...(await happen(deps, partner, 40)))
    }
    await env.sleep(6 * hour)
    expect(await handle.result()).toMatchObject({ delivered: ids.length })
    const good = receiver.received.filter((_webhook, n) => (hours[n] ?? 0) >= 24)
    expect(idsOf(good)).toEqual(ids)
    // Within the hour in which it was back, and not after the schedule of one delivery.
    expect(hours.find((after) => after >= 24)).toBeLessThan(25.1)
    expect(hours.at(-1)).toBeLessThan(25.2)
    expect(await endpointNow(deps, endpoint)).toMatchObject({ state: 'active', failuresInRow: 0 })
    expect(new Set((await deliveriesOf(deps, endpoint)).map(({ state }) => state))).toEqual(
      new Set(['delivered']),
    )
    await receiver.close()
  }, 120_000)
})

describe('an event that its receiver refuses again and again', () => {
  it('is tried ten times over three days, ever less often, while others arrive', async () => {
    const receiver = await startReceiver()
    const partner = await newPartner(deps)
    await follow()
    const endpoint = await newEndpoint(deps, partner, receiver.url)
    const [bad = ''] = await happen(deps, partner, 1)
    recorder(receiver, (_after, externalId) => (externalId === bad ? 500 : 204))
    const handle = await begin(endpoint)
    for (let n = 0; n < 200; n++) {
      await env.sleep(hour / 2)
      if ((await deliveriesOf(deps, endpoint))[0]?.state !== 'waiting') break
      await happen(deps, partner, 1)
      await handle.signal(wakeSignal)
    }
    const [delivery] = await deliveriesOf(deps, endpoint)
    expect(delivery).toMatchObject({ state: 'failed', attempts: 10 })
    const times = (await listAttempts(database.database.db, delivery?.deliveryId ?? '')).map(({ at }) =>
      at.getTime(),
    )
    expect(times).toHaveLength(10)
    expect(((times.at(-1) ?? 0) - (times[0] ?? 0)) / hour).toBeGreaterThan(72)
    const pauses = times.slice(1).map((at, n) => at - (times[n] ?? 0))
    expect([...pauses].sort((a, b) => a - b)).toEqual(pauses)
    expect(pauses[0]).toBeLessThan(60_000)
    await deleteEndpoint(database.database.db, endpoint.endpointId)
    await handle.signal(wakeSignal).catch(() => undefined)
    await handle.result()
    await receiver.close()
  }, 120_000)
})

describe('the workflow', () => {
  it('refuses an endpoint that there is not, and an input that is none', async () => {
    const run = (input: object) =>
      env.client.workflow.execute('deliverEvents', {
        taskQueue,
        workflowId: `deliver:${Math.random()}`,
        args: [input],
      })
    const cause = async (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        () => undefined,
        (error: Error) => (error.cause as { type?: string }).type,
      )
    expect(await cause(run({ endpointId: 'end_01KAT0000000000000000000AA' }))).toBe('InvalidInput')
    expect(await cause(run({ endpointId: 'nonsense' }))).toBe('InvalidInput')
    expect(await cause(run({ endpoint: 'end_01KAT0000000000000000000AA' }))).toBe('InvalidInput')
  })
})
