/**
 * The verdict over a round: whose fault what fails is, what that makes of the provider, whether its lanes are paused, and which incidents
 * that opens and closes. One transaction, so that a repeated round finds what the first one has decided.
 */
import { appendAudit } from '../db/audit.ts'
import { inTransaction, type Db } from '../db/client.ts'
import {
  addHealthChanges,
  blame,
  healthEvidence,
  hopelessConnections,
  troubledConnections,
} from '../db/health.ts'
import {
  countStates,
  getProviderHealth,
  putProviderHealth,
  type ProviderHealth,
} from '../db/provider-health.ts'
import { openIncident, openProblems, resolveProblem, type FoundProblem } from '../db/incidents.ts'
import { advice, culpritOfOne, judgeProvider, type ProviderEvidence, type Verdict } from '../model/culprit.ts'
import type { Culprit, HealthState } from '../model/health.ts'
import { noteCheck } from './check.ts'
import type { ActivityDeps } from './deps.ts'

const actor = 'checkHealth'
/** A canary asks as often while a provider is out of reach. */
export const canaryEveryMs = 30_000
const goodCanaries = 2
/** Calls that were made before this are no news: what has broken since then would be seen a whole round later. */
const trafficMs = 30_000
/** From this share of bad connections on a provider counts as degraded. */
const degradedShare = 0.1

export interface RoundStart {
  readonly providerName: string
  readonly paused: boolean
  /** RFC 3339. */
  readonly since: string
}

export async function startRound(
  deps: ActivityDeps,
  { provider }: { readonly provider: string },
): Promise<RoundStart> {
  const before = await getProviderHealth(deps.database.db, provider)
  const earliest = deps.clock.now().getTime() - trafficMs
  const since = new Date(Math.max(before?.checkedAt?.getTime() ?? 0, earliest)).toISOString()
  const providerName = deps.findProvider(provider)?.name ?? provider
  return { providerName, paused: before?.paused ?? false, since }
}

export interface CanaryResult {
  readonly paused: boolean
  /** This probe got through. */
  readonly ok: boolean
  readonly reason: string
}

/** Two probes in a row that get through open the gate; the round that follows closes the incident. */
export function noteCanary(
  deps: ActivityDeps,
  provider: string,
  { ok, reason }: { readonly ok: boolean; readonly reason: string },
): Promise<CanaryResult> {
  return inTransaction(deps.database.db, async (tx) => {
    const before = await getProviderHealth(tx, provider, true)
    if (!before?.paused) return { paused: false, ok, reason }
    const goodInRow = ok ? before.goodInRow + 1 : 0
    const paused = goodInRow < goodCanaries
    const nextProbeAt = paused ? new Date(deps.clock.now().getTime() + canaryEveryMs) : null
    await putProviderHealth(tx, { ...before, paused, goodInRow, nextProbeAt })
    if (!paused)
      await appendAudit(tx, {
        actor,
        action: 'provider.resumed',
        subject: `provider:${provider}`,
        details: { reason },
      })
    return { paused, ok, reason }
  })
}

export interface RoundVerdict {
  readonly state: ProviderHealth['state']
  readonly culprit: Culprit | null
  readonly reason: string | null
  readonly paused: boolean
  readonly counts: Partial<Record<HealthState, number>>
}

export async function judgeRound(
  deps: ActivityDeps,
  { provider }: { readonly provider: string },
): Promise<RoundVerdict> {
  const { db } = deps.database
  const verdict = await inTransaction(db, (tx) => decide(deps, tx, provider))
  await needAttention(deps, provider)
  return verdict
}

async function decide(deps: ActivityDeps, tx: Db, provider: string): Promise<RoundVerdict> {
  const before = await getProviderHealth(tx, provider, true)
  const evidence = await healthEvidence(tx, appMethodsOf(deps))
  const all = [...evidence].map(([slug, one]): ProviderEvidence => ({ provider: slug, ...one }))
  const own = all.find((one) => one.provider === provider) ?? { provider, looked: 0, ofApp: 0, failing: [] }
  const verdict = judgeProvider(
    own,
    all.filter((one) => one !== own),
  )
  const guilty = own.failing.map((one) => ({
    connectionId: one.connectionId,
    culprit: culpritOfOne(one, verdict),
  }))
  await blame(tx, provider, guilty)
  const counts = await countStates(tx, provider)
  const next = { ...stateOf(verdict, guilty, counts), counts }
  const isOutage = verdict?.culprit === 'provider' || verdict?.culprit === 'network'
  const nextProbeAt = isOutage ? new Date(deps.clock.now().getTime() + canaryEveryMs) : null
  await putProviderHealth(tx, {
    ...{ provider, ...next, paused: isOutage, nextProbeAt, goodInRow: 0 },
    badInRow: isOutage ? (before?.badInRow ?? 0) + 1 : 0,
  })
  if (before?.state !== next.state || before.culprit !== next.culprit) {
    const { state, culprit, reason } = next
    const subject = `provider:${provider}`
    await addHealthChanges(tx, [
      {
        subject,
        provider,
        partnerId: null,
        connectionId: null,
        was: before?.state ?? null,
        state,
        culprit,
        reason,
      },
    ])
    const details = { was: before?.state ?? null, state, culprit, reason }
    await incidents(deps, tx, provider, verdict, all)
    await appendAudit(tx, { actor, action: 'provider.health_changed', subject, details })
  } else await incidents(deps, tx, provider, verdict, all)
  return { ...next, paused: isOutage }
}

function stateOf(
  verdict: Verdict | undefined,
  guilty: readonly { readonly culprit: Culprit }[],
  counts: Partial<Record<HealthState, number>>,
): Pick<RoundVerdict, 'state' | 'culprit' | 'reason'> {
  const total = Object.values(counts).reduce((sum, one) => sum + one, 0)
  if (total === 0) return { state: 'not_configured', culprit: null, reason: null }
  // Connected since the round began.
  if (counts.unknown === total) return { state: 'unknown', culprit: null, reason: null }
  if (verdict) return { state: 'down', culprit: verdict.culprit, reason: verdict.reason }
  const bad = (counts.down ?? 0) + (counts.needs_attention ?? 0) + (counts.degraded ?? 0)
  if (bad === 0 || bad / total < degradedShare) return { state: 'healthy', culprit: null, reason: null }
  const reason = `${bad} of ${total} connections are not well.`
  return { state: 'degraded', culprit: guilty[0]?.culprit ?? null, reason }
}

/** One incident for an outage, one for the app, one for the network; one for each connection that fails alone. */
async function incidents(
  deps: ActivityDeps,
  tx: Db,
  provider: string,
  verdict: Verdict | undefined,
  all: readonly ProviderEvidence[],
): Promise<void> {
  const name = deps.findProvider(provider)?.name ?? provider
  const keys = { provider: `outage:${provider}`, app: `app:${provider}`, network: 'network' } as const
  for (const [culprit, dedupeKey] of Object.entries(keys)) {
    if (verdict?.culprit === culprit)
      await openIncident(tx, actor, outageOf(provider, name, verdict, dedupeKey))
    else if (culprit !== 'network' || !isNetworkDown(all))
      await resolveProblem(tx, dedupeKey, { actor, resolution: `${name} answers again.` })
  }
  await incidentsOfConnections(tx, provider, name)
}

const isNetworkDown = (all: readonly ProviderEvidence[]): boolean =>
  all.some(
    (one) =>
      judgeProvider(
        one,
        all.filter((other) => other !== one),
      )?.culprit === 'network',
  )

function outageOf(
  provider: string,
  name: string,
  { culprit, reason }: Verdict,
  dedupeKey: string,
): FoundProblem {
  const titles: Partial<Record<Culprit, string>> = {
    provider: `${name} is down`,
    app: `The hub's app at ${name} is refused`,
    network: 'The hub reaches no provider',
  }
  const kind = culprit === 'provider' ? 'outage' : culprit
  const title = titles[culprit] ?? `${name} is not well`
  return {
    ...{
      dedupeKey,
      kind,
      severity: 'critical',
      title,
      summary: `${reason} ${advice[culprit]}`,
      culprit,
    },
    ...(culprit === 'network' ? {} : { provider }),
  }
}

async function incidentsOfConnections(tx: Db, provider: string, name: string): Promise<void> {
  const troubled = await troubledConnections(tx, provider)
  const known = new Set(troubled.map(({ connectionId }) => keyOf(connectionId)))
  for (const one of troubled)
    await openIncident(tx, actor, {
      dedupeKey: keyOf(one.connectionId),
      kind: 'connection',
      severity: 'warning',
      title: `${name}: "${one.name}" ${one.state === 'needs_attention' ? 'needs attention' : 'is down'}`,
      summary: `${one.reason ?? 'It fails.'} ${advice.connection}`,
      culprit: 'connection',
      ...{ provider, partnerId: one.partnerId, connectionId: one.connectionId },
    })
  for (const { dedupeKey } of await openProblems(tx, { kind: 'connection', provider }))
    if (!known.has(dedupeKey))
      await resolveProblem(tx, dedupeKey, {
        actor,
        resolution: 'The connection works again, or is no longer watched.',
      })
}

const keyOf = (connectionId: string): string => `connection:${connectionId}`

/** A refused credential needs a person, and its schedule a rest: as when somebody had tested the connection. */
async function needAttention(deps: ActivityDeps, provider: string): Promise<void> {
  for (const { connectionId, failure } of await hopelessConnections(deps.database.db, provider))
    await noteCheck(deps, { connectionId, outcome: { ok: false, failure } })
}

/** Methods that sign in through the hub's own app, as `<provider>/<method>`. */
const appMethodsOf = (deps: ActivityDeps): string[] =>
  deps.providerSlugs.flatMap((slug) =>
    (deps.findProvider(slug)?.auth ?? []).flatMap(({ kind, name }) =>
      kind === 'oauth2' ? [`${slug}/${name}`] : [],
    ),
  )
