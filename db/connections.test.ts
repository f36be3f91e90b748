import { createTestDatabase, type TestDatabase } from '../test/harness/postgres.ts'
import { newKeyRingText, parseKeyRing } from '../platform/secrets/keyring.ts'
import {
  activeConnectionIds,
  createConnection,
  deleteConnection,
  getConnection,
  listConnections,
  recordCheck,
  recordSynced,
  setConnectionState,
  updateConnection,
} from './connections.ts'
import { openCredential, putCredential } from './credentials.ts'
import { defaultTenant, ensureDefaultTenant, getAccount } from './partners.ts'
import { createVault } from './vault.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  await ensureDefaultTenant(test.database.db)
})
afterAll(() => test.drop())

const { partnerId, accountId } = defaultTenant
const make = (connectionId: string, provider = 'acme') =>
  createConnection(test.database.db, {
    connectionId,
    partnerId,
    accountId,
    provider,
    auth: 'api_token',
    name: 'n',
    settings: { host: 'a' },
  })

describe('connections', () => {
  it('of the default tenant need no other set-up, and making the tenant again changes nothing', async () => {
    const { db } = test.database
    await ensureDefaultTenant(db)
    expect(await getAccount(db, accountId)).toMatchObject({ partnerId, name: 'Default account' })
    expect(await make('con_made')).toEqual(await getConnection(db, 'con_made'))
    expect(await getConnection(db, 'con_made')).toMatchObject({
      state: 'active',
      syncIntervalSeconds: 900,
      version: 1,
    })
  })

  it('change only from the version that was read', async () => {
    const { db } = test.database
    await make('con_version')
    const changed = await updateConnection(db, 'con_version', { name: 'new' }, 1)
    expect(changed).toMatchObject({ name: 'new', settings: { host: 'a' }, version: 2 })
    expect(await updateConnection(db, 'con_version', { name: 'late' }, 1)).toBeUndefined()
    expect((await getConnection(db, 'con_version'))?.name).toBe('new')
  })

  it('keep their version while the hub notes checks and runs', async () => {
    const { db } = test.database
    await make('con_notes')
    await recordCheck(db, 'con_notes', { ok: true })
    await recordSynced(db, 'con_notes', { runId: 'run_1', at: new Date(5) })
    expect(await getConnection(db, 'con_notes')).toMatchObject({
      version: 1,
      lastCheck: { ok: true },
      lastRunId: 'run_1',
      lastSyncedAt: new Date(5),
    })
  })

  it('once deleted have no secrets, are in no list, and stay as they are', async () => {
    const { db } = test.database
    const vault = createVault(parseKeyRing(newKeyRingText()))
    const connection = await make('con_gone', 'gone')
    await putCredential(db, vault, connection, { token: 't' })
    expect(await deleteConnection(db, 'con_gone')).toBe(true)
    expect(await deleteConnection(db, 'con_gone')).toBe(false)
    expect(await openCredential(db, vault, 'con_gone')).toBeUndefined()
    expect(await listConnections(db, { provider: 'gone', limit: 10 })).toEqual([])
    expect(await listConnections(db, { provider: 'gone', state: 'deleted', limit: 10 })).toHaveLength(1)
    expect(await updateConnection(db, 'con_gone', { name: 'back' })).toBeUndefined()
    expect(await setConnectionState(db, 'con_gone', 'active', null)).toBeUndefined()
  })

  it('come in pages; a paused one is listed but not synced', async () => {
    const { db } = test.database
    for (const n of [1, 2, 3, 4, 5]) await make(`con_page_${n}`, 'paged')
    await setConnectionState(db, 'con_page_2', 'paused', 'by a person')
    await setConnectionState(db, 'con_page_3', 'needs_attention', 'refused')
    const seen: string[] = []
    for (let after: string | undefined; ;) {
      const page = await listConnections(db, { provider: 'paged', after, limit: 2 })
      seen.push(...page.map((connection) => connection.connectionId))
      after = page.at(-1)?.connectionId
      if (page.length < 2) break
    }
    expect(seen).toEqual(['con_page_1', 'con_page_2', 'con_page_3', 'con_page_4', 'con_page_5'])
    const active = await activeConnectionIds(db, { provider: 'paged', limit: 10 })
    expect(active).toEqual(['con_page_1', 'con_page_3', 'con_page_4', 'con_page_5'])
  })
})
