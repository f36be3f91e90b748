/** What is special in Pipedrive's webhooks: the meta block, deletions without data, repeated attempts. */
import { applyMapping } from '../../model/mapping.ts'
import { checkMapping } from '../../model/mapping-check.ts'
import type { HookRequest } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

const request = (body: unknown): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/pipedrive/con_1?key=k'),
  headers: new Map(),
  body: Buffer.from(JSON.stringify(body), 'utf8'),
  receivedAt: new Date('2026-11-24T10:00:00Z'),
})
const meta = {
  entity: 'deal',
  entity_id: '746',
  id: 'u-1',
  version: '2.0',
  timestamp: '2026-05-15T18:00:00.000Z',
  attempt: 1,
}
const data = {
  id: 746,
  title: 'Biview',
  status: 'won',
  update_time: '2026-05-15T18:00:00Z',
  custom_fields: {},
}

it('a later attempt is the same event', () => {
  const key = (attempt: number) =>
    webhooks.split(request({ meta: { ...meta, action: 'change', attempt }, data }))[0]?.key
  expect(key(2)).toBe(key(1))
})

it('brings the object; a deletion only names it; what is not synced is unknown', () => {
  const [event] = webhooks.split(
    request({ meta: { ...meta, action: 'change' }, data, previous: { status: 'open' } }),
  )
  expect(event).toMatchObject({ about: 'changed', resource: 'deals', externalId: '746', row: data })
  const deals = webhooks.received?.find(({ name }) => name === 'deals')
  expect(deals && applyMapping(deals.mapping, data)).toMatchObject({
    mapped: { id: '746', name: 'Biview', status: 'won' },
  })
  const gone = webhooks.split(request({ meta: { ...meta, action: 'delete' }, data: null, previous: data }))
  expect(gone).toMatchObject([{ about: 'deleted', externalId: '746' }])
  const board = { ...meta, entity: 'board', action: 'create' }
  expect(webhooks.split(request({ meta: board, data }))).toMatchObject([
    { about: 'unknown', type: 'create.board' },
  ])
  expect(() => webhooks.split(request({ v: 1, current: data }))).toThrow(
    expect.objectContaining({ code: 'Invalid' }) as Error,
  )
  for (const { mapping } of webhooks.received ?? []) expect(checkMapping(mapping)).toEqual([])
})
