/** Metrics over time, live status and reviews, over HTTP. */
import { sql } from 'kysely'
import { createCallStats } from '../../db/call-stats.ts'
import { addHealthChanges } from '../../db/health.ts'
import { putProviderHealth } from '../../db/provider-health.ts'
import { openIncident, resolveProblem } from '../../db/incidents.ts'
import { reviewKinds } from '../../model/reviews.ts'
import { beginOf } from '../../model/series.ts'
import { adminToken, startTestApi, until, type TestApi } from '../harness/api.ts'

let api: TestApi
let connection: { connectionId: string; provider: string }

beforeAll(async () => {
  api = await startTestApi()
  connection = await api.connect()
}, 120_000)
afterAll(() => api?.close())

const db = () => api.database.database.db
const hourMs = 3_600_000

interface Series {
  readonly times: string[]
  readonly series: { readonly key: string | null; readonly values: (number | null)[] }[]
}
const series = async (query: string): Promise<Series> => {
  const answer = await api.request('GET', `/admin/v1/metrics/series?${query}`)
  expect([answer.status, query]).toEqual([200, query])
  return answer.body as Series
}

describe('metrics over time', () => {
  const hour = beginOf('hour', new Date(Date.now() - 3 * hourMs))
  const range = `from=${hour.toISOString()}&to=${new Date(hour.getTime() + 3 * hourMs).toISOString()}`

  beforeAll(async () => {
    const stats = createCallStats(db())
    const found = await sql<{ partnerId: string }>`select partner_id from connections limit 1`.execute(db())
    const owner = { ...connection, partnerId: found.rows[0]?.partnerId ?? '' }
    for (const [offset, group, outcome] of [
      [0, 'support', 'ok'],
      [0, 'support', 'Unavailable'],
      [2, 'export', 'ok'],
    ] as const)
      stats.count(owner, {
        ...{ at: new Date(hour.getTime() + offset * hourMs), group, outcome, attempt: 1 },
        ...{ durationMs: 80, bytes: 100, waitedMs: 250 },
      })
    await stats.close()
  })

  it('has a value for each time, and null where nothing was measured', async () => {
    const calls = await series(`metric=calls&provider=${connection.provider}&${range}`)
    expect(calls.times).toHaveLength(3)
    expect(calls.times[0]).toBe(hour.toISOString())
    expect(calls.series).toEqual([{ key: null, values: [2, null, 1] }])
    const { connectionId } = connection
    expect((await series(`metric=errorPercent&connectionId=${connectionId}&${range}`)).series).toEqual([
      { key: null, values: [50, null, 0] },
    ])
    expect((await series(`metric=rateLimitWaitMs&by=group&${range}`)).series).toEqual([
      { key: 'support', values: [500, null, null] },
      { key: 'export', values: [null, null, 250] },
    ])
    const p95 = (await series(`metric=p95Ms&group=export&${range}`)).series[0]?.values ?? []
    expect(p95.slice(0, 2)).toEqual([null, null])
    expect(p95[2]).toBeGreaterThan(50)
    for (const metric of ['runs', 'records', 'webhookEvents', 'delivered'])
      expect((await series(`metric=${metric}&step=day`)).series[0]?.values).toHaveLength(31)
  })

  it('tells the uptime of a provider by what was written down: half an hour down is half an hour', async () => {
    const change = (minutes: number, state: string) =>
      sql`insert into health_changes (created_at, subject, provider, state) values (${new Date(hour.getTime() + minutes * 60_000)},
        'provider:hubspot', 'hubspot', ${state})`.execute(db())
    await change(30, 'healthy')
    await change(75, 'down')
    await change(105, 'healthy')
    const uptime = await series(`metric=uptimePercent&provider=hubspot&${range}`)
    expect(uptime.series).toEqual([{ key: null, values: [100, 50, 100] }])
    const month = await series(`metric=uptimePercent&provider=hubspot&step=month`)
    expect(month.series[0]?.values.at(-1)).toBeLessThan(100)
  })

  it.each([
    ['metric=nothing', '/metric'],
    ['metric=calls&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', '/from'],
    ['metric=calls&from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', '/from'],
    ['metric=calls&provider=nobody', '/provider'],
    ['metric=runs&group=support', '/group'],
    ['metric=uptimePercent', '/provider'],
    ['metric=delivered&provider=hubspot', '/metric'],
  ])('says what is wrong with %s', async (query, pointer) => {
    const answer = await api.request('GET', `/admin/v1/metrics/series?${query}`)
    expect(answer).toMatchObject({ status: 400, body: { code: 'InvalidInput', errors: [{ pointer }] } })
  })
})

/** Reads server-sent events. */
async function read(lastEventId?: string) {
  const stop = new AbortController()
  const response = await fetch(`${api.url}/admin/v1/health/stream`, {
    headers: {
      Authorization: `Bearer ${adminToken}`,
      ...(lastEventId ? { 'Last-Event-ID': lastEventId } : {}),
    },
    signal: stop.signal,
  })
  const events: { id: string; event: string; data: Record<string, unknown> }[] = []
  let text = ''
  const reading = (async () => {
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString()
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const part = text.slice(0, end)
        text = text.slice(end + 2)
        const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? ''
        if (field('data') !== '')
          events.push({
            id: field('id'),
            event: field('event'),
            data: JSON.parse(field('data')) as Record<string, unknown>,
          })
      }
    }
  })().catch(() => undefined)
  return { response, events, ended: reading, stop: () => stop.abort() }
}

const health = (state: 'healthy' | 'down') =>
  putProviderHealth(db(), {
    ...{ provider: 'zendesk', state, culprit: null, reason: null, paused: false, nextProbeAt: null },
    ...{ badInRow: 0, goodInRow: 0, counts: {} },
  })

describe('the live status', () => {
  it('begins with everything, tells what changes, and goes on after the last event that was read', async () => {
    await health('healthy')
    const first = await read()
    expect(first.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    await until(
      async () => first.events.length,
      (n) => n === 1,
    )
    expect(first.events[0]).toMatchObject({ event: 'snapshot', data: { incidents: [] } })
    await health('down')
    await until(
      async () => first.events.length,
      (n) => n === 2,
    )
    expect(first.events[1]).toMatchObject({ event: 'provider', data: { provider: 'zendesk', state: 'down' } })
    first.stop()
    // Meanwhile somebody else reads on, so that changes are looked for.
    const other = await read()
    const { incident } = await openIncident(db(), 'test', {
      ...{ dedupeKey: 'outage:zendesk', kind: 'outage', severity: 'critical', title: 'Out', summary: '' },
    })
    await until(
      async () => other.events.length,
      (n) => n === 2,
    )
    const again = await read(first.events[1]?.id)
    await until(
      async () => again.events.length,
      (n) => n === 1,
    )
    expect(again.events[0]).toMatchObject({
      event: 'incident',
      data: { incidentId: incident.incidentId, state: 'open' },
    })
    await resolveProblem(db(), 'outage:zendesk', { actor: 'test', resolution: 'mended' })
    await until(
      async () => again.events.length,
      (n) => n === 2,
    )
    expect(again.events[1]).toMatchObject({ event: 'incident', data: { state: 'resolved' } })
    // An id of another process says nothing: everything is told.
    const stranger = await read('00000000-7')
    await until(
      async () => stranger.events.length,
      (n) => n === 1,
    )
    expect(stranger.events[0]).toMatchObject({ event: 'snapshot', data: { incidents: [] } })
    const tooMany = await api.request('GET', '/admin/v1/health/stream')
    expect(tooMany).toMatchObject({ status: 429, body: { code: 'TooManyRequests' } })
    for (const one of [other, again, stranger]) one.stop()
    const metric = async () => (await api.request('GET', '/metrics')).body as string
    await until(metric, (text) => text.includes('tieline_live_streams 0'))
  })

  it('ends when the process stops, and refuses who comes then', async () => {
    const reader = await read()
    await until(
      async () => reader.events.length,
      (n) => n === 1,
    )
    await api.deps.live.close()
    await reader.ended
    expect(await api.request('GET', '/admin/v1/health/stream')).toMatchObject({ status: 503 })
  })
})

describe('what Prometheus reads', () => {
  it('has the state of each provider, budgets and ages, and never an id', async () => {
    await health('down')
    await addHealthChanges(db(), [
      {
        ...{
          subject: 'provider:zendesk',
          provider: 'zendesk',
          partnerId: null,
          connectionId: null,
          was: 'healthy',
        },
        ...{ state: 'down', culprit: 'provider' as const, reason: null },
      },
    ])
    const text = (await api.request('GET', '/metrics')).body as string
    expect(text).toContain('tieline_provider_state{provider="zendesk",state="down"} 1')
    expect(text).toMatch(/tieline_error_budget_left_ratio\{provider="zendesk"\} (1|0\.99\d+)/)
    expect(text).toContain('tieline_worker_polling 1')
    expect(text).not.toMatch(/(con|acc|par|run|key|inc)_[0-9A-HJKMNP-TV-Z]{26}/)
  })
})

describe('reviews', () => {
  it.each(reviewKinds)('%s is made on demand, listed, and readable by people and programs', async (kind) => {
    const started = await api.request('POST', '/admin/v1/reviews', { body: { kind } })
    expect(started.status).toBe(202)
    const list = async () =>
      ((await api.request('GET', `/admin/v1/reviews?kind=${kind}`)).body as { items: { reviewId: string }[] })
        .items
    const [brief] = await until(list, (items) => items.length > 0)
    const shown = await api.request('GET', `/admin/v1/reviews/${brief?.reviewId}`)
    expect(shown).toMatchObject({ status: 200, body: { kind, result: expect.any(Object) as object } })
    expect((shown.body as { markdown: string }).markdown).toMatch(/^# /)
  })

  it('of security names keys that are old, unused, wide', async () => {
    const { keyId } = await api.key()
    await sql`update api_keys set created_at = now() - interval '200 days' where key_id = ${keyId}`.execute(
      db(),
    )
    await api.request('POST', '/admin/v1/reviews', { body: { kind: 'security' } })
    const list = async () =>
      (
        (await api.request('GET', '/admin/v1/reviews?kind=security')).body as {
          items: { reviewId: string; verdict: string }[]
        }
      ).items
    const [review] = await until(list, (items) => items.length > 1)
    expect(review).toMatchObject({ verdict: 'act' })
    const { body } = await api.request('GET', `/admin/v1/reviews/${review?.reviewId}`)
    expect(body).toMatchObject({ result: { keys: [{ keyId, isOld: true, isUnused: true, isWide: true }] } })
    expect((body as { markdown: string }).markdown).toContain('1 key older than 180 days')
  })
})
