/** What a look at a connection shows, and the state that follows from it. */
import { receivesOnly } from '../db/connections.ts'
import type { HealthCandidate, JudgedConnection } from '../db/health.ts'
import {
  defaultFreshnessSeconds,
  nextHealth,
  staleness,
  type Findings,
  type Observation,
} from '../model/health.ts'
import { failures, type FailureNote } from '../model/failures.ts'
import type { ActivityDeps } from './deps.ts'
import { probeOnce } from './health-probe.ts'

/** What fails is asked once more in the same round, so that one lost packet is nobody's outage. */
const againAfterMs = 2_000
/** A clock that is further off than this spoils signatures and `updated since`. */
const skewMs = 60_000

export interface Seen {
  readonly candidate: HealthCandidate
  /** Undefined: it was not looked at; a person's decision stands. */
  readonly observation: (Observation & { readonly failure: FailureNote | null }) | undefined
  readonly evidence: 'probe' | 'traffic' | null
  readonly latencyMs: number | null
  readonly clockSkewMs: number | null
  readonly findings: Findings
}

const unseen = (candidate: HealthCandidate): Seen => ({
  ...{ candidate, observation: undefined, evidence: null, latencyMs: null, clockSkewMs: null, findings: {} },
})

/** Looks at one connection; asks its provider only when no call has told lately. */
export async function observe(
  deps: ActivityDeps,
  candidate: HealthCandidate,
  since: Date,
  signal: AbortSignal,
): Promise<Seen> {
  if (candidate.connectionState !== 'active') return unseen(candidate)
  const findings = findingsOf(candidate)
  if (candidate.auth === receivesOnly) {
    const observation = { ok: true, failure: null }
    return { candidate, observation, evidence: null, latencyMs: null, clockSkewMs: null, findings }
  }
  if (isWellByTraffic(candidate, since)) {
    const observation = { ok: true, failure: null }
    return { candidate, observation, evidence: 'traffic', latencyMs: null, clockSkewMs: null, findings }
  }
  let probe = await probeOnce(deps, candidate.connectionId, signal)
  // A lost packet is no outage, one good answer no recovery: what is about to change is looked at twice.
  const isTurning = probe.ok ? candidate.state === 'down' : failures[probe.failure.code].retry !== 'no'
  if (isTurning) {
    await deps.clock.sleep(againAfterMs, signal)
    probe = await probeOnce(deps, candidate.connectionId, signal)
  }
  const skew = probe.clockSkewMs
  const isSkewed = skew !== null && Math.abs(skew) > skewMs
  const clock = isSkewed
    ? { clock: `The provider's clock differs by ${Math.round(skew / 1000)} s from ours.` }
    : {}
  const failure = probe.ok ? null : { code: probe.failure.code, message: probe.failure.message }
  return {
    candidate,
    observation: { ok: probe.ok, failure, ...(failure ? { code: failure.code } : {}) },
    evidence: 'probe',
    latencyMs: probe.latencyMs,
    clockSkewMs: skew,
    findings: { ...findings, ...clock },
  }
}

/** Who is down is asked, twice: one call that got through, a canary's perhaps, would only be the first good sign of two. */
const isWellByTraffic = ({ state, trafficOkAt, trafficFailedAt }: HealthCandidate, since: Date): boolean =>
  state !== 'down' &&
  trafficOkAt !== null &&
  trafficOkAt > since &&
  (trafficFailedAt === null || trafficFailedAt < trafficOkAt)

/** What is wrong with a connection that its provider need not be asked about. */
function findingsOf(one: HealthCandidate): Findings {
  const objective = one.freshnessObjectiveSeconds ?? defaultFreshnessSeconds(one.syncIntervalSeconds)
  const stale =
    one.auth === receivesOnly ? undefined : staleness(one.ageSeconds, objective, one.connectedSeconds)
  return {
    ...(stale === undefined ? {} : { freshness: stale }),
    ...(one.webhookState === 'failed'
      ? { webhook: `Its webhook at the provider could not be kept: ${one.webhookError ?? 'unknown'}` }
      : {}),
  }
}

/** What that makes of its state. */
export function judge(seen: Seen): JudgedConnection {
  const { candidate, observation, evidence, latencyMs, clockSkewMs, findings } = seen
  const { connectionId, partnerId, provider } = candidate
  const facts = { connectionId, partnerId, provider, was: candidate.state, evidence, latencyMs, clockSkewMs }
  if (!observation) return { ...facts, ...standing(candidate), isOk: false, findings }
  const before = {
    state: candidate.state ?? 'unknown',
    badInRow: candidate.badInRow ?? 0,
    goodInRow: candidate.goodInRow ?? 0,
  }
  // A refusal needs no second look, what may pass was asked twice: either counts as two bad answers.
  const isDouble = evidence === 'probe' && (!observation.ok || candidate.state === 'down')
  const first = isDouble ? nextHealth(before, observation, findings) : before
  const { state, badInRow, goodInRow } = nextHealth(first, observation, findings)
  const { ok: isOk, failure } = observation
  const reason = failure?.message ?? Object.values(findings).join(' ')
  return {
    ...facts,
    state,
    badInRow,
    goodInRow,
    isOk,
    failure,
    findings,
    culprit: null,
    reason: reason === '' ? null : reason,
  }
}

/** A connection that is paused or needs somebody stays so, whatever a probe would say. */
function standing({ connectionState, stateReason, stateWho, state }: HealthCandidate) {
  const isRefused = connectionState === 'needs_attention'
  const code = stateWho === 'admin' ? 'NotConfigured' : 'Unauthorized'
  return {
    state: isRefused ? ('needs_attention' as const) : ('paused' as const),
    culprit: isRefused ? (stateWho === 'admin' ? ('app' as const) : ('connection' as const)) : null,
    reason: stateReason,
    failure: isRefused ? { code, message: stateReason ?? 'The credential was refused.' } : null,
    badInRow: 0,
    goodInRow: 0,
    was: state,
  } as const
}
