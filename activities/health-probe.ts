/** One probe of a connection: the provider's cheapest authenticated call, with what its answer tells of time. */
import { HubError, isHubError } from '../platform/errors.ts'
import type { CallTrace } from '../providers/http/session.ts'
import type { ActivityDeps } from './deps.ts'
import { asHubError } from './failure.ts'
import { openSession } from './session.ts'

const probeMs = 10_000

export type Probe = { readonly latencyMs: number | null; readonly clockSkewMs: number | null } & (
  { readonly ok: true } | { readonly ok: false; readonly failure: HubError }
)

/** Past the gate: a probe is what opens it again. @throws only when `signal` is aborted. */
export async function probeOnce(
  deps: ActivityDeps,
  connectionId: string,
  signal: AbortSignal,
): Promise<Probe> {
  const late = AbortSignal.timeout(probeMs)
  const traces: CallTrace[] = []
  const measured = () => ({ latencyMs: latencyOf(traces), clockSkewMs: skewOf(traces) })
  try {
    const { provider, context } = await openSession(deps, connectionId, {
      priority: 'backfill',
      isCanary: true,
      signal: AbortSignal.any([signal, late]),
      onCall: (trace) => traces.push(trace),
    })
    await provider.health.check(context)
    return { ok: true, ...measured() }
  } catch (error) {
    if (signal.aborted) throw error
    const failure = late.aborted ? tooLate : isHubError(error) ? error : asHubError(error)
    // Our own limiter says "later": the provider is well, we are busy there.
    if (failure.code === 'RateLimited' && traces.length === 0) return { ok: true, ...measured() }
    return { ok: false, failure, ...measured() }
  }
}

const tooLate = new HubError('Unavailable', `There was no answer within ${probeMs / 1000} s.`)

/** Of the fastest answer: a probe that waits for a limit is not slow. */
function latencyOf(traces: readonly CallTrace[]): number | null {
  const times = traces.filter(({ status }) => status !== undefined).map(({ durationMs }) => durationMs)
  return times.length === 0 ? null : Math.min(...times)
}

/** Provider minus hub; what a header of whole seconds and the way back cannot tell counts as none. */
function skewOf(traces: readonly CallTrace[]): number | null {
  const [trace] = traces.filter(({ providerTime }) => providerTime !== undefined)
  if (!trace?.providerTime) return null
  const middle = trace.at.getTime() + trace.durationMs / 2
  const off = trace.providerTime.getTime() + 500 - middle
  return Math.abs(off) <= 500 + trace.durationMs / 2 ? 0 : Math.round(off)
}
