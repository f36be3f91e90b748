/** Reports asked for again: the provider is spared while an answer is young enough, and its age is shown. */
import { sql } from 'kysely'
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import type { Report } from '../../providers/contract.ts'
import { startNotesApi, type NotesApi } from '../harness/notes-api.ts'

type Operation = components['schemas']['Operation']

const cacheSeconds = 900
let hub: NotesApi

beforeAll(async () => {
  hub = await startNotesApi((provider) => ({
    ...provider,
    reports: provider.reports.flatMap((report): Report[] => [
      { ...report, name: 'kept', cacheSeconds },
      { ...report, name: 'live', cacheSeconds: 0 },
    ]),
  }))
}, 120_000)

afterAll(() => hub?.close())

/** Each test asks a question of its own, so that no other's answer is given to it. */
const question = () => ({ about: newId('request') })
async function ask(input: object, more: { report?: string; query?: string; base?: string } = {}) {
  const { report = 'kept', query = '', base = hub.base } = more
  const { status, body } = await hub.post(`${base}/reports/${report}${query}`, input, { Prefer: 'wait=20' })
  expect({ status, body }).toMatchObject({ status: 200, body: { state: 'succeeded', kind: 'report' } })
  return body as Operation
}
const asked = () => hub.notes.requests.filter(({ path }) => path === '/count').length
/** Makes an answer older than it is. */
async function age({ operationId }: Operation, seconds: number): Promise<void> {
  const { db } = hub.api.database.database
  await sql`update operations set computed_at = computed_at - make_interval(secs => ${seconds}), ended_at = ended_at - make_interval(secs => ${seconds})
    where operation_id = ${operationId}`.execute(db)
}

describe('a report that may be kept', () => {
  it('is asked of the provider once, and says where a repetition came from and how old it is', async () => {
    const input = question()
    const before = asked()
    const first = await ask(input)
    expect(first).toMatchObject({ cachedFrom: null, cacheAgeSeconds: 0, calls: 1 })
    await age(first, 600)
    const again = await ask(input)
    expect(again).toMatchObject({ cachedFrom: first.operationId, calls: 0, result: first.result })
    expect(again.operationId).not.toBe(first.operationId)
    expect(again.cacheAgeSeconds).toBeGreaterThanOrEqual(600)
    expect(again.cacheAgeSeconds).toBeLessThan(660)
    expect(asked()).toBe(before + 1)
  })

  it('is not renewed by being given again: its age counts from the provider’s answer', async () => {
    const input = question()
    const first = await ask(input)
    await age(first, cacheSeconds - 60)
    const again = await ask(input)
    expect(again.cachedFrom).toBe(first.operationId)
    await age(first, 120)
    const later = await ask(input)
    expect(later).toMatchObject({ cachedFrom: null, cacheAgeSeconds: 0, calls: 1 })
  })

  it('is asked for anew when the caller wants it fresh, and that answer serves the next', async () => {
    const input = question()
    const first = await ask(input)
    const fresh = await ask(input, { query: '?fresh=true' })
    expect(fresh).toMatchObject({ cachedFrom: null, cacheAgeSeconds: 0, calls: 1 })
    const next = await ask(input)
    expect(next.cachedFrom).toBe(fresh.operationId)
    expect(next.cachedFrom).not.toBe(first.operationId)
  })

  it('is another one with another input, but not with its keys in another order', async () => {
    const { about } = question()
    const first = await ask({ about, to: 'b' })
    expect((await ask({ about, to: 'c' })).cachedFrom).toBeNull()
    expect((await ask({ to: 'b', about })).cachedFrom).toBe(first.operationId)
  })

  it('is not given to another connection', async () => {
    const input = question()
    await ask(input)
    const base = `/admin/v1/connections/${await hub.connect('Another')}`
    expect(await ask(input, { base })).toMatchObject({ cachedFrom: null, calls: 1 })
  })
})

it('a report that may not be kept is asked for each time', async () => {
  const input = question()
  const before = asked()
  await ask(input, { report: 'live' })
  expect(await ask(input, { report: 'live' })).toMatchObject({ cachedFrom: null, cacheAgeSeconds: 0 })
  expect(asked()).toBe(before + 2)
})

it('the catalogue of a provider says how long each of its reports is kept', async () => {
  const { body } = await hub.get('/admin/v1/providers/notes')
  expect((body as components['schemas']['Provider']).reports).toMatchObject([
    { name: 'kept', cacheSeconds },
    { name: 'live', cacheSeconds: 0 },
  ])
})

it('a wish for freshness that is neither true nor false is refused', async () => {
  const before = asked()
  const answer = await hub.post(`${hub.base}/reports/kept?fresh=perhaps`, question())
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ in: 'query', pointer: '/fresh' }] } })
  expect(asked()).toBe(before)
})
