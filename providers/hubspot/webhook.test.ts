/** What is special in HubSpot's webhooks: the signed URL, older signatures, generic types, merges, associations. */
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

describe('the signature v3', () => {
  const v3 = (signature: string, time: number) => ({
    'x-hubspot-signature-v3': signature,
    'x-hubspot-request-timestamp': String(time),
  })

  it('fits the published vector', () => {
    // HubSpot/hubspot-api-python tests/spec/utils/test_signature.py and hubspot-api-ruby spec/helpers/signature_spec.rb, read 2026-11-24.
    const signature = 'HPW73RUtKmcYoEDADG0s6MmGFWUzWJKAW07r8RDgcQw='
    const one = (body: string, time = 15_000_000) => ({
      ...request(body, v3(signature, time), 'https://www.example.com/webhook_uri'),
      receivedAt: new Date(15_000_000),
    })
    expect(passed(one("{'example_field':'example_value'}"))).toBe(true)
    expect(passed(one("{'example_field':'other_value'}"))).toBe(false)
    expect(passed(one("{'example_field':'example_value'}", 15_000_001))).toBe(false)
  })

  // printf '%s' "POSThttps://hub.example.com/hooks/hubspot${BODY}1764000000000" | openssl dgst -sha256 -hmac a-client-secret -binary | base64
  const body = String.raw`[{"eventId":7,"subscriptionId":190,"portalId":33,"occurredAt":1764000000000,"subscriptionType":"contact.propertyChange","attemptNumber":0,"objectId":512,"propertyName":"firstname","propertyValue":"Zoë \u2028 🎈 ¡Añá!"}]`
  const made = v3('k+SYQ+4Cr/yzXW18xPJn+gh2NXJ+FXOdp6iA/+zl2jo=', at)
  const both = { clientSecret: ['the-new-one', 'a-client-secret'] }

  it('is over bytes, before anything is parsed: a vector made with openssl', () => {
    const checks = (text: string) =>
      webhooks.verify(request(text, made), both, {}).map(({ passed: is }) => is)
    expect(checks(body)).toEqual([true, true])
    const again = JSON.stringify(JSON.parse(body))
    expect(again).not.toBe(body)
    expect(checks(again)).toEqual([false, true])
    const [event] = webhooks.split(request(body, made))
    expect(event?.payload['propertyValue']).toBe('Zoë \u2028 🎈 ¡Añá!')
  })

  it('tells of each check, those after a failed one too', () => {
    const names = (headers: Record<string, string>) =>
      webhooks.verify(request(body, headers), both, {}).map(({ name, passed: is }) => [name, is])
    const wrongOnly = [
      ['signature', false],
      ['timestamp', true],
    ]
    expect(names({ ...made, 'x-hubspot-signature-v3': 'AAAA' })).toEqual(wrongOnly)
    expect(names({ 'x-hubspot-request-timestamp': String(at) })).toEqual(wrongOnly)
    expect(names({ 'x-hubspot-signature-v3': 'AAAA' })).toEqual([
      ['signature', false],
      ['timestamp', false],
    ])
  })

  it('is over the URL with its query, some percent-encodings decoded', () => {
    const url = 'https://hub.example.com/hooks/hubspot?to=a%40b.example&x=%20y&q=%26%3D%3f'
    const signed = `POSThttps://hub.example.com/hooks/hubspot?to=a@b.example&x=%20y&q=%26%3D?[]${at}`
    const signature = createHmac('sha256', secrets.clientSecret[0] ?? '')
      .update(signed)
      .digest('base64')
    expect(passed(request('[]', v3(signature, at), url))).toBe(true)
    expect(passed(request('[]', v3(signature, at), 'https://hub.example.com/hooks/hubspot'))).toBe(false)
  })
})

describe('what a body says', () => {
  const one = { eventId: 1, subscriptionId: 2, portalId: 33, occurredAt: at }
  const split = (...events: readonly object[]) =>
    webhooks.split(request(JSON.stringify(events.map((event) => ({ ...one, ...event })))))
  const told = (event: object) =>
    split(event).map(({ about, externalId, resource }) => [about, resource, externalId])

  it('generic types are told by their object; what is not known is kept', () => {
    const property = { subscriptionType: 'object.propertyChange', propertyName: 'dealstage' }
    expect(
      split(
        { ...property, objectTypeId: '0-3', objectId: 7 },
        { ...property, objectTypeId: '0-27', objectId: 8 },
        { ...property, objectTypeId: '2-1234', objectId: 9 },
        { subscriptionType: 'company.privacyDeletion', objectId: 5 },
        { subscriptionType: 'contact.restore', objectId: 6 },
        { subscriptionType: 'conversation.newMessage', objectId: 9 },
        { subscriptionType: 'contact.somethingNew', objectId: 9 },
        { objectId: 9 },
      ),
    ).toMatchObject([
      { about: 'changed', resource: 'deals', externalId: '7', tenant: '33', occurredAt: new Date(at) },
      { about: 'changed', resource: 'tasks', externalId: '8' },
      { about: 'unknown', type: 'object.propertyChange' },
      { about: 'deleted', resource: 'companies', externalId: '5' },
      { about: 'changed', resource: 'contacts', externalId: '6' },
      { about: 'unknown', type: 'conversation.newMessage' },
      { about: 'unknown', type: 'contact.somethingNew' },
      { about: 'unknown', type: '' },
    ])
  })

  it('a merge ends what was merged away, and the kept one too where a new one was made', () => {
    const merge = { subscriptionType: 'contact.merge', primaryObjectId: 10, mergedObjectIds: [11, 12] }
    expect(told({ ...merge, objectId: 10, newObjectId: 10 })).toEqual([
      ['changed', 'contacts', '10'],
      ['deleted', 'contacts', '11'],
      ['deleted', 'contacts', '12'],
    ])
    expect(told({ ...merge, newObjectId: 20 })).toEqual([
      ['changed', 'contacts', '20'],
      ['deleted', 'contacts', '10'],
      ['deleted', 'contacts', '11'],
      ['deleted', 'contacts', '12'],
    ])
    const generic = { ...merge, subscriptionType: 'object.merge', objectTypeId: '0-2', newObjectId: 0 }
    expect(told(generic)[0]).toEqual(['changed', 'companies', '10'])
    expect(new Set(split({ ...merge, newObjectId: 20 }).map(({ key }) => key)).size).toBe(4)
  })

  it('an association concerns the ends whose rows show it, and itself where its type is told', () => {
    const pair = { fromObjectId: 1, toObjectId: 77 }
    const own = { subscriptionType: 'contact.associationChange', ...pair }
    expect(told({ ...own, associationType: 'CONTACT_TO_DEAL' })).toEqual([
      ['changed', 'contacts', '1'],
      ['changed', 'deals', '77'],
    ])
    expect(told({ ...own, associationType: 'CONTACT_TO_COMPANY' })).toEqual([['changed', 'contacts', '1']])
    const generic = { subscriptionType: 'object.associationChange', ...pair, associationTypeId: 279 }
    const outwards = { ...generic, fromObjectTypeId: '0-1', toObjectTypeId: '0-2' }
    expect(told(outwards)).toEqual([
      ['changed', 'contacts', '1'],
      ['changed', 'associations', 'contact:1:company:77:279'],
    ])
    expect(told({ ...outwards, associationRemoved: true })).toContainEqual([
      'deleted',
      'associations',
      'contact:1:company:77:279',
    ])
    // The same pair seen from its other side is no second association.
    expect(told({ ...generic, fromObjectTypeId: '0-2', toObjectTypeId: '0-1' })).toEqual([
      ['changed', 'companies', '1'],
    ])
    expect(told({ ...generic, fromObjectTypeId: '2-9', toObjectTypeId: '2-8' })).toEqual([
      ['unknown', undefined, undefined],
    ])
  })

  it('a later attempt is the same event', () => {
    const key = (attemptNumber: number) =>
      split({ subscriptionType: 'contact.creation', objectId: 1, attemptNumber })[0]?.key
    expect(key(3)).toBe(key(0))
  })
})
