import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { getRun } from '../../db/runs.ts'
import { newId } from '../../platform/new-id.ts'
import { createChance } from '../../sandbox/kit.ts'
import { noLimits } from '../harness/engine.ts'
import { startProcesses, type Processes, type Victim } from '../harness/processes.ts'

const tickets = 20_000
const resources = ['organizations', 'users', 'tickets']
const size = { tickets, users: 500, organizations: 50, comments: 0 }
let hub: Processes

beforeAll(async () => {
  // Pages of 200, each a little slow, so that the run lasts long enough to be killed many times.
  hub = await startProcesses({
    sandbox: { size, limits: { ...noLimits, page: 200 }, chaos: { slowRate: 1, slowMs: 120 } },
  })
}, 120_000)
afterAll(() => hub.close(), 60_000)

async function whenEnded(runId: string): Promise<string> {
  for (;;) {
    try {
      const run = await getRun(hub.database.db, runId)
      if (run?.endedAt) return run.state
    } catch {
      // The database is one of the victims.
    }
    await delay(300)
  }
}

async function once<T>(sure: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await sure()
    } catch {
      await delay(500)
    }
  }
}

it('INV-4: kill -9 of worker, Temporal and Postgres at random moments of a 20,000-record sync loses and doubles nothing', async () => {
  const seed = Number(process.env['TIELINE_CRASH_SEED'] ?? Date.now() % 100_000)
  const chance = createChance(seed)
  const connection = await hub.connect({ exports_per_minute: '999999' })
  const runId = newId('run')
  await hub.hub.startSync(
    { connectionId: connection.connectionId, runId, resources, startedBy: 'test' },
    connection,
  )
  const ended = whenEnded(runId)
  let over = false
  void ended.then(() => (over = true))
  const victims: Victim[] = ['worker', 'postgres', 'temporal', 'worker', 'postgres', 'worker']
  const killed: Victim[] = []
  for (const victim of victims) {
    await delay(500 + chance.below(2_000))
    if (over) break
    killed.push(victim)
    await hub.killAndRestart(victim)
  }
  expect(await ended).toBe('succeeded')
  expect([seed, new Set(killed).size]).toEqual([seed, 3])

  const { db } = hub.database
  const run = await once(() => getRun(db, runId))
  expect(run?.resources.find((one) => one.resource === 'tickets')).toMatchObject({
    scanned: tickets,
    created: tickets,
    updated: 0,
    deleted: 0,
  })
  for (const resource of resources) {
    const stored = await sql<{ externalId: string; raw: unknown; version: number }>`
      select external_id, raw, version from records where connection_id = ${connection.connectionId} and resource = ${resource}`.execute(
      db,
    )
    const truth = hub.sandbox.control.state('zendesk', resource)
    expect(stored.rows).toHaveLength(Object.keys(truth).length)
    for (const row of stored.rows) {
      expect(row.version).toBe(1)
      expect(row.raw).toEqual(truth[row.externalId])
    }
  }
  const doubled =
    await sql`select resource, page from pages where run_id = ${runId} group by 1, 2 having count(*) > 1`.execute(
      db,
    )
  expect(doubled.rows).toEqual([])
  const counted = await sql<{
    scanned: number
  }>`select sum(scanned)::int as scanned from pages where run_id = ${runId}`.execute(db)
  expect(counted.rows[0]?.scanned).toBe(run?.resources.reduce((sum, one) => sum + one.scanned, 0))
  const feed =
    await sql`select 1 from changes group by resource, external_id, version having count(*) > 1`.execute(db)
  expect(feed.rows).toEqual([])
}, 300_000)
