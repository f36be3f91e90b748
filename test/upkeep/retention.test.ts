/** What retention takes away, and that what stays still adds up. */
import { sql } from 'kysely'
import { createRetentionActivities } from '../../activities/retention.ts'
import { verifyAudit, listAudit } from '../../db/audit.ts'
import { createCallStats } from '../../db/call-stats.ts'
import { inboxEquation } from '../../db/inbox.ts'
import { ensureMonths } from '../../db/partitions.ts'
import { rollUpCalls } from '../../db/retention.ts'
import { getReview } from '../../db/reviews.ts'
import { callSeries } from '../../db/series.ts'
import { defaultRetention, parseRetention, retentionKinds, retentionSteps } from '../../model/retention.ts'
import { beginOf, stepsOf } from '../../model/series.ts'
import { perform, startEngine, type Engine } from '../harness/engine.ts'

let engine: Engine
beforeAll(async () => {
  engine = await startEngine({ size: { tickets: 5, users: 2, organizations: 1, comments: 1 } })
}, 120_000)
afterAll(() => engine?.close())

const db = () => engine.test.database.db
const dayMs = 86_400_000
const ago = (days: number) => new Date(Date.now() - days * dayMs)

/** All steps, as the workflow does them. */
async function enforce(): Promise<Record<string, number>> {
  const activities = createRetentionActivities(engine.deps)
  const removed: Record<string, number> = {}
  for (const step of retentionSteps)
    for (let done = false; !done;) {
      const slice = await perform(() => activities.removeOld({ step }))
      for (const [kind, n] of Object.entries(slice.removed)) removed[kind] = (removed[kind] ?? 0) + n
      done = slice.done
    }
  return removed
}

const count = async (table: string): Promise<number> =>
  (await sql<{ n: number }>`select count(*)::int as n from ${sql.table(table)}`.execute(db())).rows[0]?.n ??
  -1

describe('figures of calls', () => {
  it('become days with the same sums, whatever the size of a batch, and charts do not notice', async () => {
    const stats = createCallStats(db())
    const { connection } = engine
    const day = beginOf('day', ago(40))
    for (let hour = 0; hour < 24; hour++)
      for (const [group, outcome, durationMs] of [
        ['support', 'ok', 40],
        ['support', hour % 2 ? 'Unavailable' : 'Forbidden', 900],
        ['export', 'ok', 9_000],
      ] as const)
        stats.count(connection, {
          ...{ at: new Date(day.getTime() + hour * 3_600_000), group, outcome, durationMs },
          ...{ attempt: 2, bytes: 10, waitedMs: 5 },
        })
    await stats.flush()
    const steps = stepsOf('day', day, new Date(day.getTime() + dayMs)) ?? { times: [], until: day }
    const query = { ...steps, step: 'day' as const, provider: connection.provider, by: 'group' as const }
    const before = await callSeries(db(), query)
    expect(before.map(({ key, calls, failed, waitMs }) => ({ key, calls, failed, waitMs }))).toEqual([
      { key: 'export', calls: 24, failed: 0, waitMs: 120 },
      { key: 'support', calls: 48, failed: 24, waitMs: 240 },
    ])
    while ((await rollUpCalls(db(), ago(35), 7)) > 0);
    expect(await count('call_stats')).toBe(0)
    expect(await count('call_stats_daily')).toBe(2)
    expect(await callSeries(db(), query)).toEqual(before)
    const kept = await sql<{ errors: object }>`
      select errors from call_stats_daily where call_group = 'support'`.execute(db())
    expect(kept.rows[0]?.errors).toEqual({ Unavailable: 12, Forbidden: 12 })
  })
})

describe('the inbox', () => {
  const insert = async (id: string, days: number, states: readonly string[], duplicates = 0) => {
    const { connectionId, partnerId, accountId, provider } = engine.connection
    await sql`insert into inbox_requests (request_id, provider, connection_id, partner_id, account_id, received_at, client_address, bytes, checks,
      events, accepted) values (${id}, ${provider}, ${connectionId}, ${partnerId}, ${accountId}, ${ago(days)}, '127.0.0.1', 1, '[]',
      ${states.length + duplicates}, ${states.length})`.execute(db())
    for (const [index, state] of states.entries())
      await sql`insert into inbox_events (event_id, request_id, provider, connection_id, partner_id, account_id, dedupe_key, type, about, received_at,
        state) values (${`${id}-${index}`}, ${id}, ${provider}, ${connectionId}, ${partnerId}, ${accountId}, ${`${id}-${index}`}, 't', 'notice',
        ${ago(days)}, ${state})`.execute(db())
  }

  it('loses what has come to rest and is old, keeps what waits, and its equation holds', async () => {
    await insert('old-done', 31, ['processed', 'processed'], 3)
    await insert('old-waits', 31, ['processed', 'waiting'])
    await insert('old-dead', 31, ['dead'])
    await insert('older-dead', 200, ['dead', 'processed'])
    await insert('new-done', 2, ['processed'])
    const before = await inboxEquation(db(), { connectionId: engine.connection.connectionId })
    expect(await enforce()).toMatchObject({ inbox: 2 + 4 })
    const left = await sql<{ requestId: string }>`
      select request_id from inbox_requests order by request_id`.execute(db())
    expect(left.rows.map(({ requestId }) => requestId)).toEqual(['new-done', 'old-dead', 'old-waits'])
    expect(await count('inbox_events')).toBe(4)
    const after = await inboxEquation(db(), { connectionId: engine.connection.connectionId })
    expect(after).toEqual(before)
    expect(after).toMatchObject({ received: 11, duplicates: 3, processed: 5, waiting: 1, dead: 2 })
    expect(await inboxEquation(db(), { provider: engine.connection.provider })).toEqual(before)
  })
})

describe('months', () => {
  it('go as whole parts, what lies in a default part by rows, and this month stays', async () => {
    await ensureMonths(db(), ago(500), 0)
    const add = (at: Date) =>
      sql`insert into health_changes (created_at, subject, provider, state) values (${at}, 'provider:x', 'x', 'down')`.execute(
        db(),
      )
    await add(ago(500))
    await add(ago(450))
    await add(ago(1))
    expect(await enforce()).toMatchObject({ healthChangesMonths: 1, healthChanges: 1, pagesMonths: 1 })
    expect(await count('health_changes')).toBe(1)
    expect(await enforce()).toMatchObject({ healthChangesMonths: 0, healthChanges: 0 })
  })
})

describe('runs and deleted connections', () => {
  it("keeps a connection's last run, and takes everything of a connection that was deleted long ago", async () => {
    const first = await engine.sync({ mode: 'full' })
    const second = await engine.sync({ mode: 'full' })
    await sql`update runs set ended_at = ${ago(500)}`.execute(db())
    const removed = await enforce()
    expect(removed).toMatchObject({ runs: 1 })
    expect(removed['runCalls']).toBeGreaterThan(0)
    const runs = await sql<{ runId: string }>`select run_id from runs`.execute(db())
    expect(runs.rows).toEqual([{ runId: second.run.runId }])
    expect(first.run.runId).not.toBe(second.run.runId)
    expect(await count('records')).toBeGreaterThan(0)
    const { connectionId } = engine.connection
    await sql`update connections set state = 'deleted', updated_at = ${ago(29)} where connection_id = ${connectionId}`.execute(
      db(),
    )
    await enforce()
    expect(await count('records')).toBeGreaterThan(0)
    await sql`update connections set updated_at = ${ago(31)} where connection_id = ${connectionId}`.execute(
      db(),
    )
    await enforce()
    for (const table of ['records', 'record_versions', 'record_counts', 'cursors'])
      expect([table, await count(table)]).toEqual([table, 0])
  })
})

describe('what was removed', () => {
  it('is told once, as a review and as an entry of the audit chain', async () => {
    const { noteRetention } = createRetentionActivities(engine.deps)
    const input = { removed: { inbox: 3, pagesMonths: 1 }, startedAt: ago(0).toISOString() }
    const { reviewId } = await perform(() => noteRetention(input))
    expect(await perform(() => noteRetention(input))).toEqual({ reviewId })
    expect(await getReview(db(), reviewId)).toMatchObject({
      ...{ kind: 'retention', verdict: 'good', summary: '4 rows and parts went.' },
      result: { removed: input.removed, periods: defaultRetention },
    })
    expect(await listAudit(db(), { subject: reviewId, limit: 5 })).toMatchObject([
      { action: 'retention.enforced', details: { removed: input.removed } },
    ])
    expect(await verifyAudit(db())).toMatchObject({ ok: true })
  })
})

describe('the periods', () => {
  it('take what is named and leave the rest, and refuse what makes no sense', () => {
    expect(parseRetention('inbox=14, runs=60')).toEqual({ ...defaultRetention, inbox: 14, runs: 60 })
    for (const text of [
      'inbox',
      'inbox=0',
      'inbox=6',
      'nothing=30',
      'inbox=-3',
      'inbox=99999',
      'inbox=1e3',
      'callDays=35,callHours=60',
      'deadLetters=14',
      'runs=35,runCalls=36',
    ])
      expect([text, parseRetention(text)]).toEqual([text, undefined])
    for (const kind of retentionKinds) expect(defaultRetention[kind]).toBeGreaterThan(0)
  })
})
