/** The simulated Xero, as its documentation has it, and the connector with it: sign-in, limits, the action and the report. */
import type { ProviderContext } from '../../providers/contract.ts'
import { findProvider } from '../../providers/registry.ts'
import { simulators } from '../../sandbox/simulators.ts'
import { startProviderBench, type ProviderBench } from '../harness/provider-bench.ts'

const slug = 'xero'
const provider = findProvider(slug)
const simulator = simulators.find((one) => one.slug === slug)
if (!provider || !simulator?.app) throw new Error('Xero is not there')
const { app } = simulator
const minute = 60_000

let bench: ProviderBench
beforeEach(async () => {
  bench = await startProviderBench(provider)
})
afterEach(() => bench.close())

interface Told {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

async function ask(path: string, init: RequestInit = {}): Promise<Told> {
  const response = await fetch(`${bench.sandbox.url}/${slug}${path}`, { redirect: 'manual', ...init })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== ''
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
  }
}

const post = (
  path: string,
  form: Record<string, string> | [string, string][],
  headers: Record<string, string> = {},
) => ask(path, { method: 'POST', body: new URLSearchParams(form), headers })
const basic = {
  authorization: `Basic ${Buffer.from(`${app.clientId}:${app.clientSecret}`).toString('base64')}`,
}
const refresh = (value: unknown) =>
  post('/connect/token', { grant_type: 'refresh_token', refresh_token: String(value) }, basic)

const organisations = ['c2cc9b6e-9458-4c7d-93cc-f02b81b0594f', 'aef86862-2015-4b6b-88bc-d89032cecc50']
const redirectUri = 'http://127.0.0.1:9999/callback'

async function signIn(tenants: readonly string[]): Promise<Record<string, unknown>> {
  const query = new URLSearchParams({
    client_id: app.clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'offline_access accounting.invoices accounting.contacts.read',
    state: 'the-state',
  })
  const form: [string, string][] = [
    ['decision', 'allow'],
    ...tenants.map((one): [string, string] => ['tenantId', one]),
  ]
  const { headers } = await post(`/identity/connect/authorize?${query.toString()}`, form)
  const back = new URL(headers.get('location') ?? '')
  expect(back.searchParams.get('state')).toBe('the-state')
  const code = back.searchParams.get('code') ?? ''
  const { body } = await post(
    '/connect/token',
    { grant_type: 'authorization_code', code, redirect_uri: redirectUri },
    basic,
  )
  return body
}

describe('signing in', () => {
  it('a refresh answers a new refresh token; the old one works for half an hour more', async () => {
    const first = await signIn([organisations[0] ?? ''])
    const second = await refresh(first['refresh_token'])
    expect(second.body['refresh_token']).not.toBe(first['refresh_token'])
    bench.pass(29 * minute)
    expect((await refresh(first['refresh_token'])).status).toBe(200)
    bench.pass(2 * minute)
    expect(await refresh(first['refresh_token'])).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    expect((await refresh(second.body['refresh_token'])).status).toBe(200)
  })

  it('a refresh token that nobody uses is dead after 60 days, an access token after half an hour', async () => {
    const { refresh_token: token, access_token: access } = await signIn([organisations[0] ?? ''])
    const read = () => ask('/connections', { headers: { authorization: `Bearer ${String(access)}` } })
    expect((await read()).status).toBe(200)
    bench.pass(31 * minute)
    expect((await read()).status).toBe(401)
    bench.pass(61 * 24 * 60 * minute)
    expect((await refresh(token)).status).toBe(400)
  })

  it('the connector finds the organisation that the consent added', async () => {
    const token = await signIn([organisations[1] ?? ''])
    const [method] = provider.auth
    if (method.kind !== 'oauth2') throw new Error('it is OAuth')
    const secrets = { access_token: String(token['access_token']) }
    const context = bench.open({
      current: async () => ({ generation: 1, secrets }),
      renew: async () => undefined,
    })
    const found = await method.identify({ ...context, settings: {} }, { callback: {}, token: token as never })
    expect(found).toMatchObject({ externalAccount: organisations[1], label: 'Second Street Bakery' })
  })
})

describe('limits', () => {
  it.each([
    ['minute', 'RateLimited'],
    ['day', 'QuotaExhausted'],
  ])('a %s that is used up is %s with the time that Xero gives', async (limit, code) => {
    bench.sandbox.control.setLimits(slug, { [limit]: 1 })
    await provider.health.check(bench.open())
    await expect(provider.health.check(bench.open())).rejects.toMatchObject({
      code,
      retryAt: expect.any(Date) as Date,
    })
  })
})

describe('the action and the report', () => {
  let runs = 0
  const run = (invoiceId: string, context: ProviderContext = bench.open()) => {
    const [action] = provider.actions
    if (!action) throw new Error('there is no action')
    return action.run(context, { invoiceId }, `act_${String(++runs)}`)
  }
  const one = (status: string, isPaid = false) =>
    Object.entries(bench.sandbox.control.state(slug, 'invoices')).find(
      ([, row]) => row['Status'] === status && (row['AmountPaid'] !== 0) === isPaid,
    )?.[0] ?? ''

  it('voids an approved invoice once, deletes a draft, and says why a paid one is left', async () => {
    const open = one('AUTHORISED')
    expect(await run(open)).toEqual({ invoiceId: open, status: 'VOIDED' })
    const calls = bench.sandbox.control.calls()
    expect(await run(open)).toEqual({ invoiceId: open, status: 'VOIDED' })
    expect(bench.sandbox.control.calls()).toBe(calls + 1)
    const draft = one('DRAFT')
    expect(await run(draft)).toEqual({ invoiceId: draft, status: 'DELETED' })
    expect(bench.sandbox.control.state(slug, 'invoices')).not.toHaveProperty([draft])
    await expect(run(one('AUTHORISED', true))).rejects.toMatchObject({ code: 'Invalid' })
  })

  it('open invoices: what is due, over all pages, by the truth of the simulator', async () => {
    const [report] = provider.reports
    const rows = Object.values(bench.sandbox.control.state(slug, 'invoices')).filter(
      (row) => row['Status'] === 'AUTHORISED',
    )
    const due = rows.reduce((sum, row) => sum + Math.round(Number(row['AmountDue']) * 100), 0)
    expect(rows.length).toBeGreaterThan(40)
    expect(await report?.run(bench.open(), {})).toMatchObject({
      asOf: '2026-06-01',
      isWhole: true,
      currencies: [{ currency: 'NZD', count: rows.length, due: { amountMinor: due, currency: 'NZD' } }],
    })
  })
})
