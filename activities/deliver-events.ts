/**
 * What is due for one endpoint, for as long as a slice lasts: the head of an ordered one, as many at once as another one
 * takes, a probe for one that is failing. What comes next, and when, is the answer; waiting is the workflow's.
 */
import { asTenant } from '../db/client.ts'
import { listWaiting, waitingOf, type Delivery } from '../db/deliveries.ts'
import {
  addDeliveries,
  getEndpoint,
  noteRest,
  openSecrets,
  takeEvents,
  type Endpoint,
} from '../db/endpoints.ts'
import { getEvents, tellEvent } from '../db/events.ts'
import { isExhausted } from '../model/delivery.ts'
import { attemptDelivery, type AttemptResult } from './delivery-attempt.ts'
import type { ActivityDeps } from './deps.ts'

export interface DeliverResult {
  /** `more`: go on at once; `waiting`: at `until`, or when woken; `idle`: when woken; `stopped`: it is disabled or gone. */
  readonly state: 'more' | 'waiting' | 'idle' | 'stopped'
  readonly until: string | null
  readonly delivered: number
  readonly failed: number
}

/** A slice: long enough to be few, short enough that a worker that stops is not waited for. */
const sliceMs = 20_000
/** Deliveries that an endpoint has at most beside its place in the stream. */
const mostWaiting = 200
/** A slice that is not heard of again: the dispatcher wakes the endpoint. */
const lostAfterMs = 5 * 60_000

/** What a slice knows and has done. */
interface Slice {
  readonly endpointId: string
  readonly signal: AbortSignal
  readonly endsAt: number
  readonly counts: { delivered: number; failed: number }
  readonly pace: { nextAt: number }
}

/** A rest until a moment, or until it is woken. `listens`: new events end it. */
type Step = 'again' | { readonly until: Date | null; readonly listens: boolean }

export async function deliverBatch(
  deps: ActivityDeps,
  { endpointId }: { readonly endpointId: string },
  signal: AbortSignal,
): Promise<DeliverResult> {
  const { db } = deps.database
  const began = deps.clock.now().getTime()
  const slice: Slice = {
    ...{ endpointId, signal, endsAt: began + sliceMs, counts: { delivered: 0, failed: 0 } },
    pace: { nextAt: 0 },
  }
  const answer = (state: DeliverResult['state'], until: Date | null = null): DeliverResult => ({
    ...{ state, until: until?.toISOString() ?? null },
    ...slice.counts,
  })
  await noteRest(db, endpointId, { wakeAt: new Date(began + lostAfterMs), awaitsEvents: false })
  for (;;) {
    const endpoint = await getEndpoint(db, endpointId)
    if (!endpoint || endpoint.state === 'deleted') return answer('stopped')
    await sendTests(deps, endpoint, slice)
    if (endpoint.state === 'disabled') {
      await noteRest(db, endpointId, { wakeAt: null, awaitsEvents: true })
      return answer('stopped')
    }
    const step = await (endpoint.state === 'failing' ? probe : serve)(deps, endpoint, slice)
    if (step !== 'again') {
      await noteRest(db, endpointId, { wakeAt: step.until, awaitsEvents: step.listens })
      return answer(step.until ? 'waiting' : 'idle', step.until)
    }
    if (signal.aborted || deps.clock.now().getTime() >= slice.endsAt) return answer('more')
  }
}

/** Tests go out whatever the state: they are how a person finds out. */
async function sendTests(deps: ActivityDeps, endpoint: Endpoint, slice: Slice): Promise<void> {
  const tests = await listWaiting(deps.database.db, endpoint.endpointId, {
    ...{ tests: true, order: 'stream', dueBy: deps.clock.now(), limit: 10 },
  })
  await sendAll(deps, endpoint, tests, slice, 1)
}

async function serve(deps: ActivityDeps, endpoint: Endpoint, slice: Slice): Promise<Step> {
  const { db } = deps.database
  const { endpointId, holdUntil, ordered } = endpoint
  if (holdUntil && holdUntil > deps.clock.now()) return { until: holdUntil, listens: false }
  const isMoved = await take(deps, endpoint, mostWaiting)
  // What has just been taken is due by now.
  const now = deps.clock.now()
  const due = ordered
    ? await listWaiting(db, endpointId, { tests: false, order: 'stream', limit: 100 })
    : await listWaiting(db, endpointId, { tests: false, order: 'due', dueBy: now, limit: 100 })
  const [head] = due
  if (!head || (ordered && head.nextAt > now)) {
    if (isMoved && !head) return 'again'
    if (head) return { until: head.nextAt, listens: false }
    const { count, nextAt } = await waitingOf(db, endpointId, mostWaiting)
    return { until: nextAt, listens: count <= mostWaiting / 2 }
  }
  await sendAll(deps, endpoint, due, slice, ordered ? 1 : endpoint.maxConcurrency)
  return 'again'
}

/** Half-open: one delivery at a time, seldom. In an ordered endpoint the head; else whichever has been tried least. */
async function probe(deps: ActivityDeps, endpoint: Endpoint, slice: Slice): Promise<Step> {
  const { db } = deps.database
  const { endpointId, probeAt, ordered } = endpoint
  const now = deps.clock.now()
  if (probeAt && probeAt > now) return { until: probeAt, listens: false }
  await take(deps, endpoint, 2)
  const [candidate] = await listWaiting(db, endpointId, {
    ...{ tests: false, order: ordered ? 'stream' : 'least tried', limit: 1 },
  })
  if (!candidate || isExhausted(candidate.attempts, candidate.firstAttemptAt, now))
    await ping(deps, endpoint, slice)
  else await sendAll(deps, endpoint, [candidate], slice, 1)
  return 'again'
}

/** An event that has been refused for days may be what is wrong: a harmless one tells whether the endpoint itself answers. */
async function ping(deps: ActivityDeps, endpoint: Endpoint, slice: Slice): Promise<void> {
  await asTenant(deps.database.db, endpoint.partnerId, (tx) =>
    addTest(tx, endpoint, 'Is anybody there?', deps.clock.now()),
  )
  const [test] = await listWaiting(deps.database.db, endpoint.endpointId, {
    ...{ tests: true, order: 'stream', limit: 1 },
  })
  if (test) await sendAll(deps, endpoint, [test], slice, 1)
}

async function addTest(
  tx: Parameters<typeof tellEvent>[0],
  { endpointId, partnerId }: Endpoint,
  message: string,
  now: Date,
): Promise<void> {
  const type = 'endpoint.test'
  const cursor = await tellEvent(tx, { partnerId, type, subject: endpointId, data: { endpointId, message } })
  await addDeliveries(tx, { endpointId, partnerId }, [{ cursor, type }], { kind: 'test', now })
}

/** Reads on in the stream when there is room. True when it has moved. */
async function take(deps: ActivityDeps, endpoint: Endpoint, most: number): Promise<boolean> {
  const { db } = deps.database
  const { endpointId, partnerId } = endpoint
  const { count } = await waitingOf(db, endpointId, most)
  if (count > most / 2) return false
  const now = deps.clock.now()
  const { moved } = await asTenant(db, partnerId, (tx) =>
    takeEvents(tx, endpointId, { room: most - count, now }),
  )
  return moved
}

/** Sends in order, `atOnce` at a time, at the endpoint's rate; ends early when what is known of the endpoint is out of date. */
async function sendAll(
  deps: ActivityDeps,
  endpoint: Endpoint,
  deliveries: readonly Delivery[],
  slice: Slice,
  atOnce: number,
): Promise<void> {
  if (deliveries.length === 0) return
  const { db } = deps.database
  const secrets = await openSecrets(db, deps.vault, endpoint.endpointId)
  // It was deleted a moment ago: nothing leaves unsigned.
  if (secrets.length === 0) return
  const events = await getEvents(
    db,
    deliveries.map(({ cursor }) => cursor),
    endpoint.partnerId,
  )
  const byId = new Map(events.map((event) => [event.eventId, event]))
  const queue = [...deliveries]
  let isOver = false
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next && !isOver; next = queue.shift()) {
      if (slice.signal.aborted || deps.clock.now().getTime() >= slice.endsAt) return
      await keepPace(deps, endpoint, slice)
      const letter = {
        endpoint,
        secrets,
        delivery: next,
        event: byId.get(next.eventId),
      }
      const result = await attemptDelivery(deps, letter, slice.signal)
      note(slice, result)
      // In an ordered endpoint nothing overtakes what has failed.
      if (result.isSteered || (endpoint.ordered && result.outcome !== 'delivered')) isOver = true
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, deliveries.length) }, work))
}

function note({ counts }: Slice, { outcome }: AttemptResult): void {
  if (outcome === 'delivered') counts.delivered++
  if (outcome === 'failed') counts.failed++
}

async function keepPace(deps: ActivityDeps, { ratePerSecond }: Endpoint, slice: Slice): Promise<void> {
  const now = deps.clock.now().getTime()
  const at = Math.max(now, slice.pace.nextAt)
  slice.pace.nextAt = at + 1000 / ratePerSecond
  if (at > now) await deps.clock.sleep(at - now, slice.signal).catch(() => undefined)
}
