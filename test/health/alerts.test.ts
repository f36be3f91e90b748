/** What is told to whom: groups, quiet hours, maintenance, channels that are down, clocks that go back. Steps as the workflow does them. */
import { sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { getChannel } from '../../db/alert-channels.ts'
import { listAlerts } from '../../db/alert-deliveries.ts'
import { actOnIncident } from '../../db/incident-acts.ts'
import { listIncidentEntries, listIncidents, openIncident, resolveProblem } from '../../db/incidents.ts'
import { insertWindow } from '../../db/maintenance.ts'
import { newId } from '../../platform/new-id.ts'
import { newSigningSecret } from '../../platform/secrets/webhook-signing.ts'
import { happens, makeChannel, makeEscalation, makePolicy, startAlertBench } from '../harness/alert-bench.ts'
import { startMailSink, type MailSink } from '../harness/mail-sink.ts'
import { startReceiver } from '../harness/receiver.ts'

let bench: Awaited<ReturnType<typeof startAlertBench>>
let sink: MailSink
const hour = 3_600_000

beforeAll(async () => {
  bench = await startAlertBench()
  sink = await startMailSink()
  await sql`update alert_policies set enabled = false`.execute(bench.db)
}, 60_000)
afterAll(async () => {
  await sink?.close()
  await bench?.close()
})

/** A channel to the sink, under a name of its own. */
const mailbox = (name: string) =>
  makeChannel(bench.deps, name, 'email', {
    to: [`${name}@x.example`],
    smtpUrl: sink.url,
    from: 'hub@x.example',
  })
const mailsTo = (name: string) => sink.mails.filter(({ to }) => to.includes(`${name}@x.example`))
const over = (provider: string) =>
  resolveProblem(bench.db, `outage:${provider}`, { actor: 'test', resolution: 'Over.' })
const entries = async (incidentId: string) =>
  (await listIncidentEntries(bench.db, incidentId)).map(({ kind }) => kind)

describe('out of the box', () => {
  it('without a channel nothing is lost: kept, shown, and told as soon as there is one', async () => {
    await makePolicy(bench.deps, { provider: 'plain', name: 'Default' })
    const incidentId = await happens(bench.deps, 'plain')
    expect((await bench.evaluate()).woken).toEqual([incidentId])
    const plan = await bench.turn(incidentId)
    expect(plan).toMatchObject({ ended: false, hasDue: false })
    expect(await entries(incidentId)).toEqual(['opened', 'not_told'])
    await mailbox('plain')
    bench.advance(6 * 60_000)
    await bench.turn(incidentId)
    expect(mailsTo('plain')).toHaveLength(1)
    await over('plain')
    await sql`update alert_channels set state = 'disabled'`.execute(bench.db)
  })
})

describe('many at once', () => {
  it('forty incidents of one cause are one message; what is done to the first is done to all', async () => {
    const channel = await mailbox('many')
    await makePolicy(bench.deps, { provider: 'many', channels: [channel] })
    const ids: string[] = []
    for (let n = 0; n < 40; n++)
      ids.push(
        await happens(bench.deps, 'many', {
          dedupeKey: `connection:many:${n}`,
          kind: 'connection',
          title: `Connection ${n}`,
        }),
      )
    const { result, woken } = await bench.evaluate()
    expect(result.followed).toBe(40)
    expect(woken.filter((id) => ids.includes(id))).toEqual([ids[0]])
    const [first = ''] = ids
    await bench.turn(first)
    expect(mailsTo('many')).toHaveLength(1)
    expect(mailsTo('many')[0]?.subject).toContain('(and 39 more)')
    expect((await bench.evaluate()).woken.filter((id) => ids.includes(id))).toEqual([])
    await actOnIncident(bench.db, { incidentId: first, act: { kind: 'acknowledge' }, actor: 'jo' })
    const states = await listIncidents(bench.db, { provider: 'many', limit: 100 })
    expect(new Set(states.map(({ state }) => state))).toEqual(new Set(['acknowledged']))
    bench.advance(5 * hour)
    await bench.turn(first)
    expect(mailsTo('many')).toHaveLength(1)
  }, 30_000)
})

describe('peace', () => {
  it('quiet hours hold a warning until they end, and let what is critical through', async () => {
    const channel = await mailbox('quiet')
    const now = bench.deps.clock.now()
    const text = (hours: number) => new Date(now.getTime() + hours * hour).toISOString().slice(11, 16)
    const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const
    const quietHours = { timeZone: 'UTC', windows: [{ days, from: text(-2), to: text(3) }] }
    await makePolicy(bench.deps, { provider: 'quiet', channels: [channel], quietHours })
    const soft = await happens(bench.deps, 'quiet', { severity: 'warning', dedupeKey: 'quiet:soft' })
    const hard = await happens(bench.deps, 'quiet', { severity: 'critical', dedupeKey: 'quiet:hard' })
    await bench.evaluate()
    const plan = await bench.turn(soft)
    expect(plan.waitMs).toBeGreaterThan(2 * hour)
    expect(mailsTo('quiet')).toHaveLength(0)
    await bench.turn(hard)
    expect(mailsTo('quiet')).toHaveLength(1)
    bench.advance(3 * hour + 60_000)
    await bench.turn(soft)
    expect(mailsTo('quiet')).toHaveLength(2)
  })

  it('maintenance holds everything; what is still open then is told when it ends', async () => {
    const channel = await mailbox('works')
    await makePolicy(bench.deps, { provider: 'works', channels: [channel] })
    const now = bench.deps.clock.now()
    await insertWindow(bench.db, {
      ...{
        windowId: newId('maintenance'),
        partnerId: null,
        provider: 'works',
        connectionId: null,
        reason: 'x',
      },
      ...{
        startsAt: new Date(now.getTime() - hour),
        endsAt: new Date(now.getTime() + hour),
        createdBy: 'test',
      },
    })
    const incidentId = await happens(bench.deps, 'works')
    await bench.evaluate()
    await bench.turn(incidentId)
    expect(mailsTo('works')).toHaveLength(0)
    bench.advance(hour + 60_000)
    await bench.turn(incidentId)
    expect(mailsTo('works')).toHaveLength(1)
  })
})

describe('a channel that is down', () => {
  it('loses nothing: the next level is told that it is, and when it is back it hears how things are, once', async () => {
    const dead = await makeChannel(bench.deps, 'Dead box', 'slack', { url: 'http://127.0.0.1:1/hook' })
    const alive = await mailbox('alive')
    const escalationId = await makeEscalation(bench.deps, [
      { channels: [dead], waitMinutes: 600, repeats: 0 },
      { channels: [alive], waitMinutes: 600, repeats: 0 },
    ])
    await makePolicy(bench.deps, { provider: 'dead', escalationId })
    const incidentId = await happens(bench.deps, 'dead')
    await bench.evaluate()
    for (let n = 0; n < 3; n++) {
      await bench.turn(incidentId)
      bench.advance(31_000)
    }
    expect(mailsTo('alive')).toHaveLength(1)
    expect(mailsTo('alive')[0]?.raw).toContain('Not reached: Dead box')
    expect(await getChannel(bench.db, dead)).toMatchObject({ downSince: expect.any(Date) as Date })
    const open = await listIncidents(bench.db, { state: 'unresolved', limit: 100 })
    expect(open.map(({ dedupeKey }) => dedupeKey)).toContain(`channel:${dead}`)
    // Hours later it takes messages again.
    await over('dead')
    const receiver = await startReceiver()
    const { sealChannel, updateChannel } = await import('../../db/alert-channels.ts')
    await updateChannel(bench.db, dead, {
      sealed: await sealChannel(bench.db, bench.deps.vault, dead, { url: receiver.url }),
    })
    bench.advance(3 * hour)
    await bench.turn(incidentId)
    bench.advance(2 * 60_000)
    expect(await bench.turn(incidentId)).toMatchObject({ ended: true })
    expect(receiver.received.length).toBeGreaterThanOrEqual(1)
    expect(receiver.received.at(-1)?.body).toContain('[Resolved] dead is down')
    expect(await getChannel(bench.db, dead)).toMatchObject({ downSince: null, lastError: null })
    expect(await listAlerts(bench.db, { incidentId, state: 'waiting', limit: 10 })).toEqual([])
    await receiver.close()
  }, 30_000)

  it('a worker that dies while it sends loses nothing: another sends it again', async () => {
    const channel = await mailbox('killed')
    await makePolicy(bench.deps, { provider: 'killed', channels: [channel] })
    const incidentId = await happens(bench.deps, 'killed')
    await bench.evaluate()
    const { planAlerts } = await import('../../activities/incident-plan.ts')
    const { claimAlerts } = await import('../../db/alert-deliveries.ts')
    await planAlerts(bench.deps, { incidentId })
    const lease = { now: bench.deps.clock.now(), leaseMs: 90_000, limit: 10 }
    expect(await claimAlerts(bench.db, incidentId, lease)).toHaveLength(1)
    expect(await claimAlerts(bench.db, incidentId, lease)).toHaveLength(0)
    bench.advance(4 * 60_000)
    expect((await bench.evaluate()).woken).toContain(incidentId)
    await bench.turn(incidentId)
    expect(mailsTo('killed')).toHaveLength(1)
  })
})

describe('clocks that go back', () => {
  it('put nothing off', async () => {
    const channel = await mailbox('clock')
    const escalationId = await makeEscalation(bench.deps, [
      { channels: [channel], waitMinutes: 10, repeats: 2 },
    ])
    await makePolicy(bench.deps, { provider: 'clock', escalationId })
    const incidentId = await happens(bench.deps, 'clock')
    await bench.evaluate()
    await bench.turn(incidentId)
    bench.advance(-12 * hour)
    const plan = await bench.turn(incidentId)
    expect(plan.waitMs).toBeLessThanOrEqual(10 * 60_000)
    expect((await bench.evaluate()).woken).not.toContain(incidentId)
    bench.advance(10 * 60_000 + 1000)
    await bench.turn(incidentId)
    expect(mailsTo('clock')).toHaveLength(2)
    bench.advance(12 * hour)
  })
})

describe('what channels are sent', () => {
  it('a webhook is signed, and PagerDuty opens, acknowledges and resolves one incident', async () => {
    const receiver = await startReceiver()
    const pager = await startReceiver()
    const { secret } = newSigningSecret('hmac', new Date())
    const hook = await makeChannel(bench.deps, 'Hook', 'webhook', { url: receiver.url, secret })
    const duty = await makeChannel(bench.deps, 'Duty', 'pagerduty', {
      url: pager.url,
      routingKey: 'key-of-a-test',
    })
    await makePolicy(bench.deps, { provider: 'hooks', channels: [hook, duty] })
    const incidentId = await happens(bench.deps, 'hooks')
    await bench.evaluate()
    await bench.turn(incidentId)
    await actOnIncident(bench.db, { incidentId, act: { kind: 'acknowledge' }, actor: 'jo' })
    await bench.turn(incidentId)
    await over('hooks')
    await bench.turn(incidentId)
    bench.advance(2 * 60_000)
    await bench.turn(incidentId)
    const events = pager.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
    expect(events.map((one) => one['event_action'])).toEqual(['trigger', 'acknowledge', 'resolve'])
    expect(new Set(events.map((one) => one['dedup_key']))).toEqual(new Set([`tieline-${incidentId}`]))
    expect(events[0]).toMatchObject({ routing_key: 'key-of-a-test', payload: { severity: 'critical' } })
    expect(receiver.received.map(({ event }) => event.type)).toEqual([
      ...['incident.opened', 'incident.acknowledged', 'incident.resolved'],
    ])
    for (const { body, headers } of receiver.received)
      // By the clock of the test, which is hours ahead: a receiver's library would refuse it as too new.
      expect(
        new Webhook(secret).sign(
          String(headers['webhook-id']),
          new Date(Number(headers['webhook-timestamp']) * 1000),
          body,
        ),
      ).toBe(headers['webhook-signature'])
    await receiver.close()
    await pager.close()
  })
})

describe('conditions', () => {
  const only = async (condition: Parameters<typeof makePolicy>[1]['condition'], provider: string) => {
    const { policyId } = await makePolicy(bench.deps, { provider, ...(condition ? { condition } : {}) })
    return async () =>
      (await bench.evaluate(), await listIncidents(bench.db, { provider, limit: 20 })).map(
        ({ dedupeKey, state }) => [dedupeKey.replace(policyId, 'P'), state],
      )
  }
  const calls = (provider: string, count: number, failed: number) =>
    sql`insert into call_stats (hour, connection_id, call_group, partner_id, provider, calls, failed, latency)
      values (date_trunc('hour', ${bench.deps.clock.now()}::timestamptz), 'con_1', 'g', 'par_1', ${provider}, ${count}, ${failed}, '{}')
      on conflict (hour, connection_id, call_group) do update set calls = excluded.calls, failed = excluded.failed, provider = excluded.provider`.execute(
      bench.db,
    )

  it('errors above the threshold open one incident, which is resolved alone', async () => {
    const look = await only({ kind: 'error_rate', percent: 5 }, 'errors')
    await calls('errors', 1000, 49)
    expect(await look()).toEqual([])
    await calls('errors', 1000, 51)
    expect(await look()).toEqual([['policy:P:errors', 'open']])
    expect(await look()).toEqual([['policy:P:errors', 'open']])
    await calls('errors', 10_000, 51)
    expect(await look()).toEqual([['policy:P:errors', 'resolved']])
  })

  it('a budget that burns in both windows', async () => {
    const look = await only({ kind: 'burn_rate' }, 'burning')
    await calls('burning', 1000, 10)
    expect(await look()).toEqual([])
    await calls('burning', 1000, 20)
    expect(await look()).toEqual([['policy:P:burning', 'open']])
  })

  it('what follows from an outage is told once to who hears of it, and to others as they wish', async () => {
    const look = await only({ kind: 'burn_rate' }, 'failing')
    const other = await makeChannel(bench.deps, 'other', 'webhook', { url: 'http://127.0.0.1:1/' })
    const elsewhere = await makePolicy(bench.deps, {
      ...{ provider: 'failing', condition: { kind: 'error_rate', percent: 5 }, channels: [other] },
    })
    await makePolicy(bench.deps, { provider: 'failing', condition: { kind: 'incident' } })
    await happens(bench.deps, 'failing')
    await calls('failing', 1000, 500)
    const found = async () => (await look()).map(([key]) => key?.replace(elsewhere.policyId, 'E')).sort()
    expect(await found()).toEqual(['outage:failing', 'policy:E:failing'])
    await over('failing')
    // By the clock of this bench.
    await sql`update incidents set resolved_at = ${bench.deps.clock.now()}::timestamptz where dedupe_key = 'outage:failing'`.execute(
      bench.db,
    )
    expect(await found()).toEqual(['outage:failing', 'policy:E:failing'])
    // Hours later it burns again, without an outage.
    bench.advance(3 * hour)
    await calls('failing', 1000, 500)
    expect(await found()).toEqual(['outage:failing', 'policy:E:failing', 'policy:P:failing'])
  })

  it('a state that lasts, dead letters, a quota that runs out', async () => {
    const now = bench.deps.clock.now()
    const look = await only({ kind: 'state', states: ['degraded'], minutes: 30 }, 'limping')
    await sql`insert into provider_health (provider, state, since) values ('limping', 'degraded', ${new Date(now.getTime() - 29 * 60_000)}::timestamptz)`.execute(
      bench.db,
    )
    expect(await look()).toEqual([])
    bench.advance(2 * 60_000)
    expect(await look()).toEqual([['policy:P:limping', 'open']])
    const letters = await only({ kind: 'dead_letters', atLeast: 3 }, 'letters')
    for (let n = 0; n < 3; n++)
      await sql`insert into inbox_events (event_id, request_id, provider, dedupe_key, type, about, state, processed_at)
        values (${`evt_${n}`}, 'hrq_1', 'letters', ${String(n)}, 't', 'changed', 'dead', ${now}::timestamptz)`.execute(
        bench.db,
      )
    expect(await letters()).toEqual([['policy:P:letters', 'open']])
    const quota = await only({ kind: 'quota_forecast', minutes: 60 }, 'quotas')
    await sql`insert into rate_buckets (bucket_key, tokens, capacity, window_ms, refilled_at, counted_at, recent_calls)
      values ('quotas:app:day', 100, 1000, 86400000, ${now}::timestamptz, ${now}::timestamptz, 10000)`.execute(
      bench.db,
    )
    expect(await quota()).toEqual([['policy:P:quotas', 'open']])
  })

  it('one that breaks does not silence the others', async () => {
    const broken = await makePolicy(bench.deps, { name: 'Broken', condition: { kind: 'state', minutes: 5 } })
    await sql`update alert_policies set condition = '{"kind": "state", "minutes": "x"}' where policy_id = ${broken.policyId}`.execute(
      bench.db,
    )
    const look = await only({ kind: 'error_rate', percent: 5 }, 'beside')
    await calls('beside', 1000, 500)
    expect(await look()).toEqual([['policy:P:beside', 'open']])
    expect((await bench.evaluate()).result.failed).toBe(1)
  })
})

it('what verification finds is told by its accuracy', async () => {
  const channel = await mailbox('accuracy')
  await makePolicy(bench.deps, {
    provider: 'accuracy',
    condition: { kind: 'integrity' },
    channels: [channel],
  })
  const found = (key: string, accuracyPercent: number) =>
    openIncident(bench.db, 'verifyIntegrity', {
      ...{ dedupeKey: `integrity:${key}`, kind: 'integrity', severity: 'critical', provider: 'accuracy' },
      ...{ title: 'Data differs', summary: '', details: { accuracyPercent } },
    })
  const { incident: fine } = await found('fine', 99.995)
  const { incident: bad } = await found('bad', 99.9)
  await bench.evaluate()
  await bench.turn(bad.incidentId)
  await bench.turn(fine.incidentId)
  expect(mailsTo('accuracy')).toHaveLength(1)
})
