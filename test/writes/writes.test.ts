/** Writes to a provider: once, compared three ways, recognised as the hub's own, taken back when their company fails. */
import { listChanges } from '../../db/changes.ts'
import { defaultTenant } from '../../db/partners.ts'
import { getRecord } from '../../db/records.ts'
import { beginWriteSet, getWriteSet } from '../../db/write-sets.ts'
import {
  beginWrite,
  decideWrite,
  getWrite,
  openWriteConflict,
  type NewWrite,
  type Write,
} from '../../db/writes.ts'
import { newId } from '../../platform/new-id.ts'
import { feedInReach } from '../harness/feed-in-reach.ts'
import { until } from '../harness/api.ts'
import { startNotesHub, type NotesHub } from '../harness/notes-hub.ts'

let hub: NotesHub
let database: NotesHub['database']
let notes: NotesHub['notes']
let test: NotesHub['test']
let connection: NotesHub['connection']

beforeAll(async () => {
  hub = await startNotesHub()
  ;({ database, notes, test, connection } = hub)
}, 120_000)

afterAll(() => hub?.close())

type Wish = Partial<Omit<NewWrite, 'request'>> & { readonly fields?: NewWrite['request']['fields'] }

async function begin({ fields = {}, ...wish }: Wish): Promise<Write> {
  const made = await beginWrite(database.database.db, test.deps.vault, {
    writeId: newId('write'),
    connection,
    resource: 'notes',
    operation: 'update',
    externalId: undefined,
    idempotencyKey: newId('request'),
    policy: 'hub_wins',
    basedOnVersion: undefined,
    startedBy: 'test',
    ...wish,
    request: { fields, providerFields: {} },
  })
  return made.write
}

async function carryOut(write: Write): Promise<Write> {
  const started = await test.hub.startWrite({ ...connection, writeId: write.writeId, resource: 'notes' })
  await test.hub.waitForOperation(started, 30_000)
  return await stateOf(write)
}

const stateOf = async ({ writeId }: Write): Promise<Write> => {
  const write = await getWrite(database.database.db, writeId)
  if (!write) throw new Error('the write is gone')
  return write
}

const write = async (wish: Wish) => carryOut(await begin(wish))
const create = (fields: NewWrite['request']['fields']) => write({ operation: 'create', fields })
const recordOf = (externalId: string | null) =>
  getRecord(database.database.db, {
    connectionId: connection.connectionId,
    resource: 'notes',
    externalId: externalId ?? '',
  })

async function changesOf(externalId: string | null) {
  const { db } = database.database
  await feedInReach(db)
  return (await listChanges(db, { limit: 500 })).filter((change) => change.externalId === externalId)
}

describe('a creation', () => {
  it('is at the provider once and in the store at once, told as the hub’s own doing', async () => {
    const done = await create({ subject: 'First', description: 'one' })
    expect(done).toMatchObject({ state: 'succeeded', writtenFields: ['title', 'body'] })
    expect(notes.notes.get(done.externalId ?? '')).toMatchObject({ title: 'First', body: 'one' })
    expect((await recordOf(done.externalId))?.mapped).toMatchObject({ subject: 'First', description: 'one' })
    expect(await changesOf(done.externalId)).toMatchObject([
      { effect: 'created', origin: `write:${done.writeId}` },
    ])
  })

  it('does not come back as a change when a sync reads it', async () => {
    const done = await create({ subject: 'Echo' })
    await hub.sync()
    expect(await changesOf(done.externalId)).toHaveLength(1)
    expect((await recordOf(done.externalId))?.version).toBe(done.recordVersion)
  })

  it('is made once even when the provider’s answer is lost', async () => {
    const before = notes.notes.size
    notes.loseAnswers(2)
    const done = await create({ subject: 'Lost' })
    expect(done.state).toBe('succeeded')
    expect(notes.notes.size).toBe(before + 1)
  })

  it('that is refused says why and leaves nothing behind', async () => {
    const done = await create({ subject: 'refuse me' })
    expect(done).toMatchObject({ state: 'failed', failure: { code: 'Invalid' }, externalId: null })
  })
})

describe('an update', () => {
  const noted = async () => {
    const { externalId } = await create({ subject: 'Title', description: 'Body', assigneeId: 'ana' })
    return externalId ?? ''
  }

  it('writes the given fields and no others', async () => {
    const id = await noted()
    const done = await write({ externalId: id, fields: { subject: 'New title' } })
    expect(done).toMatchObject({ state: 'succeeded', writtenFields: ['title'], droppedFields: [] })
    expect(notes.notes.get(id)).toMatchObject({ title: 'New title', body: 'Body', owner: 'ana' })
    expect((await recordOf(id))?.mapped).toMatchObject({ subject: 'New title', assigneeId: 'ana' })
  })

  it('keeps what somebody else changed meanwhile in other fields', async () => {
    const id = await noted()
    notes.edit(id, { owner: 'bob' })
    const done = await write({ externalId: id, fields: { subject: 'Mine' }, policy: 'ask' })
    expect(done.state).toBe('succeeded')
    expect(notes.notes.get(id)).toMatchObject({ title: 'Mine', owner: 'bob' })
    expect((await recordOf(id))?.mapped).toMatchObject({ subject: 'Mine', assigneeId: 'bob' })
  })

  it.each([
    ['hub_wins', 'Ours'],
    ['provider_wins', 'Theirs'],
    ['newest_wins', 'Ours'],
  ] as const)('of the same field goes as the policy %s says', async (policy, title) => {
    const id = await noted()
    notes.edit(id, { title: 'Theirs' })
    await new Promise((next) => setTimeout(next, 5))
    const done = await write({ externalId: id, fields: { subject: 'Ours', description: 'Clean' }, policy })
    expect(done.state).toBe('succeeded')
    expect(notes.notes.get(id)).toMatchObject({ title, body: 'Clean' })
    expect(done.droppedFields).toEqual(title === 'Theirs' ? ['title'] : [])
  })

  it('newest wins: a change at the provider after the request stands', async () => {
    const id = await noted()
    const begun = await begin({ externalId: id, fields: { subject: 'Ours' }, policy: 'newest_wins' })
    await new Promise((next) => setTimeout(next, 20))
    notes.edit(id, { title: 'Later' })
    expect(await carryOut(begun)).toMatchObject({ state: 'succeeded', droppedFields: ['title'] })
    expect(notes.notes.get(id)?.title).toBe('Later')
  })

  it('waits for a person where both sides changed the same field, and goes as they decide', async () => {
    const id = await noted()
    notes.edit(id, { title: 'Theirs', body: 'Their body' })
    const begun = await begin({
      externalId: id,
      fields: { subject: 'Ours', description: 'Our body' },
      policy: 'ask',
    })
    await test.hub.startWrite({ ...connection, writeId: begun.writeId, resource: 'notes' })
    const waiting = await until(
      () => stateOf(begun),
      ({ state }) => state === 'needs_decision',
    )
    expect(waiting.conflictFields).toEqual(['title', 'body'])
    const conflict = await openWriteConflict(database.database.db, test.deps.vault, waiting)
    expect(conflict?.['fields']).toContainEqual({
      path: 'title',
      ours: 'Ours',
      theirs: 'Theirs',
      base: 'Title',
    })
    await decideWrite(database.database.db, begun.writeId, { title: 'hub', body: 'provider' })
    await test.hub.tellDecision(begun.writeId)
    const done = await until(
      () => stateOf(begun),
      ({ state }) => state === 'succeeded',
    )
    expect(done).toMatchObject({ writtenFields: ['title'], droppedFields: ['body'] })
    expect(notes.notes.get(id)).toMatchObject({ title: 'Ours', body: 'Their body' })
  })

  it('of an object that is gone says so', async () => {
    const done = await write({ externalId: 'n999', fields: { subject: 'x' } })
    expect(done).toMatchObject({ state: 'failed', failure: { code: 'NotFound' } })
  })
})

describe('a deletion', () => {
  it('removes the object here and there, and a second one changes nothing', async () => {
    const { externalId } = await create({ subject: 'Short-lived' })
    const wish = { operation: 'delete', externalId: externalId ?? '' } as const
    expect((await write(wish)).state).toBe('succeeded')
    expect(notes.notes.has(externalId ?? '')).toBe(false)
    expect((await recordOf(externalId))?.deletedAt).not.toBeNull()
    expect((await write(wish)).state).toBe('succeeded')
  })
})

describe('several writes as one', () => {
  async function set(wishes: readonly Wish[], mode: 'together' | 'independent') {
    const { db } = database.database
    const { set: begun } = await beginWriteSet(db, {
      ...defaultTenant,
      setId: newId('writeSet'),
      mode,
      startedBy: 'test',
      idempotencyKey: newId('request'),
      request: {},
    })
    const writes: Write[] = []
    for (const [ordinal, wish] of wishes.entries())
      writes.push(await begin({ ...wish, setId: begun.setId, ordinal }))
    const started = await test.hub.startWriteSet(begun)
    await test.hub.waitForOperation(started, 30_000)
    const states = await Promise.all(writes.map(async (one) => (await stateOf(one)).state))
    return { state: (await getWriteSet(db, begun.setId))?.state, states, writes }
  }

  it('are taken back when a later one fails: made, changed and deleted objects are as before', async () => {
    const changed = (await create({ subject: 'Before', assigneeId: 'ana' })).externalId ?? ''
    const deleted = (await create({ subject: 'Keep me', description: 'text' })).externalId ?? ''
    const count = notes.notes.size
    const { state, states } = await set(
      [
        { operation: 'create', fields: { subject: 'Not to last' } },
        { externalId: changed, fields: { subject: 'After' } },
        { operation: 'delete', externalId: deleted },
        { operation: 'create', fields: { subject: 'refuse me' } },
      ],
      'together',
    )
    expect([state, states]).toEqual(['compensated', ['compensated', 'compensated', 'compensated', 'failed']])
    expect(notes.notes.get(changed)).toMatchObject({ title: 'Before', owner: 'ana' })
    expect(notes.notes.size).toBe(count)
    expect([...notes.notes.values()].some(({ title, body }) => title === 'Keep me' && body === 'text')).toBe(
      true,
    )
    expect((await recordOf(changed))?.mapped).toMatchObject({ subject: 'Before' })
  })

  it('say what could not be taken back', async () => {
    const id = (await create({ subject: 'Stuck' })).externalId ?? ''
    const begun = set(
      [
        { externalId: id, fields: { subject: 'Moved' } },
        { operation: 'create', fields: { subject: 'refuse me' } },
      ],
      'together',
    )
    await until(
      async () => notes.notes.get(id)?.title,
      (title) => title === 'Moved',
    )
    notes.refused.add(id)
    const { state, states } = await begun
    notes.refused.delete(id)
    expect([state, states]).toEqual(['compensation_failed', ['compensation_failed', 'failed']])
  })

  it('are each for themselves where that is asked for', async () => {
    const { state, states } = await set(
      [
        { operation: 'create', fields: { subject: 'refuse me' } },
        { operation: 'create', fields: { subject: 'Fine' } },
      ],
      'independent',
    )
    expect([state, states]).toEqual(['partly_failed', ['failed', 'succeeded']])
  })
})
