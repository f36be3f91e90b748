/** Tokens that were got elsewhere, rotation and deletion through the API; a simulator that counts what is spent. */
import { openCredential } from '../../db/credentials.ts'
import { isRevocationLeft } from '../../db/credential-revocations.ts'
import type { components } from '../../openapi/types.ts'
import { quickbooksSimulator } from '../../providers/quickbooks/simulator.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'
import { firstKey, startMintingProvider, type MintingProvider } from '../harness/minting-provider.ts'
import { connect } from '../harness/tiny-connection.ts'

type Connection = components['schemas']['Connection']

const { settings, secrets } = quickbooksSimulator.sample
const app = quickbooksSimulator.app ?? { clientId: '', clientSecret: '' }
const variables = { QUICKBOOKS_CLIENT_ID: app.clientId, QUICKBOOKS_CLIENT_SECRET: app.clientSecret }
const base = '/admin/v1/connections'

let api: TestApi
let minting: MintingProvider
beforeAll(async () => {
  minting = await startMintingProvider()
  const { provider, originMap } = minting
  api = await startTestApi({ more: { providers: [provider], originMap, variables } })
})
afterAll(async () => {
  await api.close()
  await minting.close()
})

const create = (more: object) =>
  api.request('POST', base, { body: { provider: 'quickbooks', auth: 'oauth', settings, secrets, ...more } })
const stored = (connectionId: string) => openCredential(api.deps.database.db, api.deps.vault, connectionId)
const check = (connectionId: string) => api.request('POST', `${base}/${connectionId}/test`)
const auditOf = async (connectionId: string) => {
  const { body } = await api.request('GET', `/admin/v1/audit?subject=${connectionId}`)
  return (body as components['schemas']['AuditList']).items.map(({ action }) => action)
}

describe('tokens that are imported', () => {
  it('work as they are, with the settings that a consent would have found out', async () => {
    const made = await create({})
    expect(made).toMatchObject({ status: 201, body: { auth: 'oauth', settings } })
    const { connectionId } = made.body as Connection
    expect(await check(connectionId)).toMatchObject({ status: 200, body: { ok: true } })
    expect((await stored(connectionId))?.generation).toBe(1)
  })

  it('without a time of expiry are renewed before they are used', async () => {
    const { refresh_token = '' } = secrets
    const { connectionId } = (await create({ secrets: { refresh_token } })).body as Connection
    expect(await check(connectionId)).toMatchObject({ status: 200, body: { ok: true } })
    const after = await stored(connectionId)
    expect(after?.generation).toBe(2)
    expect(Date.parse(after?.secrets['expires_at'] ?? '')).toBeGreaterThan(Date.now())
  })

  it('are refused with each mistake named, and nothing of their values', async () => {
    const wrong = { token: 'very-s3cret', expires_at: 'tomorrow' }
    const { status, body } = await create({
      secrets: wrong,
      settings: { ...settings, environment: 'moon', 'Odd-name': 'x' },
    })
    expect(status).toBe(400)
    const { errors = [] } = body as components['schemas']['Problem']
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual([
      '/secrets/access_token',
      '/secrets/expires_at',
      '/secrets/token',
      '/settings/Odd-name',
      '/settings/environment',
    ])
    expect(JSON.stringify(body)).not.toContain('s3cret')
  })

  it('replace those that are refused: the connection is active again and its schedule runs', async () => {
    const bad = { access_token: 'gone', refresh_token: 'gone' }
    const { connectionId } = (await create({ secrets: bad })).body as Connection
    expect(await check(connectionId)).toMatchObject({
      body: { ok: false, failure: { code: 'Unauthorized' } },
    })
    const troubled = await api.request('GET', `${base}/${connectionId}`)
    expect(troubled.body).toMatchObject({
      state: 'needs_attention',
      stateWho: 'account',
      reconnect: { body: { connectionId } },
    })
    expect((await api.request('GET', `${base}/${connectionId}/schedule`)).body).toMatchObject({
      paused: true,
    })
    const replaced = await api.request('PUT', `${base}/${connectionId}/credential`, { body: { secrets } })
    expect(replaced).toMatchObject({ status: 200, body: { generation: 2 } })
    expect((await api.request('GET', `${base}/${connectionId}`)).body).toMatchObject({ state: 'active' })
    expect((await api.request('GET', `${base}/${connectionId}/schedule`)).body).toMatchObject({
      paused: false,
    })
    expect(await check(connectionId)).toMatchObject({ body: { ok: true } })
  })
})

it('a credential that the provider makes none of by request is not rotated', async () => {
  const { connectionId } = (await create({})).body as Connection
  const answer = await api.request('POST', `${base}/${connectionId}/credential/rotate`)
  expect(answer).toMatchObject({ status: 409, body: { code: 'StateConflict' } })
})

it('one that it does make is: the answer says where to watch', async () => {
  const { connectionId } = await connect(api.hub, 'minty', { token: firstKey })
  const answer = await api.request('POST', `${base}/${connectionId}/credential/rotate`)
  expect(answer).toMatchObject({
    status: 202,
    body: {
      connectionId,
      workflowId: `rotate-credential:${connectionId}`,
      temporalUrl: expect.stringContaining(encodeURIComponent(connectionId)) as string,
    },
  })
  await until(
    () => stored(connectionId),
    (credential) => credential?.generation === 2,
  )
  expect((await auditOf(connectionId)).sort()).toEqual(['credential.rotated', 'credential.rotation_asked'])
  await api.hub.temporal.client.workflow.getHandle(`rotate-credential:${connectionId}`).terminate()
})

it('deleting a connection ends its access at the provider', async () => {
  const { connectionId } = (await create({})).body as Connection
  expect((await api.request('DELETE', `${base}/${connectionId}`)).status).toBe(204)
  expect(await stored(connectionId)).toBeUndefined()
  await until(
    () => isRevocationLeft(api.deps.database.db, connectionId),
    (left) => !left,
  )
  expect(await auditOf(connectionId)).toEqual([
    'credential.revoked',
    'connection.deleted',
    'connection.created',
  ])
  expect((await api.request('DELETE', `${base}/${connectionId}`)).status).toBe(204)
})
