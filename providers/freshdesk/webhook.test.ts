/** What is special to Freshdesk's webhooks; what all webhooks must do: `test/webhooks.conformance.test.ts`. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { applyMapping } from '../../model/mapping.ts'
import type { HookRequest } from '../contract-webhook.ts'
import { resources } from './resources.ts'
import { template } from './webhook-split.ts'
import { webhooks } from './webhook.ts'

const request = (body: string, headers: Readonly<Record<string, readonly string[]>> = {}): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/freshdesk/con_1?key=k'),
  headers: new Map(Object.entries(headers)),
  body: Buffer.from(body, 'utf8'),
  receivedAt: new Date('2026-11-24T10:00:00.000Z'),
})
const split = (body: string) => webhooks.split(request(body))

describe('Basic authentication of a rule', () => {
  const failed = (values: readonly string[], passwords = ['new-✓', 'vector-password']) =>
    webhooks
      .verify(request('{}', { authorization: values }), { password: passwords }, {})
      .map(({ name, passed }) => [name, passed])
  // printf 'tieline:vector-password' | openssl base64
  const header = 'Basic dGllbGluZTp2ZWN0b3ItcGFzc3dvcmQ='

  it('is taken with any password in force, once', () => {
    expect(failed([header])).toEqual([['basic_auth', true]])
    expect(failed([header], ['vector-password'])).toEqual([['basic_auth', true]])
    for (const values of [[header, header], [], [''], [header.replace('Basic', 'Bearer')], ['Basic !']])
      expect(failed(values)).toEqual([['basic_auth', false]])
    expect(failed([header], ['other'])).toEqual([['basic_auth', false]])
    expect(failed([header], [])).toEqual([['basic_auth', false]])
  })

  it('is refused for another user with the right password', () => {
    const other = `Basic ${Buffer.from('admin:vector-password').toString('base64')}`
    expect(failed([other])).toEqual([['basic_auth', false]])
  })
})

describe('the body that a rule holds', () => {
  /** As Freshdesk would fill it in. */
  const filled = (event: string, values: Readonly<Record<string, string>>) =>
    template(event).replace(/\{\{([\w.]+)\}\}/g, (_all, name: string) => values[name] ?? '')

  const values = {
    'ticket.id': '11',
    'ticket.modified_on': '2026-11-24T09:59:00Z',
    triggered_event: '{status:{from:4,to:6}}',
  }

  it('names the ticket, what happened to it, and when', () => {
    expect(split(filled('created', values))).toEqual([
      {
        key: expect.stringMatching(/^ticket\/11\/[0-9a-f]{64}$/) as string,
        type: 'ticket.created',
        about: 'changed',
        resource: 'tickets',
        externalId: '11',
        occurredAt: new Date('2026-11-24T09:59:00Z'),
        payload: {
          ticket_id: '11',
          event: 'created',
          updated_at: '2026-11-24T09:59:00Z',
          change: '{status:{from:4,to:6}}',
        },
      },
    ])
    expect(split(filled('updated', values))).toMatchObject([{ type: 'ticket.updated', about: 'changed' }])
    expect(split(filled('deleted', values))).toMatchObject([{ type: 'ticket.deleted', about: 'deleted' }])
  })

  it('tells two changes of one moment apart, and one that comes again not', () => {
    const key = (change: string) => split(filled('updated', { ...values, triggered_event: change }))[0]?.key
    expect(key('{status:{from:4,to:6}}')).toBe(key('{status:{from:4,to:6}}'))
    expect(key('{status:{from:4,to:6}}')).not.toBe(key('{priority:{from:1,to:2}}'))
  })

  it('is read even where a new value ends the text too early', () => {
    const change = '{cf_remark:{from:,to:said "no"\n, Zoë 🚀}}'
    expect(split(filled('updated', { ...values, triggered_event: change }))).toMatchObject([
      { type: 'ticket.updated', externalId: '11', payload: { change } },
    ])
  })

  it('in which something else is broken is told as unreadable', () => {
    for (const body of ['', '[]', '{"ticket_id":"11"', '{"ticket_id":"x","event":"updated" "change":""}'])
      expect(() => split(body)).toThrow(expect.objectContaining({ code: 'Invalid' }) as Error)
  })

  it('without a time that is certain gives none: hours may be those of the account', () => {
    for (const at of ['2026-11-24 09:59:00', 'Tue, 24 Nov, 2026 at 9:59 AM', ''])
      expect(split(filled('updated', { ...values, 'ticket.modified_on': at }))[0]).not.toHaveProperty(
        'occurredAt',
      )
  })
})

describe('fields that were chosen in the form', () => {
  // zulip/zulip zerver/webhooks/freshdesk/fixtures/status_changed.json and ticket_created.json, shortened.
  const told = (event: string) =>
    `{"freshdesk_webhook":\n    {\n    "triggered_event":"${event}",\n    "ticket_id":"11",\n        "ticket_url":"http://test1234zzz.freshdesk.com/helpdesk/tickets/11",\n    "ticket_type":"Incident",\n        "ticket_subject":"Test ticket subject ☃",\n        "ticket_status":"Waiting on Customer"}\n}\n`

  it('name the ticket; creation and deletion are told by the event', () => {
    expect(split(told('{status:{from:4,to:6}}'))).toMatchObject([
      { type: 'ticket.updated', about: 'changed', resource: 'tickets', externalId: '11' },
    ])
    expect(split(told('{ticket_action:created}'))).toMatchObject([
      { type: 'ticket.created', about: 'changed' },
    ])
    expect(split(told('{ticket_action:deleted}'))).toMatchObject([
      { type: 'ticket.deleted', about: 'deleted' },
    ])
  })

  it('may be numbers, and without any event', () => {
    // wechaty/plugin-freshdesk src/freshdesk/webhook.ts
    const body =
      '{"freshdesk_webhook":{"ticket_id":11,"ticket_latest_public_comment":"Rui LI : <div>test note</div>"}}'
    expect(split(body)).toMatchObject([{ about: 'changed', externalId: '11' }])
  })

  it('without a ticket are kept as unknown', () => {
    for (const body of [
      '{"freshdesk_webhook":{"ticket_subject":"x"}}',
      '{}',
      '{"ticket_id":"{{ticket.id}}"}',
    ])
      expect(split(body)).toMatchObject([{ about: 'unknown' }])
  })
})

describe('a ticket as the API answers it', () => {
  const tickets = resources.find(({ name }) => name === 'tickets')
  const ticket = {
    id: 20,
    subject: 'Support Needed ☃',
    description_text: 'Details',
    status: 2,
    priority: 1,
    type: null,
    requester_id: 1_000_000_675,
    responder_id: null,
    group_id: null,
    company_id: null,
    tags: ['vip'],
    created_at: '2015-08-18T16:18:14Z',
    updated_at: '2015-08-19T10:37:44Z',
  }
  const ajv = new Ajv2020({ strict: false })

  it('fits its schema and is a ticket of the model', () => {
    expect([ajv.validate(tickets?.schema ?? false, ticket), ajv.errorsText()]).toEqual([true, 'No errors'])
    expect(tickets?.externalId(ticket)).toBe('20')
    expect(tickets?.updatedAt(ticket)).toBe('2015-08-19T10:37:44Z')
    expect(tickets && applyMapping(tickets.mapping, ticket)).toMatchObject({
      mapped: {
        id: '20',
        subject: 'Support Needed ☃',
        description: 'Details',
        status: 'open',
        customStatusId: null,
        priority: 'low',
        requesterId: '1000000675',
        assigneeId: null,
        tags: ['vip'],
        updatedAt: '2015-08-19T10:37:44.000Z',
      },
      problems: [],
    })
  })

  it('with a status of the account’s own keeps its number', () => {
    expect(tickets && applyMapping(tickets.mapping, { ...ticket, status: 6 })).toMatchObject({
      mapped: { status: '6', customStatusId: '6' },
    })
  })
})
