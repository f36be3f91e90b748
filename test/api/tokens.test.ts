/** Access tokens: how they are got, what they may do, when they end. */
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import { sql } from 'kysely'
import { freePorts } from '../../cli/up/ports.ts'
import { createAccessTokens } from '../../api/access-tokens.ts'
import { createCallers } from '../../api/callers.ts'
import { closeServer, createApi } from '../../api/server.ts'
import { openCaches } from '../../db/caches.ts'
import { ensurePartner } from '../../db/partners.ts'
import { promoteSigningKey, publishSigningKey, retireSigningKey } from '../../db/signing-keys.ts'
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

interface TokenAnswer {
  readonly access_token: string
  readonly expires_in: number
  readonly scope: string
}

const ask = async (fields: Record<string, string>, headers: Record<string, string> = {}) => {
  const answer = await api.request('POST', '/v1/oauth/token', {
    token: null,
    body: new URLSearchParams(fields).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
  })
  return answer
}
const grant = { grant_type: 'client_credentials' }
const basic = (id: string, secret: string) => ({
  Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

async function tokenOf(key: { keyId: string; text: string }, scope?: string): Promise<string> {
  const asked = { ...grant, client_id: key.keyId, client_secret: key.text, ...(scope ? { scope } : {}) }
  const answer = await ask(asked)
  expect(answer.status).toBe(200)
  return (answer.body as TokenAnswer).access_token
}

const keySet = async () =>
  (await api.request('GET', '/.well-known/jwks.json', { token: null })).body as JSONWebKeySet

describe('POST /v1/oauth/token', () => {
  it('gives a short-lived token by form, JSON and HTTP Basic, which the published keys check', async () => {
    const key = await api.key({ partnerId, scopes: ['records.read', 'connections.read'] })
    const byForm = await ask({
      ...grant,
      client_id: key.keyId,
      client_secret: key.text,
      scope: 'records.read',
    })
    expect(byForm).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', expires_in: 900, scope: 'records.read' },
    })
    expect(byForm.headers.get('cache-control')).toBe('no-store')
    const json = { ...grant, client_id: key.keyId, client_secret: key.text }
    const byJson = await api.request('POST', '/v1/oauth/token', { token: null, body: json })
    expect(byJson).toMatchObject({ status: 200, body: { scope: 'connections.read records.read self.use' } })
    expect((await ask(grant, basic(key.keyId, key.text))).status).toBe(200)

    const { access_token: token } = byForm.body as TokenAnswer
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(await keySet()))
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' })
    expect(payload).toMatchObject({
      ...{ iss: api.url, aud: `${api.url}/v1`, sub: key.keyId, client_id: key.keyId, tenant: partnerId },
      scope: 'records.read',
    })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(900)
    expect((await me(token)).body).toMatchObject({
      ...{ kind: 'key', name: `key:${key.keyId}`, partnerId, permissions: ['records.read', 'self.use'] },
    })
  })

  it.each([
    ['no grant type', {}, 400, 'invalid_request'],
    ['another grant type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['no client', grant, 401, 'invalid_client'],
    ['a wrong secret', { ...grant, client_id: 'ours', client_secret: 'wrong' }, 401, 'invalid_client'],
    ['the secret of another', { ...grant, client_id: 'ours', client_secret: 'other' }, 401, 'invalid_client'],
    ['a scope that the key does not have', { ...grant, scope: 'writes.write' }, 400, 'invalid_scope'],
    ['a scope that nobody knows', { ...grant, scope: '"\\\u00e9' }, 400, 'invalid_scope'],
  ] as const)('refuses %s as RFC 6749 says', async (_what, fields, status, error) => {
    const [key, other] = [await api.key({ scopes: ['records.read'] }), await api.key()]
    const given: Record<string, string> = { ...fields }
    if (given['client_id']) given['client_id'] = key.keyId
    if (given['client_secret'] === 'other') given['client_secret'] = other.text
    const headers = given['scope'] === undefined ? {} : basic(key.keyId, key.text)
    const answer = await ask(given, headers)
    expect(answer).toMatchObject({ status, body: { error } })
    const { error_description: text } = answer.body as { error_description: string }
    expect(text).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
    if (status === 401) expect(answer.headers.get('www-authenticate')).toBeTruthy()
  })

  it('refuses what is said twice, both ways at once, or is no body at all', async () => {
    const key = await api.key()
    const fields = { ...grant, client_id: key.keyId, client_secret: key.text }
    const both = await ask(fields, basic(key.keyId, key.text))
    const form = `${new URLSearchParams(fields).toString()}&client_id=${key.keyId}`
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const twice = await api.request('POST', '/v1/oauth/token', { token: null, body: form, headers: type })
    const broken = await api.request('POST', '/v1/oauth/token', { token: null, body: '{' })
    const list = await api.request('POST', '/v1/oauth/token', { token: null, body: '[]' })
    const other = { token: null, body: 'x', headers: { 'Content-Type': 'text/plain' } }
    const text = await api.request('POST', '/v1/oauth/token', other)
    const large = await ask({ ...fields, scope: 'a'.repeat(20_000) })
    for (const answer of [both, twice, broken, list, text, large])
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    const bad = await ask(grant, { Authorization: 'Basic %%%' })
    expect(bad).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect(bad.headers.get('www-authenticate')).toBe('Basic realm="tieline"')
  })

  it('gives none to a key that is revoked, expired, from elsewhere or of a suspended partner; none outlives its key', async () => {
    const refusedFor = async (wish: Parameters<TestApi['key']>[0]) => {
      const { keyId, text } = await api.key(wish)
      return await ask({ ...grant, client_id: keyId, client_secret: text })
    }
    const answers = [
      await refusedFor({ expiresAt: new Date(Date.now() - 1000) }),
      await refusedFor({ networks: ['192.0.2.0/24'] }),
    ]
    const suspended = newId('partner')
    await ensurePartner(db(), { partnerId: suspended, name: 'Suspended' })
    await sql`update partners set state = 'suspended' where partner_id = ${suspended}`.execute(db())
    answers.push(await refusedFor({ partnerId: suspended }))
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    const { keyId, text } = await api.key({ expiresAt: new Date(Date.now() + 60_000) })
    const short = await ask({ ...grant, client_id: keyId, client_secret: text })
    expect((short.body as TokenAnswer).expires_in).toBeLessThanOrEqual(60)
  })
})

describe('the key set', () => {
  it('may be kept for a while, and is not sent again while it is the same', async () => {
    const first = await api.request('GET', '/.well-known/jwks.json', { token: null })
    expect(first.headers.get('cache-control')).toBe('public, max-age=300')
    const etag = first.headers.get('etag') ?? ''
    const headers = { 'If-None-Match': etag }
    const same = await api.request('GET', '/.well-known/jwks.json', { token: null, headers })
    expect(same).toMatchObject({ status: 304, body: '' })
    for (const key of (await keySet()).keys) expect(Object.keys(key)).not.toContain('d')
  })

  it('rotates without a gap: published before it signs, believed after, then neither', async () => {
    const key = await api.key({ partnerId })
    const before = await tokenOf(key)
    const kidOf = (token: string) =>
      (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid
    const next = await publishSigningKey(db(), vault(), 'access', 'test')
    await until(keySet, ({ keys }) => keys.some(({ kid }) => kid === next.keyId))
    expect(kidOf(await tokenOf(key))).toBe(kidOf(before))
    const { retiring } = await promoteSigningKey(db(), next.keyId, 'test')
    expect(retiring?.keyId).toBe(kidOf(before))
    const after = await until(
      () => tokenOf(key),
      (token) => kidOf(token) === next.keyId,
    )
    for (const token of [before, after]) expect((await me(token)).status).toBe(200)
    await expect(retireSigningKey(db(), next.keyId, 'test')).rejects.toMatchObject({ code: 'StateConflict' })
    for (let n = 0; n < 2; n++) await retireSigningKey(db(), kidOf(before), 'test')
    await until(
      () => me(before),
      ({ status }) => status === 401,
    )
    expect((await me(after)).status).toBe(200)
    const kept = await sql<{ sealed: Buffer | null }>`
      select sealed_private as sealed from signing_keys where key_id = ${kidOf(before)}
    `.execute(db())
    expect(kept.rows).toEqual([{ sealed: null }])
  })
})

describe('a token ends', () => {
  it.each(['revoked', 'deleted', 'suspended', 'network', 'scope', 'expired'] as const)(
    'when its key or partner is: %s, everywhere; a second process hears of it',
    async (what) => {
      const second = await secondApi()
      try {
        const owner = newId('partner')
        await ensurePartner(db(), { partnerId: owner, name: 'Owner' })
        const key = await api.key({ partnerId: owner, scopes: ['records.read', 'connections.read'] })
        const token = await tokenOf(key)
        const asked = async (url: string) => {
          const headers = { Authorization: `Bearer ${token}` }
          return (await fetch(`${url}/v1/connections`, { headers })).status
        }
        for (const url of [api.url, second.url]) expect(await asked(url)).toBe(200)
        const change = {
          revoked: sql`update api_keys set state = 'revoked' where key_id = ${key.keyId}`,
          deleted: sql`delete from api_keys where key_id = ${key.keyId}`,
          suspended: sql`update partners set state = 'suspended' where partner_id = ${owner}`,
          network: sql`update api_keys set networks = '{192.0.2.0/24}' where key_id = ${key.keyId}`,
          scope: sql`update api_keys set scopes = '{records.read}' where key_id = ${key.keyId}`,
          expired: sql`update api_keys set expires_at = now() where key_id = ${key.keyId}`,
        }[what]
        await change.execute(db())
        const began = performance.now()
        const status = what === 'scope' ? 403 : 401
        for (const url of [second.url, api.url])
          await until(
            () => asked(url),
            (got) => got === status,
          )
        process.stdout.write(`${what}: both processes after ${Math.round(performance.now() - began)} ms\n`)
      } finally {
        await second.close()
      }
    },
  )

  it('is checked from memory: once it is known, no query is asked', async () => {
    const asked: string[] = []
    const counting = db().withPlugin({
      transformQuery: ({ node }) => {
        asked.push(node.kind)
        return node
      },
      transformResult: ({ result }) => Promise.resolve(result),
    })
    const caches = openCaches(api.database.database, api.database.url)
    const { config } = api.deps
    const tokens = createAccessTokens({ db: counting, vault: vault(), caches, config })
    const callers = createCallers(counting, caches)
    const [first, second] = [await api.key({ partnerId }), await api.key({ partnerId })]
    const [one, other] = [await tokenOf(first), await tokenOf(second)]
    const check = async (token: string) => await callers.keysById.get((await tokens.verify(token)).keyId)
    try {
      const queriesOf = async (work: () => Promise<unknown>): Promise<number> => {
        const before = asked.length
        for (let n = 0; n < 20; n++) await work()
        return asked.length - before
      }
      expect(await queriesOf(() => check(one))).toBeGreaterThan(0)
      // It begins to listen meanwhile, and forgets what it had learnt before.
      for (const token of [one, other])
        await until(
          () => queriesOf(() => check(token)),
          (queries) => queries === 0,
        )
    } finally {
      await caches.close()
    }
  })
})

/** Another process's API, on the same database. */
async function secondApi(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { database, url: databaseUrl } = api.database
  const caches = openCaches(database, databaseUrl)
  const { config } = api.deps
  const tokens = createAccessTokens({ db: database.db, vault: vault(), caches, config })
  const deps = { ...api.deps, caches, callers: createCallers(database.db, caches), tokens }
  const [port = 0] = await freePorts(1)
  const server = await createApi(deps).listen(port, '127.0.0.1')
  const close = async () => {
    await closeServer(server, 1_000)
    await caches.close()
  }
  return { url: `http://127.0.0.1:${port}`, close }
}
