/** The workflows that care for credentials, on a real Temporal server. */
import { sql } from 'kysely'
import { createRotationActivities } from '../../activities/rotate-credential.ts'
import { listAudit } from '../../db/audit.ts'
import { deleteConnection, getConnection, type Connection } from '../../db/connections.ts'
import { putCredential, openCredential } from '../../db/credentials.ts'
import { isRevocationLeft, keepForRevocation } from '../../db/credential-revocations.ts'
import { getRotation } from '../../db/credential-rotations.ts'
import type { Secrets } from '../../providers/contract.ts'
import { perform } from '../harness/engine.ts'
import { firstKey, startMintingProvider, type MintingProvider } from '../harness/minting-provider.ts'
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts'
import { connect } from '../harness/tiny-connection.ts'
import { ledgerlyVariables } from '../harness/token-endpoint.ts'
import { createTestHub, type TestHub } from '../harness/worker.ts'

let database: TestDatabase
let minting: MintingProvider
let test: TestHub
beforeAll(async () => {
  database = await createTestDatabase()
  minting = await startMintingProvider()
  test = await createTestHub({
    database: database.database,
    providers: [minting.provider],
    originMap: minting.originMap,
    variables: ledgerlyVariables,
  })
})
afterAll(async () => {
  await test.close()
  await minting.close()
  await database.drop()
})
beforeEach(() => {
  minting.endpoint.reset()
  minting.instead(undefined)
  minting.keys.clear()
  minting.keys.set(firstKey, 'by hand')
})

const db = () => test.deps.database.db
const keyed = () => connect(test, 'minty', { token: firstKey, settings: { plan: 'big' } })
const actionsOf = async ({ connectionId }: Connection) =>
  (await listAudit(db(), { subject: connectionId, limit: 20 })).map(({ action }) => action)
const secretsOf = async ({ connectionId }: Connection) =>
  (await openCredential(db(), test.deps.vault, connectionId))?.secrets

async function rotate(connection: Connection): Promise<unknown> {
  const { workflowId } = await test.hub.startRotation(connection, 0)
  return await test.temporal.client.workflow.getHandle(workflowId).result()
}

interface Cause {
  readonly type?: string
  readonly message?: string
  readonly cause?: Cause
}

/** What a failed workflow failed of: the first cause that is one of ours. */
const failureOf = async (work: Promise<unknown>): Promise<Cause | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => {
      let cause = (error as Cause).cause
      while (cause && cause.type === undefined) cause = cause.cause
      return cause
    },
  )

describe('rotateCredential', () => {
  it('has a new one made, proves it, puts it in force and ends the old one', async () => {
    const connection = await keyed()
    expect(await rotate(connection)).toEqual({ connectionId: connection.connectionId, state: 'rotated' })
    expect(minting.keys.size).toBe(1)
    expect(minting.keys.has(firstKey)).toBe(false)
    expect(await secretsOf(connection)).toEqual({ token: [...minting.keys.keys()][0] })
    const after = await getConnection(db(), connection.connectionId)
    expect(after?.settings).toEqual({ plan: 'big', key_name: [...minting.keys.values()][0] })
    expect(await actionsOf(connection)).toEqual(['credential.retired', 'credential.rotated'])
    const kept = await sql<{ n: number }>`
      select count(*)::int as n from credential_rotations where sealed_new is not null or sealed_old is not null
    `.execute(db())
    expect(kept.rows).toEqual([{ n: 0 }])
  })

  it.each(['minting', 'minted, not kept', 'pending', 'switched'] as const)(
    'goes on where a rotation was left: %s',
    async (left) => {
      const connection = await keyed()
      const { connectionId } = connection
      const activities = createRotationActivities(test.deps)
      const key = { connectionId, attempt: `left-${left.replace(/\W/g, '')}` }
      await perform(() => activities.beginRotation(key))
      if (left === 'minted, not kept') minting.keys.set('key-orphan', key.attempt)
      if (left === 'pending' || left === 'switched') await perform(() => activities.mintCredential(key))
      if (left === 'switched') await perform(() => activities.switchCredential(key))
      await rotate(connection)
      expect([...minting.keys.values()]).toEqual([key.attempt])
      expect(await secretsOf(connection)).toEqual({ token: [...minting.keys.keys()][0] })
      expect(await getRotation(db(), connectionId)).toMatchObject({ state: 'retired', attempt: key.attempt })
    },
  )

  it('repeats each step without a second effect', async () => {
    const connection = await keyed()
    const activities = createRotationActivities(test.deps)
    const key = { connectionId: connection.connectionId, attempt: 'twice' }
    const twice = async (work: () => Promise<unknown>) => {
      await perform(work)
      await perform(work)
    }
    await twice(() => activities.beginRotation(key))
    await twice(() => activities.mintCredential(key))
    await twice(() => activities.proveMinted(key))
    await twice(() => activities.switchCredential(key))
    await twice(() => activities.retireCredential(key))
    expect(minting.keys.size).toBe(1)
    expect((await openCredential(db(), test.deps.vault, connection.connectionId))?.generation).toBe(2)
    expect(await actionsOf(connection)).toEqual(['credential.retired', 'credential.rotated'])
  })

  it('takes the new one back when it was superseded by a person’s, which stays in force', async () => {
    const connection = await keyed()
    minting.keys.set('key-by-person', 'person')
    minting.instead((request) => {
      if (request.path !== '/me') return undefined
      minting.instead(undefined)
      void putCredential(db(), test.deps.vault, connection, { token: 'key-by-person' })
      return { delayMs: 500 }
    })
    expect(await failureOf(rotate(connection))).toMatchObject({ type: 'Superseded' })
    expect([...minting.keys.keys()].sort()).toEqual([firstKey, 'key-by-person'])
    expect(await secretsOf(connection)).toEqual({ token: 'key-by-person' })
    expect(await actionsOf(connection)).toEqual(['credential.rotation_failed'])
  })

  it('leaves everything as it is when the provider makes none', async () => {
    const connection = await keyed()
    minting.instead(({ method }) => (method === 'POST' ? { status: 403 } : undefined))
    expect(await failureOf(rotate(connection))).toMatchObject({ type: 'Forbidden' })
    expect([...minting.keys.keys()]).toEqual([firstKey])
    expect(await secretsOf(connection)).toEqual({ token: firstKey })
  })

  it('refuses what cannot be rotated, and input that is wrong', async () => {
    const oauth = await withTokens({ access_token: 'access-x' })
    expect(await failureOf(rotate(oauth))).toMatchObject({ type: 'InvalidInput' })
    const handle = await test.temporal.client.workflow.start('rotateCredential', {
      workflowId: 'rotate-credential:wrong',
      taskQueue: test.taskQueue,
      args: [{ connectionId: oauth.connectionId, overlapSeconds: -1 }],
    })
    expect(await failureOf(handle.result())).toMatchObject({ type: 'InvalidInput' })
  })
})

async function withTokens(secrets: Secrets, state = 'active'): Promise<Connection> {
  const connection = await connect(test, 'minty')
  const { connectionId } = connection
  await sql`update connections set auth = 'oauth', state = ${state} where connection_id = ${connectionId}`.execute(
    db(),
  )
  await putCredential(db(), test.deps.vault, connection, secrets)
  return connection
}

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()

describe('keepCredentialsAlive', () => {
  const run = async (): Promise<unknown> =>
    await test.temporal.client.workflow.execute('keepCredentialsAlive', {
      workflowId: `keep-alive-${Math.random()}`,
      taskQueue: test.taskQueue,
      args: [{}],
    })
  const tokens = (refresh: string, more: Secrets = {}): Secrets => {
    minting.endpoint.good.add(refresh)
    return { access_token: 'access-0', expires_at: inDays(1), refresh_token: refresh, ...more }
  }

  it('uses refresh tokens that would die unused, also of paused connections, and no others', async () => {
    const soon = await withTokens(tokens('soon', { refresh_expires_at: inDays(6) }), 'paused')
    const unknown = await withTokens(tokens('unknown'))
    await withTokens(tokens('later', { refresh_expires_at: inDays(90) }))
    const dead = await withTokens(tokens('dead', { refresh_expires_at: inDays(2) }))
    minting.endpoint.good.delete('dead')
    expect(await run()).toMatchObject({ renewed: 2, failed: 1 })
    const used = minting.endpoint.calls.map(({ form }) => form.get('refresh_token')).sort()
    expect(used).toEqual(['dead', 'soon', 'unknown'])
    for (const one of [soon, unknown]) {
      const secrets = await secretsOf(one)
      expect(Date.parse(secrets?.['refresh_expires_at'] ?? '')).toBeGreaterThan(Date.parse(inDays(99)))
    }
    expect((await getConnection(db(), soon.connectionId))?.state).toBe('paused')
    expect(await getConnection(db(), dead.connectionId)).toMatchObject({
      state: 'needs_attention',
      stateWho: 'account',
    })
    expect(await run()).toMatchObject({ renewed: 0, failed: 0 })
  })

  it('counts what is left of the time: a quarter of it is reason enough', async () => {
    const quarter = await withTokens(tokens('quarter', { refresh_expires_at: inDays(20) }))
    await sql`update credentials set created_at = now() - interval '80 days' where connection_id = ${quarter.connectionId}`.execute(
      db(),
    )
    expect(await run()).toMatchObject({ renewed: 1 })
  })

  it('tells once of an access that ends whatever the hub does', async () => {
    const ending = await withTokens({ access_token: 'access-0', refresh_hard_expires_at: inDays(10) })
    expect(await run()).toMatchObject({ warned: 1 })
    expect(await run()).toMatchObject({ warned: 0 })
    const connection = await getConnection(db(), ending.connectionId)
    expect(connection).toMatchObject({ state: 'active' })
    expect(connection?.lastCheck).toEqual({
      warning: expect.stringMatching(/^The access ends on /) as string,
    })
    expect(await actionsOf(ending)).toEqual(['credential.ends_soon'])
  })

  it('erases what nobody came for', async () => {
    const connection = await withTokens({ access_token: 'access-0' })
    await keepForRevocation(db(), test.deps.vault, connection)
    await sql`update credential_revocations set created_at = now() - interval '2 days'`.execute(db())
    expect(await run()).toMatchObject({ erased: 1 })
  })
})

describe('revokeCredential', () => {
  async function deleted(): Promise<Connection> {
    const connection = await withTokens({ access_token: 'access-0', refresh_token: 'refresh-of-deleted' })
    await keepForRevocation(db(), test.deps.vault, connection)
    await deleteConnection(db(), connection.connectionId)
    return connection
  }
  const result = ({ connectionId }: Connection) =>
    test.temporal.client.workflow.getHandle(`revoke-credential:${connectionId}`).result()

  it('ends the access at the provider after an outage, and then erases the secrets', async () => {
    const connection = await deleted()
    let asked = 0
    minting.endpoint.instead(() => (++asked === 1 ? { status: 503, body: {} } : undefined))
    await test.hub.startRevocation(connection)
    await test.hub.startRevocation(connection)
    expect(await result(connection)).toEqual({ connectionId: connection.connectionId, revoked: true })
    expect(minting.endpoint.calls.map(({ form }) => form.get('token'))).toEqual([
      'refresh-of-deleted',
      'refresh-of-deleted',
    ])
    expect(await isRevocationLeft(db(), connection.connectionId)).toBe(false)
    expect(await actionsOf(connection)).toEqual(['credential.revoked'])
  })

  it('erases the secrets too where the provider will not', async () => {
    const connection = await deleted()
    minting.endpoint.instead(() => ({ status: 401, body: { error: 'invalid_client' } }))
    await test.hub.startRevocation(connection)
    expect(await result(connection)).toMatchObject({ revoked: false })
    expect(await isRevocationLeft(db(), connection.connectionId)).toBe(false)
    expect(await actionsOf(connection)).toEqual(['credential.revocation_failed'])
  })
})

describe('a refused renewal in the middle of work', () => {
  it('marks the connection and pauses its schedule; a new credential and a check let it run again', async () => {
    const connection = await withTokens({
      access_token: 'old',
      refresh_token: 'gone',
      expires_at: inDays(-1),
    })
    await test.hub.ensureSyncSchedule(connection)
    const isPaused = async () => (await test.hub.describeSyncSchedule(connection.connectionId)).isPaused
    expect(await test.hub.checkConnection(connection)).toMatchObject({
      ok: false,
      failure: { code: 'Unauthorized' },
    })
    expect(await getConnection(db(), connection.connectionId)).toMatchObject({
      state: 'needs_attention',
      stateWho: 'account',
    })
    expect(await isPaused()).toBe(true)
    minting.endpoint.good.add('by-person')
    await putCredential(db(), test.deps.vault, connection, {
      access_token: 'old',
      refresh_token: 'by-person',
    })
    expect(await test.hub.checkConnection(connection)).toMatchObject({ ok: true })
    expect((await getConnection(db(), connection.connectionId))?.state).toBe('active')
    expect(await isPaused()).toBe(false)
    await test.hub.deleteSyncSchedule(connection.connectionId)
  })
})
