/** One attempt of a delivery: claimed before it is sent, its outcome and what follows from it written in one transaction. */
import { appendAudit } from '../db/audit.ts'
import { asTenant, type Db } from '../db/client.ts'
import {
  addAttempt,
  claimDelivery,
  hastenDeliveries,
  settleDelivery,
  type Delivery,
  type DeliveryAttempt,
} from '../db/deliveries.ts'
import { lockEndpoint, noteHealth, setEndpointState, type Endpoint } from '../db/endpoints.ts'
import { tellEvent, type HubEventRow } from '../db/events.ts'
import { brandHeaders } from '../model/brand.ts'
import {
  isExhausted,
  isHopeless,
  isSustained,
  pauseAfter,
  probePause,
  restAfterFailures,
  verdictOn,
  type Verdict,
} from '../model/delivery.ts'
import type { OutboundAnswer } from '../platform/outbound/post.ts'
import { sha256 } from '../platform/secrets/hash.ts'
import { signedHeaders, type SigningSecret } from '../platform/secrets/webhook-signing.ts'
import type { ActivityDeps } from './deps.ts'

/** Longer than an attempt can last. */
const leaseMs = 60_000

interface Letter {
  readonly endpoint: Endpoint
  readonly secrets: readonly SigningSecret[]
  readonly delivery: Delivery
  /** Undefined: the store no longer has it. */
  readonly event: HubEventRow | undefined
}

export interface AttemptResult {
  /** `taken`: by somebody else. */
  readonly outcome: 'delivered' | 'failed' | 'taken'
  /** What is known of the endpoint is out of date. */
  readonly isSteered: boolean
}

/** The body of a webhook; the events API shows the same. */
const bodyOf = ({ eventId, type, createdAt, partnerId, accountId, data }: HubEventRow): string =>
  JSON.stringify({ id: eventId, type, timestamp: createdAt.toISOString(), partnerId, accountId, data })

export async function attemptDelivery(
  deps: ActivityDeps,
  letter: Letter,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const { endpoint, delivery, event, secrets } = letter
  const { db } = deps.database
  const at = deps.clock.now()
  const claim = { now: at, leaseUntil: new Date(at.getTime() + leaseMs) }
  if (!(await claimDelivery(db, delivery, claim))) return { outcome: 'taken', isSteered: true }
  if (!event) return await giveUpLost(deps, delivery, at)
  const body = bodyOf(event)
  const headers = {
    'content-type': 'application/json',
    ...brandHeaders(await deps.brandName(endpoint.partnerId)),
    ...signedHeaders(secrets, { id: event.eventId, body }, at),
  }
  let answer: OutboundAnswer
  try {
    answer = await deps.outbound.post(endpoint.url, headers, body, signal)
  } catch (error) {
    // The worker stops, or somebody cancels: this attempt has not been seen through, the next worker makes it anew.
    await settleDelivery(db, delivery.deliveryId, {
      ...{ state: 'waiting', status: delivery.lastStatus, error: delivery.lastError },
      ...{ nextAt: at, endedAt: null },
    })
    throw error
  }
  const request = { at, headers, body }
  const result = await asTenant(db, endpoint.partnerId, (tx) => settle(deps, tx, letter, request, answer))
  deps.metrics.deliveryAttempts.inc({ outcome: result.outcome })
  deps.metrics.deliverySeconds.observe(answer.durationMs / 1000)
  return { outcome: result.outcome === 'delivered' ? 'delivered' : 'failed', isSteered: result.isSteered }
}

async function giveUpLost(deps: ActivityDeps, { deliveryId }: Delivery, at: Date): Promise<AttemptResult> {
  const error = 'The store no longer has this event.'
  await settleDelivery(deps.database.db, deliveryId, {
    ...{ state: 'failed', status: null, error },
    ...{ nextAt: at, endedAt: at },
  })
  return { outcome: 'failed', isSteered: false }
}

interface Settled {
  readonly outcome: DeliveryAttempt['outcome']
  readonly isSteered: boolean
}

async function settle(
  deps: ActivityDeps,
  tx: Db,
  { delivery }: Letter,
  request: { readonly at: Date; readonly headers: Readonly<Record<string, string>>; readonly body: string },
  answer: OutboundAnswer,
): Promise<Settled> {
  const now = deps.clock.now()
  // As it is now: others may be at work for the same endpoint, and people change it.
  const endpoint = await lockEndpoint(tx, delivery.endpointId)
  if (!endpoint || endpoint.state === 'deleted') return { outcome: 'aborted', isSteered: true }
  const { status, error, headers } = answer
  const verdict = verdictOn(
    { status, retryAfter: headers['retry-after'], control: headers['webhook-delivery'] },
    now,
  )
  const outcome = outcomeOf(verdict, endpoint, delivery, now)
  await addAttempt(tx, delivery, {
    attempt: delivery.attempts + 1,
    at: request.at,
    durationMs: answer.durationMs,
    url: endpoint.url,
    requestHeaders: { ...request.headers },
    requestBytes: Buffer.byteLength(request.body),
    requestHash: sha256(request.body).toString('hex'),
    outcome,
    status,
    error,
    answerHeaders: status === null ? null : { ...headers },
    answerBody: status === null ? null : answer.body,
    answerTruncated: answer.isTruncated,
  })
  await settleDelivery(tx, delivery.deliveryId, {
    ...stateAfter(outcome, status, now),
    ...{ status, error: errorOf(outcome, status, error) },
    nextAt: nextAttempt(verdict, delivery, now),
  })
  const isSteered = await steer(deps, tx, { endpoint, delivery, verdict, now })
  return { outcome, isSteered }
}

function outcomeOf(
  verdict: Verdict,
  endpoint: Endpoint,
  { kind, attempts, firstAttemptAt }: Delivery,
  now: Date,
): DeliveryAttempt['outcome'] {
  if (verdict.kind !== 'retry') return verdict.kind
  if (kind === 'test') return 'given_up'
  // Where nothing gets through it is the endpoint that is given up, not the event.
  const isGivenUp = endpoint.state === 'active' && isExhausted(attempts + 1, firstAttemptAt, now)
  return isGivenUp ? 'given_up' : 'retry'
}

const isGood = (status: number | null): boolean => status !== null && status >= 200 && status < 300

function stateAfter(
  outcome: DeliveryAttempt['outcome'],
  status: number | null,
  now: Date,
): { readonly state: Delivery['state']; readonly endedAt: Date | null } {
  // "Thank you, and no more of it" has been received all the same.
  if (outcome === 'delivered' || (outcome === 'disabled' && isGood(status)))
    return { state: 'delivered', endedAt: now }
  if (outcome === 'aborted' || outcome === 'given_up') return { state: 'failed', endedAt: now }
  return { state: 'waiting', endedAt: null }
}

function errorOf(
  outcome: DeliveryAttempt['outcome'],
  status: number | null,
  error: string | null,
): string | null {
  if (outcome === 'aborted') return 'The receiver asked not to send it again.'
  if (status === null || isGood(status)) return error
  if (status >= 300 && status < 400)
    return `The receiver answered ${status}: redirects are not followed. Change the URL.`
  return `The receiver answered ${status}.`
}

function nextAttempt(verdict: Verdict, { attempts }: Delivery, now: Date): Date {
  const planned = new Date(now.getTime() + pauseAfter(attempts + 1, Math.random()))
  const wished = verdict.kind === 'retry' ? verdict.notBefore : null
  return wished && wished > planned ? wished : planned
}

/** What an attempt means for its endpoint. True when others must look at it anew. */
async function steer(
  deps: ActivityDeps,
  tx: Db,
  found: {
    readonly endpoint: Endpoint
    readonly delivery: Delivery
    readonly verdict: Verdict
    readonly now: Date
  },
): Promise<boolean> {
  const { endpoint, verdict, now, delivery } = found
  const { endpointId } = endpoint
  if (verdict.kind === 'disabled') {
    const reason =
      verdict.reason === 'gone' ? 'The receiver answered 410 Gone.' : 'The receiver asked for it.'
    await switchEndpoint(deps, tx, endpoint, { state: 'disabled', reason, probeAt: null })
    return true
  }
  // A disabled one is sent nothing but tests, and those prove nothing but themselves.
  if (endpoint.state === 'disabled') return false
  if (verdict.kind === 'delivered' || verdict.kind === 'aborted') {
    if (endpoint.state === 'failing') {
      await resume(deps, tx, endpoint, now)
      return true
    }
    const isNews =
      endpoint.failuresInRow > 0 || now.getTime() - (endpoint.lastSuccessAt?.getTime() ?? 0) > 10_000
    if (isNews) await noteHealth(tx, endpointId, { failuresInRow: 0, failingSince: null, lastSuccessAt: now })
    return false
  }
  // A test that fails while all is well says nothing of the rest.
  if (delivery.kind === 'test' && endpoint.state === 'active') return false
  return await noteFailure(deps, tx, endpoint, verdict.notBefore, now)
}

async function noteFailure(
  deps: ActivityDeps,
  tx: Db,
  endpoint: Endpoint,
  notBefore: Date | null,
  now: Date,
): Promise<boolean> {
  const { endpointId, probes } = endpoint
  // It was under way when the endpoint was given up: no probe.
  if (endpoint.state === 'failing' && endpoint.probeAt && endpoint.probeAt > now) return true
  const failuresInRow = endpoint.failuresInRow + 1
  const failingSince = endpoint.failingSince ?? now
  const probeIn = (made: number): Date => {
    const planned = new Date(now.getTime() + probePause(made, Math.random()))
    return notBefore && notBefore > planned ? notBefore : planned
  }
  await noteHealth(tx, endpointId, { failuresInRow, failingSince })
  if (endpoint.state === 'failing') {
    await noteHealth(tx, endpointId, { probes: probes + 1, probeAt: probeIn(probes + 1) })
    if (isHopeless(failingSince, now)) {
      const reason = 'It has not answered for a month. What it has missed is kept: enable it when it is back.'
      await switchEndpoint(deps, tx, endpoint, { state: 'disabled', reason, probeAt: null })
    }
    return true
  }
  if (isSustained(failuresInRow, failingSince, now)) {
    const reason = `It has failed since ${failingSince.toISOString()}. It is probed, and served again when it answers.`
    await switchEndpoint(deps, tx, endpoint, { state: 'failing', reason, probeAt: probeIn(0) })
    return true
  }
  const rest = restAfterFailures(failuresInRow)
  const own = rest === 0 ? null : new Date(now.getTime() + rest)
  const holdUntil = own && (!notBefore || own > notBefore) ? own : notBefore
  if (!holdUntil) return false
  await noteHealth(tx, endpointId, { holdUntil })
  return true
}

/** A probe has come through: whatever has waited is due. */
async function resume(deps: ActivityDeps, tx: Db, endpoint: Endpoint, now: Date): Promise<void> {
  await switchEndpoint(deps, tx, endpoint, { state: 'active', reason: null, probeAt: null })
  await noteHealth(tx, endpoint.endpointId, { lastSuccessAt: now })
  await hastenDeliveries(tx, endpoint.endpointId, now)
}

/** The notice is an event: in the stream for whoever polls, and sent to the partner's other endpoints. */
async function switchEndpoint(
  deps: ActivityDeps,
  tx: Db,
  { endpointId, partnerId }: Endpoint,
  to: Parameters<typeof setEndpointState>[2],
): Promise<void> {
  const changed = await setEndpointState(tx, endpointId, to)
  if (!changed) return
  const { state, reason } = to
  const type = state === 'active' ? 'endpoint.enabled' : 'endpoint.disabled'
  await tellEvent(tx, { partnerId, type, subject: endpointId, data: { endpointId, state, reason } })
  const details = { version: changed.version, ...(reason === null ? {} : { reason }) }
  await appendAudit(tx, {
    ...{ actor: 'deliverEvents', action: `endpoint.${state}`, subject: endpointId },
    ...{ partnerId, details },
  })
  deps.log[state === 'active' ? 'info' : 'warn'](
    { endpointId, partnerId, state, reason },
    'an endpoint was switched',
  )
}
