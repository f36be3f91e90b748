/** What is special in Intercom's webhooks: the prefix of the signature, pings, envelopes, merges, deletions that only name, two forms of times. */
import { applyMapping } from '../../model/mapping.ts'
import { checkMapping } from '../../model/mapping-check.ts'
import type { HookRequest } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

const request = (body: string, signature = '', method = 'POST'): HookRequest => ({
  method,
  url: new URL('https://hub.example.com/hooks/intercom'),
  headers: new Map([['x-hub-signature', [signature]]]),
  body: Buffer.from(body, 'utf8'),
  receivedAt: new Date('2026-11-24T10:00:00Z'),
})
const notice = (topic: string, item: object) =>
  webhooks.split(
    request(JSON.stringify({ app_id: 'wsp1', id: 'notif_1', topic, created_at: 1663597260, data: { item } })),
  )
const told = (topic: string, item: object) =>
  notice(topic, item).map(({ about, resource, externalId, row }) => [about, resource, externalId, row])
const received = (name: string) => webhooks.received?.find((one) => one.name === name)

describe('the signature', () => {
  const passed = (body: string, signature: string, clientSecret = ['the-new-one', 'a-client-secret']) =>
    webhooks.verify(request(body, signature), { clientSecret }, {})[0]?.passed

  it('is SHA-1 behind its prefix: a vector made with openssl', () => {
    // printf '%s' '{"type":"notification_event","topic":"ping"}' | openssl dgst -sha1 -hmac 'a-client-secret'
    const body = '{"type":"notification_event","topic":"ping"}'
    expect(passed(body, 'sha1=b0a1608455f71f86a1543d9b4e49b3f8866a17e9')).toBe(true)
    expect(passed(body, 'b0a1608455f71f86a1543d9b4e49b3f8866a17e9')).toBe(false)
    expect(passed(body, 'sha256=b0a1608455f71f86a1543d9b4e49b3f8866a17e9')).toBe(false)
    expect(passed(body, 'sha1=b0a1608455f71f86a1543d9b4e49b3f8866a17e9', [])).toBe(false)
  })

  it('is over the bytes, before anything is parsed', () => {
    // printf '%s' "$BODY" | openssl dgst -sha1 -hmac 'a-client-secret'
    const body = String.raw`{"type":"notification_event","app_id":"wsp1","topic":"contact.user.updated","id":"notif_1","created_at":1663597260,"data":{"item":{"type":"contact","id":"7","name":"Zoë \u2028 🎈"}}}`
    const signature = 'sha1=f90cff0514fddb3c3b5881900e66f987e94c00a1'
    expect(passed(body, signature)).toBe(true)
    expect(passed(JSON.stringify(JSON.parse(body)), signature)).toBe(false)
    expect(JSON.stringify(webhooks.split(request(body))[0]?.payload)).toContain('Zoë \u2028 🎈')
  })
})

it('answers the look at its URL without a signature, and only that', () => {
  expect(webhooks.unsignedHandshake?.(request('', '', 'HEAD'))).toEqual({ status: 200 })
  expect(webhooks.unsignedHandshake?.(request('', ''))).toBeUndefined()
})

describe('an object', () => {
  const item = {
    type: 'conversation',
    id: '1295',
    title: 'Hi',
    state: 'snoozed',
    contacts: { type: 'contact.list', contacts: [{ type: 'contact', id: '65416f' }] },
    updated_at: 1663597260,
    created_at: 1663597223,
  }

  it('comes whole, its times in seconds', () => {
    expect(notice('conversation.admin.replied', item)).toMatchObject([
      { tenant: 'wsp1', about: 'changed', resource: 'conversations', externalId: '1295', row: item },
    ])
    const conversations = received('conversations')
    expect(conversations?.updatedAt(item)).toBe('2022-09-19T14:21:00.000Z')
    expect(conversations && applyMapping(conversations.mapping, item)).toMatchObject({
      mapped: {
        id: '1295',
        subject: 'Hi',
        status: 'hold',
        requesterId: '65416f',
        createdAt: '2022-09-19T14:20:23.000Z',
      },
      problems: [],
    })
  })

  it('that is a ticket is a ticket, in an envelope too where it was closed', () => {
    // The ticket of `shared/specs/intercom`; the envelope: "Webhook Topics", `ticket.closed`.
    const ticket = {
      type: 'ticket',
      id: '1295',
      ticket_id: '1390',
      ticket_attributes: {
        _default_title_: 'Found a bug',
        _default_description_: "The button's not working",
      },
      ticket_state: { type: 'ticket_state', id: '12', category: 'waiting_on_customer' },
      admin_assignee_id: 0,
      team_assignee_id: 1295,
      created_at: 1663597223,
      updated_at: 1663597260,
    }
    expect(told('ticket.resolved', ticket)).toEqual([['changed', 'tickets', '1295', ticket]])
    expect(told('ticket.closed', { ticket })).toEqual([['changed', 'tickets', '1295', ticket]])
    const tickets = received('tickets')
    expect(tickets && applyMapping(tickets.mapping, ticket)).toMatchObject({
      mapped: {
        subject: 'Found a bug',
        description: "The button's not working",
        status: 'pending',
        assigneeId: null,
        groupId: '1295',
      },
      problems: [],
    })
  })

  // Both from webhookdb/webhookdb spec/webhookdb/replicator, recorded deliveries, read 2026-11-24; shortened.
  it('stands in envelopes, with times as text', () => {
    const contact = {
      type: 'contact',
      id: '64d14669156d93e1e18f6a17',
      external_id: '1922',
      email: 'info@abc.com',
      phone: null,
      created_at: '2023-11-02T21:18:23.595+00:00',
      updated_at: '2024-04-02T21:22:22.670+00:00',
    }
    expect(told('contact.unsubscribed', { type: 'contact_unsubscribe', contact })).toEqual([
      ['changed', 'contacts', contact.id, contact],
    ])
    expect(told('contact.user.tag.deleted', { type: 'contact_tag', tag: { id: '1' }, contact })).toEqual([
      ['changed', 'contacts', contact.id, contact],
    ])
    const contacts = received('contacts')
    expect(contacts?.updatedAt(contact)).toBe('2024-04-02T21:22:22.670Z')
    expect(contacts && applyMapping(contacts.mapping, contact)).toMatchObject({
      mapped: { id: contact.id, externalRef: '1922', updatedAt: '2024-04-02T21:22:22.670Z' },
      problems: [],
    })
    const conversation = { parts: [{ id: 21893097594, conversation_id: 1886 }], model: { id: 1886 } }
    const events = notice('conversation.contact.attached', { conversation, contact })
    expect(events).toMatchObject([
      { about: 'changed', resource: 'contacts', externalId: contact.id, row: contact },
      { about: 'changed', resource: 'conversations', externalId: '1886' },
    ])
    // Not in the shape of the API: it is read by id.
    expect(events[1]?.row).toBeUndefined()
    expect(new Set(events.map(({ key }) => key)).size).toBe(2)
  })
})

describe('what is gone', () => {
  it('is named: a conversation by a field of its own; what is archived is still there', () => {
    // webhookdb/webhookdb, as above.
    expect(told('contact.deleted', { id: '7', type: 'contact', deleted: true })).toEqual([
      ['deleted', 'contacts', '7', undefined],
    ])
    expect(told('conversation.deleted', { type: 'conversation', conversation_id: '123' })).toEqual([
      ['deleted', 'conversations', '123', undefined],
    ])
    expect(told('contact.archived', { id: '7', external_id: null, type: 'contact', archived: true })).toEqual(
      [['changed', 'contacts', '7', undefined]],
    )
  })

  it('may have been merged: who lives on comes whole', () => {
    // "Webhook Topics", `contact.merged` payload.
    const item = {
      type: 'contact',
      id: '5f2a1b3c4d5e6f7a8b9c0d1e',
      external_id: 'user-42',
      email: 'alice@example.com',
      updated_at: 1663597260,
      merged_from: { type: 'contact', id: '6a3b2c4d5e6f7a8b9c0d1e2f' },
    }
    expect(told('contact.merged', item)).toEqual([
      ['changed', 'contacts', item.id, item],
      ['deleted', 'contacts', item.merged_from.id, undefined],
    ])
    expect(new Set(notice('contact.merged', item).map(({ key }) => key)).size).toBe(2)
  })
})

it('keeps what it does not know, objects in foreign envelopes too', () => {
  const contact = { type: 'contact', id: '6318', updated_at: 1663597260 }
  for (const [topic, item] of [
    ['content_stat.series', { type: 'content_stat.series', content_stat: { id: 1 }, contact }],
    ['audience.deleted', { type: 'audience', id: '123', deleted: true }],
    ['contact.something_new', { type: 'something', id: '1' }],
    ['conversation.deleted', { type: 'conversation' }],
  ] as const)
    expect(notice(topic, item)).toMatchObject([{ about: 'unknown', type: topic }])
  expect(() => webhooks.split(request('{}'))).toThrow(expect.objectContaining({ code: 'Invalid' }) as Error)
  for (const { mapping } of webhooks.received ?? []) expect(checkMapping(mapping)).toEqual([])
})
