/** Lists, associations, mailings, actions and reports, each against answers of HubSpot's documented form. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { JsonObject } from '../../model/json.ts'
import { applyMapping } from '../../model/mapping.ts'
import { json } from '../http/test-server.ts'
import { hubspot } from './index.ts'
import { action, readAll, resource, startPortal, type Portal } from './test-portal.ts'

const ajv = addFormats.default(new Ajv2020({ allErrors: true, strict: false }))
let portal: Portal

beforeEach(async () => {
  portal = await startPortal()
})
afterEach(() => portal.close())

/** Answers by path; a function is given the body that was sent. Everything else is the portal's. */
function serve(
  routes: Readonly<Record<string, JsonObject | ((body: JsonObject, query: URLSearchParams) => JsonObject)>>,
) {
  portal.refuse = (response, { url, body }) => {
    const { pathname, searchParams } = new URL(url, 'http://portal')
    const route = routes[pathname]
    if (!route) return false
    const sent = body === '' ? {} : (JSON.parse(body) as JsonObject)
    json(response, 200, typeof route === 'function' ? route(sent, searchParams) : route)
    return true
  }
}

const sentTo = (path: string): unknown[] =>
  portal.server.requests
    .filter(({ url }) => url.startsWith(path))
    .map(({ body }) => JSON.parse(body) as unknown)

describe('reading', () => {
  it('gives an association for each label of a pair, and asks for no pair that is not there', async () => {
    const of = (id: string, companies: string[]) => ({
      id,
      associations:
        companies.length === 0
          ? {}
          : { companies: { results: companies.map((to) => ({ id: to, type: 'x' })) } },
    })
    serve({
      '/crm/objects/2026-09/contacts': { results: [of('1', ['77']), of('2', [])] },
      '/crm/objects/2026-09/companies': { results: [] },
      '/crm/objects/2026-09/deals': { results: [] },
      '/crm/associations/2026-09/contacts/companies/batch/read': {
        results: [
          {
            from: { id: '1' },
            to: [
              {
                toObjectId: 77,
                associationTypes: [
                  { category: 'HUBSPOT_DEFINED', typeId: 1, label: 'Primary' },
                  { category: 'HUBSPOT_DEFINED', typeId: 279, label: null },
                ],
              },
            ],
          },
        ],
      },
    })
    const associations = resource('associations')
    const { rows } = await readAll(associations, portal.open(), {})
    expect(rows.map(associations.externalId)).toEqual(['contact:1:company:77:1', 'contact:1:company:77:279'])
    expect(sentTo('/crm/associations/')).toEqual([{ inputs: [{ id: '1' }] }])
    const [row = {}] = rows
    expect(ajv.compile(associations.schema)(row)).toBe(true)
    expect(applyMapping(associations.mapping, row)).toMatchObject({
      problems: [],
      mapped: { id: 'contact:1:company:77:1', fromType: 'contact', toType: 'account', label: 'Primary' },
    })
    expect((await associations.getMany?.(portal.open(), ['contact:1:company:77:279']))?.rows).toHaveLength(1)
  })

  it('goes through the members of every list, and past one that is removed meanwhile', async () => {
    const lists = ['11', '12', '13'].map((listId) => ({ listId, name: listId, processingType: 'MANUAL' }))
    portal.refuse = (response, { url, body }) => {
      const { pathname, searchParams } = new URL(url, 'http://portal')
      if (pathname === '/crm/lists/2026-09/search') {
        const { offset } = JSON.parse(body) as { offset: number }
        json(response, 200, {
          lists: lists.slice(offset, offset + 2),
          hasMore: offset === 0,
          offset,
          total: 3,
        })
      } else if (pathname.includes('/12/'))
        json(response, 404, { category: 'OBJECT_NOT_FOUND', message: 'gone' })
      else {
        const isSecond = searchParams.get('after') === 'n'
        json(response, 200, {
          results: [{ recordId: isSecond ? '2' : '1', membershipTimestamp: '2026-11-01T00:00:00Z' }],
          ...(isSecond ? {} : { paging: { next: { after: 'n' } } }),
        })
      }
      return true
    }
    const memberships = resource('list_memberships')
    const { rows } = await readAll(memberships, portal.open(), {})
    expect(rows.map(memberships.externalId)).toEqual(['11:1', '11:2', '13:1', '13:2'])
    expect(applyMapping(memberships.mapping, rows[0] ?? {})).toMatchObject({
      problems: [],
      mapped: { id: '11:1', segmentId: '11', memberId: '1' },
    })
  })

  it('reads e-mail events up to a moment that stands still, and goes on from an hour before it', async () => {
    serve({
      '/email/public/v1/events': (_body, query) => {
        const isSecond = query.get('offset') === 'o2'
        return {
          hasMore: !isSecond,
          offset: 'o2',
          events: [
            {
              id: isSecond ? 'b' : 'a',
              created: 1_760_000_000_000,
              type: 'OPEN',
              recipient: 'ana@example.com',
              emailCampaignId: 7,
              location: { city: 'Porto', country: 'PT' },
            },
          ],
        }
      },
    })
    const events = resource('email_events')
    const { rows, position } = await readAll(events, portal.open(), {})
    expect(rows.map(events.externalId)).toEqual(['a', 'b'])
    const bounds = portal.server.requests.map(({ url }) =>
      new URL(url, 'http://p').searchParams.get('endTimestamp'),
    )
    expect(new Set(bounds).size).toBe(1)
    expect(Number(position['since'])).toBe(Number(bounds[0]) - 3_600_000)
    expect(applyMapping(events.mapping, rows[0] ?? {})).toMatchObject({
      problems: [],
      mapped: { name: 'OPEN', city: 'Porto', properties: { emailCampaignId: 7 } },
    })
  })

  it('reads a deal with its ends, its currency and the stages it went through', async () => {
    serve({
      '/account-info/2026-09/details': { portalId: 1, companyCurrency: 'EUR', timeZone: 'UTC' },
      '/crm/objects/2026-09/deals': {
        results: [
          {
            id: '5',
            properties: {
              dealname: 'Seats',
              amount: '12.50',
              deal_currency_code: '',
              hs_is_closed_won: 'true',
            },
            propertiesWithHistory: {
              dealstage: [{ value: 'closedwon', timestamp: '2026-11-02T00:00:00Z', sourceType: 'CRM_UI' }],
            },
            createdAt: '2026-11-01T00:00:00Z',
            updatedAt: '2026-11-02T00:00:00Z',
            associations: {
              contacts: {
                results: [
                  { id: '9', type: 'a' },
                  { id: '9', type: 'b' },
                  { id: '10', type: 'a' },
                ],
              },
            },
          },
        ],
      },
    })
    const deals = resource('deals')
    const { rows } = await deals.readPage(portal.open(), {})
    const [row = {}] = rows
    expect(ajv.compile(deals.schema)(row)).toBe(true)
    expect(applyMapping(deals.mapping, row)).toMatchObject({
      problems: [],
      mapped: {
        amount: { amountMinor: 1250, currency: 'EUR' },
        status: 'won',
        contactIds: ['9', '10'],
        accountId: null,
        stageHistory: [{ stage: 'closedwon', at: '2026-11-02T00:00:00.000Z', source: 'CRM_UI' }],
      },
    })
  })
})

describe('acting', () => {
  it('writes a note with the hub’s key, and makes the property for it first', async () => {
    const associate = '/crm/objects/2026-09/notes/9001/associations/default/contacts/512'
    serve({
      '/crm/properties/2026-09/notes': (body) =>
        body['name'] === undefined ? { results: [{ name: 'hs_object_id', groupName: 'engagement' }] } : body,
      '/crm/objects/2026-09/notes/batch/upsert': { results: [{ id: '9001', new: true }] },
      [associate]: {},
    })
    const input = { body: 'Asked for an offer', associateWith: [{ kind: 'contact', id: '512' }] }
    const note = action('create_note')
    expect(ajv.compile(note.input)(input)).toBe(true)
    expect(await note.run(portal.open(), input, 'op_1')).toEqual({ id: '9001', isNew: true })
    expect(portal.server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /crm/properties/2026-09/notes',
      'POST /crm/properties/2026-09/notes',
      'POST /crm/objects/2026-09/notes/batch/upsert',
      `PUT ${associate}`,
    ])
    expect(sentTo('/crm/objects/2026-09/notes/batch/upsert')).toMatchObject([
      {
        inputs: [
          {
            idProperty: 'tieline_key',
            id: 'op_1',
            properties: { hs_note_body: 'Asked for an offer', tieline_key: 'op_1' },
          },
        ],
      },
    ])
  })

  it('sends one e-mail and one event for a key, however often they are asked for', async () => {
    serve({
      '/marketing/transactional/2026-09/single-email/send': { status: 'PENDING', statusId: 's' },
      '/events/2026-09/send': {},
    })
    for (let n = 0; n < 2; n++) {
      await action('send_single_email').run(portal.open(), { emailId: '7', to: 'ana@example.com' }, 'op_1')
      await action('send_custom_event').run(portal.open(), { eventName: 'pe1_x', contactId: '512' }, 'op_1')
    }
    const mails = sentTo('/marketing/transactional') as { message: { sendId: string } }[]
    const events = sentTo('/events/') as { uuid: string }[]
    expect(new Set(mails.map(({ message }) => message.sendId)).size).toBe(1)
    expect(new Set(events.map(({ uuid }) => uuid)).size).toBe(1)
  })

  it('enrols a contact by the address that it reads itself', async () => {
    serve({
      '/crm/objects/2026-09/contacts/512': { id: '512', properties: { email: 'ana@example.com' } },
      '/automation/v2/workflows/494848/enrollments/contacts/ana%40example.com': {},
    })
    const output = await action('enroll_in_workflow').run(
      portal.open(),
      { workflowId: '494848', contactId: '512' },
      'k',
    )
    expect(output).toEqual({ isEnrolled: true })
  })

  it('takes back exactly what it added to a list', async () => {
    serve({
      '/crm/lists/2026-09/24/memberships/add': {
        recordsIdsAdded: ['513'],
        recordIdsRemoved: [],
        recordIdsMissing: [],
      },
    })
    const add = action('add_to_list')
    const input = { listId: '24', recordIds: ['512', '513'] }
    const output = await add.run(portal.open(), input, 'k')
    expect(add.undo?.input(input, output)).toEqual({ listId: '24', recordIds: ['513'] })
  })
})

describe('reports', () => {
  const report = (name: string) => {
    const found = hubspot.reports.find((each) => each.name === name)
    if (!found) throw new Error(`no report ${name}`)
    return found
  }
  const pipelines = {
    results: [
      {
        id: 'default',
        label: 'Sales',
        stages: [
          { id: 'sent', label: 'Sent', displayOrder: 0, metadata: { probability: '0.5', isClosed: 'false' } },
          { id: 'won', label: 'Won', displayOrder: 1, metadata: { probability: '1.0', isClosed: 'true' } },
        ],
      },
    ],
  }
  const deal = (id: string, stage: string, amount: string) => ({
    id,
    properties: { dealstage: stage, pipeline: 'default', amount, hs_v2_time_in_current_stage: '7200000' },
    propertiesWithHistory: {
      dealstage: [
        { value: 'won', timestamp: '2026-10-03T00:00:00Z' },
        { value: 'sent', timestamp: '2026-10-01T00:00:00Z' },
      ],
    },
  })
  const span = { from: '2026-10-01T00:00:00Z', to: '2026-11-01T00:00:00Z' }

  it('sums the pipeline by stage and currency, and follows the moves', async () => {
    serve({
      '/crm/pipelines/2026-09/deals': pipelines,
      '/account-info/2026-09/details': { companyCurrency: 'EUR' },
      '/crm/objects/2026-09/deals': { results: [deal('1', 'sent', '100'), deal('2', 'sent', '50.5')] },
    })
    const standing = await report('deal_pipeline').run(portal.open(), {})
    expect(standing).toMatchObject({
      isComplete: true,
      stages: [
        {
          stageId: 'sent',
          count: 2,
          amounts: [{ currency: 'EUR', amount: 150.5, weightedAmount: 75.25 }],
          averageHoursInStage: 2,
        },
        { stageId: 'won', count: 0, amounts: [], averageHoursInStage: null },
      ],
    })
    expect(ajv.compile(report('deal_pipeline').output)(standing)).toBe(true)
    const moves = await report('deal_moves').run(portal.open(), span)
    expect(moves).toMatchObject({
      moves: [
        { fromStageId: null, toStageId: 'sent', count: 2 },
        { fromStageId: 'sent', toStageId: 'won', count: 2, isBack: false },
      ],
      timeInStage: [{ stageId: 'sent', left: 2, averageHours: 48 }],
    })
    expect(ajv.compile(report('deal_moves').output)(moves)).toBe(true)
  })

  it('counts the lifecycle’s stages and what moved into them, forward and back', async () => {
    const history = [
      { value: 'lead', timestamp: '2026-10-03T00:00:01Z' },
      { value: '', timestamp: '2026-10-03T00:00:00Z' },
      { value: 'customer', timestamp: '2026-10-02T00:00:00Z' },
    ]
    serve({
      '/crm/objects/2026-09/contacts/search': (body) => {
        const isCount = JSON.stringify(body['filterGroups']).includes('"EQ"')
        return {
          total: 4,
          results: isCount ? [] : [{ id: '1', properties: { lastmodifieddate: '2026-10-03T00:00:01Z' } }],
        }
      },
      '/crm/objects/2026-09/contacts/batch/read': {
        results: [{ id: '1', properties: {}, propertiesWithHistory: { lifecyclestage: history } }],
      },
    })
    const funnel = await report('lifecycle_funnel').run(portal.open(), span)
    expect(funnel['stages']).toEqual([
      { stage: 'subscriber', name: 'subscriber', count: 4, movedForwardInto: 0, movedBackInto: 0 },
      { stage: 'lead', name: 'lead', count: 4, movedForwardInto: 0, movedBackInto: 1 },
      { stage: 'opportunity', name: 'opportunity', count: 4, movedForwardInto: 0, movedBackInto: 0 },
      { stage: 'customer', name: 'customer', count: 4, movedForwardInto: 1, movedBackInto: 0 },
    ])
    expect(ajv.compile(report('lifecycle_funnel').output)(funnel)).toBe(true)
  })

  it('adds up mailings, and tells the calls that are left', async () => {
    const counters = { sent: 10, delivered: 8, open: 4, click: 2, bounce: 2, unsubscribed: 1 }
    serve({
      '/marketing/emails/2026-09': { results: [{ id: '1', name: 'News', stats: { counters } }], total: 1 },
      '/account-info/2026-09/api-usage/daily/private-apps': {
        results: [
          {
            currentUsage: 1200,
            usageLimit: 250000,
            fetchStatus: 'SUCCESS',
            name: 'x',
            collectedAt: '2026-11-23T00:00:00Z',
          },
        ],
      },
    })
    const mailings = await report('email_campaign').run(portal.open(), span)
    expect(mailings).toMatchObject({
      total: { sends: 10, opens: 4 },
      emails: [{ openPercent: 50, clickPercent: 25 }],
    })
    expect(ajv.compile(report('email_campaign').output)(mailings)).toBe(true)
    expect(await report('api_usage').run(portal.open(), {})).toMatchObject({
      left: 248_800,
      usedPercent: 0.5,
    })
  })
})

it('gives every action and report an example that fits its schemas', () => {
  const named: readonly { readonly input: object; readonly output: object; readonly name: string }[] = [
    ...hubspot.actions,
    ...hubspot.reports,
  ]
  for (const { name, input, output } of named)
    for (const schema of [input, output] as readonly { readonly examples?: readonly unknown[] }[])
      for (const example of schema.examples ?? []) {
        const fits = ajv.compile(schema)
        expect([name, fits(example), fits.errors]).toEqual([name, true, null])
      }
})
