/** The simulated Freshdesk, as its documentation has it, and the connector with it: the key, limits, the action and the report. */
import { findProvider } from '../../providers/registry.ts'
import { startProviderBench, type ProviderBench } from '../harness/provider-bench.ts'

const slug = 'freshdesk'
const provider = findProvider(slug)
if (!provider) throw new Error('Freshdesk is not there')

let bench: ProviderBench
beforeEach(async () => {
  bench = await startProviderBench(provider)
})
afterEach(() => bench.close())

const ask = (path: string, key = 'sandboxFreshdeskKey0') =>
  fetch(`${bench.sandbox.url}/${slug}${path}`, {
    headers: { authorization: `Basic ${Buffer.from(`${key}:X`).toString('base64')}` },
  })

it('refuses another key, page 301, pages of 101; tells what a call has cost', async () => {
  expect((await ask('/api/v2/agents/me', 'another')).status).toBe(401)
  const list = await ask('/api/v2/tickets?include=description')
  expect([list.status, list.headers.get('x-ratelimit-used-currentrequest')]).toEqual([200, '3'])
  expect((await ask('/api/v2/tickets?page=301')).status).toBe(400)
  expect((await ask('/api/v2/tickets?per_page=101')).status).toBe(400)
})

it('shows tickets older than 30 days only to who asks for a time', async () => {
  const numbers = async (query: string) => {
    const { headers } = await ask(`/api/v2/tickets?per_page=100${query}`)
    return headers.get('link')
  }
  const all = Object.keys(bench.sandbox.control.state(slug, 'tickets')).length
  expect(all).toBeGreaterThan(100)
  expect(await numbers('&updated_since=1970-01-01T00:00:00Z')).toContain('rel="next"')
  expect(await numbers('&filter=deleted')).toBeNull()
})

it('a minute that is used up waits as long as Freshdesk says', async () => {
  bench.sandbox.control.setLimits(slug, { account: 1 })
  await provider.health.check(bench.open())
  await expect(provider.health.check(bench.open())).rejects.toMatchObject({
    code: 'RateLimited',
    retryAt: expect.any(Date) as Date,
  })
})

it('the action sets a status, twice as well as once; the report counts', async () => {
  const [action] = provider.actions
  const [report] = provider.reports
  const open = () =>
    Object.entries(bench.sandbox.control.state(slug, 'tickets')).filter(([, row]) => row['status'] === 2)
  const before = open()
  const [ticketId = ''] = before[0] ?? []
  for (let times = 0; times < 2; times++)
    expect(await action?.run(bench.open(), { ticketId, status: 'solved' }, 'act_1')).toMatchObject({
      ticketId,
      status: 'solved',
    })
  expect(open()).toHaveLength(before.length - 1)
  expect(await report?.run(bench.open(), { status: 'open' })).toEqual({ count: before.length - 1 })
  await expect(
    action?.run(bench.open(), { ticketId: '999999', status: 'open' }, 'act_2'),
  ).rejects.toMatchObject({
    code: 'NotFound',
  })
})
