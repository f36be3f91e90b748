/** Deliveries to a receiver on this machine that fails in every way that it can: real Postgres, real HTTP, no Temporal. */
import { sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { deliverBatch } from '../../activities/deliver-events.ts'
import { asTenant } from '../../db/client.ts'
import { createConnection, setConnectionState } from '../../db/connections.ts'
import { listAttempts, type Delivery } from '../../db/deliveries.ts'
import { deleteEndpoint, takeEvents, type Endpoint } from '../../db/endpoints.ts'
import { getEvents, scanEvents } from '../../db/events.ts'
import { newId } from '../../platform/new-id.ts'
import { createOutbound } from '../../platform/outbound/post.ts'
import { newSigningSecret } from '../../platform/secrets/webhook-signing.ts'
import {
  deliver,
  deliveriesOf,
  happen,
  idsOf,
  newEndpoint,
  startDeliveryBench,
  toldTo,
  type DeliveryBench,
} from '../harness/delivery-bench.ts'
import { perform } from '../harness/engine.ts'
import { startReceiver, type Receiver } from '../harness/receiver.ts'

let bench: DeliveryBench
let receiver: Receiver
beforeAll(async () => {
  bench = await startDeliveryBench()
  receiver = bench.receiver
})
beforeEach(() => bench.reset())
afterAll(() => bench.close())

const minute = 60_000
const setup = () => bench.setup()
const failWith: DeliveryBench['failWith'] = (...given) => bench.failWith(...given)
const statesOf = (deliveries: readonly Delivery[]) => deliveries.map(({ state }) => state)

describe('an event on its way', () => {
  it('arrives signed, as the specification has it, with the id that the stream has', async () => {
    const { deps, partner, endpoint, happen } = await setup()
    const secret = newSigningSecret('hmac', new Date())
    const one = await endpoint({ secrets: [secret] })
    const [externalId] = await happen(1)
    expect(await deliver(deps, one)).toMatchObject({ state: 'idle', delivered: 1, failed: 0 })
    const [webhook] = receiver.received
    const [event] = (await scanEvents(bench.db, { partnerId: partner.partnerId, types: null, limit: 10 }))
      .events
    const id = `ev_${event?.cursor.transactionId}_${event?.cursor.seq}`
    expect(new Webhook(secret.secret).verify(webhook?.body ?? '', webhook?.headers ?? {})).toMatchObject({
      id,
      type: 'ticket.created',
      ...partner,
      data: { connectionId: 'con_x', resource: 'things', externalId, version: 1, record: null },
    })
    expect(webhook?.headers).toMatchObject({ 'webhook-id': id, 'content-type': 'application/json' })
  })

  it('carries the record as the store has it at that moment', async () => {
    const { deps, partner, endpoint, happen } = await setup()
    const one = await endpoint()
    const [externalId] = await happen(1)
    await sql`
      insert into records (connection_id, resource, external_id, partner_id, account_id, model, raw, mapped, fingerprint, read_at, version)
      values ('con_x', 'things', ${externalId ?? ''}, ${partner.partnerId}, ${partner.accountId}, 'ticket', '{}', '{"id": "7", "subject": "Help"}', '\\x00', now(), 3)
    `.execute(bench.db)
    await deliver(deps, one)
    expect(receiver.received[0]?.event.data).toMatchObject({
      version: 1,
      record: { version: 3, deleted: false, fields: { id: '7', subject: 'Help' } },
    })
  })

  it('is one of those that were asked for; the rest is passed over without a row', async () => {
    const { deps, endpoint, happen } = await setup()
    const one = await endpoint({ eventTypes: ['contact.*', 'invoice.created'] })
    await happen(30, 'ticket')
    const [contact] = await happen(1, 'contact')
    await happen(30, 'ticket')
    const [invoice] = await happen(1, 'invoice')
    await deliver(deps, one)
    expect(idsOf(receiver.received).sort()).toEqual([contact, invoice].sort())
    expect(await deliveriesOf(deps, one)).toHaveLength(2)
  })

  it('is of its own partner only', async () => {
    const mine = await setup()
    const theirs = await setup()
    const one = await mine.endpoint()
    await theirs.happen(5)
    expect(await deliver(mine.deps, one)).toMatchObject({ state: 'idle', delivered: 0 })
  })

  it('what the hub itself tells comes in the same stream, in the transaction of what has happened', async () => {
    const { deps, partner, endpoint } = await setup()
    const { db } = bench
    const one = await endpoint({ eventTypes: ['connection.*'] })
    const connectionId = newId('connection')
    await createConnection(db, {
      connectionId,
      ...partner,
      provider: 'acme',
      auth: 'token',
      name: 'A',
      settings: {},
    })
    await setConnectionState(db, connectionId, 'needs_attention', 'Refused', 'account')
    const rolledBack = db.transaction().execute(async (tx) => {
      await setConnectionState(tx, connectionId, 'paused', null)
      throw new Error('rolled back')
    })
    await expect(rolledBack).rejects.toThrow('rolled back')
    await asTenant(db, partner.partnerId, (tx) => setConnectionState(tx, connectionId, 'active', null))
    await happen(deps, partner, 1)
    await deliver(deps, one)
    expect(receiver.received.map(({ event }) => event.type).sort()).toEqual([
      'connection.created',
      'connection.needs_attention',
      'connection.restored',
    ])
    const attention = receiver.received.find(({ event }) => event.type === 'connection.needs_attention')
    expect(attention?.event.data).toEqual({
      ...{ connectionId, provider: 'acme', name: 'A', state: 'needs_attention' },
      ...{ reason: 'Refused', whoMustAct: 'account' },
    })
  })

  it('a burst makes rows a few at a time, and each event arrives once', async () => {
    const { deps, partner, endpoint, happen } = await setup()
    const one = await endpoint({ maxConcurrency: 20 })
    const ids = await happen(700)
    let most = 0
    receiver.answer((response, _webhook, n) => {
      response.writeHead(204).end()
      if (n % 50 === 0)
        void sql<{
          n: number
        }>`select count(*)::int as n from deliveries where endpoint_id = ${one.endpointId} and state = 'waiting'`
          .execute(bench.db)
          .then(({ rows }) => (most = Math.max(most, rows[0]?.n ?? 0)))
    })
    expect(await deliver(deps, one)).toMatchObject({ state: 'idle', failed: 0 })
    expect(idsOf(receiver.received).sort()).toEqual(ids)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(200)
    expect(await toldTo(deps, partner)).toHaveLength(700)
  })

  it('keeps to as many at once, and as many a second, as the endpoint takes', async () => {
    const { deps, endpoint, happen } = await setup()
    const slow = await startReceiver()
    slow.answer((response) => void setTimeout(() => response.writeHead(204).end(), 60))
    const wide = await newEndpoint(
      deps,
      { partnerId: (await endpoint()).partnerId, accountId: '' },
      slow.url,
      { maxConcurrency: 3 },
    )
    await happen(20)
    await deliver(deps, wide)
    expect([slow.received.length, slow.mostAtOnce()]).toEqual([20, 3])
    await slow.close()
    const paced = await endpoint({ ratePerSecond: 10, maxConcurrency: 10 })
    await happen(8)
    const began = performance.now()
    await deliver(deps, paced)
    expect(receiver.received).toHaveLength(8)
    expect(performance.now() - began).toBeGreaterThan(650)
  })
})

describe('an attempt that fails', () => {
  it('is logged with request and answer, and made again by the schedule with the same id', async () => {
    const { clock, deps, endpoint, happen } = await setup()
    const one = await endpoint()
    await happen(1)
    receiver.answer((response, _webhook, n) =>
      n === 0
        ? void response.writeHead(500, { 'content-type': 'text/plain' }).end('broken\0')
        : void response.writeHead(200).end('fine'),
    )
    const first = await deliver(deps, one)
    expect(first).toMatchObject({ state: 'waiting', failed: 1 })
    const pause = Date.parse(first.until ?? '') - clock.now().getTime()
    expect(pause).toBeGreaterThan(4_000)
    expect(pause).toBeLessThan(6_100)
    clock.advance(6_100)
    expect(await deliver(deps, one)).toMatchObject({ state: 'idle', delivered: 1 })
    const [delivery] = await deliveriesOf(deps, one)
    expect(delivery).toMatchObject({ state: 'delivered', attempts: 2, lastStatus: 200, lastError: null })
    const log = await listAttempts(bench.db, delivery?.deliveryId ?? '')
    expect(log).toMatchObject([
      {
        attempt: 1,
        outcome: 'retry',
        status: 500,
        answerBody: 'broken\ufffd',
        answerHeaders: { 'content-type': 'text/plain' },
      },
      { attempt: 2, outcome: 'delivered', status: 200, answerBody: 'fine', answerTruncated: false },
    ])
    expect(log[0]?.requestHeaders).toMatchObject({ 'webhook-id': delivery?.eventId })
    expect(log[0]?.requestBytes).toBe(Buffer.byteLength(receiver.received[0]?.body ?? ''))
    const [a, b] = receiver.received
    expect(a?.headers['webhook-id']).toBe(b?.headers['webhook-id'])
    expect(Number(b?.headers['webhook-timestamp'])).toBeGreaterThan(Number(a?.headers['webhook-timestamp']))
  })

  it('does not hold up other events, unless they are to come in order', async () => {
    for (const ordered of [false, true]) {
      const { deps, endpoint, happen } = await setup()
      receiver.received.length = 0
      const one = await endpoint({ ordered, maxConcurrency: 1 })
      const ids = await happen(5)
      receiver.answer((response, { event }) => {
        const isBad = (event.data as { externalId: string }).externalId === ids[1]
        response.writeHead(isBad ? 500 : 204).end()
      })
      await deliver(deps, one)
      expect(idsOf(receiver.received)).toEqual(ordered ? ids.slice(0, 2) : ids)
    }
  })

  it('waits as long as Retry-After says, with everything else for that endpoint', async () => {
    const { clock, deps, endpoint, happen } = await setup()
    const one = await endpoint({ maxConcurrency: 1 })
    await happen(3)
    failWith(503, { 'retry-after': '600' })
    const result = await deliver(deps, one)
    expect(receiver.received).toHaveLength(1)
    const pause = Date.parse(result.until ?? '') - clock.now().getTime()
    expect(pause).toBeGreaterThan(595_000)
    expect(pause).toBeLessThanOrEqual(600_000)
    clock.advance(5 * minute)
    await deliver(deps, one)
    expect(receiver.received).toHaveLength(1)
    receiver.answer()
    clock.advance(6 * minute)
    expect(await deliver(deps, one)).toMatchObject({ state: 'idle', delivered: 3 })
  })

  it('abort-message ends that delivery alone', async () => {
    const { deps, endpoint, happen } = await setup()
    const one = await endpoint({ ordered: true })
    await happen(2)
    receiver.answer(
      (response, _webhook, n) =>
        void response
          .writeHead(n === 0 ? 422 : 204, n === 0 ? { 'webhook-delivery': 'abort-message' } : {})
          .end(),
    )
    expect(await deliver(deps, one)).toMatchObject({ state: 'idle', delivered: 1, failed: 1 })
    const [aborted, sent] = await deliveriesOf(deps, one)
    expect(aborted).toMatchObject({
      state: 'failed',
      attempts: 1,
      lastError: 'The receiver asked not to send it again.',
    })
    expect(sent?.state).toBe('delivered')
  })

  it('a redirect is a failure that says what to do; a receiver that hangs is one too', async () => {
    const { deps, endpoint, happen, partner } = await setup()
    failWith(308, { location: 'https://elsewhere.example/' })
    const one = await endpoint()
    await happen(1)
    await deliver(deps, one)
    expect((await deliveriesOf(deps, one))[0]?.lastError).toMatch(/308: redirects are not followed/)
    const impatient = { ...deps, outbound: createOutbound({ allowLoopback: true, timeoutMs: 200 }) }
    receiver.answer(() => undefined)
    const two = await newEndpoint(deps, partner, receiver.url)
    await happen(1)
    await deliver(impatient, two)
    expect((await deliveriesOf(deps, two))[0]).toMatchObject({
      state: 'waiting',
      lastStatus: null,
      lastError: 'No answer came within 0.2 s.',
    })
    await impatient.outbound.close()
  })

  it('in production a receiver on this machine is not sent to, whatever was let in before', async () => {
    const { deps, endpoint, happen } = await setup()
    const strict = { ...deps, outbound: createOutbound({ allowLoopback: false }) }
    const one = await endpoint()
    await happen(1)
    await deliver(strict, one)
    expect(receiver.received).toHaveLength(0)
    expect((await deliveriesOf(deps, one))[0]?.lastError).toMatch(/should begin with https/)
    await strict.outbound.close()
  })

  it('a worker that is told to stop gives the event back at once', async () => {
    const { deps, endpoint, happen } = await setup()
    const one = await endpoint()
    await happen(1)
    const stop = new AbortController()
    receiver.answer((response) => {
      stop.abort()
      setTimeout(() => response.writeHead(204).end(), 200)
    })
    await expect(
      perform(() => deliverBatch(deps, { endpointId: one.endpointId }, stop.signal)),
    ).rejects.toThrow(/abort/)
    expect((await deliveriesOf(deps, one))[0]).toMatchObject({ state: 'waiting', lastStatus: null })
    receiver.answer()
    expect(await deliver(deps, one)).toMatchObject({ state: 'idle', delivered: 1 })
  })

  it('a worker that dies in the middle leaves it due again after a minute; nothing is sent twice at once', async () => {
    const { clock, deps, endpoint, happen } = await setup()
    const one = await endpoint()
    await happen(1)
    let reach: () => void = () => undefined
    const reached = new Promise<void>((resolve) => (reach = resolve))
    const post = (): Promise<never> => {
      reach()
      return new Promise(() => undefined)
    }
    const dying = { ...deps, outbound: { ...deps.outbound, post } }
    // Nothing is written after that, as if it had been killed.
    void deliver(dying, one).catch(() => undefined)
    await reached
    const meanwhile = await deliver(deps, one)
    expect(meanwhile).toMatchObject({ state: 'waiting', delivered: 0 })
    expect(Date.parse(meanwhile.until ?? '') - clock.now().getTime()).toBeGreaterThan(50_000)
    expect(receiver.received).toHaveLength(0)
    clock.advance(minute)
    expect(await deliver(deps, one)).toMatchObject({ state: 'idle', delivered: 1 })
    expect((await deliveriesOf(deps, one))[0]).toMatchObject({ attempts: 2, state: 'delivered' })
    expect(receiver.received).toHaveLength(1)
  })
})

describe('the place in the stream', () => {
  it('moves in the transaction that makes the rows: a rollback loses nothing, two readers make nothing twice', async () => {
    const { deps, partner, endpoint, happen } = await setup()
    const { db } = bench
    const one = await endpoint()
    await happen(40)
    const take = (): Promise<unknown> =>
      asTenant(db, partner.partnerId, (tx) => takeEvents(tx, one.endpointId, { room: 10, now: new Date() }))
    await expect(
      asTenant(db, partner.partnerId, async (tx) => {
        await takeEvents(tx, one.endpointId, { room: 10, now: new Date() })
        throw new Error('rolled back')
      }),
    ).rejects.toThrow('rolled back')
    expect(await deliveriesOf(deps, one)).toHaveLength(0)
    await Promise.all([take(), take(), take(), take(), take()])
    const rows = await deliveriesOf(deps, one)
    expect(rows).toHaveLength(40)
    expect(new Set(rows.map(({ eventId }) => eventId)).size).toBe(40)
  })

  it('a deleted endpoint is sent nothing more, and its secrets are gone', async () => {
    const { deps, endpoint, happen } = await setup()
    const one: Endpoint = await endpoint()
    await happen(2)
    failWith(500)
    await deliver(deps, one)
    receiver.received.length = 0
    expect(await deleteEndpoint(bench.db, one.endpointId)).toBe(true)
    expect(await deliver(deps, one)).toMatchObject({ state: 'stopped' })
    expect(receiver.received).toHaveLength(0)
    expect(statesOf(await deliveriesOf(deps, one))).toEqual(['discarded', 'discarded'])
    const kept = await sql<{
      bytes: number
    }>`select length(sealed_secrets) as bytes from endpoints where endpoint_id = ${one.endpointId}`.execute(
      bench.db,
    )
    expect(kept.rows).toEqual([{ bytes: 0 }])
  })

  it('an event that the store has dropped is told as failed, and not waited for', async () => {
    const { deps, partner, endpoint, happen } = await setup()
    const one = await endpoint({ ordered: true })
    await happen(2)
    await asTenant(bench.db, partner.partnerId, (tx) =>
      takeEvents(tx, one.endpointId, { room: 10, now: deps.clock.now() }),
    )
    const [first] = await deliveriesOf(deps, one)
    await sql`delete from changes where partner_id = ${partner.partnerId} and seq = ${first?.cursor.seq ?? 0}`.execute(
      bench.db,
    )
    await deliver(deps, one)
    expect(statesOf(await deliveriesOf(deps, one))).toEqual(['failed', 'delivered'])
    expect(await getEvents(bench.db, first ? [first.cursor] : [], partner.partnerId)).toEqual([])
  })
})
