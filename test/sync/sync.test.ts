import { sql } from 'kysely'
import { startEngine, type Engine } from '../harness/engine.ts'
import { expectEqual } from '../harness/equal.ts'

const size = {
  tickets: 250,
  users: 60,
  organizations: 20,
  comments: 500,
  satisfaction_ratings: 40,
  sections: 4,
  articles: 30,
}
let engine: Engine

beforeEach(async () => {
  engine = await startEngine({ size })
})
afterEach(() => engine.close())

describe('a sync', () => {
  it('loads everything, then only what changed, then proves that nothing differs', async () => {
    const first = await engine.sync()
    expect(first).toMatchObject({ outcome: 'succeeded', created: 904, updated: 0, quarantined: 0 })
    await expectEqual(engine)
    const again = await engine.sync()
    expect(again).toMatchObject({ outcome: 'succeeded', created: 0, updated: 0, deleted: 0 })
    const edits = [
      ...engine.sandbox.control.edit('zendesk', { resource: 'tickets', create: 2, update: 5, delete: 3 }),
      ...engine.sandbox.control.edit('zendesk', { resource: 'users', update: 4, delete: 1 }),
      ...engine.sandbox.control.edit('zendesk', { resource: 'organizations', create: 1, update: 2 }),
      ...engine.sandbox.control.edit('zendesk', { resource: 'articles', create: 1, update: 1 }),
    ]
    const third = await engine.sync()
    const distinct = (effect: string) =>
      new Set(edits.filter((edit) => edit.effect === effect).map((edit) => `${edit.resource}:${edit.id}`))
        .size
    expect(third).toMatchObject({
      outcome: 'succeeded',
      created: distinct('created'),
      deleted: distinct('deleted'),
    })
    await expectEqual(engine)
    const forced = await engine.sync({ mode: 'force' })
    expect(forced).toMatchObject({ outcome: 'succeeded', created: 0, updated: 0, deleted: 0, stale: 0 })
    for (const one of forced.run.resources)
      if (one.verification) expect(one.verification).toMatchObject({ accuracyPercent: 100 })
  })

  it('INV-8: a dry run names exactly the edits and writes nothing', async () => {
    await engine.sync()
    const count = async () =>
      (
        await sql`select (select count(*) from records) as a, (select count(*) from changes) as b, (select max(xmin::text::bigint) from records) as c, (select count(*) from pages) as d,
        (select jsonb_agg(position order by resource) from cursors) as e, (select count(*) from proofs) as f`.execute(
          engine.test.database.db,
        )
      ).rows[0]
    const before = await count()
    const edits = [
      ...engine.sandbox.control.edit('zendesk', { resource: 'tickets', update: 3 }),
      ...engine.sandbox.control.edit('zendesk', { resource: 'tickets', create: 2, delete: 1 }),
    ]
    const planned = await engine.sync({ dryRun: true })
    expect(await count()).toEqual(before)
    const tickets = planned.run.resources.find((one) => one.resource === 'tickets')
    const last = new Map(edits.map((edit) => [edit.id, edit.effect]))
    expect(new Map(tickets?.samples.map((one) => [one.externalId, one.effect]))).toEqual(last)
    for (const edit of edits.filter((one) => one.effect === 'updated' && last.get(one.id) === 'updated')) {
      const plannedFields = tickets?.samples
        .find((one) => one.externalId === edit.id)
        ?.fields.filter((field) => field !== 'generated_timestamp')
      expect(plannedFields).toEqual(expect.arrayContaining([...edit.fields]))
    }
    const real = await engine.sync()
    expect([real.created, real.updated, real.deleted]).toEqual([
      planned.created,
      planned.updated,
      planned.deleted,
    ])
    await expectEqual(engine)
  })

  it('survives 429 storms, outages, slow and cut answers, HTML and drift, and ends equal', async () => {
    engine.sandbox.control.chaos({
      seed: 7,
      rate429: 0.1,
      rate5xx: 0.1,
      cutRate: 0.1,
      htmlRate: 0.1,
      slowRate: 0.05,
      slowMs: 50,
      forCalls: 60,
    })
    const run = await engine.sync()
    expect(run.retried).toBeGreaterThan(0)
    await engine.sync()
    await expectEqual(engine)
  })

  it('quarantines a row that does not fit, goes on, and takes it in once it is repaired', async () => {
    await engine.sync({ resources: ['organizations'] })
    engine.sandbox.control.edit('zendesk', { resource: 'organizations', update: 5 })
    engine.sandbox.control.chaos({ seed: 3, driftRate: 1, forCalls: 2 })
    const drifted = await engine.sync({ resources: ['organizations'] })
    expect(drifted).toMatchObject({ outcome: 'succeeded', quarantined: 1 })
    engine.sandbox.control.chaos({ driftRate: 0 })
    await engine.sync({ resources: ['organizations'], mode: 'force' })
    const left = await sql<{ n: number }>`select count(*) as n from quarantine`.execute(
      engine.test.database.db,
    )
    expect(left.rows[0]?.n).toBe(0)
    await expectEqual(engine, ['organizations'])
  })

  it('INV-9: applies no deletion from a scan that fails half-way, and applies it from one that completes', async () => {
    await engine.sync()
    const [gone] = engine.sandbox.control.edit('zendesk', { resource: 'sections', delete: 1 })
    engine.sandbox.control.chaos({ seed: 1, rate5xx: 1 })
    const failed = await engine.sync({ resources: ['sections'] })
    expect(failed).toMatchObject({ outcome: 'failed', deleted: 0 })
    engine.sandbox.control.chaos({ rate5xx: 0 })
    const completed = await engine.sync({ resources: ['sections'] })
    expect(completed).toMatchObject({ outcome: 'succeeded', deleted: 1 })
    expect(gone?.effect).toBe('deleted')
    await expectEqual(engine, ['sections'])
  })

  it('a credential that is refused in mid-run fails the run; the next one goes on from its page', async () => {
    const secrets = { token: 'another-token' }
    const broken = await engine.sync({
      beforeSlice: (slice) =>
        slice === 3 ? engine.sandbox.control.setSecrets('zendesk', secrets) : undefined,
    })
    expect(broken.run.failure).toMatchObject({ code: 'Unauthorized' })
    engine.sandbox.control.setSecrets('zendesk', {})
    await engine.sync()
    await expectEqual(engine)
  })
})
