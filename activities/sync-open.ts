/** Opening a run: is the request one that can be met, and what will be read in which order. */
import { Context } from '@temporalio/activity'
import { appendAudit } from '../db/audit.ts'
import { asTenant } from '../db/client.ts'
import { activeConnectionIds, getConnection, type Connection } from '../db/connections.ts'
import { recordsUsed } from '../db/quotas.ts'
import { addRunResources } from '../db/run-resources.ts'
import {
  adoptRun,
  createRun,
  endLostRuns,
  findRunOfWorkflow,
  getRun,
  type Run,
  type RunMode,
} from '../db/runs.ts'
import { HubError } from '../platform/errors.ts'
import { newId } from '../platform/new-id.ts'
import type { Provider } from '../providers/contract.ts'
import type { ActivityDeps } from './deps.ts'

export interface OpenRunInput {
  readonly connectionId: string
  readonly runId?: string
  readonly mode: RunMode
  readonly dryRun: boolean
  readonly resources?: readonly string[]
  readonly startedBy: string
  readonly batchId?: string
  /** Temporal's first run id of the chain: names the run across continue-as-new and repeated attempts. */
  readonly workflowRunId: string
}

export interface RunPlan {
  readonly runId: string
  readonly provider: string
  readonly providerName: string
  readonly connectionName: string
  readonly accountId: string
  readonly partnerId: string
  readonly mode: RunMode
  readonly dryRun: boolean
  /** In reading order, with how far each has come (a continued run). */
  readonly resources: readonly { readonly name: string; readonly state: string }[]
}

/** Provider resources in an order in which each comes after those it builds on. */
export function inReadingOrder(provider: Provider, wanted: readonly string[] | undefined): string[] {
  const names = provider.resources.map((resource) => resource.name)
  const unknown = wanted?.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw new HubError(
      'InvalidInput',
      `${provider.name} has no resource "${unknown}". It has: ${names.join(', ')}.`,
    )
  }
  const ordered: string[] = []
  const place = (name: string): void => {
    const resource = provider.resources.find((one) => one.name === name)
    if (!resource || ordered.includes(name)) return
    resource.after.forEach(place)
    ordered.push(name)
  }
  names.forEach(place)
  return ordered.filter((name) => wanted === undefined || wanted.includes(name))
}

/** Makes (or finds again) the run's rows. A repetition answers the same plan. */
export async function openRun(deps: ActivityDeps, input: OpenRunInput): Promise<RunPlan> {
  const { db } = deps.database
  const connection = await getConnection(db, input.connectionId)
  const provider = connection && deps.findProvider(connection.provider)
  if (!connection || !provider || connection.state === 'deleted') {
    throw new HubError('InvalidInput', `There is no connection "${input.connectionId}".`)
  }
  const order = inReadingOrder(provider, input.resources)
  const workflowId = Context.current().info.workflowExecution?.workflowId ?? ''
  const runId = (await findRunOfWorkflow(db, workflowId, input.workflowRunId)) ?? input.runId ?? newId('run')
  const known = await getRun(db, runId)
  if (!known?.workflowRunId) {
    mayStart(connection, input)
    if (input.batchId !== undefined) await checkRecordsLeft(deps, connection)
  }
  if (known?.workflowRunId && known.workflowRunId !== input.workflowRunId) {
    throw new HubError(
      'InvalidInput',
      `"${runId}" is the id of another run. Leave "runId" out to get a new one.`,
    )
  }
  await asTenant(db, connection.partnerId, async (tx) => {
    await endLostRuns(tx, connection.connectionId, runId)
    await createRun(tx, { ...input, runId, connection, workflowId })
    await adoptRun(tx, runId, input.workflowRunId)
    await addRunResources(tx, { runId, partnerId: connection.partnerId }, order)
    if (!known?.workflowRunId) await audit(tx, connection, runId, input)
  })
  const run = await getRun(db, runId)
  if (!run)
    throw new HubError('Internal', 'The run could not be made', {
      internal: `no row for ${runId} after insert`,
    })
  return planOf(run, connection, provider)
}

function mayStart(connection: Connection, input: OpenRunInput): void {
  if (connection.state === 'paused') {
    throw new HubError('StateConflict', `The connection "${connection.name}" is paused. Resume it first.`)
  }
  if (connection.state === 'needs_attention' && input.startedBy === 'schedule') {
    throw new HubError(
      'StateConflict',
      `The connection "${connection.name}" needs attention: ${connection.stateReason ?? 'see its last check'}.`,
    )
  }
}

/** A batch is not to hang on one partner for the rest of a month: there it fails at once. A single run waits (`records-quota.ts`). */
async function checkRecordsLeft(
  { database, clock }: ActivityDeps,
  { partnerId, name }: Connection,
): Promise<void> {
  const records = await recordsUsed(database.db, partnerId, clock.now())
  if (!records || records.used < records.hard) return
  throw new HubError(
    'StateConflict',
    `The partner of the connection "${name}" has used up its quota of changes of records: ${records.used} of ${records.hard} in this month.`,
  )
}

function planOf(run: Run, connection: Connection, provider: Provider): RunPlan {
  return {
    runId: run.runId,
    provider: provider.slug,
    providerName: provider.name,
    connectionName: connection.name,
    accountId: run.accountId,
    partnerId: run.partnerId,
    mode: run.mode,
    dryRun: run.dryRun,
    resources: run.resources.map(({ resource, state }) => ({ name: resource, state })),
  }
}

async function audit(
  tx: Parameters<typeof appendAudit>[0],
  connection: Connection,
  runId: string,
  input: OpenRunInput,
): Promise<void> {
  await appendAudit(tx, {
    actor: input.startedBy,
    action: 'run.started',
    subject: runId,
    partnerId: connection.partnerId,
    details: { connectionId: connection.connectionId, mode: input.mode, dryRun: input.dryRun },
  })
}

export interface FindConnectionsInput {
  readonly provider?: string
  readonly accountId?: string
  readonly connectionId?: string
  readonly after?: string
  readonly limit: number
}

/** Connections that a `syncMany` is to visit, in id order. A mistyped provider or an unknown connection is `InvalidInput`. */
export async function findConnections(
  deps: ActivityDeps,
  input: FindConnectionsInput,
): Promise<readonly string[]> {
  if (input.provider !== undefined && !deps.findProvider(input.provider)) {
    const known = deps.providerSlugs.join(', ')
    throw new HubError('InvalidInput', `There is no provider "${input.provider}". Known providers: ${known}.`)
  }
  const found = await activeConnectionIds(deps.database.db, input)
  if (found.length === 0 && input.after === undefined && input.connectionId !== undefined) {
    throw new HubError('InvalidInput', `There is no active connection "${input.connectionId}" that matches.`)
  }
  return found
}
