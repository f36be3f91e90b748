/** An endpoint that fails for hours, days, a month: given up, probed, served again. */
import { listAudit, verifyAudit } from '../../db/audit.ts'
import { listAttempts, type Delivery } from '../../db/deliveries.ts'
import { setEndpointState } from '../../db/endpoints.ts'
import type { newEndpoint } from '../harness/delivery-bench.ts'
import {
  deliver,
  deliveriesOf,
  endpointNow,
  happen,
  idsOf,
  startDeliveryBench,
  toldTo,
  type DeliveryBench,
} from '../harness/delivery-bench.ts'
import type { Receiver } from '../harness/receiver.ts'

let bench: DeliveryBench
let receiver: Receiver
beforeAll(async () => {
  bench = await startDeliveryBench()
  receiver = bench.receiver
})
beforeEach(() => bench.reset())
afterAll(() => bench.close())

const minute = 60_000
const hour = 60 * minute
const setup = () => bench.setup()
const failWith: DeliveryBench['failWith'] = (...given) => bench.failWith(...given)
const statesOf = (deliveries: readonly Delivery[]) => deliveries.map(({ state }) => state)

describe('an endpoint that fails', () => {
  /** Until it is given up: five failures over more than an hour. */
  async function untilFailing(wish: Parameters<typeof newEndpoint>[3] = {}) {
    const all = await setup()
    const one = await all.endpoint(wish)
    const ids = await all.happen(3)
    failWith(500)
    for (let n = 0; n < 60 && (await endpointNow(all.deps, one)).state === 'active'; n++) {
      const { until } = await deliver(all.deps, one)
      all.clock.advance(Date.parse(until ?? '') - all.clock.now().getTime() + 1)
    }
    return { ...all, one, ids }
  }

  it('is given up after an hour, with notice in the stream and the audit chain', async () => {
    const { deps, partner, one } = await untilFailing()
    const endpoint = await endpointNow(deps, one)
    expect(endpoint.state).toBe('failing')
    expect(endpoint.failuresInRow).toBeGreaterThanOrEqual(5)
    await happen(deps, partner, 1)
    expect(await toldTo(deps, partner)).toContain('endpoint.disabled')
    const { db } = bench
    expect((await listAudit(db, { subject: one.endpointId, limit: 5 }))[0]).toMatchObject({
      action: 'endpoint.failing',
      actor: 'deliverEvents',
    })
    expect(await verifyAudit(db)).toMatchObject({ ok: true })
  })

  it('is then sent nothing but a probe now and then, whatever happens meanwhile', async () => {
    const { clock, deps, one, happen } = await untilFailing()
    await deliver(deps, one)
    receiver.received.length = 0
    await happen(300)
    let hours = 0
    for (; hours < 24; hours++) {
      clock.advance(hour)
      expect((await deliver(deps, one)).state).toBe('waiting')
    }
    expect(receiver.received.length).toBeGreaterThanOrEqual(20)
    expect(receiver.received.length).toBeLessThanOrEqual(24)
    // What waits is in the stream, not in rows.
    expect((await deliveriesOf(deps, one)).length).toBeLessThanOrEqual(210)
  })

  it('is served again, from where it stood, when a probe comes through', async () => {
    for (const ordered of [false, true]) {
      const {
        clock,
        deps,
        partner,
        one,
        ids,
        happen: more,
      } = await untilFailing({ ordered, maxConcurrency: 4 })
      const missed = await more(250)
      receiver.answer()
      receiver.received.length = 0
      clock.advance(hour)
      expect(await deliver(deps, one)).toMatchObject({ state: 'idle' })
      expect((await endpointNow(deps, one)).state).toBe('active')
      const arrived = idsOf(receiver.received).filter((id) => id.startsWith('x'))
      expect(ordered ? arrived : [...arrived].sort()).toEqual([...ids, ...missed])
      await happen(deps, partner, 1)
      expect(await toldTo(deps, partner)).toContain('endpoint.enabled')
    }
  })

  it('an event that alone is refused is given up after ten attempts over three days, and the rest goes on', async () => {
    const { clock, deps, endpoint, happen } = await setup()
    const one = await endpoint()
    const [poison] = await happen(1)
    const began = clock.now().getTime()
    receiver.answer((response, { event }) => {
      const isBad = (event.data as { externalId?: string }).externalId === poison
      response.writeHead(isBad ? 400 : 204).end()
    })
    for (let n = 0; n < 200; n++) {
      await deliver(deps, one)
      const [delivery] = await deliveriesOf(deps, one)
      if (delivery?.state !== 'waiting') break
      clock.advance(30 * minute)
      await happen(1)
    }
    const [delivery, ...rest] = await deliveriesOf(deps, one)
    expect(delivery).toMatchObject({ state: 'failed', attempts: 10, lastStatus: 400 })
    expect((delivery?.endedAt?.getTime() ?? 0) - began).toBeGreaterThan(72 * hour)
    expect(new Set(statesOf(rest))).toEqual(new Set(['delivered']))
    expect((await endpointNow(deps, one)).state).toBe('active')
    const log = await listAttempts(bench.db, delivery?.deliveryId ?? '')
    expect(log.at(-1)?.outcome).toBe('given_up')
  })

  it('an ordered endpoint whose head alone is refused goes on after three days: a harmless event shows that it answers', async () => {
    const { clock, deps, endpoint, happen } = await setup()
    const one = await endpoint({ ordered: true })
    const [poison, ...others] = await happen(4)
    receiver.answer((response, { event }) => {
      const isBad = (event.data as { externalId?: string }).externalId === poison
      response.writeHead(isBad ? 400 : 204).end()
    })
    const began = clock.now().getTime()
    for (let n = 0; n < 400; n++) {
      const { state, until } = await deliver(deps, one)
      if (state === 'idle') break
      clock.advance(Math.max(1, Date.parse(until ?? '') - clock.now().getTime() + 1))
    }
    const days = (clock.now().getTime() - began) / (24 * hour)
    expect(days).toBeGreaterThan(3)
    expect(days).toBeLessThan(4)
    const arrived = receiver.received.filter(
      ({ event }) => (event.data as { externalId?: string }).externalId !== poison,
    )
    expect(arrived[0]?.event.type).toBe('endpoint.test')
    expect(idsOf(arrived.filter(({ event }) => event.type === 'ticket.created'))).toEqual(others)
    expect((await deliveriesOf(deps, one))[0]).toMatchObject({ state: 'failed' })
  })

  it('one that is dead is never given an event up for; after a month it is left to a person, and then gets everything', async () => {
    const { clock, deps, one, ids, happen: more } = await untilFailing({ ordered: true })
    const later = await more(2)
    for (let day = 0; day < 32 && (await endpointNow(deps, one)).state === 'failing'; day++) {
      clock.advance(24 * hour)
      await deliver(deps, one)
    }
    const dead = await endpointNow(deps, one)
    expect(dead).toMatchObject({ state: 'disabled', stateReason: expect.stringMatching(/month/) as string })
    expect(statesOf((await deliveriesOf(deps, one)).filter(({ kind }) => kind === 'event'))).not.toContain(
      'failed',
    )
    receiver.answer()
    receiver.received.length = 0
    expect(await deliver(deps, one)).toMatchObject({ state: 'stopped', delivered: 0 })
    await setEndpointState(bench.db, one.endpointId, {
      state: 'active',
      reason: null,
      probeAt: null,
    })
    clock.advance(25 * hour)
    await deliver(deps, one)
    expect(idsOf(receiver.received).filter((id) => id.startsWith('x'))).toEqual([...ids, ...later])
  })

  it.each([
    ['410', { status: 410, headers: {} }, 'waiting'],
    ['webhook-delivery: disable', { status: 200, headers: { 'webhook-delivery': 'disable' } }, 'delivered'],
  ])('%s switches it off at once; nothing is lost', async (_name, { status, headers }, state) => {
    const { clock, deps, endpoint, happen } = await setup()
    const one = await endpoint({ maxConcurrency: 1 })
    const ids = await happen(3)
    failWith(status, headers)
    expect(await deliver(deps, one)).toMatchObject({ state: 'stopped' })
    expect(receiver.received).toHaveLength(1)
    expect(await endpointNow(deps, one)).toMatchObject({ state: 'disabled' })
    expect((await deliveriesOf(deps, one))[0]?.state).toBe(state)
    receiver.answer()
    const missed = await happen(2)
    await setEndpointState(bench.db, one.endpointId, {
      state: 'active',
      reason: null,
      probeAt: null,
    })
    clock.advance(minute)
    await deliver(deps, one)
    const arrived = new Set(idsOf(receiver.received))
    for (const id of [...ids, ...missed]) expect(arrived).toContain(id)
  })
})
