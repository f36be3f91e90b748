/** The simulated Zoho CRM, as its documentation has it, and the connector with it: reading, tokens, the channel, the action, the report. */
import type { Page, Position } from '../../providers/contract.ts'
import { authorizeUrl } from '../../providers/contract-oauth.ts'
import { findProvider } from '../../providers/registry.ts'
import { simulators } from '../../sandbox/simulators.ts'
import { startProviderBench, type ProviderBench } from '../harness/provider-bench.ts'

const slug = 'zoho-crm'
const provider = findProvider(slug)
const app = simulators.find((one) => one.slug === slug)?.app
if (!provider?.webhooks?.subscriptions || !app) throw new Error('Zoho CRM is not there')
const { subscriptions } = provider.webhooks
const resource = (name: string) => {
  const found = provider.resources.find((one) => one.name === name)
  if (!found) throw new Error(`there is no ${name}`)
  return found
}

let bench: ProviderBench
beforeEach(async () => {
  bench = await startProviderBench(provider)
})
afterEach(() => bench.close())

async function readAll(name: string, start: Position = {}) {
  const found = new Map<string, string>()
  let position = start
  for (let pages = 1; pages < 100; pages++) {
    const page: Page = await resource(name).readPage(bench.open(), position)
    for (const row of page.rows) found.set(resource(name).externalId(row), 'living')
    for (const id of page.deletedIds ?? []) found.set(id, 'deleted')
    position = page.next
    if (page.done) return { found, position, pages }
  }
  throw new Error('it does not end')
}

it('more records in one second than a page holds are all read, and what was deleted since is told', async () => {
  const { control } = bench.sandbox
  const first = await readAll('leads')
  expect(first.pages).toBeGreaterThan(2)
  expect([...first.found.keys()].sort()).toEqual(Object.keys(control.state(slug, 'leads')).sort())
  bench.pass(3_600_000)
  control.edit(slug, { resource: 'leads', update: 130, delete: 7, create: 3 })
  const second = await readAll('leads', first.position)
  const now = Object.keys(control.state(slug, 'leads'))
  const gone = [...first.found.keys()].filter((id) => !now.includes(id))
  expect(gone).toHaveLength(7)
  for (const id of gone) expect([id, second.found.get(id)]).toEqual([id, 'deleted'])
  const made = now.filter((id) => !first.found.has(id))
  for (const id of made) expect([id, second.found.get(id)]).toEqual([id, 'living'])
})

it('after seven weeks deletions are not told any more: everything is read anew', async () => {
  const { position } = await readAll('deals')
  const { canResume } = resource('deals')
  const after = (days: number) =>
    canResume?.(position, new Date(bench.open().now().getTime() + days * 86_400_000))
  expect([after(49), after(51)]).toEqual([true, false])
})

it('the refresh token stays, and a wrong one is refused with 200', async () => {
  const refresh = async (value: string) => {
    const form = {
      grant_type: 'refresh_token',
      refresh_token: value,
      client_id: app.clientId,
      client_secret: app.clientSecret,
    }
    const answer = await fetch(`${bench.sandbox.url}/${slug}/oauth/v2/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const token = '1000.sandbox-zoho-refresh-token-0123456789'
  for (let times = 0; times < 2; times++)
    expect((await refresh(token)).body).toMatchObject({
      access_token: expect.stringMatching(/^1000\./) as string,
    })
  expect(await refresh('another')).toEqual({ status: 200, body: { error: 'invalid_code' } })
})

it('scopes are asked for with commas, at the server of the data centre', () => {
  const [method] = provider.auth
  if (method.kind !== 'oauth2') throw new Error('it is OAuth')
  const url = authorizeUrl(
    method,
    { data_center: 'com.au' },
    {},
    {
      clientId: 'id',
      redirectUri: 'https://hub.example/callback',
      state: 's',
      codeChallenge: undefined,
    },
  )
  expect(url.href).toMatch(/^https:\/\/accounts\.zoho\.com\.au\/oauth\/v2\/auth\?/)
  expect(url.searchParams.get('scope')).toMatch(/^ZohoCRM\.modules\.READ,ZohoCRM\.users\.READ,/)
  expect(url.searchParams.get('access_type')).toBe('offline')
})

it('a channel is made, listed with its end, and removed', async () => {
  const context = bench.open()
  const wish = {
    url: 'https://hub.example/hooks/zoho-crm/con_1',
    topics: subscriptions.topics,
    secrets: { token: 't' },
  }
  const made = await subscriptions.create(context, wish)
  expect(await subscriptions.list(context)).toMatchObject([
    { id: made.id, url: wish.url, active: true, topics: [...subscriptions.topics].sort() },
  ])
  await subscriptions.remove(context, made.id)
  await subscriptions.remove(context, made.id)
  expect(await subscriptions.list(context)).toEqual([])
})

it('the action moves a deal, twice as well as once, and says when there is none; the report counts', async () => {
  const [action] = provider.actions
  const [report] = provider.reports
  const [dealId = ''] = Object.keys(bench.sandbox.control.state(slug, 'deals'))
  for (let times = 0; times < 2; times++)
    expect(await action?.run(bench.open(), { dealId, stage: 'Closed Won' }, 'act_1')).toEqual({
      dealId,
      stage: 'Closed Won',
    })
  expect(bench.sandbox.control.state(slug, 'deals')[dealId]).toMatchObject({ Stage: 'Closed Won' })
  await expect(action?.run(bench.open(), { dealId: '1', stage: 'x' }, 'act_2')).rejects.toMatchObject({
    code: 'NotFound',
  })
  const deals = Object.keys(bench.sandbox.control.state(slug, 'deals')).length
  expect(await report?.run(bench.open(), { module: 'Deals' })).toEqual({ count: deals })
})

it.each([
  ['pace', 'RateLimited'],
  ['day', 'QuotaExhausted'],
])('a %s that is used up is %s', async (limit, code) => {
  bench.sandbox.control.setLimits(slug, { [limit]: 1 })
  await provider.health.check(bench.open())
  await expect(provider.health.check(bench.open())).rejects.toMatchObject({ code })
})
