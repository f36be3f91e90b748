/** What is special in Pipedrive's webhooks: Basic authentication, the meta block, merges told twice, deletions without data, repeated attempts, stages. */
import type { HookRequest } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

const request = (body: unknown, headers: Record<string, string> = {}): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/pipedrive/con_1?key=k'),
  headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value]])),
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body), 'utf8'),
  receivedAt: new Date('2026-11-24T10:00:00Z'),
})
const meta = {
  entity: 'deal',
  entity_id: '746',
  company_id: '123',
  id: 'u-1',
  version: '2.0',
  timestamp: '2026-05-15T18:00:00.000Z',
  attempt: 1,
}
const data = {
  id: 746,
  title: 'Biview',
  status: 'won',
  value: 1200.5,
  currency: 'EUR',
  expected_close_date: '2026-06-30',
  close_time: '2026-05-15T18:00:00Z',
  update_time: '2026-05-15T18:00:00Z',
  custom_fields: {},
}
it('is authenticated by user and password as they were entered, in UTF-8', () => {
  // printf '%s' 'tieline:pässwörd-🎈' | base64
  const authorization = 'Basic dGllbGluZTpww6Rzc3fDtnJkLfCfjog='
  const passed = (password: readonly string[], header = authorization) =>
    webhooks.verify(request('{}', { authorization: header }), { password }, {})[0]?.passed
  expect(passed(['the-new-one', 'pässwörd-🎈'])).toBe(true)
  expect(passed(['the-new-one'])).toBe(false)
  // printf '%s' 'other:pässwörd-🎈' | base64
  expect(passed(['pässwörd-🎈'], 'Basic b3RoZXI6cMOkc3N3w7ZyZC3wn46I')).toBe(false)
})

it('a later attempt is the same event', () => {
  const key = (attempt: number) =>
    webhooks.split(request({ meta: { ...meta, action: 'change', attempt }, data }))[0]?.key
  expect(key(2)).toBe(key(1))
})

it('names the object and whose it is, never as a row: data holds a part of it; what is not synced is unknown', () => {
  const change = { meta: { ...meta, action: 'change' }, data, previous: { status: 'open' } }
  expect(webhooks.split(request(change))).toEqual([
    {
      key: 'u-1',
      type: 'change.deal',
      about: 'changed',
      resource: 'deals',
      externalId: '746',
      tenant: '123',
      occurredAt: new Date('2026-05-15T18:00:00.000Z'),
      payload: change,
    },
  ])
  const gone = { meta: { ...meta, action: 'delete' }, data: null, previous: data }
  expect(webhooks.split(request(gone))).toMatchObject([{ about: 'deleted', externalId: '746' }])
  const board = { meta: { ...meta, entity: 'board', action: 'create' }, data }
  expect(webhooks.split(request(board))).toMatchObject([{ about: 'unknown', type: 'create.board' }])
  expect(() => webhooks.split(request({ v: 1, current: data }))).toThrow(
    expect.objectContaining({ code: 'Invalid' }) as Error,
  )
})

it('a stage that is made, changed or deleted makes its pipeline be read', () => {
  const about = (action: string, body: object) =>
    webhooks
      .split(request({ meta: { ...meta, entity: 'stage', entity_id: '9', action }, ...body }))
      .map(({ about: what, resource, externalId }) => [what, resource, externalId])
  const stage = { id: 9, name: 'Demo', pipeline_id: 2 }
  expect(about('change', { data: stage, previous: { name: 'Show' } })).toEqual([
    ['changed', 'pipelines', '2'],
  ])
  expect(about('delete', { data: null, previous: stage })).toEqual([['changed', 'pipelines', '2']])
  expect(about('delete', { data: null, previous: null })).toEqual([['unknown', undefined, undefined]])
})

it('reads a time of ten characters as seconds', () => {
  const at = (timestamp: unknown) =>
    webhooks.split(request({ meta: { ...meta, action: 'change', timestamp }, data }))[0]?.occurredAt
  expect(at(1_739_827_361)).toEqual(new Date('2025-02-17T21:22:41.000Z'))
  expect(at('1739827361')).toEqual(new Date('2025-02-17T21:22:41.000Z'))
  expect(at('no time')).toBeUndefined()
})

it('a merge ends one and changes the other, whichever of its two webhooks arrives', () => {
  const told = (more: object, body: object) =>
    webhooks
      .split(request({ meta: { ...meta, entity: 'person', ...more }, ...body }))
      .map(({ about, resource, externalId, key }) => [about, resource, externalId, key])
  expect(told({ action: 'delete', merged_to_id: '7' }, { data: null, previous: data })).toEqual([
    ['deleted', 'persons', '746', 'u-1'],
    ['changed', 'persons', '7', 'u-1/merged-to'],
  ])
  expect(told({ action: 'change', merged_from_id: '9' }, { data })).toEqual([
    ['changed', 'persons', '746', 'u-1'],
    ['deleted', 'persons', '9', 'u-1/merged-from'],
  ])
})

it('a lead is named by its UUID', () => {
  // PipedreamHQ/pipedream components/pipedrive/sources/updated-lead-instant/test-event.mjs (a recorded event), read 2026-11-24; shortened.
  const id = '123456789-1234-1234-1234-123456789012'
  const event = {
    data: { id, title: 'Lead Title', update_time: '2025-06-19T16:07:36.753Z' },
    previous: { update_time: '2025-06-19T16:07:30.029Z' },
    meta: {
      action: 'change',
      company_id: '12345678',
      entity_id: id,
      entity: 'lead',
      id,
      timestamp: '2025-06-19T16:07:36.754Z',
      type: 'application',
      version: '2.0',
      attempt: 1,
    },
  }
  expect(webhooks.split(request(event))).toMatchObject([
    { about: 'changed', resource: 'leads', externalId: id, tenant: '12345678' },
  ])
})
