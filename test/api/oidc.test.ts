/** Signing in at an identity provider: who is known by a verified address gets in, with the browser that began. */
import { freePorts } from '../../cli/up/ports.ts'
import { startTestApi, type TestApi } from '../harness/api.ts'
import { startOidcProvider, type OidcTestProvider } from '../harness/oidc-provider.ts'
import { makePerson } from '../harness/people.ts'

const app = { clientId: 'hub', clientSecret: 'secret-of-the-hub' }
let api: TestApi
let provider: OidcTestProvider

beforeAll(async () => {
  const [port = 0] = await freePorts(1)
  provider = await startOidcProvider(port, app)
  api = await startTestApi({
    worker: false,
    deps: ({ config }) => ({
      config: { ...config, oidc: { issuer: provider.issuer, ...app, allowedDomains: ['acme.example'] } },
    }),
  })
}, 120_000)
afterAll(async () => {
  await api?.close()
  await provider?.close()
})

const hop = (url: string, cookie = '') => fetch(url, { redirect: 'manual', headers: { cookie } })

/** As far as the way back: where to, and with which cookie. */
async function comingBack(): Promise<{ url: string; cookie: string }> {
  const begun = await hop(`${api.url}/auth/v1/oidc/start`)
  expect(begun.status).toBe(302)
  const set = begun.headers.get('set-cookie') ?? ''
  expect(set).toMatch(/HttpOnly; SameSite=Lax/)
  const there = await hop(begun.headers.get('location') ?? '')
  return { url: there.headers.get('location') ?? '', cookie: set.split(';')[0] ?? '' }
}
async function signIn(claims: Record<string, string | boolean>) {
  provider.claims = claims
  const { url, cookie } = await comingBack()
  const answer = await hop(url, cookie)
  return { status: answer.status, body: (await answer.json()) as { token?: string; code?: string } }
}

describe('signing in at an identity provider', () => {
  it('opens a session for whom the hub knows by a verified address', async () => {
    const { email, personId } = await makePerson(api, [null, 'operator'])
    const { status, body } = await signIn({ email: email.toUpperCase(), email_verified: true })
    expect(status).toBe(201)
    const me = await api.request('GET', '/auth/v1/person', { token: body.token ?? '' })
    expect(me.body).toMatchObject({ person: { personId } })
  })

  it('refuses an address that is not verified, not known, or of another domain', async () => {
    const { email } = await makePerson(api, [null, 'operator'])
    for (const claims of [
      { email, email_verified: false },
      { email: 'nobody@acme.example', email_verified: true },
      { email: 'eve@evil.example', email_verified: true },
    ])
      expect(await signIn(claims)).toMatchObject({ status: 403, body: { code: 'NotPermitted' } })
  })

  it('refuses another nonce, another issuer, another audience', async () => {
    const { email } = await makePerson(api, [null, 'operator'])
    const good = { email, email_verified: true }
    for (const wrong of [{ nonce: 'of-another' }, { iss: 'https://other.example' }, { aud: 'another' }])
      expect(await signIn({ ...good, ...wrong })).toMatchObject({
        status: 401,
        body: { code: 'Unauthenticated' },
      })
  })

  it('holds only for the browser that began, and once', async () => {
    const { email } = await makePerson(api, [null, 'operator'])
    provider.claims = { email, email_verified: true }
    const [one, other] = [await comingBack(), await comingBack()]
    expect((await hop(one.url)).status).toBe(401)
    expect((await hop(one.url, other.cookie)).status).toBe(401)
    expect((await hop(one.url, one.cookie)).status).toBe(201)
    expect((await hop(one.url, one.cookie)).status).toBe(401)
  })
})
