/** The hub's own apps and the keys of its ring, over the API. */
import { announceRing } from '../../db/ring-keys.ts'
import type { components } from '../../openapi/types.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'
import { startMintingProvider, type MintingProvider } from '../harness/minting-provider.ts'
import { ledgerlyVariables } from '../harness/token-endpoint.ts'

let minting: MintingProvider
let api: TestApi
beforeAll(async () => {
  minting = await startMintingProvider()
  const { provider, originMap } = minting
  api = await startTestApi({ more: { providers: [provider], originMap, variables: ledgerlyVariables } })
}, 120_000)
afterAll(async () => {
  await api?.close()
  await minting?.close()
})

const path = '/admin/v1/providers/minty/app'
const put = (body: object, headers = {}) => api.request('PUT', path, { body, headers })

it('an app that is entered goes before the environment, is never shown, and is proven while it is replaced', async () => {
  const before = await api.request('GET', path)
  expect(before.body).toMatchObject({ clientId: 'ledgerly-app', source: 'environment', version: 0 })
  expect(await put({ clientSecret: 'x' }, { 'If-Match': '"7"' })).toMatchObject({ status: 412 })
  const entered = await put({ clientId: 'other-app', clientSecret: 'first-secret' })
  expect(entered).toMatchObject({
    status: 200,
    body: { clientId: 'other-app', source: 'entered', version: 1 },
  })
  expect(JSON.stringify(entered.body)).not.toContain('first-secret')
  expect(api.deps.env['LEDGERLY_CLIENT_ID']).toBe('other-app')
  const begun = await api.request('POST', '/admin/v1/rotations', {
    body: { kind: 'client_secret', subject: 'minty' },
  })
  expect(begun.status).toBe(202)
  const { rotationId } = begun.body as components['schemas']['Rotation']
  expect(await put({ clientId: 'third-app', clientSecret: 'x' })).toMatchObject({ status: 409 })
  expect(await put({ clientSecret: 'first-secret' })).toMatchObject({ status: 409 })
  expect(await put({ clientSecret: 'second-secret' })).toMatchObject({
    body: { other: 'entered', version: 2 },
  })
  // No connection to prove it with: put in force as it is.
  await until(
    () => api.request('GET', path),
    ({ body }) => (body as components['schemas']['ProviderApp']).other === 'old',
  )
  // Webhooks that were signed with the old one are still known for genuine.
  await until(
    () => Promise.resolve(api.deps.env['LEDGERLY_CLIENT_SECRET']),
    (values) => values === 'second-secret,first-secret',
  )
  const confirm = () => api.request('POST', `/admin/v1/rotations/${rotationId}/confirm`)
  await until(confirm, ({ status }) => status === 200)
  await until(
    () => api.request('GET', path),
    ({ body }) => (body as components['schemas']['ProviderApp']).other === null,
  )
  await until(
    () => Promise.resolve(api.deps.env['LEDGERLY_CLIENT_SECRET']),
    (values) => values === 'second-secret',
  )
}, 60_000)

it('tells of each key of the ring what needs it, and of each process which keys it knows', async () => {
  const { ring } = api.deps.vault
  await announceRing(api.database.database.db, 'api here', 'api', ring)
  const { body, status } = await api.request('GET', '/admin/v1/encryption-keys')
  expect(status).toBe(200)
  const { items, processes } = body as components['schemas']['EncryptionKeyList']
  expect(items).toMatchObject([
    { keyId: ring.currentId, isCurrent: true, isInRing: true, mayBeRemoved: false },
  ])
  expect(items[0]?.dataKeys).toBeGreaterThan(0)
  expect(items[0]?.temporal?.retentionSeconds).toBeGreaterThan(0)
  expect(processes).toMatchObject([{ process: 'api here', currentKeyId: ring.currentId }])
  const refused = await api.request('POST', '/admin/v1/rotations', {
    body: { kind: 'encryption_key', subject: ring.currentId },
  })
  expect(refused).toMatchObject({ status: 409, body: { code: 'StateConflict' } })
})
