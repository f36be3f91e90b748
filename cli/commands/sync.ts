/** `tieline sync`: starts a batch, follows its runs, tells what came of them. */
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { count, duration, nearest, table, type Out } from '../print.ts'
import { createProgress } from '../progress.ts'

type Run = Schemas['Run']
type SyncMany = Schemas['SyncMany']

export interface SyncOptions extends GlobalOptions {
  readonly account?: string
  readonly connection?: string
  readonly resource?: readonly string[]
  readonly full?: boolean
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly parallel?: string
  /** False: start and return. */
  readonly watch: boolean
}

/** Starts and (unless told not to) follows a sync. Answers the exit code. */
export async function sync(service: string | undefined, options: SyncOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  if (service !== undefined) await mustBeKnown(api, service)
  const batch = await need(api.POST('/admin/v1/sync-many', { body: bodyOf(service, options) }))
  if (!options.watch) {
    if (options.json) out.json(batch)
    else out.line(`Started ${batch.workflowId}. Follow it: ${batch.temporalUrl}`)
    return 0
  }
  const { state, runs } = await follow(api, batch, options, out)
  if (options.json) out.json({ ...state, runs })
  else await tell(api, state, runs, options, out)
  return exitCodeOf(state)
}

async function mustBeKnown(api: Api, service: string): Promise<void> {
  const { items } = await need(api.GET('/admin/v1/providers', { params: { query: { limit: 200 } } }))
  const slugs = items.map((provider) => provider.slug)
  if (slugs.includes(service)) return
  const meant = nearest(service, slugs)
  throw new CliError(
    `There is no service "${service}". ${meant === undefined ? '' : `Did you mean "${meant}"? `}Known services: ${slugs.join(', ')}.`,
    2,
  )
}

function bodyOf(service: string | undefined, options: SyncOptions): Schemas['NewSyncMany'] {
  if (options.force && options.full)
    throw new CliError('--force and --full exclude each other: --force already reads everything.', 2)
  const parallel = options.parallel === undefined ? undefined : Number(options.parallel)
  if (parallel !== undefined && !(Number.isInteger(parallel) && parallel >= 1 && parallel <= 50)) {
    throw new CliError('--parallel takes a whole number from 1 to 50.', 2)
  }
  return {
    ...(service === undefined ? {} : { provider: service }),
    ...(options.account === undefined ? {} : { accountId: options.account }),
    ...(options.connection === undefined ? {} : { connectionId: options.connection }),
    ...(options.resource === undefined ? {} : { resources: [...options.resource] }),
    ...(parallel === undefined ? {} : { parallel }),
    mode: options.force ? 'force' : options.full ? 'full' : 'incremental',
    dryRun: options.dryRun ?? false,
  }
}

/** Follows until the batch has ended. Ctrl-C only stops the following. */
async function follow(
  api: Api,
  batch: SyncMany,
  options: SyncOptions,
  out: Out,
): Promise<{ state: SyncMany; runs: Run[] }> {
  const detach = (): void => {
    out.note(
      `\nNo longer following. The sync goes on; see it at ${batch.temporalUrl}, or stop it with "tieline runs cancel <run id>".`,
    )
    process.exit(0)
  }
  process.once('SIGINT', detach)
  const progress = createProgress(out)
  const quiet = options.json === true
  try {
    for (;;) {
      const state = await need(
        api.GET('/admin/v1/sync-many/{workflowId}', { params: { path: { workflowId: batch.workflowId } } }),
      )
      const runs = await runsOf(api, batch.workflowId)
      if (!quiet) progress.show(runs)
      if (state.state !== 'running') return { state, runs }
      await delay(400)
    }
  } finally {
    progress.end()
    process.off('SIGINT', detach)
  }
}

async function runsOf(api: Api, batchId: string): Promise<Run[]> {
  const listed = await collect(200, (cursor, limit) =>
    need(
      api.GET('/admin/v1/runs', {
        params: { query: { batchId, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  // Details of the newest few: a batch of thousands is followed by its totals.
  return await Promise.all(
    listed
      .slice(0, 20)
      .map((run) => need(api.GET('/admin/v1/runs/{runId}', { params: { path: { runId: run.runId } } }))),
  )
}

async function tell(
  api: Api,
  state: SyncMany,
  runs: readonly Run[],
  options: SyncOptions,
  out: Out,
): Promise<void> {
  out.line()
  for (const run of runs) await tellRun(api, run, options, out)
  const { result } = state
  if (state.failure) out.line(out.paint.red(state.failure.message))
  for (const failure of result?.failures ?? [])
    out.line(out.paint.red(`${String(failure['connectionId'])}: ${String(failure['reason'])}`))
  if (result && result.connections === 0)
    out.line('No active connection matches. "tieline connections list" shows what there is.')
  if (result && result.connections > 1) {
    out.line(
      `${count(result.connections)} connections: ${count(result.succeeded)} succeeded, ${count(result.partlyFailed)} partly failed, ${count(result.failed)} failed, ${count(result.skipped)} skipped.`,
    )
  }
  out.line(out.paint.dim(`Temporal: ${state.temporalUrl}`))
}

async function tellRun(api: Api, run: Run, options: SyncOptions, out: Out): Promise<void> {
  const seconds = run.endedAt === null ? 0 : (Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000
  const what = run.dryRun ? 'would be written' : run.state.replace('_', ' ')
  out.line(
    `${out.paint.bold(run.provider)} ${run.connectionId}: ${run.mode}${run.dryRun ? ' dry run' : ''}, ${what}, ${duration(seconds)}`,
  )
  const headings = [
    'resource',
    'read',
    'created',
    'updated',
    'unchanged',
    'deleted',
    'quarantined',
    'retried',
  ]
  const rows = run.resources.map((one) => [
    one.resource,
    ...[one.scanned, one.created, one.updated, one.unchanged, one.deleted, one.quarantined, one.retried].map(
      count,
    ),
  ])
  const sum = (pick: (one: Run['resources'][number]) => number) =>
    count(run.resources.reduce((total, one) => total + pick(one), 0))
  rows.push([
    'total',
    sum((o) => o.scanned),
    sum((o) => o.created),
    sum((o) => o.updated),
    sum((o) => o.unchanged),
    sum((o) => o.deleted),
    sum((o) => o.quarantined),
    sum((o) => o.retried),
  ])
  for (const line of table(headings, rows, out.paint)) out.line(`  ${line}`)
  for (const one of run.resources)
    if (one.failure) out.line(out.paint.red(`  ${one.resource}: ${one.failure.message}`))
  if (run.dryRun) tellPlan(run, out)
  else await tellProof(api, run, out)
}

function tellPlan(run: Run, out: Out): void {
  for (const one of run.resources) {
    const fields = Object.entries(one.changedFields).map(([name, times]) => `${name} (${String(times)})`)
    if (fields.length > 0) out.line(`  ${one.resource}: fields that would change: ${fields.join(', ')}`)
    for (const change of one.samples.slice(0, 50)) {
      out.line(
        `    ${change.effect} ${one.resource} ${change.externalId}${change.fields.length > 0 ? `: ${change.fields.join(', ')}` : ''}`,
      )
    }
    const more = one.created + one.updated + one.deleted - Math.min(50, one.samples.length)
    if (more > 0) out.line(`    … and ${count(more)} more`)
  }
  out.line('  Nothing was written.')
}

async function tellProof(api: Api, run: Run, out: Out): Promise<void> {
  const { data } = await api.GET('/admin/v1/runs/{runId}/proof', { params: { path: { runId: run.runId } } })
  const accuracy = data?.payload['accuracyPercent']
  if (typeof accuracy === 'number')
    out.line(
      `  proof: ${accuracy} % of the re-read sample matches; verify with "tieline runs proof ${run.runId}"`,
    )
}

function exitCodeOf({ state, result }: SyncMany): ExitCode {
  if (state !== 'succeeded' || !result) return 1
  const bad = result.failed + result.partlyFailed + result.cancelled
  if (bad === 0) return 0
  return result.succeeded + result.partlyFailed > 0 ? 3 : 1
}
