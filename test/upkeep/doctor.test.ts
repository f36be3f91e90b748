/** What the doctor finds in an installation that works, and in one where something is missing. */
import { tmpdir } from 'node:os'
import { examine } from '../../cli/commands/doctor.ts'
import { checkNode, checkOrigins } from '../../cli/doctor/machine.ts'
import { newKeyRingText } from '../../platform/secrets/keyring.ts'
import { adminToken, startTestApi, type TestApi } from '../harness/api.ts'
import { testTemporal } from '../harness/temporal.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
}, 120_000)
afterAll(() => api?.close())

const environment = (change: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  DATABASE_URL: api.database.url,
  TEMPORAL_ADDRESS: testTemporal().address,
  TEMPORAL_NAMESPACE: testTemporal().namespace,
  TIELINE_ENCRYPTION_KEYS: newKeyRingText(),
  TIELINE_ADMIN_TOKEN: adminToken,
  TIELINE_PUBLIC_URL: api.url,
  TIELINE_TASK_QUEUE: api.hub.taskQueue,
  TIELINE_HOME: tmpdir(),
  ...change,
})

const statesOf = async (change: NodeJS.ProcessEnv = {}) =>
  Object.fromEntries((await examine(environment(change))).map(({ check, state }) => [check, state]))

describe('the doctor', () => {
  it('finds database, tenants, Temporal, worker and codec well, and names what a worker has not made yet', async () => {
    expect(await statesOf()).toMatchObject({
      ...{
        node: 'ok',
        settings: 'ok',
        database: 'ok',
        schema: 'ok',
        clock: 'ok',
        tenants: 'ok',
        temporal: 'ok',
      },
      ...{ worker: 'ok', codec: 'ok', origins: 'ok', 'key ring': 'ok' },
      ...{ 'public URL': 'look', schedules: 'bad' },
    })
  })

  it('finds what is missing, each with advice', async () => {
    await api.connect()
    const gone = {
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      TIELINE_PUBLIC_URL: 'http://127.0.0.1:1',
      TIELINE_ENCRYPTION_KEYS: `another:${Buffer.alloc(32, 7).toString('base64')}`,
    }
    const findings = await examine(environment(gone))
    const bad = findings.filter(({ state }) => state === 'bad')
    // What the connection's secrets are wrapped by is not in this ring.
    expect(bad.map(({ check }) => check)).toEqual(['key ring', 'temporal', 'public URL'])
    for (const { advice } of bad) expect(advice).toEqual(expect.any(String))
    const noDatabase = await statesOf({ DATABASE_URL: 'postgres://nobody:secret-word@127.0.0.1:1/none' })
    expect(noDatabase).toMatchObject({ database: 'bad' })
    expect(JSON.stringify(findings)).not.toContain(adminToken)
  })

  it('names wrong settings and looks no further', async () => {
    const findings = await examine(environment({ TIELINE_RETENTION: 'inbox=0', DATABASE_URL: 'mysql://x' }))
    expect(findings.map(({ check, state }) => [check, state])).toEqual([
      ['node', 'ok'],
      ['settings', 'bad'],
    ])
    expect(findings[1]?.detail).toMatch(/DATABASE_URL should be .*TIELINE_RETENTION should be/s)
  })

  it('refuses an old Node, and redirected origins where others reach the hub', () => {
    expect(checkNode('18.20.0')).toMatchObject({ state: 'bad' })
    const originMap = { 'https://real.example': 'http://127.0.0.1:1' }
    const wish = { environment: 'development' as const, originMap }
    expect(checkOrigins({ ...wish, publicUrl: 'https://hub.example' })).toMatchObject({ state: 'bad' })
    expect(checkOrigins({ ...wish, publicUrl: 'http://127.0.0.1:4400' })).toMatchObject({ state: 'look' })
  })
})
