/** Webhooks that the hub makes at Zendesk: against a function that plays it, and against the simulated account. */
import type { ProviderRequest } from '../contract.ts'
import type { HookWish } from '../contract-webhook.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { SimulatorOptions } from '../../sandbox/kit.ts'
import { zendeskSimulator } from './simulator.ts'
import { contextOf, now } from './test-context.ts'
import { topics } from './webhook-events.ts'
import { subscriptions } from './webhook-subscriptions.ts'

const wish: HookWish = { url: 'https://hub.example.com/hooks/zendesk/con_1', topics, secrets: {} }
const one = { id: '01A', endpoint: wish.url, status: 'active', subscriptions: [...topics] }

it('all pages of the account are listed; those of triggers are not the hub’s to mend', async () => {
  const pages: Record<string, JsonObject> = {
    first: {
      webhooks: [one, { ...one, id: '01B', subscriptions: ['conditional_ticket_events'] }],
      meta: { has_more: true, after_cursor: 'c1' },
    },
    c1: {
      webhooks: [{ ...one, id: '01C', status: 'inactive', subscriptions: null }],
      meta: { has_more: false, after_cursor: 'c2' },
    },
  }
  const { context, requests } = contextOf(({ query }) => ({
    body: pages[String(query?.['page[after]'] ?? 'first')],
  }))
  expect(await subscriptions.list(context)).toEqual([
    { id: '01A', url: wish.url, active: true, topics },
    { id: '01C', url: wish.url, active: false, topics: [] },
  ])
  expect(requests.map(({ query }) => query)).toEqual([
    { 'page[size]': 100 },
    { 'page[size]': 100, 'page[after]': 'c1' },
  ])
})

it('a webhook is made with its events, and its secret is read', async () => {
  const { context, requests } = contextOf(({ method }) =>
    method === 'POST'
      ? { status: 201, body: { webhook: one } }
      : { body: { signing_secret: { algorithm: 'SHA256', secret: 's3cret' } } },
  )
  expect(await subscriptions.create(context, wish)).toEqual({
    id: '01A',
    secrets: { signingSecret: 's3cret' },
  })
  expect(requests.map(({ method, path, repeatable }) => [method, path, repeatable])).toEqual([
    ['POST', '/api/v2/webhooks', undefined],
    ['GET', '/api/v2/webhooks/01A/signing_secret', undefined],
  ])
  expect(requests[0]?.body).toEqual({
    webhook: {
      name: 'Tieline',
      endpoint: wish.url,
      http_method: 'POST',
      request_format: 'json',
      status: 'active',
      subscriptions: topics,
    },
  })
})

it('a webhook whose secret cannot be read is taken away again', async () => {
  const { context, requests } = contextOf(({ method }) => {
    if (method === 'POST') return { status: 201, body: { webhook: one } }
    return method === 'DELETE' ? { status: 204 } : { status: 403, body: { error: 'Forbidden' } }
  })
  await expect(subscriptions.create(context, wish)).rejects.toThrow()
  expect(requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/api/v2/webhooks/01A' })
})

it('an answer without the webhook is told as such', async () => {
  const { context } = contextOf(() => ({ status: 201, body: {} }))
  await expect(subscriptions.create(context, wish)).rejects.toMatchObject({ code: 'Protocol' })
})

it('one that is gone is removed without a fault', async () => {
  const { context } = contextOf(() => ({ status: 404, body: { error: 'RecordNotFound' } }))
  await expect(subscriptions.remove(context, '01A')).resolves.toBeUndefined()
})

describe('at the simulated account', () => {
  const credentials = Buffer.from(
    `${zendeskSimulator.sample.settings['email']}/token:${zendeskSimulator.sample.secrets['token']}`,
  ).toString('base64')

  function account() {
    const kept: JsonValue[] = []
    const open = (record: SimulatorOptions['record']) =>
      zendeskSimulator.createWorld({
        seed: 1,
        epoch: now,
        now: () => now,
        editEveryReads: 0,
        size: {},
        limits: {},
        minuteRule: 'off',
        record,
      })
    const world = open((entry) => void kept.push(entry))
    const contextTo = (to: typeof world) =>
      contextOf(({ method, path, query, body }: ProviderRequest) => {
        const reply = to.handle({
          method,
          path,
          query: new URLSearchParams(query as Record<string, string>),
          headers: { authorization: `Basic ${credentials}` },
          body,
          text: '',
          origin: undefined,
        })
        return { status: reply.status, body: reply.body }
      }).context
    const restarted = () => {
      const again = open(() => undefined)
      for (const entry of kept) again.replay(entry)
      return contextTo(again)
    }
    return { context: contextTo(world), restarted }
  }

  it('webhooks are made, listed, mended and removed, and outlive a restart', async () => {
    const { context, restarted } = account()
    const { id, secrets } = await subscriptions.create(context, wish)
    expect(secrets?.['signingSecret']).toMatch(/\S{16,}/)
    expect(await subscriptions.list(context)).toEqual([{ id, url: wish.url, active: true, topics }])
    const fewer = topics.slice(0, 2)
    await subscriptions.update?.(context, id, { ...wish, topics: fewer })
    expect(await subscriptions.list(restarted())).toEqual([
      { id, url: wish.url, active: true, topics: fewer },
    ])
    await subscriptions.remove(context, id)
    await subscriptions.remove(context, id)
    expect(await subscriptions.list(context)).toEqual([])
    expect((await subscriptions.create(context, wish)).id).not.toBe(id)
  })

  it('more than a page of webhooks is read to the end; events that do not exist are refused', async () => {
    const { context } = account()
    for (let n = 0; n < 101; n++) await subscriptions.create(context, { ...wish, url: `${wish.url}${n}` })
    const listed = await subscriptions.list(context)
    expect(new Set(listed.map(({ url }) => url)).size).toBe(101)
    await expect(
      subscriptions.create(context, { ...wish, topics: ['ticket.created'] }),
    ).rejects.toMatchObject({
      code: 'Invalid',
    })
  })
})

it('topics are those that change what is read, each once', () => {
  expect(new Set(topics).size).toBe(topics.length)
  for (const topic of topics)
    expect(topic).toMatch(/^zen:event-type:(ticket|user|organization|article)\.[a-z_]+$/)
  expect(topics).toContain('zen:event-type:ticket.comment_added')
  expect(topics).not.toContain('zen:event-type:user.last_login_changed')
})
