/** No list without an index that serves it: the plans that Postgres chooses on tables with rows in them. */
import { sql } from 'kysely'
import { planOf, type Plan } from '../test/harness/plans.ts'
import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { listAudit, verifyAudit } from './audit.ts'
import { listChanges } from './changes.ts'
import { asTenant, type Db } from './client.ts'
import { activeConnectionIds, listConnections } from './connections.ts'
import { scanEvents } from './events.ts'
import { listOperations } from './operations.ts'
import { listPages } from './proofs.ts'
import { getModelRecord, listModelRecords } from './model-records.ts'
import { listQuarantine } from './quarantine.ts'
import { getRecord, listRecords, listRecordVersions } from './records.ts'
import { listRunCalls } from './run-resources.ts'
import { getRun, listRuns } from './runs.ts'
import { listUnseen, sampleRecords } from './scan.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  await fill(test.database.db)
}, 120_000)
afterAll(() => test.drop())

/** 100 partners, 400 accounts, 8,000 connections; 40 of them with 1,500 records each. */
async function fill(db: Db): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(db)
  const con = (n: string) => `'con_' || lpad((${n})::text, 6, '0')`
  const par = (n: string) => `'par_' || (${n}) % 100`
  await run(`insert into partners (partner_id, name) select 'par_' || n, 'p' from generate_series(0, 99) n`)
  await run(
    `insert into accounts (account_id, partner_id, name) select 'acc_' || n, ${par('n')}, 'a' from generate_series(0, 399) n`,
  )
  await run(`insert into connections (connection_id, partner_id, account_id, provider, auth, name, state)
    select ${con('n')}, ${par('n')}, 'acc_' || n % 400, case when n % 100 = 3 then 'rare' else 'provider-' || n % 13 end, 'token', 'c',
      case when n % 50 = 0 then 'needs_attention' when n % 10 = 3 then 'paused' when n % 10 = 7 then 'deleted' else 'active' end
    from generate_series(1, 8000) n`)
  await run(`insert into records (connection_id, resource, external_id, partner_id, account_id, model, raw, mapped, fingerprint, read_at, changed_at)
    select ${con('n % 40')}, case when n % 3 = 0 then 'users' else 'tickets' end, 'x' || n, ${par('n % 40')}, 'a',
      case when n % 3 = 0 then 'person' else 'ticket' end, '{"subject": "Some text of an ordinary length, as tickets have it"}', '{}', 'f',
      now(), now() - n * interval '1 second'
    from generate_series(1, 60000) n`)
  await run(`insert into record_versions (connection_id, resource, external_id, version, partner_id, raw, was_deleted, ended_by, created_at)
    select ${con('n % 40')}, 'tickets', 'x' || n / 5, n % 5, ${par('n % 40')}, '{}', false, 'updated', now() + n % 100 * interval '1 day'
    from generate_series(1, 20000) n`)
  await run(`insert into changes (transaction_id, partner_id, account_id, connection_id, resource, external_id, model, effect, version, created_at)
    select (3 + n / 100)::text::xid8, ${par('n')}, 'a', ${con('n % 40')}, 'tickets', 'x' || n, 'ticket', 'created', 1, now() + n / 300 * interval '1 day'
    from generate_series(1, 30000) n`)
  await run(`insert into quarantine (connection_id, resource, external_id, partner_id, run_id, reason, raw, read_at)
    select ${con('1 + n % 40')}, 'tickets', 'x' || n, ${par('1 + n % 40')}, 'r', 'why', '{}', now() from generate_series(1, 10000) n`)
  await run(`insert into runs (run_id, partner_id, account_id, connection_id, provider, mode, state, started_by, batch_id, workflow_id, workflow_run_id)
    select 'run_' || lpad(n::text, 8, '0'), ${par('n % 400')}, 'a', ${con('1 + n % 400')}, case when n % 100 = 3 then 'rare' else 'provider-' || n % 13 end, 'incremental',
      case when n % 100 = 0 then 'failed' else 'succeeded' end, 'schedule', case when n % 5 = 0 then 'batch_' || n / 500 end, 'w' || n % 400, n::text
    from generate_series(1, 20000) n`)
  await run(
    `insert into run_resources (run_id, resource, ordinal, partner_id) select run_id, r, 1, partner_id from runs, unnest('{tickets,users}'::text[]) r`,
  )
  await run(`insert into run_calls (run_id, partner_id, resource, at, method, path, call_group, attempt, duration_ms, bytes, outcome)
    select run_id, partner_id, 'tickets', now(), 'GET', '/p', 'g', 1, 1, 1, 'ok' from runs, generate_series(1, 2) where run_id < 'run_00005000'`)
  await run(`insert into pages (run_id, resource, page, partner_id, connection_id, position_out, scanned, created, updated, unchanged, deleted, stale,
      quarantined, content_hash, read_at, created_at)
    select 'run_' || lpad((n / 10)::text, 8, '0'), 'tickets', n % 10, 'p', 'c', '{}', 1, 1, 0, 0, 0, 0, 0, 1, now(), now() + n / 200 * interval '1 day'
    from generate_series(1, 20000) n`)
  await run(
    `insert into scan_seen (run_id, resource, external_id, partner_id) select 'run_0000000' || n % 5 + 1, 'tickets', 'x' || n, 'p' from generate_series(1, 10000) n`,
  )
  await run(`insert into operations (operation_id, partner_id, account_id, connection_id, kind, name, idempotency_key, request_hash, state, sealed_input, started_by)
    select 'op_' || lpad(n::text, 8, '0'), ${par('n % 400')}, 'a', ${con('1 + n % 400')}, 'action', 'x', n::text, 'h', 'succeeded', 's', 'admin'
    from generate_series(1, 10000) n`)
  await run(`insert into audit (seq, at, partner_id, actor, action, subject, previous_hash, hash)
    select n, now(), ${par('n')}, 'admin', 'thing.done', 's' || n % 1000, 'h', 'h' from generate_series(1, 20000) n`)
  await run('vacuum analyze')
}

const limit = 50
const at = { changedAt: '2026-01-01', connectionId: 'con_000007', externalId: 'x' }
const since = new Date(0)
const record = { connectionId: 'con_000007', resource: 'tickets', externalId: 'x7007' }
const scope = { connectionId: 'con_000007', resource: 'tickets' }

/** What is listed, the index that must serve it, and the query. */
const lists: readonly (readonly [string, string, (db: Db) => Promise<unknown>])[] = [
  ['connections', 'connections_pkey', (db) => listConnections(db, { limit })],
  [
    'connections, a later page',
    'connections_pkey',
    (db) => listConnections(db, { after: 'con_004000', limit }),
  ],
  [
    'connections of a provider',
    'connections_by_provider',
    (db) => listConnections(db, { provider: 'rare', limit }),
  ],
  [
    'connections of a provider, a later page',
    'connections_by_provider',
    (db) => listConnections(db, { provider: 'rare', after: 'con_004000', limit }),
  ],
  [
    'connections of an account',
    'connections_by_account',
    (db) => listConnections(db, { accountId: 'acc_7', limit }),
  ],
  [
    'connections of a partner',
    'connections_by_partner',
    (db) => listConnections(db, { partnerId: 'par_7', limit }),
  ],
  [
    'connections in a state',
    'connections_by_state',
    (db) => listConnections(db, { state: 'needs_attention', limit }),
  ],
  ['what a sync of everything fans out to', 'connections_pkey', (db) => activeConnectionIds(db, { limit })],
  [
    'what a sync of a provider fans out to',
    'connections_by_provider',
    (db) => activeConnectionIds(db, { provider: 'rare', after: 'con_004000', limit }),
  ],
  [
    'what a sync of an account fans out to',
    'connections_by_account',
    (db) => activeConnectionIds(db, { accountId: 'acc_7', limit }),
  ],
  ['the change feed', 'changes_pkey', (db) => listChanges(db, { limit })],
  [
    'the change feed, a later page',
    'changes_pkey',
    (db) => listChanges(db, { after: { transactionId: '150', seq: 3 }, limit }),
  ],
  [
    'the change feed of a partner',
    'changes_by_partner',
    (db) => listChanges(db, { partnerId: 'par_7', limit }),
  ],
  [
    'the change feed of a partner, a later page',
    'changes_by_partner',
    (db) => listChanges(db, { partnerId: 'par_7', after: { transactionId: '150', seq: 3 }, limit }),
  ],
  ['the audit chain', 'audit_pkey', (db) => listAudit(db, { limit })],
  ['the audit chain, walked', 'audit_pkey', (db) => verifyAudit(db)],
  [
    'the audit of a subject',
    'audit_by_subject',
    (db) => listAudit(db, { subject: 's7', before: 15_000, limit }),
  ],
  ['the audit of a partner', 'audit_by_partner', (db) => listAudit(db, { partnerId: 'par_7', limit })],
  ['records of a resource', 'records_by_change', (db) => listRecords(db, { ...scope, limit })],
  [
    'records changed since',
    'records_by_change',
    (db) => listRecords(db, { ...scope, updatedSince: since, limit }),
  ],
  [
    'records of a resource, a later page',
    'records_by_change',
    (db) => listRecords(db, { ...scope, after: at, limit }),
  ],
  [
    'records of a model',
    'records_by_model',
    (db) => listRecords(db, { partnerId: 'par_7', model: 'ticket', limit }),
  ],
  [
    'records of a model, a later page',
    'records_by_model',
    (db) => listRecords(db, { partnerId: 'par_7', model: 'ticket', after: at, limit }),
  ],
  ['a record', 'records_pkey', (db) => getRecord(db, record)],
  ['versions of a record', 'record_versions_pkey', (db) => listRecordVersions(db, { ...record, limit })],
  [
    'records to compare with the provider',
    'records_pkey',
    (db) => sampleRecords(db, { ...scope, pivot: 'x5', limit }),
  ],
  [
    'records that a scan has not seen',
    'records_pkey',
    (db) =>
      listUnseen(db, {
        ...scope,
        runId: 'run_00000002',
        startedAt: new Date('2040-01-01'),
        after: '',
        limit,
      }),
  ],
  ['quarantine', 'quarantine_pkey', (db) => listQuarantine(db, { connectionId: 'con_000007', limit })],
  ['runs', 'runs_pkey', (db) => listRuns(db, { limit })],
  ['runs of a connection', 'runs_by_connection', (db) => listRuns(db, { connectionId: 'con_000007', limit })],
  ['runs of a partner', 'runs_by_partner', (db) => listRuns(db, { partnerId: 'par_7', limit })],
  [
    'runs of a provider',
    'runs_by_provider',
    (db) => listRuns(db, { provider: 'rare', after: 'run_00010000', limit }),
  ],
  ['runs in a state', 'runs_by_state', (db) => listRuns(db, { state: 'failed', limit })],
  ['runs of a batch', 'runs_by_batch', (db) => listRuns(db, { batchId: 'batch_7', limit })],
  ['a run', 'runs_pkey', (db) => getRun(db, 'run_00000007')],
  ['calls of a run', 'run_calls_pkey', (db) => listRunCalls(db, { runId: 'run_00000007', limit })],
  ['pages of a run', 'pages_pkey', (db) => listPages(db, { runId: 'run_00000007', limit })],
  [
    'operations of a connection',
    'operations_by_connection',
    (db) => listOperations(db, { connectionId: 'con_000007', limit }),
  ],
]

/** Reads what it needs through the index: in its order, or a page's worth of rows that are sorted after. */
function expectServed(plan: Plan, index: string): void {
  expect(plan.scanned).toEqual([])
  expect(plan.indexes).toContain(index)
  expect(plan.sortedRows).toBeLessThanOrEqual(200)
}

describe('lists go through their index', () => {
  it.each(lists)('%s: %s', async (_, index, list) => {
    const plan = await planOf(test.database.db, list)
    expectServed(plan, index)
  })

  it.each(lists.filter(([name]) => /feed of|records of|of a partner|versions/.test(name)))(
    '%s, asked for by a tenant: %s',
    async (_, index, list) => {
      const plan = await asTenant(test.database.db, ['par_7'], (tx) => planOf(tx, list))
      expectServed(plan, index)
    },
  )

  const model = { model: 'ticket', limit }
  const after = { ...at, resource: 'tickets' }
  const resources = [{ provider: 'provider-7', resource: 'tickets' }]
  const byModel: readonly (readonly [string, string, (db: Db) => Promise<unknown>])[] = [
    ['the first page', 'records_by_model', (db) => listModelRecords(db, model)],
    ['a later page', 'records_by_model', (db) => listModelRecords(db, { ...model, after })],
    [
      'what has changed since',
      'records_by_model',
      (db) => listModelRecords(db, { ...model, updatedSince: since }),
    ],
    [
      'of a connection',
      'records_by_change',
      (db) => listModelRecords(db, { ...model, after, of: { connectionId: 'con_000007', resources } }),
    ],
    [
      'of an account',
      'records_by_change',
      (db) => listModelRecords(db, { ...model, of: { accountId: 'acc_7', resources } }),
    ],
    ['one record', 'records_pkey', (db) => getModelRecord(db, record)],
  ]
  it.each(byModel)('tickets of a tenant, %s: %s', async (_, index, list) => {
    const plan = await asTenant(test.database.db, ['par_7'], (tx) => planOf(tx, list))
    expectServed(plan, index)
  })

  it('the feeds of a tenant with partners below it: each in the order of its index', async () => {
    const plan = await asTenant(test.database.db, ['par_7'], (tx) =>
      planOf(tx, async (db) => {
        await listChanges(db, { isTenants: true, limit })
        await scanEvents(db, { isTenants: true, types: null, limit })
      }),
    )
    expectServed(plan, 'changes_by_partner')
  })

  it('without its index a list shows as a scan of the whole table', async () => {
    const lost = test.database.db.transaction().execute(async (tx) => {
      await sql`drop index connections_by_account`.execute(tx)
      const plan = await planOf(tx, (db) => listConnections(db, { accountId: 'acc_7', limit }))
      throw new Error(`scanned: ${plan.scanned.join()}`)
    })
    await expect(lost).rejects.toThrow('scanned: connections')
  })
})
