/** Webhooks through the real door into the store: INV-1, INV-2, INV-3. */
import { gzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { getInboxEvent, listInboxEvents } from '../../db/inbox.ts'
import { listChanges } from '../../db/changes.ts'
import { listAudit } from '../../db/audit.ts'
import { hookSources } from '../../providers/registry.ts'
import { feedInReach } from '../harness/feed-in-reach.ts'
import { until } from '../harness/api.ts'
import { startNotesInbox, secret, type NotesInbox } from '../harness/notes-inbox.ts'
import { signed } from '../harness/notes-webhooks.ts'

let hub: NotesInbox
beforeAll(async () => {
  hub = await startNotesInbox()
}, 120_000)
afterAll(() => hub?.close())

let events = 0
const changed = (note: string, more: Record<string, string | Record<string, unknown>> = {}) => ({
  id: `e${++events}`,
  type: 'note.changed',
  note,
  ...more,
})
const put = (id: string, title: string, updatedAt = new Date().toISOString()) =>
  hub.notes.notes.set(id, { id, version: 1, updatedAt, title, body: '', owner: '' })
const db = () => hub.api.database.database.db

describe('a webhook', () => {
  it('is answered when it is stored, and changes the record that it tells of', async () => {
    put('a1', 'First')
    const answer = await hub.post([changed('a1')])
    expect([answer.status, await answer.text()]).toEqual([200, ''])
    const equation = await hub.settled()
    expect(equation).toMatchObject({ waiting: 0, dead: 0 })
    expect((await hub.record('a1'))?.mapped).toMatchObject({ subject: 'First' })
  })

  it('has one effect however often and at once it is delivered (INV-2)', async () => {
    put('a2', 'Once')
    const before = await hub.equation()
    const event = changed('a2')
    const answers = await Promise.all(Array.from({ length: 20 }, () => hub.post([event])))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    const after = await hub.settled()
    expect(after.received - before.received).toBe(20)
    expect(after.duplicates - before.duplicates).toBe(19)
    expect(after.processed - before.processed).toBe(1)
    expect((await hub.record('a2'))?.version).toBe(1)
  })

  it('that comes late never overwrites what is newer (INV-3)', async () => {
    const row = (title: string, updatedAt: string) => ({
      id: 'a3',
      version: 1,
      updatedAt,
      title,
      body: '',
      owner: '',
    })
    const event = (at: string, title: string) => changed('a3', { at, row: row(title, at) })
    await hub.post([event('2026-11-24T10:00:02.000Z', 'new')])
    await hub.settled()
    await hub.post([event('2026-11-24T10:00:01.000Z', 'old'), event('2026-11-24T10:00:00.000Z', 'oldest')])
    await hub.settled()
    expect((await hub.record('a3'))?.mapped).toMatchObject({ subject: 'new' })
    await hub.post([event('2026-11-24T10:00:03.000Z', 'newer'), event('2026-11-24T10:00:02.500Z', 'between')])
    await hub.settled()
    expect((await hub.record('a3'))?.mapped).toMatchObject({ subject: 'newer' })
  })

  it('of a deletion is believed when the provider does not have the object', async () => {
    put('a4', 'Goes')
    await hub.post([changed('a4')])
    await hub.settled()
    hub.notes.notes.delete('a4')
    await hub.post([{ id: `e${++events}`, type: 'note.deleted', note: 'a4' }])
    await hub.settled()
    expect((await hub.record('a4'))?.deletedAt).toEqual(expect.any(String))
  })

  it('of an unknown type is kept and counted; a ping is noted', async () => {
    await hub.post([
      { id: `e${++events}`, type: 'note.admired', note: 'a1' },
      { id: `e${++events}`, type: 'ping', note: '' },
    ])
    await hub.settled()
    const two = await listInboxEvents(db(), { connectionId: hub.connectionId, limit: 2 })
    expect(Object.fromEntries(two.map(({ type, outcome }) => [type, outcome]))).toEqual({
      'note.admired': 'unknown',
      ping: 'noted',
    })
  })

  it('of a connection that only receives is kept, and changes what it carries', async () => {
    const body = { provider: 'notes', name: 'Receives', auth: 'webhooks' }
    const refused = await hub.api.request('POST', '/admin/v1/connections', {
      body: { ...body, secrets: { token: 'good-token' } },
    })
    expect(refused.status).toBe(400)
    const made = await hub.api.request('POST', '/admin/v1/connections', { body })
    expect(made.status).toBe(201)
    const { connectionId } = made.body as { connectionId: string }
    const path = `/admin/v1/connections/${connectionId}`
    const webhooks = await hub.api.request('PUT', `${path}/webhook`, { body: { secrets: { secret } } })
    expect(webhooks.status).toBe(200)
    put('a9', 'Not read')
    const at = '2026-11-24T10:00:00.000Z'
    const row = { id: 'a10', version: 1, updatedAt: at, title: 'Carried', body: '', owner: '' }
    await hub.post([changed('a9'), changed('a10', { at, row })], connectionId)
    await hub.settled(connectionId)
    const two = await listInboxEvents(db(), { connectionId, limit: 2 })
    expect(two.map(({ outcome }) => outcome).sort()).toEqual(['created', 'kept'])
    const settings = await hub.api.request('GET', `${path}/webhook`)
    expect(JSON.stringify(settings.body)).not.toContain('failed')
  })

  it('may bring a further secret, which is in force beside those that are', async () => {
    await hub.post([{ id: `e${++events}`, type: 'ping', note: '', secret: 'a-further-secret' }])
    await hub.settled()
    put('a11', 'Signed otherwise')
    const body = JSON.stringify({ events: [changed('a11')] })
    const path = `/hooks/notes/${hub.connectionId}`
    expect((await hub.postRaw(path, body, signed(body, 'a-further-secret'))).status).toBe(200)
    expect((await hub.post([changed('a11')])).status).toBe(200)
    await hub.settled()
    expect((await hub.record('a11'))?.mapped).toMatchObject({ subject: 'Signed otherwise' })
  })

  it('may be compressed and chunked, with any characters', async () => {
    put('a5', 'Ünïcødé \u{1f600}')
    const body = JSON.stringify({ events: [changed('a5', { text: 'é\\u0000 \u{1f600} "\\/"' })] })
    const headers = { ...signed(body, secret), 'content-encoding': 'gzip' }
    const answer = await hub.postRaw(`/hooks/notes/${hub.connectionId}`, gzipSync(body), headers)
    expect(answer.status).toBe(200)
    await hub.settled()
    expect((await hub.record('a5'))?.mapped).toMatchObject({ subject: 'Ünïcødé \u{1f600}' })
  })

  it('that cannot be read is a dead letter with its reason, once', async () => {
    const before = await hub.equation()
    const body = '{"events": ['
    for (let times = 0; times < 2; times++)
      expect((await hub.postRaw(`/hooks/notes/${hub.connectionId}`, body, signed(body, secret))).status).toBe(
        200,
      )
    const after = await hub.settled()
    expect([after.dead - before.dead, after.duplicates - before.duplicates]).toEqual([1, 1])
  })
})

it('what a webhook tells is what happened at the provider: listeners to the change feed hear of it', async () => {
  put('a6', 'Heard')
  await hub.post([changed('a6')])
  await hub.settled()
  await feedInReach(db())
  const [change] = (await listChanges(db(), { limit: 10_000 })).reverse()
  expect(change).toMatchObject({ externalId: 'a6', effect: 'created', origin: null, runId: null })
})

describe('the lane', () => {
  it('goes on around an object that cannot be read, which becomes a dead letter of its own', async () => {
    hub.notes.refuseReading('bad')
    put('bad', 'never')
    put('good', 'read')
    await hub.post([changed('bad'), changed('good')])
    await until(
      () => listInboxEvents(db(), { connectionId: hub.connectionId, externalId: 'good', limit: 1 }),
      ([event]) => event?.state === 'processed',
    )
    expect((await hub.record('good'))?.mapped).toMatchObject({ subject: 'read' })
    const [bad] = await listInboxEvents(db(), { connectionId: hub.connectionId, externalId: 'bad', limit: 1 })
    expect(bad).toMatchObject({ state: 'waiting', attempts: 1, failure: { code: 'Invalid' } })

    await sql`update inbox_events set next_at = now() where event_id = ${bad?.eventId}`.execute(db())
    await hub.post([changed('good')])
    await until(
      () => getInboxEvent(db(), bad?.eventId ?? ''),
      (event) => event?.state === 'dead',
    )
    const told = await hub.api.request('GET', '/admin/v1/events?types=webhook.dead_letter')
    expect(told.body).toMatchObject({
      items: [
        { data: { connectionId: hub.connectionId, provider: 'notes', count: 1, inboxEventId: bad?.eventId } },
      ],
    })
    const metrics = await (await fetch(`${hub.api.url}/metrics`)).text()
    expect(metrics).toMatch(/tieline_webhook_events\{provider="notes",state="dead"\} [1-9]/)
  })
})

describe('what is refused', () => {
  const refusals = async () =>
    (await listAudit(db(), { subject: hub.connectionId, limit: 5 })).filter(
      ({ action }) => action === 'webhook.refused',
    )

  it.each([
    [
      'a tampered body',
      (body: string) => ({ body: body.replace('changed', 'chanted'), headers: signed(body, secret) }),
    ],
    ['another secret', (body: string) => ({ body, headers: signed(body, 'other') })],
    ['no signature', (body: string) => ({ body, headers: { 'content-type': 'application/json' } })],
  ])('%s gets 401, an audit entry and changes nothing', async (_what, make) => {
    const before = await hub.equation()
    const { body, headers } = make(JSON.stringify({ events: [changed('a1')] }))
    const answer = await hub.postRaw(`/hooks/notes/${hub.connectionId}`, body, headers)
    expect([answer.status, await answer.text()]).toEqual([401, ''])
    expect(await hub.equation()).toEqual(before)
    const [entry] = await refusals()
    expect(JSON.stringify(entry?.details)).toContain('signature')
  })

  it('says nothing of connections that do not exist', async () => {
    const body = JSON.stringify({ events: [] })
    const path = '/hooks/notes/con_01KATJ00000000000000000000'
    expect((await hub.postRaw(path, body, signed(body, secret))).status).toBe(401)
  })

  it('a body that is too large gets 413, another type 415, a provider that is not there 404, GET 405', async () => {
    const path = `/hooks/notes/${hub.connectionId}`
    const large = JSON.stringify({ events: [changed('x'.repeat(150_000))] })
    expect((await hub.postRaw(path, large, signed(large, secret))).status).toBe(413)
    const bomb = gzipSync(Buffer.alloc(20_000_000))
    const zipped = { ...signed('', secret), 'content-encoding': 'gzip' }
    expect((await hub.postRaw(path, bomb, zipped)).status).toBe(413)
    expect((await hub.postRaw(path, 'x', { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await hub.postRaw('/hooks/nobody', '{}', {})).status).toBe(404)
    expect((await fetch(hub.api.url + path)).status).toBe(405)
  })
})

describe('the pages that say how to set webhooks up', () => {
  it('list every provider that sends some, each with its steps and its secrets', async () => {
    const overview = await (await fetch(`${hub.api.url}/docs/webhooks`)).text()
    const slugs = [...overview.matchAll(/\/docs\/webhooks\/([a-z-]+)"/g)].map(([, slug]) => slug ?? '')
    expect(slugs).toEqual(hookSources.map(({ slug }) => slug))
    for (const { slug, name, webhooks } of hookSources) {
      const page = await (await fetch(`${hub.api.url}/docs/webhooks/${slug}`)).text()
      expect(page).toContain(name)
      expect(page).toContain(`/hooks/${slug}`)
      expect(page).not.toMatch(/\{url\}|\{secret:/)
      for (const secret of webhooks.secrets) expect(page).toContain(`<code>${secret.name}</code>`)
    }
    expect((await fetch(`${hub.api.url}/docs/webhooks/nobody`)).status).toBe(404)
  })
})
