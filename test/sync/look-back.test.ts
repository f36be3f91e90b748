/** A change log that looks back only so far: within it changes are followed, beyond it everything is read as a full scan. */
import { sql } from 'kysely'
import { createConnection, type Connection } from '../../db/connections.ts'
import { putCredential } from '../../db/credentials.ts'
import { defaultTenant } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import { quickbooksSimulator } from '../../providers/quickbooks/simulator.ts'
import { startEngine, sync, type Engine } from '../harness/engine.ts'

const resources = ['customers', 'invoices']
let engine: Engine
let connection: Connection

beforeEach(async () => {
  engine = await startEngine({
    size: { customers: 20, invoices: 60, tickets: 1, users: 1, organizations: 1 },
  })
  const { provider, auth, name, settings, secrets } = quickbooksSimulator.sample
  const { db } = engine.test.database
  connection = await createConnection(db, {
    connectionId: newId('connection'),
    ...defaultTenant,
    provider,
    auth,
    name,
    settings,
  })
  await putCredential(db, engine.deps.vault, connection, secrets)
})
afterEach(() => engine.close())

const run = () => sync(engine.deps, connection, { resources })

/** Ids of the living invoices, in the store and at the provider. */
async function invoiceIds() {
  const { rows } = await sql<{ id: string }>`
    select external_id as id from records where connection_id = ${connection.connectionId} and resource = 'invoices'
    and deleted_at is null`.execute(engine.test.database.db)
  const truth = engine.sandbox.control.state(connection.provider, 'invoices')
  return { stored: rows.map(({ id }) => id).sort(), truth: Object.keys(truth).sort() }
}

const cursorIs = (change: object) =>
  sql`update cursors set position = position || ${JSON.stringify(change)}::jsonb
      where connection_id = ${connection.connectionId} and resource = 'invoices'`.execute(
    engine.test.database.db,
  )

it('follows changes and deletions from the last run’s end', async () => {
  await run()
  engine.sandbox.control.edit(connection.provider, { resource: 'invoices', delete: 2, create: 3, update: 4 })
  const result = await run()
  expect(result).toMatchObject({ outcome: 'succeeded', deleted: 2 })
  expect(result.run.resources.every(({ fullScan }) => !fullScan)).toBe(true)
  const { stored, truth } = await invoiceIds()
  expect(stored).toEqual(truth)
})

it.each([
  ['is older than the look-back', { since: new Date(Date.now() - 40 * 86_400_000).toISOString() }],
  ['may have missed deletions', { rescan: true }],
])('reads everything, and finds what was deleted, when the last run’s end %s', async (_what, change) => {
  await run()
  engine.sandbox.control.edit(connection.provider, { resource: 'invoices', delete: 2, create: 1 })
  await cursorIs(change)
  const result = await run()
  expect(result).toMatchObject({ outcome: 'succeeded', deleted: 2 })
  const invoices = result.run.resources.find(({ resource }) => resource === 'invoices')
  expect(invoices?.fullScan).toBe(true)
  const { stored, truth } = await invoiceIds()
  expect(stored).toEqual(truth)
  expect((await run()).run.resources.every(({ fullScan }) => !fullScan)).toBe(true)
})
