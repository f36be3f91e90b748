/** Rows as Pipedrive writes them, in fields of the models. */
import { applyMapping } from '../../model/mapping.ts'
import type { Row } from '../contract.ts'
import { activityOf, dealOf, noteOf } from './derive.ts'
import { resource } from './test-context.ts'

const mapped = (name: string, row: Row) => applyMapping(resource(name).mapping, row)

/** The guide on migrating to v2, "New v2 Deal Object Example", read 2026-11-24; shortened. */
const deal = {
  id: 1,
  title: 'Deal',
  value: 1200.5,
  person_id: 1,
  org_id: 1,
  stage_id: 2,
  pipeline_id: 1,
  currency: 'USD',
  add_time: '2024-07-01T05:46:33Z',
  update_time: '2024-07-01T11:29:32Z',
  close_time: '2024-07-01T05:50:19Z',
  status: 'won',
  probability: 25,
  expected_close_date: '2024-08-01',
  owner_id: 18,
  is_deleted: false,
}

it('deals have amounts, shares, and the day on which they were or will be closed', () => {
  expect(mapped('deals', dealOf(deal))).toEqual({
    mapped: {
      id: '1',
      name: 'Deal',
      amount: { amountMinor: 120050, currency: 'USD' },
      status: 'won',
      stageId: '2',
      pipelineId: '1',
      probability: 0.25,
      accountId: '1',
      contactIds: ['1'],
      ownerId: '18',
      closesAt: '2024-07-01T05:50:19.000Z',
      createdAt: '2024-07-01T05:46:33.000Z',
      updatedAt: '2024-07-01T11:29:32.000Z',
    },
    problems: [],
  })
  const open = dealOf({ ...deal, close_time: null, value: null, person_id: null, probability: null })
  expect(mapped('deals', open)).toMatchObject({
    mapped: { amount: null, closesAt: '2024-08-01T00:00:00.000Z', contactIds: [], probability: null },
    problems: [],
  })
})

it('activities are due at a time or on a day, open or done', () => {
  const activity = { id: 8, type: 'call', done: false, due_date: '2026-12-01', due_time: '10:00', note: 'Hi' }
  expect(mapped('activities', activityOf(activity))).toMatchObject({
    mapped: { type: 'call', status: 'open', dueAt: '2026-12-01T10:00:00.000Z', body: 'Hi' },
    problems: [],
  })
  expect(mapped('activities', activityOf({ ...activity, done: true, due_time: null }))).toMatchObject({
    mapped: { status: 'done', dueAt: '2026-12-01T00:00:00.000Z' },
    problems: [],
  })
})

it('times of v1 without a zone are of UTC: of users and notes', () => {
  const user = {
    id: 7,
    name: 'Ana',
    active_flag: false,
    created: '2024-01-01 00:00:00',
    modified: '2024-09-27 14:00:00',
  }
  expect(mapped('users', user)).toMatchObject({
    mapped: { id: '7', userId: '7', isActive: false, updatedAt: '2024-09-27T14:00:00.000Z' },
    problems: [],
  })
  expect(resource('users').updatedAt(user)).toBe('2024-09-27T14:00:00Z')
  const note = noteOf({
    id: 3,
    content: '<b>Hi</b>',
    user_id: 7,
    deal_id: 9,
    add_time: '2024-01-01 08:00:00',
  })
  expect(mapped('notes', note)).toMatchObject({
    mapped: {
      type: 'note',
      body: '<b>Hi</b>',
      ownerId: '7',
      dealIds: ['9'],
      createdAt: '2024-01-01T08:00:00.000Z',
    },
    problems: [],
  })
})

it('leads and products', () => {
  const lead = {
    id: 'a-b',
    title: 'Lead',
    owner_id: 7,
    organization_id: null,
    source_name: 'API',
    is_archived: true,
  }
  expect(mapped('leads', lead)).toMatchObject({
    mapped: { id: 'a-b', name: 'Lead', ownerId: '7', accountId: null, status: 'archived', source: 'API' },
    problems: [],
  })
  const product = {
    id: 3,
    name: 'Slate',
    code: 'S',
    prices: [{ price: 54, currency: 'EUR' }],
    is_linkable: true,
  }
  expect(mapped('products', product)).toMatchObject({
    mapped: { sku: 'S', unitPrice: { amountMinor: 5400, currency: 'EUR' }, isActive: true },
    problems: [],
  })
  expect(mapped('products', { ...product, prices: [] })).toMatchObject({ problems: [] })
})
