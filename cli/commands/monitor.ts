/** `tieline monitor [service]`: how the services are, at a glance; whose fault it is when they are not well, and what to do. */
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, type ExitCode } from '../cli-error.ts'
import { need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { ago, count, duration, nearest, table, type Out, type Paint } from '../print.ts'
import { evaluateNow, printEvaluation } from './alerts.ts'

type Health = Schemas['ProviderHealth']
type Detail = Schemas['ProviderHealthDetail']

export interface MonitorOptions extends GlobalOptions {
  readonly detailed?: boolean
  readonly watch?: boolean
  readonly all?: boolean
  /** Evaluate the alert policies, and send. */
  readonly alert?: boolean
}

/** 0: all healthy. 1: something is down. 3: something is degraded. */
export async function monitor(
  service: string | undefined,
  options: MonitorOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  for (;;) {
    const code = await once(api, service, options, out)
    if (!options.watch) return code
    await delay(watchMs)
  }
}

const watchMs = 3_000
/** Home, and clear what is below. */
const clear = '\x1b[H\x1b[2J'

async function once(
  api: Api,
  service: string | undefined,
  options: MonitorOptions,
  out: Out,
): Promise<ExitCode> {
  const { items } = await need(api.GET('/admin/v1/health'))
  const chosen =
    service === undefined ? items.filter((one) => options.all || isShown(one)) : [named(items, service)]
  const details = options.detailed
    ? await Promise.all(
        chosen.map(({ provider }) =>
          need(api.GET('/admin/v1/health/{provider}', { params: { path: { provider } } })),
        ),
      )
    : []
  const evaluation = options.alert ? await evaluateNow(api) : undefined
  const shown = options.detailed ? details : chosen
  if (options.json) out.json(evaluation ? { services: shown, alerts: evaluation } : shown)
  else {
    if (options.watch && out.isTerminal) out.line(clear)
    print(chosen, out)
    for (const detail of details) printDetail(detail, out)
    if (evaluation) printEvaluation(evaluation, out)
  }
  return codeOf(chosen)
}

const isShown = ({ state }: Health): boolean => state !== 'not_configured'

function named(items: readonly Health[], service: string): Health {
  const found = items.find(({ provider }) => provider === service)
  if (found) return found
  const names = items.map(({ provider }) => provider)
  const meant = nearest(service, names)
  throw new CliError(
    `There is no service "${service}".${meant === undefined ? '' : ` Did you mean "${meant}"?`} The services are ${names.join(', ')}.`,
    2,
  )
}

function codeOf(items: readonly Health[]): ExitCode {
  const has = (...states: Health['state'][]) => items.some(({ state }) => states.includes(state))
  if (has('down', 'needs_attention')) return 1
  return has('degraded', 'unknown') ? 3 : 0
}

function print(items: readonly Health[], out: Out): void {
  if (items.length === 0) {
    out.line('Nothing is connected. Start with "tieline connect <service>"; --all shows every service.')
    return
  }
  const headings = [
    'service',
    'state',
    'culprit',
    'connections',
    'uptime 30 d',
    'p95',
    'errors',
    'data',
    'quota left',
    'last incident',
  ]
  for (const line of table(
    headings,
    items.map((one) => row(one, out.paint)),
    out.paint,
  ))
    out.line(line)
  const troubled = items.filter(({ reason }) => reason !== null)
  if (troubled.length > 0) out.line()
  for (const one of troubled) {
    out.line(`${out.paint.bold(one.name)}: ${one.reason}`)
    if (one.advice !== null) out.line(`  ${one.advice}`)
    if (one.paused)
      out.line(
        `  Its lanes are paused; next probe ${one.nextProbeAt === null ? 'soon' : soon(one.nextProbeAt)}.`,
      )
  }
}

export function row(one: Health, paint: Paint, now = Date.now()): string[] {
  const { calls, uptime, quota, lastIncident: last } = one
  const errors = calls.calls === 0 ? '–' : `${calls.errorPercent} %`
  return [
    one.provider,
    paintState(one.state, paint),
    one.culprit ?? '',
    connections(one.connections),
    uptime.budgetLeftSeconds < 0 ? paint.red(`${uptime.monthPercent} %`) : `${uptime.monthPercent} %`,
    calls.latency.p95Ms === null ? '–' : `${count(calls.latency.p95Ms)} ms`,
    calls.errorPercent > 1 ? paint.yellow(errors) : errors,
    freshness(one, paint),
    quota === null
      ? '–'
      : quota.leftPercent < 10
        ? paint.yellow(`${quota.leftPercent} %`)
        : `${quota.leftPercent} %`,
    last === null
      ? 'none'
      : `${ago(last.openedAt, now)}${last.resolvedAt === null ? paint.red(' (open)') : ''}`,
  ]
}

export function paintState(state: Health['state'], paint: Paint): string {
  const colour = {
    healthy: paint.green,
    degraded: paint.yellow,
    down: paint.red,
    needs_attention: paint.red,
    paused: paint.dim,
    not_configured: paint.dim,
    unknown: paint.yellow,
  }[state]
  return colour(stateText(state))
}

const stateText = (state: string): string =>
  state === 'unknown' ? 'not checked yet' : state.replace('_', ' ')

/** "12 healthy, 1 down": the worst first. */
function connections(counts: Readonly<Record<string, number>>): string {
  const order = ['down', 'needs_attention', 'degraded', 'unknown', 'paused', 'healthy']
  const parts = order.flatMap((state) =>
    counts[state] ? [`${count(counts[state])} ${stateText(state)}`] : [],
  )
  return parts.length === 0 ? '–' : parts.join(', ')
}

function freshness({ freshness: { oldestSeconds, stale } }: Health, paint: Paint): string {
  const text = oldestSeconds === null ? 'never synced' : `${duration(oldestSeconds)} old`
  return stale > 0 ? paint.yellow(`${text} (${stale} stale)`) : text
}

const soon = (time: string): string => {
  const seconds = (Date.parse(time) - Date.now()) / 1000
  return seconds <= 1 ? 'now' : `in ${duration(seconds)}`
}

function printDetail({ health, groups, troubled, changes }: Detail, out: Out): void {
  out.line()
  out.line(out.paint.bold(`${health.name}, the last 24 hours`))
  const rows = groups.map(({ group, figures }) => [
    group,
    count(figures.calls),
    `${figures.errorPercent} %`,
    count(figures.retries),
    ...[figures.latency.p50Ms, figures.latency.p95Ms, figures.latency.p99Ms].map((ms) =>
      ms === null ? '–' : `${count(ms)} ms`,
    ),
    Object.entries(figures.errors)
      .map(([code, n]) => `${code} ${count(n)}`)
      .join(', '),
  ])
  if (rows.length === 0) out.line('No calls.')
  else
    for (const line of table(
      ['endpoints', 'calls', 'errors', 'retries', 'p50', 'p95', 'p99', 'kinds'],
      rows,
      out.paint,
    ))
      out.line(line)
  if (troubled.length > 0) {
    out.line()
    for (const one of troubled) {
      out.line(`${one.connectionId}  ${paintState(one.state, out.paint)}  ${one.name}: ${one.reason ?? ''}`)
      if (one.advice !== null) out.line(`  ${one.advice}`)
    }
  }
  for (const change of changes.slice(0, 5))
    out.line(
      out.paint.dim(
        `${change.at.slice(0, 19).replace('T', ' ')}  ${change.was ?? 'new'} → ${change.state}${change.culprit === null ? '' : ` (${change.culprit})`}`,
      ),
    )
}
