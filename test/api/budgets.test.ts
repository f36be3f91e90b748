/** Budgets of calls through the API and the command line: limit, used, left, when whole again, when used up. */
import { createLimiter } from '../../db/limits.ts'
import { listBudgets } from '../../cli/commands/budgets.ts'
import type { Out } from '../../cli/print.ts'
import type { components } from '../../openapi/types.ts'
import { bucketOf } from '../../providers/contract-limits.ts'
import type { Limits } from '../../providers/contract.ts'
import { adminToken } from '../harness/api.ts'
import { startNotesApi, type NotesApi } from '../harness/notes-api.ts'

type Schemas = components['schemas']

const day = 86_400_000
/** A day, so that nothing comes back while the test runs. */
const limits: Limits = {
  buckets: {
    query: { limit: 60, windowMs: day, scope: 'connection' },
    app: { limit: 1_000, windowMs: day, scope: 'app' },
    idle: { limit: 5, windowMs: 60_000, scope: 'connection' },
  },
  groups: { all: ['app', 'query'], other: ['idle'], also: ['idle'] },
}

let hub: NotesApi

beforeAll(async () => {
  hub = await startNotesApi((provider) => ({ ...provider, limits }))
}, 120_000)

afterAll(() => hub?.close())

async function list(query = ''): Promise<Schemas['Budget'][]> {
  const answer = await hub.get(`/admin/v1/budgets${query}`)
  expect(answer.status).toBe(200)
  return (answer.body as Schemas['BudgetList']).items
}
async function budget(name: string, connectionId: string): Promise<Schemas['Budget']> {
  const found = (await list(`?connectionId=${connectionId}`)).find((one) => one.budget === name)
  if (!found) throw new Error(`no budget "${name}"`)
  return found
}
const report = (connectionId: string) =>
  hub.post(`/admin/v1/connections/${connectionId}/reports/count?fresh=true`, {}, { Prefer: 'wait=20' })
/** The bucket that the transport takes its leases from. */
const bucket = (connectionId: string, name: string) =>
  bucketOf({ slug: 'notes', limits }, { connectionId, settings: {} }, name)
const limiter = () => createLimiter(hub.api.database.database.db)
const fromNow = (time: string | null) => Date.parse(time ?? '') - Date.now()

describe('the budgets of a connection', () => {
  it('are whole where nobody has called, each with the endpoint groups that draw on it', async () => {
    const connectionId = await hub.connect('Idle')
    expect((await list(`?connectionId=${connectionId}`)).map((one) => one.budget)).toEqual([
      'app',
      'idle',
      'query',
    ])
    expect(await budget('idle', connectionId)).toEqual({
      connectionId,
      provider: 'notes',
      name: 'Idle',
      budget: 'idle',
      groups: ['other', 'also'],
      scope: 'connection',
      limit: 5,
      windowSeconds: 60,
      used: 0,
      remaining: 5,
      resetsAt: null,
      blockedUntil: null,
      callsPerHour: 0,
      exhaustedAt: null,
    })
  })

  it('count each call, for the connection alone or for all that share the app', async () => {
    const [one, other] = [await hub.connect('One'), await hub.connect('Other')]
    const before = await budget('query', one)
    const [shared, untouched] = [await budget('app', other), await budget('query', other)]
    expect((await report(one)).body).toMatchObject({ state: 'succeeded', calls: 1 })
    const after = await budget('query', one)
    expect([after.used, after.remaining]).toEqual([before.used + 1, before.remaining - 1])
    expect(after.callsPerHour).toBeGreaterThan(0)
    // A sixtieth of a day for each call that is to come back.
    expect(fromNow(after.resetsAt) / (day / 60)).toBeCloseTo(after.used, 1)
    expect((await budget('app', other)).used).toBe(shared.used + 1)
    expect(await budget('query', other)).toMatchObject({ used: untouched.used })
  })

  it('say when they are used up at the present rate, and that nothing is left when it is', async () => {
    const connectionId = await hub.connect('Busy')
    expect((await budget('query', connectionId)).exhaustedAt).toBeNull()
    const wish = bucket(connectionId, 'query')
    const lease = () => limiter().lease([wish], 'webhook', new Date())
    for (let n = 0; n < 30; n++) expect((await lease()).retryAt).toBeUndefined()
    const busy = await budget('query', connectionId)
    const perDay = busy.callsPerHour * 24 - 60
    expect(fromNow(busy.exhaustedAt) / day).toBeCloseTo(busy.remaining / perDay, 1)
    while ((await lease()).retryAt === undefined);
    expect(await budget('query', connectionId)).toMatchObject({ used: 60, remaining: 0 })
    expect(fromNow((await budget('query', connectionId)).exhaustedAt)).toBeLessThanOrEqual(0)
  })

  it('have nothing left while the provider refuses', async () => {
    const connectionId = await hub.connect('Refused')
    const { key, limit } = bucket(connectionId, 'query')
    const until = new Date(Date.now() + 2 * day)
    await limiter().block(key, until, limit)
    expect(await budget('query', connectionId)).toMatchObject({
      remaining: 0,
      blockedUntil: until.toISOString(),
      resetsAt: until.toISOString(),
    })
  })

  it('have the limit that the provider’s answers taught', async () => {
    const connectionId = await hub.connect('Taught')
    const { key, limit } = bucket(connectionId, 'query')
    await limiter().learn(key, { limit: 100, remaining: 70 }, limit, new Date())
    expect(await budget('query', connectionId)).toMatchObject({ limit: 100, remaining: 70, used: 30 })
  })

  it('are not shown for one that is deleted or never was', async () => {
    const connectionId = await hub.connect('Gone')
    await hub.api.request('DELETE', `/admin/v1/connections/${connectionId}`)
    const gone = await hub.get(`/admin/v1/budgets?connectionId=${connectionId}`)
    expect(gone).toMatchObject({ status: 404, body: { code: 'NoSuchThing' } })
    expect((await list('?limit=200')).map((one) => one.connectionId)).not.toContain(connectionId)
    const bad = await hub.get('/admin/v1/budgets?connectionId=notes')
    expect(bad).toMatchObject({ status: 400, body: { errors: [{ in: 'query', pointer: '/connectionId' }] } })
  })
})

describe('the list of budgets', () => {
  it('goes page by page through all connections, each budget once', async () => {
    const all = await list('?limit=200')
    const names = (some: readonly Schemas['Budget'][]) =>
      some.map((one) => `${one.connectionId} ${one.budget}`)
    expect(all.length).toBeGreaterThan(6)
    const pages: Schemas['Budget'][] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`
      const { items, nextCursor } = (await hub.get(`/admin/v1/budgets?limit=2${query}`))
        .body as Schemas['BudgetList']
      expect(items.length).toBeLessThanOrEqual(2)
      pages.push(...items)
      cursor = nextCursor
    }
    expect(names(pages)).toEqual(names(all))
    expect(names(all)).toEqual([...new Set(names(all))].sort())
  })
})

describe('tieline budgets', () => {
  const plain = (text: string) => text
  const paint = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain }
  async function run(connectionId: string | undefined, json = false) {
    const lines: string[] = []
    const documents: unknown[] = []
    const out: Out = {
      line: (text = '') => void lines.push(text),
      note: () => undefined,
      json: (value) => void documents.push(value),
      isTerminal: false,
      width: 120,
      paint,
    }
    const options = { api: hub.api.url, token: adminToken, limit: '200', ...(json ? { json } : {}) }
    const code = await listBudgets(connectionId, options, out)
    return { code, lines, documents }
  }

  it('shows a line for each budget of a connection, or of all', async () => {
    const connectionId = await hub.connect('Shown')
    const wish = bucket(connectionId, 'query')
    await limiter().block(wish.key, new Date(Date.now() + 10 * 60_000), wish.limit)
    const { code, lines } = await run(connectionId)
    expect(code).toBe(0)
    expect(lines).toHaveLength(4)
    expect(lines[0]).toMatch(
      /^connection +service +budget +used +left +limit +calls\/h +whole again +used up$/,
    )
    expect(lines[1]).toMatch(/ app \(all connections\) .* 1,000 per 24\.0 h /)
    expect(lines[2]).toMatch(/ idle +0 +5 +5 per 60 s +0 +is whole +not at this rate$/)
    expect(lines[3]).toMatch(/ query +60 +0 +60 per 24\.0 h .* in 10 min +now$/)
    expect((await run(undefined)).lines.length).toBeGreaterThan(lines.length)
  })

  it('gives one JSON document, as the API does', async () => {
    const connectionId = await hub.connect('As JSON')
    const { documents, lines } = await run(connectionId, true)
    // Times and rates move on between the two questions.
    const steady = ({ budget: name, groups, limit, used, remaining }: Schemas['Budget']) => ({
      name,
      groups,
      limit,
      used,
      remaining,
    })
    const [shown, ...more] = documents as Schemas['Budget'][][]
    expect([more, lines]).toEqual([[], []])
    expect(shown?.map(steady)).toEqual((await list(`?connectionId=${connectionId}`)).map(steady))
  })

  it('refuses a connection that is not there as bad input', async () => {
    await expect(run('notes')).rejects.toMatchObject({ exitCode: 2 })
  })
})
