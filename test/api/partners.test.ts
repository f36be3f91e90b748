/** Partners look after what is below them, and after their accounts. */
import { accountOf } from '../../api/resources/account.ts'
import { listEventsOf } from '../harness/events-of.ts'
import { newId } from '../../platform/new-id.ts'
import { startTestApi, until, type ApiAnswer, type TestApi } from '../harness/api.ts'

let api: TestApi

beforeAll(async () => {
  api = await startTestApi({ worker: false })
}, 120_000)
afterAll(() => api?.close())

interface Made {
  readonly partnerId: string
  readonly accountId: string
  readonly parentId: string | null
  readonly version: number
}
const made = (answer: ApiAnswer): Made => {
  expect(answer.status).toBeLessThan(300)
  return answer.body as Made
}

/** A partner at the top, with a key. */
async function root(name = 'Root') {
  const { partnerId } = made(await api.request('POST', '/admin/v1/partners', { body: { name } }))
  const { text: token } = await api.key({ partnerId })
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api.request(method, path, { token, headers, ...(body === undefined ? {} : { body }) })
  return { partnerId, token, ask }
}

const refusedWith = (answer: ApiAnswer, status: number, code: string): void =>
  expect(answer).toMatchObject({ status, body: { code } })

describe('a partner', () => {
  it('makes partners below itself, sees them at any depth, and is told of them', async () => {
    const one = await root()
    const child = made(await one.ask('POST', '/v1/partners', { name: 'Child' }))
    expect(child.parentId).toBe(one.partnerId)
    const grandchild = made(
      await one.ask('POST', '/v1/partners', { name: 'Grandchild', parentId: child.partnerId }),
    )
    const list = await one.ask('GET', '/v1/partners')
    expect(list.body).toMatchObject({
      items: [{ partnerId: child.partnerId }, { partnerId: grandchild.partnerId }],
      nextCursor: null,
    })
    const first = await one.ask('GET', '/v1/partners?limit=1')
    const { nextCursor } = first.body as { nextCursor: string }
    expect((await one.ask('GET', `/v1/partners?limit=1&cursor=${nextCursor}`)).body).toMatchObject({
      items: [{ partnerId: grandchild.partnerId }],
    })
    expect((await one.ask('GET', `/v1/partners?parentId=${child.partnerId}`)).body).toMatchObject({
      items: [{ partnerId: grandchild.partnerId }],
    })
    expect(await listEventsOf(api, one.partnerId)).toEqual([
      expect.objectContaining({ type: 'partner.created', subject: one.partnerId }),
      expect.objectContaining({ type: 'partner.created', subject: child.partnerId }),
    ])
    expect(await listEventsOf(api, child.partnerId)).toEqual([
      expect.objectContaining({ type: 'partner.created', subject: grandchild.partnerId }),
    ])
  })

  it('does not learn what is beside or above it, nor make or move anything there', async () => {
    const [one, other] = [await root(), await root('Other')]
    const child = made(await one.ask('POST', '/v1/partners', { name: 'Child' }))
    const { text: token } = await api.key({ partnerId: child.partnerId })
    const own = await api.request('GET', `/v1/partners/${child.partnerId}`, { token })
    expect(own).toMatchObject({ status: 200, body: { parentId: null } })
    refusedWith(await api.request('GET', `/v1/partners/${one.partnerId}`, { token }), 404, 'NoSuchThing')
    refusedWith(await one.ask('GET', `/v1/partners/${other.partnerId}`), 404, 'NoSuchThing')
    refusedWith(
      await one.ask('PATCH', `/v1/partners/${other.partnerId}`, { name: 'Taken' }),
      404,
      'NoSuchThing',
    )
    const below = { name: 'Cuckoo', parentId: other.partnerId }
    refusedWith(await one.ask('POST', '/v1/partners', below), 400, 'InvalidInput')
    const move = `/v1/partners/${child.partnerId}/move`
    refusedWith(await one.ask('POST', move, { parentId: other.partnerId }), 400, 'InvalidInput')
    refusedWith(
      await one.ask('POST', `/v1/partners/${other.partnerId}/move`, { parentId: one.partnerId }),
      404,
      'NoSuchThing',
    )
    refusedWith(await one.ask('POST', `/v1/partners/${one.partnerId}/suspend`), 409, 'StateConflict')
    refusedWith(
      await one.ask('PATCH', `/v1/partners/${child.partnerId}`, { tier: 'gold' }),
      400,
      'InvalidInput',
    )
  })

  it('moves a branch, which takes along who sees it; a loop is refused and changes nothing', async () => {
    const one = await root()
    const make = async (name: string, parentId = one.partnerId) =>
      made(await one.ask('POST', '/v1/partners', { name, parentId })).partnerId
    const [left, right] = [await make('Left'), await make('Right')]
    const leaf = await make('Leaf', left)
    const { text: token } = await api.key({ partnerId: left })
    const path = `/v1/partners/${leaf}`
    expect((await api.request('GET', path, { token })).status).toBe(200)
    const moved = await one.ask('POST', `${path}/move`, { parentId: right }, { 'If-Match': '"1"' })
    expect(moved).toMatchObject({ status: 200, body: { parentId: right, version: 2 } })
    refusedWith(
      await one.ask('POST', `${path}/move`, { parentId: left }, { 'If-Match': '"1"' }),
      412,
      'PreconditionFailed',
    )
    expect((await api.request('GET', path, { token })).status).toBe(404)
    const into = (id: string, parentId: string) => one.ask('POST', `/v1/partners/${id}/move`, { parentId })
    for (const target of [leaf, right]) {
      const refused = await into(right, target)
      refusedWith(refused, 409, 'StateConflict')
      expect(refused.body).toMatchObject({ detail: expect.stringMatching(/loop/) as unknown })
    }
    expect((await one.ask('GET', `/v1/partners/${right}`)).body).toMatchObject({ version: 1 })
    const told = await listEventsOf(api, left)
    expect(told.map(({ type }) => type)).toEqual(['partner.created', 'partner.moved'])
    // Who loses a branch is not told where it went.
    expect(told.at(-1)).toMatchObject({ data: { parentId: null } })
    const trail = await api.request('GET', `/admin/v1/audit?subject=${leaf}`)
    expect(trail.body).toMatchObject({
      items: [{ action: 'partner.moved', details: { from: left, to: right } }, { action: 'partner.created' }],
    })
  })

  it('that is suspended is refused with all below it, until it is resumed; a closed one for ever', async () => {
    const one = await root()
    const child = made(await one.ask('POST', '/v1/partners', { name: 'Child' }))
    const { text: token } = await api.key({ partnerId: child.partnerId })
    const asks = (status: number) =>
      until(
        () => api.request('GET', '/v1/me', { token }),
        (answer) => answer.status === status,
      )
    await asks(200)
    const step = (name: string) => api.request('POST', `/admin/v1/partners/${one.partnerId}/${name}`)
    expect((await step('suspend')).body).toMatchObject({ state: 'suspended' })
    await asks(401)
    expect((await step('resume')).body).toMatchObject({ state: 'active' })
    await asks(200)
    expect((await step('close')).body).toMatchObject({ state: 'closed' })
    await asks(401)
    refusedWith(await step('resume'), 409, 'StateConflict')
    const below = { name: 'Late', parentId: one.partnerId }
    refusedWith(await api.request('POST', '/admin/v1/partners', { body: below }), 409, 'StateConflict')
  })

  it('asked twice with one Idempotency-Key is made once', async () => {
    const one = await root()
    const headers = { 'Idempotency-Key': newId('request') }
    const first = made(await one.ask('POST', '/v1/partners', { name: 'Once' }, headers))
    const again = made(await one.ask('POST', '/v1/partners', { name: 'Once' }, headers))
    expect(again.partnerId).toBe(first.partnerId)
    refusedWith(await one.ask('POST', '/v1/partners', { name: 'Two' }, headers), 409, 'IdempotencyConflict')
  })
})

describe('an account', () => {
  it('is made for oneself or below, has one external id, is changed and closed', async () => {
    const one = await root()
    const child = made(await one.ask('POST', '/v1/partners', { name: 'Child' }))
    const wish = { name: 'Acme', externalId: 'c-1' }
    const account = made(await one.ask('POST', '/v1/accounts', wish))
    refusedWith(await one.ask('POST', '/v1/accounts', wish), 409, 'StateConflict')
    const below = made(await one.ask('POST', '/v1/accounts', { ...wish, partnerId: child.partnerId }))
    expect((await one.ask('GET', '/v1/accounts?externalId=c-1')).body).toMatchObject({
      items: [{ accountId: account.accountId }, { accountId: below.accountId, partnerId: child.partnerId }],
    })
    const path = `/v1/accounts/${account.accountId}`
    const renamed = await one.ask(
      'PATCH',
      path,
      { name: 'Acme Ltd', externalId: null },
      { 'If-Match': '"1"' },
    )
    expect(renamed).toMatchObject({ status: 200, body: { name: 'Acme Ltd', externalId: null, version: 2 } })
    refusedWith(await one.ask('PATCH', path, { name: 'x' }, { 'If-Match': '"1"' }), 412, 'PreconditionFailed')
    const second = made(await one.ask('POST', '/v1/accounts', { name: 'Two', externalId: 'c-2' }))
    made(await one.ask('PATCH', path, { externalId: 'c-1' }))
    refusedWith(
      await one.ask('PATCH', `/v1/accounts/${second.accountId}`, { externalId: 'c-1' }),
      409,
      'StateConflict',
    )
    expect((await one.ask('POST', `${path}/close`)).body).toMatchObject({ state: 'closed' })
    refusedWith(await one.ask('PATCH', path, { name: 'Again' }), 409, 'StateConflict')
    expect((await listEventsOf(api, one.partnerId)).map(({ type }) => type)).toContain(
      'partner.account_closed',
    )
  })

  it('with a connection is not closed', async () => {
    const { connectionId } = await api.connect()
    const { body } = await api.request('GET', `/admin/v1/connections/${connectionId}`)
    const { accountId } = body as Made
    refusedWith(await api.request('POST', `/admin/v1/accounts/${accountId}/close`), 409, 'StateConflict')
  })

  it('of another tenant does not exist: not to look at, not to connect (INV-7)', async () => {
    const [one, other] = [await root(), await root('Other')]
    const theirs = made(await other.ask('POST', '/v1/accounts', { name: 'Theirs' }))
    refusedWith(await one.ask('GET', `/v1/accounts/${theirs.accountId}`), 404, 'NoSuchThing')
    refusedWith(await one.ask('POST', `/v1/accounts/${theirs.accountId}/close`), 404, 'NoSuchThing')
    refusedWith(
      await one.ask('POST', '/v1/accounts', { name: 'x', partnerId: other.partnerId }),
      400,
      'InvalidInput',
    )
    const database = api.deps.tenants.of({ partnerId: one.partnerId })
    // What whoever makes a connection or a connect session asks.
    const caller = { partnerId: one.partnerId }
    const asked = accountOf({ ...api.deps, database }, caller, theirs.accountId)
    await expect(asked).rejects.toMatchObject({ failure: { code: 'InvalidInput' } })
    await expect(accountOf({ ...api.deps, database }, caller, undefined)).rejects.toMatchObject({
      failure: { code: 'InvalidInput' },
    })
    const mine = made(await one.ask('POST', '/v1/accounts', { name: 'Mine' }))
    expect(await accountOf({ ...api.deps, database }, caller, mine.accountId)).toMatchObject({
      partnerId: one.partnerId,
    })
  })
})
