/** What is special in Zendesk's webhooks: the time is signed with the body; events, and bodies of our own making. */
import type { HookRequest } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

const request = (
  body: string,
  headers: Record<string, string> = {},
  at = '2021-03-25T05:10:00Z',
): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/zendesk/con_1'),
  headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value]])),
  body: Buffer.from(body, 'utf8'),
  receivedAt: new Date(at),
})

// Zendesk's public secret of test deliveries (developer.zendesk.com, "Verifying"), used as it stands; the vector is one of a public
// Rust crate's tests, made independently of this code.
const secrets = { signingSecret: ['dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=='] }
const headers = {
  'x-zendesk-webhook-signature-timestamp': '2021-03-25T05:09:27Z',
  'x-zendesk-webhook-signature': 'S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM=',
}
const body = '{"event":"ticket.updated","id":123}'

it('fits a published vector, and refuses it when it is old or the time is another', () => {
  const passed = (one: HookRequest) => webhooks.verify(one, secrets, {}).every((check) => check.passed)
  expect(passed(request(body, headers))).toBe(true)
  expect(passed(request(body, headers, '2021-03-25T05:20:00Z'))).toBe(false)
  const later = { ...headers, 'x-zendesk-webhook-signature-timestamp': '2021-03-25T05:09:28Z' }
  expect(passed(request(body, later))).toBe(false)
})

it('is checked over the bytes as they came: escapes and letters beyond ASCII stay as they are', () => {
  // printf '%s' '2026-11-24T10:00:00Z{"type":…}' | openssl dgst -sha256 -hmac 'zd-vector-secret' -binary | openssl base64
  const sent =
    '{"type":"zen:event-type:user.name_changed","id":"e-\\u00e9","subject":"zen:user:77","detail":{"id":"77","name":"Zoë 🚀"}}'
  const signed = {
    'x-zendesk-webhook-signature-timestamp': '2026-11-24T10:00:00Z',
    'x-zendesk-webhook-signature': 'JwahYneGG82TKdXiUpNzEEPuAPVofLtWXSwfbnKL0TM=',
  }
  const failed = (one: HookRequest, known = { signingSecret: ['another', 'zd-vector-secret'] }) =>
    webhooks.verify(one, known, {}).flatMap(({ name, passed }) => (passed ? [] : [name]))
  const at = '2026-11-24T10:04:59Z'
  expect(failed(request(sent, signed, at))).toEqual([])
  expect(failed(request(JSON.stringify(JSON.parse(sent)), signed, at))).toEqual(['signature'])
  expect(failed(request(sent, {}, at))).toEqual(['signature', 'timestamp'])
  expect(webhooks.split(request(sent, signed))).toMatchObject([{ key: 'e-é', externalId: '77' }])
  const ofTriggers = { signingSecret: ['another'], triggerSigningSecret: ['zd-vector-secret'] }
  expect(failed(request(sent, signed, at), ofTriggers)).toEqual([])
})

it('knows names as the reference writes them, merges among them: the loser is read, and found as it is now', () => {
  const merged = { type: 'zen:event-type/user.merged', id: 'm1', subject: 'zen:user:6', detail: { id: '6' } }
  expect(webhooks.split(request(JSON.stringify(merged)))).toMatchObject([
    { about: 'changed', resource: 'users', externalId: '6' },
  ])
})

it('tells two changes of one minute apart by the invocation, not two attempts of one', () => {
  const trigger = JSON.stringify({ ticket_id: 7, updated_at: '2026-11-24T10:00Z' })
  const key = (invocation: string) =>
    webhooks.split(request(trigger, { 'x-zendesk-webhook-invocation-id': invocation }))[0]?.key
  expect(key('8350205582')).toBe(key('8350205582'))
  expect(key('8350205582')).not.toBe(key('8350205583'))
  expect(webhooks.split(request(trigger))[0]?.occurredAt).toEqual(new Date('2026-11-24T10:00:00Z'))
})

it('reads events by their subject too, deletions of both kinds, and what a trigger sends', () => {
  const event = {
    type: 'zen:event-type:user.active_changed',
    id: 'e1',
    time: '2026-11-24T10:00:00Z',
    subject: 'zen:user:6596848315901',
  }
  expect(webhooks.split(request(JSON.stringify(event)))).toMatchObject([
    { key: 'e1', about: 'changed', resource: 'users', externalId: '6596848315901' },
  ])
  const gone = { ...event, type: 'zen:event-type:ticket.permanently_deleted', detail: { id: '7' } }
  expect(webhooks.split(request(JSON.stringify(gone)))).toMatchObject([
    { about: 'deleted', resource: 'tickets', externalId: '7' },
  ])
  const trigger = { ticket_id: 35436, updated_at: '2026-11-24T10:00:00Z' }
  expect(webhooks.split(request(JSON.stringify(trigger)))).toMatchObject([
    { key: 'trigger/35436/2026-11-24T10:00:00Z', resource: 'tickets', externalId: '35436' },
  ])
  const strange = { type: 'zen:event-type:agent_availability.changed', id: 'e2' }
  expect(webhooks.split(request(JSON.stringify(strange)))).toMatchObject([{ about: 'unknown' }])
})
