/** The refund window on a server that skips time, with the real activities and the real books: held for all of it, due after it, whoever dies. */
import type { TestWorkflowEnvironment } from '@temporalio/testing'
import { Worker } from '@temporalio/worker'
import { followCommissions } from '../../activities/commission-feed.ts'
import { getSource, listPendingSources } from '../../db/commission-sources.ts'
import { createLog } from '../../platform/log.ts'
import { workflowBundle } from '../../workers/bundle.ts'
import { temporalLogger } from '../../workers/runtime-log.ts'
import type { postCommission } from '../../workflows/post-commission.ts'
import {
  credit,
  paidInvoice,
  startCommissionBench,
  tenPercent,
  type CommissionBench,
} from '../harness/commission-bench.ts'
import { createTimeSkippingEnvironment } from '../harness/temporal.ts'
import { installTestRuntime } from '../harness/worker.ts'

let env: TestWorkflowEnvironment
let bench: CommissionBench

beforeAll(async () => {
  installTestRuntime()
  env = await createTimeSkippingEnvironment()
  bench = await startCommissionBench()
  await bench.plan({ ...tenPercent, refundDays: 30 })
  await bench.attribute()
}, 120_000)
afterAll(async () => {
  await bench?.check()
  await bench?.close()
  await env?.teardown()
})

const worker = async () =>
  await Worker.create({
    connection: env.nativeConnection,
    taskQueue: 'refunds',
    workflowBundle: await workflowBundle({ logger: temporalLogger(createLog('test', 'silent')) }),
    activities: bench.activities,
    // Without sticky queues: the server's clock would wait for those of a worker that is gone.
    maxCachedWorkflows: 0,
  })
/** A transaction anywhere in the server holds the feed back, those of other test files too. */
const nextSource = async (): Promise<string> => {
  for (;;) {
    while (await followCommissions(bench.deps));
    const [source] = await listPendingSources(bench.db, 1)
    if (source) return source.sourceId
    await new Promise((next) => setTimeout(next, 25))
  }
}
const begin = (sourceId: string) =>
  env.client.workflow.start<typeof postCommission>('postCommission', {
    taskQueue: 'refunds',
    workflowId: `commission:${sourceId}`,
    args: [{ sourceId }],
  })
const states = async () => [...new Set((await bench.lines()).map(({ state }) => state))]

it('what is earned is held for the whole window although the worker changes; what is refunded in it becomes due with it', async () => {
  await bench.put(paidInvoice('1', 100_00))
  const earned = await nextSource()
  const first = await begin(earned)
  // This worker posts, and is gone before the window has passed.
  await (
    await worker()
  ).runUntil(async () => {
    while ((await getSource(bench.db, earned))?.state === 'pending')
      await new Promise((next) => setTimeout(next, 20))
  })
  expect(await states()).toEqual(['held'])
  await bench.put(credit('c1', 25_00))
  const refunded = await nextSource()
  const second = await begin(refunded)
  const results = await (await worker()).runUntil(async () => [await first.result(), await second.result()])
  expect(results).toMatchObject([
    { state: 'posted', released: 3 },
    { state: 'posted', released: 3 },
  ])
  expect(await states()).toEqual(['due'])
  expect(await bench.netByLevel()).toEqual([5_25, 1_50, 75])
  const { events } = await first.fetchHistory()
  const times = (events ?? []).map(({ eventTime }) => Number(eventTime?.seconds ?? 0))
  expect((Math.max(...times) - Math.min(...times)) / 86_400).toBeGreaterThan(29.9)
}, 60_000)

it('what cannot be anything ends with the reason, and a wrong id is refused', async () => {
  const running = await worker()
  await running.runUntil(async () => {
    await expect(
      env.client.workflow.execute('postCommission', {
        taskQueue: 'refunds',
        workflowId: 'commission:wrong',
        args: [{ sourceId: 'x' }],
      }),
    ).rejects.toMatchObject({ cause: { type: 'InvalidInput' } })
  })
}, 60_000)
