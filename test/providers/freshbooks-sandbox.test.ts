/** The simulated FreshBooks, as its documentation has it, and the connector with it: tokens, callbacks, the action, the report. */
import { findProvider } from '../../providers/registry.ts'
import { verifierOf } from '../../providers/freshbooks/simulator-routes.ts'
import { simulators } from '../../sandbox/simulators.ts'
import { startProviderBench, type ProviderBench } from '../harness/provider-bench.ts'

const slug = 'freshbooks'
const provider = findProvider(slug)
const app = simulators.find((one) => one.slug === slug)?.app
if (!provider?.webhooks?.subscriptions || !app) throw new Error('FreshBooks is not there')
const { webhooks } = provider
const { subscriptions } = provider.webhooks

let bench: ProviderBench
beforeEach(async () => {
  bench = await startProviderBench(provider)
})
afterEach(() => bench.close())

it('a refresh token works once', async () => {
  const refresh = async (value: string) => {
    const form = {
      grant_type: 'refresh_token',
      refresh_token: value,
      client_id: app.clientId,
      client_secret: app.clientSecret,
    }
    const answer = await fetch(`${bench.sandbox.url}/${slug}/auth/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const first = await refresh('sandbox-freshbooks-refresh-token-0123456789')
  expect(first.status).toBe(200)
  expect((await refresh('sandbox-freshbooks-refresh-token-0123456789')).status).toBe(401)
  expect((await refresh(String(first.body['refresh_token']))).status).toBe(200)
})

describe('callbacks', () => {
  const url = 'https://hub.example/hooks/freshbooks/con_1?key=k'
  const wish = { url, topics: subscriptions.topics, secrets: {} }
  const ours = async () => (await subscriptions.list(bench.open())).filter((one) => one.url === url)

  it('are one subscription: not active until each verifier was sent back, which the hub then keeps', async () => {
    const context = bench.open()
    const { id } = await subscriptions.create(context, wish)
    expect(await ours()).toMatchObject([{ id, active: false, topics: subscriptions.topics }])
    const ids = id.split('+')
    expect(ids).toHaveLength(4)
    const notice = (object_id: string, verifier: string) =>
      webhooks.onNotice?.(context, { type: 'callback.verify', payload: { object_id, verifier } })
    await expect(notice(ids[0] ?? '', 'made-up')).rejects.toMatchObject({ code: 'Invalid' })
    for (const one of ids)
      expect(await notice(one, verifierOf(one))).toEqual({ secrets: { verifier: verifierOf(one) } })
    expect(await ours()).toMatchObject([{ id, active: true }])
    expect(await webhooks.onNotice?.(context, { type: 'other', payload: {} })).toBeUndefined()
  })

  it('that are missing are made, those that are too much end', async () => {
    const context = bench.open()
    const { id } = await subscriptions.create(context, { ...wish, topics: ['client', 'estimate'] })
    await subscriptions.update?.(context, id, wish)
    const [now, ...others] = await ours()
    expect(others).toEqual([])
    expect([...(now?.topics ?? [])].sort()).toEqual([...subscriptions.topics].sort())
    await subscriptions.remove(context, now?.id ?? '')
    await subscriptions.remove(context, now?.id ?? '')
    expect(await ours()).toEqual([])
  })
})

it('the action marks a draft as sent, twice as well as once; the report counts', async () => {
  const [action] = provider.actions
  const [report] = provider.reports
  const drafts = () =>
    Object.entries(bench.sandbox.control.state(slug, 'invoices')).filter(
      ([, row]) => row['v3_status'] === 'draft',
    )
  const before = drafts()
  const [invoiceId = ''] = before[0] ?? []
  for (let times = 0; times < 2; times++)
    expect(await action?.run(bench.open(), { invoiceId }, 'act_1')).toEqual({ invoiceId, status: 'sent' })
  expect(drafts()).toHaveLength(before.length - 1)
  const count = (name: string) => Object.keys(bench.sandbox.control.state(slug, name)).length
  expect(await report?.run(bench.open(), {})).toEqual({
    clients: count('clients'),
    invoices: count('invoices'),
    payments: count('payments'),
    expenses: count('expenses'),
  })
})
