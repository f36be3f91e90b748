import { sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { newKeyRingText, parseKeyRing } from '../platform/secrets/keyring.ts'
import { appendAudit, verifyAudit } from './audit.ts'
import { asTenant } from './client.ts'
import { createConnection } from './connections.ts'
import { openCredential, putCredential } from './credentials.ts'
import { ensureAccount, ensurePartner } from './partners.ts'
import { createVault } from './vault.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  for (const one of ['1', '2']) {
    await ensurePartner(test.database.db, { partnerId: `par_${one}`, name: one })
    await ensureAccount(test.database.db, { accountId: `acc_${one}`, partnerId: `par_${one}`, name: one })
    await createConnection(test.database.db, {
      connectionId: `con_${one}`,
      partnerId: `par_${one}`,
      accountId: `acc_${one}`,
      provider: 'zendesk',
      auth: 'api_token',
      name: one,
      settings: {},
    })
  }
})
afterAll(() => test.drop())

/** Of keys, test keys see those of their kind only. */
const ofKeys = ['api_keys', 'key_rotations']

describe('tenants (INV-7)', () => {
  it('every table with a tenant has row-level security and a policy; its parts are closed to tenants', async () => {
    const { db } = test.database
    const tables = await sql<{
      name: string
      isPart: boolean
      guarded: boolean
      policies: number
      open: boolean
      ofConnection: boolean
    }>`
      select c.relname as name, c.relispartition as is_part, c.relrowsecurity as guarded,
        (select count(*)::int from pg_policy p where p.polrelid = c.oid) as policies,
        exists (select 1 from pg_attribute o where o.attrelid = c.oid and o.attname = 'connection_id') as of_connection,
        has_table_privilege('tieline_tenant', c.oid, 'select, insert, update, delete') as open
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'partner_id'
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace`.execute(db)
    expect(tables.rows.length).toBeGreaterThan(50)
    for (const table of tables.rows) {
      const isHubs = table.name === 'partner_ancestry'
      if (table.isPart || isHubs) expect(table).toMatchObject({ open: false })
      // The tenant's, and the one that shows test keys the sandbox only.
      else
        expect(table).toMatchObject({
          guarded: true,
          policies: table.ofConnection || ofKeys.includes(table.name) ? 2 : 1,
        })
    }
  })

  it('a tenant neither sees, changes, removes nor adds rows of another', async () => {
    const { db } = test.database
    await asTenant(db, 'par_1', async (tx) => {
      const seen = await sql<{ connectionId: string }>`select connection_id from connections`.execute(tx)
      expect(seen.rows).toEqual([{ connectionId: 'con_1' }])
      const changed = await sql`update connections set name = 'stolen' where connection_id = 'con_2'`.execute(
        tx,
      )
      expect(changed.numAffectedRows).toBe(0n)
      const removed = await sql`delete from connections where connection_id = 'con_2'`.execute(tx)
      expect(removed.numAffectedRows).toBe(0n)
    })
    const add = asTenant(db, 'par_1', (tx) =>
      createConnection(tx, {
        connectionId: 'con_3',
        partnerId: 'par_2',
        accountId: 'acc_2',
        provider: 'zendesk',
        auth: 'api_token',
        name: 'x',
        settings: {},
      }),
    )
    await expect(add).rejects.toThrow(/row-level security/)
    const none = await asTenant(db, [], (tx) => sql`select 1 from connections`.execute(tx))
    expect(none.rows).toEqual([])
  })

  it('the role ends with the transaction', async () => {
    await asTenant(test.database.db, 'par_1', async () => undefined)
    const seen = await sql`select 1 from connections`.execute(test.database.db)
    expect(seen.rows).toHaveLength(2)
  })
})

describe('credentials', () => {
  const connection = { connectionId: 'con_1', partnerId: 'par_1', accountId: 'acc_1' }

  it('come back in clear, are sealed in the table, and each new one is a new generation', async () => {
    const { db } = test.database
    const vault = createVault(parseKeyRing(newKeyRingText()))
    expect(await putCredential(db, vault, connection, { token: 'first-marker' })).toBe(1)
    expect(
      await asTenant(db, 'par_1', (tx) => putCredential(tx, vault, connection, { token: 'second-marker' })),
    ).toBe(2)
    expect(await openCredential(db, vault, 'con_1')).toEqual({
      generation: 2,
      secrets: { token: 'second-marker' },
    })
    const kept = await sql<{
      text: string
    }>`select encode(sealed, 'escape') as text from credentials`.execute(db)
    expect(JSON.stringify(kept.rows)).not.toMatch(/marker/)
  })

  it('do not open when moved to another row, nor without their ring key', async () => {
    const { db } = test.database
    const other = { connectionId: 'con_2', partnerId: 'par_2', accountId: 'acc_2' }
    const ring = newKeyRingText(new Date('2026-01-01'))
    const vault = createVault(parseKeyRing(ring))
    await putCredential(db, vault, other, { token: 'a' })
    await putCredential(db, vault, other, { token: 'b' })
    await sql`update credentials c set sealed = (select sealed from credentials where connection_id = 'con_2' and generation = 2), retired_at = null
      where connection_id = 'con_2' and generation = 1`.execute(db)
    await sql`delete from credentials where connection_id = 'con_2' and generation = 2`.execute(db)
    await expect(openCredential(db, vault, 'con_2')).rejects.toMatchObject({
      code: 'Internal',
      internal: 'authentication failed',
    })
    const foreign = createVault(parseKeyRing(newKeyRingText(new Date('2026-02-02'))))
    await expect(openCredential(db, foreign, 'con_2')).rejects.toMatchObject({
      internal: expect.stringMatching(/lacks the key/) as string,
    })
    const rotated = createVault(parseKeyRing(`${newKeyRingText(new Date('2026-03-03'))},${ring}`))
    await putCredential(db, vault, other, { token: 'c' })
    expect((await openCredential(db, rotated, 'con_2'))?.secrets).toEqual({ token: 'c' })
  })

  it('a data key whose transaction was rolled back is not used again', async () => {
    const { db } = test.database
    const vault = createVault(parseKeyRing(newKeyRingText()))
    await ensureAccount(db, { accountId: 'acc_new', partnerId: 'par_1', name: 'n' })
    const place = { table: 't', column: 'c', row: 'r' }
    await expect(
      asTenant(db, 'par_1', async (tx) => {
        await vault.seal(tx, 'acc_new', place, 'lost')
        throw new Error('rolled back')
      }),
    ).rejects.toThrow('rolled back')
    const sealed = await vault.seal(db, 'acc_new', place, 'kept')
    const fresh = await sql<{
      n: number
    }>`select count(*) as n from data_keys where owner_id = 'acc_new'`.execute(db)
    expect(fresh.rows[0]?.n).toBe(1)
    expect((await vault.open(db, 'acc_new', place, sealed)).toString()).toBe('kept')
  })

  it('many first uses at once make one data key', async () => {
    const { db } = test.database
    const ring = parseKeyRing(newKeyRingText())
    await ensureAccount(db, { accountId: 'acc_race', partnerId: 'par_1', name: 'n' })
    const place = { table: 't', column: 'c', row: 'r' }
    const sealed = await Promise.all(
      Array.from({ length: 8 }, () => createVault(ring).seal(db, 'acc_race', place, 'x')),
    )
    for (const one of sealed)
      expect((await createVault(ring).open(db, 'acc_race', place, one)).toString()).toBe('x')
  })
})

describe('the audit chain (INV-10)', () => {
  const entry = (n: number) => ({
    actor: 'test',
    action: 'thing.done',
    subject: `s${n}`,
    partnerId: n % 2 ? 'par_1' : undefined,
    details: { n },
  })

  it('holds through concurrent appends by the hub and by tenants, and shows any tampering', async () => {
    const { db } = test.database
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        n % 2
          ? asTenant(db, 'par_1', (tx) => appendAudit(tx, entry(n)))
          : db.transaction().execute((tx) => appendAudit(tx, entry(n))),
      ),
    )
    expect(await verifyAudit(db)).toEqual({ ok: true, entries: 20 })
    await sql`insert into audit select 21, at, partner_id, actor, action, subject, details, hash, hash from audit where seq = 20`.execute(
      db,
    )
    expect(await verifyAudit(db)).toEqual({ ok: false, entries: 20, brokenAt: 21 })
    await sql`update audit set details = '{"n": 99}' where seq = 7`.execute(db)
    expect(await verifyAudit(db)).toMatchObject({ ok: false, brokenAt: 7 })
    await sql`delete from audit where seq = 7`.execute(db)
    expect(await verifyAudit(db)).toMatchObject({ ok: false, brokenAt: 7 })
  })

  it('cannot be changed by a tenant', async () => {
    const { db } = test.database
    await expect(
      asTenant(db, 'par_1', (tx) => sql`update audit set actor = 'x'`.execute(tx)),
    ).rejects.toThrow(/permission denied/)
    await expect(asTenant(db, 'par_1', (tx) => sql`delete from audit`.execute(tx))).rejects.toThrow(
      /permission denied/,
    )
  })
})
