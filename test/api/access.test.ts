/** Who gets in with a key, and what of the hub is there for them. */
import { sql } from 'kysely'
import { ensureAccount, ensurePartner } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import { mintApiKey } from '../../platform/secrets/api-key.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'

let api: TestApi
const other = newId('partner')

beforeAll(async () => {
  api = await startTestApi({ worker: false })
  await ensurePartner(api.database.database.db, { partnerId: other, name: 'Other' })
  await ensureAccount(api.database.database.db, { accountId: newId('account'), partnerId: other, name: 'o' })
}, 120_000)
afterAll(() => api?.close())

const me = (token: string, headers: Record<string, string> = {}) =>
  api.request('GET', '/v1/me', { token, headers })

describe('an API key', () => {
  it('says whose it is and what it may do', async () => {
    const { text, keyId } = await api.key({ partnerId: other, scopes: ['records.read'] })
    expect((await me(text)).body).toEqual({
      kind: 'key',
      name: `key:${keyId}`,
      partnerId: other,
      partnerName: 'Other',
      mode: 'live',
      permissions: ['records.read', 'self.use'],
    })
  })

  it('sees nothing of others: their connections are not there', async () => {
    const { connectionId } = await api.connect()
    const [own, foreign] = [await api.key(), await api.key({ partnerId: other })]
    expect((await api.request('GET', `/v1/connections/${connectionId}`, { token: own.text })).status).toBe(
      200,
    )
    const refused = await api.request('GET', `/v1/connections/${connectionId}`, { token: foreign.text })
    expect(refused).toMatchObject({ status: 404, body: { code: 'NoSuchThing' } })
    const list = await api.request('GET', '/v1/connections', { token: foreign.text })
    expect(list.body).toEqual({ items: [], nextCursor: null })
  })

  it('is stopped at the admin API, and at what its scopes do not name', async () => {
    const { text } = await api.key({ scopes: ['records.read'] })
    for (const path of ['/admin/v1/connections', '/v1/connections'])
      expect(await api.request('GET', path, { token: text })).toMatchObject({
        status: 403,
        body: { code: 'NotPermitted' },
      })
  })

  it('with a typo, unknown, expired, from elsewhere, revoked or of a suspended partner does not get in', async () => {
    const { text } = await api.key()
    const typo = text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A')
    const elsewhere = await api.key({ networks: ['192.0.2.0/24', '2001:db8::/32'] })
    const late = await api.key({ expiresAt: new Date(Date.now() - 1_000) })
    for (const token of [typo, mintApiKey('live').text, elsewhere.text, late.text])
      expect(await me(token)).toMatchObject({ status: 401, body: { code: 'Unauthenticated' } })
    expect((await me((await api.key({ networks: ['127.0.0.0/8'] })).text)).status).toBe(200)

    const [gone, theirs] = [await api.key(), await api.key({ partnerId: other })]
    for (const token of [gone.text, theirs.text]) expect((await me(token)).status).toBe(200)
    const { db } = api.database.database
    await sql`update api_keys set state = 'revoked', revoked_at = now() where key_id = ${gone.keyId}`.execute(
      db,
    )
    await until(
      () => me(gone.text),
      ({ status }) => status === 401,
    )
    await sql`update partners set state = 'suspended' where partner_id = ${other}`.execute(db)
    await until(
      () => me(theirs.text),
      ({ status }) => status === 401,
    )
    await sql`update partners set state = 'active' where partner_id = ${other}`.execute(db)
    await until(
      () => me(theirs.text),
      ({ status }) => status === 200,
    )
  })
})

describe('the admin under /v1', () => {
  it('names the partner it acts for', async () => {
    expect(await api.request('GET', '/v1/me')).toMatchObject({ status: 403 })
    const headers = { 'Tieline-Partner': other }
    expect(await api.request('GET', '/v1/me', { headers })).toMatchObject({
      status: 200,
      body: { kind: 'admin', name: 'admin', partnerId: other },
    })
    const nobody = { 'Tieline-Partner': newId('partner') }
    expect(await api.request('GET', '/v1/me', { headers: nobody })).toMatchObject({ status: 400 })
  })
})
