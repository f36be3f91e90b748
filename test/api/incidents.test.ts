/** Incidents and alerts over the API: answers, links, absurd wishes, tests of channels, what a partner sees. */
import { listIncidentEntries, openIncident } from '../../db/incidents.ts'
import { defaultTenant } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import { startTestApi, type TestApi } from '../harness/api.ts'
import { startMailSink, type MailSink } from '../harness/mail-sink.ts'

let api: TestApi
let sink: MailSink
beforeAll(async () => {
  api = await startTestApi()
  sink = await startMailSink()
}, 120_000)
afterAll(async () => {
  await sink?.close()
  await api?.close()
})

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  api.request('POST', path, { body, headers })
const problem = (answer: { readonly body: unknown }) =>
  answer.body as { errors?: { pointer: string }[]; code?: string }
const pointers = (answer: { readonly body: unknown }) =>
  (problem(answer).errors ?? []).map(({ pointer }) => pointer)

let made = 0
async function happens(partnerId?: string): Promise<string> {
  const { incident } = await openIncident(api.database.database.db, 'test', {
    ...{ dedupeKey: `test:${++made}`, kind: 'outage', severity: 'critical', provider: 'zendesk', partnerId },
    ...{ title: `Problem ${made}`, summary: 'It does not answer.' },
  })
  return incident.incidentId
}

it('an outage is told by mail, answered by its link, and passed on as Markdown', async () => {
  const channel = await post('/admin/v1/alert-channels', {
    ...{ name: 'Night', kind: 'email', to: ['night@x.example'], smtpUrl: sink.url, from: 'hub@x.example' },
  })
  expect(channel.status).toBe(201)
  const { channelId } = (channel.body as { channel: { channelId: string } }).channel
  expect(JSON.stringify(channel.body)).not.toContain('night@x.example')
  expect((await post(`/admin/v1/alert-channels/${channelId}/test`, undefined)).body).toMatchObject({
    ...{ state: 'delivered', kind: 'test', attempts: 1 },
  })
  const incidentId = await happens()
  const evaluated = await post('/admin/v1/alerts/evaluate', undefined)
  expect(evaluated).toMatchObject({
    status: 200,
    body: { failed: 0, sent: [{ incidentId, state: 'delivered' }] },
  })
  const mail = sink.mails.at(-1)
  expect(mail?.subject).toBe('[New] Problem 1')
  const [, path = ''] =
    /Take it on: http:\/\/127\.0\.0\.1:1(\/incidents\/act\/[\w.-]+)/.exec(mail?.raw ?? '') ?? []
  // A scanner of mail follows the link: nothing happens.
  const page = await api.request('GET', path, { token: null })
  expect(page).toMatchObject({ status: 200 })
  expect(String(page.body)).toContain('<form method="post">')
  const show = () => api.request('GET', `/admin/v1/incidents/${incidentId}`)
  expect((await show()).body).toMatchObject({ incident: { state: 'open' } })
  const elsewhere = await api.request('POST', path, {
    token: null,
    headers: { 'Sec-Fetch-Site': 'cross-site' },
  })
  expect(elsewhere.status).toBe(403)
  const pressed = await api.request('POST', path, {
    token: null,
    headers: { 'Sec-Fetch-Site': 'same-origin' },
  })
  expect(String(pressed.body)).toContain('You have taken it on')
  expect((await show()).body).toMatchObject({
    ...{
      incident: { state: 'acknowledged', acknowledgedBy: `link:${channelId}` },
      deliveries: [{ channelId }],
    },
  })
  expect((await api.request('GET', `${path.slice(0, -3)}xyz`, { token: null })).status).toBe(404)
  const timeline = await api.request('GET', `/admin/v1/incidents/${incidentId}/timeline`)
  expect(timeline.body).toMatchObject({
    told: ['Night'],
    markdown: expect.stringContaining('# Problem 1') as string,
  })
  expect((await api.request('DELETE', `/admin/v1/alert-channels/${channelId}`)).status).toBe(204)
}, 60_000)

it('an incident is answered once, in the version that was read; what is over stays over', async () => {
  const incidentId = await happens()
  const at = `/admin/v1/incidents/${incidentId}`
  expect(await post(`${at}/acknowledge`, {}, { 'If-Match': '"7"' })).toMatchObject({ status: 412 })
  expect(await post(`${at}/acknowledge`, { note: 'Mine' }, { 'If-Match': '"1"' })).toMatchObject({
    ...{ status: 200, body: { state: 'acknowledged', acknowledgedBy: 'admin', version: 2 } },
  })
  expect((await post(`${at}/acknowledge`, {})).body).toMatchObject({ version: 2 })
  expect(pointers(await post(`${at}/snooze`, {}))).toEqual(['/until'])
  expect(pointers(await post(`${at}/snooze`, { until: '2020-01-01T00:00:00Z' }))).toEqual(['/until'])
  expect((await post(`${at}/snooze`, { minutes: 5 })).body).toMatchObject({ state: 'snoozed' })
  expect((await post(`${at}/notes`, { note: 'Their status page says 14:00.' })).status).toBe(200)
  expect((await post(`${at}/resolve`, {})).body).toMatchObject({ state: 'resolved', resolvedBy: 'admin' })
  expect((await post(`${at}/acknowledge`, {})).status).toBe(409)
  const kinds = (await listIncidentEntries(api.database.database.db, incidentId)).map(({ kind }) => kind)
  expect(kinds).toEqual(['opened', 'acknowledged', 'snoozed', 'note', 'resolved'])
})

it('a partner sees and answers its own incidents, and no other', async () => {
  const own = await happens(defaultTenant.partnerId)
  const hubs = await happens()
  const { text } = await api.key()
  const ask = (path: string, body?: unknown) =>
    api.request(body === undefined ? 'GET' : 'POST', path, {
      token: text,
      ...(body === undefined ? {} : { body }),
    })
  const list = (await ask('/v1/incidents')).body as { items: { incidentId: string }[] }
  expect(list.items.map(({ incidentId }) => incidentId)).toEqual([own])
  expect((await ask(`/v1/incidents/${own}/acknowledge`, {})).body).toMatchObject({ state: 'acknowledged' })
  expect((await ask(`/v1/incidents/${hubs}`)).status).toBe(404)
  expect((await ask(`/v1/incidents/${hubs}/resolve`, {})).status).toBe(404)
})

describe('absurd wishes', () => {
  const policy = (more: object) =>
    post('/admin/v1/alert-policies', { name: 'P', condition: { kind: 'error_rate', percent: 5 }, ...more })
  const always = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']

  it.each([
    ['a threshold out of range', { condition: { kind: 'error_rate', percent: 500 } }, '/condition/percent'],
    ['a zero interval', { condition: { kind: 'state', minutes: 0 } }, '/condition/minutes'],
    ['a channel that there is not', { channels: [newId('alertChannel')] }, '/channels/0'],
    ['an escalation that there is not', { escalationId: newId('escalation') }, '/escalationId'],
    ['a service that there is not', { provider: 'nobody' }, '/provider'],
    [
      'quiet hours without an end',
      {
        quietHours: {
          timeZone: 'UTC',
          windows: [
            { days: always, from: '00:00', to: '12:00' },
            { days: always, from: '12:00', to: '00:00' },
          ],
        },
      },
      '/quietHours/windows',
    ],
  ])('%s is refused', async (_name, more, pointer) => {
    const answer = await policy(more)
    expect(answer.status).toBe(400)
    expect(pointers(answer)).toEqual([pointer])
  })

  it('escalations that come back to themselves, and channels that lead nowhere', async () => {
    const channel = await post('/admin/v1/alert-channels', {
      name: 'S',
      kind: 'slack',
      url: 'https://hooks.example/x',
    })
    const { channelId } = (channel.body as { channel: { channelId: string } }).channel
    const levels = [{ channels: [channelId], waitMinutes: 5 }]
    const first = await post('/admin/v1/escalations', { name: 'A', levels })
    expect(first.status).toBe(201)
    const a = (first.body as { escalationId: string }).escalationId
    const second = await post('/admin/v1/escalations', { name: 'B', levels, next: a })
    const b = (second.body as { escalationId: string }).escalationId
    const loop = await api.request('PUT', `/admin/v1/escalations/${a}`, {
      body: { name: 'A', levels, next: b },
    })
    expect(pointers(loop)).toEqual(['/next'])
    expect((await api.request('DELETE', `/admin/v1/escalations/${a}`)).status).toBe(409)
    const zero = await post('/admin/v1/escalations', {
      name: 'Z',
      levels: [{ channels: [channelId], waitMinutes: 0 }],
    })
    expect(pointers(zero)).toEqual(['/levels/0/waitMinutes'])
    const inside = await post('/admin/v1/alert-channels', {
      name: 'S',
      kind: 'slack',
      url: 'http://169.254.169.254/',
    })
    expect(pointers(inside)).toEqual(['/url'])
    const nobody = await post('/admin/v1/alert-channels', { name: 'M', kind: 'email' })
    expect(pointers(nobody)).toEqual(['/to', '/smtpUrl'])
  })
})

it('a policy is versioned, and a changed one is what counts', async () => {
  const list = (await api.request('GET', '/admin/v1/alert-policies')).body as {
    items: { policyId: string }[]
  }
  expect(list.items.length).toBeGreaterThanOrEqual(8)
  const created = await post('/admin/v1/alert-policies', {
    ...{ name: 'Slow', condition: { kind: 'error_rate', percent: 5 }, severity: 'critical' },
  })
  const { policyId } = created.body as { policyId: string }
  const at = `/admin/v1/alert-policies/${policyId}`
  const change = (version: number) =>
    api.request('PATCH', at, { body: { enabled: false }, headers: { 'If-Match': `"${version}"` } })
  expect((await change(9)).status).toBe(412)
  expect((await change(1)).body).toMatchObject({ enabled: false, severity: 'critical', version: 2 })
  expect((await api.request('GET', `${at}/versions`)).body).toMatchObject({
    items: [{ version: 2 }, { version: 1, definition: { enabled: true } }],
  })
  expect((await api.request('DELETE', at)).status).toBe(204)
  expect((await api.request('GET', at)).status).toBe(404)
})

it('maintenance is announced, put off and ended', async () => {
  const body = {
    provider: 'zendesk',
    reason: 'Announced',
    endsAt: new Date(Date.now() + 3_600_000).toISOString(),
  }
  const made = await post('/admin/v1/maintenance-windows', body)
  const { windowId } = made.body as { windowId: string }
  expect(made.status).toBe(201)
  expect(
    pointers(await post('/admin/v1/maintenance-windows', { ...body, endsAt: '2020-01-01T00:00:00Z' })),
  ).toEqual(['/endsAt'])
  const at = `/admin/v1/maintenance-windows/${windowId}`
  const later = new Date(Date.now() + 7_200_000).toISOString()
  const change = (wish: object) => api.request('PATCH', at, { body: wish })
  expect(await change({ endsAt: later })).toMatchObject({
    ...{ status: 200, body: { endsAt: later, reason: 'Announced' } },
  })
  expect(pointers(await change({ startsAt: new Date(Date.now() + 9_000_000).toISOString() }))).toEqual([
    '/endsAt',
  ])
  expect(pointers(await change({ endsAt: '2099-01-01T00:00:00Z' }))).toEqual(['/endsAt'])
  expect((await api.request('GET', at)).body).toMatchObject({ endsAt: later })
  expect((await api.request('DELETE', `/admin/v1/maintenance-windows/${windowId}`)).status).toBe(204)
  expect((await api.request('DELETE', `/admin/v1/maintenance-windows/${windowId}`)).status).toBe(404)
})
