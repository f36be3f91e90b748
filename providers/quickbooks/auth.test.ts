import { createOAuthClient } from '../http/oauth.ts'
import { json, startServer, type TestServer } from '../http/test-server.ts'
import { baseUrl, oauth } from './auth.ts'
import { now, startCompany, type Company } from './test-context.ts'

let server: TestServer
let company: Company
beforeAll(async () => {
  server = await startServer()
  company = await startCompany()
})
afterAll(async () => {
  await server.close()
  await company.close()
})

const client = () =>
  createOAuthClient({
    originMap: {
      'https://oauth.platform.intuit.com': server.url,
      'https://developer.api.intuit.com': server.url,
    },
    clock: { now: () => now, sleep: async () => undefined },
  })
const app = { clientId: 'the-app', clientSecret: 'the-secret' }
const basic = `Basic ${Buffer.from('the-app:the-secret').toString('base64')}`

describe('tokens', () => {
  it('are renewed with the app in the Basic header, and keep both of the refresh token’s ends', async () => {
    server.answer((response) =>
      json(response, 200, {
        access_token: 'new-access',
        token_type: 'bearer',
        expires_in: 3600,
        refresh_token: 'new-refresh',
        x_refresh_token_expires_in: 8_726_400,
        x_refresh_token_hard_expires_in: 156_032_154,
      }),
    )
    const { secrets } = await client().refresh(oauth, {}, app, { refresh_token: 'old-refresh' })
    expect(secrets).toMatchObject({
      access_token: 'new-access',
      refresh_token: 'new-refresh',
      expires_at: '2026-11-23T21:00:00.000Z',
      refresh_expires_at: '2027-03-04T20:00:00.000Z',
      refresh_hard_expires_at: new Date(now.getTime() + 156_032_154_000).toISOString(),
    })
    expect(server.requests[0]?.url).toBe('/oauth2/v1/tokens/bearer')
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: basic,
      'x-include-refresh-token-hard-expires-in': 'true',
    })
  })

  it('are revoked by JSON', async () => {
    server.answer((response) => response.writeHead(200).end())
    await client().revoke(oauth, {}, app, { refresh_token: 'old-refresh' })
    expect(server.requests[0]).toMatchObject({
      url: '/v2/oauth2/tokens/revoke',
      body: '{"token":"old-refresh"}',
      headers: { authorization: basic },
    })
  })
})

describe('the company', () => {
  it('is the one of the redirect, with its name, zone and currency', async () => {
    company.answer(({ path }) => ({
      body: path.startsWith('/companyinfo')
        ? { CompanyInfo: { CompanyName: 'Ana & Co', Country: 'CA', DefaultTimeZone: 'America/Toronto' } }
        : { Preferences: { CurrencyPrefs: { HomeCurrency: { value: 'CAD' }, MultiCurrencyEnabled: true } } },
    }))
    const callback = { realmId: '4620816365001234567' }
    expect(await oauth.identify(company.open(), { callback, token: {} })).toEqual({
      settings: {
        realm_id: callback.realmId,
        country: 'CA',
        time_zone: 'America/Toronto',
        home_currency: 'CAD',
      },
      externalAccount: callback.realmId,
      label: 'Ana & Co',
    })
  })

  it.each([[''], ['12/../../x'], ['12345678x']])('cannot be "%s"', async (realmId) => {
    await expect(oauth.identify(company.open(), { callback: { realmId }, token: {} })).rejects.toMatchObject({
      code: 'Protocol',
    })
  })

  it('is found in the environment that was chosen', () => {
    expect(baseUrl({ environment: 'sandbox' })).toBe('https://sandbox-quickbooks.api.intuit.com')
    expect(baseUrl({ environment: 'production' })).toBe('https://quickbooks.api.intuit.com')
  })
})
