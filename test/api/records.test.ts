import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import { quarantineRows } from '../../db/quarantine.ts'
import { defaultTenant } from '../../db/partners.ts'
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { feedInReach } from '../harness/feed-in-reach.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'

type Schemas = components['schemas']
type List<T> = { items: T[]; nextCursor: string | null }

let api: TestApi
let connectionId = ''
let provider = ''
let edited = ''

const get = async <T>(path: string): Promise<T> => {
  const answer = await api.request('GET', path)
  expect([answer.status, answer.body]).toMatchObject([200, {}])
  return answer.body as T
}

async function sync(): Promise<void> {
  const body = { connectionId, resources: ['sections'] }
  const { runId } = (await api.request('POST', '/admin/v1/runs', { body })).body as Schemas['Run']
  await until(
    () => get<Schemas['Run']>(`/admin/v1/runs/${runId}`),
    ({ endedAt }) => endedAt !== null,
  )
}

beforeAll(async () => {
  api = await startTestApi()
  ;({ connectionId, provider } = await api.connect())
  await sync()
  const [first = '', second = ''] = Object.keys(api.sandbox.control.state(provider, 'sections'))
  edited = first
  api.sandbox.control.editExactly(provider, { resource: 'sections', id: first, fields: { name: 'New name' } })
  api.sandbox.control.editExactly(provider, { resource: 'sections', id: second, delete: true })
  await sync()
}, 120_000)

afterAll(async () => {
  await api?.close()
})

const all = async <T>(path: string): Promise<T[]> => {
  const items: T[] = []
  let cursor: string | null = null
  do {
    const page: List<T> = await get(`${path}${cursor === null ? '' : `&cursor=${cursor}`}`)
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return items
}

describe('records', () => {
  const byResource = () => `/admin/v1/records?connectionId=${connectionId}&resource=sections`

  it('are paged by resource and by model alike, each once, in the order of their change', async () => {
    const whole = await all<Schemas['RecordListItem']>(`${byResource()}&limit=200`)
    const paged = await all<Schemas['RecordListItem']>(`${byResource()}&limit=2`)
    expect(paged).toEqual(whole)
    const ids = paged.map(({ externalId }) => externalId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.at(-1)).toBe(edited)
    const living = Object.keys(api.sandbox.control.state(provider, 'sections'))
    expect([...ids].sort()).toEqual(living.sort())
    for (const model of [`model=section&connectionId=${connectionId}`, 'model=section']) {
      const rows = await all<Schemas['RecordListItem']>(`/admin/v1/records?${model}&limit=2`)
      expect(rows.map(({ externalId }) => externalId).sort()).toEqual([...ids].sort())
    }
  })

  it('are filtered by when they changed, with the deleted ones if asked for', async () => {
    const rows = await all<Schemas['RecordListItem']>(`${byResource()}&limit=200&includeDeleted=true`)
    expect(rows.filter(({ deletedAt }) => deletedAt !== null)).toHaveLength(1)
    const [last] = rows.slice(-1)
    const since = encodeURIComponent(last?.changedAt ?? '')
    const recent = await all<Schemas['RecordListItem']>(
      `${byResource()}&includeDeleted=true&updatedSince=${since}`,
    )
    expect(recent.map(({ externalId }) => externalId)).toContain(last?.externalId)
    expect(recent.length).toBeLessThan(rows.length)
    expect(rows[0]).not.toHaveProperty('raw')
    expect((await get<List<object>>(`${byResource()}&raw=true`)).items[0]).toHaveProperty('raw')
  })

  it('are shown with their history', async () => {
    const path = `/admin/v1/connections/${connectionId}/records/sections/${edited}`
    const record = await get<Schemas['Record']>(path)
    expect(record).toMatchObject({
      externalId: edited,
      version: 2,
      history: [{ version: 1, endedBy: 'updated' }],
    })
    expect(record.history[0]?.raw).not.toEqual(record.raw)
    const versions = await get<List<unknown>>(`${path}/versions`)
    expect(versions.items).toEqual(record.history)
  })

  it.each([
    ['', '/resource'],
    ['resource=sections', '/connectionId'],
    ['model=nothing', '/model'],
    ['model=section&updatedSince=yesterday', '/updatedSince'],
    ['model=section&updatedSince=2026-12-31T23:59:60Z', '/updatedSince'],
    ['model=section&limit=0', '/limit'],
    ['model=section&limit=2&limit=3', '/limit'],
    ['model=section&includeDeleted=perhaps', '/includeDeleted'],
  ])('refuses ?%s', async (query, pointer) => {
    const { status, body } = await api.request('GET', `/admin/v1/records?${query}`)
    expect([status, body]).toMatchObject([400, { errors: [{ in: 'query', pointer }] }])
  })

  it('refuses resource and model at once, and a connection that is not there', async () => {
    const both = await api.request('GET', `${byResource()}&model=section`)
    expect(both).toMatchObject({ status: 400, body: { errors: [{ pointer: '/model' }] } })
    const query = `connectionId=${newId('connection')}&resource=sections`
    expect((await api.request('GET', `/admin/v1/records?${query}`)).status).toBe(404)
  })
})

describe('the feed of changes', () => {
  it('tells each change once, also when read in small pages, and where to go on when nothing is new', async () => {
    await feedInReach(api.database.database.db)
    const whole = await get<Schemas['ChangeList']>('/admin/v1/changes?limit=200')
    const small: Schemas['Change'][] = []
    let after: string | null = null
    for (;;) {
      const page: Schemas['ChangeList'] = await get(
        `/admin/v1/changes?limit=3${after ? `&after=${after}` : ''}`,
      )
      expect(page.nextCursor).not.toBeNull()
      if (page.items.length === 0) {
        expect(page.nextCursor).toBe(after)
        break
      }
      small.push(...page.items)
      after = page.nextCursor
    }
    expect(small).toEqual(whole.items)
    expect(small.filter(({ externalId }) => externalId === edited).map(({ effect }) => effect)).toEqual([
      'created',
      'updated',
    ])
    expect(small.some(({ effect }) => effect === 'deleted')).toBe(true)
  })
})

describe('quarantine', () => {
  it('is listed with reasons, by resource', async () => {
    const { db } = api.deps.database
    const { partnerId } = defaultTenant
    const rows = ['1', '2', '3'].map((externalId) => ({
      externalId,
      reason: '/name is missing',
      raw: '{"id":1}',
    }))
    for (const resource of ['users', 'tickets']) {
      const place = { connectionId, resource, partnerId, runId: newId('run'), readAt: new Date() }
      await inTransaction(db, (tx) => quarantineRows(tx, place, rows))
    }
    const base = `/admin/v1/connections/${connectionId}/quarantine?`
    expect(await all(`${base}limit=2`)).toHaveLength(6)
    const users = await all<Schemas['QuarantineEntry']>(`${base}limit=2&resource=users`)
    expect(users.map(({ externalId, reason }) => [externalId, reason])).toEqual([
      ['1', '/name is missing'],
      ['2', '/name is missing'],
      ['3', '/name is missing'],
    ])
  })
})

describe('the audit chain', () => {
  it('is paged newest first and verified; INV-10: a changed entry shows', async () => {
    const entries = await all<Schemas['AuditEntry']>('/admin/v1/audit?limit=2')
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => entries.length - index))
    const good = await get<Schemas['AuditVerdict']>('/admin/v1/audit/verification')
    expect(good).toEqual({ ok: true, entries: entries.length })
    const { pool, db } = api.deps.database
    await pool.query(`update audit set actor = 'somebody else' where seq = 2`)
    const bad = await get<Schemas['AuditVerdict']>('/admin/v1/audit/verification')
    expect(bad).toMatchObject({ ok: false, brokenAt: 2 })
    await pool.query(`update audit set actor = $1 where seq = 2`, [
      entries.find(({ seq }) => seq === 2)?.actor,
    ])
    await inTransaction(db, (tx) => appendAudit(tx, { actor: 'test', action: 'test.done', subject: 'x' }))
    expect(await get<Schemas['AuditVerdict']>('/admin/v1/audit/verification')).toMatchObject({ ok: true })
  })
})
