/** What is special to Help Scout's webhooks; what all webhooks must do: `test/webhooks.conformance.test.ts`. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { applyMapping } from '../../model/mapping.ts'
import type { HookEvent, HookRequest } from '../contract-webhook.ts'
import { received } from './webhook-resources.ts'
import { webhooks } from './webhook.ts'

const now = new Date('2026-11-24T10:00:00.000Z')
const request = (body: unknown, headers: Readonly<Record<string, string>> = {}): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/helpscout/con_1'),
  headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value]])),
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body), 'utf8'),
  receivedAt: now,
})
const split = (event: string, body: unknown) => webhooks.split(request(body, { 'x-helpscout-event': event }))

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

describe('a signature', () => {
  const failed = (body: string, signature: string, signingSecret: readonly string[]) =>
    webhooks
      .verify(request(body, { 'x-helpscout-signature': signature }), { signingSecret }, {})
      .flatMap(({ name, passed }) => (passed ? [] : [name]))

  // LasLabs/python-helpscout helpscout/tests/test_web_hook.py, without the line breaks around it.
  const published =
    '{"firstName":"Jackie","lastName":"Chan","email":"jackie.chan@somewhere.com","gender":"male"}'

  it('fits a published vector', () => {
    const good = '2iFmnzC8SCNVF/iNiMnSe19yceU='
    expect(failed(published, good, ['your secret key'])).toEqual([])
    expect(failed(published, '4+kjl2zB5OwZZjHznSTkD1/J208=', ['your secret key'])).toEqual(['signature'])
    expect(failed('{"nope": "1"}', good, ['your secret key'])).toEqual(['signature'])
  })

  it('is checked over the bytes as they came: escapes and letters beyond ASCII stay as they are', () => {
    // printf '%s' "$body" | openssl dgst -sha1 -hmac 'hs-vector-secret' -binary | openssl base64
    const body =
      '{"id":123,"subject":"Zo\\u00eb says \\u2713","preview":"Grüße 🚀","createdAt":"2026-11-24T09:00:00Z"}'
    const good = '8cnZJHxfhrWwImldtlaH3rm1rSw='
    expect(failed(body, good, ['another', 'hs-vector-secret'])).toEqual([])
    expect(failed(JSON.stringify(JSON.parse(body)), good, ['hs-vector-secret'])).toEqual(['signature'])
    const [event] = split('convo.created', body)
    expect(event?.row).toMatchObject({ subject: 'Zoë says ✓', preview: 'Grüße 🚀' })
  })
})

/** tests/Payloads/ConversationPayloads.php of helpscout/helpscout-api-php, shortened. */
const conversation = {
  id: 123,
  number: 15473,
  threads: 2,
  type: 'email',
  status: 'closed',
  state: 'published',
  subject: 'Need Help',
  mailboxId: 85,
  assignee: { id: 256, first: 'Mr', last: 'Robot', email: 'none@nowhere.com' },
  createdBy: { id: 12, type: 'customer', email: 'bear@acme.com' },
  createdAt: '2017-04-21T14:39:56Z',
  closedAt: '2017-04-21T14:43:24Z',
  userUpdatedAt: '2017-04-21T14:43:24Z',
  customerWaitingSince: {
    time: '2017-04-22T20:18:33Z',
    friendly: '20 hours ago',
    latestReplyFrom: 'customer',
  },
  source: { type: 'email', via: 'customer' },
  tags: [{ id: 9150, color: '#929499', tag: 'vip' }],
  primaryCustomer: { id: 238604 },
  customFields: [{ id: 6688, name: 'Account Type', value: '33077' }],
}
const thread = {
  id: 1,
  type: 'customer',
  status: 'active',
  state: 'published',
  action: { type: 'default', associatedEntities: [] },
  body: 'This is a test<br>',
  createdBy: { id: 238604, type: 'customer' },
  createdAt: '2017-04-22T20:18:33Z',
  _embedded: { attachments: [{ id: 7, filename: 'a.png' }] },
}
const withThreads = (...threads: readonly object[]) => ({ ...conversation, _embedded: { threads } })

describe('a conversation', () => {
  it('is a ticket of the model; the last word of either side is its time', () => {
    const [event, ...others] = split('convo.status', conversation)
    expect(others).toEqual([])
    expect(event).toMatchObject({
      type: 'convo.status',
      about: 'changed',
      occurredAt: new Date('2017-04-22T20:18:33Z'),
    })
    expect(mappedOf(event)).toEqual({
      id: '123',
      subject: 'Need Help',
      status: 'closed',
      requesterId: '238604',
      assigneeId: '256',
      tags: ['vip'],
      customFields: [{ id: 6688, name: 'Account Type', value: '33077' }],
      channel: 'email',
      createdAt: '2017-04-21T14:39:56.000Z',
      updatedAt: '2017-04-22T20:18:33.000Z',
      custom: { number: '15473', mailboxId: '85' },
    })
    expect(resource('conversations').updatedAt(event?.row ?? {})).toBe('2017-04-22T20:18:33.000Z')
  })

  it('is the same event when only the words of a time are others', () => {
    const later = { ...conversation.customerWaitingSince, friendly: '21 hours ago' }
    const key = (body: object, event = 'convo.tags') => split(event, body)[0]?.key
    expect(key({ ...conversation, customerWaitingSince: later })).toBe(key(conversation))
    expect(key({ ...conversation, tags: [] })).not.toBe(key(conversation))
    expect(key(conversation, 'convo.status')).not.toBe(key(conversation))
  })

  it('brings what was written in it, not drafts and not line items', () => {
    const note = { ...thread, id: 2, type: 'note' }
    const draft = { ...thread, id: 3, type: 'message', state: 'draft' }
    const moved = { ...thread, id: 4, type: 'lineitem', action: { type: 'movedFromMailbox' } }
    const [main, ...written] = split('convo.customer.reply.created', withThreads(thread, note, draft, moved))
    expect(main?.row).not.toHaveProperty('_embedded')
    expect(written.map(({ externalId }) => externalId)).toEqual(['1', '2'])
    expect(mappedOf(written[0])).toEqual({
      id: '1',
      ticketId: '123',
      authorId: '238604',
      bodyHtml: 'This is a test<br>',
      isPublic: true,
      attachments: [{ id: 7, filename: 'a.png' }],
      createdAt: '2017-04-22T20:18:33.000Z',
    })
    expect(mappedOf(written[1])).toMatchObject({ isPublic: false })
  })

  it('that took in others ends them, where the line items came along', () => {
    const merged = (id: number, from: number | string) => ({
      id,
      type: 'lineitem',
      action: { type: 'merged', associatedEntities: { originalConversation: from } },
    })
    const events = split('convo.merged', withThreads(merged(8, 77), merged(9, '77'), merged(10, 123)))
    expect(events.map(({ about, externalId, row }) => [about, externalId, row !== undefined])).toEqual([
      ['changed', '123', true],
      ['deleted', '77', false],
    ])
    expect(split('convo.merged', conversation)).toMatchObject([{ about: 'changed', externalId: '123' }])
  })

  it('that is deleted is gone, by event or by state', () => {
    expect(split('convo.deleted', { id: 123 })).toMatchObject([
      { about: 'deleted', resource: 'conversations', externalId: '123' },
    ])
    const [event] = split('convo.status', { ...conversation, state: 'deleted' })
    expect(event).toMatchObject({ about: 'deleted', externalId: '123' })
    expect(event).not.toHaveProperty('row')
  })

  it('under the name of a deletion is not believed: the name is not signed', () => {
    expect(split('convo.deleted', conversation)).toMatchObject([{ about: 'unknown' }])
  })

  it('without its fields is named only', () => {
    const [event] = split('convo.assigned', { id: 123 })
    expect(event).toMatchObject({ about: 'changed', externalId: '123' })
    expect(event).not.toHaveProperty('row')
  })
})

describe('a customer', () => {
  /** developer.helpscout.com/webhooks/objects/survey-response, its customer. */
  const customer = {
    id: 500,
    firstName: 'Vernon',
    lastName: 'Bear',
    jobTitle: 'CEO and Co-Founder',
    organization: 'Acme, Inc',
    createdAt: '2012-07-23T12:34:12Z',
    updatedAt: '2012-07-24T20:18:33Z',
    draft: false,
    _embedded: {
      emails: [{ id: 1, value: 'bear@acme.com', type: 'home' }],
      phones: [{ id: 2, value: '123-123-123', type: 'home' }],
    },
  }

  it('is a user of the model', () => {
    const [event] = split('customer.updated', customer)
    expect(event).toMatchObject({ about: 'changed', occurredAt: new Date('2012-07-24T20:18:33Z') })
    expect(mappedOf(event)).toMatchObject({
      id: '500',
      name: 'Vernon Bear',
      email: 'bear@acme.com',
      phone: '123-123-123',
      role: 'end-user',
      updatedAt: '2012-07-24T20:18:33.000Z',
      custom: { organization: 'Acme, Inc' },
    })
  })

  it('may have its lists at the top, or none', () => {
    const { _embedded: lists, ...bare } = customer
    const [older] = split('customer.created', { ...bare, ...lists })
    expect(mappedOf(older)).toMatchObject({ email: 'bear@acme.com', phone: '123-123-123' })
    expect(mappedOf(split('customer.created', bare)[0])).toMatchObject({ email: null, phone: null })
    expect(split('customer.deleted', { id: 500 })).toMatchObject([
      { about: 'deleted', resource: 'customers' },
    ])
  })
})

describe('a rating', () => {
  it('in the form of webhooks is a satisfaction of the model', () => {
    // developer.helpscout.com/webhooks/objects/rating, shortened.
    const rating = {
      id: 5434,
      customer: { id: 449379, firstName: 'John' },
      ticketId: 1560011,
      threadId: 3002084,
      mailbox: { id: 1234, name: 'My Mailbox' },
      rating: 'Great',
      comments: 'he was really helpful',
      createdAt: '2015-04-13T12:34:12Z',
      modifiedAt: '2015-04-14T20:18:33Z',
    }
    expect(mappedOf(split('satisfaction.ratings', rating)[0])).toMatchObject({
      id: '5434',
      ticketId: '1560011',
      score: 'good',
      comment: 'he was really helpful',
      requesterId: '449379',
      updatedAt: '2015-04-14T20:18:33.000Z',
    })
  })

  it('in the form of the API too: its times are UTC without saying so', () => {
    // developer.helpscout.com/mailbox-api/endpoints/ratings/get, shortened.
    const rating = {
      id: 1,
      customer: { id: 500 },
      threadId: 10,
      conversationId: 123,
      rating: 'not_good',
      user: { id: 11 },
      createdAt: '2017-12-12T12:12:13',
    }
    const [event] = split('satisfaction.ratings', rating)
    expect(event?.occurredAt).toEqual(new Date('2017-12-12T12:12:13Z'))
    expect(mappedOf(event)).toMatchObject({
      ticketId: '123',
      score: 'bad',
      assigneeId: '11',
      updatedAt: '2017-12-12T12:12:13.000Z',
    })
  })
})

it('an organization is named only: its row is not documented', () => {
  const [event] = split('organization.created', { id: 10, name: 'Acme', createdAt: '2026-11-24T09:00:00Z' })
  expect(event).toMatchObject({ about: 'changed', resource: 'organizations', externalId: '10' })
  expect(event).not.toHaveProperty('row')
  expect(applyMapping(resource('organizations').mapping, { id: 10, name: 'Acme' })).toMatchObject({
    mapped: { id: '10', name: 'Acme' },
    problems: [],
  })
})

it('tests are notices; other events, and those without a name or an id, are kept as unknown', () => {
  expect(split('helpscout.test', { id: 123 })).toMatchObject([{ about: 'notice' }])
  for (const event of ['tag.created', 'beacon.chat.created', 'user.status.changed', 'constructor', ''])
    expect(split(event, { id: 1, createdAt: '2026-11-24T09:00:00Z' })).toMatchObject([{ about: 'unknown' }])
  expect(split('convo.status', { url: 'https://api.helpscout.net/v2/conversations/1' })).toMatchObject([
    { about: 'unknown' },
  ])
  expect(webhooks.split(request(conversation))).toMatchObject([{ type: 'unknown', about: 'unknown' }])
  const twice = { ...request(conversation), headers: new Map([['x-helpscout-event', ['convo.tags', 'x']]]) }
  expect(webhooks.split(twice)).toMatchObject([{ about: 'unknown' }])
  for (const body of ['', '[]', '"x"'])
    expect(() => split('convo.status', body)).toThrow(expect.objectContaining({ code: 'Invalid' }) as Error)
})
