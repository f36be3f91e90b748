/** What is special about HubSpot, against a small portal of its own through the real transport. */
import { isHubError } from '../../platform/errors.ts'
import { explainError } from './errors.ts'
import { hubspot } from './index.ts'
import { action, readAll, resource, startPortal, type Portal } from './test-portal.ts'
import { nextMidnight } from './times.ts'

const contacts = resource('contacts')
let portal: Portal

beforeEach(async () => {
  portal = await startPortal()
})
afterEach(() => portal.close())

const fill = (count: number, modified: (n: number) => number): void => {
  for (let n = 1; n <= count; n++)
    portal.objects.set(String(n), {
      id: String(n),
      properties: { email: `c${String(n)}@example.com`, lifecyclestage: 'lead', favourite_colour: 'blue' },
      modified: modified(n),
    })
}
const hourAgo = (): number => Date.now() - 3_600_000
const incremental = () => ({ since: hourAgo() - 3_600_000 })
const idsOf = (rows: readonly { readonly id?: unknown }[]): string[] =>
  [...new Set(rows.map(({ id }) => String(id)))].sort((a, b) => Number(a) - Number(b))

describe('following changes', () => {
  it('reads more than 10,000 changes without ever asking beyond the search’s wall', async () => {
    const start = hourAgo()
    fill(10_400, (n) => start + n)
    const { rows } = await readAll(contacts, portal.open(), incremental())
    expect(idsOf(rows)).toHaveLength(10_400)
    expect(portal.beyondWall).toEqual([])
  })

  it('reads all of the objects that share one timestamp, however many', async () => {
    const start = hourAgo()
    fill(750, (n) => (n > 40 && n <= 700 ? start + 40 : start + n))
    const { rows } = await readAll(contacts, portal.open(), incremental())
    expect(idsOf(rows)).toEqual(idsOf([...portal.objects.values()]))
  })

  it('skips no object when others move to the end while pages are read', async () => {
    const start = hourAgo()
    fill(450, (n) => start + n)
    const { rows, position } = await readAll(contacts, portal.open(), incremental(), (page) => {
      for (let n = 1; n <= 30; n++) {
        const id = String((page - 1) * 40 + n)
        const object = portal.objects.get(id)
        if (object) portal.objects.set(id, { ...object, modified: Date.now() + 60_000 })
      }
    })
    const next = await readAll(contacts, portal.open(), position)
    // What moved behind the end of the first read is read by the one after it, whose window begins before.
    const late = [...portal.objects.values()].filter(({ modified }) => modified > Date.now())
    expect(idsOf([...rows, ...next.rows, ...late])).toEqual(idsOf([...portal.objects.values()]))
    expect(Number(position['since'])).toBeLessThan(Math.min(...late.map(({ modified }) => modified)))
  })

  it('reports what was archived since, and not what was archived long before', async () => {
    fill(3, hourAgo)
    for (const [id, archivedAt] of [
      ['1', hourAgo()],
      ['2', hourAgo() - 30 * 24 * 3_600_000],
    ] as const) {
      const object = portal.objects.get(id)
      if (object) portal.objects.set(id, { ...object, archivedAt })
    }
    const { rows, deletedIds } = await readAll(contacts, portal.open(), incremental())
    expect(idsOf(rows)).toEqual(['3'])
    expect(deletedIds).toEqual(['1'])
  })

  it('takes contacts that were merged into another for gone', async () => {
    portal.objects.set('9', {
      id: '9',
      properties: { hs_merged_object_ids: '7;8;9' },
      modified: hourAgo(),
    })
    expect((await readAll(contacts, portal.open(), {})).deletedIds).toEqual(['7', '8'])
  })

  it('cannot go on after three months: deletions would be missed', () => {
    const now = new Date('2026-11-23T00:00:00Z')
    const daysAgo = (days: number) => ({ since: now.getTime() - days * 24 * 3_600_000 })
    expect(contacts.canResume?.(daysAgo(30), now)).toBe(true)
    expect(contacts.canResume?.(daysAgo(90), now)).toBe(false)
  })
})

describe('a full read', () => {
  it('asks for every property by name, the account’s own included, and hands over to the search before it began', async () => {
    fill(120, hourAgo)
    const began = Date.now()
    const { rows, position, pages } = await readAll(contacts, portal.open(), {})
    const listed = portal.server.requests.filter(({ url }) => url.includes('/contacts?'))
    expect(decodeURIComponent(listed[0]?.url ?? '')).toContain('favourite_colour')
    // Former values halve the page that HubSpot allows.
    expect(pages).toBe(3)
    expect(rows).toHaveLength(120)
    expect(Number(position['since'])).toBeLessThan(began - 5 * 60_000)
  })

  it('reads by id in the body when HubSpot finds the address too long', async () => {
    fill(3, hourAgo)
    portal.refuse = (response, { url }) => {
      if (!url.includes('favourite_colour')) return false
      response.writeHead(414).end('URI too long')
      return true
    }
    const { rows } = await readAll(contacts, portal.open(), {})
    const whole = { properties: { favourite_colour: 'blue' } }
    expect(rows).toMatchObject([whole, whole, whole])
  })
})

describe('the lifecycle', () => {
  const input = (stage: string | null) => ({ kind: 'contact', id: '1', stage })

  it('is moved back by clearing it first, and forward in one step', async () => {
    fill(1, hourAgo)
    const set = action('set_lifecycle_stage')
    expect(await set.run(portal.open(), input('customer'), 'k1')).toEqual({
      from: 'lead',
      to: 'customer',
      isChanged: true,
    })
    const patches = () =>
      portal.server.requests
        .filter(({ method }) => method === 'PATCH')
        .map(({ body }) => JSON.parse(body) as unknown)
    expect(patches()).toEqual([{ properties: { lifecyclestage: 'customer' } }])
    await set.run(portal.open(), input('subscriber'), 'k2')
    expect(patches().slice(1)).toEqual([
      { properties: { lifecyclestage: '' } },
      { properties: { lifecyclestage: 'subscriber' } },
    ])
    expect(portal.objects.get('1')?.properties['lifecyclestage']).toBe('subscriber')
  })

  it('is put back by the undo', async () => {
    fill(1, hourAgo)
    const set = action('set_lifecycle_stage')
    const output = await set.run(portal.open(), input('customer'), 'k1')
    const back = set.undo?.input(input('customer'), output) ?? {}
    await set.run(portal.open(), back, 'k2')
    expect(portal.objects.get('1')?.properties['lifecyclestage']).toBe('lead')
  })
})

describe('writing', () => {
  const create = (email: string, idempotencyKey: string) => ({
    operation: 'create' as const,
    externalId: '',
    fields: { properties: { email } },
    idempotencyKey,
  })

  it('gives each item of a batch its own outcome when some fail', async () => {
    const batch = contacts.write?.batch
    const outcomes = await batch?.write(portal.open(), [
      create('ana@example.com', 'a'),
      create('not-an-address', 'b'),
      create('ben@example.com', 'c'),
    ])
    const told = outcomes?.map((one) => (isHubError(one) ? one.code : one?.row['id']))
    expect(told).toEqual(['1', 'Invalid', '2'])
  })

  it('creates one contact for an address, however often it is asked', async () => {
    for (const key of ['a', 'a', 'b'])
      await contacts.write?.create?.(portal.open(), { properties: { email: 'ana@example.com' } }, key)
    expect(portal.objects.size).toBe(1)
  })

  it('refuses to change what has changed since it was read', async () => {
    fill(1, hourAgo)
    const { rows } = await readAll(contacts, portal.open(), {})
    const [current] = rows
    const object = portal.objects.get('1')
    if (!current || !object) throw new Error('there is one')
    portal.objects.set('1', { ...object, modified: Date.now() })
    await expect(
      contacts.write?.update?.(portal.open(), '1', { properties: { phone: '1' } }, current, 'k'),
    ).rejects.toMatchObject({ code: 'Conflict' })
  })
})

describe('limits', () => {
  const overLimit = (policyName: string) => ({
    status: 'error',
    message: `You have reached your ${policyName} limit.`,
    errorType: 'RATE_LIMIT',
    policyName,
    correlationId: '11111111-2222-4333-8444-555555555555',
  })
  const fault = (policyName: string, settings = {}, readAt = new Date('2026-11-23T23:30:00Z')) =>
    explainError({ status: 429, headers: {}, body: overLimit(policyName), readAt }, settings)

  it('waits for midnight where the account is when the day’s calls are used up', () => {
    expect(fault('DAILY', { time_zone: 'US/Eastern' })).toMatchObject({
      code: 'QuotaExhausted',
      retryAt: new Date('2026-11-24T05:00:00Z'),
    })
    expect(fault('DAILY')?.retryAt).toEqual(new Date('2026-11-24T00:00:00Z'))
    expect(fault('DAILY', { time_zone: 'Nowhere/Land' })?.retryAt).toEqual(new Date('2026-11-24T00:00:00Z'))
  })

  it('waits ten seconds in a rolling window', () => {
    expect(fault('TEN_SECONDLY_ROLLING')).toMatchObject({
      code: 'RateLimited',
      retryAt: new Date('2026-11-23T23:30:10Z'),
    })
  })

  it('passes the end of the day on to whoever called, through the transport', async () => {
    portal.refuse = (response) => {
      response.writeHead(429, { 'content-type': 'application/json' }).end(JSON.stringify(overLimit('DAILY')))
      return true
    }
    const context = portal.open({ time_zone: 'Asia/Tokyo' })
    const failure: unknown = await contacts.readPage(context, {}).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'QuotaExhausted' })
    expect(isHubError(failure) && failure.retryAt).toEqual(nextMidnight(new Date(), 'Asia/Tokyo'))
    expect(portal.server.requests).toHaveLength(1)
  })

  it('goes by the plan, and learns from answers', () => {
    const { limitFor, learn } = hubspot.limits
    expect(limitFor?.('ten_seconds', { plan: 'professional' })).toBe(190)
    expect(limitFor?.('ten_seconds', { plan: 'oauth' })).toBe(110)
    expect(limitFor?.('search', { plan: 'professional' })).toBeUndefined()
    const headers = {
      'x-hubspot-ratelimit-max': '190',
      'x-hubspot-ratelimit-remaining': '188',
      'x-hubspot-ratelimit-interval-milliseconds': '10000',
      'x-hubspot-ratelimit-daily': '625000',
      'x-hubspot-ratelimit-daily-remaining': '600000',
    }
    expect(learn?.('crm', headers, new Date())).toMatchObject([
      { bucket: 'ten_seconds', limit: 190, remaining: 188 },
      { bucket: 'daily', limit: 625_000, remaining: 600_000 },
    ])
  })
})

describe('errors', () => {
  const said = (status: number, body: unknown) =>
    explainError({ status, headers: {}, body, readAt: new Date('2026-11-23T00:00:00Z') })

  it('names the scope that is missing', () => {
    const body = {
      category: 'MISSING_SCOPES',
      message: 'This app hasn’t been granted all required scopes',
      errors: [{ message: 'One or more', context: { requiredGranularScopes: ['crm.lists.read'] } }],
    }
    const fault = said(403, body)
    expect(fault?.code).toBe('Forbidden')
    expect(fault?.message).toContain('crm.lists.read')
  })

  it('shows no address of anybody', () => {
    const fault = said(409, {
      category: 'CONFLICT',
      message: 'Contact ana@example.com exists. Existing ID: 512',
    })
    expect(fault).toMatchObject({ code: 'Conflict', message: 'Contact [email] exists. Existing ID: 512' })
  })

  it.each([
    [401, 'EXPIRED_AUTHENTICATION', 'Unauthorized'],
    [404, 'OBJECT_NOT_FOUND', 'NotFound'],
    [400, 'VALIDATION_ERROR', 'Invalid'],
    [423, 'LOCKED', 'Unavailable'],
    [477, 'MIGRATION_IN_PROGRESS', 'Unavailable'],
  ])('takes %s %s for %s', (status, category, code) => {
    expect(said(status, { category, message: 'no' })?.code).toBe(code)
  })
})
