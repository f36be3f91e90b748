/** Channels, against a Zoho that answers as told (zoho.com/crm/developer/docs/api/v7/notifications). */
import { acme, json, openBench, startServer, type TestServer } from '../http/test-server.ts'
import type { Provider } from '../contract.ts'
import { channelOf, subscriptions } from './webhook-subscriptions.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const provider: Provider = { ...acme, limits: { buckets: {}, groups: { notifications: [] } } }
const now = new Date('2026-11-24T10:00:00.000Z')
const clock = { now: () => now, sleep: async () => undefined }

interface Answer {
  readonly status?: number
  readonly body?: unknown
}
/** Answers one request after the other. */
function open(...answers: readonly Answer[]) {
  server.answer((response, _request, n) => {
    const { status = 200, body } = answers[n] ?? { status: 500, body: 'nothing more was expected' }
    if (body === undefined) response.writeHead(status).end()
    else json(response, status, body)
  })
  const bench = openBench(server, { clock }, { provider })
  return { ...bench, now: () => now }
}
const asked = () =>
  server.requests.map(({ method, url, body }) => ({
    method,
    url,
    ...(body === '' ? {} : { body: JSON.parse(body) as unknown }),
  }))

const url = 'https://hub.example.com/hooks/zoho-crm/con_01KATEST'
const wish = { url, topics: ['Leads.create', 'Leads.delete'], secrets: { token: 't0ken' } }
const made = (events: readonly object[]) => ({
  watch: [{ code: 'SUCCESS', details: { events }, message: 'Successfully subscribed', status: 'success' }],
})
const leads = {
  channel_expiry: '2026-12-01T07:00:00+00:00',
  resource_uri: 'https://www.zohoapis.com/crm/v8/Leads',
  resource_name: 'Leads',
  channel_id: channelOf(url),
}

describe('a channel', () => {
  it('has an id of its URL: making it again renews it', async () => {
    const channel = {
      channel_id: channelOf(url),
      events: ['Leads.create', 'Leads.delete'],
      // Two hours short of a week: beyond a week Zoho gives an hour.
      channel_expiry: '2026-12-01T08:00:00+00:00',
      token: 't0ken',
      notify_url: url,
      notify_on_related_action: false,
    }
    const context = open({ body: made([leads]) }, { body: made([leads]) }, { body: made([leads]) })
    const first = await subscriptions.create(context, wish)
    expect(first).toEqual({ id: channelOf(url), expiresAt: new Date('2026-12-01T07:00:00.000Z') })
    expect(await subscriptions.create(context, wish)).toEqual(first)
    expect(await subscriptions.update?.(context, first.id, wish)).toEqual({ expiresAt: first.expiresAt })
    const path = '/crm/v8/actions/watch'
    expect(asked()).toEqual(
      ['POST', 'POST', 'PUT'].map((method) => ({ method, url: path, body: { watch: [channel] } })),
    )
    expect(channelOf(url)).toMatch(/^\d{13,14}$/)
    expect(channelOf(`${url}2`)).not.toBe(channelOf(url))
  })

  it('that is refused in part, or not spoken of, was not made', async () => {
    const refused = {
      watch: [...made([leads]).watch, { code: 'INVALID_DATA', message: 'invalid module', status: 'error' }],
    }
    await expect(subscriptions.create(open({ status: 207, body: refused }), wish)).rejects.toMatchObject({
      code: 'Invalid',
      message: expect.stringContaining('INVALID_DATA: invalid module') as string,
    })
    await expect(subscriptions.create(open({ status: 202, body: {} }), wish)).rejects.toMatchObject({
      code: 'Protocol',
    })
  })

  it('is removed; one that is gone already is no error, another failure is', async () => {
    const gone = {
      watch: [{ code: 'NOT_SUBSCRIBED', details: {}, message: 'Not subscribed', status: 'error' }],
    }
    await subscriptions.remove(open({ body: made([]) }), '42')
    expect(asked()).toEqual([{ method: 'DELETE', url: '/crm/v8/actions/watch?channel_ids=42' }])
    await subscriptions.remove(open({ status: 202, body: gone }), '42')
    await subscriptions.remove(open({ status: 204 }), '42')
    const other = { watch: [{ code: 'NO_PERMISSION', message: 'no', status: 'error' }] }
    await expect(subscriptions.remove(open({ body: other }), '42')).rejects.toMatchObject({ code: 'Invalid' })
  })
})

describe('the channels of an account', () => {
  const entry = (channel: string, module: string, events: readonly string[], more: object = {}) => ({
    notify_on_related_action: false,
    channel_expiry: '2026-11-30T10:00:00+05:30',
    resource_name: module,
    notify_url: url,
    channel_id: channel,
    events,
    token: 'xyz',
    ...more,
  })

  it('come module by module over several pages, and are put together', async () => {
    const first = {
      watch: [
        entry('1', 'Leads', ['Leads.edit', 'Leads.create', 'Leads.delete']),
        entry('2', 'Deals', ['Deals.all'], {
          channel_expiry: '2026-11-24T09:00:00Z',
          notify_url: 'https://x',
        }),
      ],
      info: { per_page: 200, count: 2, page: 1, more_records: true },
    }
    const second = {
      watch: [entry('1', 'Tasks', ['Tasks.create'], { channel_expiry: '2026-11-29T10:00:00Z' })],
      info: { per_page: 200, count: 1, page: 2, more_records: false },
    }
    expect(await subscriptions.list(open({ body: first }, { body: second }))).toEqual([
      {
        id: '1',
        url,
        active: true,
        expiresAt: new Date('2026-11-29T10:00:00.000Z'),
        topics: ['Leads.create', 'Leads.delete', 'Leads.edit', 'Tasks.create'],
      },
      {
        id: '2',
        url: 'https://x',
        active: false,
        expiresAt: new Date('2026-11-24T09:00:00.000Z'),
        topics: ['Deals.create', 'Deals.delete', 'Deals.edit'],
      },
    ])
    expect(asked().map((one) => one.url)).toEqual([
      '/crm/v8/actions/watch?page=1&per_page=200',
      '/crm/v8/actions/watch?page=2&per_page=200',
    ])
  })

  it('may be none, told by 204; a full page without a word on others is followed by the next', async () => {
    expect(await subscriptions.list(open({ status: 204 }))).toEqual([])
    const full = { watch: Array.from({ length: 200 }, (_, n) => entry(String(n), 'Leads', ['Leads.create'])) }
    expect(await subscriptions.list(open({ body: full }, { status: 204 }))).toHaveLength(200)
    expect(asked()).toHaveLength(2)
  })

  it('are asked to tell of every module that becomes a resource', () => {
    expect(subscriptions.topics).toHaveLength(21)
    expect(subscriptions.topics).toContain('Deals.edit')
  })
})
