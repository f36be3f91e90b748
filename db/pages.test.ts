import { sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { asTenant } from './client.ts'
import { planPage } from './dry-run.ts'
import { commitPage, type PageScope, type PreparedPage, type PreparedRow } from './pages.ts'
import { listRecords, listRecordVersions, getRecord } from './records.ts'
import { addRunResources, countLiving, startRunResource } from './run-resources.ts'
import { createRun, endRun, getRun } from './runs.ts'
import { listCursors } from './cursors.ts'
import { listQuarantine } from './quarantine.ts'

const partnerId = 'par_1'
const accountId = 'acc_1'
const connectionId = 'con_1'
let test: TestDatabase

beforeAll(async () => {
  test = await createTestDatabase()
  const { db } = test.database
  await sql`insert into partners (partner_id, name) values (${partnerId}, 'P')`.execute(db)
  await sql`insert into accounts (account_id, partner_id, name) values (${accountId}, ${partnerId}, 'A')`.execute(
    db,
  )
  await sql`insert into connections (connection_id, partner_id, account_id, provider, auth, name)
    values (${connectionId}, ${partnerId}, ${accountId}, 'zendesk', 'api_token', 'C')`.execute(db)
})
afterAll(() => test.drop())

let runs = 0
async function openRun(resource: string, options: Partial<PageScope> = {}): Promise<PageScope> {
  const runId = `run_${++runs}`
  const { db } = test.database
  const scope: PageScope = {
    runId,
    resource,
    model: 'ticket',
    partnerId,
    accountId,
    connectionId,
    dryRun: false,
    force: false,
    trackSeen: false,
    moveCursor: true,
    volatile: [],
    mappingVersion: 0,
    ...options,
  }
  await asTenant(db, partnerId, async (tx) => {
    const connection = { connectionId, partnerId, accountId, provider: 'zendesk' }
    await createRun(tx, {
      runId,
      connection,
      mode: 'incremental',
      dryRun: scope.dryRun,
      startedBy: 'test',
      workflowId: `sync:${runId}`,
    })
    await addRunResources(tx, { runId, partnerId }, [resource])
    await startRunResource(
      tx,
      { runId, resource },
      { position: { at: 0 }, fullScan: true, trackSeen: scope.trackSeen },
    )
  })
  return scope
}

const row = (externalId: string, version: number, more: Partial<PreparedRow> = {}): PreparedRow => ({
  externalId,
  raw: JSON.stringify({
    id: externalId,
    subject: `v${version}`,
    updated_at: new Date(version * 1000).toISOString(),
  }),
  mapped: JSON.stringify({ id: externalId, subject: `v${version}` }),
  fingerprint: version.toString(16).padStart(64, '0'),
  sourceUpdatedAt: new Date(version * 1000),
  deleted: false,
  ...more,
})
const gone = (externalId: string, version: number) =>
  row(externalId, version, { raw: '{}', mapped: '{}', fingerprint: '', deleted: true })

const page = (
  number: number,
  rows: readonly PreparedRow[],
  more: Partial<PreparedPage> = {},
): PreparedPage => ({
  page: number,
  rows,
  quarantined: [],
  mappingProblems: {},
  positionIn: { at: number },
  positionOut: { at: number + 1 },
  contentHash: 5n,
  readAt: new Date(1_000_000 + number),
  done: false,
  retried: 0,
  calls: 1,
  ...more,
})

describe('committing a page', () => {
  it('INV-4: rows, counts, manifest and cursor stand together', async () => {
    const scope = await openRun('tickets')
    const { db } = test.database
    const effects = await commitPage(db, scope, page(0, [row('1', 1), row('2', 1), row('3', 1)]))
    expect(effects).toMatchObject({ created: 3, updated: 0, unchanged: 0 })
    await commitPage(db, scope, page(1, [row('2', 2), row('3', 1), gone('1', 3)], { done: true }))
    const run = await getRun(db, scope.runId)
    expect(run?.resources[0]).toMatchObject({
      pages: 2,
      scanned: 6,
      created: 3,
      updated: 1,
      unchanged: 1,
      deleted: 1,
      contentHash: '10',
      position: { at: 2 },
    })
    expect(await listCursors(db, connectionId)).toMatchObject([
      { resource: 'tickets', position: { at: 2 }, scanComplete: true },
    ])
    expect(await countLiving(db, connectionId, 'tickets')).toBe(2)
    const living = await listRecords(db, { connectionId, resource: 'tickets', limit: 10 })
    expect(living.map((one) => [one.externalId, one.version])).toEqual(
      expect.arrayContaining([
        ['2', 2],
        ['3', 1],
      ]),
    )
    expect(await getRecord(db, { connectionId, resource: 'tickets', externalId: '1' })).toMatchObject({
      version: 2,
      raw: { subject: 'v1' },
      deletedAt: expect.any(Date) as Date,
    })
    expect(
      await listRecordVersions(db, { connectionId, resource: 'tickets', externalId: '2', limit: 5 }),
    ).toMatchObject([{ version: 1, raw: { subject: 'v1' }, endedBy: 'updated' }])
    const feed = await sql<{
      effect: string
      n: number
    }>`select effect, count(*) as n from changes where resource = 'tickets' group by 1 order by 1`.execute(db)
    expect(feed.rows).toEqual([
      { effect: 'created', n: 3 },
      { effect: 'deleted', n: 1 },
      { effect: 'updated', n: 1 },
    ])
  })

  it('writes nothing for a page that another attempt has committed', async () => {
    const scope = await openRun('users')
    const { db } = test.database
    await commitPage(db, scope, page(0, [row('1', 1)]))
    await expect(commitPage(db, scope, page(0, [row('1', 9), row('7', 1)]))).rejects.toMatchObject({
      code: 'Superseded',
    })
    expect(await countLiving(db, connectionId, 'users')).toBe(1)
    expect(await getRecord(db, { connectionId, resource: 'users', externalId: '1' })).toMatchObject({
      version: 1,
    })
  })

  it('lets one of two concurrent attempts at a page win', async () => {
    const scope = await openRun('organizations')
    const { db } = test.database
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => commitPage(db, scope, page(0, [row('1', 1), row('2', 1)]))),
    )
    expect(results.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    expect((await getRun(db, scope.runId))?.resources[0]).toMatchObject({ pages: 1, scanned: 2, created: 2 })
  })

  it('writes nothing after the run has ended', async () => {
    const scope = await openRun('comments')
    const { db } = test.database
    await endRun(db, scope.runId, { state: 'cancelled', failure: null })
    await expect(commitPage(db, scope, page(0, [row('1', 1)]))).rejects.toMatchObject({ code: 'Superseded' })
    expect(await countLiving(db, connectionId, 'comments')).toBe(0)
  })

  it('two runs that write the same objects at once leave each object once, in its newest state', async () => {
    const { db } = test.database
    const [a, b] = [await openRun('sections'), await openRun('sections')]
    const ids = Array.from({ length: 50 }, (_, i) => `${i}`)
    for (let round = 0; round < 5; round++) {
      const versions = [round * 2 + 1, round * 2 + 2] as const
      await Promise.all([
        commitPage(
          db,
          a,
          page(
            round,
            ids.map((id) => row(id, versions[0])),
          ),
        ),
        commitPage(
          db,
          b,
          page(
            round,
            [...ids].reverse().map((id) => row(id, versions[1])),
          ),
        ),
      ])
    }
    const rows = await listRecords(db, { connectionId, resource: 'sections', limit: 100 })
    expect(rows).toHaveLength(50)
    expect(new Set(rows.map((one) => one.mapped['subject']))).toEqual(new Set(['v10']))
    expect(await countLiving(db, connectionId, 'sections')).toBe(50)
  })

  it('keeps misfits in quarantine until they fit', async () => {
    const scope = await openRun('articles')
    const { db } = test.database
    const misfit = { externalId: '9', reason: '/id must be integer', raw: '{"id":"x"}' }
    await commitPage(db, scope, page(0, [row('1', 1)], { quarantined: [misfit] }))
    expect(await listQuarantine(db, { connectionId, resource: 'articles', limit: 10 })).toMatchObject([
      { externalId: '9', reason: misfit.reason, raw: { id: 'x' } },
    ])
    await commitPage(db, scope, page(1, [row('9', 1)]))
    expect(await listQuarantine(db, { connectionId, resource: 'articles', limit: 10 })).toEqual([])
    expect((await getRun(db, scope.runId))?.resources[0]).toMatchObject({
      scanned: 3,
      quarantined: 1,
      created: 2,
    })
  })

  it('restores what comes back and remembers a tombstone of what was never known', async () => {
    const scope = await openRun('satisfaction')
    const { db } = test.database
    await commitPage(db, scope, page(0, [row('1', 1), gone('5', 9)]))
    await commitPage(db, scope, page(1, [gone('1', 2), row('5', 8)]))
    const effects = await commitPage(db, scope, page(2, [row('1', 3)]))
    expect(effects).toMatchObject({ restored: 1 })
    expect(await getRecord(db, { connectionId, resource: 'satisfaction', externalId: '1' })).toMatchObject({
      deletedAt: null,
      version: 3,
    })
    expect(await getRecord(db, { connectionId, resource: 'satisfaction', externalId: '5' })).toMatchObject({
      deletedAt: expect.any(Date) as Date,
    })
    expect(await countLiving(db, connectionId, 'satisfaction')).toBe(1)
  })
})

describe('planning a page', () => {
  it('INV-8: says what a real run would write and writes none of it', async () => {
    const { db } = test.database
    const scope = await openRun('plan')
    await commitPage(db, scope, page(0, [row('1', 1), row('2', 1), row('3', 1)]))
    const count = async () =>
      (
        await sql`select (select count(*) from records), (select count(*) from record_versions), (select count(*) from changes),
      (select count(*) from pages), (select count(*) from cursors), (select count(*) from quarantine), (select sum(living) from record_counts)`.execute(
          db,
        )
      ).rows
    const before = await count()
    const dry = await openRun('plan', { dryRun: true, trackSeen: true })
    await planPage(
      db,
      dry,
      page(0, [row('1', 2), row('2', 1), gone('3', 2), row('4', 1)], {
        quarantined: [{ externalId: 'q', reason: 'r', raw: '{}' }],
      }),
    )
    // The same objects once more in the run: only what differs from the first reading counts.
    await planPage(db, dry, page(1, [row('1', 2), row('4', 2)]))
    expect(await count()).toEqual(before)
    const planned = (await getRun(db, dry.runId))?.resources[0]
    expect(planned).toMatchObject({
      created: 1,
      updated: 2,
      unchanged: 2,
      deleted: 1,
      quarantined: 1,
      changedFields: { subject: 1, updated_at: 1 },
    })
    expect(planned?.samples.map((one) => [one.externalId, one.effect])).toEqual([
      ['1', 'updated'],
      ['3', 'deleted'],
      ['4', 'created'],
      ['4', 'updated'],
    ])
  })
})
