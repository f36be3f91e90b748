/** `tieline runs …`: look at runs and steer them. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { ago, count, duration, table, type Out } from '../print.ts'
import { stateOf } from '../progress.ts'

export interface ListOptions extends GlobalOptions {
  readonly connection?: string
  readonly service?: string
  readonly state?: string
  readonly limit: string
}

export function limitOf(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= 10_000) return limit
  throw new CliError('--limit takes a whole number from 1 to 10000.', 2)
}

export async function listRuns(options: ListOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const filter = {
    ...(options.connection === undefined ? {} : { connectionId: options.connection }),
    ...(options.service === undefined ? {} : { provider: options.service }),
    ...(options.state === undefined ? {} : { state: options.state as Schemas['RunState'] }),
  }
  const runs = await collect(limitOf(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/runs', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) {
    out.json(runs)
    return 0
  }
  if (runs.length === 0) out.line('No runs. Start one with "tieline sync".')
  else {
    const rows = runs.map((run) => [
      run.runId,
      run.provider,
      run.connectionId,
      `${run.mode}${run.dryRun ? ' dry' : ''}`,
      stateOf(run, out),
      ago(run.startedAt),
      run.startedBy,
    ])
    for (const line of table(
      ['run', 'service', 'connection', 'mode', 'state', 'started', 'by'],
      rows,
      out.paint,
    ))
      out.line(line)
  }
  return 0
}

export async function showRun(runId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const run = await need(openApi(options).GET('/admin/v1/runs/{runId}', { params: { path: { runId } } }))
  if (options.json) {
    out.json(run)
    return 0
  }
  out.line(`${out.paint.bold(run.runId)}  ${stateOf(run, out)}`)
  out.line(
    `  ${run.provider} ${run.connectionId}, ${run.mode}${run.dryRun ? ' dry run' : ''}, started ${ago(run.startedAt)} by ${run.startedBy}`,
  )
  if (run.failure) out.line(out.paint.red(`  ${run.failure.code}: ${run.failure.message}`))
  const rows = run.resources.map((one) => [
    one.resource,
    one.state,
    ...[
      one.pages,
      one.scanned,
      one.created,
      one.updated,
      one.unchanged,
      one.deleted,
      one.quarantined,
      one.retried,
    ].map(count),
    accuracyOf(one),
  ])
  for (const line of table(
    [
      'resource',
      'state',
      'pages',
      'read',
      'created',
      'updated',
      'unchanged',
      'deleted',
      'quarantined',
      'retried',
      'accuracy %',
    ],
    rows,
    out.paint,
  ))
    out.line(`  ${line}`)
  const { progress } = run
  if (run.endedAt === null && progress) {
    const eta = progress.etaSeconds === null ? '' : `, ${duration(progress.etaSeconds)} to go`
    out.line(
      `  ${count(Math.round(progress.rowsPerSecond))} rows/s${eta}${progress.waiting ? `; waiting until ${progress.waiting.until} (${progress.waiting.reason})` : ''}`,
    )
  }
  out.line(out.paint.dim(`  Temporal: ${run.temporalUrl}`))
  return 0
}

function accuracyOf(one: Schemas['RunResource']): string {
  const accuracy = one.verification?.['accuracyPercent']
  return typeof accuracy === 'number' ? String(accuracy) : ''
}

/** Pause, resume and cancel take effect after the page that is being read. */
export async function steerRun(
  runId: string,
  verb: 'pause' | 'resume' | 'cancel',
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const run = await need(
    openApi(options).POST(`/admin/v1/runs/{runId}/${verb}`, { params: { path: { runId } } }),
  )
  if (options.json) out.json(run)
  else out.line(`${runId}: asked to ${verb}. It takes effect after the page that is being read.`)
  return 0
}

export async function setSpeed(
  runId: string,
  pages: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const pagesPerMinute = pages === 'max' ? null : Number(pages)
  if (pagesPerMinute !== null && !(pagesPerMinute >= 1 && pagesPerMinute <= 1000))
    throw new CliError('The speed is pages a minute, 1 to 1000, or "max".', 2)
  const run = await need(
    openApi(options).PATCH('/admin/v1/runs/{runId}', {
      params: { path: { runId } },
      body: { speed: { pagesPerMinute } },
    }),
  )
  if (options.json) out.json(run)
  else
    out.line(
      `${runId}: ${pagesPerMinute === null ? 'as fast as the limits allow' : `at most ${pagesPerMinute} pages a minute`}.`,
    )
  return 0
}

export async function listCalls(
  runId: string,
  options: GlobalOptions & { readonly limit: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const calls = await collect(limitOf(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/runs/{runId}/calls', {
        params: { path: { runId }, query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(calls)
  else {
    const rows = calls.map((call) => [
      call.at.slice(11, 23),
      call.method,
      call.path,
      String(call.status ?? '-'),
      String(call.attempt),
      `${call.durationMs}`,
      count(call.bytes),
      call.outcome,
    ])
    for (const line of table(
      ['time', 'method', 'path', 'status', 'attempt', 'ms', 'bytes', 'outcome'],
      rows,
      out.paint,
    ))
      out.line(line)
  }
  return 0
}
