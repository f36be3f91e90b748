/** The Zendesk connector through the real transport against the sandbox, which was written from the documentation alone. */
import { systemClock } from '../../platform/clock.ts'
import { createMetrics } from '../../platform/metrics.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Resource, Row } from '../../providers/contract.ts'
import type { Limiter } from '../../providers/http/session.ts'
import { createTransport } from '../../providers/http/transport.ts'
import { findProvider } from '../../providers/registry.ts'
import { samples } from '../../sandbox/samples.ts'
import { startSandbox, type Sandbox } from '../../sandbox/server.ts'

const slug = 'zendesk'
const size = {
  organizations: 30,
  users: 2500,
  tickets: 2100,
  comments: 1500,
  satisfaction_ratings: 120,
  sections: 5,
  articles: 40,
}
const found = findProvider(slug)
const sample = samples.find((one) => one.provider === slug)
if (!found || !sample) throw new Error('Zendesk is missing')
const provider = found
const { settings, secrets } = sample
/** Grants everything: this file is about what is asked and answered, not about how often. */
const limiter: Limiter = {
  lease: async () => ({ retryAt: undefined }),
  learn: async () => undefined,
  block: async () => undefined,
}

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({
    port: 0,
    seed: 7,
    size,
    limits: { support: 1e6, export: 1e6, help_center: 1e6 },
  })
})
afterAll(() => sandbox.close())

function open(token = secrets['token'] ?? '') {
  const transport = createTransport({
    originMap: sandbox.originMap,
    limiter,
    metrics: createMetrics(),
    clock: systemClock,
  })
  const credential = { generation: 1, secrets: { ...secrets, token } }
  return transport.open({
    provider,
    auth: provider.auth[0],
    connectionId: 'con_test',
    settings,
    credential: { current: async () => credential, renew: async () => undefined },
    priority: 'interactive',
  })
}

function resource(name: string): Resource {
  const one = provider.resources.find((each) => each.name === name)
  if (!one) throw new Error(`no resource ${name}`)
  return one
}

async function act(name: string, input: JsonObject, key: string): Promise<JsonObject> {
  const action = provider.actions.find((each) => each.name === name)
  if (!action) throw new Error(`no action ${name}`)
  return action.run(open(), input, key)
}

/** Reads to the end; gives what is alive by id and where the next read begins. */
async function read(name: string, from = resource(name).start({ settings, now: () => new Date() })) {
  const of = resource(name)
  const rows = new Map<string, Row>()
  const deleted = new Set<string>()
  let position = from
  for (let page = 0; page < 200; page++) {
    const answer = await of.readPage(open(), position)
    position = answer.next
    for (const row of answer.rows) {
      if (of.isDeleted?.(row)) deleted.add(of.externalId(row))
      else rows.set(of.externalId(row), row)
    }
    if (answer.done) return { rows, deleted, position }
  }
  throw new Error(`${name} does not end`)
}

/** An id of an answer, number or text, as text. */
const textOf = (id: unknown): string => (typeof id === 'number' || typeof id === 'string' ? String(id) : '')

const idsOf = (name: string) => Object.keys(sandbox.control.state(slug, name)).sort()

describe('against the sandbox', () => {
  it.each(Object.keys(size))('reads all %s, and then only what changed', async (name) => {
    const first = await read(name)
    expect([...first.rows.keys()].sort()).toEqual(idsOf(name))
    if (!resource(name).incremental || name === 'satisfaction_ratings') return
    const edits = sandbox.control.edit(slug, {
      resource: name,
      update: name === 'comments' ? 0 : 5,
      create: 2,
    })
    const second = await read(name, first.position)
    for (const edit of edits) expect([...second.rows.keys()]).toContain(edit.id)
    expect(second.rows.size).toBeLessThan(40)
  })

  it('is told of deleted tickets and users, and finds deleted articles gone when it asks again', async () => {
    for (const name of ['tickets', 'users']) {
      const { position } = await read(name)
      const edits = sandbox.control.edit(slug, { resource: name, delete: 3 })
      const { deleted } = await read(name, position)
      for (const { id } of edits) expect([...deleted]).toContain(id)
    }
    const [gone] = sandbox.control.edit(slug, { resource: 'articles', delete: 1 })
    const kept = idsOf('articles').slice(0, 3)
    const again = await resource('articles').getMany?.(open(), [...kept, gone?.id ?? ''])
    expect(again?.rows.map(resource('articles').externalId).sort()).toEqual(kept)
  })

  it('has no CSAT survey there: that resource is empty, not broken', async () => {
    expect((await read('survey_responses')).rows.size).toBe(0)
  })

  it('counts as the provider counts', async () => {
    for (const name of ['organizations', 'users', 'tickets']) {
      expect(await resource(name).count?.(open())).toBe(idsOf(name).length)
    }
  })

  it('proves an admin, and does not take the anonymous user for one', async () => {
    expect((await provider.health.check(open())).facts).toMatchObject({ role: 'admin', legacyCsat: true })
    await expect(provider.health.check(open('a-token-of-somebody-else'))).rejects.toMatchObject({
      code: 'Unauthorized',
    })
  })

  it('makes one ticket and one comment however often it is asked', async () => {
    const input = {
      subject: 'Fire',
      body: 'Smoke',
      requester: { name: 'Ana Silva', email: 'ana@fire.example' },
    }
    const made = await act('create_ticket', input, 'op_a')
    const again = await act('create_ticket', input, 'op_a')
    expect(again).toMatchObject({ ticketId: made['ticketId'], isRepeated: true })
    const ticketId = textOf(made['ticketId'])
    const comment = await act('add_comment', { ticketId, body: 'Calm' }, 'op_b')
    expect(await act('add_comment', { ticketId, body: 'Calm' }, 'op_b')).toMatchObject({
      commentId: comment['commentId'],
      isRepeated: true,
    })
    const bodies = Object.values(sandbox.control.state(slug, 'comments')).filter(
      (one) => textOf(one['ticket_id']) === ticketId,
    )
    expect(bodies.map((one) => one['body']).sort()).toEqual(['Calm', 'Smoke'])
  })

  it('moves a status, and says why a closed ticket stays', async () => {
    const { ticketId = '' } = await act('create_ticket', { subject: 'Status', body: 'x' }, 'op_c')
    expect(await act('update_status', { ticketId, status: 'solved' }, 'op_d')).toMatchObject({
      isChanged: true,
    })
    expect(await act('update_status', { ticketId, status: 'solved' }, 'op_d')).toMatchObject({
      isChanged: false,
    })
    await act('update_status', { ticketId, status: 'closed' }, 'op_e')
    await expect(act('update_status', { ticketId, status: 'open' }, 'op_f')).rejects.toMatchObject({
      code: 'Conflict',
    })
    await expect(act('add_comment', { ticketId, body: 'late' }, 'op_g')).rejects.toMatchObject({
      code: 'Conflict',
    })
  })

  it('replaces the address of a user, whose old one is free then', async () => {
    const { write, externalId } = resource('users')
    const made =
      (await write?.create?.(open(), { name: 'Finn', email: 'finn@fire.example' }, 'wrt_a'))?.row ?? {}
    const id = externalId(made)
    const moved = await write?.update?.(open(), id, { email: 'finn@ice.example' }, made, 'wrt_b')
    expect(moved?.row).toMatchObject({ email: 'finn@ice.example', name: 'Finn' })
    const other = await write?.create?.(open(), { name: 'Finn II', email: 'finn@fire.example' }, 'wrt_c')
    expect(externalId(other?.row ?? {})).not.toBe(id)
    const third = write?.create?.(open(), { name: 'Finn III', email: 'finn@ice.example' }, 'wrt_d')
    await expect(third).rejects.toMatchObject({ code: 'Invalid', fields: [{ pointer: '/email' }] })
  })

  it('creates and then updates one user and one article', async () => {
    const user = { name: 'Bea', email: 'bea@fire.example' }
    const bea = await act('create_or_update_user', user, 'op_h')
    expect(bea).toMatchObject({ isCreated: true })
    expect(await act('create_or_update_user', { ...user, name: 'Beatriz' }, 'op_i')).toEqual({
      ...bea,
      isCreated: false,
    })
    const [sectionId = ''] = idsOf('sections')
    const article = {
      sectionId,
      locale: 'en-us',
      title: 'Fire drill',
      bodyHtml: '<p>Run</p>',
      permissionGroupId: '6',
    }
    const drill = await act('create_or_update_article', article, 'op_j')
    const walk = await act('create_or_update_article', { ...article, bodyHtml: '<p>Walk</p>' }, 'op_k')
    expect(walk).toEqual({ ...drill, isCreated: false })
    expect(sandbox.control.state(slug, 'articles')[textOf(drill['articleId'])]).toMatchObject({
      body: '<p>Walk</p>',
    })
  })

  it('summarises the satisfaction that the account holds', async () => {
    const report = provider.reports.find((each) => each.name === 'satisfaction')
    const span = { from: '2000-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' }
    const summary = (await report?.run(open(), span)) ?? {}
    const ratings = Object.values(sandbox.control.state(slug, 'satisfaction_ratings'))
    const good = ratings.filter((one) => one['score'] === 'good').length
    const bad = ratings.filter((one) => one['score'] === 'bad').length
    expect(summary).toMatchObject({ variant: 'legacy', good, bad })
    expect(good + bad).toBeGreaterThan(0)
  })
})
