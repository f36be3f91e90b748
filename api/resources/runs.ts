/** Runs: started, shown, steered, proven. */
import { appendAudit, type NewAuditEntry } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import type { Connection } from '../../db/connections.ts'
import { getProof, listPages } from '../../db/proofs.ts'
import { listRunCalls as selectCalls } from '../../db/run-resources.ts'
import { createRun, deleteUnstartedRun, listRuns as selectRuns, type Run } from '../../db/runs.ts'
import type { JsonObject } from '../../model/json.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { checkRecordsLeft } from '../limits/records-quota.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { ProblemError } from '../problem.ts'
import { checkResourceNames, providerOf, runOf, usableConnection } from './find.ts'
import { isOpen, showRun, showSummary } from './show-run.ts'

export const listRuns: Handler<'listRuns'> = async (deps, call) => {
  const after = positionOf(call, { runId: 'string' })?.runId
  const { connectionId, provider, state, batchId } = call.query
  const query = { connectionId, provider, state, batchId, after, limit: rowsFor(call) }
  const rows = await selectRuns(deps.database.db, query)
  return listAnswer(
    call,
    rows,
    (run) => showSummary(deps, run),
    ({ runId }) => ({ runId }),
  )
}

export const getRun: Handler<'getRun'> = async (deps, { path }) => ({
  status: 200,
  body: await showRun(deps, await runOf(deps, path.runId)),
})

/** The row is there before the workflow, so that the answer can name the run; it is taken back when nothing was started. */
export const startRun: Handler<'startRun'> = async (deps, { body, caller }) => {
  const connection = await usableConnection(deps, body.connectionId)
  checkResourceNames([providerOf(deps, connection)], body.resources)
  const { connectionId, partnerId } = connection
  await checkRecordsLeft(deps, partnerId)
  const runId = newId('run')
  const mode = body.mode ?? 'incremental'
  const dryRun = body.dryRun ?? false
  const startedBy = caller.name
  const workflowId = workflowIds.syncConnection(connectionId)
  await inTransaction(deps.database.db, async (tx) => {
    await createRun(tx, { runId, connection, mode, dryRun, startedBy, workflowId })
    const details = { connectionId, mode, dryRun, resources: body.resources ?? null }
    await appendAudit(tx, { actor: startedBy, action: 'run.requested', subject: runId, partnerId, details })
  })
  try {
    await deps.temporal.startSync(
      {
        connectionId,
        runId,
        mode,
        dryRun,
        startedBy,
        ...(body.resources ? { resources: body.resources } : {}),
        ...(body.speed ? { speed: body.speed } : {}),
      },
      connection,
    )
  } catch (error) {
    throw await takeBack(deps, connection, runId, caller, error)
  }
  const run = await runOf(deps, runId)
  return { status: 202, body: await showRun(deps, run), headers: { Location: `/admin/v1/runs/${runId}` } }
}

/** Removes the row of a run that did not start; what to answer instead names the run that is in the way. */
async function takeBack(
  deps: ApiDeps,
  connection: Connection,
  runId: string,
  caller: Caller,
  error: unknown,
): Promise<unknown> {
  const { db } = deps.database
  const { connectionId, partnerId } = connection
  const code = isHubError(error) ? error.code : 'Internal'
  await deleteUnstartedRun(db, runId)
  const details: JsonObject = { connectionId, code }
  await audit(deps, { actor: caller.name, action: 'run.not_started', subject: runId, partnerId, details })
  if (!isHubError(error, 'AlreadyRunning')) return error
  const newest = await selectRuns(db, { connectionId, limit: 5 })
  const open = newest.find((run) => isOpen(run))
  return open ? new ProblemError(error, { runId: open.runId }) : error
}

const audit = ({ database }: ApiDeps, entry: NewAuditEntry): Promise<void> =>
  inTransaction(database.db, (tx) => appendAudit(tx, entry))

/** An open run, and the wish to steer it written down. @throws HubError `StateConflict` for one that has ended. */
async function steered(
  deps: ApiDeps,
  runId: string,
  caller: Caller,
  action: string,
  details: JsonObject = {},
): Promise<Run> {
  const run = await runOf(deps, runId)
  if (!isOpen(run)) throw new HubError('StateConflict', `The run has ended: ${run.state}.`)
  const { partnerId, connectionId } = run
  await audit(deps, {
    actor: caller.name,
    action,
    subject: runId,
    partnerId,
    details: { connectionId, ...details },
  })
  return run
}

/** The row may be open for a moment longer than the workflow, or for good when that was terminated. */
function notUnderWay(error: unknown): never {
  if (!isHubError(error, 'NoSuchThing')) throw error
  throw new HubError(
    'StateConflict',
    'The workflow of this run is not under way: it is just starting, has just ended, or was terminated.',
    { cause: error },
  )
}

export const pauseRun: Handler<'pauseRun'> = async (deps, { path, caller }) => {
  const run = await steered(deps, path.runId, caller, 'run.pause_requested')
  await deps.temporal.pause(run.connectionId).catch(notUnderWay)
  return { status: 202, body: await showRun(deps, await runOf(deps, run.runId)) }
}

export const resumeRun: Handler<'resumeRun'> = async (deps, { path, caller }) => {
  const run = await steered(deps, path.runId, caller, 'run.resume_requested')
  await deps.temporal.resume(run.connectionId).catch(notUnderWay)
  return { status: 202, body: await showRun(deps, await runOf(deps, run.runId)) }
}

export const cancelRun: Handler<'cancelRun'> = async (deps, { path, caller }) => {
  const run = await steered(deps, path.runId, caller, 'run.cancel_requested')
  await deps.temporal.cancel(run.connectionId).catch(notUnderWay)
  return { status: 202, body: await showRun(deps, await runOf(deps, run.runId)) }
}

export const updateRun: Handler<'updateRun'> = async (deps, { path, body, caller }) => {
  const { speed } = body
  const run = await steered(deps, path.runId, caller, 'run.speed_requested', { ...speed })
  await deps.temporal.setSpeed(run.connectionId, speed).catch(notUnderWay)
  return { status: 200, body: await showRun(deps, await runOf(deps, run.runId)) }
}

export const getRunProof: Handler<'getRunProof'> = async (deps, { path }) => {
  const run = await runOf(deps, path.runId)
  const proof = await getProof(deps.database.db, run.runId)
  if (!proof) {
    const why = isOpen(run) ? 'has not ended yet' : 'left none'
    throw new HubError('NoSuchThing', `There is no proof of the run "${run.runId}": it ${why}.`)
  }
  const { runId, keyId, jws, createdAt } = proof
  return {
    status: 200,
    body: { runId, keyId, jws, payload: payloadOf(jws), createdAt: createdAt.toISOString() },
  }
}

/** What a compact JWS signs. The signature is for the reader to check. */
const payloadOf = (jws: string): JsonObject =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8')) as JsonObject

export const listRunCalls: Handler<'listRunCalls'> = async (deps, call) => {
  const after = positionOf(call, { seq: 'bigint' })?.seq
  const { runId } = await runOf(deps, call.path.runId)
  const rows = await selectCalls(deps.database.db, { runId, after, limit: rowsFor(call) })
  return listAnswer(
    call,
    rows,
    ({ at, status, ...rest }) => ({ ...rest, at: new Date(at).toISOString(), status: status ?? null }),
    ({ seq }) => ({ seq }),
  )
}

export const listRunPages: Handler<'listRunPages'> = async (deps, call) => {
  const position = positionOf(call, { resource: 'string', page: 'int' })
  const { runId } = await runOf(deps, call.path.runId)
  const after = position && { resource: position.resource, page: position.page }
  const rows = await listPages(deps.database.db, { runId, after, limit: rowsFor(call) })
  return listAnswer(
    call,
    rows,
    ({ readAt, ...rest }) => ({ ...rest, readAt: readAt.toISOString() }),
    ({ resource, page }) => ({ resource, page }),
  )
}
