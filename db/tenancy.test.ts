/** The tree of partners, and databases that show one tenant whatever is asked there (INV-7). */
import { sql } from 'kysely'
import fc from 'fast-check'
import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { openTenantDatabases, type Db, type TenantDatabases } from './client.ts'
import { createConnection } from './connections.ts'
import { ensureAccount, ensurePartner } from './partners.ts'

let test: TestDatabase
let tenants: TenantDatabases
beforeAll(async () => {
  test = await createTestDatabase()
  // One connection for all: what one tenant leaves behind would be seen by the next.
  tenants = openTenantDatabases({ url: test.url, poolSize: 1, applicationName: 'tieline-test' })
})
afterAll(async () => {
  await tenants?.close()
  await test?.drop()
})

const make = async (partnerId: string, parentId?: string): Promise<void> => {
  const { db } = test.database
  await ensurePartner(db, { partnerId, name: partnerId })
  if (parentId !== undefined) await move(partnerId, parentId)
}
const move = (partnerId: string, parentId: string | null) =>
  sql`update partners set parent_id = ${parentId} where partner_id = ${partnerId}`.execute(test.database.db)

const seen = async (db: Db): Promise<string[]> => {
  const rows = await sql<{ partnerId: string }>`select partner_id from partners order by partner_id`.execute(
    db,
  )
  return rows.rows.map(({ partnerId }) => partnerId)
}

describe('the tree', () => {
  it('a partner sees itself and what is below it, never beside or above; a moved branch goes along', async () => {
    await make('par_a')
    await make('par_b')
    await make('par_a1', 'par_a')
    await make('par_a11', 'par_a1')
    const of = (partnerId: string) => seen(tenants.of({ partnerId }).db)
    expect(await of('par_a')).toEqual(['par_a', 'par_a1', 'par_a11'])
    expect(await of('par_a1')).toEqual(['par_a1', 'par_a11'])
    expect(await of('par_b')).toEqual(['par_b'])
    await move('par_a1', 'par_b')
    expect(await of('par_a')).toEqual(['par_a'])
    expect(await of('par_b')).toEqual(['par_a1', 'par_a11', 'par_b'])
    await move('par_a1', null)
    expect(await of('par_b')).toEqual(['par_b'])
    expect(await of('par_nobody')).toEqual([])
  })

  it('cannot become a loop', async () => {
    await make('par_l')
    await make('par_l1', 'par_l')
    await make('par_l2', 'par_l1')
    await expect(move('par_l', 'par_l2')).rejects.toThrow(/below itself/)
    await expect(move('par_l', 'par_l')).rejects.toThrow()
  })

  it('its closure is what the parents say, after any moves', async () => {
    const ids = ['par_p0', 'par_p1', 'par_p2', 'par_p3', 'par_p4', 'par_p5']
    for (const id of ids) await make(id)
    const pick = fc.integer({ min: 0, max: ids.length - 1 })
    const moves = fc.array(fc.tuple(pick, fc.option(pick, { nil: null })), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(moves, async (list) => {
        for (const [from, to] of list)
          await move(ids[from] ?? '', to === null ? null : (ids[to] ?? '')).catch(() => {})
        const wrong = await sql`
          with recursive up as (
            select partner_id, partner_id as ancestor_id, 0 as depth from partners
            union all
            select up.partner_id, p.parent_id, up.depth + 1 from up join partners p on p.partner_id = up.ancestor_id
            where p.parent_id is not null)
          (select partner_id, ancestor_id, depth from up except select partner_id, ancestor_id, depth from partner_ancestry)
          union all
          (select partner_id, ancestor_id, depth from partner_ancestry except select partner_id, ancestor_id, depth from up)
        `.execute(test.database.db)
        expect(wrong.rows).toEqual([])
      }),
      { numRuns: 15 },
    )
  })
})

describe('a tenant database', () => {
  it('shows its own tenant, however many take turns on one connection, and cannot write for another', async () => {
    for (const one of ['t1', 't2']) {
      await make(`par_${one}`)
      await ensureAccount(test.database.db, { accountId: `acc_${one}`, partnerId: `par_${one}`, name: one })
    }
    const first = tenants.of({ partnerId: 'par_t1' }).db
    const second = tenants.of({ partnerId: 'par_t2' }).db
    for (let turn = 0; turn < 3; turn++) {
      expect(await seen(first)).toEqual(['par_t1'])
      expect(await seen(second)).toEqual(['par_t2'])
    }
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        expect(await seen(n % 2 ? first : second)).toEqual([n % 2 ? 'par_t1' : 'par_t2'])
      }),
    )
    const wrong = createConnection(first, {
      ...{ connectionId: 'con_wrong', partnerId: 'par_t2', accountId: 'acc_t2' },
      ...{ provider: 'zendesk', auth: 'api_token', name: 'x', settings: {} },
    })
    await expect(wrong).rejects.toThrow(/row-level security/)
    await expect(sql`select 1 from rate_buckets`.execute(first)).rejects.toThrow(/permission denied/)
  })

  it('shows a test key only connections to the sandbox, and their rows', async () => {
    const { db } = test.database
    const connect = async (connectionId: string) => {
      await createConnection(db, {
        ...{ connectionId, partnerId: 'par_t1', accountId: 'acc_t1' },
        ...{ provider: 'zendesk', auth: 'api_token', name: connectionId, settings: {} },
      })
      await sql`insert into record_counts values (${connectionId}, 'tickets', 'par_t1', 1)`.execute(db)
    }
    await connect('con_live')
    await connect('con_sandbox')
    await sql`update connections set sandbox = true where connection_id = 'con_sandbox'`.execute(db)
    const ids = async (view: Db, table: string) =>
      (
        await sql<{ connectionId: string }>`select connection_id from ${sql.table(table)} order by 1`.execute(
          view,
        )
      ).rows.map(({ connectionId }) => connectionId)
    const probe = tenants.of({ partnerId: 'par_t1', mode: 'test' }).db
    const live = tenants.of({ partnerId: 'par_t1', mode: 'live' }).db
    for (const table of ['connections', 'record_counts']) {
      expect(await ids(probe, table)).toEqual(['con_sandbox'])
      expect(await ids(live, table)).toEqual(['con_live', 'con_sandbox'])
    }
  })
})
