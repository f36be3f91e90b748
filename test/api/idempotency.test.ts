/** A key of idempotency belongs to whoever calls, and to the partner that they act for. */
import { ensurePartner } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import { startTestApi, type ApiAnswer, type TestApi } from '../harness/api.ts'
import { makePerson, signInAs } from '../harness/people.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi({ worker: false })
}, 120_000)
afterAll(() => api?.close())

async function partner(name: string): Promise<string> {
  const partnerId = newId('partner')
  await ensurePartner(api.database.database.db, { partnerId, name })
  return partnerId
}

/** The same request with the same key, for a partner. */
function sender(token?: string): (partnerId: string) => Promise<ApiAnswer> {
  const key = newId('request')
  return (partnerId) =>
    api.request('POST', '/v1/accounts', {
      ...(token === undefined ? {} : { token }),
      body: { name: 'Bolt' },
      headers: { 'Idempotency-Key': key, 'Tieline-Partner': partnerId },
    })
}

describe('one idempotency key for two partners', () => {
  it.each(['the admin token', 'a person of both partners'])('is a conflict for %s', async (who) => {
    const [one, two] = [await partner('One'), await partner('Two')]
    const ada = await makePerson(api, [one, 'admin'], [two, 'admin'])
    const send = sender(who === 'the admin token' ? undefined : await signInAs(api, ada))
    const made = await send(one)
    expect(made).toMatchObject({ status: 201, body: { partnerId: one } })
    const other = await send(two)
    expect(other).toMatchObject({ status: 409, body: { code: 'IdempotencyConflict' } })
    expect(JSON.stringify(other.body)).not.toContain((made.body as { accountId: string }).accountId)
    const again = await send(one)
    expect(again).toMatchObject({ status: 201, body: made.body as object })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const { body } = await api.request('GET', '/v1/accounts', { headers: { 'Tieline-Partner': two } })
    expect(body).toMatchObject({ items: [] })
  })
})
