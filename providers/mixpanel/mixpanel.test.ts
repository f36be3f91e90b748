/** What is special about Mixpanel besides events: regions, refusals, pages of profiles, rotation, writes, actions. */
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { mixpanel } from './index.ts'
import {
  action,
  now,
  readAll,
  report,
  resource,
  settings,
  startStage,
  type Answer,
  type Asked,
  type Stage,
} from './test-context.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage.server.close())

const profiles = resource('profiles')
const counted =
  'Query rate limit exceeded for project_id: 1. 1/5 queries running concurrently and 61/60 queries running in the last hour. Slow down.'

describe('connecting', () => {
  it.each([
    ['us', 'https://mixpanel.com/api/app', 'https://data.mixpanel.com/api/2.0', 'https://api.mixpanel.com'],
    [
      'eu',
      'https://eu.mixpanel.com/api/app',
      'https://data-eu.mixpanel.com/api/2.0',
      'https://api-eu.mixpanel.com',
    ],
    [
      'in',
      'https://in.mixpanel.com/api/app',
      'https://data-in.mixpanel.com/api/2.0',
      'https://api-in.mixpanel.com',
    ],
  ])('uses the servers of the region %s only', (region, app, exporting, ingest) => {
    expect(mixpanel.baseUrl({ region })).toBe(app)
    expect(mixpanel.baseUrl({ region }, 'export')).toBe(exporting)
    expect(mixpanel.baseUrl({ region }, 'ingest')).toBe(ingest)
  })

  it.each(['', 'EU', 'eu.evil.example/', 'toString'])('refuses the region %p', (region) => {
    expect(() => mixpanel.baseUrl({ region })).toThrow(HubError)
  })

  it('has an example that fits its own pattern for every field', () => {
    for (const field of mixpanel.auth[0].setup.flatMap((step) => step.fields))
      if (field.example !== undefined) expect(field.example).toMatch(new RegExp(field.pattern))
  })

  it('is not satisfied with a service account that reaches another project', async () => {
    const answered = (projects: JsonObject) => () => ({ body: { status: 'ok', results: { projects } } })
    const other = stage.open(answered({ 1: { name: 'Other' } }))
    await expect(mixpanel.health.check(other.context)).rejects.toMatchObject({ code: 'Forbidden' })
    const own = stage.open(answered({ 3000001: { name: 'Shop', role: { name: 'admin' } } }))
    expect((await mixpanel.health.check(own.context)).proves).toContain('project 3000001 (Shop)')
    expect(own.asked[0]?.path).toBe('/api/app/me')
  })
})

describe('a refusal', () => {
  it.each<[string, Answer, string]>([
    ['plain text of the export', { status: 400, text: 'Unable to authenticate request' }, 'Unauthorized'],
    ['401', { status: 401, body: { error: 'Invalid credentials', status: 'error' } }, 'Unauthorized'],
    ['403', { status: 403, body: { error: 'User is not a member of this project' } }, 'Forbidden'],
    ['402', { status: 402, body: { error: 'plan' } }, 'Forbidden'],
  ])('%s is %s', async (_what, answer, code) => {
    const { context } = stage.open(() => answer)
    await expect(resource('events').readPage(context, {})).rejects.toMatchObject({ code })
  })

  it('by the hour’s limit says when to come again and closes the bucket until then', async () => {
    const { context, limiter } = stage.open(() => ({ status: 429, body: { error: counted } }))
    const retryAt = new Date(now.getTime() + 2 * 60_000)
    await expect(resource('cohorts').readPage(context, {})).rejects.toMatchObject({
      code: 'QuotaExhausted',
      retryAt,
    })
    expect(limiter.blocks).toEqual([{ key: 'mixpanel:con_1:query', until: retryAt }])
  })

  it('by the number of queries at once asks for seconds', async () => {
    const busy = counted.replace('1/5', '5/5').replace('61/60', '9/60')
    const { context } = stage.open(() => ({ status: 429, body: { error: busy } }))
    await expect(resource('cohorts').readPage(context, {})).rejects.toMatchObject({
      code: 'RateLimited',
      retryAt: new Date(now.getTime() + 10_000),
    })
  })
})

/** Three pages of two profiles; forgets its sessions at the calls named. */
function engaging(forgetAt: readonly number[] = []) {
  return (asked: Asked, n: number): Answer => {
    if (asked.form['session_id'] !== undefined && forgetAt.includes(n))
      return { status: 400, body: { error: 'request for page in uncached query for params' } }
    const page = Number(asked.form['page'] ?? 0)
    const results = Array.from({ length: page === 2 ? 1 : 2 }, (_, at) => ({
      $distinct_id: `user-${page * 2 + at}`,
      $properties: { $last_seen: '2026-11-20T08:00:00', $email: 'ana@example.com' },
    }))
    return { body: { page, page_size: 2, session_id: 'session-1', status: 'ok', total: 5, results } }
  }
}

describe('profiles', () => {
  it('are read page by page within one session, which ends with a short page', async () => {
    const { context, asked } = stage.open(engaging())
    const { rows } = await readAll(profiles, context, {})
    expect(rows.map(profiles.externalId)).toEqual(['user-0', 'user-1', 'user-2', 'user-3', 'user-4'])
    expect(asked.map(({ form }) => form)).toEqual([
      {},
      { session_id: 'session-1', page: '1' },
      { session_id: 'session-1', page: '2' },
    ])
    expect(asked[0]).toMatchObject({
      path: '/api/query/engage',
      query: { project_id: '3000001', workspace_id: '4000001' },
    })
  })

  it('begin anew when Mixpanel has forgotten the session, and give up when it keeps forgetting', async () => {
    const once = stage.open(engaging([2]))
    const { rows } = await readAll(profiles, once.context, {})
    expect(rows.map(profiles.externalId)).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 4].map((n) => `user-${n}`))
    const always = stage.open(engaging(Array.from({ length: 50 }, (_, n) => n)))
    await expect(readAll(profiles, always.context, {})).rejects.toMatchObject({ code: 'Unavailable' })
  })

  it('are followed by when they were last seen, and read whole once a day', async () => {
    const { context, asked } = stage.open(engaging())
    const { next } = await readAll(profiles, context, {})
    await readAll(profiles, context, next)
    expect(asked[3]?.form).toEqual({ where: 'properties["$last_seen"] >= "2026-11-22T20:00:00"' })
    expect(asked[4]?.form).toMatchObject({
      where: 'properties["$last_seen"] >= "2026-11-22T20:00:00"',
      page: '1',
    })
    const later = { ...context, now: () => new Date(now.getTime() + 25 * 3_600_000) }
    await readAll(profiles, later, next)
    expect(asked[6]?.form).toEqual({})
  })

  it('carry their project’s zone, and their times are read in it', async () => {
    const { context } = stage.open(engaging(), { project_timezone: 'America/New_York' })
    const { rows } = await profiles.readPage(context, {})
    expect(profiles.updatedAt(rows[0] ?? {})).toBe('2026-11-20T13:00:00.000Z')
  })
})

describe('describing the account', () => {
  it('joins what the Lexicon says with what a sample of profiles has', async () => {
    const { context } = stage.open((request, n) => {
      if (!request.path.endsWith('/schemas')) return engaging()(request, n)
      const schemaJson = { properties: { Seats: { type: 'integer' } } }
      const results = [
        { entityType: 'profile', name: '$user', schemaJson },
        { entityType: 'event', name: 'App Open', schemaJson: { properties: { Other: { type: 'string' } } } },
      ]
      return { body: { status: 'ok', results } }
    })
    expect(await profiles.describe?.(context)).toMatchObject([
      { path: '$properties.$email', type: 'text', isCustom: false, isWritable: true },
      { path: '$properties.$last_seen', isCustom: false },
      { path: '$properties.Seats', type: 'number', isCustom: true },
    ])
  })
})

describe('members of cohorts', () => {
  it('are read cohort by cohort, those chosen only, and a cohort that goes meanwhile is passed over', async () => {
    const { context, asked } = stage.open(
      (request, n) => {
        if (request.path.endsWith('/cohorts/list'))
          return { body: (n === 0 ? [1, 2, 3] : [1, 3]).map((id) => ({ id, name: `c${id}` })) }
        const id = (JSON.parse(request.form['filter_by_cohort'] ?? '{}') as { id: number }).id
        if (id === 2) return { status: 400, body: { error: 'no such cohort' } }
        return { body: { page: 0, page_size: 1000, session_id: 's', results: [{ $distinct_id: 'u' }] } }
      },
      { cohort_ids: '2, 3' },
    )
    const members = resource('cohort_members')
    const { rows } = await readAll(members, context, {})
    expect(rows.map(members.externalId)).toEqual(['3:u'])
    expect(asked).toHaveLength(4)
  })
})

describe('rotating the service account', () => {
  const path = '/api/app/organizations/5000001/service-accounts'
  it('makes a new one beside the old, after what an earlier try left, and retires the old by its name', async () => {
    const accounts = [{ id: 7, username: settings['username'] ?? '' }]
    let made = 0
    const { context, asked } = stage.open((request) => {
      if (request.method === 'DELETE') {
        accounts.splice(
          accounts.findIndex(({ id }) => request.path.endsWith(`/${id}`)),
          1,
        )
        return { body: { status: 'ok' } }
      }
      if (request.method === 'GET') return { body: { status: 'ok', results: accounts } }
      const { username } = request.body as { username: string }
      const account = { id: 8 + made++, username: `${username}.ffffff.mp-service-account` }
      accounts.push(account)
      return { status: 201, body: { status: 'ok', results: { ...account, token: 'new-secret-0123456789' } } }
    })
    const rotation = mixpanel.auth[0].rotation
    await rotation?.mint(context, 'attempt-1')
    const minted = await rotation?.mint(context, 'attempt-1')
    expect(accounts.map(({ id }) => id)).toEqual([7, 9])
    expect(minted).toMatchObject({
      secrets: { secret: 'new-secret-0123456789' },
      settings: { service_account_id: '9' },
    })
    expect(asked.find(({ method }) => method === 'POST')).toMatchObject({
      path,
      body: { role: 'admin', projects: [{ id: 3000001, role: 'admin' }] },
    })
    const renewed = { ...context, settings: { ...context.settings, ...minted?.settings } }
    const old = { secrets: {}, settings }
    await rotation?.retire(renewed, old)
    await rotation?.retire(renewed, old)
    expect(accounts.map(({ id }) => id)).toEqual([9])
  })
})

describe('writing profiles', () => {
  const good: Answer = { body: { error: null, status: 1 } }
  it('sets and removes what was given, leaves the last visit alone, and gives the row as it will be read', async () => {
    const { context, asked } = stage.open(() => good)
    const current = { $distinct_id: 'u', $properties: { $email: 'a@b.c', Plan: 'Pro', $last_seen: 'x' } }
    const fields = { $properties: { $email: 'n@b.c', Plan: null } }
    const written = await profiles.write?.update?.(context, 'u', fields, current, 'key')
    expect(written?.row).toEqual({ $distinct_id: 'u', $properties: { $email: 'n@b.c', $last_seen: 'x' } })
    const frame = { $token: settings['project_token'], $distinct_id: 'u', $ignore_time: true }
    expect(asked[0]?.body).toEqual([
      { ...frame, $set: { $email: 'n@b.c' } },
      { ...frame, $unset: ['Plan'] },
    ])
    expect(asked[0]).toMatchObject({ path: '/engage', query: { strict: '1', verbose: '1', ip: '0' } })
    expect(asked[0]?.headers).not.toHaveProperty('content-encoding')
  })

  it('tells each change of a batch its own outcome', async () => {
    const failed = { code: 400, failed_records: [{ index: 1, field: '$set', message: 'bad' }] }
    const known = { $distinct_id: 'd', $properties: { y: 2 } }
    const { context, asked } = stage.open(({ path }) =>
      path === '/api/query/engage'
        ? { body: { page: 0, page_size: 1000, session_id: 's', results: [known] } }
        : { status: 400, body: failed },
    )
    const item = { externalId: '', idempotencyKey: 'k', fields: { $properties: { x: 1 } } }
    const outcomes = await profiles.write?.batch?.write(context, [
      { ...item, operation: 'create', fields: { $distinct_id: 'a', ...item.fields } },
      { ...item, operation: 'create', fields: { $distinct_id: 'b', ...item.fields } },
      { ...item, operation: 'create' },
      { ...item, operation: 'delete', externalId: 'c', fields: {} },
      { ...item, operation: 'update', externalId: 'd' },
      { ...item, operation: 'update', externalId: 'gone' },
    ])
    expect(outcomes).toMatchObject([
      { row: { $distinct_id: 'a' } },
      { code: 'Invalid' },
      { code: 'Invalid' },
      undefined,
      { row: { $distinct_id: 'd', $properties: { x: 1, y: 2 } } },
      { code: 'NotFound' },
    ])
    expect(asked).toHaveLength(2)
  })

  it('takes the 0 of an update that nothing came of for a refusal', async () => {
    const { context } = stage.open(() => ({ text: '0' }))
    const input = { profileId: 'u', set: { Plan: 'Pro' } }
    await expect(action('set_profile').run(context, input, 'k')).rejects.toMatchObject({ code: 'Invalid' })
  })

  it('appends revenue once, however often it is asked to', async () => {
    const transactions: JsonObject[] = []
    const { context } = stage.open((request) => {
      if (request.path === '/api/query/engage')
        return {
          body: {
            page: 0,
            page_size: 1000,
            session_id: 's',
            results: [{ $distinct_id: 'u', $properties: { $transactions: transactions } }],
          },
        }
      const [update] = request.body as { $append: { $transactions: JsonObject } }[]
      if (update) transactions.push(update.$append.$transactions)
      return good
    })
    const input = { profileId: 'u', amount: 29.99, time: '2026-11-01T10:00:00Z' }
    expect(await action('append_revenue').run(context, input, 'k')).toEqual({ appended: true })
    expect(await action('append_revenue').run(context, input, 'k')).toEqual({ appended: false })
    expect(transactions).toMatchObject([{ $amount: 29.99, $time: '2026-11-01T10:00:00.000Z' }])
  })
})

describe('actions', () => {
  it('do not make an annotation twice, and write its time in the project’s zone', async () => {
    const made: JsonObject[] = []
    const { context } = stage.open(
      (request) => {
        if (request.method === 'GET') return { body: { status: 'ok', results: made } }
        made.push({ id: made.length + 1, ...(request.body as JsonObject) })
        return { status: 201, body: { status: 'ok', results: made.at(-1) } }
      },
      { project_timezone: 'America/New_York' },
    )
    const input = { at: '2026-11-23T20:00:00Z', text: 'Release' }
    expect(await action('create_annotation').run(context, input, 'k')).toEqual({ id: '1', created: true })
    expect(await action('create_annotation').run(context, input, 'k')).toEqual({ id: '1', created: false })
    expect(made).toEqual([{ id: 1, date: '2026-11-23 15:00:00', description: 'Release' }])
  })

  it('launch an experiment that is no longer a draft no second time', async () => {
    let status = 'draft'
    const { context, asked } = stage.open((request) => {
      if (request.method === 'PUT') status = 'active'
      return { body: { status: 'ok', results: { id: 'x', name: 'n', status } } }
    })
    for (const key of ['a', 'b'])
      expect(await action('launch_experiment').run(context, { experimentId: 'x' }, key)).toMatchObject({
        status: 'active',
      })
    expect(asked.map(({ method }) => method)).toEqual(['GET', 'PUT', 'GET'])
    expect(asked[1]?.path).toBe('/api/app/workspaces/4000001/experiments/x/launch')
  })

  it('ask for the erasure of people and tell how it stands', async () => {
    const { context, asked } = stage.open((request) =>
      request.method === 'POST'
        ? { status: 201, body: { status: 'ok', results: { task_id: 't1' } } }
        : {
            body: {
              status: 'ok',
              results: { status: 'PENDING', date_requested: '2026-11-23', distinct_ids: ['u'] },
            },
          },
    )
    expect(await action('erase_user').run(context, { profileIds: ['u'] }, 'k')).toEqual({ trackingId: 't1' })
    expect(asked[0]).toMatchObject({
      path: '/api/app/data-deletions/v3.0',
      body: { distinct_ids: ['u'], compliance_type: 'GDPR' },
    })
    expect(await report('erasure_status').run(context, { trackingId: 't1' })).toMatchObject({
      status: 'PENDING',
      isOver: false,
      people: 1,
    })
  })
})
