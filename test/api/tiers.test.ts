/** Tiers and what partners have otherwise, as whoever runs the hub sets them: by the API and the command line. */
import { sql } from 'kysely'
import { verifyAudit } from '../../db/audit.ts'
import { ensurePartner } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'
import { commandLine } from '../harness/command-line.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi({ worker: false })
}, 120_000)
afterAll(() => api?.close())

async function partner() {
  const partnerId = newId('partner')
  await ensurePartner(api.database.database.db, { partnerId, name: 'Limited' })
  return { partnerId, key: await api.key({ partnerId }) }
}
const me = (token: string) => api.request('GET', '/v1/me', { token })

describe('tiers', () => {
  const rates = {
    reads: { burst: 9, sustained: 9 },
    writes: { burst: 9, sustained: 9 },
    heavy: { burst: 9, sustained: 9 },
    auth: { burst: 9, sustained: 9 },
  }
  const none = { soft: null, hard: null }
  const limits = {
    perCaller: rates,
    perPartner: rates,
    quotas: { calls: none, records: none, connections: none },
  }

  it('are made, changed, given to a partner and deleted, each with an audit entry (INV-10)', async () => {
    const made = await api.request('POST', '/admin/v1/tiers', {
      body: { tier: 'gold', title: 'Gold', limits },
    })
    expect(made).toMatchObject({ status: 201, body: { tier: 'gold', version: 1 } })
    expect(
      await api.request('POST', '/admin/v1/tiers', { body: { tier: 'gold', title: 'G', limits } }),
    ).toMatchObject({ status: 409 })
    const { partnerId, key } = await partner()
    const body = { tier: 'gold', overrides: {} }
    expect(await api.request('PUT', `/admin/v1/partners/${partnerId}/limits`, { body })).toMatchObject({
      status: 200,
      body: { tier: 'gold', limits },
    })
    expect(await api.request('DELETE', '/admin/v1/tiers/gold')).toMatchObject({ status: 409 })
    const change = {
      title: 'Gold',
      limits: { ...limits, perCaller: { ...rates, reads: { burst: 7, sustained: 8 } } },
    }
    const stale = { 'If-Match': '"7"' }
    expect(await api.request('PUT', '/admin/v1/tiers/gold', { body: change, headers: stale })).toMatchObject({
      status: 412,
    })
    const headers = { 'If-Match': made.headers.get('etag') ?? '' }
    expect(await api.request('PUT', '/admin/v1/tiers/gold', { body: change, headers })).toMatchObject({
      status: 200,
      body: { version: 2 },
    })
    await until(
      () => me(key.text),
      (answer) => (answer.headers.get('ratelimit-policy') ?? '').includes('"caller-reads-burst";q=7;w=10'),
    )
    const back = { tier: 'standard', overrides: {} }
    expect(await api.request('PUT', `/admin/v1/partners/${partnerId}/limits`, { body: back })).toMatchObject({
      status: 200,
    })
    expect(await api.request('DELETE', '/admin/v1/tiers/gold')).toMatchObject({ status: 204 })
    expect(await api.request('GET', '/admin/v1/tiers/gold')).toMatchObject({ status: 404 })
    expect(await api.request('DELETE', '/admin/v1/tiers/people')).toMatchObject({ status: 409 })
    const { db } = api.database.database
    const told = await sql<{
      action: string
    }>`select action from audit where subject = 'gold' order by seq`.execute(db)
    expect(told.rows.map(({ action }) => action)).toEqual(['tier.created', 'tier.changed', 'tier.deleted'])
    expect(await verifyAudit(db)).toMatchObject({ ok: true })
  })

  it('refuse what could not be meant, and change nothing', async () => {
    const { partnerId } = await partner()
    const put = (overrides: unknown) =>
      api.request('PUT', `/admin/v1/partners/${partnerId}/limits`, { body: { tier: 'standard', overrides } })
    const refusals: [unknown, string][] = [
      [{ perCaller: { reads: { burst: 0 } } }, '/overrides/perCaller/reads/burst'],
      [{ perCaller: { reads: { burst: 2_000_000 } } }, '/overrides/perCaller/reads/burst'],
      [{ perCaller: { reads: { sustained: 1.5 } } }, '/overrides/perCaller/reads/sustained'],
      [{ perCaller: { reads: { sustained: 3 } } }, '/overrides/perCaller/reads/sustained'],
      [{ quotas: { calls: { hard: 3 } } }, '/overrides/quotas/calls/soft'],
      [{ quotas: { calls: { hard: -1 } } }, '/overrides/quotas/calls/hard'],
    ]
    for (const [overrides, pointer] of refusals)
      expect(await put(overrides)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } })
    const unknown = { tier: 'nothing', overrides: {} }
    expect(
      await api.request('PUT', `/admin/v1/partners/${partnerId}/limits`, { body: unknown }),
    ).toMatchObject({ status: 400 })
    expect(await api.request('GET', `/admin/v1/partners/${partnerId}/limits`)).toMatchObject({
      body: { overrides: {} },
    })
  })
})

describe('the command line', () => {
  const tieline = async (...args: string[]): Promise<{ readonly code: number; readonly out: string }> => {
    const { code, out, err } = await commandLine(api.url)(...args)
    return { code, out: out + err }
  }

  it('sets the limits of a partner and shows tiers and usage', async () => {
    const { partnerId, key } = await partner()
    await me(key.text)
    const overrides = '{"quotas":{"calls":{"soft":4321,"hard":null}}}'
    const [set, odd, tiers, usage] = await Promise.all([
      tieline('limits', 'set', partnerId, '--tier', 'plus', '--overrides', overrides),
      tieline('limits', 'set', partnerId, '--overrides', '{"quotas":{"calls":{"soft":-1}}}'),
      tieline('limits', 'tiers'),
      until(
        async () => {
          await api.deps.limits.book.flush()
          return await tieline('usage', '--by', 'operation', '--partner', partnerId)
        },
        ({ out }) => out.includes('getCaller'),
      ),
    ])
    expect(set.code).toBe(0)
    expect(set.out).toMatch(/tier plus, with limits of its own[^]*calls +4,321 +no limit/)
    expect(odd.code).toBe(2)
    expect(odd.out).toContain('/overrides/quotas/calls/soft')
    expect(tiers.out).toMatch(/standard +Standard/)
    expect(usage.code).toBe(0)
  })
})
