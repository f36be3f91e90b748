/** Every forgery of an access token that must be refused, each but for one thing as the hub would have made it. */
import { createHmac } from 'node:crypto'
import { connect } from 'node:net'
import {
  CompactSign,
  SignJWT,
  calculateJwkThumbprint,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose'
import { ensurePartner } from '../../db/partners.ts'
import {
  ensureSigningKey,
  openSigningKey,
  promoteSigningKey,
  publishSigningKey,
  retireSigningKey,
} from '../../db/signing-keys.ts'
import { newId } from '../../platform/new-id.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'

let api: TestApi
const partnerId = newId('partner')
beforeAll(async () => {
  api = await startTestApi({ worker: false })
  await ensurePartner(db(), { partnerId, name: 'Ours' })
}, 120_000)
afterAll(() => api?.close())

const db = () => api.database.database.db
const vault = () => api.deps.vault
const me = (token: string, headers: Record<string, string> = {}) =>
  api.request('GET', '/v1/me', { token, headers })

async function tokenOf(key: { keyId: string; text: string }): Promise<string> {
  const body = { grant_type: 'client_credentials', client_id: key.keyId, client_secret: key.text }
  const answer = await api.request('POST', '/v1/oauth/token', { token: null, body })
  expect(answer.status).toBe(200)
  return (answer.body as { access_token: string }).access_token
}

/** Refused as a credential, and told how to get another. */
async function expectRefused(token: string): Promise<void> {
  const answer = await me(token)
  expect(answer).toMatchObject({ status: 401, body: { code: 'Unauthenticated' } })
  expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
}

describe('a forged token is refused:', () => {
  let key: { keyId: string; text: string }
  let good: string
  let hub: { kid: string; privateKey: CryptoKey; publicJwk: JWK }
  beforeAll(async () => {
    key = await api.key({ partnerId, scopes: ['records.read'] })
    good = await tokenOf(key)
    const current = await ensureSigningKey(db(), vault(), 'access', 'test')
    const privateKey = (await importJWK(
      (await openSigningKey(db(), vault(), current)) as JWK,
      'EdDSA',
    )) as CryptoKey
    hub = { kid: current.keyId, privateKey, publicJwk: current.publicJwk }
  })
  // Through it all the real one holds.
  afterEach(async () => expect((await me(good)).status).toBe(200))

  const now = () => Math.floor(Date.now() / 1000)
  const claims = (change: JWTPayload = {}): JWTPayload => ({
    ...{ iss: api.url, aud: `${api.url}/v1`, sub: key.keyId, client_id: key.keyId, tenant: partnerId },
    ...{ scope: 'records.read', jti: newId('request'), iat: now(), nbf: now(), exp: now() + 600 },
    ...change,
  })
  const header = (change: object = {}) => ({ alg: 'EdDSA', typ: 'at+jwt', kid: hub.kid, ...change })
  /** By the hub's own key: only what the header and the claims say is wrong. */
  const signed = (payload: JWTPayload, change: object = {}, by: CryptoKey = hub.privateKey) =>
    new SignJWT(payload).setProtectedHeader(header(change)).sign(by)
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

  it('the forger signs as the hub does, so that each case fails for its own reason', async () => {
    expect((await me(await signed(claims()))).status).toBe(200)
  })

  it.each(['none', 'None', 'NONE', 'nOnE'])('alg %s', async (alg) => {
    await expectRefused(`${part(header({ alg }))}.${part(claims())}.`)
    await expectRefused(`${part(header({ alg }))}.${part(claims())}.${good.split('.')[2] ?? ''}`)
  })

  it('HS256 with the public key as the secret, in each of its forms', async () => {
    const publicKey = (await importJWK(hub.publicJwk, 'EdDSA', { extractable: true })) as CryptoKey
    const forms = [
      await exportSPKI(publicKey),
      JSON.stringify(hub.publicJwk),
      Buffer.from(hub.publicJwk.x ?? '', 'base64url'),
      hub.publicJwk.x ?? '',
    ]
    for (const secret of forms)
      for (const alg of ['HS256', 'EdDSA']) {
        const text = `${part(header({ alg }))}.${part(claims())}`
        await expectRefused(`${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`)
      }
  })

  it('a key of its own, brought or named by jwk, jku, x5u or x5c, or by no kid at all', async () => {
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
    const jwk = await exportJWK(pair.publicKey)
    const kid = await calculateJwkThumbprint(jwk)
    const url = 'http://127.0.0.1:1/keys.json'
    for (const change of [
      { jwk },
      { jwk, kid },
      { jku: url },
      { jku: url, kid },
      { x5u: url },
      { x5c: ['MIIB'] },
      { x5t: 'AAAA' },
      { kid: undefined, jwk },
      { kid },
      {},
    ])
      await expectRefused(await signed(claims(), change, pair.privateKey))
    for (const change of [{ jwk }, { jku: url }, { x5u: url }, { x5c: ['MIIB'] }, { kid: undefined }])
      await expectRefused(await signed(claims(), change))
  })

  it('another algorithm of another key', async () => {
    const pair = await generateKeyPair('ES256', { extractable: true })
    await expectRefused(await signed(claims(), { alg: 'ES256' }, pair.privateKey))
  })

  it.each([
    'unknown',
    '',
    '../../../../dev/null',
    '/dev/null',
    "' or '1'='1",
    "x' union select 'a' --",
    '__proto__',
    'constructor',
    '\u0000',
    'a'.repeat(2_000),
  ])('kid %j', async (kid) => {
    await expectRefused(await signed(claims(), { kid }))
  })

  it('kid of another kind', async () => {
    for (const kid of [1, null, {}, [hub.kid], true])
      await expectRefused(
        `${part(header({ kid }))}.${part(claims())}.${(await signed(claims())).split('.')[2] ?? ''}`,
      )
  })

  it('the key that signs proofs, and a proof of the hub', async () => {
    const proof = await ensureSigningKey(db(), vault(), 'proof', 'test')
    const by = (await importJWK((await openSigningKey(db(), vault(), proof)) as JWK, 'EdDSA')) as CryptoKey
    await expectRefused(await signed(claims(), { kid: proof.keyId }, by))
    await expectRefused(await signed(claims(), {}, by))
    const bytes = new TextEncoder().encode(JSON.stringify(claims()))
    for (const [kid, signer] of [
      [proof.keyId, by],
      [hub.kid, hub.privateKey],
    ] as const)
      await expectRefused(
        await new CompactSign(bytes)
          .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'tieline-proof+json' })
          .sign(signer),
      )
  })

  it('a key that is retired', async () => {
    const next = await publishSigningKey(db(), vault(), 'access', 'test')
    const by = (await importJWK((await openSigningKey(db(), vault(), next)) as JWK, 'EdDSA')) as CryptoKey
    const token = await signed(claims(), { kid: next.keyId }, by)
    await until(
      () => me(token),
      ({ status }) => status === 200,
    )
    await retireSigningKey(db(), next.keyId, 'test')
    await until(
      () => me(token),
      ({ status }) => status === 401,
    )
    await expectRefused(token)
    await expect(promoteSigningKey(db(), next.keyId, 'test')).rejects.toMatchObject({ code: 'StateConflict' })
  })

  it.each(['JWT', 'id_token+jwt', 'logout+jwt', undefined])(
    'of type %s, such as an id token',
    async (typ) => {
      await expectRefused(await signed(claims({ nonce: 'n' }), { typ }))
    },
  )

  it.each([
    ['expired', { exp: -60 }],
    ['not yet valid', { nbf: 60 }],
  ] as const)('%s', async (_what, change) => {
    const times = Object.fromEntries(Object.entries(change).map(([name, offset]) => [name, now() + offset]))
    await expectRefused(await signed(claims(times)))
  })

  it.each([
    { iss: 'https://evil.example' },
    { iss: ['https://evil.example'] as unknown as string },
    { aud: 'https://evil.example' },
    { aud: [] },
    { sub: newId('apiKey') },
    { sub: 'admin', client_id: 'admin' },
    { client_id: newId('apiKey') },
    { tenant: newId('partner') },
    { tenant: '' },
    { scope: ['records.read'] },
    { exp: 'never' as unknown as number },
  ])('with claims %j', async (change) => {
    await expectRefused(await signed(claims(change)))
  })

  it.each(['iss', 'aud', 'sub', 'client_id', 'tenant', 'scope', 'jti', 'iat', 'nbf', 'exp'])(
    'without the claim %s',
    async (name) => {
      const { [name]: _left, ...rest } = claims()
      await expectRefused(await signed(rest))
    },
  )

  it('changed after it was signed, cut short, or with a critical extension', async () => {
    const [head = '', body = '', signature = ''] = good.split('.')
    const payload = JSON.parse(Buffer.from(body, 'base64url').toString()) as JWTPayload
    await expectRefused(`${head}.${part({ ...payload, scope: 'writes.write' })}.${signature}`)
    await expectRefused(`${head}.${body}.`)
    await expectRefused(`${head}.${body}.${signature.slice(0, -4)}`)
    await expectRefused(`${part({ ...header(), crit: ['exp'] })}.${body}.${signature}`)
    await expectRefused(`${head}.${body}`)
  })

  it('scopes of its own: what the key does not have, a token does not give', async () => {
    const wide = await signed(claims({ scope: 'records.read writes.write people.write' }))
    expect((await me(wide)).body).toMatchObject({ permissions: ['records.read', 'self.use'] })
  })

  it('too long', async () => {
    await expectRefused(await signed(claims({ padding: 'a'.repeat(5_000) })))
  })

  it('two credentials at once', async () => {
    const answer = await rawRequest([`Authorization: Bearer ${good}`, `Authorization: Bearer ${key.text}`])
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    expect(await rawRequest([`Authorization: Bearer ${good}`])).toMatch(/^HTTP\/1\.1 200 /)
    expect((await me(`${good}, Bearer ${key.text}`)).status).toBe(401)
  })

  it('as an administrator, a query parameter, or after its key was revoked', async () => {
    expect((await api.request('GET', '/admin/v1/keys', { token: good })).status).toBe(403)
    const asQuery = await api.request('GET', `/v1/me?access_token=${good}`, { token: null })
    expect(asQuery.status).toBe(401)
    const short = await api.key({ partnerId })
    const token = await tokenOf(short)
    expect((await api.request('DELETE', `/admin/v1/keys/${short.keyId}`)).status).toBe(204)
    await until(
      () => me(token),
      ({ status }) => status === 401,
    )
    for (let n = 0; n < 3; n++) await expectRefused(token)
  })
})

/** What `fetch` would not send. */
async function rawRequest(headers: readonly string[]): Promise<string> {
  const { port } = new URL(api.url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(`GET /v1/me HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n${headers.join('\r\n')}\r\n\r\n`)
  let text = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString()
  return text
}
