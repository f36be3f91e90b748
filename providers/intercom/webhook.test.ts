/** What is special in Intercom's webhooks: the prefix of the signature, pings, deletions that only name, times in seconds. */
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

it('is signed with SHA-1 behind its prefix: a vector made with openssl', () => {
  // printf '%s' '{"type":"notification_event","topic":"ping"}' | openssl dgst -sha1 -hmac 'a-client-secret'
  const body = '{"type":"notification_event","topic":"ping"}'
  const secrets = { clientSecret: ['a-client-secret'] }
  const passed = (signature: string) => webhooks.verify(request(body, signature), secrets, {})[0]?.passed
  expect(passed('sha1=b0a1608455f71f86a1543d9b4e49b3f8866a17e9')).toBe(true)
  expect(passed('b0a1608455f71f86a1543d9b4e49b3f8866a17e9')).toBe(false)
  expect(passed('sha256=b0a1608455f71f86a1543d9b4e49b3f8866a17e9')).toBe(false)
})

it('answers the look at its URL without a signature, and only that', () => {
  expect(webhooks.unsignedHandshake?.(request('', '', 'HEAD'))).toEqual({ status: 200 })
  expect(webhooks.unsignedHandshake?.(request('', ''))).toBeUndefined()
})

it('carries objects whole, names what is deleted, and keeps what it does not know', () => {
  const notice = (topic: string, item: object) =>
    webhooks.split(
      request(
        JSON.stringify({ app_id: 'wsp1', id: 'notif_1', topic, created_at: 1663597260, data: { item } }),
      ),
    )[0]
  const item = {
    type: 'conversation',
    id: '1295',
    title: 'Hi',
    state: 'snoozed',
    updated_at: 1663597260,
    created_at: 1663597223,
  }
  const event = notice('conversation.admin.replied', item)
  expect(event).toMatchObject({
    tenant: 'wsp1',
    about: 'changed',
    resource: 'conversations',
    externalId: '1295',
    row: item,
  })
  const resource = webhooks.received?.find(({ name }) => name === 'conversations')
  expect(resource?.updatedAt(item)).toBe('2022-09-19T14:21:00.000Z')
  expect(resource && applyMapping(resource.mapping, item)).toMatchObject({
    mapped: { id: '1295', subject: 'Hi', status: 'hold', createdAt: '2022-09-19T14:20:23.000Z' },
    problems: [],
  })
  const gone = notice('contact.deleted', { type: 'contact', id: '7', external_id: null })
  expect(gone).toMatchObject({ about: 'deleted', resource: 'contacts', externalId: '7' })
  expect(gone?.row).toBeUndefined()
  expect(notice('content_stat.news_item', { type: 'content_stat', id: '9' })).toMatchObject({
    about: 'unknown',
  })
  for (const { mapping } of webhooks.received ?? []) expect(checkMapping(mapping)).toEqual([])
})
