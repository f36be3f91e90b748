/** What is special in FreshBooks: days instead of times, clocks without a zone, several businesses, refusals. */
import { applyMapping } from '../../model/mapping.ts'
import { json, openBench, startServer, type TestServer } from '../http/test-server.ts'
import type { ProviderContext } from '../contract.ts'
import { freshbooks } from './index.ts'

const now = new Date('2026-11-24T02:00:00Z')
let server: TestServer
let asked: URL[]
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.close())

function open(
  serve: (url: URL) => unknown,
  settings: Readonly<Record<string, string>> = { account_id: 'xZNQ1X' },
): ProviderContext {
  asked = []
  server.answer((response, received) => {
    const url = new URL(received.url, 'http://books')
    asked.push(url)
    json(response, 200, serve(url))
  })
  return openBench(
    server,
    {
      originMap: { 'https://api.freshbooks.com': server.url },
      clock: { now: () => now, sleep: async () => undefined },
    },
    {
      provider: freshbooks,
      auth: freshbooks.auth[0],
      settings,
      credential: {
        current: async () => ({ generation: 1, secrets: { access_token: 'not-a-real-token' } }),
        renew: async () => undefined,
      },
    },
  )
}

const resource = (name: string) => {
  const found = freshbooks.resources.find((one) => one.name === name)
  if (!found) throw new Error(`there is no ${name}`)
  return found
}
const result = (one: object) => ({ response: { result: one } })
const payment = {
  id: 115804,
  amount: { amount: '100.00', code: 'USD' },
  clientid: 212566,
  invoiceid: 197902,
  date: '2019-10-22',
  type: 'Cash',
  note: '',
  transactionid: null,
  vis_state: 0,
}

it.each([
  ['in winter', '2019-11-29 12:18:29', '2019-11-29T17:18:29.000Z'],
  ['in summer', '2021-10-17 05:48:42', '2021-10-17T09:48:42.000Z'],
])('times are those of clocks in New York %s', async (_when, updated, expected) => {
  const context = open(() => result({ payments: [{ ...payment, updated }], page: 1, pages: 1, total: 1 }))
  const { rows } = await resource('payments').readPage(context, {})
  const [row = {}] = rows
  expect(resource('payments').updatedAt(row)).toBe(expected)
  expect(applyMapping(resource('payments').mapping, row)).toMatchObject({
    mapped: {
      id: '115804',
      amount: { amountMinor: 10_000, currency: 'USD' },
      paidOn: '2019-10-22',
      applied: [{ type: 'invoice', id: '197902', amount: { amountMinor: 10_000, currency: 'USD' } }],
      updatedAt: expected,
    },
    problems: [],
  })
})

it('changes are asked for since the day before the last read began, page by page', async () => {
  const context = open((url) =>
    result({ payments: [payment], page: Number(url.searchParams.get('page')), pages: 2, total: 2 }),
  )
  const first = await resource('payments').readPage(context, { since: '2026-11-20' })
  expect(first.done).toBe(false)
  const second = await resource('payments').readPage(context, first.next)
  expect(second).toMatchObject({ done: true, next: { since: '2026-11-23' } })
  expect(
    asked.map(({ searchParams }) => [searchParams.get('search[updated_min]'), searchParams.get('page')]),
  ).toEqual([
    ['2026-11-20', '1'],
    ['2026-11-20', '2'],
  ])
})

describe('signing in', () => {
  const business = (account_id: string) => ({
    id: 1,
    role: 'owner',
    business: { id: 7, account_id, name: `Business ${account_id}` },
  })
  const identify = (accounts: readonly string[], settings = {}) =>
    freshbooks.auth[0].identify(
      open(() => ({ response: { business_memberships: accounts.map(business) } }), settings),
      { callback: {}, token: {} },
    )

  it('takes the only business, or the one that was asked for', async () => {
    expect(await identify(['ABC123'])).toMatchObject({
      settings: { account_id: 'ABC123', business_id: '7' },
      externalAccount: 'ABC123',
    })
    expect(await identify(['ABC123', 'DEF456'], { account_id: 'DEF456' })).toMatchObject({
      externalAccount: 'DEF456',
    })
  })

  it('never guesses among several, and says which there are', async () => {
    await expect(identify(['ABC123', 'DEF456'])).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('Business DEF456 (DEF456)') as string,
    })
    await expect(identify(['ABC123'], { account_id: 'OTHER1' })).rejects.toMatchObject({
      code: 'InvalidInput',
    })
  })
})

it('a refusal says what and where, and never the value', () => {
  const body = {
    response: {
      errors: [
        { errno: 1012, field: 'userid', message: 'Client not found.', object: 'client', value: 'secret' },
      ],
    },
  }
  const answer = { headers: {}, readAt: now }
  expect(freshbooks.explainError({ ...answer, status: 404, body })).toEqual({
    code: 'NotFound',
    message: 'Client not found.',
  })
  const invalid = {
    response: {
      errors: [{ errno: 7012, field: 'email', message: 'a@b.example is wrong', value: 'a@b.example' }],
    },
  }
  expect(freshbooks.explainError({ ...answer, status: 422, body: invalid })).toEqual({
    code: 'Invalid',
    message: '[email] is wrong',
    fields: [{ pointer: '/email', detail: '[email] is wrong' }],
  })
})
