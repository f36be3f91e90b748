/** Closing a run: its outcome, its proof, what it means for the connection. */
import { appendAudit } from '../db/audit.ts'
import { asTenant, type Db } from '../db/client.ts'
import { getConnection, recordSynced, setConnectionState } from '../db/connections.ts'
import { isRefreshHopeless } from '../db/credential-refreshes.ts'
import { saveProof } from '../db/proofs.ts'
import { endRun, getRun, setRunState, type Run, type RunState } from '../db/runs.ts'
import { failures, type FailureNote } from '../model/failures.ts'
import { HubError } from '../platform/errors.ts'
import { alignSchedule } from './align-schedule.ts'
import type { ActivityDeps } from './deps.ts'
import { signProof } from './proof.ts'
import type { SliceProgress } from './reading.ts'

export interface CloseRunInput {
  readonly runId: string
  readonly cancelled: boolean
  /** Why the run as a whole ended early. */
  readonly failure: FailureNote | null
}

export interface CloseRunResult extends Omit<SliceProgress, 'expected'> {
  readonly outcome: 'succeeded' | 'partly_failed' | 'failed' | 'cancelled'
}

/** Ends a run and signs its proof (a dry run leaves its plan instead). A repetition answers the same. */
export async function closeRun(deps: ActivityDeps, input: CloseRunInput): Promise<CloseRunResult> {
  const { db } = deps.database
  const run = await getRun(db, input.runId)
  if (!run) throw new HubError('Superseded', 'The run is gone')
  const outcome = outcomeOf(run, input)
  if (run.endedAt) {
    // The first attempt may have died before it came to this.
    await alignSchedule(deps, run.connectionId)
    return { outcome, ...totals(run) }
  }
  const endedAt = deps.clock.now()
  const failure = input.failure ?? run.resources.find((resource) => resource.failure)?.failure ?? null
  const proof = run.dryRun ? undefined : await signProof(db, deps.vault, run, outcome, endedAt)
  const changed = await asTenant(db, run.partnerId, async (tx) => {
    if (!(await endRun(tx, run.runId, { state: outcome, failure: outcome === 'succeeded' ? null : failure })))
      return false
    if (proof)
      await saveProof(tx, { runId: run.runId, partnerId: run.partnerId, keyId: proof.keyId, jws: proof.jws })
    const settled = await settleConnection(tx, run, outcome, failure, endedAt)
    await appendAudit(tx, {
      actor: 'syncConnection',
      action: `run.${outcome}`,
      subject: run.runId,
      partnerId: run.partnerId,
      details: { connectionId: run.connectionId, ...totals(run) },
    })
    return settled
  })
  if (changed) await alignSchedule(deps, run.connectionId)
  deps.metrics.runs.inc({ provider: run.provider, outcome })
  return { outcome, ...totals(run) }
}

function outcomeOf(run: Run, input: CloseRunInput): CloseRunResult['outcome'] {
  if (run.endedAt && run.state !== 'running' && run.state !== 'paused' && run.state !== 'waiting')
    return run.state
  if (input.cancelled) return 'cancelled'
  const good = run.resources.filter((resource) => resource.state === 'succeeded').length
  if (good === run.resources.length && !input.failure) return 'succeeded'
  return good > 0 ? 'partly_failed' : 'failed'
}

/**
 * A refused credential needs a person; a run that went through shows that whatever was wrong is mended, unless all that is
 * left is a token that cannot be renewed. True when the state has changed.
 */
async function settleConnection(
  tx: Db,
  run: Run,
  outcome: RunState,
  failure: FailureNote | null,
  endedAt: Date,
): Promise<boolean> {
  const { connectionId, runId } = run
  const connection = await getConnection(tx, connectionId)
  if (!connection || connection.state === 'deleted') return false
  if (outcome === 'succeeded' && !run.dryRun) await recordSynced(tx, connectionId, { runId, at: endedAt })
  if (failure?.code === 'Unauthorized' && connection.state === 'active') {
    await setConnectionState(tx, connectionId, 'needs_attention', failure.message, failures.Unauthorized.who)
    return true
  }
  if (outcome !== 'succeeded' || connection.state !== 'needs_attention') return false
  if (await isRefreshHopeless(tx, connectionId)) return false
  await setConnectionState(tx, connectionId, 'active', null)
  return true
}

function totals(run: Run): Omit<SliceProgress, 'expected'> {
  const sum = (pick: (resource: Run['resources'][number]) => number) =>
    run.resources.reduce((total, one) => total + pick(one), 0)
  return {
    pages: sum((one) => one.pages),
    scanned: sum((one) => one.scanned),
    created: sum((one) => one.created),
    updated: sum((one) => one.updated),
    unchanged: sum((one) => one.unchanged),
    deleted: sum((one) => one.deleted),
    stale: sum((one) => one.stale),
    quarantined: sum((one) => one.quarantined),
    retried: sum((one) => one.retried),
  }
}

/** Ends the row of a run that could not be opened. One that another Temporal run carries is left alone. */
export async function abandonRun(
  deps: ActivityDeps,
  input: { readonly runId: string; readonly failure: FailureNote },
): Promise<void> {
  const { db } = deps.database
  const run = await getRun(db, input.runId)
  if (!run || run.endedAt || run.workflowRunId !== null) return
  await asTenant(db, run.partnerId, async (tx) => {
    if (!(await endRun(tx, run.runId, { state: 'failed', failure: input.failure }))) return
    const details = { connectionId: run.connectionId, code: input.failure.code }
    await appendAudit(tx, {
      actor: 'syncConnection',
      action: 'run.failed',
      subject: run.runId,
      partnerId: run.partnerId,
      details,
    })
  })
}

/** Shows in lists that a run is paused or waiting. */
export async function noteRunState(
  deps: ActivityDeps,
  input: { readonly runId: string; readonly state: 'running' | 'paused' | 'waiting' },
): Promise<void> {
  await setRunState(deps.database.db, input.runId, input.state)
}
