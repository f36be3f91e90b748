/** Field mappings through the API: shown, drafted, tried, counted, put in force, taken back. */
import type { components } from '../../openapi/types.ts'
import { until } from '../harness/api.ts'
import { startNotesApi, type NotesApi } from '../harness/notes-api.ts'

type Schemas = components['schemas']

let hub: NotesApi
let mapping = ''

beforeAll(async () => {
  hub = await startNotesApi()
  mapping = `${hub.base}/resources/notes/mapping`
  for (const [id, owner] of [
    ['n1', 'ana'],
    ['n2', 'bob'],
    ['n3', 'ana'],
  ] as const)
    hub.notes.notes.set(id, {
      id,
      version: 1,
      updatedAt: '2026-01-01T00:00:00Z',
      title: `Title ${id}`,
      body: 'Body',
      owner,
    })
  await hub.sync()
}, 120_000)

afterAll(() => hub?.close())

const put = (rules: unknown, headers: Record<string, string> = {}, query = '') =>
  hub.api.request('PUT', mapping + query, { body: { rules }, headers })
const rules = [
  { to: 'id', from: 'id' },
  { to: 'subject', from: 'title' },
  { to: 'custom.owner', from: 'owner', values: { ana: 'Ana' } },
]
const records = async () => {
  const { body } = await hub.get(`/admin/v1/records?model=ticket&connectionId=${hub.connectionId}`)
  return (body as Schemas['RecordList']).items.map((record) => record.mapped as Record<string, unknown>)
}
const ended = async (remap: Schemas['Remap']) =>
  until(
    async () => (await hub.get(`/admin/v1/remaps/${remap.remapId}`)).body as Schemas['Remap'],
    ({ state }) => state !== 'running',
  )
async function draft(some: unknown = rules): Promise<Schemas['Mapping']> {
  const answer = await put(some)
  expect(answer.status).toBe(201)
  return answer.body as Schemas['Mapping']
}
async function publish(version: number) {
  const answer = await hub.post(`${mapping}/versions/${version}/publish`)
  expect(answer.status).toBe(202)
  const published = answer.body as Schemas['PublishedMapping']
  if (!published.remap) throw new Error('nothing is re-mapped')
  return { ...published, remap: await ended(published.remap) }
}

describe('the mapping of a resource', () => {
  it('is the provider’s default until another one is published', async () => {
    const answer = await hub.get(mapping)
    expect(answer).toMatchObject({
      status: 200,
      body: { version: 0, state: 'default', model: 'ticket', sources: { subject: 'title', status: null } },
    })
    expect(answer.headers.get('etag')).toBe('"0"')
    const outwards = await hub.get(`${mapping}?direction=out`)
    expect(outwards.body).toMatchObject({
      direction: 'out',
      rules: [{ to: 'title', from: 'subject' }, {}, {}],
    })
  })

  it('of a resource that is not there names those that are', async () => {
    const answer = await hub.get(`${hub.base}/resources/memos/mapping`)
    expect(answer).toMatchObject({ status: 404, body: { code: 'NoSuchThing' } })
    expect(JSON.stringify(answer.body)).toContain('It has: notes.')
  })

  it('is refused with the place of each rule that is wrong', async () => {
    const answer = await put([
      { to: 'id', from: 'id' },
      { to: 'nonsense', from: 'title' },
      { to: 'subject', from: 'title', constant: 'x' },
    ])
    expect(answer).toMatchObject({ status: 400, body: { code: 'InvalidInput' } })
    const { errors } = answer.body as Schemas['Problem']
    expect(errors?.map(({ pointer }) => pointer)).toEqual(['/rules/1', '/rules/2'])
  })

  it('is drafted without a change, listed newest first', async () => {
    const first = await draft()
    const second = await draft([...rules, { to: 'description', constant: 'x' }])
    expect(first).toMatchObject({
      state: 'draft',
      publishedAt: null,
      createdBy: expect.any(String) as string,
    })
    expect(second.version).toBe(first.version + 1)
    expect((await hub.get(mapping)).body).toMatchObject({ version: 0, state: 'default' })
    const page = await hub.get(`${mapping}/versions?limit=1`)
    const { items, nextCursor } = page.body as Schemas['MappingList']
    expect(items.map(({ version }) => version)).toEqual([second.version])
    const next = await hub.get(`${mapping}/versions?limit=1&cursor=${nextCursor}`)
    expect((next.body as Schemas['MappingList']).items).toMatchObject([{ version: first.version }])
  })

  it('is not drafted or published over one that the caller has not seen', async () => {
    const stale = await put(rules, { 'If-Match': '"7"' })
    expect(stale).toMatchObject({ status: 412, body: { code: 'PreconditionFailed' } })
    expect((await put(rules, { 'If-Match': '"0"' })).status).toBe(201)
    const { version } = await draft()
    const path = `${mapping}/versions/${version}/publish`
    expect((await hub.post(path, undefined, { 'If-Match': '"7"' })).status).toBe(412)
    expect((await hub.post(`${mapping}/versions/999/publish`)).status).toBe(404)
  })
})

describe('a preview', () => {
  const preview = (body: unknown) => hub.post(`${mapping}/preview`, body)

  it('shows real records before and after, by rules', async () => {
    const answer = await preview({ rules })
    expect(answer).toMatchObject({ status: 200, body: { records: 3, changed: 3, troubled: 0 } })
    const { items } = answer.body as Schemas['MappingPreview']
    const one = items.find(({ externalId }) => externalId === 'n1')
    expect(one).toMatchObject({
      before: { subject: 'Title n1', assigneeId: 'ana' },
      after: { subject: 'Title n1', custom: { owner: 'Ana' } },
      changedFields: ['assigneeId', 'custom', 'description'],
    })
    expect((await records())[0]).toMatchObject({ description: 'Body' })
  })

  it('shows the records that are asked for, by version', async () => {
    const { version } = await draft()
    const answer = await preview({ version, externalIds: ['n2'] })
    expect(answer.body).toMatchObject({
      records: 1,
      items: [{ externalId: 'n2', after: { custom: { owner: 'bob' } } }],
    })
    expect((await preview({ version: 0, limit: 2 })).body).toMatchObject({ records: 2, changed: 0 })
  })

  it('names values that cannot be converted', async () => {
    const answer = await preview({ rules: [...rules, { to: 'createdAt', from: 'title', convert: 'time' }] })
    expect(answer.body).toMatchObject({ records: 3, troubled: 3 })
  })

  it.each([
    ['neither rules nor a version', {}, '/rules'],
    ['both', { version: 0, rules }, '/version'],
    ['wrong rules', { rules: [{ to: 'nonsense', from: 'id' }] }, '/rules/0'],
  ])('refuses %s', async (_what, body, pointer) => {
    const answer = await preview(body)
    expect(answer.status).toBe(400)
    expect((answer.body as Schemas['Problem']).errors).toContainEqual(
      expect.objectContaining({ in: 'body', pointer }),
    )
  })

  it('refuses a version that is not there', async () => {
    expect((await preview({ version: 999 })).status).toBe(404)
  })
})

it('a plan counts what would change over every record, and can be found again', async () => {
  const answer = await hub.post(`${mapping}/plan`, { rules })
  expect(answer).toMatchObject({
    status: 202,
    body: { dryRun: true, temporalUrl: expect.any(String) as string },
  })
  const plan = await ended(answer.body as Schemas['Remap'])
  expect(plan).toMatchObject({
    state: 'succeeded',
    scanned: 3,
    changed: 3,
    changedFields: { assigneeId: 3, custom: 3, description: 3 },
  })
  expect(answer.headers.get('location')).toBe(`/admin/v1/remaps/${plan.remapId}`)
  const { body } = await hub.get(`${hub.base}/remaps?limit=1`)
  expect((body as Schemas['RemapList']).items).toMatchObject([{ remapId: plan.remapId }])
  const late = await hub.post(`/admin/v1/remaps/${plan.remapId}/cancel`)
  expect(late).toMatchObject({ status: 409, body: { code: 'StateConflict' } })
})

describe('publishing', () => {
  it('re-maps what is stored without a call to the provider; version 0 takes it back', async () => {
    const before = await records()
    const calls = hub.notes.requests.length
    const { version } = await draft()
    const { mapping: live, remap } = await publish(version)
    expect(live).toMatchObject({ version, state: 'live' })
    expect(remap).toMatchObject({ state: 'succeeded', changed: 3, mappingVersion: version })
    expect(await records()).toContainEqual(expect.objectContaining({ custom: { owner: 'Ana' } }))
    const now = await hub.get(mapping)
    expect([now.body, now.headers.get('etag')]).toMatchObject([{ version, state: 'live' }, `"${version}"`])
    expect((await publish(0)).mapping).toMatchObject({ version: 0, state: 'default' })
    expect(await records()).toEqual(before)
    expect((await hub.get(mapping)).body).toMatchObject({ version: 0 })
    expect(hub.notes.requests).toHaveLength(calls)
  })

  it('a mapping outwards changes nothing stored', async () => {
    const made = await put([{ to: 'title', from: 'description' }], {}, '?direction=out')
    expect(made.status).toBe(201)
    const { version } = made.body as Schemas['Mapping']
    const answer = await hub.post(`${mapping}/versions/${version}/publish?direction=out`)
    expect(answer).toMatchObject({
      status: 202,
      body: { mapping: { direction: 'out', version }, remap: null },
    })
    const path = `${hub.base}/writes`
    const done = await hub.once(path, {
      resource: 'notes',
      operation: 'create',
      fields: { description: 'Goes to the title' },
    })
    const { externalId } = done.body as Schemas['Write']
    expect(hub.notes.notes.get(externalId ?? '')?.title).toBe('Goes to the title')
    expect((await hub.post(`${mapping}/versions/0/publish?direction=out`)).status).toBe(202)
  })
})

describe('the fields of a resource', () => {
  it('are empty until the provider was asked, and then those of the account', async () => {
    const path = `${hub.base}/resources/notes/fields`
    expect(await hub.get(path)).toMatchObject({ status: 200, body: { items: [], describedAt: null } })
    const described = await hub.post(path)
    expect(described).toMatchObject({
      status: 200,
      body: {
        items: [
          { path: 'title', isCustom: false },
          { path: 'owner', isCustom: true },
        ],
      },
    })
    expect((await hub.get(path)).body).toEqual(described.body)
  })

  it('are not asked for while the connection is paused', async () => {
    const other = await hub.connect('Paused')
    await hub.post(`/admin/v1/connections/${other}/pause`)
    const answer = await hub.post(`/admin/v1/connections/${other}/resources/notes/fields`)
    expect(answer).toMatchObject({ status: 409, body: { code: 'StateConflict' } })
  })
})
