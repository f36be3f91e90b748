/** What is special to Amplitude's webhooks; what all webhooks must do: `test/webhooks.conformance.test.ts`. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { applyMapping } from '../../model/mapping.ts'
import type { HookEvent, HookRequest } from '../contract-webhook.ts'
import { received } from './webhook-resources.ts'
import { webhooks } from './webhook.ts'

const now = new Date('2026-11-24T10:00:00.000Z')
const request = (body: unknown, headers: Readonly<Record<string, readonly string[]>> = {}): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/amplitude/con_1?key=k'),
  headers: new Map(Object.entries(headers)),
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body), 'utf8'),
  receivedAt: now,
})
const split = (body: unknown) => webhooks.split(request(body))

function resource(name: string | undefined) {
  const found = received.find((one) => one.name === name)
  if (!found) throw new Error(`no ${name ?? 'name'}`)
  return found
}
const ajv = new Ajv2020({ strict: false })
/** The row of an event as an object of its model, after its schema. */
function mappedOf(event: HookEvent | undefined) {
  const { schema, mapping, externalId } = resource(event?.resource)
  const row = event?.row ?? {}
  expect([ajv.validate(schema, row), ajv.errorsText()]).toEqual([true, 'No errors'])
  expect(externalId(row)).toBe(event?.externalId)
  const { mapped, problems } = applyMapping(mapping, row)
  expect(problems).toEqual([])
  return mapped
}

describe('a signature of Knock', () => {
  const body =
    '{"flagId":41,"flagName":"neu-✓","action":"updated","scope":"project","modifiedBy":"Zoë \\u00e9","flag":{"id":41,"key":"neu-✓","name":"Neu 🚀","enabled":true,"variants":[{"key":"control"},{"key":"on"}],"createdAt":"2026-09-09T15:29:47.940Z","lastModifiedAt":"2026-11-24T09:59:00.000Z"},"oldFlag":{}}'
  // (printf '1795514400000.'; cat body) | openssl dgst -sha256 -hmac 'vector-signing-key' -binary | openssl base64
  const signature = 'ILcutc4tEg2V6HogNZCYJ6/2EZUjLT8/XusxW21iwoE='
  const signed = (header: string, more: Partial<HookRequest> = {}) => ({
    ...request(body, { 'x-knock-signature': [header] }),
    ...more,
  })
  const secrets = { signingKey: ['another', 'vector-signing-key'], token: ['t0ken'] }
  const failed = (one: HookRequest) =>
    webhooks
      .verify(one, secrets, {})
      .filter(({ passed }) => !passed)
      .map(({ name }) => name)

  it('over time and bytes as they came is taken; escapes and letters beyond ASCII stay as they are', () => {
    expect(failed(signed(`t=1795514400000,s=${signature}`))).toEqual([])
    const rewritten = Buffer.from(JSON.stringify(JSON.parse(body)), 'utf8')
    expect(failed(signed(`t=1795514400000,s=${signature}`, { body: rewritten }))).toEqual(['signature'])
  })

  it('counts milliseconds: five minutes in either direction, the same number in seconds never', () => {
    const at = (ms: number) => signed(`t=1795514400000,s=${signature}`, { receivedAt: new Date(ms) })
    expect(failed(at(1795514400000 + 300_000))).toEqual([])
    expect(failed(at(1795514400000 + 300_001))).toEqual(['timestamp'])
    expect(failed(at(1795514400000 - 300_001))).toEqual(['timestamp'])
    expect(failed(signed(`t=1795514400,s=${signature}`))).toEqual(['signature', 'timestamp'])
  })

  it('in another shape, or beside a right token, is refused', () => {
    for (const header of [
      `s=${signature},t=1795514400000`,
      `t=1795514400000, s=${signature}`,
      signature,
      't=,s=',
    ])
      expect(failed(signed(header))).toEqual(['signature'])
    const both = { 'x-knock-signature': ['t=1795514400000,s=AAAA'], 'x-tieline-token': ['t0ken'] }
    expect(failed(request(body, both))).toEqual(['signature'])
  })

  it('gives the flag, and its time for the event', () => {
    const [event] = webhooks.split(signed(`t=1795514400000,s=${signature}`))
    expect(event).toMatchObject({
      type: 'flag.updated',
      about: 'changed',
      externalId: '41',
      occurredAt: new Date('2026-11-24T09:59:00.000Z'),
    })
    expect(mappedOf(event)).toMatchObject({
      id: '41',
      name: 'Neu 🚀',
      status: 'active',
      variants: ['control', 'on'],
      createdAt: '2026-09-09T15:29:47.940Z',
      updatedAt: '2026-11-24T09:59:00.000Z',
    })
  })

  it('tells switching to and fro apart where the flag has no time of its change', () => {
    const flag = { flagId: 41, action: 'updated', flag: { id: 41, enabled: false }, oldFlag: {} }
    const key = (time: number) =>
      webhooks.split(request(flag, { 'x-knock-signature': [`t=${time},s=AAAA`] }))[0]?.key
    expect(key(1)).toBe(key(1))
    expect(key(1)).not.toBe(key(2))
  })
})

describe('a token', () => {
  const failed = (values: readonly string[], tokens: readonly string[]) =>
    webhooks.verify(request('{}', { 'x-tieline-token': values }), { token: tokens }, {})
  it('must be one that the hub knows, once', () => {
    expect(failed(['new'], ['new', 'old'])).toEqual([{ name: 'token', passed: true }])
    expect(failed(['old'], ['new', 'old'])).toEqual([{ name: 'token', passed: true }])
    for (const values of [['other'], ['new', 'new'], [''], []])
      expect(failed(values, ['new', 'old'])).toEqual([
        expect.objectContaining({ name: 'token', passed: false }),
      ])
    expect(failed(['x'], [])).toEqual([expect.objectContaining({ name: 'token', passed: false })])
  })
})

describe('an event that was streamed', () => {
  // Fields as the Export API gives them (fact sheet, section 5).
  const event = {
    $insert_id: 'order-9911-completed',
    amplitude_id: 550000000001,
    app: 400001,
    event_type: 'Order Completed',
    event_time: '2026-11-24 09:00:00.123000',
    server_upload_time: '2026-11-24 09:00:00.456000',
    user_id: 'user-10001',
    device_id: 'web-10001',
    uuid: '0f0e0d0c-1111-4222-8333-444455556666',
    session_id: -1,
    event_properties: { order_id: '9911' },
    country: 'Portugal',
    city: 'Lisbon',
  }

  it('is an event of the model, its times in UTC', () => {
    const [one] = split(event)
    expect(one).toMatchObject({ about: 'changed', occurredAt: new Date('2026-11-24T09:00:00.456Z') })
    expect(mappedOf(one)).toEqual({
      id: '0f0e0d0c-1111-4222-8333-444455556666',
      name: 'Order Completed',
      occurredAt: '2026-11-24T09:00:00.123Z',
      receivedAt: '2026-11-24T09:00:00.456Z',
      profileId: 'user-10001',
      anonymousId: 'web-10001',
      sessionId: null,
      city: 'Lisbon',
      country: 'Portugal',
      properties: { order_id: '9911' },
    })
    expect(resource('events').updatedAt(event)).toBe('2026-11-24T09:00:00.456Z')
  })

  it('without uuid goes by what Amplitude de-duplicates by; a template without either is kept as unknown', () => {
    const [one] = split({ ...event, uuid: null, session_id: 1795514400000 })
    expect(mappedOf(one)).toMatchObject({ id: 'web-10001:order-9911-completed', sessionId: '1795514400000' })
    expect(split({ ...event, uuid: null, device_id: null })[0]).toMatchObject({ about: 'unknown' })
    expect(split({ external_id: 'some user id', name: 'click event' })).toMatchObject([{ about: 'unknown' }])
  })

  it('may come with others in a list', () => {
    const list = [event, { ...event, uuid: 'second' }, event]
    expect(split(list).map(({ externalId }) => externalId)).toEqual([event.uuid, 'second'])
    for (const body of ['[1]', 'null', '{"a":', '"text"'])
      expect(() => split(body)).toThrow(expect.objectContaining({ code: 'Invalid' }) as Error)
  })
})

describe('properties of a user', () => {
  it('name the user, and are not taken for all of it', () => {
    const [event] = split({ user_id: 'user-é', device_id: 'd', user_properties: { $set: { plan: 'pro' } } })
    expect(event).toMatchObject({ about: 'changed', resource: 'users', externalId: 'user-é' })
    expect(event).not.toHaveProperty('row')
    expect(split({ device_id: 'd-1', user_properties: {} })[0]).toMatchObject({ externalId: 'd-1' })
    expect(split({ user_properties: {} })[0]).toMatchObject({ about: 'unknown' })
  })

  it('of a whole user map to a profile', () => {
    const user = { user_id: 'u-1', country: 'Portugal', user_properties: { plan: 'pro' } }
    expect(applyMapping(resource('users').mapping, user)).toMatchObject({
      mapped: { id: 'u-1', country: 'Portugal', properties: { plan: 'pro' } },
      problems: [],
    })
  })
})

describe('a cohort', () => {
  /** The documented payload (amplitude-docs, destination-catalog/en/cohort-webhooks.md). */
  const cohort = {
    cohort_name: 'My Test Cohort',
    cohort_id: '7khm89cz',
    in_cohort: true,
    computed_time: '1692206763',
    message_id: '9baaa88f-9d46-4ee5-a946-be0c6aea0046::enter::0',
    users: [
      { user_id: 'user_one@example.com', user_properties: { name: 'John Doe' } },
      { user_id: 'user_two@example.com' },
    ],
  }

  it('that was entered gives a membership for each user', () => {
    const [first, second, ...others] = split(cohort)
    expect(others).toEqual([])
    expect(mappedOf(first)).toEqual({
      id: '7khm89cz:user_one@example.com',
      segmentId: '7khm89cz',
      memberId: 'user_one@example.com',
    })
    expect(first).toMatchObject({
      type: 'cohort.entered',
      occurredAt: new Date('2023-08-16T17:26:03.000Z'),
      payload: { cohort_name: 'My Test Cohort', user: { user_properties: { name: 'John Doe' } } },
    })
    expect(second?.externalId).toBe('7khm89cz:user_two@example.com')
  })

  it('that was left ends it; nobody is a notice; what is no boolean is unknown', () => {
    expect(split({ ...cohort, in_cohort: false })[0]).toMatchObject({ type: 'cohort.left', about: 'deleted' })
    expect(split({ ...cohort, users: [] })).toMatchObject([{ about: 'notice' }])
    expect(split({ ...cohort, in_cohort: 'yes' })).toMatchObject([{ about: 'unknown' }])
    expect(split({ ...cohort, users: [{ name: 'x' }] })).toMatchObject([{ about: 'unknown' }])
  })
})

it('an action on a flag that nobody knows is kept as unknown; a deleted flag is gone', () => {
  const flag = { flagId: 41, flag: { id: 41, enabled: false } }
  expect(split({ ...flag, action: 'constructor' })).toMatchObject([{ about: 'unknown' }])
  expect(split({ ...flag, action: 'deleted' })).toMatchObject([{ about: 'deleted', externalId: '41' }])
  const [other] = split({ ...flag, action: 'updated', flag: { id: 42 } })
  expect(other).not.toHaveProperty('row')
})
