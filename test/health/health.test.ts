/** Outages of every kind against the sandbox: the state of each connection and provider, whose fault it is, one incident each. */
import { sql } from 'kysely'
import { createHealthActivities } from '../../activities/health.ts'
import { openSession } from '../../activities/session.ts'
import { createConnection, getConnection, setConnectionState, type Connection } from '../../db/connections.ts'
import { putCredential } from '../../db/credentials.ts'
import { getConnectionHealth, listHealthChanges } from '../../db/health.ts'
import { getProviderHealth } from '../../db/provider-health.ts'
import { listIncidents } from '../../db/incidents.ts'
import { defaultTenant } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import { simulators } from '../../sandbox/simulators.ts'
import { perform, startEngine, type Engine } from '../harness/engine.ts'

let engine: Engine
beforeAll(async () => {
  engine = await startEngine({ size: { tickets: 5, users: 3, contacts: 3, organizations: 2, comments: 1 } })
}, 120_000)
afterAll(() => engine?.close())

const db = () => engine.test.database.db

async function connect(slug: string): Promise<Connection> {
  const simulator = simulators.find((one) => one.slug === slug)
  if (!simulator) throw new Error(`no simulator of ${slug}`)
  const { auth, name, settings, secrets } = simulator.sample
  const { partnerId, accountId } = defaultTenant
  const connection = await createConnection(db(), {
    ...{ connectionId: newId('connection'), partnerId, accountId, provider: slug, auth, name, settings },
  })
  await putCredential(db(), engine.deps.vault, connection, secrets)
  return connection
}

/** Second looks come at once. */
const hasty = () => ({
  ...engine.deps,
  clock: { now: () => new Date(), sleep: (ms: number) => engine.deps.clock.sleep(ms / 50) },
})

/** One round, as the workflow does it. */
async function round(provider: string) {
  const health = createHealthActivities(hasty())
  const start = await perform(() => health.startHealthRound({ provider }))
  if (start.paused) return { paused: true, canary: await perform(() => health.askCanary({ provider })) }
  // Calls that these tests have made a moment ago are to be asked about, not believed.
  const since = new Date(Date.now() + 60_000).toISOString()
  const slice = await perform(() => health.checkHealthSlice({ provider, after: '', since }))
  return { paused: false, slice, verdict: await perform(() => health.judgeHealthRound({ provider })) }
}

const open = async (provider?: string) =>
  (await listIncidents(db(), { state: 'unresolved', provider, limit: 50 })).map(({ dedupeKey }) => dedupeKey)

const control = () => engine.sandbox.control

describe('whose fault it is', () => {
  it('nothing is wrong: healthy, no incident', async () => {
    const { verdict } = await round('zendesk')
    expect(verdict).toMatchObject({ state: 'healthy', culprit: null, paused: false })
    expect(await open('zendesk')).toEqual([])
    expect(await getConnectionHealth(db(), engine.connection.connectionId)).toMatchObject({
      ...{ state: 'healthy', evidence: 'probe', clockSkewMs: 0, failure: null },
    })
  })

  it('one connection is refused: its own credential, and it needs attention', async () => {
    const broken = await connect('zendesk')
    const sample = simulators.find(({ slug }) => slug === 'zendesk')?.sample.secrets ?? {}
    const wrong = Object.fromEntries(Object.keys(sample).map((name) => [name, 'wrong'.repeat(8)]))
    await putCredential(db(), engine.deps.vault, broken, wrong)
    await round('zendesk')
    expect(await getConnectionHealth(db(), broken.connectionId)).toMatchObject({
      state: 'down',
      culprit: 'connection',
    })
    expect(await getConnection(db(), broken.connectionId)).toMatchObject({ state: 'needs_attention' })
    expect(await open('zendesk')).toEqual([`connection:${broken.connectionId}`])
    // Mended by a person: the next rounds find it well, and the incident is over.
    await putCredential(db(), engine.deps.vault, broken, sample)
    await setConnectionState(db(), broken.connectionId, 'active', null, null)
    await round('zendesk')
    expect(await open('zendesk')).toEqual([])
    const changes = await listHealthChanges(db(), { subject: `connection:${broken.connectionId}`, limit: 10 })
    expect(changes.map(({ state }) => state)).toEqual(['healthy', 'down'])
  })

  it('the provider is out: one incident, its lanes pause, a canary opens them, everything resumes', async () => {
    await connect('hubspot')
    await round('hubspot')
    control().chaosOf('zendesk', { rate5xx: 1 })
    expect((await round('zendesk')).verdict).toMatchObject({
      state: 'down',
      culprit: 'provider',
      paused: true,
    })
    expect(await open('zendesk')).toEqual(['outage:zendesk'])
    const calls = control().calls()
    const other = {
      ...engine.deps,
      gate: (await import('../../activities/provider-gate.ts')).createProviderGate(db(), engine.deps.clock),
    }
    await expect(
      openSession(other, engine.connection.connectionId, { priority: 'interactive' }),
    ).rejects.toMatchObject({ code: 'Unavailable', retryAt: expect.any(Date) as Date })
    expect(control().calls()).toBe(calls)
    // Still out: the canary finds it so, once.
    expect((await round('zendesk')).canary).toMatchObject({ paused: true, ok: false })
    control().chaosOf('zendesk', { rate5xx: 0 })
    expect((await round('zendesk')).canary).toMatchObject({ paused: true, ok: true })
    expect((await round('zendesk')).canary).toMatchObject({ paused: false, ok: true })
    expect((await round('zendesk')).verdict).toMatchObject({ state: 'healthy', culprit: null, paused: false })
    expect(await open('zendesk')).toEqual([])
    expect(await getProviderHealth(db(), 'zendesk')).toMatchObject({ paused: false, state: 'healthy' })
  })

  it('a provider that flaps is one incident', async () => {
    for (let turn = 0; turn < 2; turn++) {
      control().chaosOf('zendesk', { cutRate: 1 })
      await round('zendesk')
      control().chaosOf('zendesk', { cutRate: 0 })
      await round('zendesk')
      await round('zendesk')
      await round('zendesk')
    }
    const all = await listIncidents(db(), { provider: 'zendesk', limit: 50 })
    const outages = all.filter(({ dedupeKey }) => dedupeKey === 'outage:zendesk')
    expect(outages).toHaveLength(1)
    expect(outages[0]).toMatchObject({ state: 'resolved', reopened: 2 })
  })

  it("all connections of the hub's app are refused: the app", async () => {
    const [one, two] = [await connect('quickbooks'), await connect('quickbooks')]
    for (const { connectionId } of [one, two])
      await putCredential(db(), engine.deps.vault, (await getConnection(db(), connectionId)) ?? one, {
        access_token: 'revoked',
        expires_at: '2099-01-01T00:00:00Z',
      })
    const { verdict } = await round('quickbooks')
    expect(verdict).toMatchObject({ state: 'down', culprit: 'app', paused: false })
    expect(await open('quickbooks')).toEqual(['app:quickbooks'])
    // No account is asked to sign in again for what is not its fault.
    expect(await getConnection(db(), one.connectionId)).toMatchObject({ state: 'active' })
    await sql`update connections set state = 'deleted' where provider = 'quickbooks'`.execute(db())
    await round('quickbooks')
    expect(await open('quickbooks')).toEqual([])
  })

  it('every provider is out of reach: our own network, one incident', async () => {
    control().chaos({ cutRate: 1 })
    await round('hubspot')
    expect((await round('zendesk')).verdict).toMatchObject({ state: 'down', culprit: 'network' })
    expect(await open()).toContain('network')
    control().chaos({ cutRate: 0 })
    for (let turn = 0; turn < 3; turn++) for (const slug of ['hubspot', 'zendesk']) await round(slug)
    expect(await open()).toEqual([])
  })
})

describe('what a round spares', () => {
  it('calls that were made anyway speak for a connection: it is not asked', async () => {
    const health = createHealthActivities(engine.deps)
    await engine.sync({ resources: ['organizations'] })
    const before = control().calls()
    const since = new Date(Date.now() - 60_000).toISOString()
    await sql`update connections set state = 'paused' where provider = 'zendesk' and connection_id <> ${engine.connection.connectionId}`.execute(
      db(),
    )
    const slice = await perform(() => health.checkHealthSlice({ provider: 'zendesk', after: '', since }))
    expect(slice).toMatchObject({ probed: 0, bad: 0 })
    expect(control().calls()).toBe(before)
    expect(await getConnectionHealth(db(), engine.connection.connectionId)).toMatchObject({
      evidence: 'traffic',
    })
  })

  it('who was down is asked twice all the same, and is well at once', async () => {
    const { connectionId } = engine.connection
    const health = createHealthActivities(hasty())
    await sql`update connection_health set state = 'down', good_in_row = 0, bad_in_row = 2 where connection_id = ${connectionId}`.execute(
      db(),
    )
    const since = new Date(Date.now() - 60_000).toISOString()
    const slice = await perform(() => health.checkHealthSlice({ provider: 'zendesk', after: '', since }))
    expect(slice).toMatchObject({ probed: 1, bad: 0 })
    expect(await getConnectionHealth(db(), connectionId)).toMatchObject({
      state: 'healthy',
      evidence: 'probe',
    })
  })

  it('old data makes a connection that answers degraded, and says why', async () => {
    await sql`update connections set last_synced_at = now() - interval '3 hours', freshness_objective_seconds = 3600
      where connection_id = ${engine.connection.connectionId}`.execute(db())
    await round('zendesk')
    expect(await getConnectionHealth(db(), engine.connection.connectionId)).toMatchObject({
      state: 'degraded',
      reason: expect.stringContaining('the objective is 1 h') as string,
    })
  })
})
