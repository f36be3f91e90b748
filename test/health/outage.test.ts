/** How a round goes on through an outage, on a server that skips time: from the round that finds it, a canary asks until it is over. */
import type { TestWorkflowEnvironment } from '@temporalio/testing'
import { Worker } from '@temporalio/worker'
import { createLog } from '../../platform/log.ts'
import { workflowBundle } from '../../workers/bundle.ts'
import { temporalLogger } from '../../workers/runtime-log.ts'
import type { checkHealth } from '../../workflows/check-health.ts'
import { createTimeSkippingEnvironment } from '../harness/temporal.ts'
import { installTestRuntime } from '../harness/worker.ts'

let env: TestWorkflowEnvironment

beforeAll(async () => {
  installTestRuntime()
  env = await createTimeSkippingEnvironment()
}, 120_000)
afterAll(() => env?.teardown())

/** A provider that answers from the nth canary on; two good ones in a row open its lanes. */
async function runThrough({ backAt, paused = false }: { backAt: number; paused?: boolean }) {
  const story: string[] = []
  let isDown = true
  let canaries = 0
  const note = (what: string) => void story.push(what)
  const activities = {
    startHealthRound: async () => ({ providerName: 'Acme', paused, since: new Date(0).toISOString() }),
    checkHealthSlice: async () => {
      note('look')
      return { next: null, looked: 3, probed: 3, bad: isDown ? 3 : 0, changed: 0 }
    },
    judgeHealthRound: async () => ({
      ...{ state: isDown ? 'down' : 'healthy', culprit: isDown ? 'provider' : null, reason: null },
      ...{ paused: isDown, counts: { [isDown ? 'down' : 'healthy']: 3 } },
    }),
    askCanary: async () => {
      note('canary')
      canaries++
      const ok = canaries >= backAt
      isDown = canaries <= backAt
      return { paused: isDown, ok, reason: ok ? 'a probe got through' : 'no answer' }
    },
  }
  const bundle = await workflowBundle({ logger: temporalLogger(createLog('test', 'silent')) })
  const shared = { connection: env.nativeConnection, activities, maxCachedWorkflows: 0 }
  const hub = await Worker.create({ ...shared, taskQueue: 'outage', workflowBundle: bundle })
  const provider = await Worker.create({ ...shared, taskQueue: 'outage-acme' })
  const workflowId = `outage-${backAt}-${paused}`
  const result = await hub.runUntil(
    provider.runUntil(async () => {
      const handle = await env.client.workflow.start<typeof checkHealth>('checkHealth', {
        ...{ workflowId, taskQueue: 'outage', args: [{ provider: 'acme', everySeconds: 300 }] },
      })
      const found = await handle.result()
      const { startTime, closeTime } = await handle.describe()
      return { found, seconds: ((closeTime?.getTime() ?? 0) - startTime.getTime()) / 1000 }
    }),
  )
  return { ...result, story }
}

it('asks in the run that finds it, twice a minute, and looks at all again when it is over', async () => {
  const { found, seconds, story } = await runThrough({ backAt: 3 })
  expect(story).toEqual(['look', 'canary', 'canary', 'canary', 'canary', 'look'])
  expect(found).toEqual({ provider: 'acme', state: 'healthy', looked: 3, probed: 3, bad: 0, changed: 0 })
  // Two pauses of half a minute, and the short one before the second look.
  expect(seconds).toBeGreaterThan(64)
  expect(seconds).toBeLessThan(75)
}, 60_000)

it('leaves what lasts longer than a round to the next one, which goes on with its canary at once', async () => {
  const lasting = await runThrough({ backAt: 100 })
  expect(lasting.found).toMatchObject({ state: 'down', bad: 3 })
  expect(lasting.story.filter((what) => what === 'canary')).toHaveLength(11)
  expect(lasting.seconds).toBeLessThan(310)
  const next = await runThrough({ backAt: 1, paused: true })
  expect(next.story).toEqual(['canary', 'canary', 'look'])
  expect(next.found).toMatchObject({ state: 'healthy' })
}, 60_000)
