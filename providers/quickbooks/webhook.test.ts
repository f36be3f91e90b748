/** What is special in QuickBooks' webhooks: two formats, merges, many companies in one body. */
import type { HookRequest } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

const request = (body: string, signature = ''): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/quickbooks'),
  headers: new Map([['intuit-signature', [signature]]]),
  body: Buffer.from(body, 'utf8'),
  receivedAt: new Date('2026-11-24T10:00:00Z'),
})

const legacy = (entities: object[]) =>
  request(JSON.stringify({ eventNotifications: [{ realmId: '1185883450', dataChangeEvent: { entities } }] }))

it('is signed over the bytes: a vector made with openssl', () => {
  // printf '%s' '{"eventNotifications":[],"é":"\u00e9"}' | openssl dgst -sha256 -hmac 'a-verifier-token' -binary | base64
  const body = '{"eventNotifications":[],"é":"\\u00e9"}'
  const signature = 'gIiv7Y9feiF84Dekp0nlSXNMdlGkPU2Xp8+pkOyM1L0='
  const secrets = { verifierToken: ['a-verifier-token'] }
  expect(webhooks.verify(request(body, signature), secrets, {})).toEqual([
    { name: 'signature', passed: true },
  ])
  const same = JSON.stringify(JSON.parse(body))
  expect(webhooks.verify(request(same, signature), secrets, {})[0]?.passed).toBe(false)
})

it('of several companies in one body are told apart, in both formats', () => {
  const cloud = ['1', '2'].map((realm) => ({
    specversion: '1.0',
    id: `e${realm}`,
    type: 'qbo.invoice.updated.v1',
    time: '2026-11-24T09:59:00Z',
    intuitentityid: '95',
    intuitaccountid: realm,
  }))
  expect(webhooks.split(request(JSON.stringify(cloud)))).toMatchObject([
    { key: 'e1', tenant: '1', about: 'changed', resource: 'invoices', externalId: '95' },
    { key: 'e2', tenant: '2' },
  ])
  const one = { name: 'CreditMemo', id: '7', operation: 'Void', lastUpdated: '2015-10-05T14:42:19-0700' }
  expect(webhooks.split(legacy([one]))).toMatchObject([
    {
      tenant: '1185883450',
      about: 'changed',
      resource: 'credit_memos',
      externalId: '7',
      type: 'CreditMemo.Void',
    },
  ])
})

it('of a merge ends one object and changes the other', () => {
  const one = {
    name: 'Customer',
    id: '1',
    operation: 'Merge',
    lastUpdated: '2026-11-01T10:00:00Z',
    deletedId: '2',
  }
  expect(webhooks.split(legacy([one]))).toMatchObject([
    { about: 'changed', externalId: '1' },
    { about: 'deleted', externalId: '2' },
  ])
})

it('of entities that are not synced are unknown; a body of another shape cannot be read', () => {
  const one = { name: 'Budget', id: '1', operation: 'Create', lastUpdated: '2026-11-01T10:00:00Z' }
  expect(webhooks.split(legacy([one]))).toMatchObject([{ about: 'unknown', type: 'Budget.Create' }])
  for (const body of ['{}', '1', '[{"type":"qbo.invoice.created.v1"}]', '{"eventNotifications":'])
    expect(() => webhooks.split(request(body))).toThrow(expect.objectContaining({ code: 'Invalid' }) as Error)
})
