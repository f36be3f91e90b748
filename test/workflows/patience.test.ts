/**
 * How long a sync waits, on a server that skips time. The activities are scripted here: what is shown is the workflow's
 * own decisions, which no real provider would take a day to provoke.
 */
import type { TestWorkflowEnvironment } from '@temporalio/testing'
import { Worker } from '@temporalio/worker'
import { ApplicationFailure } from '@temporalio/common'
import { createLog } from '../../platform/log.ts'
import { workflowBundle } from '../../workers/bundle.ts'
import { temporalLogger } from '../../workers/runtime-log.ts'
import type { syncConnection } from '../../workflows/sync-connection.ts'
import { createTimeSkippingEnvironment } from '../harness/temporal.ts'
import { installTestRuntime } from '../harness/worker.ts'

const none = {
  pages: 0,
  scanned: 0,
  created: 0,
  updated: 0,
  unchanged: 0,
  deleted: 0,
  stale: 0,
  quarantined: 0,
  retried: 0,
}
const hour = 3_600_000
let env: TestWorkflowEnvironment

beforeAll(async () => {
  installTestRuntime()
  env = await createTimeSkippingEnvironment()
}, 120_000)
afterAll(() => env?.teardown())

type Step = { state: 'more' | 'done' } | { state: 'wait'; afterMs: number } | { fails: string }

/** Runs a sync whose slices go as scripted (the last step again and again) and tells how it ended and how long it took. */
async function runScript(name: string, script: readonly Step[]) {
  const queue = `patience-${name}`
  const failed: string[] = []
  const steps = [...script]
  const slice = async () => {
    const step = steps.length > 1 ? steps.shift() : steps[0]
    if (!step || 'fails' in step)
      throw ApplicationFailure.create({
        message: 'scripted',
        type: step?.fails ?? 'Internal',
        nonRetryable: true,
      })
    const progress = { ...none, pages: step.state === 'wait' ? 0 : 1, expected: null }
    const now = await env.currentTimeMs()
    return step.state === 'wait'
      ? { state: 'wait', until: new Date(now + step.afterMs).toISOString(), reason: 'RateLimited', progress }
      : { state: step.state, progress }
  }
  const activities = {
    openRun: async () => ({
      runId: 'run_1',
      provider: 'acme',
      providerName: 'Acme',
      connectionName: 'C',
      accountId: 'acc_1',
      partnerId: 'par_1',
      mode: 'incremental',
      dryRun: false,
      resources: [{ name: 'things', state: 'waiting' }],
    }),
    closeRun: async () => ({ outcome: failed.length > 0 ? 'failed' : 'succeeded', ...none }),
    failResource: async (input: { failure: { code: string } }) => void failed.push(input.failure.code),
    noteRunState: async () => undefined,
  }
  const workflowBundleOptions = await workflowBundle({ logger: temporalLogger(createLog('test', 'silent')) })
  const hub = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: queue,
    workflowBundle: workflowBundleOptions,
    activities,
  })
  const provider = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: `${queue}-acme`,
    activities: {
      syncSlice: slice,
      finishResource: async () => ({ state: 'done', progress: { ...none, expected: null } }),
    },
  })
  const work = env.client.workflow.execute<typeof syncConnection>('syncConnection', {
    taskQueue: queue,
    workflowId: queue,
    args: [{ connectionId: 'con_1' }],
  })
  const outcome = await provider.runUntil(
    hub.runUntil(
      work.then(
        (result) => result.outcome,
        () => 'failed',
      ),
    ),
  )
  return { outcome, failed, hours: await hoursOf(queue) }
}

/** From the history: between two workflows the server's clock jumps as it likes. */
async function hoursOf(workflowId: string): Promise<number> {
  const { events } = await env.client.workflow.getHandle(workflowId).fetchHistory()
  const times = (events ?? []).map(({ eventTime }) => Number(eventTime?.seconds ?? 0))
  return (Math.max(...times) - Math.min(...times)) / 3_600
}

describe('the patience of a sync', () => {
  it('waits hours for a provider that asks for it, without holding a worker', async () => {
    const { outcome, hours } = await runScript('quota', [
      { state: 'more' },
      { state: 'wait', afterMs: 9 * hour },
      { state: 'done' },
    ])
    expect(outcome).toBe('succeeded')
    expect(hours).toBeGreaterThan(8.9)
  })

  it('rides out an outage of some hours, ever less often', async () => {
    const outage: Step[] = Array.from({ length: 20 }, () => ({ fails: 'Unavailable' }))
    const { outcome, hours } = await runScript('outage', [{ state: 'more' }, ...outage, { state: 'done' }])
    expect(outcome).toBe('succeeded')
    expect(hours).toBeGreaterThan(1)
  })

  it('gives a resource up after half a day without progress, and says why', async () => {
    const { outcome, failed, hours } = await runScript('down', [{ fails: 'Unavailable' }])
    expect([outcome, failed]).toEqual(['failed', ['Unavailable']])
    expect(hours).toBeGreaterThan(12)
    expect(hours).toBeLessThan(13)
  })

  it('does not wait for what no time mends', async () => {
    const { outcome, failed, hours } = await runScript('refused', [{ fails: 'Unauthorized' }])
    expect([outcome, failed]).toEqual(['failed', ['Unauthorized']])
    expect(hours).toBeLessThan(0.1)
  })
})
