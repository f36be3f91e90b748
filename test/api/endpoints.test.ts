/** Endpoints, deliveries and events as a caller of the API sees them, with the worker, Temporal and a receiver at work. */
import { createPublicKey, verify } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { compileSchema } from '../../api/validation.ts'
import { description } from '../../api/description.ts'
import { ensurePartner } from '../../db/partners.ts'
import { eventCatalogue } from '../../model/events.ts'
import type { JsonSchema } from '../../model/json.ts'
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { until, type ApiAnswer } from '../harness/api.ts'
import { feedInReach } from '../harness/feed-in-reach.ts'
import { startNotesApi, type NotesApi } from '../harness/notes-api.ts'
import { startReceiver, type Receiver } from '../harness/receiver.ts'

type Schemas = components['schemas']
type Problem = Schemas['Problem']
type List<T> = { items: T[]; nextCursor: string | null }

let test: NotesApi
let receiver: Receiver
beforeAll(async () => {
  test = await startNotesApi()
  receiver = await startReceiver()
}, 120_000)
beforeEach(() => {
  receiver.answer()
  receiver.received.length = 0
})
afterEach(async () => {
  const { items } = await read<List<Schemas['Endpoint']>>('/admin/v1/endpoints?limit=200')
  for (const { endpointId } of items) await test.api.request('DELETE', `/admin/v1/endpoints/${endpointId}`)
})
afterAll(async () => {
  await test.close()
  await receiver.close()
})

async function read<T>(path: string): Promise<T> {
  const answer = await test.get(path)
  if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer.body)}`)
  return answer.body as T
}
const send = (method: string, path: string, body?: unknown, headers = {}): Promise<ApiAnswer> =>
  test.api.request(method, path, { headers, ...(body === undefined ? {} : { body }) })

async function make(wish: Partial<Schemas['NewEndpoint']> = {}): Promise<Schemas['EndpointWithSecret']> {
  const answer = await send('POST', '/admin/v1/endpoints', { url: receiver.url, eventTypes: ['*'], ...wish })
  expect([answer.status, answer.body]).toMatchObject([201, {}])
  return answer.body as Schemas['EndpointWithSecret']
}
const deliveries = (query: string) => read<List<Schemas['Delivery']>>(`/admin/v1/deliveries?${query}`)
const auditOf = async (subject: string) =>
  (await read<List<{ action: string; actor: string }>>(`/admin/v1/audit?subject=${subject}`)).items

/** A note that the provider has, synced: an event. */
let notes = 0
async function happen(): Promise<string> {
  const id = `note-${++notes}`
  test.notes.notes.set(id, {
    ...{ id, version: 1, updatedAt: new Date().toISOString(), title: id, body: '', owner: '' },
  })
  await test.sync()
  return id
}
const arrived = (count: number) =>
  until(
    async () => receiver.received,
    (received) => received.length >= count,
  )

describe('an endpoint', () => {
  it('is sent what happens from then on: woken by the dispatcher, signed, each event once, in the order of the stream', async () => {
    const { endpoint, secret } = await make({ ordered: true })
    expect(endpoint).toMatchObject({ state: 'active', maxConcurrency: 1, signing: 'hmac', failuresInRow: 0 })
    const first = await happen()
    await arrived(2)
    const second = await happen()
    await arrived(4)
    const events = receiver.received.map(({ event }) => event)
    for (const { body, headers } of receiver.received)
      expect(new Webhook(secret).verify(body, headers)).toMatchObject({ id: headers['webhook-id'] })
    const told = events.filter(({ type }) => type.endsWith('.created'))
    expect(told.map(({ data }) => (data as { externalId: string }).externalId)).toEqual([first, second])
    expect(events.filter(({ type }) => type === 'sync.succeeded')).toHaveLength(2)
    const listed = await read<Schemas['EventList']>('/admin/v1/events?limit=200')
    const ids = listed.items.map(({ id }) => id)
    expect(ids.filter((id) => events.some((event) => event.id === id))).toEqual(events.map(({ id }) => id))
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
    const log = await until(
      () => deliveries(`endpointId=${endpoint.endpointId}&state=delivered`),
      ({ items }) => items.length === events.length,
    )
    const one = await read<Schemas['DeliveryWithLog']>(`/admin/v1/deliveries/${log.items[0]?.deliveryId}`)
    expect(one.log).toMatchObject([
      { attempt: 1, outcome: 'delivered', answer: { status: 204 }, request: { url: receiver.url } },
    ])
    expect(one.event?.id).toBe(one.delivery.eventId)
  }, 60_000)

  it('can be listed, shown, changed while nobody else does, and deleted; each with an audit entry', async () => {
    const { endpoint } = await make({ description: 'Mine' })
    const place = `/admin/v1/endpoints/${endpoint.endpointId}`
    const shown = await test.get(place)
    expect(shown.headers.get('etag')).toBe('"1"')
    expect((await read<List<Schemas['Endpoint']>>('/admin/v1/endpoints')).items).toEqual([shown.body])
    const change = { eventTypes: ['sync.*'], ratePerSecond: 7 }
    const changed = await send('PATCH', place, change, { 'If-Match': '"1"' })
    expect([changed.status, changed.body]).toMatchObject([
      200,
      { ...change, description: 'Mine', version: 2 },
    ])
    expect((await send('PATCH', place, change, { 'If-Match': '"1"' })).status).toBe(412)
    expect((await send('DELETE', place)).status).toBe(204)
    expect((await test.get(place)).status).toBe(404)
    expect((await send('DELETE', place)).status).toBe(404)
    const actions = (await auditOf(endpoint.endpointId)).map(({ action, actor }) => [actor, action])
    expect(actions).toEqual([
      ['admin', 'endpoint.deleted'],
      ['admin', 'endpoint.changed'],
      ['admin', 'endpoint.created'],
    ])
  })

  it.each([
    [{ url: 'http://partner.example/' }, '/url', /https/],
    [{ url: 'https://169.254.169.254/latest/meta-data' }, '/url', /private or reserved/],
    [{ url: 'https://[::ffff:10.0.0.1]/' }, '/url', /private or reserved/],
    [{ url: 'https://user:secret@partner.example/' }, '/url', /no user name/],
    [{ url: 'nonsense' }, '/url', /uri/],
    [{ eventTypes: ['ticket.*', 'ticket.exploded'] }, '/eventTypes/1', /no type of event/],
    [{ eventTypes: ['endpoint.test'] }, '/eventTypes/0', /no type of event/],
    [{ eventTypes: [] }, '/eventTypes', /fewer than 1/],
    [{ maxConcurrency: 51 }, '/maxConcurrency', /<= 50/],
    [{ ratePerSecond: 0 }, '/ratePerSecond', />= 1/],
    [{ signing: 'rsa' }, '/signing', /hmac, ed25519/],
    [{ partnerId: newId('partner') }, '/partnerId', /id of a partner/],
    [{ secret: 'mine' }, '/secret', /not known/],
  ])('%j is refused with the field that is wrong, and nothing is made', async (wish, pointer, detail) => {
    const answer = await send('POST', '/admin/v1/endpoints', {
      url: receiver.url,
      eventTypes: ['*'],
      ...wish,
    })
    expect(answer.status).toBe(400)
    expect((answer.body as Problem).errors).toContainEqual({
      ...{ in: 'body', pointer, detail: expect.stringMatching(detail) as string },
    })
    expect((await read<List<unknown>>('/admin/v1/endpoints')).items).toEqual([])
  })

  it('made twice with one idempotency key is one, with the secret that was shown', async () => {
    const body = { url: receiver.url, eventTypes: ['*'] }
    const headers = { 'Idempotency-Key': newId('request') }
    const first = await send('POST', '/admin/v1/endpoints', body, headers)
    const again = await send('POST', '/admin/v1/endpoints', body, headers)
    expect(again.body).toEqual(first.body)
    expect((await read<List<unknown>>('/admin/v1/endpoints')).items).toHaveLength(1)
  })

  it("a partner's endpoint is not sent what is another's, and lists show the partner's own", async () => {
    const partnerId = newId('partner')
    await ensurePartner(test.api.database.database.db, { partnerId, name: 'Another' })
    const { endpoint } = await make({ partnerId })
    const { endpoint: own } = await make()
    await happen()
    await arrived(2)
    await until(
      () => deliveries(`endpointId=${own.endpointId}`),
      ({ items }) => items.length >= 2,
    )
    expect((await deliveries(`endpointId=${endpoint.endpointId}`)).items).toEqual([])
    const listed = await read<List<Schemas['Endpoint']>>(`/admin/v1/endpoints?partnerId=${partnerId}`)
    expect(listed.items.map(({ endpointId }) => endpointId)).toEqual([endpoint.endpointId])
    expect((await read<Schemas['EventList']>(`/admin/v1/events?partnerId=${partnerId}`)).items).toEqual([])
  }, 60_000)
})

describe('the secret', () => {
  it('is shown once; after a rotation both sign until the overlap ends', async () => {
    const { endpoint, secret: old } = await make({ eventTypes: ['sync.*'] })
    const place = `/admin/v1/endpoints/${endpoint.endpointId}`
    expect(JSON.stringify((await test.get(place)).body)).not.toContain(old)
    const rotated = await send('POST', `${place}/rotate`, { overlapSeconds: 3600, signing: 'ed25519' })
    const { secret, endpoint: after } = rotated.body as Schemas['EndpointWithSecret']
    expect(secret).toMatch(/^whpk_/)
    expect(after.secrets).toMatchObject([
      { signing: 'ed25519', publicKey: secret, until: null },
      { signing: 'hmac', publicKey: null, until: expect.any(String) as string },
    ])
    expect((await send('POST', `${place}/test`)).body).toMatchObject({ state: 'delivered' })
    const [webhook] = receiver.received
    const { body = '', headers = {} } = webhook ?? {}
    expect(new Webhook(old).verify(body, headers)).toMatchObject({ type: 'endpoint.test' })
    const x = Buffer.from(secret.slice(5), 'base64').toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    const content = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
    const signature = headers['webhook-signature']?.split(' ').find((one) => one.startsWith('v1a,'))
    expect(verify(null, content, key, Buffer.from(signature?.slice(4) ?? '', 'base64'))).toBe(true)
    await send('POST', `${place}/rotate`, { overlapSeconds: 0 })
    receiver.received.length = 0
    await send('POST', `${place}/test`)
    // The first one's overlap of an hour still runs; the second's has ended at once.
    expect(
      receiver.received[0]?.headers['webhook-signature']?.split(' ').map((one) => one.split(',')[0]),
    ).toEqual(['v1a', 'v1'])
    expect(
      (await auditOf(endpoint.endpointId)).filter(({ action }) => action === 'endpoint.secret_rotated'),
    ).toHaveLength(2)
  }, 60_000)
})

describe('a test event', () => {
  it('is answered with what has come of it, in whatever state the endpoint is', async () => {
    const { endpoint } = await make({ eventTypes: ['sync.failed'] })
    const place = `/admin/v1/endpoints/${endpoint.endpointId}`
    receiver.answer((response) => void response.writeHead(500).end('not yet'))
    const bad = await send('POST', `${place}/test`)
    expect([bad.status, bad.body]).toMatchObject([
      202,
      { state: 'failed', kind: 'test', attempts: 1, lastStatus: 500 },
    ])
    const log = await read<Schemas['DeliveryWithLog']>(bad.headers.get('location') ?? '')
    expect(log.log[0]).toMatchObject({ answer: { status: 500, body: 'not yet' }, outcome: 'given_up' })
    expect((await send('POST', `${place}/disable`)).body).toMatchObject({
      state: 'disabled',
      stateReason: 'By admin.',
    })
    receiver.answer()
    expect((await send('POST', `${place}/test`)).body).toMatchObject({ state: 'delivered', lastStatus: 204 })
    expect((await test.get(place)).body).toMatchObject({ state: 'disabled', failuresInRow: 0 })
  }, 60_000)
})

describe('an endpoint that is disabled', () => {
  it('misses nothing: enabled again it receives what has happened meanwhile', async () => {
    const { endpoint } = await make({ ordered: true, eventTypes: ['ticket.*', 'sync.*'] })
    const place = `/admin/v1/endpoints/${endpoint.endpointId}`
    await send('POST', `${place}/disable`)
    await happen()
    await happen()
    expect(receiver.received).toHaveLength(0)
    expect((await deliveries(`endpointId=${endpoint.endpointId}`)).items).toEqual([])
    const enabled = await send('POST', `${place}/enable`)
    expect(enabled.body).toMatchObject({ state: 'active', stateReason: null })
    await arrived(4)
    expect(receiver.received.filter(({ event }) => event.type === 'sync.succeeded')).toHaveLength(2)
    await feedInReach(test.api.database.database.db)
    const { items } = await read<Schemas['EventList']>('/admin/v1/events?types=endpoint.*&limit=200')
    const own = items.filter(
      ({ data }) => (data as { endpointId?: string }).endpointId === endpoint.endpointId,
    )
    expect(own.map(({ type }) => type)).toEqual(['endpoint.disabled', 'endpoint.enabled'])
  }, 60_000)

  it('by 410 tells so; a replay wants it enabled first', async () => {
    const { endpoint } = await make()
    const place = `/admin/v1/endpoints/${endpoint.endpointId}`
    receiver.answer((response) => void response.writeHead(410).end())
    await happen()
    const gone = await until(
      () => read<Schemas['Endpoint']>(place),
      ({ state }) => state === 'disabled',
    )
    expect(gone.stateReason).toMatch(/410/)
    expect((await auditOf(endpoint.endpointId))[0]).toMatchObject({
      actor: 'deliverEvents',
      action: 'endpoint.disabled',
    })
    const replay = await send('POST', `${place}/replay`, { since: '2026-01-01T00:00:00Z' })
    expect([replay.status, (replay.body as Problem).code]).toEqual([409, 'StateConflict'])
  }, 60_000)
})

describe('replay', () => {
  it('by id, by time and filter, of what was given up; with the ids that the events had', async () => {
    const since = new Date().toISOString()
    const { endpoint } = await make({ eventTypes: ['sync.*'] })
    const place = `/admin/v1/endpoints/${endpoint.endpointId}`
    receiver.answer((response) => void response.writeHead(400, { 'webhook-delivery': 'abort-message' }).end())
    await happen()
    await happen()
    const failed = await until(
      () => deliveries(`endpointId=${endpoint.endpointId}&state=failed`),
      ({ items }) => items.length === 2,
    )
    receiver.answer()
    receiver.received.length = 0
    const [newest] = failed.items
    const one = await send('POST', `/admin/v1/deliveries/${newest?.deliveryId}/replay`)
    expect([one.status, one.body]).toMatchObject([
      202,
      { kind: 'replay', replayOf: newest?.deliveryId, eventId: newest?.eventId },
    ])
    await arrived(1)
    expect(receiver.received[0]?.headers['webhook-id']).toBe(newest?.eventId)
    const byTime = await send('POST', `${place}/replay`, { since })
    expect(byTime.body).toEqual({ replayed: 2, hasMore: false })
    await arrived(3)
    const byId = await send('POST', `${place}/replay`, {
      eventIds: failed.items.map(({ eventId }) => eventId),
    })
    expect(byId.body).toMatchObject({ replayed: 2 })
    await arrived(5)
    const all = await send('POST', `${place}/replay`, {
      since,
      only: 'all',
      types: ['connection.*', 'sync.succeeded'],
    })
    const replayed = (all.body as Schemas['Replayed']).replayed
    expect(replayed).toBe(2)
    await arrived(7)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(2)
    const filtered = await deliveries(
      `endpointId=${endpoint.endpointId}&eventId=${newest?.eventId}&types=sync.*`,
    )
    expect(filtered.items.length).toBe(5)
    expect(
      (await auditOf(endpoint.endpointId)).filter(({ action }) => action === 'endpoint.replayed'),
    ).toHaveLength(4)
  }, 60_000)

  it.each([
    [{ eventIds: ['ev_1_1'] }, '/eventIds/0', /not an event of this partner/],
    [{ eventIds: ['nonsense'] }, '/eventIds/0', /look like ev_/],
    [{ eventIds: ['ev_1_1'], since: '2026-01-01T00:00:00Z' }, '/since', /does not go with/],
    [{ until: '2026-01-01T00:00:00Z' }, '/since', /is needed/],
    [{ since: '2026-01-01T00:00:00Z', types: ['ticket.exploded'] }, '/types/0', /no type/],
  ])('%j is refused', async (body, pointer, detail) => {
    const { endpoint } = await make()
    const answer = await send('POST', `/admin/v1/endpoints/${endpoint.endpointId}/replay`, body)
    expect(answer.status).toBe(400)
    expect((answer.body as Problem).errors).toContainEqual({
      ...{ in: 'body', pointer, detail: expect.stringMatching(detail) as string },
    })
  })
})

describe('the stream of events', () => {
  it('is read by cursor in pages of any size, each event once; the end gives a place to go on from', async () => {
    await happen()
    await feedInReach(test.api.database.database.db)
    const readAll = async (query: string): Promise<string[]> => {
      const ids: string[] = []
      for (let after = ''; ;) {
        const page = await read<Schemas['EventList']>(`/admin/v1/events?${query}${after}`)
        ids.push(...page.items.map(({ id }) => id))
        after = `&after=${page.nextCursor}`
        if (!page.hasMore) return ids
      }
    }
    const whole = await readAll('limit=200')
    expect(whole.length).toBeGreaterThan(5)
    expect(new Set(whole).size).toBe(whole.length)
    expect(await readAll('limit=3')).toEqual(whole)
    const end = await read<Schemas['EventList']>('/admin/v1/events?limit=200')
    const position = `&after=${end.nextCursor}`
    const id = await happen()
    const fresh = await until(
      () => read<Schemas['EventList']>(`/admin/v1/events?limit=200${position}`),
      ({ items }) => items.length >= 2,
    )
    expect(fresh.items.map(({ data }) => (data as { externalId?: string }).externalId)).toContain(id)
    await feedInReach(test.api.database.database.db)
    const some = await readAll('limit=2&types=sync.*')
    const listed = (await read<Schemas['EventList']>('/admin/v1/events?limit=200')).items
    expect(some).toEqual(listed.filter(({ type }) => type.startsWith('sync.')).map((event) => event.id))
  }, 60_000)

  it.each(['types=nonsense', 'after=nonsense', 'type=sync.failed', 'limit=0'])(
    '%s is refused',
    async (query) => {
      const answer = await test.get(`/admin/v1/events?${query}`)
      expect([answer.status, (answer.body as Problem).errors?.length]).toEqual([400, 1])
    },
  )
})

describe('the catalogue', () => {
  it('names every type, each with a schema that its example fits', async () => {
    const { items } = await read<Schemas['EventTypeList']>('/admin/v1/event-types')
    expect(items.map(({ type }) => type)).toEqual(eventCatalogue.map(({ type }) => type))
    const webhooks = description['webhooks'] as unknown as Record<
      string,
      {
        post: {
          requestBody: {
            content: {
              'application/json': { schema: JsonSchema; examples: Record<string, { value: unknown }> }
            }
          }
        }
      }
    >
    const examples = new Map(
      Object.values(webhooks).flatMap(({ post }) => {
        const { schema, examples: shown } = post.requestBody.content['application/json']
        return Object.entries(shown).map(([type, { value }]) => [type, { schema, value }] as const)
      }),
    )
    expect([...examples.keys()].sort()).toEqual(items.map(({ type }) => type).sort())
    for (const [type, { schema, value }] of examples) {
      const name = String(schema['$ref']).replace('#/', 'tieline#/')
      const faults = compileSchema({ $ref: name })(value)
      expect([type, faults]).toEqual([type, []])
      expect(compileSchema({ $ref: name })({ ...(value as object), type: 'nothing' })).not.toEqual([])
    }
  })
})
