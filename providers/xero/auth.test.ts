import { createOAuthClient } from '../http/oauth.ts'
import { json, startServer, type TestServer } from '../http/test-server.ts'
import { oauth } from './auth.ts'
import { idOf, now, startOrganisation, tenant, type ScriptedOrganisation } from './test-context.ts'

let server: TestServer
let organisation: ScriptedOrganisation
beforeAll(async () => {
  server = await startServer()
  organisation = await startOrganisation()
})
afterAll(async () => {
  await server.close()
  await organisation.close()
})

it('tokens are renewed with the app in the Basic header; the new refresh token takes the place of the old, for 60 days', async () => {
  server.answer((response) =>
    json(response, 200, {
      access_token: 'new-access',
      token_type: 'Bearer',
      expires_in: 1800,
      refresh_token: 'new-refresh',
      scope: 'offline_access accounting.contacts.read',
    }),
  )
  const client = createOAuthClient({
    originMap: { 'https://identity.xero.com': server.url },
    clock: { now: () => now, sleep: async () => undefined },
  })
  const app = { clientId: 'the-app', clientSecret: 'the-secret' }
  const { secrets } = await client.refresh(oauth, {}, app, { refresh_token: 'old-refresh' })
  expect(secrets).toMatchObject({
    access_token: 'new-access',
    refresh_token: 'new-refresh',
    expires_at: '2026-11-24T10:30:00.000Z',
    refresh_expires_at: '2027-01-23T10:00:00.000Z',
  })
  expect(server.requests[0]?.url).toBe('/connect/token')
  expect(server.requests[0]?.headers.authorization).toBe(
    `Basic ${Buffer.from('the-app:the-secret').toString('base64')}`,
  )
})

describe('the organisation', () => {
  const consent = '9b1c0f0e-0000-4000-a000-000000000001'
  const claims = Buffer.from(JSON.stringify({ authentication_event_id: consent })).toString('base64url')
  const token = { access_token: `e30.${claims}.signature` }
  const link = (number: number, tenantName: string, tenantType = 'ORGANISATION') => ({
    id: idOf(number + 100),
    tenantId: idOf(number),
    tenantType,
    tenantName,
  })
  const identify = (settings: Record<string, string> = {}) =>
    oauth.identify(organisation.open(settings), { callback: {}, token })

  it('is the one that the consent added, whatever was connected before', async () => {
    organisation.answer(({ query }) => ({
      body:
        query.get('authEventId') === consent ? [link(2, 'Bakery')] : [link(1, 'Boats'), link(2, 'Bakery')],
    }))
    expect(await identify()).toEqual({
      settings: { tenant_id: idOf(2) },
      externalAccount: idOf(2),
      label: 'Bakery',
    })
    expect(organisation.asked).toHaveLength(1)
    expect(organisation.asked[0]?.headers['xero-tenant-id']).toBeUndefined()
  })

  it('is the known one when the consent added none', async () => {
    organisation.answer(({ query }) => ({ body: query.has('authEventId') ? [] : [link(1, 'Boats')] }))
    expect(await identify()).toMatchObject({ externalAccount: idOf(1) })
  })

  it('is the one that was named of several, and nobody’s guess without a name', async () => {
    organisation.answer(() => ({
      body: [link(1, 'Boats'), link(2, 'Bakery'), link(3, 'A practice', 'PRACTICE')],
    }))
    expect(await identify({ organisation: ' bakery ' })).toMatchObject({ externalAccount: idOf(2) })
    await expect(identify()).rejects.toMatchObject({ code: 'NotConfigured' })
    await expect(identify({ organisation: 'Wool' })).rejects.toMatchObject({ code: 'NotConfigured' })
  })

  it('goes along with each call', () => {
    expect(oauth.headers({ access_token: 'a' }, { tenant_id: tenant })).toEqual({
      authorization: 'Bearer a',
      'xero-tenant-id': tenant,
    })
  })
})
