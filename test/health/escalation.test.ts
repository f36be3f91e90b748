/**
 * An outage and nobody answers: the workflow, its activities and a mail server as they are, on a Temporal server that skips time. What
 * the activities take for now is the server's time.
 */
import type { TestWorkflowEnvironment } from '@temporalio/testing'
import { Worker } from '@temporalio/worker'
import { createAlertActivities } from '../../activities/alerts.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { getIncident, listIncidentEntries, resolveProblem } from '../../db/incidents.ts'
import type { Clock } from '../../platform/clock.ts'
import { createLog } from '../../platform/log.ts'
import { workflowBundle } from '../../workers/bundle.ts'
import { temporalLogger } from '../../workers/runtime-log.ts'
import type { escalateIncident } from '../../workflows/escalate-incident.ts'
import { acknowledgeUpdate, snoozeUpdate, wakeSignal } from '../../workflows/messages.ts'
import { happens, makeChannel, makeEscalation, makePolicy } from '../harness/alert-bench.ts'
import { startMailSink, type MailSink } from '../harness/mail-sink.ts'
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts'
import { createTimeSkippingEnvironment } from '../harness/temporal.ts'
import { createTestHub, type TestHub } from '../harness/worker.ts'

const minute = 60_000
const taskQueue = 'escalation'
let env: TestWorkflowEnvironment
let database: TestDatabase
let hub: TestHub
let deps: ActivityDeps
let sink: MailSink
let stop: () => Promise<void>

let ahead = 0
const clock: Clock = { now: () => new Date(Date.now() + ahead), sleep: () => Promise.resolve() }
const follow = async (): Promise<void> => {
  ahead = (await env.currentTimeMs()) - Date.now()
}
/** An activity that looks at the server's time first. */
const timely =
  <I, O>(work: (input: I) => Promise<O>) =>
  async (input: I): Promise<O> => {
    await follow()
    return await work(input)
  }

beforeAll(async () => {
  database = await createTestDatabase()
  hub = await createTestHub({ database: database.database, providers: [], startWorkers: false })
  sink = await startMailSink()
  env = await createTimeSkippingEnvironment()
  const config = { ...hub.deps.config, mail: { smtpUrl: sink.url, from: 'Tieline <alerts@hub.example>' } }
  deps = { ...hub.deps, clock, config, wakeIncident: () => Promise.resolve() }
  const own = createAlertActivities(deps)
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle: await workflowBundle({ logger: temporalLogger(createLog('test', 'silent')) }),
    activities: {
      evaluateAlerts: timely(own.evaluateAlerts),
      planAlerts: timely(own.planAlerts),
      sendAlerts: timely(own.sendAlerts),
      actOnIncident: timely(own.actOnIncident),
    },
  })
  const running = worker.run()
  stop = async () => {
    worker.shutdown()
    await running
  }
}, 120_000)
afterAll(async () => {
  await stop?.()
  await env?.teardown()
  await sink?.close()
  await hub?.close()
  await database?.drop()
})

/** A provider with two levels: the first is told twice, ten minutes apart, the second after that. */
async function ladder(provider: string) {
  const first = await makeChannel(deps, `First of ${provider}`, 'email', {
    to: [`first@${provider}.example`],
  })
  const second = await makeChannel(deps, `Second of ${provider}`, 'email', {
    to: [`second@${provider}.example`],
  })
  const escalationId = await makeEscalation(deps, [
    { channels: [first], waitMinutes: 10, repeats: 1 },
    { channels: [second], waitMinutes: 10, repeats: 0 },
  ])
  // The policy out of the box tells nobody: it has no channel but these.
  await database.database.db
    .updateTable('alertPolicies')
    .set({ enabled: false })
    .where('createdBy', '=', 'tieline')
    .execute()
  await makePolicy(deps, { provider, escalationId })
  const incidentId = await happens(deps, provider)
  const evaluate = () =>
    env.client.workflow.execute('evaluateAlerts', {
      taskQueue,
      workflowId: `alerts:${Math.random()}`,
      args: [],
    })
  expect(await evaluate()).toMatchObject({ followed: 1 })
  const handle = await env.client.workflow.start<typeof escalateIncident>('escalateIncident', {
    taskQueue,
    workflowId: `incident:${incidentId}`,
    args: [{ incidentId }],
  })
  const mails = () => sink.mails.filter(({ to }) => to.some((one) => one.endsWith(`@${provider}.example`)))
  return { incidentId, handle, evaluate, mails, who: () => mails().map(({ to }) => to[0]?.split('@')[0]) }
}

const entries = async (incidentId: string) =>
  (await listIncidentEntries(database.database.db, incidentId)).map(({ kind }) => kind)

describe('an outage that nobody answers', () => {
  it('is told once, again, then to the next level; resolves alone, and everybody hears of it', async () => {
    const { incidentId, handle, who, mails } = await ladder('alpha')
    await env.sleep(minute)
    expect(who()).toEqual(['first'])
    expect(mails()[0]).toMatchObject({ subject: '[New] alpha is down' })
    expect(mails()[0]?.raw).toContain(`tieline incidents show ${incidentId}`)
    await env.sleep(10 * minute)
    expect(who()).toEqual(['first', 'first'])
    await env.sleep(10 * minute)
    expect(who()).toEqual(['first', 'first', 'second'])
    expect(mails()[2]?.raw).toContain('level 2')
    // Everybody has been told; nothing more is sent.
    await env.sleep(300 * minute)
    expect(who()).toHaveLength(3)
    await resolveProblem(database.database.db, 'outage:alpha', {
      actor: 'test',
      resolution: 'It answers again.',
    })
    await handle.signal(wakeSignal)
    expect(await handle.result()).toMatchObject({ state: 'resolved', sent: 5 })
    expect(who().slice(3).sort()).toEqual(['first', 'second'])
    expect(mails()[4]?.subject).toBe('[Resolved] alpha is down')
    expect(await entries(incidentId)).toEqual([
      ...['opened', 'told', 'escalated', 'told', 'escalated', 'told', 'resolved', 'told', 'told'],
    ])
  }, 120_000)
})

describe('an answer', () => {
  it('stops it; a snooze does until its end; nonsense is refused', async () => {
    const { incidentId, handle, who } = await ladder('beta')
    await env.sleep(minute)
    await expect(handle.executeUpdate(snoozeUpdate, { args: [{ minutes: 0 }] })).rejects.toThrow()
    await handle.executeUpdate(snoozeUpdate, { args: [{ minutes: 90, by: 'jo' }] })
    await env.sleep(80 * minute)
    expect(who()).toEqual(['first'])
    await env.sleep(11 * minute)
    expect(who()).toEqual(['first', 'first'])
    expect(await handle.executeUpdate(acknowledgeUpdate, { args: [{ by: 'jo' }] })).toMatchObject({
      state: 'acknowledged',
    })
    await env.sleep(600 * minute)
    expect(who()).toEqual(['first', 'first'])
    expect(await getIncident(database.database.db, incidentId)).toMatchObject({
      ...{ state: 'acknowledged', acknowledgedBy: 'jo' },
    })
    await resolveProblem(database.database.db, 'outage:beta', { actor: 'test', resolution: 'Over.' })
    await handle.signal(wakeSignal)
    await handle.result()
    expect(who()).toEqual(['first', 'first', 'first'])
  }, 120_000)
})

describe('a provider that flaps', () => {
  it('is one incident, one message that it is down, one that it is over', async () => {
    const { incidentId, handle, mails } = await ladder('gamma')
    const { db } = database.database
    await env.sleep(minute / 2)
    for (let n = 0; n < 4; n++) {
      await resolveProblem(db, 'outage:gamma', { actor: 'test', resolution: 'Over.' })
      await handle.signal(wakeSignal)
      await env.sleep(minute / 4)
      expect(await happens(deps, 'gamma')).toBe(incidentId)
      await handle.signal(wakeSignal)
      await env.sleep(minute / 4)
    }
    await resolveProblem(db, 'outage:gamma', { actor: 'test', resolution: 'Over.' })
    await handle.signal(wakeSignal)
    await handle.result()
    expect(mails().map(({ subject }) => subject)).toEqual(['[New] gamma is down', '[Resolved] gamma is down'])
  }, 120_000)
})

it('an incident that there is not is refused', async () => {
  const run = env.client.workflow.execute('escalateIncident', {
    taskQueue,
    workflowId: 'incident:none',
    args: [{ incidentId: 'inc_01KAT0000000000000000000AA' }],
  })
  await expect(run).rejects.toMatchObject({ cause: { type: 'InvalidInput' } })
})
