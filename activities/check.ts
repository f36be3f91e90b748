/** Checks of connections: the provider's cheapest authenticated call, and what its answer means for the connection. */
import { appendAudit } from '../db/audit.ts'
import { asTenant } from '../db/client.ts'
import { getConnection, recordCheck, setConnectionState, type Connection } from '../db/connections.ts'
import { isRefreshHopeless } from '../db/credential-refreshes.ts'
import { failures, type FailureNote, type WhoMustAct } from '../model/failures.ts'
import type { JsonObject } from '../model/json.ts'
import { isHubError } from '../platform/errors.ts'
import { alignSchedule } from './align-schedule.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { openSession } from './session.ts'
import { whileBeating } from './steady.ts'

export type CheckOutcome =
  | { readonly ok: true; readonly proves: string; readonly facts: JsonObject }
  | { readonly ok: false; readonly failure: FailureNote }

/**
 * Runs the provider's health check and records what it found. A refusal is a finding, not a failure of the activity; what
 * may mend itself (an outage, a rate limit) is thrown, so that it is tried again.
 */
async function runHealthCheck(
  deps: ActivityDeps,
  { connectionId }: { readonly connectionId: string },
): Promise<CheckOutcome> {
  const outcome = await whileBeating(async (signal): Promise<CheckOutcome> => {
    try {
      const { provider, context } = await openSession(deps, connectionId, { priority: 'interactive', signal })
      return { ok: true, ...(await provider.health.check(context)) }
    } catch (error) {
      if (!isHubError(error) || failures[error.code].retry !== 'no') throw error
      return { ok: false, failure: { code: error.code, message: error.message } }
    }
  })
  await noteCheck(deps, { connectionId, outcome })
  return outcome
}

/** Records a check: on the connection, and in the audit chain when it changes the connection's state. Repeatable. */
export async function noteCheck(
  deps: ActivityDeps,
  { connectionId, outcome }: { readonly connectionId: string; readonly outcome: CheckOutcome },
): Promise<void> {
  const { db } = deps.database
  const connection = await getConnection(db, connectionId)
  if (!connection || connection.state === 'deleted') return
  await recordCheck(db, connectionId, { ...outcome })
  const next = stateAfter(connection, outcome)
  if (!next) return
  if (next.state === 'active' && (await isRefreshHopeless(db, connectionId))) return
  await asTenant(db, connection.partnerId, async (tx) => {
    await setConnectionState(tx, connectionId, next.state, next.reason, next.who)
    await appendAudit(tx, {
      actor: 'checkConnection',
      action: `connection.${next.state}`,
      subject: connectionId,
      partnerId: connection.partnerId,
      details: { reason: next.reason },
    })
  })
  await alignSchedule(deps, connectionId)
}

/** A refused credential needs a person; a check that went through shows that it is mended. A pause stays a pause. */
function stateAfter(
  connection: Connection,
  outcome: CheckOutcome,
):
  | {
      readonly state: 'active' | 'needs_attention'
      readonly reason: string | null
      readonly who: WhoMustAct | null
    }
  | undefined {
  if (outcome.ok)
    return connection.state === 'needs_attention' ? { state: 'active', reason: null, who: null } : undefined
  if (outcome.failure.code !== 'Unauthorized' || connection.state !== 'active') return undefined
  return { state: 'needs_attention', reason: outcome.failure.message, who: failures.Unauthorized.who }
}

export function createCheckActivities(deps: ActivityDeps) {
  return {
    runHealthCheck: failing((input: Parameters<typeof runHealthCheck>[1]) => runHealthCheck(deps, input)),
    noteCheck: failing((input: Parameters<typeof noteCheck>[1]) => noteCheck(deps, input)),
  }
}
