/** Webhooks that the hub makes at Help Scout: against a server that answers as the reference says. */
import type { HookWish } from '../contract-webhook.ts'
import { acme, json, openBench, startServer, type TestServer } from '../http/test-server.ts'
import { subscriptions } from './webhook-subscriptions.ts'

const wish: HookWish = {
  url: 'https://hub.example.com/hooks/helpscout/con_1',
  topics: subscriptions.topics,
  secrets: {},
}
/** developer.helpscout.com/mailbox-api/endpoints/webhooks/get */
const one = {
  id: 10,
  url: wish.url,
  state: 'enabled',
  events: ['convo.assigned'],
  notification: false,
  payloadVersion: 'V2',
  label: 'cool webhook',
  mailboxIds: [],
}

let server: TestServer
beforeAll(async () => void (server = await startServer()))
afterAll(() => server.close())
const open = () => {
  const limits = { ...acme.limits, groups: { mailbox: [] } }
  return openBench(server, {}, { provider: { ...acme, limits } })
}

it('all pages are listed; what is disabled, partial or without content is not in force', async () => {
  const pages = [
    [one, { ...one, id: 11, state: 'disabled' }],
    [
      { ...one, id: 12, mailboxIds: [85] },
      { ...one, id: 13, notification: true },
    ],
  ]
  server.answer((response, { url }) => {
    const page = Number(new URL(url, 'http://x').searchParams.get('page'))
    json(response, 200, {
      _embedded: { webhooks: pages[page - 1] },
      page: { size: 2, totalElements: 4, totalPages: 2, number: page },
    })
  })
  expect(await subscriptions.list(open())).toEqual([
    { id: '10', url: wish.url, active: true, topics: ['convo.assigned'] },
    { id: '11', url: wish.url, active: false, topics: ['convo.assigned'] },
    { id: '12', url: wish.url, active: false, topics: ['convo.assigned'] },
    { id: '13', url: wish.url, active: false, topics: ['convo.assigned'] },
  ])
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'GET /v2/webhooks?page=1',
    'GET /v2/webhooks?page=2',
  ])
})

it('an account without webhooks has an empty list', async () => {
  server.answer((response) =>
    json(response, 200, { page: { size: 50, totalElements: 0, totalPages: 0, number: 1 } }),
  )
  expect(await subscriptions.list(open())).toEqual([])
})

it('a webhook is made with a secret of at most 40 characters, a new one each time', async () => {
  server.answer((response, _request, n) =>
    response
      .writeHead(201, { 'resource-id': String(10 + n), location: 'https://api.helpscout.net/v2/webhooks/10' })
      .end(),
  )
  const context = open()
  const first = await subscriptions.create(context, wish)
  const second = await subscriptions.create(context, wish)
  expect([first.id, second.id]).toEqual(['10', '11'])
  const secret = first.secrets?.['signingSecret'] ?? ''
  expect(secret).toMatch(/^[\w-]{40}$/)
  expect(second.secrets?.['signingSecret']).not.toBe(secret)
  expect(server.requests[0]?.method).toBe('POST')
  expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
    url: wish.url,
    events: subscriptions.topics,
    secret,
    payloadVersion: 'V2',
    notification: false,
    label: 'Tieline',
  })
})

it('the id may be told by the address only; without either it is a fault', async () => {
  server.answer((response) =>
    response.writeHead(201, { location: 'https://api.helpscout.net/v2/webhooks/42' }).end(),
  )
  expect((await subscriptions.create(open(), wish)).id).toBe('42')
  server.answer((response) => response.writeHead(201).end())
  await expect(subscriptions.create(open(), wish)).rejects.toMatchObject({ code: 'Protocol' })
})

it('one is removed; one that is gone already is no fault', async () => {
  server.answer((response, _request, n) =>
    n === 0 ? response.writeHead(204).end() : json(response, 404, {}),
  )
  const context = open()
  await subscriptions.remove(context, '10')
  await subscriptions.remove(context, '10')
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'DELETE /v2/webhooks/10',
    'DELETE /v2/webhooks/10',
  ])
})
