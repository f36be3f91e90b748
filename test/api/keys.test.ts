/** API keys over HTTP: who may make which, what is told of them, what a test key reaches. */
import { sql } from 'kysely'
import { listAudit } from '../../db/audit.ts'
import { ensurePartner } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import type { components } from '../../openapi/types.ts'
import { startTestApi, until, type ApiWish, type TestApi } from '../harness/api.ts'

type Key = components['schemas']['Key']
type KeyWithSecret = components['schemas']['KeyWithSecret']

let api: TestApi
const partnerId = newId('partner')
const below = newId('partner')
const beside = newId('partner')
beforeAll(async () => {
  api = await startTestApi({ worker: false })
  for (const id of [partnerId, below, beside]) await ensurePartner(db(), { partnerId: id, name: id })
  await sql`update partners set parent_id = ${partnerId} where partner_id = ${below}`.execute(db())
}, 120_000)
afterAll(() => api?.close())

const db = () => api.database.database.db
const as =
  (token: string) =>
  (method: string, path: string, wish: ApiWish = {}) =>
    api.request(method, path, { ...wish, token })
const body = (change: object = {}) => ({
  name: 'Production',
  mode: 'live',
  scopes: ['records.read'],
  ...change,
})
const eventsOf = async (subject: string) => {
  const found = await sql<{ type: string; data: object }>`
    select type, data from hub_events where subject = ${subject} order by seq
  `.execute(db())
  return found.rows
}
const actionsOf = async (subject: string) =>
  (await listAudit(db(), { subject, limit: 20 })).map(({ action }) => action).reverse()

async function make(change: object = {}, token?: string): Promise<KeyWithSecret> {
  const { text } = token === undefined ? await api.key({ partnerId }) : { text: token }
  const made = await as(text)('POST', '/v1/keys', { body: body(change) })
  expect(made.status).toBe(201)
  return made.body as KeyWithSecret
}

describe('an API key', () => {
  it('is shown once, works, and is told of without its secret', async () => {
    const networks = ['127.0.0.0/8', '2001:db8::/32']
    const { key, secret } = await make({ networks })
    expect(secret).toMatch(/^tl_live_[0-9A-Za-z]{36}$/)
    expect(key).toMatchObject({ partnerId, networks, state: 'active', hint: secret.slice(-4), version: 1 })
    expect((await as(secret)('GET', '/v1/me')).body).toMatchObject({ name: `key:${key.keyId}` })
    const { text } = await api.key({ partnerId })
    const shown = await as(text)('GET', `/v1/keys/${key.keyId}`)
    const { lastUsedAt: _at, lastUsedFrom: _from, ...rest } = key
    expect(shown.body).toMatchObject(rest)
    expect(shown.headers.get('etag')).toBe('"1"')
    const [told] = await eventsOf(key.keyId)
    expect(told).toMatchObject({ type: 'key.created', data: { keyId: key.keyId, mode: 'live' } })
    const all = await sql<{ text: string }>`
      select (select string_agg(e::text, ' ') from hub_events e) || (select string_agg(a::text, ' ') from audit a)
        || (select string_agg(k::text, ' ') from api_keys k) as text
    `.execute(db())
    expect(all.rows[0]?.text).not.toContain(secret.slice(8))
    expect(await actionsOf(key.keyId)).toEqual(['key.created'])
  })

  it('is made once per Idempotency-Key', async () => {
    const { text } = await api.key({ partnerId })
    const headers = { 'Idempotency-Key': newId('request') }
    const twice = [1, 2].map(() => as(text)('POST', '/v1/keys', { body: body(), headers }))
    const [first, second] = [await twice[0], await twice[1]]
    const answered = [first, second].filter((one) => one?.status === 201)
    const again = await as(text)('POST', '/v1/keys', { body: body(), headers })
    expect(again.body).toEqual(answered[0]?.body)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const other = await as(text)('POST', '/v1/keys', { body: body({ name: 'Other' }), headers })
    expect(other).toMatchObject({ status: 409, body: { code: 'IdempotencyConflict' } })
  })

  it.each([
    [{ scopes: ['records.read', 'people.write'] }, '/scopes/1'],
    [{ scopes: ['nothing.read'] }, '/scopes/0'],
    [{ networks: ['10.0.0.0/8', '10.0.0.0/33'] }, '/networks/1'],
    [{ networks: ['2001:db8::/129'] }, '/networks/0'],
    [{ networks: ['example.com'] }, '/networks/0'],
    [{ expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    [{ mode: 'both' }, '/mode'],
    [{ partnerId: beside }, '/partnerId'],
  ])('with %j is refused and nothing is made', async (change, pointer) => {
    const { text } = await api.key({ partnerId })
    const count = () => sql<{ n: number }>`select count(*)::int as n from api_keys`.execute(db())
    const before = await count()
    const answer = await as(text)('POST', '/v1/keys', { body: body(change) })
    expect(answer).toMatchObject({ status: 400, body: { code: 'InvalidInput', errors: [{ pointer }] } })
    expect((await count()).rows).toEqual(before.rows)
  })

  it('gives nobody more than whoever makes it has: scopes, time, places, live connections', async () => {
    const refused = async (wish: Parameters<TestApi['key']>[0], change: object) => {
      const { text } = await api.key({ partnerId, ...wish })
      const answer = await as(text)('POST', '/v1/keys', { body: body(change) })
      expect(answer).toMatchObject({ status: 403, body: { code: 'NotPermitted' } })
    }
    await refused({ scopes: ['keys.write', 'records.read'] }, { scopes: ['records.read', 'writes.write'] })
    const soon = new Date(Date.now() + 3_600_000)
    await refused({ expiresAt: soon }, {})
    await refused({ expiresAt: soon }, { expiresAt: new Date(Date.now() + 7_200_000).toISOString() })
    await refused({ networks: ['127.0.0.0/16'] }, {})
    await refused({ networks: ['127.0.0.0/16'] }, { networks: ['127.0.0.0/8'] })
    await refused({ mode: 'test' }, {})
    const { text } = await api.key({ partnerId, networks: ['127.0.0.0/16'], expiresAt: soon })
    await make({ networks: ['127.0.0.1'], expiresAt: soon.toISOString() }, text)
  })

  it('changes only as it was read, cannot be given more by one who has less, and loses at once what is taken away', async () => {
    const { key, secret } = await make({ scopes: ['records.read', 'connections.read'] })
    const { text } = await api.key({ partnerId })
    const path = `/v1/keys/${key.keyId}`
    expect((await as(secret)('GET', '/v1/connections')).status).toBe(200)
    const change = { body: { scopes: ['records.read'] }, headers: { 'If-Match': '"1"' } }
    const changed = await as(text)('PATCH', path, change)
    expect(changed).toMatchObject({ status: 200, body: { scopes: ['records.read'], version: 2 } })
    expect(changed.headers.get('etag')).toBe('"2"')
    expect(await as(text)('PATCH', path, change)).toMatchObject({
      status: 412,
      body: { code: 'PreconditionFailed' },
    })
    await until(
      () => as(secret)('GET', '/v1/connections'),
      ({ status }) => status === 403,
    )
    const small = await api.key({ partnerId, scopes: ['keys.write'] })
    for (const wish of [{ scopes: ['writes.write'] }, { networks: [] }, { expiresAt: null }])
      expect((await as(small.text)('PATCH', path, { body: wish })).status).toBe(403)
    expect(await actionsOf(key.keyId)).toEqual(['key.created', 'key.changed'])
  })

  it('is revoked with its reason, for ever, and told of once', async () => {
    const { key, secret } = await make()
    const { text } = await api.key({ partnerId })
    const path = `/v1/keys/${key.keyId}`
    for (let n = 0; n < 2; n++)
      expect((await as(text)('DELETE', `${path}?reason=left%20the%20company`)).status).toBe(204)
    const shown = (await as(text)('GET', path)).body as Key
    expect(shown).toMatchObject({ state: 'revoked', stateReason: 'left the company' })
    await until(
      () => as(secret)('GET', '/v1/me'),
      ({ status }) => status === 401,
    )
    expect((await as(text)('PATCH', path, { body: { name: 'New' } })).status).toBe(409)
    expect((await eventsOf(key.keyId)).map(({ type }) => type)).toEqual(['key.created', 'key.revoked'])
    expect(await actionsOf(key.keyId)).toEqual(['key.created', 'key.revoked'])
  })

  it('notes when and from where it was used', async () => {
    const { key, secret } = await make()
    await as(secret)('GET', '/v1/me')
    const { text } = await api.key({ partnerId })
    const used = await until(
      async () => (await as(text)('GET', `/v1/keys/${key.keyId}`)).body as Key,
      ({ lastUsedAt }) => lastUsedAt !== null,
    )
    expect(used).toMatchObject({ lastUsedFrom: '127.0.0.1', version: 1 })
  })
})

describe('keys of others', () => {
  it('are not there: beside and above; those below are (INV-7)', async () => {
    const under = await make({ partnerId: below })
    const ours = await make()
    const [own, sub, foreign] = [
      await api.key({ partnerId }),
      await api.key({ partnerId: below }),
      await api.key({ partnerId: beside }),
    ]
    expect((await as(own.text)('GET', `/v1/keys/${under.key.keyId}`)).status).toBe(200)
    for (const [token, { key }] of [
      [sub.text, ours],
      [foreign.text, ours],
      [foreign.text, under],
    ] as const) {
      const path = `/v1/keys/${key.keyId}`
      const all = [
        as(token)('GET', path),
        as(token)('PATCH', path, { body: { name: 'Mine' } }),
        as(token)('DELETE', path),
        as(token)('POST', `${path}/rotate`, { body: {} }),
        as(token)('GET', `${path}/secret`),
        as(token)('GET', `${path}/rotation`),
      ]
      for (const answer of await Promise.all(all)) expect(answer.status).toBe(404)
    }
    const list = (await as(foreign.text)('GET', '/v1/keys')).body as { items: Key[] }
    expect(list.items.map((one) => one.partnerId)).toEqual(list.items.map(() => beside))
    expect((await as(foreign.text)('GET', `/v1/key-policy?partnerId=${partnerId}`)).status).toBe(404)
  })

  it('are all there for who runs the hub', async () => {
    const { key } = await make({ partnerId: below })
    const list = (await api.request('GET', `/admin/v1/keys?partnerId=${below}&limit=200`)).body as {
      items: Key[]
    }
    expect(list.items.map(({ keyId }) => keyId)).toContain(key.keyId)
    const made = await api.request('POST', '/admin/v1/keys', { body: body({ partnerId: beside }) })
    expect(made).toMatchObject({ status: 201, body: { key: { partnerId: beside, createdBy: 'admin' } } })
    const { keyId } = (made.body as KeyWithSecret).key
    expect(made.headers.get('location')).toBe(`/admin/v1/keys/${keyId}`)
    expect((await api.request('DELETE', `/admin/v1/keys/${keyId}`)).status).toBe(204)
  })
})

describe('a test key', () => {
  it('reaches only connections to the sandbox, and only test keys', async () => {
    const [real, toy] = [await api.connect('Real'), await api.connect('Toy')]
    await sql`update connections set sandbox = true where connection_id = ${toy.connectionId}`.execute(db())
    const [test, live] = [await api.key({ mode: 'test' }), await api.key()]
    const namesFor = async (token: string) =>
      ((await as(token)('GET', '/v1/connections')).body as { items: { name: string }[] }).items.map(
        ({ name }) => name,
      )
    expect(await namesFor(live.text)).toEqual(['Real', 'Toy'])
    expect(await namesFor(test.text)).toEqual(['Toy'])
    expect((await as(test.text)('GET', `/v1/connections/${toy.connectionId}`)).status).toBe(200)
    expect((await as(test.text)('GET', `/v1/connections/${real.connectionId}`)).status).toBe(404)
    const keys = (await as(test.text)('GET', '/v1/keys')).body as { items: Key[] }
    expect(keys.items.map(({ mode }) => mode)).toEqual(keys.items.map(() => 'test'))
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/rotate'],
    ] as const) {
      const wish = method === 'POST' ? { body: {} } : {}
      expect((await as(test.text)(method, `/v1/keys/${live.keyId}${path}`, wish)).status).toBe(404)
    }
    await make({ mode: 'test' }, test.text)
  })
})

describe('the policy of keys', () => {
  it('is inherited from above until a partner has its own; changes only as it was read', async () => {
    const [own, sub] = [await api.key({ partnerId }), await api.key({ partnerId: below })]
    const hub = await as(sub.text)('GET', '/v1/key-policy')
    expect(hub.body).toMatchObject({ partnerId: null, maxAgeDays: null })
    expect(hub.headers.get('etag')).toBe('"0"')
    const wish = { maxAgeDays: 90, overlapSeconds: 3600, quietSeconds: 600 }
    const put = await as(own.text)('PUT', '/v1/key-policy', { body: wish, headers: { 'If-Match': '"0"' } })
    expect(put.body).toEqual({ ...wish, partnerId, version: 1 })
    expect((await as(sub.text)('GET', '/v1/key-policy')).body).toMatchObject({ ...wish, partnerId: null })
    const stale = await as(own.text)('PUT', '/v1/key-policy', { body: wish, headers: { 'If-Match': '"0"' } })
    expect(stale.status).toBe(412)
    await as(sub.text)('PUT', '/v1/key-policy', { body: { ...wish, maxAgeDays: 30 } })
    expect((await as(sub.text)('GET', '/v1/key-policy')).body).toMatchObject({
      maxAgeDays: 30,
      partnerId: below,
    })
    expect((await as(own.text)('GET', '/v1/key-policy')).body).toMatchObject({ maxAgeDays: 90 })
    const above = await as(sub.text)('PUT', `/v1/key-policy?partnerId=${partnerId}`, { body: wish })
    expect(above.status).toBe(404)
    expect(await actionsOf(partnerId)).toEqual(['key_policy.changed'])
  })
})
