import { Connection } from '@temporalio/client'
import { createTestDatabase } from './postgres.ts'
import { createTimeSkippingEnvironment, testTemporal } from './temporal.ts'

describe('the test harness', () => {
  it('gives each file a migrated database of its own', async () => {
    const first = await createTestDatabase()
    const second = await createTestDatabase()
    expect(first.url).not.toBe(second.url)
    const tables = await first.database.pool.query(`select 1 from pg_tables where tablename = 'connections'`)
    expect(tables.rowCount).toBe(1)
    await first.drop()
    await second.drop()
  })

  it('finds a transaction that a test forgot to end', async () => {
    const { database, drop } = await createTestDatabase()
    const client = await database.pool.connect()
    client.on('error', () => {})
    await client.query('begin')
    await client.query('select 42')
    await expect(drop()).rejects.toThrow(/a transaction was left open; its last statement: select 42/)
    client.release(true)
  })

  it('shares one Temporal dev server that knows the search attributes', async () => {
    const { address, namespace } = testTemporal()
    const connection = await Connection.connect({ address })
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace })
    expect(Object.keys(customAttributes ?? {})).toEqual(
      expect.arrayContaining(['TielineProvider', 'TielineOutcome']),
    )
    await connection.close()
  })

  it('starts a server that skips time', async () => {
    const environment = await createTimeSkippingEnvironment()
    const before = await environment.currentTimeMs()
    await environment.sleep('30 days')
    expect((await environment.currentTimeMs()) - before).toBeGreaterThanOrEqual(30 * 86_400_000)
    await environment.teardown()
  })
})
