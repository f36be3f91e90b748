/** What is special in HubSpot's webhooks: the signed URL, older signatures, generic types, merges. */
import { createHmac } from 'node:crypto'
import type { HookRequest } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

const secrets = { clientSecret: ['yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy'] }
const at = 1_764_000_000_000
function request(
  body: string,
  headers: Record<string, string> = {},
  url = 'https://hub.example.com/hooks/hubspot',
  method = 'POST',
): HookRequest {
  return {
    method,
    url: new URL(url),
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value]])),
    body: Buffer.from(body, 'utf8'),
    receivedAt: new Date(at),
  }
}
const passed = (one: HookRequest, settings = {}) =>
  webhooks.verify(one, secrets, settings).every((check) => check.passed)

describe('older signatures, where the connection allows them', () => {
  // Published: developers.hubspot.com/docs/faq/v1-request-validation and …/v2-request-validation, read 2026-11-24.
  const body =
    '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
  const v1 = {
    'x-hubspot-signature-version': 'v1',
    'x-hubspot-signature': '232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de',
  }
  const v2 = {
    'x-hubspot-signature-version': 'v2',
    'x-hubspot-signature': 'eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e',
  }
  const all = { webhook_signatures: 'all' }

  it('fit the published vectors', () => {
    expect(passed(request(body, v1), all)).toBe(true)
    expect(passed(request(body.replace('123', '124'), v1), all)).toBe(false)
    expect(passed(request('', v2, 'https://www.example.com/webhook_uri', 'GET'), all)).toBe(true)
    expect(passed(request('', v2, 'https://www.example.com/webhook_uri2', 'GET'), all)).toBe(false)
  })

  it('are refused by default, and never stand in for a v3 that is there and wrong', () => {
    expect(passed(request(body, v1))).toBe(false)
    const wrong = { ...v1, 'x-hubspot-signature-v3': 'AAAA', 'x-hubspot-request-timestamp': String(at) }
    expect(passed(request(body, wrong), all)).toBe(false)
  })
})

it('v3 is over the URL with its query, some percent-encodings decoded', () => {
  const url = 'https://hub.example.com/hooks/hubspot?to=a%40b.example&x=%20y'
  const signed = `POSThttps://hub.example.com/hooks/hubspot?to=a@b.example&x=%20y[]${at}`
  const signature = createHmac('sha256', secrets.clientSecret[0] ?? '')
    .update(signed)
    .digest('base64')
  const headers = { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': String(at) }
  expect(passed(request('[]', headers, url))).toBe(true)
  expect(passed(request('[]', headers, 'https://hub.example.com/hooks/hubspot'))).toBe(false)
})

it('tells generic types by their object, ends what was merged away, keeps what it does not know', () => {
  const one = { eventId: 1, subscriptionId: 2, portalId: 33, occurredAt: at }
  const body = [
    {
      ...one,
      subscriptionType: 'object.propertyChange',
      objectTypeId: '0-3',
      objectId: 7,
      propertyName: 'dealstage',
    },
    {
      ...one,
      subscriptionType: 'contact.merge',
      objectId: 10,
      primaryObjectId: 10,
      mergedObjectIds: [11, 12],
    },
    { ...one, subscriptionType: 'company.privacyDeletion', objectId: 5 },
    { ...one, subscriptionType: 'conversation.newMessage', objectId: 9 },
  ]
  expect(webhooks.split(request(JSON.stringify(body)))).toMatchObject([
    { about: 'changed', resource: 'deals', externalId: '7', tenant: '33' },
    { about: 'changed', resource: 'contacts', externalId: '10' },
    { about: 'deleted', resource: 'contacts', externalId: '11' },
    { about: 'deleted', resource: 'contacts', externalId: '12' },
    { about: 'deleted', resource: 'companies', externalId: '5' },
    { about: 'unknown', type: 'conversation.newMessage' },
  ])
})
