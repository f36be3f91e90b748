/** A run as the API shows it: its row, its resources and, while it is open, what its workflow says of it. */
import { getProof } from '../../db/proofs.ts'
import { countLiving } from '../../db/run-resources.ts'
import { openStates, type Run, type RunResource, type RunSummary } from '../../db/runs.ts'
import type { components } from '../../openapi/types.ts'
import type { Progress, ResourceProgress } from '../../workflows/client.ts'
import type { ApiDeps } from '../deps.ts'

type Schemas = components['schemas']
type RunJson = Schemas['Run']

const time = (at: Date | null): string | null => at?.toISOString() ?? null

export const isOpen = ({ state }: Pick<RunSummary, 'state'>): boolean =>
  (openStates as readonly string[]).includes(state)

export function showSummary({ temporal }: ApiDeps, run: RunSummary): Schemas['RunListItem'] {
  return {
    runId: run.runId,
    partnerId: run.partnerId,
    accountId: run.accountId,
    connectionId: run.connectionId,
    provider: run.provider,
    mode: run.mode,
    dryRun: run.dryRun,
    state: run.state,
    startedBy: run.startedBy,
    batchId: run.batchId,
    workflowId: run.workflowId,
    workflowRunId: run.workflowRunId,
    failure: run.failure,
    startedAt: run.startedAt.toISOString(),
    endedAt: time(run.endedAt),
    temporalUrl: temporal.workflowLink(run.workflowId, run.workflowRunId),
  }
}

/** Asks the workflow of an open run how far it is: up to 3 seconds when no worker answers. */
export async function showRun(deps: ApiDeps, run: Run): Promise<RunJson> {
  const open = isOpen(run)
  const [proof, told] = await Promise.all([
    open ? undefined : getProof(deps.database.db, run.runId),
    open ? deps.temporal.progress(run.connectionId) : undefined,
  ])
  const live = told?.runId === run.runId ? told : undefined
  return {
    ...showSummary(deps, run),
    resources: run.resources.map(showResource),
    totals: totalsOf(run.resources),
    progress: open ? await progressOf(deps, run, live) : null,
    hasProof: proof !== undefined,
  }
}

const countNames = [
  'pages',
  'scanned',
  'created',
  'updated',
  'unchanged',
  'deleted',
  'stale',
  'quarantined',
  'retried',
] as const
type Counts = Record<(typeof countNames)[number], number>

function countsOf(row: Counts): Counts {
  const { pages, scanned, created, updated, unchanged, deleted, stale, quarantined, retried } = row
  return { pages, scanned, created, updated, unchanged, deleted, stale, quarantined, retried }
}

export function totalsOf(rows: readonly Counts[]): Counts {
  const totals = countsOf({
    pages: 0,
    scanned: 0,
    created: 0,
    updated: 0,
    unchanged: 0,
    deleted: 0,
    stale: 0,
    quarantined: 0,
    retried: 0,
  })
  for (const row of rows) for (const name of countNames) totals[name] += row[name]
  return totals
}

function showResource(row: RunResource): Schemas['RunResource'] {
  return {
    resource: row.resource,
    state: row.state,
    fullScan: row.fullScan,
    ...countsOf(row),
    calls: row.calls,
    contentHash: row.contentHash,
    expected: row.expected,
    changedFields: { ...row.changedFields },
    samples: row.samples.map(({ externalId, effect, fields }) => ({
      externalId,
      effect,
      fields: [...fields],
    })),
    failure: row.failure,
    verification: row.verification,
    startedAt: time(row.startedAt),
    endedAt: time(row.endedAt),
  }
}

async function progressOf(
  deps: ApiDeps,
  run: Run,
  live: Progress | undefined,
): Promise<Schemas['RunProgress']> {
  const rows: readonly ResourceProgress[] = live?.resources ?? run.resources
  const { scanned } = totalsOf(rows)
  const elapsedSeconds = Math.max(0, (Date.now() - run.startedAt.getTime()) / 1000)
  const rowsPerSecond = elapsedSeconds > 0 ? scanned / elapsedSeconds : 0
  const expected = await expectedOf(deps, run)
  const rest = expected === null ? null : Math.max(0, expected - scanned)
  return {
    live: live !== undefined,
    state: live?.state ?? (run.state === 'paused' || run.state === 'waiting' ? run.state : 'running'),
    waiting: live?.waiting ?? null,
    speed: live?.speed ?? null,
    elapsedSeconds: rounded(elapsedSeconds),
    rowsPerSecond: rounded(rowsPerSecond),
    expected,
    percent: expected === null ? null : percentOf(scanned, expected),
    etaSeconds: rest === null || rowsPerSecond === 0 ? null : Math.round(rest / rowsPerSecond),
    resources: rows.map((row) => ({ resource: row.resource, state: row.state, ...countsOf(row) })),
  }
}

const rounded = (value: number): number => Math.round(value * 10) / 10

/** A run that is open is never shown as complete: the provider may hold more than was expected. */
const percentOf = (scanned: number, expected: number): number =>
  expected === 0 ? 0 : Math.min(99.9, rounded((scanned / expected) * 100))

/**
 * How many rows the run will read: the provider's own count where it gave one, else what the store holds of the resource.
 * Null for an incremental run (nobody knows how much has changed) and for a first load of which nothing is known yet.
 */
async function expectedOf({ database }: ApiDeps, run: Run): Promise<number | null> {
  if (run.resources.length === 0) return null
  let sum = 0
  for (const row of run.resources) {
    if (row.state === 'succeeded' || row.state === 'failed' || row.state === 'skipped') {
      sum += row.scanned
      continue
    }
    if (row.state === 'running' && !row.fullScan) return null
    if (row.state === 'waiting' && run.mode === 'incremental') return null
    const known = row.expected ?? (await countLiving(database.db, run.connectionId, row.resource))
    if (known === 0 && row.expected === null) return null
    sum += Math.max(known, row.scanned)
  }
  return sum
}
