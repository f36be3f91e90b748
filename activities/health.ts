/**
 * How connections and providers are: observed by the calls that are made anyway, else by the provider's cheapest call; judged with
 * hysteresis, compared to find whose fault it is, written down with every change. A round over a provider's connections is a few
 * slices, whatever their number.
 */
import { asTenant } from '../db/client.ts'
import { addHealthChanges, healthCandidates, putHealth, type JudgedConnection } from '../db/health.ts'
import { canaryOf } from '../db/provider-health.ts'
import { tellEvents } from '../db/events.ts'
import { culpritOfOne } from '../model/culprit.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { judge, observe } from './health-observe.ts'
import { probeOnce } from './health-probe.ts'
import { judgeRound, noteCanary, startRound } from './health-verdict.ts'
import { whileBeating } from './steady.ts'

export interface HealthSliceInput {
  readonly provider: string
  /** Id of the last connection of the slice before; empty at first. */
  readonly after: string
  /** Calls made since then speak for a connection. RFC 3339. */
  readonly since: string
}

export interface HealthSlice {
  /** Where the next slice goes on; null: that was all. */
  readonly next: string | null
  readonly looked: number
  readonly probed: number
  readonly bad: number
  readonly changed: number
}

const sliceMs = 20_000
const batchSize = 200
/** Probes at the same time: they wait for the network, not for the processor. */
const parallel = 16

async function checkSlice(
  deps: ActivityDeps,
  input: HealthSliceInput,
  signal: AbortSignal,
): Promise<HealthSlice> {
  const { db } = deps.database
  const stopAt = deps.clock.now().getTime() + sliceMs
  const sum = { looked: 0, probed: 0, bad: 0, changed: 0 }
  let after = input.after
  await deps.callStats.flush()
  for (;;) {
    signal.throwIfAborted()
    const batch = await healthCandidates(db, input.provider, after, batchSize)
    const seen = await inParallel(batch, (one) => observe(deps, one, new Date(input.since), signal))
    const judged = seen.map(judge)
    sum.looked += batch.length
    sum.probed += seen.filter(({ evidence }) => evidence === 'probe').length
    sum.bad += judged.filter(({ isOk, failure }) => !isOk && failure !== null).length
    sum.changed += await keep(deps, judged)
    after = batch.at(-1)?.connectionId ?? after
    if (batch.length < batchSize) return { next: null, ...sum }
    if (deps.clock.now().getTime() >= stopAt) return { next: after, ...sum }
  }
}

/** Writes a batch down, tenant by tenant; what has changed is a row and an event. Returns how many have. */
async function keep(deps: ActivityDeps, judged: readonly JudgedConnection[]): Promise<number> {
  const byPartner = new Map<string, JudgedConnection[]>()
  for (const one of judged) byPartner.set(one.partnerId, [...(byPartner.get(one.partnerId) ?? []), one])
  let changed = 0
  for (const [partnerId, own] of byPartner) {
    const blamed = own.map((one) => ({ ...one, culprit: one.culprit ?? firstGuess(one) }))
    const changes = blamed.filter(({ was, state }) => was !== state && !(was === null && state === 'healthy'))
    changed += changes.length
    await asTenant(deps.database.db, partnerId, async (tx) => {
      await putHealth(tx, blamed)
      await addHealthChanges(tx, changes.map(changeOf))
      await tellEvents(tx, changes.map(eventOf))
    })
  }
  return changed
}

/** Before the round is compared as a whole: its own. The verdict puts it right where it was not. */
function firstGuess({ failure, connectionId }: JudgedConnection) {
  if (!failure) return null
  return culpritOfOne({ connectionId, code: failure.code, usesApp: false }, undefined)
}

const changeOf = (one: JudgedConnection) => ({
  subject: `connection:${one.connectionId}`,
  provider: one.provider,
  partnerId: one.partnerId,
  connectionId: one.connectionId,
  was: one.was,
  state: one.state,
  culprit: one.culprit,
  reason: one.reason,
})

const eventOf = ({ partnerId, connectionId, provider, was, state, culprit, reason }: JudgedConnection) => ({
  partnerId,
  type: 'connection.health' as const,
  subject: connectionId,
  data: { connectionId, provider, state, was, culprit, reason },
})

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  const lane = async (): Promise<void> => {
    for (;;) {
      const index = next++
      const item = items[index]
      if (item === undefined) return
      results[index] = await work(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, lane))
  return results
}

/** Asks by one connection whether a paused provider is back. */
async function askCanary(
  deps: ActivityDeps,
  { provider }: { readonly provider: string },
  signal: AbortSignal,
) {
  const connectionId = await canaryOf(deps.database.db, provider)
  if (connectionId === undefined)
    return await noteCanary(deps, provider, { ok: true, reason: 'no connection is left to ask with' })
  const probe = await probeOnce(deps, connectionId, signal)
  // A refusal is an answer: the provider is there.
  const isBack = probe.ok || !['Unavailable', 'Protocol'].includes(probe.failure.code)
  return await noteCanary(deps, provider, {
    ok: isBack,
    reason: probe.ok ? 'a probe got through' : probe.failure.message,
  })
}

export function createHealthActivities(deps: ActivityDeps) {
  return {
    startHealthRound: failing((input: { readonly provider: string }) => startRound(deps, input)),
    checkHealthSlice: failing((input: HealthSliceInput) =>
      whileBeating((signal) => checkSlice(deps, input, signal)),
    ),
    askCanary: failing((input: { readonly provider: string }) =>
      whileBeating((signal) => askCanary(deps, input, signal)),
    ),
    judgeHealthRound: failing((input: { readonly provider: string }) => judgeRound(deps, input)),
  }
}
