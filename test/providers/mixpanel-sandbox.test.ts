/** The simulated Mixpanel project behaves like Mixpanel, seen through the connector: limits, exports, imports, regions, accounts. */
import { applyMapping } from '../../model/mapping.ts'
import type { JsonObject } from '../../model/json.ts'
import type { CredentialRotation } from '../../providers/contract.ts'
import { startMixpanelBench, type MixpanelBench } from '../harness/mixpanel-bench.ts'
import type { SandboxOptions } from '../../sandbox/server.ts'

const hour = 3_600_000
const day = 24 * hour
const size = { profiles: 40, events: 120, cohorts: 2, funnels: 3, experiments: 3, annotations: 2 }

const opened: MixpanelBench[] = []
/** A project of its own for each test. */
async function setup(options: Partial<SandboxOptions> = {}): Promise<MixpanelBench> {
  const bench = await startMixpanelBench({ size, ...options })
  opened.push(bench)
  return bench
}
afterEach(async () => {
  for (const bench of opened.splice(0)) await bench.close()
})

const at = (bench: MixpanelBench, agoMs: number): string =>
  new Date(bench.now().getTime() - agoMs).toISOString()
const event = (bench: MixpanelBench, more: JsonObject = {}): JsonObject => ({
  name: 'Deal Won',
  time: at(bench, hour),
  profileId: 'user-1',
  ...more,
})

interface Line {
  readonly event: string
  readonly properties: JsonObject
}
/** The lines of the latest export. */
function linesOf(bench: MixpanelBench, name: string): Line[] {
  const [last] = bench.exchanges.filter(({ path }) => path === '/api/2.0/export').slice(-1)
  const lines = (last?.answer ?? '').split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Line).filter((line) => line.event === name)
}

/** The latest import's body, as it was sent. */
const lastImport = (bench: MixpanelBench) =>
  bench.exchanges.filter(({ path }) => path === '/import').slice(-1)[0]

describe('the hour’s budget', () => {
  it('is 60 queries for reports and syncs together; then it says so, and gives them back as the hour slides', async () => {
    const bench = await setup()
    for (let n = 0; n < 30; n++) {
      await bench.ask('funnels', {})
      await bench.read('cohorts')
      bench.pass(10_000)
    }
    await expect(bench.ask('events_top', {})).rejects.toMatchObject({
      code: 'QuotaExhausted',
      retryAt: new Date(bench.now().getTime() + 2 * 60_000),
    })
    expect(bench.exchanges.at(-1)?.answer).toContain(
      '0/5 queries running concurrently and 61/60 queries running in the last hour',
    )
    // The first two of them are an hour old, no others.
    bench.pass(hour - 305_000)
    await bench.ask('funnels', {})
    await bench.read('cohorts')
    await expect(bench.ask('funnels', {})).rejects.toMatchObject({ code: 'QuotaExhausted' })
  })

  it('costs nothing for what is no query: experiments, annotations, events, writing', async () => {
    const bench = await setup({ limits: { query: 0 } })
    await bench.ask('experiments', {})
    await bench.read('annotations')
    await bench.read('events')
    await bench.act('track_event', event(bench))
    await bench.act('set_profile', { profileId: 'user-1', set: { Plan: 'Pro' } })
    await expect(bench.ask('funnels', {})).rejects.toMatchObject({ code: 'QuotaExhausted' })
  })

  it('is spent by a question that Mixpanel refuses, too', async () => {
    const bench = await setup({ limits: { query: 1 } })
    await expect(
      bench.ask('funnel', { funnelId: '1', from: '2026-11-01', to: '2026-11-02' }),
    ).rejects.toMatchObject({ code: 'NotFound' })
    await expect(bench.ask('funnels', {})).rejects.toMatchObject({ code: 'QuotaExhausted' })
  })

  it('lets five queries run at once; a sixth comes again in seconds', async () => {
    const bench = await setup({ limits: { query_ms: 5_000 } })
    await Promise.all(Array.from({ length: 5 }, () => bench.ask('funnels', {})))
    await expect(bench.ask('funnels', {})).rejects.toMatchObject({
      code: 'RateLimited',
      retryAt: new Date(bench.now().getTime() + 10_000),
    })
    bench.pass(10_000)
    await bench.ask('funnels', {})
  })
})

describe('the raw export', () => {
  it('is given 60 times an hour and three times a second', async () => {
    const burst = await setup()
    const page = (bench: MixpanelBench) => bench.resource('events').readPage(bench.open(), {})
    for (let n = 0; n < 3; n++) await page(burst)
    await expect(page(burst)).rejects.toMatchObject({ code: 'RateLimited' })
    burst.pass(1_000)
    for (let n = 3; n < 60; n++) {
      await page(burst)
      burst.pass(1_000)
    }
    await expect(page(burst)).rejects.toMatchObject({ code: 'RateLimited' })
    burst.pass(hour)
    await page(burst)
  })

  it('refuses a wrong secret with 400 and plain text, and the connector understands', async () => {
    const bench = await setup()
    const wrong = bench.open({ secrets: { secret: 'wrong-secret-0123456789' } })
    await expect(bench.read('events', undefined, wrong)).rejects.toMatchObject({ code: 'Unauthorized' })
    expect(bench.exchanges.at(-1)).toMatchObject({
      status: 400,
      answerType: 'text/plain',
      answer: 'Unable to authenticate request',
    })
  })
})

describe('importing', () => {
  it('is zipped and strict, and refuses what is wrong by its place while the rest is in', async () => {
    const bench = await setup()
    // The hub's clock is an hour ahead, so it lets an event pass that Mixpanel refuses.
    const ahead = { ...bench.open(), now: () => new Date(bench.now().getTime() + hour) }
    const events = [event(bench), event(bench, { time: at(bench, -1.5 * hour) }), event(bench)]
    expect(await bench.act('track_events', { events }, 'part', ahead)).toEqual({
      imported: 2,
      failed: [{ index: 1, field: 'properties.time', message: expect.any(String) as string }],
    })
    expect(lastImport(bench)).toMatchObject({
      status: 400,
      query: { strict: '1', project_id: bench.sample.settings['project_id'] },
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' },
    })
    await bench.read('events')
    expect(linesOf(bench, 'Deal Won')).toHaveLength(2)
  })

  it('counts an event once that comes twice, while the raw export shows it twice and the hub keeps one row', async () => {
    const bench = await setup()
    for (const key of ['same', 'same']) await bench.act('track_event', event(bench), key)
    await bench.act('track_event', event(bench), 'other')
    const { rows } = await bench.read('events')
    expect(linesOf(bench, 'Deal Won')).toHaveLength(3)
    expect(
      new Set(rows.filter((row) => row['event'] === 'Deal Won').map(bench.resource('events').externalId))
        .size,
    ).toBe(2)
    const days = { from: '2026-11-20', to: '2026-11-20' }
    expect(await bench.ask('events', { events: ['Deal Won'], ...days })).toMatchObject({
      series: [{ name: 'Deal Won', total: 2 }],
    })
  })

  it('counts a change of the hub once, whoever sends it', async () => {
    const bench = await setup()
    const change = { name: 'deal.won', id: 'chg_1', occurredAt: at(bench, hour), profileId: 'user-1' }
    for (const key of ['one', 'two']) await bench.act('track_changes', { events: [change] }, key)
    const days = { from: '2026-11-20', to: '2026-11-20' }
    expect(await bench.ask('segmentation', { event: 'deal.won', ...days })).toMatchObject({
      series: [{ name: 'deal.won', total: 1 }],
    })
  })

  it('takes events of long ago; the next run finds them within the look-back days, a forced run beyond', async () => {
    const bench = await setup()
    const { next } = await bench.read('events')
    bench.pass(hour)
    const late = [event(bench, { time: at(bench, 3 * day) }), event(bench, { time: at(bench, 20 * day) })]
    expect(await bench.act('track_events', { events: late })).toEqual({ imported: 2, failed: [] })
    const daysIn = (rows: readonly JsonObject[]) =>
      rows
        .filter((row) => row['event'] === 'Deal Won')
        .map((row) => applyMapping(bench.resource('events').mapping, row).mapped['occurredAt'])
    const second = await bench.read('events', next)
    expect(daysIn(second.rows as JsonObject[])).toEqual([late[0]?.['time']])
    const forced = await bench.read('events')
    expect(daysIn(forced.rows as JsonObject[])).toHaveLength(2)
  })

  it('makes batches that Mixpanel takes', async () => {
    const bench = await setup()
    const events = Array.from({ length: 4_001 }, (_, n) => event(bench, { profileId: `user-${n}` }))
    expect(await bench.act('track_events', { events })).toEqual({ imported: 4_001, failed: [] })
    const sent = bench.exchanges.filter(({ path }) => path === '/import')
    expect(sent.map(({ sent: text }) => (JSON.parse(text) as unknown[]).length)).toEqual([2_000, 2_000, 1])
  })
})

describe('people', () => {
  it('who are two ids become one, with the events of both', async () => {
    const bench = await setup()
    const total = async (profileId: string) => {
      bench.pass(1_000)
      const { rows } = await bench.read('events')
      return rows.filter((row) => (row['properties'] as JsonObject)['distinct_id'] === profileId).length
    }
    const before = [await total('user-1'), await total('user-2')]
    for (let n = 0; n < 2; n++)
      await bench.act('merge_profiles', { profileId: 'user-1', otherId: 'user-2' }, `key-${n}`)
    expect([await total('user-1'), await total('user-2')]).toEqual([(before[0] ?? 0) + (before[1] ?? 0), 0])
    expect(bench.sandbox.control.state('mixpanel', 'profiles')).not.toHaveProperty('user-2')
    const same = { profileId: 'user-1', otherId: 'user-1' }
    await expect(bench.act('merge_profiles', same)).rejects.toMatchObject({ code: 'InvalidInput' })
  })

  it('do things whose names, properties and values can be asked for', async () => {
    const bench = await setup()
    await bench.act('track_event', event(bench, { properties: { Seats: 5 } }))
    const { names } = await bench.ask('event_names', {})
    expect(names).toContain('Deal Won')
    const { properties } = await bench.ask('event_properties', { event: 'Deal Won' })
    expect(properties).toContainEqual({ name: 'Seats', count: 1 })
    const asked = { event: 'Deal Won', property: 'Seats' }
    expect(await bench.ask('property_values', asked)).toEqual({ values: ['5'] })
  })
})

describe('data residency', () => {
  it.each(['eu', 'in'])(
    'a connection of the region %s meets no project of another region',
    async (region) => {
      const bench = await setup()
      const there = bench.open({ settings: { region } })
      await expect(bench.provider.health.check(there)).rejects.toMatchObject({ code: 'Forbidden' })
      await expect(bench.ask('funnels', {}, there)).rejects.toMatchObject({ code: 'Forbidden' })
      await expect(bench.ask('experiments', {}, there)).rejects.toMatchObject({ code: 'Forbidden' })
      await expect(bench.read('events', undefined, there)).rejects.toMatchObject({ code: 'Unauthorized' })
      await expect(bench.act('track_event', event(bench), 'k', there)).rejects.toMatchObject({
        code: 'Unauthorized',
      })
      const origins = bench.exchanges.map(({ origin }) => origin)
      expect(new Set(origins)).toEqual(
        new Set([
          `https://${region}.mixpanel.com`,
          `https://data-${region}.mixpanel.com`,
          `https://api-${region}.mixpanel.com`,
        ]),
      )
    },
  )

  it('drops a profile that goes to the wrong region, and says nothing', async () => {
    const bench = await setup()
    const input = { profileId: 'new-user', set: { Plan: 'Pro' } }
    await bench.act('set_profile', input, 'k', bench.open({ settings: { region: 'eu' } }))
    expect(bench.sandbox.control.state('mixpanel', 'profiles')).not.toHaveProperty('new-user')
    await bench.act('set_profile', input)
    expect(bench.sandbox.control.state('mixpanel', 'profiles')).toHaveProperty('new-user')
  })
})

describe('service accounts', () => {
  const rotationOf = ({ provider }: MixpanelBench): CredentialRotation => {
    const [auth] = provider.auth
    if (auth?.kind !== 'token' || !auth.rotation) throw new Error('Mixpanel has no rotation')
    return auth.rotation
  }
  const old = ({ sample }: MixpanelBench) => ({ settings: sample.settings, secrets: sample.secrets })

  it('sign each call; a wrong name, a wrong secret and another project are refused', async () => {
    const bench = await setup()
    expect((await bench.provider.health.check(bench.open())).facts).toMatchObject({ projects: 1 })
    for (const wrong of [
      { secrets: { secret: 'wrong-secret-0123456789' } },
      { settings: { username: 'somebody.000000.mp-service-account' } },
    ]) {
      await expect(bench.provider.health.check(bench.open(wrong))).rejects.toMatchObject({
        code: 'Unauthorized',
      })
      await expect(bench.ask('funnels', {}, bench.open(wrong))).rejects.toMatchObject({
        code: 'Unauthorized',
      })
    }
    const other = bench.open({ settings: { project_id: '3000002' } })
    await expect(bench.ask('funnels', {}, other)).rejects.toMatchObject({ code: 'Forbidden' })
    await expect(bench.provider.health.check(other)).rejects.toMatchObject({ code: 'Forbidden' })
  })

  it('rotate: the new one works everywhere beside the old one, which is refused once it is removed', async () => {
    const bench = await setup()
    const rotation = rotationOf(bench)
    const minted = await rotation.mint(bench.open(), 'attempt-1')
    expect(minted.secrets['secret']).not.toBe(bench.sample.secrets['secret'])
    const next = bench.open(minted)
    for (const context of [bench.open(), next]) {
      await bench.provider.health.check(context)
      await bench.ask('funnels', {}, context)
      await bench.resource('events').readPage(context, {})
      await bench.act('track_event', event(bench), 'k', context)
    }
    await rotation.retire(next, old(bench))
    await rotation.retire(next, old(bench))
    await bench.provider.health.check(next)
    await bench.act('track_event', event(bench), 'k', next)
    await expect(bench.provider.health.check(bench.open())).rejects.toMatchObject({ code: 'Unauthorized' })
    await expect(bench.ask('funnels', {})).rejects.toMatchObject({ code: 'Unauthorized' })
    await expect(bench.read('events')).rejects.toMatchObject({ code: 'Unauthorized' })
    await expect(bench.act('track_event', event(bench))).rejects.toMatchObject({ code: 'Unauthorized' })
  })

  it('rotate again and again, and leave one account', async () => {
    const bench = await setup()
    const rotation = rotationOf(bench)
    const first = await rotation.mint(bench.open(), 'attempt-1')
    // A try that broke after the account was made: its secret is lost, so the account is made anew.
    const repeated = await rotation.mint(bench.open(), 'attempt-1')
    await expect(bench.provider.health.check(bench.open(first))).rejects.toMatchObject({
      code: 'Unauthorized',
    })
    await rotation.retire(bench.open(repeated), old(bench))
    const second = await rotation.mint(bench.open(repeated), 'attempt-2')
    await rotation.retire(bench.open(second), {
      secrets: repeated.secrets,
      settings: { ...bench.sample.settings, ...repeated.settings },
    })
    await rotation.retire(bench.open(second), old(bench))
    const listed = bench.exchanges.filter(
      ({ method, path }) => method === 'GET' && path.endsWith('/service-accounts'),
    )
    const { results } = JSON.parse(listed.at(-1)?.answer ?? '{}') as { results: JsonObject[] }
    expect(results.map(({ username }) => username)).toEqual([second.settings?.['username']])
    expect(listed.map(({ answer }) => answer).join()).not.toContain(second.secrets['secret'])
  })
})
