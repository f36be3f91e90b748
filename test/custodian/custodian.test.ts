/** What the custodian promises, one caller at a time, on a clock that the test sets. */
import { sql } from 'kysely'
import { currentCredential, renewCredential, renewUnused } from '../../activities/custodian.ts'
import type { Ward } from '../../activities/custodian-ward.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { freePorts } from '../../cli/up/ports.ts'
import { listAudit } from '../../db/audit.ts'
import { getConnection } from '../../db/connections.ts'
import { openCredential, putCredential } from '../../db/credentials.ts'
import { forgetRefreshFailures, getRefreshState, isRefreshHopeless } from '../../db/credential-refreshes.ts'
import type { Clock } from '../../platform/clock.ts'
import { newKeyRingText } from '../../platform/secrets/keyring.ts'
import type { OAuth2Auth, Secrets } from '../../providers/contract.ts'
import { custodianDeps, makeWard } from '../harness/custodian-bench.ts'
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts'
import { methodThat, startTokenEndpoint, type TokenEndpoint } from '../harness/token-endpoint.ts'

const strict = { rotates: 'always', graceSeconds: 0 } as const
const ring = newKeyRingText()
let ahead = 0
const clock: Clock = {
  now: () => new Date(Date.now() + ahead),
  sleep: async (ms) => void (ahead += ms),
}
const at = (seconds: number) => new Date(clock.now().getTime() + seconds * 1000).toISOString()

let test: TestDatabase
let endpoint: TokenEndpoint
let deps: ActivityDeps
beforeAll(async () => {
  test = await createTestDatabase()
  endpoint = await startTokenEndpoint()
  deps = custodianDeps({
    url: test.url,
    ring,
    originMap: endpoint.originMap,
    name: 'one',
    clock,
    timeoutMs: 2_000,
  })
})
afterAll(async () => {
  await deps.database.close()
  await endpoint.close()
  await test.drop()
})
beforeEach(() => {
  ahead = 0
  endpoint.reset()
  endpoint.good.add('refresh-0')
})

const ward = (endsInSeconds: number, refresh: OAuth2Auth['refresh'] = strict, more: Secrets = {}) =>
  makeWard(deps, methodThat(refresh), {
    access_token: 'access-0',
    refresh_token: 'refresh-0',
    expires_at: at(endsInSeconds),
    ...more,
  })
const now = async (of: Ward) => (await currentCredential(deps, of)).secrets['access_token']
const stateOf = (of: Ward) => getConnection(deps.database.db, of.connectionId)
const fail = (status: number, body: unknown = {}) => endpoint.instead(() => ({ status, body }))
const refusal = (of: Ward) =>
  currentCredential(deps, of).then(
    () => undefined,
    (error: unknown) => error as { code: string; message: string; retryAt?: Date },
  )

describe('a token', () => {
  it('that has time left is given out without a call', async () => {
    expect(await now(await ward(3600))).toBe('access-0')
    expect(endpoint.calls).toHaveLength(0)
  })

  it('is renewed in its last minutes, before it dies', async () => {
    const one = await ward(299)
    expect(await now(one)).toMatch(/^access-\d+$/)
    expect(endpoint.calls).toHaveLength(1)
    expect((await openCredential(deps.database.db, deps.vault, one.connectionId))?.generation).toBe(2)
  })

  it('that still lives is used while somebody else renews it', async () => {
    const one = await ward(200)
    let free: () => void = () => undefined
    endpoint.beforeAnswer(() => new Promise((resolve) => (free = resolve)))
    const renewing = now(one)
    while (endpoint.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const other = custodianDeps({ url: test.url, ring, originMap: endpoint.originMap, name: 'other', clock })
    expect((await currentCredential(other, one)).secrets['access_token']).toBe('access-0')
    expect(await now(one)).toBe('access-0')
    free()
    expect(await renewing).not.toBe('access-0')
    expect((await currentCredential(other, one)).secrets['access_token']).not.toBe('access-0')
    expect(endpoint.calls).toHaveLength(1)
    await other.database.close()
  })

  it('that still lives is used when renewing fails', async () => {
    const one = await ward(200)
    fail(503)
    expect(await now(one)).toBe('access-0')
    expect(await now(one)).toBe('access-0')
    expect(endpoint.calls).toHaveLength(1)
    expect((await stateOf(one))?.state).toBe('active')
  })

  it('whose end is not known is renewed at once; one that cannot be renewed is used until it is refused', async () => {
    const method = methodThat(strict)
    expect(
      await now(await makeWard(deps, method, { access_token: 'a', refresh_token: 'refresh-0' })),
    ).not.toBe('a')
    const single = await makeWard(deps, method, { access_token: 'a' })
    expect(await now(single)).toBe('a')
    expect(await renewCredential(deps, single, 1)).toBeUndefined()
  })
})

describe('a refused token', () => {
  it('is renewed, once for all who were refused', async () => {
    const one = await ward(3600)
    const renewed = await Promise.all(Array.from({ length: 20 }, () => renewCredential(deps, one, 1)))
    expect(new Set(renewed.map((credential) => credential?.generation))).toEqual(new Set([2]))
    expect(endpoint.calls).toHaveLength(1)
  })

  it('that was got a moment ago is not renewed again: another one would be refused too', async () => {
    const one = await ward(3600)
    await renewCredential(deps, one, 1)
    expect(await renewCredential(deps, one, 2)).toBeUndefined()
    ahead = 11_000
    expect((await renewCredential(deps, one, 2))?.generation).toBe(3)
    expect(endpoint.calls).toHaveLength(2)
  })
})

describe('what comes back', () => {
  it('is stored before it is used: the next renewal spends the new refresh token', async () => {
    const one = await ward(-1)
    await now(one)
    const stored = await openCredential(deps.database.db, deps.vault, one.connectionId)
    await renewUnused(deps, one, stored?.generation ?? 0)
    expect(endpoint.calls.map(({ form }) => form.get('refresh_token'))).toEqual([
      'refresh-0',
      stored?.secrets['refresh_token'],
    ])
  })

  it('without a refresh token leaves the old one in force', async () => {
    endpoint.rules.rotates = 'never'
    const one = await ward(-1, { rotates: 'never', graceSeconds: 0 })
    await now(one)
    const stored = await openCredential(deps.database.db, deps.vault, one.connectionId)
    expect(stored?.secrets).toMatchObject({ refresh_token: 'refresh-0' })
  })

  it('steps back for a credential that a person put in meanwhile', async () => {
    const one = await ward(-1)
    endpoint.beforeAnswer(async () => {
      await putCredential(deps.database.db, deps.vault, one, {
        access_token: 'by-hand',
        expires_at: at(3600),
      })
    })
    expect(await now(one)).toBe('by-hand')
  })

  it('keeps the change feed going: who waits for an answer holds no transaction id', async () => {
    const one = await ward(-1)
    const held: unknown[] = []
    endpoint.beforeAnswer(async () => {
      const open = await sql<{ xid: string | null }>`
        select backend_xid::text as xid from pg_stat_activity where application_name = 'one' and state = 'idle in transaction'
      `.execute(deps.database.db)
      held.push(...open.rows)
    })
    await now(one)
    expect(held).toEqual([{ xid: null }])
  })
})

/** As if a process had died after it sent the refresh token, `agoSeconds` ago. */
async function died({ connectionId, partnerId }: Ward, agoSeconds: number): Promise<void> {
  await sql`
    insert into credential_refreshes (connection_id, partner_id, generation, attempt, started_at, sent)
    values (${connectionId}, ${partnerId}, 1, 1, ${new Date(at(-agoSeconds))}::timestamptz, true)
  `.execute(deps.database.db)
}

describe('INV-5: a crash between the answer and the save', () => {
  it.each([
    ['never rotates', { rotates: 'never', graceSeconds: 0 }],
    ['sometimes rotates', { rotates: 'sometimes', graceSeconds: 3600 }],
    ['always rotates, with grace', { rotates: 'always', graceSeconds: 1800 }],
    ['always rotates, and had not come to it', strict],
  ] as const)('is healed where the provider %s', async (_what, refresh) => {
    const one = await ward(-1, refresh)
    await died(one, 30)
    expect(await now(one)).toMatch(/^access-/)
    expect(endpoint.calls).toHaveLength(1)
    expect(await getRefreshState(deps.database.db, one.connectionId)).toMatchObject({
      sent: false,
      failures: 0,
    })
    expect(await deps.metrics.registry.getSingleMetricAsString('tieline_token_refreshes_total')).toContain(
      'healed',
    )
  })

  it('is not the reason of a refusal where the old refresh token would still have lived', async () => {
    for (const refresh of [
      { rotates: 'never', graceSeconds: 0 },
      { rotates: 'always', graceSeconds: 1800 },
    ] as const) {
      const one = await ward(-1, refresh)
      await died(one, 30)
      endpoint.good.clear()
      await refusal(one)
      expect((await stateOf(one))?.stateReason).toMatch(/^The provider does not renew the access any more/)
    }
  })

  it('is not feared where the provider was never reached', async () => {
    const [port = 0] = await freePorts(1)
    const one = await ward(-1)
    const away = custodianDeps({
      url: test.url,
      ring,
      originMap: { 'https://login.ledgerly.example': `http://127.0.0.1:${port}` },
      name: 'away',
      clock,
    })
    await expect(currentCredential(away, one)).rejects.toMatchObject({ code: 'Unavailable' })
    expect(await getRefreshState(deps.database.db, one.connectionId)).toMatchObject({
      sent: false,
      failures: 1,
    })
    await away.database.close()
  })

  it('is told as the reason where the provider gave the answer only once; it is asked once', async () => {
    const one = await ward(-1)
    await died(one, 30)
    endpoint.good.clear()
    for (let n = 0; n < 3; n++) expect(await refusal(one)).toMatchObject({ code: 'Unauthorized' })
    expect(endpoint.calls).toHaveLength(1)
    expect((await stateOf(one))?.stateReason).toMatch(/was lost on the way/)
  })

  it('of the database: what is in hand waits for it', async () => {
    const one = await ward(-1)
    endpoint.beforeAnswer(async () => {
      await sql`alter table credentials rename to credentials_away`.execute(deps.database.db)
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'one' and pid <> pg_backend_pid()`.execute(
        test.database.db,
      )
      await sql`alter table credentials_away rename to credentials`.execute(test.database.db)
    })
    expect(await now(one)).toMatch(/^access-/)
    expect(endpoint.calls).toHaveLength(1)
  })
})

describe('a failure that may pass', () => {
  it('brings a cool-down for all, with growing pauses; nobody hammers', async () => {
    const one = await ward(-1)
    fail(503)
    const waits: number[] = []
    for (let round = 0; round < 6; round++) {
      const first = await refusal(one)
      const again = await refusal(one)
      expect([first?.code, again?.code]).toEqual(['Unavailable', 'Unavailable'])
      expect(again?.retryAt).toEqual(first?.retryAt)
      const waitMs = (first?.retryAt?.getTime() ?? 0) - clock.now().getTime()
      waits.push(waitMs)
      ahead += waitMs + 1
    }
    expect(endpoint.calls).toHaveLength(6)
    expect(waits.every((wait, n) => n === 0 || wait > (waits[n - 1] ?? 0))).toBe(true)
    endpoint.instead(undefined)
    expect(await now(one)).toMatch(/^access-/)
    expect(await getRefreshState(deps.database.db, one.connectionId)).toMatchObject({
      failures: 0,
      retryAt: null,
    })
    expect((await stateOf(one))?.state).toBe('active')
  })

  it('waits for as long as the provider asks', async () => {
    endpoint.instead(() => ({ status: 429, body: {}, headers: { 'retry-after': '3600' } }))
    const error = await refusal(await ward(-1))
    expect((error?.retryAt?.getTime() ?? 0) - clock.now().getTime()).toBeGreaterThan(3_500_000)
  })

  it('for more than a day needs a person', async () => {
    const one = await ward(-1)
    fail(503)
    await refusal(one)
    expect((await stateOf(one))?.state).toBe('active')
    ahead += 24 * 3_600_000 + 1
    await refusal(one)
    expect(await stateOf(one)).toMatchObject({ state: 'needs_attention', stateWho: 'provider' })
    endpoint.instead(undefined)
    ahead += 3_600_000
    await now(one)
    expect(await stateOf(one)).toMatchObject({ state: 'active', stateReason: null })
  })
})

describe('a refusal for good', () => {
  it('marks the connection at once: the reason, who must act, an audit entry; nobody asks again', async () => {
    const one = await ward(-1)
    endpoint.good.clear()
    expect(await refusal(one)).toMatchObject({ code: 'Unauthorized' })
    await refusal(one)
    expect(endpoint.calls).toHaveLength(1)
    const connection = await stateOf(one)
    expect(connection).toMatchObject({ state: 'needs_attention', stateWho: 'account' })
    expect(connection?.stateReason).toMatch(/^The provider does not renew the access any more/)
    const audit = await listAudit(deps.database.db, { subject: one.connectionId, limit: 5 })
    expect(audit).toMatchObject([
      {
        actor: 'custodian',
        action: 'connection.needs_attention',
        details: { code: 'Unauthorized', who: 'account' },
      },
    ])
    expect(await isRefreshHopeless(deps.database.db, one.connectionId)).toBe(true)
  })

  it('of the hub’s own app is the admin’s to mend', async () => {
    const one = await ward(-1)
    fail(401, { error: 'invalid_client' })
    expect(await refusal(one)).toMatchObject({ code: 'NotConfigured' })
    expect(await stateOf(one)).toMatchObject({ state: 'needs_attention', stateWho: 'admin' })
    expect(await refusal(one)).toMatchObject({ code: 'NotConfigured' })
    expect(endpoint.calls).toHaveLength(1)
  })

  it('leaves a pause a pause, and marks the connection when it is used again', async () => {
    const one = await ward(-1)
    await deps.database.db
      .updateTable('connections')
      .set({ state: 'paused' })
      .where('connectionId', '=', one.connectionId)
      .execute()
    endpoint.good.clear()
    await refusal(one)
    expect((await stateOf(one))?.state).toBe('paused')
    await deps.database.db
      .updateTable('connections')
      .set({ state: 'active' })
      .where('connectionId', '=', one.connectionId)
      .execute()
    await refusal(one)
    expect((await stateOf(one))?.state).toBe('needs_attention')
  })

  it('is forgotten with a new credential, and by a person who says: again', async () => {
    const one = await ward(-1)
    endpoint.good.clear()
    await refusal(one)
    endpoint.good.add('refresh-0')
    await forgetRefreshFailures(deps.database.db, one.connectionId)
    expect(await now(one)).toMatch(/^access-/)
    endpoint.good.clear()
    ahead += 4_000_000
    await refusal(one)
    endpoint.good.add('refresh-by-hand')
    await putCredential(deps.database.db, deps.vault, one, {
      access_token: 'x',
      refresh_token: 'refresh-by-hand',
    })
    expect(await now(one)).toMatch(/^access-/)
  })
})
