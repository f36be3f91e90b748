/** What `tieline monitor` asks for: states from the moment something is connected, and figures of the calls that were made. */
import { defaultTenant } from '../../db/partners.ts'
import type { components } from '../../openapi/types.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'

type Health = components['schemas']['ProviderHealth']
type Detail = components['schemas']['ProviderHealthDetail']

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
}, 120_000)
afterAll(() => api?.close())

async function zendesk(): Promise<Health | undefined> {
  const { body } = await api.request('GET', '/admin/v1/health')
  return (body as { items: Health[] }).items.find(({ provider }) => provider === 'zendesk')
}

async function roundNow(): Promise<void> {
  expect(await api.request('POST', '/admin/v1/health/zendesk/rounds')).toMatchObject({ status: 202 })
}

describe('the health of a service', () => {
  it('is not configured, then not checked yet, then what a round finds; and so again when it is deleted', async () => {
    await roundNow()
    await until(zendesk, (one) => one?.checkedAt !== null)
    expect(await zendesk()).toMatchObject({ state: 'not_configured', connections: {} })
    const { connectionId } = await api.connect()
    expect(await zendesk()).toMatchObject({ state: 'unknown', connections: { unknown: 1 } })
    await roundNow()
    expect(await until(zendesk, (one) => one?.state === 'healthy')).toMatchObject({
      connections: { healthy: 1 },
      reason: null,
    })
    await api.request('DELETE', `/admin/v1/connections/${connectionId}`)
    expect(await zendesk()).toMatchObject({ state: 'not_configured', connections: {} })
  }, 60_000)

  it('tells how long calls took', async () => {
    const { connectionId } = await api.connect()
    const owner = { connectionId, partnerId: defaultTenant.partnerId, provider: 'zendesk' }
    for (const durationMs of [...Array<number>(97).fill(40), 180, 190, 900])
      api.hub.deps.callStats.count(owner, {
        ...{ at: new Date(), group: 'measured', attempt: 1, durationMs, bytes: 10, outcome: 'ok' },
      })
    await api.hub.deps.callStats.flush()
    const { body } = await api.request('GET', '/admin/v1/health/zendesk')
    const measured = (body as Detail).groups.find(({ group }) => group === 'measured')
    const { calls, latency } = measured?.figures ?? {}
    expect(calls).toBe(100)
    expect(latency?.p50Ms).toBeGreaterThan(25)
    expect(latency?.p95Ms).toBeLessThanOrEqual(50)
    expect(latency?.p99Ms).toBe(200)
  })
})
