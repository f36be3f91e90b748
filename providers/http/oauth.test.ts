import { inspect } from 'node:util'
import { methodThat, startTokenEndpoint, type TokenEndpoint } from '../../test/harness/token-endpoint.ts'
import type { OAuth2Auth } from '../contract.ts'
import { createOAuthClient } from './oauth.ts'
import { createTestClock } from './test-server.ts'

const app = { clientId: 'app-of-us', clientSecret: 's3cret/+of-us' }
const never = { rotates: 'never', graceSeconds: 0 } as const
const clock = createTestClock()

let endpoint: TokenEndpoint
beforeAll(async () => {
  endpoint = await startTokenEndpoint()
})
afterAll(() => endpoint.close())
beforeEach(() => endpoint.reset())

const client = (timeoutMs = 2_000) => createOAuthClient({ originMap: endpoint.originMap, clock, timeoutMs })
const says = (status: number, body: unknown, headers?: Record<string, string>) =>
  endpoint.instead(() => ({ status, body, ...(headers ? { headers } : {}) }))
const tokens = { access_token: 'fresh-access', token_type: 'bearer' }
const before = {
  access_token: 'old-access',
  refresh_token: 'old-refresh-s3cret',
  refresh_expires_at: '2027-01-01T00:00:00.000Z',
  refresh_hard_expires_at: '2031-01-01T00:00:00.000Z',
  scope: 'a b',
}
const refresh = (method: OAuth2Auth = methodThat(never), secrets: Record<string, string> = before) =>
  client().refresh(method, {}, app, secrets)
const inSeconds = (text: string | undefined) => (Date.parse(text ?? '') - clock.now().getTime()) / 1000

describe('the way to a token endpoint', () => {
  it('goes through the origin map and names the real origin', async () => {
    says(200, tokens)
    await refresh()
    expect(endpoint.calls).toMatchObject([{ path: '/token', origin: 'https://login.ledgerly.example' }])
  })

  it('shows the app in a Basic header as it is, or in the form', async () => {
    says(200, tokens)
    await refresh()
    expect(endpoint.calls[0]?.authorization).toBe(
      `Basic ${Buffer.from(`${app.clientId}:${app.clientSecret}`).toString('base64')}`,
    )
    expect(endpoint.calls[0]?.form.has('client_secret')).toBe(false)
    await refresh(methodThat(never, { clientAuthentication: 'post' }))
    expect(endpoint.calls[1]?.authorization).toBe('')
    expect(endpoint.calls[1]?.form.get('client_secret')).toBe(app.clientSecret)
  })

  it('asks once, whatever comes', async () => {
    says(503, {})
    await expect(refresh()).rejects.toMatchObject({ code: 'Unavailable' })
    expect(endpoint.calls).toHaveLength(1)
  })
})

describe('a code', () => {
  const wish = {
    callback: { code: 'the-code', state: 'the-state', realmId: '7' },
    redirectUri: 'http://127.0.0.1/oauth/callback',
    state: 'the-state',
    codeVerifier: 'v'.repeat(43),
  }

  it('is exchanged with its verifier and the address it was sent to', async () => {
    says(200, { ...tokens, refresh_token: 'r1', scope: 'a c' })
    const answer = await client().exchangeCode(methodThat(never), {}, app, wish)
    expect(Object.fromEntries(endpoint.calls[0]?.form ?? [])).toEqual({
      grant_type: 'authorization_code',
      code: 'the-code',
      code_verifier: 'v'.repeat(43),
      redirect_uri: wish.redirectUri,
    })
    expect(answer).toMatchObject({
      secrets: { access_token: 'fresh-access', refresh_token: 'r1', scope: 'a c' },
      grantedScopes: ['a', 'c'],
      token: { refresh_token: 'r1' },
    })
  })

  it('of another attempt is not sent', async () => {
    const foreign = { ...wish, state: 'another-state' }
    await expect(client().exchangeCode(methodThat(never), {}, app, foreign)).rejects.toMatchObject({
      code: 'Unauthorized',
    })
    expect(endpoint.calls).toHaveLength(0)
  })
})

describe('what a refresh brings', () => {
  it('ends after the seconds it names, or after those of the method', async () => {
    says(200, { ...tokens, expires_in: '1800' })
    expect(inSeconds((await refresh()).secrets['expires_at'])).toBeCloseTo(1800, -1)
    says(200, tokens)
    expect(inSeconds((await refresh()).secrets['expires_at'])).toBeCloseTo(3600, -1)
  })

  it('keeps the old refresh token, its last days and its scopes when it brings none', async () => {
    says(200, tokens)
    const { secrets, grantedScopes } = await refresh()
    expect(secrets).toMatchObject({ ...before, access_token: 'fresh-access' })
    expect(grantedScopes).toBeUndefined()
  })

  it('takes over a new refresh token; its idle time begins anew, its last day stays', async () => {
    says(200, { ...tokens, refresh_token: 'new-refresh' })
    const { secrets } = await refresh(methodThat({ ...never, idleSeconds: 864_000 }))
    expect(secrets['refresh_token']).toBe('new-refresh')
    expect(inSeconds(secrets['refresh_expires_at'])).toBeCloseTo(864_000, -2)
    expect(secrets['refresh_hard_expires_at']).toBe(before.refresh_hard_expires_at)
  })

  it('starts the idle time anew too where the value stays', async () => {
    says(200, tokens)
    const { secrets } = await refresh(methodThat({ ...never, idleSeconds: 864_000 }))
    expect(inSeconds(secrets['refresh_expires_at'])).toBeCloseTo(864_000, -2)
  })

  it('is read by the method where the provider has fields of its own', async () => {
    says(200, { ...tokens, days: 9, scopes: ['x'] })
    const method = methodThat(never, {
      readToken: (token, now) => ({
        refreshExpiresAt: new Date(now.getTime() + Number(token['days']) * 86_400_000),
        scopes: ['x'],
      }),
    })
    const { secrets, grantedScopes } = await refresh(method)
    expect(inSeconds(secrets['refresh_expires_at'])).toBeCloseTo(9 * 86_400, -2)
    expect(grantedScopes).toEqual(['x'])
  })
})

describe('a refusal', () => {
  it.each([
    ['a grant that is over', 400, { error: 'invalid_grant' }, 'Unauthorized'],
    ['the same in other words', 400, { status: 'BAD_REFRESH_TOKEN', message: 'x' }, 'Unauthorized'],
    ['an error told with 200', 200, { error: 'invalid_code' }, 'Unauthorized'],
    ['an app that is not known', 401, { error: 'invalid_client' }, 'NotConfigured'],
    ['401 without a word', 401, '', 'NotConfigured'],
    ['an outage', 502, '<html>', 'Unavailable'],
    ['too many calls', 429, {}, 'RateLimited'],
    ['something else', 404, {}, 'Protocol'],
    ['a redirection', 302, '', 'Protocol'],
    ['a page', 200, '<html>hello', 'Protocol'],
    ['an answer without a token', 200, { token_type: 'bearer' }, 'Protocol'],
    ['an answer too large', 200, `"${'x'.repeat(1_100_000)}"`, 'Protocol'],
  ])('by %s (%i) is %s', async (_what, status, body, code) => {
    says(status, body)
    await expect(refresh()).rejects.toMatchObject({ code })
  })

  it('carries the moment before which asking is of no use', async () => {
    says(503, {}, { 'retry-after': '120' })
    const error: unknown = await refresh().catch((reason: unknown) => reason)
    expect(inSeconds((error as { retryAt: Date }).retryAt.toISOString())).toBeCloseTo(120, -1)
  })

  it('of an endpoint that does not answer in time, or breaks off, is Unavailable', async () => {
    endpoint.beforeAnswer(() => new Promise(() => undefined))
    await expect(client(50).refresh(methodThat(never), {}, app, before)).rejects.toMatchObject({
      code: 'Unavailable',
      internal: expect.stringContaining('TimeoutError') as string,
    })
  })

  it('needs no call where there is no refresh token', async () => {
    await expect(refresh(methodThat(never), { access_token: 'a' })).rejects.toMatchObject({
      code: 'Unauthorized',
    })
    expect(endpoint.calls).toHaveLength(0)
  })
})

describe('revocation', () => {
  const revoke = (more: Partial<OAuth2Auth> = {}) => client().revoke(methodThat(never, more), {}, app, before)

  it('sends the refresh token, as a form or as JSON', async () => {
    await revoke()
    expect(endpoint.calls[0]).toMatchObject({ path: '/revoke' })
    expect(endpoint.calls[0]?.form.get('token')).toBe(before.refresh_token)
    await revoke({ revokeBody: 'json' })
    expect(JSON.parse(endpoint.calls[1]?.body ?? '')).toEqual({ token: before.refresh_token })
  })

  it('of what is gone already is done; of what cannot be reached is not', async () => {
    says(400, { error: 'invalid_token' })
    await revoke()
    says(503, {})
    await expect(revoke()).rejects.toMatchObject({ code: 'Unavailable' })
  })

  it('needs no call where the provider has no way to', async () => {
    await revoke({ endpoints: () => ({ authorize: 'https://a.example', token: 'https://a.example/t' }) })
    expect(endpoint.calls).toHaveLength(0)
  })
})

it('INV-6: no token, secret or word of the provider is in an error', async () => {
  const loud = {
    error: 'invalid_grant',
    error_description: `${before.refresh_token} of ana@personal.example`,
  }
  for (const [status, body] of [
    [400, loud],
    [401, loud],
    [500, JSON.stringify(loud)],
    [200, `${before.refresh_token}<`],
    [200, { ...tokens, access_token: 7, refresh_token: before.refresh_token }],
  ] as const) {
    says(status, body)
    const error: unknown = await refresh().catch((reason: unknown) => reason)
    const all = inspect(error, { depth: 10, showHidden: true })
    expect(all).toContain('HubError')
    expect(all).not.toMatch(/s3cret|personal\.example/)
  }
})

it('while two secrets are known, a request that the provider refuses for the app is made with the other', async () => {
  const old = Buffer.from('ledgerly-app:old').toString('base64')
  endpoint.good.add('refresh-of-two')
  endpoint.instead(({ authorization }) =>
    authorization === `Basic ${old}` ? undefined : { status: 401, body: { error: 'invalid_client' } },
  )
  let refused = 0
  const app = {
    clientId: 'ledgerly-app',
    clientSecret: 'new',
    fallback: { clientId: 'ledgerly-app', clientSecret: 'old' },
    onRefused: () => void refused++,
  }
  const ask = (with_: typeof app | typeof app.fallback, token: string) =>
    client().refresh(methodThat(never), {}, with_, { refresh_token: token })
  expect((await ask(app, 'refresh-of-two')).secrets['access_token']).toMatch(/^access-/)
  expect(refused).toBe(1)
  // A refused token is no refused app: it is not asked about twice.
  endpoint.instead(undefined)
  const before = endpoint.calls.length
  await expect(ask(app, 'unknown')).rejects.toMatchObject({ code: 'Unauthorized' })
  expect(endpoint.calls.length).toBe(before + 1)
  // Where none is left it is what it was.
  endpoint.instead(() => ({ status: 401, body: { error: 'invalid_client' } }))
  await expect(ask(app.fallback, 'refresh-of-two')).rejects.toMatchObject({ code: 'NotConfigured' })
  endpoint.instead(undefined)
})
