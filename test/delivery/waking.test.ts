/** Who is woken, who is moved on without being woken, and how a wake that was lost is made good. */
import { MockActivityEnvironment } from '@temporalio/testing'
import { wakeEndpoints } from '../../activities/delivery.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { setEndpointState } from '../../db/endpoints.ts'
import { HubError } from '../../platform/errors.ts'
import {
  deliver,
  deliveriesOf,
  newEndpoint,
  startDeliveryBench,
  type DeliveryBench,
} from '../harness/delivery-bench.ts'

let bench: DeliveryBench
beforeAll(async () => {
  bench = await startDeliveryBench()
})
beforeEach(() => bench.reset())
afterAll(() => bench.close())

/** One look of the dispatcher; answers whom it woke. */
async function look(deps: ActivityDeps, isAway = false): Promise<string[]> {
  const woken: string[] = []
  const wakeEndpoint: ActivityDeps['wakeEndpoint'] = (_client, { endpointId }) => {
    if (isAway) return Promise.reject(new HubError('TemporalUnavailable', 'away'))
    woken.push(endpointId)
    return Promise.resolve()
  }
  const environment = new MockActivityEnvironment({}, { client: bench.client })
  await environment.run(() => wakeEndpoints({ ...deps, wakeEndpoint }))
  return woken
}

/** An endpoint that has nothing to do and rests. */
async function resting(eventTypes: readonly string[] = ['ticket.*']) {
  const all = await bench.setup()
  const one = await all.endpoint({ eventTypes })
  await deliver(all.deps, one)
  return { ...all, one, others: (ids: readonly string[]) => ids.filter((id) => id === one.endpointId) }
}

describe('the dispatcher', () => {
  it('wakes an endpoint once for what has come, its deliveries written down', async () => {
    const { deps, one, happen, others } = await resting()
    expect(others(await look(deps))).toEqual([])
    await happen(3)
    expect(others(await look(deps))).toEqual([one.endpointId])
    expect(await deliveriesOf(deps, one)).toHaveLength(3)
    expect(others(await look(deps))).toEqual([])
    expect(await deliver(deps, one)).toMatchObject({ state: 'idle', delivered: 3 })
  })

  it('moves on, and does not wake, one whose partner has news of other types only', async () => {
    const { deps, one, happen, others } = await resting(['invoice.*'])
    await happen(20, 'ticket')
    expect(others(await look(deps))).toEqual([])
    expect(await deliveriesOf(deps, one)).toEqual([])
    await happen(1, 'invoice')
    expect(others(await look(deps))).toEqual([one.endpointId])
  })

  it('loses nothing when it cannot wake: the endpoint is found overdue, and woken once in a while until it has looked', async () => {
    const { clock, deps, one, happen, others } = await resting()
    await happen(2)
    await expect(look(deps, true)).rejects.toMatchObject({ code: 'TemporalUnavailable' })
    expect(others(await look(deps))).toEqual([])
    clock.advance(16_000)
    expect(others(await look(deps))).toEqual([one.endpointId])
    expect(others(await look(deps))).toEqual([])
    clock.advance(76_000)
    expect(others(await look(deps))).toEqual([one.endpointId])
    expect(await deliver(deps, one)).toMatchObject({ state: 'idle', delivered: 2 })
    clock.advance(600_000)
    expect(others(await look(deps))).toEqual([])
  })

  it('makes good a pause that nobody ends: its workflow was terminated', async () => {
    const { clock, deps, one, happen, others } = await resting()
    await happen(1)
    bench.failWith(500)
    const { until } = await deliver(deps, one)
    expect(others(await look(deps))).toEqual([])
    clock.advance(Date.parse(until ?? '') - clock.now().getTime() + 16_000)
    expect(others(await look(deps))).toEqual([one.endpointId])
  })

  it('leaves alone one that is disabled; its place is kept', async () => {
    const { deps, one, happen, others } = await resting()
    await setEndpointState(bench.db, one.endpointId, { state: 'disabled', reason: 'x', probeAt: null })
    const ids = await happen(2)
    expect(others(await look(deps))).toEqual([])
    await setEndpointState(bench.db, one.endpointId, { state: 'active', reason: null, probeAt: null })
    expect(others(await look(deps))).toEqual([one.endpointId])
    await deliver(deps, one)
    expect(bench.receiver.received).toHaveLength(ids.length)
  })

  it('does not wake one that waits with the head of its order', async () => {
    const { deps, partner, happen } = await bench.setup()
    const one = await newEndpoint(deps, partner, bench.receiver.url, { ordered: true })
    await happen(1)
    bench.failWith(500)
    await deliver(deps, one)
    await happen(5)
    expect((await look(deps)).filter((id) => id === one.endpointId)).toEqual([])
    expect(await deliveriesOf(deps, one)).toHaveLength(1)
  })
})
