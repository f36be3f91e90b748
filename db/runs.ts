/** Runs and their resources: what was asked for, how far it is, how it ended. */
import { sql } from 'kysely'
import type { FailureNote } from '../model/failures.ts'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'
import type { PlannedChange } from './dry-run.ts'

export type RunMode = 'incremental' | 'full' | 'force'
export type RunState =
  'running' | 'paused' | 'waiting' | 'succeeded' | 'failed' | 'partly_failed' | 'cancelled'
/** States of a run that has not ended. */
export const openStates = ['running', 'paused', 'waiting'] as const

export interface RunResource {
  readonly resource: string
  readonly state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'skipped'
  readonly fullScan: boolean
  readonly trackSeen: boolean
  readonly position: JsonObject | null
  readonly pages: number
  readonly scanned: number
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  readonly deleted: number
  readonly stale: number
  readonly quarantined: number
  readonly retried: number
  readonly calls: number
  /** Decimal, modulo 2^256. */
  readonly contentHash: string
  readonly changedFields: Readonly<Record<string, number>>
  readonly samples: readonly PlannedChange[]
  readonly expected: number | null
  readonly failure: FailureNote | null
  readonly verification: JsonObject | null
  readonly startedAt: Date | null
  readonly endedAt: Date | null
}

export interface RunSummary {
  readonly runId: string
  readonly partnerId: string
  readonly accountId: string
  readonly connectionId: string
  readonly provider: string
  readonly mode: RunMode
  readonly dryRun: boolean
  readonly state: RunState
  readonly startedBy: string
  readonly batchId: string | null
  readonly workflowId: string
  readonly workflowRunId: string | null
  readonly failure: FailureNote | null
  readonly startedAt: Date
  readonly endedAt: Date | null
}

export interface Run extends RunSummary {
  /** In the order in which they are read. */
  readonly resources: readonly RunResource[]
}

export interface NewRun {
  readonly runId: string
  readonly connection: {
    readonly connectionId: string
    readonly partnerId: string
    readonly accountId: string
    readonly provider: string
  }
  readonly mode: RunMode
  readonly dryRun: boolean
  readonly startedBy: string
  readonly batchId?: string | undefined
  readonly workflowId: string
  /** Temporal's first run id of the chain; unknown when the API makes the row before the start. */
  readonly workflowRunId?: string | undefined
}

/** Makes the row of a run. A second call for the same run, or for the same Temporal run, changes nothing. */
export async function createRun(tx: Db, run: NewRun): Promise<void> {
  const { connection } = run
  await sql`
    insert into runs (run_id, partner_id, account_id, connection_id, provider, mode, dry_run, state, started_by, batch_id, workflow_id, workflow_run_id)
    values (${run.runId}, ${connection.partnerId}, ${connection.accountId}, ${connection.connectionId}, ${connection.provider},
      ${run.mode}, ${run.dryRun}, 'running', ${run.startedBy}, ${run.batchId ?? null}, ${run.workflowId}, ${run.workflowRunId ?? null})
    on conflict do nothing
  `.execute(tx)
}

/** Ties the row that the API made to the Temporal run that carries it. */
export async function adoptRun(tx: Db, runId: string, workflowRunId: string): Promise<void> {
  await sql`update runs set workflow_run_id = ${workflowRunId} where run_id = ${runId} and workflow_run_id is null`.execute(
    tx,
  )
}

/**
 * Ends open runs of a connection whose workflow is gone (terminated in the Temporal UI, a server that was replaced). The
 * caller is the connection's one living run. A row that the API has just made and not yet started is left alone.
 */
export async function endLostRuns(tx: Db, connectionId: string, livingRunId: string): Promise<void> {
  const lost = await sql<{ runId: string }>`
    select run_id from runs where connection_id = ${connectionId} and ended_at is null and run_id <> ${livingRunId}
      and (workflow_run_id is not null or started_at < now() - interval '10 minutes')
  `.execute(tx)
  for (const { runId } of lost.rows) {
    const failure = {
      code: 'Superseded',
      message: 'The run ended without notice, for example because it was terminated.',
    }
    await endRun(tx, runId, { state: 'failed', failure })
  }
}

/** Takes back the row of a run whose workflow was never started. */
export async function deleteUnstartedRun(db: Db, runId: string): Promise<void> {
  await sql`delete from runs where run_id = ${runId} and workflow_run_id is null and ended_at is null`.execute(
    db,
  )
}

/** The run of a Temporal run, or of an id that was given. */
export async function findRunOfWorkflow(
  db: Db,
  workflowId: string,
  workflowRunId: string,
): Promise<string | undefined> {
  const found = await sql<{ runId: string }>`
    select run_id from runs where workflow_id = ${workflowId} and workflow_run_id = ${workflowRunId}
  `.execute(db)
  return found.rows[0]?.runId
}

const summaryColumns = sql`run_id, partner_id, account_id, connection_id, provider, mode, dry_run, state, started_by, batch_id,
  workflow_id, workflow_run_id, failure, started_at, ended_at`

const resourceColumns = sql`resource, state, full_scan, track_seen, position, pages, scanned, created, updated, unchanged, deleted, stale,
  quarantined, retried, calls, content_hash::text as content_hash, changed_fields, samples, expected, failure, verification,
  started_at, ended_at`

/** One run with its resources, or undefined. */
export async function getRun(db: Db, runId: string): Promise<Run | undefined> {
  const found = await sql<RunSummary>`select ${summaryColumns} from runs where run_id = ${runId}`.execute(db)
  const run = found.rows[0]
  if (!run) return undefined
  const resources = await sql<RunResource>`
    select ${resourceColumns} from run_resources where run_id = ${runId} order by ordinal
  `.execute(db)
  return { ...run, resources: resources.rows }
}

/** One resource of a run, or undefined. */
export async function getRunResource(
  db: Db,
  runId: string,
  resource: string,
): Promise<RunResource | undefined> {
  const found = await sql<RunResource>`
    select ${resourceColumns} from run_resources where run_id = ${runId} and resource = ${resource}
  `.execute(db)
  return found.rows[0]
}

export interface RunQuery {
  readonly connectionId?: string | undefined
  readonly partnerId?: string | undefined
  readonly provider?: string | undefined
  readonly state?: RunState | undefined
  readonly batchId?: string | undefined
  /** Run id of the last row of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Runs, newest first. Each filter has an index that ends in the run id, which is time-ordered. */
export async function listRuns(db: Db, query: RunQuery): Promise<RunSummary[]> {
  const filter = [
    query.connectionId === undefined ? undefined : sql`connection_id = ${query.connectionId}`,
    query.partnerId === undefined ? undefined : sql`partner_id = ${query.partnerId}`,
    query.provider === undefined ? undefined : sql`provider = ${query.provider}`,
    query.state === undefined ? undefined : sql`state = ${query.state}`,
    query.batchId === undefined ? undefined : sql`batch_id = ${query.batchId}`,
    query.after === undefined ? undefined : sql`run_id < ${query.after}`,
  ].filter((part) => part !== undefined)
  const where = filter.length === 0 ? sql`` : sql`where ${sql.join(filter, sql` and `)}`
  const found = await sql<RunSummary>`
    select ${summaryColumns} from runs ${where} order by run_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Changes the state of a run that has not ended (pause, resume, wait). */
export async function setRunState(db: Db, runId: string, state: (typeof openStates)[number]): Promise<void> {
  await sql`update runs set state = ${state} where run_id = ${runId} and ended_at is null`.execute(db)
}

/** Makes an open run wait, and says why. False when it waits already, is paused, or has ended. */
export async function holdRun(tx: Db, runId: string, why: FailureNote): Promise<boolean> {
  const held = await sql`
    update runs set state = 'waiting', failure = ${JSON.stringify(why)}::jsonb
    where run_id = ${runId} and ended_at is null and state = 'running' returning 1
  `.execute(tx)
  return held.rows.length > 0
}

/** Lets a run go on that was held. False when it was not. */
export async function releaseRun(tx: Db, runId: string): Promise<boolean> {
  const released = await sql`
    update runs set state = case when state = 'waiting' then 'running' else state end, failure = null
    where run_id = ${runId} and ended_at is null and failure is not null returning 1
  `.execute(tx)
  return released.rows.length > 0
}

/** Connections whose runs are held, of a partner or of all that have a tier. */
export async function heldConnections(
  db: Db,
  of: { readonly partnerId: string } | { readonly tier: string },
  limit: number,
): Promise<string[]> {
  const whose =
    'tier' in of
      ? sql`partner_id in (select partner_id from partners where tier = ${of.tier})`
      : sql`partner_id = ${of.partnerId}`
  const found = await sql<{ connectionId: string }>`
    select connection_id from runs where state = 'waiting' and ${whose} order by run_id limit ${limit}
  `.execute(db)
  return found.rows.map(({ connectionId }) => connectionId)
}

/** Ends a run. A run that has ended stays as it is. */
export async function endRun(
  tx: Db,
  runId: string,
  end: { readonly state: RunState; readonly failure: FailureNote | null },
): Promise<boolean> {
  const failure = end.failure === null ? null : JSON.stringify(end.failure)
  const done = await sql<{ runId: string }>`
    update runs set state = ${end.state}, failure = ${failure}::jsonb, ended_at = now()
    where run_id = ${runId} and ended_at is null returning run_id
  `.execute(tx)
  await sql`delete from scan_seen where run_id = ${runId}`.execute(tx)
  await sql`
    update run_resources set state = 'skipped', ended_at = now() where run_id = ${runId} and state in ('waiting', 'running')
  `.execute(tx)
  return done.rows.length > 0
}
