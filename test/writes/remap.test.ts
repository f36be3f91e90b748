/** A new mapping reaches what is stored, without a call to the provider, and nothing is mapped by the old one afterwards. */
import { listChanges } from '../../db/changes.ts'
import { addMappingDraft, getLiveMapping, publishMapping } from '../../db/mappings.ts'
import { countOtherwiseMapped, createRemap, getRemap } from '../../db/remaps.ts'
import { listRecords } from '../../db/records.ts'
import type { FieldRule } from '../../model/mapping.ts'
import { newId } from '../../platform/new-id.ts'
import { feedInReach } from '../harness/feed-in-reach.ts'
import { startNotesHub, type NotesHub } from '../harness/notes-hub.ts'

let hub: NotesHub

beforeAll(async () => {
  hub = await startNotesHub()
  for (let n = 1; n <= 1_203; n++) {
    const id = `n${n}`
    hub.notes.notes.set(id, {
      id,
      version: 1,
      updatedAt: '2026-01-01T00:00:00Z',
      title: `T${n}`,
      body: 'b',
      owner: n % 2 ? 'ana' : 'bob',
    })
  }
  await hub.sync()
}, 120_000)

afterAll(() => hub?.close())

const place = () => ({ connectionId: hub.connection.connectionId, resource: 'notes' })
const rules: readonly FieldRule[] = [
  { to: 'id', from: 'id' },
  { to: 'subject', from: 'title', convert: 'text' },
  { to: 'custom.owner', from: 'owner', values: { ana: 'Ana' } },
]

async function remap(wish: { rules?: readonly FieldRule[]; mappingVersion: number; dryRun: boolean }) {
  const { connection, test, database } = hub
  const remapId = newId('remap')
  const { db } = database.database
  const made = await createRemap(db, {
    rules: null,
    ...wish,
    remapId,
    resource: 'notes',
    startedBy: 'test',
    connection,
  })
  const started = await test.hub.startRemap({ ...connection, ...made, name: connection.name })
  await test.temporal.client.workflow.getHandle(started.workflowId).result()
  const done = await getRemap(db, remapId)
  if (!done) throw new Error('the re-mapping is gone')
  return done
}

const mapped = async () =>
  (await listRecords(hub.database.database.db, { ...place(), limit: 5_000 })).map((record) => record.mapped)

describe('a plan', () => {
  it('counts what would change, field by field, with samples, and changes nothing', async () => {
    const before = await mapped()
    const calls = hub.notes.requests.length
    const plan = await remap({ rules, mappingVersion: 0, dryRun: true })
    expect(plan).toMatchObject({ state: 'succeeded', scanned: 1_203, changed: 1_203, troubled: 0 })
    expect(plan.changedFields).toEqual({ assigneeId: 1_203, custom: 1_203, description: 1_203 })
    expect(plan.samples[0]).toMatchObject({
      externalId: 'n1',
      fields: [{ field: 'assigneeId', before: 'ana', after: null }, expect.anything(), expect.anything()],
    })
    expect(await mapped()).toEqual(before)
    expect(hub.notes.requests).toHaveLength(calls)
  })

  it('names values that cannot be converted', async () => {
    const plan = await remap({
      rules: [...rules, { to: 'createdAt', from: 'title', convert: 'time' }],
      mappingVersion: 0,
      dryRun: true,
    })
    expect(plan).toMatchObject({
      troubled: 1_203,
      problems: { 'createdAt: the value of title is not a time': 1_203 },
    })
  })
})

describe('a re-mapping', () => {
  it('changes every stored record once, tells the feed, and calls nobody', async () => {
    const { db } = hub.database.database
    const { partnerId } = hub.connection
    const key = { ...place(), direction: 'in' } as const
    const draft = await addMappingDraft(db, { ...key, partnerId, model: 'ticket', rules, createdBy: 'test' })
    expect(await getLiveMapping(db, key)).toBeUndefined()
    expect(await publishMapping(db, { ...key, version: draft.version })).toBe(0)
    const calls = hub.notes.requests.length
    const done = await remap({ mappingVersion: draft.version, dryRun: false })
    expect(done).toMatchObject({ state: 'succeeded', changed: 1_203 })
    expect(hub.notes.requests).toHaveLength(calls)
    expect(new Set((await mapped()).map((one) => JSON.stringify(one['custom'])))).toEqual(
      new Set(['{"owner":"Ana"}', '{"owner":"bob"}']),
    )
    await feedInReach(db)
    const changes = (await listChanges(db, { limit: 5_000 })).filter(({ effect }) => effect === 'remapped')
    expect(changes).toHaveLength(1_203)
    expect(changes[0]?.origin).toBe(`remap:${done.remapId}`)
    expect(await countOtherwiseMapped(db, { ...place(), mappingVersion: draft.version })).toBe(0)
    // What is read from now on is mapped the same way, and not told as a change again.
    hub.notes.edit('n1', { title: 'Edited' })
    await hub.sync()
    await feedInReach(db)
    const later = await listChanges(db, { limit: 5_000 })
    expect(later.filter(({ effect }) => effect === 'updated').map(({ externalId }) => externalId)).toEqual([
      'n1',
    ])
  }, 120_000)
})
