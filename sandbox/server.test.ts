/** The sandbox over HTTP, as curl and the transport see it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { samples } from './samples.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from './server.ts'

const [sample] = samples
if (!sample) throw new Error('there is no sample')
const { provider: slug, secrets, settings } = sample
const { token = '' } = secrets
const size = {
  organizations: 12,
  users: 40,
  tickets: 60,
  comments: 90,
  satisfaction_ratings: 20,
  sections: 3,
  articles: 9,
}
const open: Sandbox[] = []

async function start(options: Partial<SandboxOptions> = {}) {
  const sandbox = await startSandbox({ port: 0, size, ...options })
  open.push(sandbox)
  const call = async (method: string, target: string, body?: object, key = token, headers = {}) => {
    const basic = Buffer.from(`${settings['email'] ?? ''}/token:${key}`).toString('base64')
    const response = await fetch(sandbox.url + target, {
      method,
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/json', ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? (JSON.parse(text) as Body) : {},
    }
  }
  return { sandbox, control: sandbox.control, call }
}
type Body = Record<string, unknown>

afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()))
})

const tickets = `/${slug}/api/v2/incremental/tickets/cursor`

/** Pages through an export to its end; gives rows by id. */
async function exportAll(
  call: Awaited<ReturnType<typeof start>>['call'],
  query = 'start_time=0',
  perPage = 7,
  also = '',
) {
  const rows = new Map<number, Body>()
  let shown = 0
  for (let next = query; ;) {
    const { body, status } = await call('GET', `${tickets}?${next}&per_page=${perPage}${also}`)
    if (status !== 200) throw new Error(`${status}`)
    for (const row of body['tickets'] as Body[]) {
      shown++
      rows.set(Number(row['id']), row)
    }
    next = `cursor=${String(body['after_cursor'])}`
    if (body['end_of_stream'] === true) return { rows, shown, next }
  }
}

describe('an account', () => {
  it('is the same for the same seed, and another for another', async () => {
    const [one, same, other] = [await start(), await start(), await start({ seed: 2 })]
    const now = new Date()
    const fixed = await Promise.all([1, 2].map(() => start({ now: () => now })))
    const [first, second] = fixed.map(({ control }) => control.state(slug, 'tickets'))
    expect(second).toEqual(first)
    const names = ({ control }: typeof one) =>
      Object.values(control.state(slug, 'users')).map((user) => user['name'])
    expect(names(same)).toEqual(names(one))
    expect(names(other)).not.toEqual(names(one))
  })

  it('paged to the end while it is edited, and once more from there, equals its state', async () => {
    const { control, call } = await start({ editEveryReads: 2 })
    const first = await exportAll(call)
    expect(first.shown).toBeGreaterThan(size.tickets)
    control.edit(slug, { create: 3, update: 9, delete: 4, touch: 2 })
    control.settle(slug)
    const second = await exportAll(call, first.next)
    const rows = new Map([...first.rows, ...second.rows])
    const living = [...rows].filter(([, row]) => row['status'] !== 'deleted')
    expect(Object.fromEntries(living)).toEqual(control.state(slug, 'tickets'))
  })

  it('has rows that share a second, also across the border of a page', async () => {
    const { call } = await start()
    const { rows } = await exportAll(call)
    const seconds = [...rows.values()].map((row) => row['generated_timestamp'])
    expect(new Set(seconds).size).toBeLessThan(rows.size)
    expect([...seconds].sort()).toEqual(seconds)
    expect(
      seconds.some((second, index) => index % 7 === 0 && index > 0 && second === seconds[index - 1]),
    ).toBe(true)
  })

  it('shows deletions unless they are excluded', async () => {
    const { control, call } = await start()
    const [gone] = control.edit(slug, { delete: 1 })
    const id = Number(gone?.id)
    expect((await exportAll(call)).rows.get(id)).toMatchObject({ status: 'deleted' })
    expect((await exportAll(call, 'start_time=0', 7, '&exclude_deleted=true')).rows.has(id)).toBe(false)
    expect((await call('GET', `/${slug}/api/v2/tickets/${id}`)).status).toBe(404)
    const { body } = await call('GET', `/${slug}/api/v2/deleted_tickets`)
    expect(body['deleted_tickets']).toEqual([expect.objectContaining({ id })])
  })

  it('tells exactly what an edit changed, and repeats it in another sandbox of the same seed', async () => {
    const [one, other] = [await start(), await start()]
    const before = one.control.state(slug, 'tickets')
    const edits = one.control.edit(slug, { update: 5 })
    const after = one.control.state(slug, 'tickets')
    for (const { id, fields } of edits) {
      const changed = Object.keys(after[id] ?? {}).filter(
        (name) =>
          JSON.stringify(after[id]?.[name]) !== JSON.stringify(before[id]?.[name]) &&
          name !== 'generated_timestamp',
      )
      expect(fields).toEqual(expect.arrayContaining(changed.sort()))
    }
    expect(other.control.edit(slug, { update: 5 })).toEqual(edits)
  })

  it('is found again after a restart, edits and answered keys included, and its cursors still hold', async () => {
    const home = mkdtempSync(path.join(tmpdir(), 'tieline-sandbox-'))
    const ticket = { ticket: { subject: 'Fire', comment: { body: 'Smoke' } } }
    const key = { 'idempotency-key': 'k1' }
    try {
      const one = await start({ home })
      const { next } = await exportAll(one.call)
      const edits = one.control.edit(slug, { create: 2, update: 4, delete: 1 })
      const made = await one.call('POST', `/${slug}/api/v2/tickets`, ticket, token, key)
      const state = one.control.state(slug, 'tickets')
      await one.sandbox.close()
      const two = await start({ home })
      expect(two.control.state(slug, 'tickets')).toEqual(state)
      const again = await two.call('POST', `/${slug}/api/v2/tickets`, ticket, token, key)
      expect(again.body).toEqual(made.body)
      expect(again.headers.get('x-idempotency-lookup')).toBe('hit')
      const { rows } = await exportAll(two.call, next)
      const changed = new Set(edits.map((edit) => Number(edit.id)))
      expect([...rows.keys()].filter((id) => changed.has(id)).length).toBe(changed.size)
      expect(rows.size).toBe(changed.size + 1)
      expect(two.control.edit(slug, { update: 4 })).not.toEqual(edits)
    } finally {
      await Promise.all(open.splice(0).map((sandbox) => sandbox.close()))
      rmSync(home, { recursive: true })
    }
  })
})

describe('the last minute', () => {
  it('rule off: an edit is exported at once, and its start is never too recent', async () => {
    const { control, call } = await start()
    const { next } = await exportAll(call)
    const [edit] = control.edit(slug, { update: 1 })
    expect([...(await exportAll(call, next)).rows.keys()]).toEqual([Number(edit?.id)])
  })

  it('rule real: an edit waits for a minute of the clock; a start within the minute is refused', async () => {
    const { control, call } = await start({ minuteRule: 'real' })
    const { next } = await exportAll(call)
    const [edit] = control.edit(slug, { update: 1 })
    expect((await exportAll(call, next)).rows.size).toBe(0)
    const now = Math.floor(Date.now() / 1000)
    const refused = await call('GET', `${tickets}?start_time=${now}`)
    expect(refused).toMatchObject({ status: 422, body: { error: 'InvalidValue' } })
    await call('POST', '/_sandbox/clock', { advanceMs: 61_000 })
    expect([...(await exportAll(call, next)).rows.keys()]).toEqual([Number(edit?.id)])
  })
})

describe('the front door', () => {
  it('refuses a wrong token, but knows an anonymous user; a replaced token holds at once', async () => {
    const { control, call } = await start()
    expect(await call('GET', tickets, undefined, 'wrong')).toMatchObject({
      status: 401,
      body: { error: "Couldn't authenticate you" },
    })
    const me = await call('GET', `/${slug}/api/v2/users/me`, undefined, 'wrong')
    expect(me).toMatchObject({ status: 200, body: { user: { id: null, role: 'end-user' } } })
    await call('POST', `/_sandbox/${slug}/token`, { token: 'new' })
    expect((await call('GET', `${tickets}?start_time=0`)).status).toBe(401)
    expect((await call('GET', `${tickets}?start_time=0`, undefined, 'new')).status).toBe(200)
    control.setSecrets(slug, {})
    expect((await call('GET', `${tickets}?start_time=0`)).status).toBe(200)
  })

  it('counts calls in the real headers, refuses with Retry-After, and lets in after the window', async () => {
    const { control, call } = await start({ limits: { export: 2, support: 100 } })
    const one = await call('GET', `${tickets}?start_time=0`)
    expect(one.headers.get('x-rate-limit')).toBe('100')
    expect(one.headers.get('x-rate-limit-remaining')).toBe('99')
    expect(one.headers.get('ratelimit-reset')).toBe('60')
    expect(one.headers.get('zendesk-ratelimit-incremental-exports-cursor')).toBe(
      'total=2; remaining=1; resets=60',
    )
    await call('GET', `${tickets}?start_time=0`)
    const over = await call('GET', `${tickets}?start_time=0`)
    expect(over).toMatchObject({ status: 429, body: { error: 'APIRateLimitExceeded' } })
    expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(50)
    expect((await call('GET', `/${slug}/api/v2/tickets/count`)).status).toBe(200)
    control.advance(60_000)
    expect((await call('GET', `${tickets}?start_time=0`)).status).toBe(200)
  })

  it('answers a page of HTML for a subdomain that nobody has, and typed errors for what is not there', async () => {
    const { call } = await start()
    const stranger = { 'x-tieline-origin': 'https://nobody.example' }
    const page = await call('GET', tickets, undefined, token, stranger)
    expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8'])
    expect((await call('GET', `/${slug}/api/v2/nothing`)).body).toMatchObject({ error: 'InvalidEndpoint' })
    expect((await call('GET', `/${slug}/api/v2/tickets/999999`)).body).toMatchObject({
      error: 'RecordNotFound',
    })
    const deep = await call('GET', `/${slug}/api/v2/tickets?page=101&per_page=100`)
    expect(deep).toMatchObject({ status: 400, body: { errors: [{ code: 'InvalidPaginationDepth' }] } })
  })
})

describe('writes', () => {
  it('a key makes one ticket, is refused for another body, and a stale stamp is a conflict', async () => {
    const { call } = await start()
    const at = `/${slug}/api/v2/tickets`
    const ticket = { subject: 'Fire', comment: { body: 'Smoke' } }
    const key = { 'idempotency-key': 'k1' }
    const made = await call('POST', at, { ticket }, token, key)
    expect([made.status, made.headers.get('x-idempotency-lookup')]).toEqual([201, 'miss'])
    const other = await call('POST', at, { ticket: { ...ticket, subject: 'Flood' } }, token, key)
    expect(other).toMatchObject({ status: 400, body: { error: 'IdempotentRequestError' } })
    const { id, updated_at: stamp } = made.body['ticket'] as Body
    const change = (fields: object) => call('PUT', `${at}/${String(id)}`, { ticket: fields })
    expect((await change({ priority: 'high', safe_update: true, updated_stamp: stamp })).status).toBe(200)
    expect(await change({ priority: 'low', safe_update: true, updated_stamp: stamp })).toMatchObject({
      status: 409,
      body: { error: 'UpdateConflict' },
    })
    expect(await change({ status: 'sleeping' })).toMatchObject({
      status: 422,
      body: { error: 'RecordInvalid' },
    })
    await change({ status: 'closed' })
    expect((await change({ status: 'open' })).text).toContain('Status: closed prevents ticket update')
    expect(await call('POST', at, { ticket: { subject: 'x' } })).toMatchObject({ status: 422 })
  })

  it('a ticket takes so many updates in ten minutes', async () => {
    const { control, call } = await start({ limits: { ticket_update: 2 } })
    const made = await call('POST', `/${slug}/api/v2/tickets`, { ticket: { comment: { body: 'a' } } })
    const target = `/${slug}/api/v2/tickets/${String((made.body['ticket'] as Body)['id'])}`
    const statuses: number[] = []
    for (let times = 0; times < 3; times++)
      statuses.push((await call('PUT', target, { ticket: { priority: 'low' } })).status)
    expect(statuses).toEqual([200, 200, 429])
    control.advance(600_000)
    expect((await call('PUT', target, { ticket: { priority: 'high' } })).status).toBe(200)
  })
})

describe('the chaos dial of one provider', () => {
  it('leaves the others alone', async () => {
    const { call, control } = await start({})
    const [own, other] = control.slugs()
    await call('POST', `/_sandbox/${own}/chaos`, { rate5xx: 1 })
    const broken = await call('GET', `/${own}/api/v2/users/me`)
    expect([500, 503]).toContain(broken.status)
    expect((await call('GET', `/${other}/`)).status).toBeLessThan(500)
    expect((await call('GET', `/_sandbox/${own}/chaos`)).body).toMatchObject({ rate5xx: 1 })
    await call('POST', `/_sandbox/${own}/chaos`, { rate5xx: 0 })
    expect((await call('GET', `/${own}/api/v2/users/me`)).status).toBeLessThan(500)
  })
})

describe('the chaos dial', () => {
  /** What a caller sees of a fault. */
  const seen = async (call: Awaited<ReturnType<typeof start>>['call']) => {
    try {
      const { status, text, headers } = await call('GET', `${tickets}?start_time=0&per_page=3`)
      return [status, headers.get('content-type'), text.length]
    } catch {
      return ['cut']
    }
  }

  it('gives the same answers again for the same seed, over HTTP', async () => {
    const now = new Date()
    const settings = {
      seed: 9,
      rate429: 0.2,
      rate5xx: 0.2,
      cutRate: 0.2,
      htmlRate: 0.1,
      driftRate: 0.1,
      dropRate: 0.1,
    }
    const limits = { export: 1000 }
    const rounds: unknown[] = []
    for (let round = 0; round < 2; round++) {
      const { call } = await start({ now: () => now, limits })
      await call('POST', '/_sandbox/chaos', settings)
      const answers: unknown[] = []
      for (let calls = 0; calls < 40; calls++) answers.push(await seen(call))
      rounds.push(answers)
    }
    expect(rounds[1]).toEqual(rounds[0])
    expect(new Set((rounds[0] as unknown[][]).map(([first]) => first))).toEqual(
      new Set([200, 'cut', 429, 500, 503]),
    )
  })

  it('spoils one row of a page: a time that is an object, or no id', async () => {
    const { control, call } = await start()
    const rows = async () =>
      (await call('GET', `${tickets}?start_time=0&per_page=20`)).body['tickets'] as Body[]
    control.chaos({ driftRate: 1 })
    expect((await rows()).filter((row) => typeof row['updated_at'] === 'object')).toHaveLength(1)
    control.chaos({ driftRate: 0, dropRate: 1 })
    expect((await rows()).filter((row) => !('id' in row))).toHaveLength(1)
    control.chaos({ dropRate: 0 })
    expect((await rows()).every((row) => 'id' in row && typeof row['updated_at'] === 'string')).toBe(true)
  })

  it('a write whose answer is cut has happened; one that is refused has not', async () => {
    const { control, call } = await start()
    const post = () => call('POST', `/${slug}/api/v2/tickets`, { ticket: { comment: { body: 'a' } } })
    const count = () => Object.keys(control.state(slug, 'tickets')).length
    control.chaos({ cutRate: 1 })
    await expect(post()).rejects.toThrow()
    expect(count()).toBe(size.tickets + 1)
    control.chaos({ cutRate: 0, rate5xx: 1 })
    expect((await post()).status).toBeGreaterThanOrEqual(500)
    expect(count()).toBe(size.tickets + 1)
  })
})

describe('steering over HTTP', () => {
  it('edits at random and by name, answers the truth, and says what it does not take', async () => {
    const { control, call } = await start()
    const edited = await call('POST', `/_sandbox/${slug}/edits`, { resource: 'users', update: 2, create: 1 })
    expect(edited.body['edits']).toHaveLength(3)
    const one = await call('POST', `/_sandbox/${slug}/edits`, {
      resource: 'tickets',
      id: '5',
      fields: { subject: 'By name' },
    })
    expect(one.body['edits']).toEqual([expect.objectContaining({ id: '5', effect: 'updated' })])
    const state = await call('GET', `/_sandbox/${slug}/state?resource=tickets`)
    expect(state.body['5']).toMatchObject({ subject: 'By name' })
    await call('POST', `/_sandbox/${slug}/edits`, { resource: 'tickets', id: '5', delete: true })
    expect(control.state(slug, 'tickets')).not.toHaveProperty('5')
    for (const [target, body] of [
      [`/_sandbox/${slug}/edits`, { update: -1 }],
      [`/_sandbox/${slug}/edits`, { upsert: 1 }],
      ['/_sandbox/chaos', { rate: 1 }],
      ['/_sandbox/clock', { advanceMs: -5 }],
    ] as const)
      expect((await call('POST', target, body)).status).toBe(400)
    expect((await call('POST', '/_sandbox/nobody/edits', {})).status).toBe(404)
    expect((await call('GET', '/_sandbox/health')).body).toMatchObject({ ok: true })
    expect((await call('GET', '/')).body['providers']).toContain(slug)
  })
})

it('an account of 100,000 tickets answers each of them in pages of 1,000', async () => {
  const { call } = await start({ size: { tickets: 100_000, users: 50_000 }, limits: { export: 1000 } })
  const { rows } = await exportAll(call, 'start_time=0', 1000)
  expect(rows.size).toBe(100_000)
})
