/** Webhooks that the hub makes at Pipedrive: against a server that answers as the reference says. */
import type { HookWish } from '../contract-webhook.ts'
import { acme, json, openBench, startServer, type TestServer } from '../http/test-server.ts'
import { subscriptions } from './webhook-subscriptions.ts'

const url = 'https://hub.example.com/hooks/pipedrive/con_1?key=k'
const wish: HookWish = { url, topics: subscriptions.topics, secrets: { password: 'p4ss' } }
/** prismatic.io/docs/example-payloads/pipedrive/actions/listWebhooks.json, read 2026-11-24; of version 2.0, with a user. */
const one = {
  id: 1,
  company_id: 12882925,
  owner_id: 18487521,
  user_id: 18487521,
  event_action: '*',
  event_object: '*',
  subscription_url: url,
  is_active: 1,
  add_time: '2024-09-27 14:30:00',
  remove_time: null,
  type: 'general',
  http_auth_user: 'tieline',
  http_auth_password: null,
  version: '2.0',
}

let server: TestServer
beforeAll(async () => void (server = await startServer()))
afterAll(() => server.close())
const open = () =>
  openBench(server, {}, { provider: { ...acme, limits: { ...acme.limits, groups: { webhooks: [] } } } })
const asked = () => server.requests.map(({ method, url: path }) => `${method} ${path}`)

it('all are listed; what is off, of the old version, without the user or turned away is not in force', async () => {
  const data = [
    one,
    { ...one, id: 2, is_active: 0 },
    { ...one, id: 3, version: '1.0' },
    { ...one, id: 4, http_auth_user: null },
    { ...one, id: 5, event_action: 'change', event_object: 'deal' },
    { ...one, id: 6, subscription_url: null },
    // Delivered with a password that was replaced.
    { ...one, id: 7, last_http_status: 401 },
    { ...one, id: 8, last_http_status: 503 },
  ]
  server.answer((response) => json(response, 200, { status: 'ok', success: true, data }))
  expect(await subscriptions.list(open())).toEqual([
    { id: '1', url, active: true, topics: ['*.*'] },
    { id: '2', url, active: false, topics: ['*.*'] },
    { id: '3', url, active: false, topics: ['*.*'] },
    { id: '4', url, active: false, topics: ['*.*'] },
    { id: '5', url, active: true, topics: ['change.deal'] },
    { id: '7', url, active: false, topics: ['*.*'] },
    { id: '8', url, active: true, topics: ['*.*'] },
  ])
  expect(asked()).toEqual(['GET /api/v1/webhooks'])
})

it('a company without webhooks has an empty list; an answer that is none is a fault', async () => {
  server.answer((response) => json(response, 200, { status: 'ok', success: true, data: null }))
  expect(await subscriptions.list(open())).toEqual([])
  server.answer((response) => json(response, 200, []))
  await expect(subscriptions.list(open())).rejects.toMatchObject({ code: 'Protocol' })
})

it('one is made for everything, of version 2.0, with user and password', async () => {
  server.answer((response) => json(response, 201, { status: 'ok', success: true, data: { ...one, id: 42 } }))
  expect(await subscriptions.create(open(), wish)).toEqual({ id: '42' })
  expect(asked()).toEqual(['POST /api/v1/webhooks'])
  expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
    subscription_url: url,
    event_action: '*',
    event_object: '*',
    name: 'Tieline',
    version: '2.0',
    http_auth_user: 'tieline',
    http_auth_password: 'p4ss',
  })
})

it('one without an id is a fault', async () => {
  server.answer((response) => json(response, 201, { status: 'ok', success: true }))
  await expect(subscriptions.create(open(), wish)).rejects.toMatchObject({ code: 'Protocol' })
})

it('one is removed; one that is gone already is no fault', async () => {
  server.answer((response, _request, n) =>
    json(response, n === 0 ? 200 : 404, { status: 'ok', success: n === 0 }),
  )
  const context = open()
  await subscriptions.remove(context, '42')
  await subscriptions.remove(context, '42')
  expect(asked()).toEqual(['DELETE /api/v1/webhooks/42', 'DELETE /api/v1/webhooks/42'])
})
