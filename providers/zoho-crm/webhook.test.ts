/** What is special to Zoho CRM's notifications; what all webhooks must do: `test/webhooks.conformance.test.ts`. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { applyMapping } from '../../model/mapping.ts'
import type { HookRequest } from '../contract-webhook.ts'
import type { Row } from '../contract-basics.ts'
import { resources } from './resources.ts'
import { webhooks } from './webhook.ts'

const request = (body: unknown): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/zoho-crm/con_1'),
  headers: new Map(),
  body: Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body), 'utf8'),
  receivedAt: new Date('2026-11-24T10:00:00Z'),
})
const split = (body: unknown) => webhooks.split(request(body))

/** The documented notification (zoho.com/crm/developer/docs/api/v7/notifications/enable.html). */
const documented = {
  server_time: 1718117126473,
  query_params: {},
  module: 'Leads',
  resource_uri: 'https://www.zohoapis.com/crm/v2/Leads',
  ids: ['5725767000003000064'],
  affected_fields: [],
  operation: 'insert',
  channel_id: '1000000068001',
  token: 'TOKEN_FOR_VERIFICATION_OF_1000000068001',
}
/** In the shape of one that was recorded with `return_affected_field_values` (amp-labs/connectors, subscriptionEvent_test.go). */
const withValues = {
  ...documented,
  server_time: 1750102639787,
  operation: 'update',
  ids: ['1', '2'],
  affected_values: [{ record_id: '2', values: { Company: 'Rangoni é', Phone: '555' } }],
  affected_fields: [{ '1': ['Email'] }, { '2': ['Company', 'Phone'] }],
}

describe('the token', () => {
  const passes = (
    body: unknown,
    tokens: readonly string[] = ['new', 'TOKEN_FOR_VERIFICATION_OF_1000000068001'],
  ) => webhooks.verify(request(body), { token: tokens }, {})

  it('in the body lets a notification in, the one that is being replaced as well', () => {
    expect(passes(documented)).toEqual([{ name: 'token', passed: true }])
    expect(passes({ ...documented, token: 'new' })).toEqual([{ name: 'token', passed: true }])
    expect(passes('{"token":"n\\u0065w"}')).toEqual([{ name: 'token', passed: true }])
  })

  it('must be there, be a text, and be the right one', () => {
    for (const token of [null, undefined, '', 'NEW', 'ne', ['new'], { new: 'new' }, true])
      expect(passes({ ...documented, token })).toEqual([
        expect.objectContaining({ name: 'token', passed: false }),
      ])
    for (const body of ['', '[]', '"new"', '{"token":"new"', Buffer.from([0x7b, 0xff, 0x7d])])
      expect(passes(body)).toEqual([expect.objectContaining({ name: 'token', passed: false })])
    expect(passes(documented, [])).toEqual([expect.objectContaining({ passed: false })])
    expect(JSON.stringify(passes({ token: 'guess' }))).not.toContain('guess')
  })
})

describe('a notification', () => {
  it('names records, what happened to them and when; the record is to be read', () => {
    const [event, ...others] = split(documented)
    expect(others).toEqual([])
    expect(event).toEqual({
      key: '1000000068001/Leads/insert/1718117126473/5725767000003000064',
      type: 'Leads.insert',
      about: 'changed',
      resource: 'leads',
      externalId: '5725767000003000064',
      occurredAt: new Date('2024-06-11T14:45:26.473Z'),
      payload: {
        server_time: 1718117126473,
        module: 'Leads',
        resource_uri: 'https://www.zohoapis.com/crm/v2/Leads',
        ids: ['5725767000003000064'],
        affected_fields: [],
        affected_values: {},
        operation: 'insert',
        channel_id: '1000000068001',
      },
    })
  })

  it('of several records is one event each, with what is told of it', () => {
    const [first, second] = split(withValues)
    expect(first?.payload).toMatchObject({ ids: ['1'], affected_fields: ['Email'], affected_values: {} })
    expect(second?.payload).toMatchObject({
      affected_fields: ['Company', 'Phone'],
      affected_values: { Company: 'Rangoni é', Phone: '555' },
    })
    expect(first).not.toHaveProperty('row')
    expect(split({ ...withValues, ids: ['1', '1'] })).toHaveLength(1)
  })

  it('shows nobody the token, nor what stands in the URL', () => {
    const body = { ...documented, query_params: { authorization: 'Zoho-oauthtoken 1000.abc' } }
    for (const one of [body, { ...body, ids: [] }]) {
      const told = JSON.stringify(split(one))
      expect(told).not.toContain('TOKEN_FOR')
      expect(told).not.toContain('1000.abc')
    }
  })

  it('of a deletion ends the record; other modules, operations and empty ones are kept as unknown', () => {
    const abouts = (more: object) => split({ ...documented, ...more }).map(({ about }) => about)
    expect(abouts({ operation: 'delete' })).toEqual(['deleted'])
    expect(abouts({ module: 'Custom_Module' })).toEqual(['unknown'])
    expect(abouts({ module: 'constructor' })).toEqual(['unknown'])
    expect(abouts({ operation: 'toString' })).toEqual(['unknown'])
    expect(abouts({ ids: [] })).toEqual(['unknown'])
    expect(abouts({ ids: null })).toEqual(['unknown'])
    expect(() => split('[1]')).toThrow(expect.objectContaining({ code: 'Invalid' }) as Error)
  })
})

describe('a record as it is read', () => {
  const ajv = new Ajv2020({ strict: false })
  const base = {
    id: '57257',
    Owner: { name: 'Ana', id: '9', email: 'ana@example.com' },
    Created_Time: '2026-11-01T10:00:00+03:00',
    Modified_Time: '2026-11-24T09:00:00+00:00',
  }
  function mapped(name: string, fields: Row) {
    const resource = resources.find((one) => one.name === name)
    if (!resource) throw new Error(`no ${name}`)
    const row = { ...base, ...fields }
    expect([ajv.validate(resource.schema, row), ajv.errorsText()]).toEqual([true, 'No errors'])
    expect([resource.externalId(row), resource.updatedAt(row)]).toEqual(['57257', base.Modified_Time])
    const { mapped: object, problems } = applyMapping(resource.mapping, row)
    expect(problems).toEqual([])
    return object
  }

  it('is an object of its model', () => {
    expect(mapped('leads', { Last_Name: 'Sol', Company: 'Sol', Lead_Status: 'Contacted' })).toMatchObject({
      id: '57257',
      name: 'Sol',
      companyName: 'Sol',
      status: 'Contacted',
      ownerId: '9',
      createdAt: '2026-11-01T07:00:00.000Z',
      updatedAt: '2026-11-24T09:00:00.000Z',
    })
    const account = { name: 'Sol GmbH', id: '3' }
    expect(
      mapped('contacts', { Full_Name: 'Ana Sol', Account_Name: account, Email_Opt_Out: false }),
    ).toMatchObject({ name: 'Ana Sol', accountId: '3', companyName: 'Sol GmbH', isSubscribed: true })
    expect(
      mapped('accounts', { Account_Name: 'Sol GmbH', Website: 'sol.example', Employees: 42 }),
    ).toMatchObject({ name: 'Sol GmbH', domain: 'sol.example', employees: 42 })
    expect(
      mapped('deals', { Deal_Name: 'Ten', Amount: 10.5, Currency: 'EUR', Stage: 'Qualification' }),
    ).toMatchObject({ name: 'Ten', amount: { amountMinor: 1050, currency: 'EUR' }, stageId: 'Qualification' })
    expect(mapped('deals', { Amount: 10.5, Closing_Date: '2026-12-31' })).toMatchObject({
      closesAt: '2026-12-31T00:00:00.000Z',
    })
    expect(mapped('tasks', { Subject: 'Call', Due_Date: '2026-12-01' })).toMatchObject({
      type: 'task',
      dueAt: '2026-12-01T00:00:00.000Z',
    })
    expect(mapped('events', { Event_Title: 'Visit' })).toMatchObject({ type: 'meeting', subject: 'Visit' })
    expect(mapped('calls', { Subject: 'Hello' })).toMatchObject({ type: 'call', subject: 'Hello' })
  })
})
