/** What callers may ask for, over HTTP, on two processes of the API at once. */
import { sql } from 'kysely'
import { createCallers } from '../../api/callers.ts'
import { createLimits, type ApiLimits } from '../../api/limits/limits.ts'
import { closeServer, createApi } from '../../api/server.ts'
import { freePorts } from '../../cli/up/ports.ts'
import { openCaches, type Caches } from '../../db/caches.ts'
import { ensureAccount, ensurePartner } from '../../db/partners.ts'
import type { LimitOverrides } from '../../model/limits.ts'
import { newId } from '../../platform/new-id.ts'
import { simulators } from '../../sandbox/simulators.ts'
import { startTestApi, until, type ApiAnswer, type TestApi } from '../harness/api.ts'

let api: TestApi
/** A second process: caches and limits of its own. */
let second: { readonly url: string; readonly limits: ApiLimits; close(): Promise<void> }
let ahead = 0
const now = (): number => Date.now() + ahead

beforeAll(async () => {
  api = await startTestApi({
    worker: false,
    deps: ({ caches, log, metrics, hubDatabase }) => ({
      limits: createLimits({ db: hubDatabase.db, caches, log, metrics, now }),
    }),
  })
  second = await startSecond()
}, 120_000)
afterAll(async () => {
  await second?.close()
  await api?.close()
})

async function startSecond(): Promise<typeof second> {
  const { deps, database } = api
  const caches: Caches = openCaches(database.database, database.url)
  const limits = createLimits({ db: database.database.db, caches, log: deps.log, metrics: deps.metrics, now })
  const [port = 0] = await freePorts(1)
  const callers = createCallers(database.database.db, caches)
  const server = await createApi({ ...deps, caches, callers, limits }).listen(port, '127.0.0.1')
  return {
    url: `http://127.0.0.1:${port}`,
    limits,
    close: async () => {
      await closeServer(server, 1_000)
      await limits.close()
      await caches.close()
    },
  }
}

async function partner(overrides: LimitOverrides = {}) {
  const partnerId = newId('partner')
  const accountId = newId('account')
  const { db } = api.database.database
  await ensurePartner(db, { partnerId, name: 'Limited' })
  await ensureAccount(db, { accountId, partnerId, name: 'a' })
  await setLimits(partnerId, overrides)
  return { partnerId, accountId, key: await api.key({ partnerId }) }
}

async function setLimits(partnerId: string, overrides: LimitOverrides): Promise<void> {
  const body = { tier: 'standard', overrides }
  expect(await api.request('PUT', `/admin/v1/partners/${partnerId}/limits`, { body })).toMatchObject({
    status: 200,
  })
}

const me = (token: string) => api.request('GET', '/v1/me', { token })
const onSecond = async (token: string): Promise<number> =>
  (await fetch(`${second.url}/v1/me`, { headers: { Authorization: `Bearer ${token}` } })).status

async function warnings(partnerId: string): Promise<unknown[]> {
  const found = await sql<{ data: unknown }>`
    select data from hub_events where partner_id = ${partnerId} and type = 'quota.warning' order by seq`.execute(
    api.database.database.db,
  )
  return found.rows.map(({ data }) => data)
}

/** RFC 9651: a list of strings with integer parameters. */
const stringItems = /^"[ -~]+?"(;[a-z]+=\d+)+(, "[ -~]+?"(;[a-z]+=\d+)+)*$/

describe('a rate limit', () => {
  it('is told by every answer, as the IETF draft has it', async () => {
    const { key } = await partner({ perCaller: { reads: { burst: 40, sustained: 100 } } })
    const { headers, status } = await me(key.text)
    expect(status).toBe(200)
    const [policy, limit] = [headers.get('ratelimit-policy') ?? '', headers.get('ratelimit') ?? '']
    expect(policy).toMatch(stringItems)
    expect(limit).toMatch(stringItems)
    expect(policy).toBe(
      '"caller-reads-burst";q=40;w=10, "caller-reads-sustained";q=100;w=60, "partner-reads-burst";q=1000;w=10, ' +
        '"partner-reads-sustained";q=3000;w=60, "calls-month";q=1200000',
    )
    expect(limit).toMatch(/^"caller-reads-burst";r=39;t=1, "caller-reads-sustained";r=99;t=1, /)
    expect(limit).toMatch(/"calls-month";r=1199999;t=\d+$/)
  })

  it('that is met is answered 429 with what was met and when to come again; nothing is done', async () => {
    const { key } = await partner({ perCaller: { reads: { burst: 3, sustained: 30 } } })
    const answers = await Promise.all(Array.from({ length: 8 }, () => me(key.text)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3)
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.body).toMatchObject({
      code: 'TooManyRequests',
      detail: expect.stringContaining('3 reads in 10 seconds for this caller') as string,
      limit: { name: 'caller-reads-burst', class: 'reads', scope: 'caller', limit: 3, windowSeconds: 10 },
    })
    const retryAfter = Number(refused?.headers.get('retry-after'))
    expect(retryAfter).toBeGreaterThanOrEqual(1)
    expect(retryAfter).toBeLessThanOrEqual(4)
    expect(refused?.headers.get('ratelimit')).toContain(`"caller-reads-burst";r=0;t=${retryAfter}`)
  })

  it('of a partner holds for its keys together, and not for the partners below it', async () => {
    const { partnerId, key } = await partner({ perPartner: { reads: { burst: 4, sustained: 4 } } })
    const other = await api.key({ partnerId })
    const child = await partner()
    await sql`update partners set parent_id = ${partnerId} where partner_id = ${child.partnerId}`.execute(
      api.database.database.db,
    )
    const answers = await Promise.all([key, other, key, other, key, other].map(({ text }) => me(text)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(4)
    expect(answers.find(({ status }) => status === 429)?.body).toMatchObject({ limit: { scope: 'partner' } })
    expect((await me(child.key.text)).status).toBe(200)
  })

  it('is one for two processes', async () => {
    const { key } = await partner({ perCaller: { reads: { burst: 60, sustained: 60 } } })
    const asks = Array.from({ length: 50 }, async () => [
      (await me(key.text)).status,
      await onSecond(key.text),
    ])
    const from = Date.now()
    const statuses = (await Promise.all(asks)).flat()
    // What the burst refills meanwhile is bounded by the minute's limit, which refills one a second.
    const refilled = Math.ceil((Date.now() - from) / 1000)
    const letIn = statuses.filter((status) => status === 200).length
    expect(letIn).toBeGreaterThanOrEqual(60)
    expect(letIn).toBeLessThanOrEqual(60 + refilled)
  })

  it('that is changed holds on a second process within a second', async () => {
    const { partnerId, key } = await partner()
    expect(await onSecond(key.text)).toBe(200)
    await setLimits(partnerId, { perPartner: { reads: { burst: 1, sustained: 1 } } })
    // Without being told the process would remember the old limit for five minutes: longer than is waited here.
    await until(
      () => onSecond(key.text),
      (status) => status === 429,
    )
    const body = { overrides: { reads: { burst: 2 } } }
    expect(await api.request('PUT', `/admin/v1/keys/${key.keyId}/limits`, { body })).toMatchObject({
      status: 200,
      body: { limits: { reads: { burst: 2 } } },
    })
    await setLimits(partnerId, {})
    await until(
      () => onSecond(key.text),
      (status) => status === 200,
    )
    const policy = await fetch(`${second.url}/v1/me`, { headers: { Authorization: `Bearer ${key.text}` } })
    expect(policy.headers.get('ratelimit-policy')).toContain('"caller-reads-burst";q=2;w=10')
  })

  it('does not hold for the admin token', async () => {
    const { partnerId } = await partner({ perPartner: { reads: { burst: 1, sustained: 1 } } })
    const headers = { 'Tieline-Partner': partnerId }
    for (let n = 0; n < 3; n++) {
      const answer = await api.request('GET', '/v1/limits', { headers })
      expect(answer).toMatchObject({ status: 200, body: { tier: 'standard', limits: [] } })
      expect(answer.headers.get('ratelimit')).toBeNull()
    }
  })
})

describe('a quota of calls', () => {
  it('warns at 80 and 100 per cent once each, refuses at its hard limit, and begins anew with the month', async () => {
    const { partnerId, key } = await partner({ quotas: { calls: { soft: 10, hard: 12 } } })
    const statuses: number[] = []
    const ask = async (times: number): Promise<ApiAnswer | undefined> => {
      let last: ApiAnswer | undefined
      for (let n = 0; n < times; n++) {
        last = await me(key.text)
        statuses.push(last.status)
      }
      await api.deps.limits.book.flush()
      return last
    }
    await ask(7)
    expect(await warnings(partnerId)).toEqual([])
    await ask(1)
    await ask(1)
    expect(await warnings(partnerId)).toMatchObject([{ quota: 'calls', percent: 80, used: 8, soft: 10 }])
    const refused = await ask(6)
    expect(await warnings(partnerId)).toMatchObject([{ percent: 80 }, { percent: 100, used: 12 }])
    expect(statuses).toEqual([...Array<number>(12).fill(200), 429, 429, 429])
    expect(refused?.body).toMatchObject({
      code: 'TooManyRequests',
      quota: {
        quota: 'calls',
        hard: 12,
        used: 12,
        resetsAt: expect.stringMatching(/-01T00:00:00.000Z$/) as string,
      },
    })
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)

    const resetsAt = Date.parse((refused?.body as { quota: { resetsAt: string } }).quota.resetsAt)
    ahead = resetsAt - Date.now() - 60_000
    expect((await me(key.text)).status).toBe(429)
    ahead += 60_000
    expect((await me(key.text)).status).toBe(200)
    await api.deps.limits.book.flush()
    ahead = 0
    expect(await warnings(partnerId)).toHaveLength(2)
  })

  it('that was raised holds at once; two processes count together', async () => {
    const { partnerId, key } = await partner({ quotas: { calls: { soft: 2, hard: 2 } } })
    expect((await me(key.text)).status).toBe(200)
    await api.deps.limits.book.flush()
    expect(await onSecond(key.text)).toBe(200)
    expect(await onSecond(key.text)).toBe(429)
    await setLimits(partnerId, { quotas: { calls: { soft: 3, hard: 3 } } })
    await until(
      () => onSecond(key.text),
      (status) => status === 200,
    )
    await second.limits.book.flush()
    expect(await onSecond(key.text)).toBe(429)
    const used = await sql<{
      used: number
    }>`select used from quota_usage where partner_id = ${partnerId}`.execute(api.database.database.db)
    expect(used.rows).toEqual([{ used: 3 }])
  })
})

describe('quotas of connections and records', () => {
  it('of connections refuses one too many with a clear text, and warns', async () => {
    const { partnerId, accountId } = await partner({ quotas: { connections: { soft: null, hard: 2 } } })
    const [simulator] = simulators
    if (!simulator) throw new Error('the sandbox is empty')
    const { provider, settings, secrets } = simulator.sample
    const make = () =>
      api.request('POST', '/admin/v1/connections', { body: { provider, accountId, settings, secrets } })
    const made = await Promise.all([make(), make(), make(), make()])
    expect(made.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409])
    expect(await make()).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('this partner has 2 of 2') as string },
    })
    const session = { provider, accountId }
    expect(await api.request('POST', '/admin/v1/connect-sessions', { body: session })).toMatchObject({
      status: 409,
    })
    // Told of 2 of 2 at once: both levels.
    expect(await warnings(partnerId)).toMatchObject([{ quota: 'connections', percent: 80 }, { percent: 100 }])
  })

  it('of records counts each change in the store once, and warns', async () => {
    const { partnerId, accountId, key } = await partner({ quotas: { records: { soft: 5, hard: 6 } } })
    const { db } = api.database.database
    const change = (effect: string, times: number) =>
      sql`
      insert into changes (partner_id, account_id, connection_id, resource, external_id, model, effect, version)
      select ${partnerId}, ${accountId}, 'con_x', 'tickets', n::text, 'ticket', ${effect}, 1 from generate_series(1, ${times}::int) n`.execute(
        db,
      )
    await change('created', 4)
    await change('remapped', 10)
    const used = async () => {
      await Promise.all([api.deps.limits.care(), second.limits.care()])
      const { body } = await api.request('GET', '/v1/limits', { token: key.text })
      return (body as { quotas: { quota: string; used: number }[] }).quotas.find(
        ({ quota }) => quota === 'records',
      )?.used
    }
    await until(used, (n) => n === 4)
    await change('updated', 2)
    await until(used, (n) => n === 6)
    expect(await warnings(partnerId)).toMatchObject([
      { quota: 'records', percent: 80 },
      { percent: 100, used: 6 },
    ])
    const usage = await api.request('GET', '/v1/usage?groupBy=account', { token: key.text })
    expect((usage.body as { items: unknown[] }).items).toContainEqual(
      expect.objectContaining({ group: accountId, recordsChanged: 6 }),
    )
  })
})

describe('usage', () => {
  it('is told by operation, key, account and day; others see nothing of it', async () => {
    const { partnerId, accountId, key } = await partner({ perCaller: { writes: { burst: 1, sustained: 1 } } })
    const other = await partner()
    const ask = (path: string) => api.request('GET', path, { token: key.text })
    await ask('/v1/me')
    await ask('/v1/me')
    await ask(`/v1/connections/${newId('connection')}`)
    await ask(`/v1/connections?accountId=${accountId}`)
    await ask(`/v1/connections?accountId=${other.accountId}`)
    const by = async (query: string, token = key.text) => {
      await api.deps.limits.book.flush()
      const { body } = await api.request('GET', `/v1/usage?${query}`, { token })
      return (body as { items: { group: string; calls: number }[] }).items
    }
    // An answer is noted when it has left.
    await until(
      () => by('groupBy=operation'),
      (items) => items.some(({ group, calls }) => group === 'listOwnConnections' && calls === 2),
    )
    expect(await by('groupBy=operation&operation=getOwnConnection')).toMatchObject([
      { group: 'getOwnConnection', calls: 1, errors: 1, refused: 0, recordsChanged: null },
    ])
    expect(await by('groupBy=key&operation=getCaller')).toMatchObject([
      { group: key.keyId, calls: 2, errors: 0 },
    ])
    const accounts = (await by('groupBy=account')).map(({ group }) => group)
    expect(accounts).toContain(accountId)
    expect(accounts).not.toContain(other.accountId)
    const [today] = await by('')
    expect(today?.group).toBe(new Date().toISOString().slice(0, 10))
    expect(await by('groupBy=key', other.key.text)).not.toContainEqual(
      expect.objectContaining({ group: key.keyId }),
    )
    const all = await api.request('GET', `/admin/v1/usage?groupBy=partner&partnerId=${partnerId}`)
    expect(all.body).toMatchObject({ items: [{ group: partnerId }] })
    const page = await api.request('GET', '/admin/v1/usage?groupBy=partner&limit=1')
    const { nextCursor } = page.body as { nextCursor: string }
    const next = await api.request('GET', `/admin/v1/usage?groupBy=partner&limit=1&cursor=${nextCursor}`)
    expect(next.status).toBe(200)
    expect(next.body).not.toEqual(page.body)
  })

  it('refuses a time that is none', async () => {
    for (const query of ['from=2026-02-02&to=2026-01-01', 'from=2000-01-01&to=2026-01-01', 'from=yesterday'])
      expect(await api.request('GET', `/admin/v1/usage?${query}`)).toMatchObject({
        status: 400,
        body: { errors: [{ pointer: '/from' }] },
      })
  })
})
