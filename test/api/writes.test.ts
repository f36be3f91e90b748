/** Writes through the API: done once per key, decided by a person, several as one; bad input changes nothing. */
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { until, type ApiAnswer } from '../harness/api.ts'
import { startNotesApi, type NotesApi } from '../harness/notes-api.ts'

type Schemas = components['schemas']

let hub: NotesApi
let path = ''

beforeAll(async () => {
  hub = await startNotesApi()
  path = `${hub.base}/writes`
}, 120_000)

afterAll(() => hub?.close())

const create = { resource: 'notes', operation: 'create' } as const
const update = { resource: 'notes', operation: 'update' } as const
const writeIn = ({ body }: ApiAnswer) => body as Schemas['Write']
const setIn = ({ body }: ApiAnswer) => body as Schemas['WriteSet']
const show = async (writeId: string) => writeIn(await hub.get(`/admin/v1/writes/${writeId}`))
const written = async () => ((await hub.get(`${path}?limit=200`)).body as Schemas['WriteList']).items
const changing = () => hub.notes.requests.filter(({ method }) => method !== 'GET').length
const titles = () => [...hub.notes.notes.values()].map(({ title }) => title)

/** A note that hub and provider agree on. */
async function noted(subject = 'Title'): Promise<string> {
  const done = await hub.once(path, { ...create, fields: { subject, description: 'Body' } })
  expect(done).toMatchObject({ status: 200, body: { state: 'succeeded' } })
  return writeIn(done).externalId ?? ''
}

/** Nothing is written down and the provider hears nothing, whatever is refused. */
async function expectRefused(ask: () => Promise<ApiAnswer>, status: number, code: string) {
  const before = { calls: changing(), writes: (await written()).length }
  const answer = await ask()
  expect(answer).toMatchObject({ status, body: { status, code } })
  expect({ calls: changing(), writes: (await written()).length }).toEqual(before)
  return answer.body as Schemas['Problem']
}

describe('a write', () => {
  it('is done once per idempotency key, and the key answers the same write again', async () => {
    const headers = { 'Idempotency-Key': newId('request') }
    const wish = { ...create, fields: { subject: 'Once', assigneeId: 'ana' } }
    const first = await hub.once(path, wish, headers)
    expect(first).toMatchObject({
      status: 200,
      body: { state: 'succeeded', operation: 'create', recordVersion: 1, failure: null, conflicts: [] },
    })
    const { externalId, writeId } = writeIn(first)
    expect(hub.notes.notes.get(externalId ?? '')).toMatchObject({ title: 'Once', owner: 'ana' })
    const calls = changing()
    expect((await hub.once(path, wish, headers)).body).toEqual(first.body)
    expect(changing()).toBe(calls)
    expect(titles().filter((title) => title === 'Once')).toHaveLength(1)
    const record = await hub.get(`${hub.base}/records/notes/${externalId}`)
    expect(record.body).toMatchObject({ version: 1, mapped: { subject: 'Once', assigneeId: 'ana' } })
    expect(await show(writeId)).toEqual(first.body)
  })

  it('is refused under a key that was used for another one', async () => {
    const headers = { 'Idempotency-Key': newId('request') }
    await hub.once(path, { ...create, fields: { subject: 'Mine' } }, headers)
    await expectRefused(
      () => hub.once(path, { ...create, fields: { subject: 'Another' } }, headers),
      409,
      'IdempotencyConflict',
    )
    expect(titles()).not.toContain('Another')
  })

  it('asked for several times at once is still one', async () => {
    const headers = { 'Idempotency-Key': newId('request') }
    const wish = { ...create, fields: { subject: 'Crowded' } }
    const answers = await Promise.all(Array.from({ length: 5 }, () => hub.once(path, wish, headers)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(new Set(answers.map((answer) => writeIn(answer).writeId)).size).toBe(1)
    expect(titles().filter((title) => title === 'Crowded')).toHaveLength(1)
  })

  it('is done once though the provider’s answer is lost', async () => {
    hub.notes.loseAnswers(1)
    const done = await hub.once(path, { ...create, fields: { subject: 'Lost answer' } })
    expect(writeIn(await settledWrite(done))).toMatchObject({ state: 'succeeded' })
    expect(titles().filter((title) => title === 'Lost answer')).toHaveLength(1)
  })

  it('goes on when nobody waits, and can be waited for later', async () => {
    const begun = await hub.once(
      path,
      { ...create, fields: { subject: 'Later' } },
      { Prefer: 'respond-async, wait=0' },
    )
    expect(begun).toMatchObject({ status: 202, body: { state: 'running', endedAt: null } })
    expect(begun.headers.get('location')).toBe(`/admin/v1/writes/${writeIn(begun).writeId}`)
    expect(writeIn(await settledWrite(begun)).state).toBe('succeeded')
  })

  it('that the provider refuses ends as failed, with the reason', async () => {
    const answer = await hub.once(path, { ...create, fields: { subject: 'refuse me' } })
    expect(answer).toMatchObject({
      status: 200,
      body: { state: 'failed', externalId: null, recordVersion: null, failure: { code: 'Invalid' } },
    })
  })

  it('of a deletion removes the object here and there', async () => {
    const externalId = await noted('Short-lived')
    const done = await hub.once(path, { resource: 'notes', operation: 'delete', externalId })
    expect(done).toMatchObject({ status: 200, body: { state: 'succeeded', operation: 'delete' } })
    expect(hub.notes.notes.has(externalId)).toBe(false)
    const record = await hub.get(`${hub.base}/records/notes/${externalId}`)
    expect(record.body).toMatchObject({ deletedAt: expect.any(String) as string })
  })

  it('is listed newest first, page by page, and leaves an audit entry', async () => {
    const older = await hub.once(path, { ...create, fields: { subject: 'Older' } })
    const newer = await hub.once(path, { ...create, fields: { subject: 'Newer' } })
    const page = (await hub.get(`${path}?limit=1`)).body as Schemas['WriteList']
    expect(page.items).toMatchObject([{ writeId: writeIn(newer).writeId }])
    const next = (await hub.get(`${path}?limit=1&cursor=${page.nextCursor}`)).body as Schemas['WriteList']
    expect(next.items).toMatchObject([{ writeId: writeIn(older).writeId }])
    const audit = await hub.get(`/admin/v1/audit?subject=${writeIn(newer).writeId}`)
    const entries = (audit.body as Schemas['AuditList']).items
    expect(entries.map(({ action }) => action)).toEqual(['write.succeeded', 'write.requested'])
  })
})

const settledWrite = (begun: ApiAnswer) =>
  until(
    () => hub.get(`/admin/v1/writes/${writeIn(begun).writeId}`),
    (answer) => writeIn(answer).endedAt !== null,
  )

describe('a conflict', () => {
  const contended = async (policy: Schemas['ConflictPolicy']) => {
    const externalId = await noted()
    hub.notes.edit(externalId, { title: 'Theirs', body: 'Their body' })
    const fields = { subject: 'Ours', description: 'Our body' }
    return await hub.once(path, { ...update, externalId, fields, policy })
  }

  it('waits for a person, shows the three values, and goes as they decide', async () => {
    const waiting = await contended('ask')
    const { writeId, externalId, conflicts } = writeIn(waiting)
    expect(waiting).toMatchObject({
      status: 202,
      body: { state: 'needs_decision', conflictFields: ['title', 'body'], decision: null, endedAt: null },
    })
    expect(conflicts).toContainEqual({ path: 'title', ours: 'Ours', theirs: 'Theirs', base: 'Title' })
    expect(hub.notes.notes.get(externalId ?? '')).toMatchObject({ title: 'Theirs' })
    const decision = { fields: { title: 'hub', body: 'provider' } }
    const decided = await hub.post(`/admin/v1/writes/${writeId}/decision`, decision)
    expect(decided).toMatchObject({ status: 202, body: { writeId, decision: decision.fields } })
    const done = await settledWrite(decided)
    expect(done.body).toMatchObject({
      state: 'succeeded',
      writtenFields: ['title'],
      droppedFields: ['body'],
      conflicts: [],
    })
    expect(hub.notes.notes.get(externalId ?? '')).toMatchObject({ title: 'Ours', body: 'Their body' })
    const again = await hub.post(`/admin/v1/writes/${writeId}/decision`, decision)
    expect(again).toMatchObject({ status: 409, body: { code: 'StateConflict' } })
  })

  it('asks for each conflicting field and no other, and keeps waiting meanwhile', async () => {
    const { writeId } = writeIn(await contended('ask'))
    const decide = (fields: unknown) => hub.post(`/admin/v1/writes/${writeId}/decision`, { fields })
    const partly = await decide({ title: 'hub', owner: 'hub' })
    expect(partly).toMatchObject({ status: 400, body: { code: 'InvalidInput' } })
    expect((partly.body as Schemas['Problem']).errors).toMatchObject([
      { in: 'body', pointer: '/fields/body', detail: 'is missing' },
      { in: 'body', pointer: '/fields/owner', detail: 'is not in conflict' },
    ])
    const neither = await decide({ title: 'both', body: 'hub' })
    expect(neither).toMatchObject({ status: 400, body: { errors: [{ pointer: '/fields/title' }] } })
    expect(await show(writeId)).toMatchObject({ state: 'needs_decision', decision: null })
    expect((await decide({ title: 'hub', body: 'hub' })).status).toBe(202)
    expect((await settledWrite(await hub.get(`/admin/v1/writes/${writeId}`))).body).toMatchObject({
      state: 'succeeded',
      droppedFields: [],
    })
  })

  it.each([
    ['hub_wins', 'Ours', []],
    ['provider_wins', 'Theirs', ['title', 'body']],
  ] as const)('by the policy %s needs nobody', async (policy, title, droppedFields) => {
    const done = await contended(policy)
    expect(done).toMatchObject({ status: 200, body: { state: 'succeeded', policy, droppedFields } })
    expect(hub.notes.notes.get(writeIn(done).externalId ?? '')).toMatchObject({ title })
  })
})

describe('a bad write', () => {
  it.each([
    [
      'a resource that is not written',
      { ...create, resource: 'memos', fields: { subject: 'x' } },
      '/resource',
    ],
    ['a create with an id', { ...create, externalId: 'n1', fields: { subject: 'x' } }, '/externalId'],
    ['an update without one', { ...update, fields: { subject: 'x' } }, '/externalId'],
    ['an update of nothing', { ...update, externalId: 'n1' }, '/fields'],
    [
      'a deletion with fields',
      { resource: 'notes', operation: 'delete', externalId: 'n1', fields: { subject: 'x' } },
      '/fields',
    ],
    ['a field that the model lacks', { ...create, fields: { colour: 'red' } }, '/fields/colour'],
    ['an unknown operation', { ...create, operation: 'upsert', fields: { subject: 'x' } }, '/operation'],
    ['an unknown policy', { ...create, fields: { subject: 'x' }, policy: 'mine' }, '/policy'],
    ['a version that cannot be', { ...update, externalId: 'n1', basedOnVersion: 0 }, '/basedOnVersion'],
  ])('is refused with its place: %s', async (_what, body, pointer) => {
    const problem = await expectRefused(() => hub.once(path, body), 400, 'InvalidInput')
    expect(problem.errors).toContainEqual(expect.objectContaining({ in: 'body', pointer }))
  })

  it('without a key is refused', async () => {
    const body = { ...create, fields: { subject: 'Keyless' } }
    const problem = await expectRefused(() => hub.post(path, body), 400, 'InvalidInput')
    expect(problem.errors).toMatchObject([{ in: 'header', pointer: '/Idempotency-Key' }])
  })

  it('through a paused connection is refused', async () => {
    const other = await hub.connect('Paused')
    await hub.post(`/admin/v1/connections/${other}/pause`)
    const ask = () =>
      hub.once(`/admin/v1/connections/${other}/writes`, { ...create, fields: { subject: 'x' } })
    await expectRefused(ask, 409, 'StateConflict')
  })
})

describe('a set of writes', () => {
  const sets = '/admin/v1/write-sets'
  const of = (...writes: readonly object[]) =>
    writes.map((write) => ({ connectionId: hub.connectionId, ...write }))
  const states = (answer: ApiAnswer) => setIn(answer).writes.map(({ state }) => state)

  it('succeeds as one, once per key', async () => {
    const headers = { 'Idempotency-Key': newId('request') }
    const body = {
      writes: of({ ...create, fields: { subject: 'One' } }, { ...create, fields: { subject: 'Two' } }),
    }
    const done = await hub.once(sets, body, headers)
    expect(done).toMatchObject({ status: 200, body: { state: 'succeeded', mode: 'together' } })
    expect(setIn(done).writes).toMatchObject([{ ordinal: 0 }, { ordinal: 1 }])
    expect((await hub.once(sets, body, headers)).body).toEqual(done.body)
    expect(titles().filter((title) => title === 'One' || title === 'Two')).toHaveLength(2)
    const other = { writes: of({ ...create, fields: { subject: 'Three' } }) }
    await expectRefused(() => hub.once(sets, other, headers), 409, 'IdempotencyConflict')
    expect((await hub.get(`${sets}/${setIn(done).setId}`)).body).toEqual(done.body)
  })

  it('is taken back in full when one of them fails', async () => {
    const externalId = await noted('Before')
    const done = await hub.once(sets, {
      writes: of(
        { ...create, fields: { subject: 'Not to last' } },
        { ...update, externalId, fields: { subject: 'After' } },
        { ...create, fields: { subject: 'refuse me' } },
      ),
    })
    expect(done).toMatchObject({ status: 200, body: { state: 'compensated' } })
    expect(states(done)).toEqual(['compensated', 'compensated', 'failed'])
    expect(hub.notes.notes.get(externalId)).toMatchObject({ title: 'Before' })
    expect(titles()).not.toContain('Not to last')
  })

  it('goes on past a failure when each is for itself', async () => {
    const done = await hub.once(sets, {
      mode: 'independent',
      writes: of(
        { ...create, fields: { subject: 'refuse me' } },
        { ...create, fields: { subject: 'Stands' } },
      ),
    })
    expect(done).toMatchObject({ status: 200, body: { state: 'partly_failed' } })
    expect(states(done)).toEqual(['failed', 'succeeded'])
    expect(titles()).toContain('Stands')
  })

  it('is refused as a whole with the place of what is wrong', async () => {
    const fine = { ...create, fields: { subject: 'Never written' } }
    const wrong = { ...create, fields: { colour: 'red' } }
    const problem = await expectRefused(
      () => hub.once(sets, { writes: of(fine, wrong) }),
      400,
      'InvalidInput',
    )
    expect(problem.errors).toMatchObject([{ in: 'body', pointer: '/writes/1/fields/colour' }])
    const empty = await expectRefused(() => hub.once(sets, { writes: [] }), 400, 'InvalidInput')
    expect(empty.errors).toMatchObject([{ pointer: '/writes' }])
    expect(titles()).not.toContain('Never written')
  })
})
