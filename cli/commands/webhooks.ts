/** `tieline webhooks`: what providers post, what came of it, and trying it. */
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { ago, count, table, type Out } from '../print.ts'

type InboxEvent = Schemas['InboxEvent']

export interface FilterOptions extends GlobalOptions {
  readonly connection?: string
  readonly provider?: string
  readonly state?: InboxEvent['state']
  readonly outcome?: string
  readonly type?: string
  readonly limit?: string
}

const filterOf = ({ connection, provider, state, outcome, type }: FilterOptions) => ({
  ...(connection === undefined ? {} : { connectionId: connection }),
  ...(provider === undefined ? {} : { provider }),
  ...(state === undefined ? {} : { state }),
  ...(outcome === undefined ? {} : { outcome }),
  ...(type === undefined ? {} : { type }),
})

const columns = ['event', 'provider', 'type', 'object', 'received', 'state', 'outcome']
const rowOf = (event: InboxEvent): string[] => [
  event.eventId,
  event.provider,
  event.type,
  event.resource === null ? '' : `${event.resource} ${event.externalId ?? ''}`,
  ago(event.receivedAt),
  event.state,
  event.outcome ?? (event.failure ? event.failure.code : ''),
]

export async function listEvents(options: FilterOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const items = await collect(Number(options.limit ?? 50), (cursor, limit) =>
    need(
      api.GET('/admin/v1/inbox-events', {
        params: { query: { ...filterOf(options), limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else {
    for (const line of table(columns, items.map(rowOf), out.paint)) out.line(line)
    await printEquation(api, options, out)
  }
  return 0
}

async function printEquation(api: Api, { connection, provider }: FilterOptions, out: Out): Promise<void> {
  const query = filterOf({ ...(connection ? { connection } : {}), ...(provider ? { provider } : {}) })
  const sum = await need(api.GET('/admin/v1/inbox-equation', { params: { query } }))
  out.line(out.paint.dim(equationLine(sum)))
}

export const equationLine = (sum: Schemas['InboxEquation']): string =>
  `received ${count(sum.received)} = processed ${count(sum.processed)} + waiting ${count(sum.waiting)} + dead ${count(sum.dead)} + unmatched ${count(sum.unmatched)} + duplicates ${count(sum.duplicates)}`

export async function showEvent(eventId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const detail = await need(
    openApi(options).GET('/admin/v1/inbox-events/{eventId}', { params: { path: { eventId } } }),
  )
  if (options.json) {
    out.json(detail)
    return 0
  }
  const { event, request, payload } = detail
  const facts: [string, string | null][] = [
    ['event', `${event.eventId}  ${event.type}`],
    ['object', event.resource === null ? null : `${event.resource} ${event.externalId ?? ''}`],
    ['connection', event.connectionId ?? `none for the tenant ${event.tenant ?? '(not said)'}`],
    ['happened', event.occurredAt],
    ['received', `${event.receivedAt} from ${request.clientAddress}, ${count(request.bytes)} bytes`],
    ['state', `${event.state}${event.outcome === null ? '' : `: ${event.outcome}`}`],
    ['failure', event.failure ? `${event.failure.code}: ${event.failure.message}` : null],
    ['tries', event.attempts > 0 ? String(event.attempts) : null],
    ['next try', event.nextAt],
    ['record', event.recordVersion === null ? null : `version ${event.recordVersion}`],
    ['run', event.temporalUrl],
  ]
  for (const [name, value] of facts) if (value !== null) out.line(`${out.paint.dim(name.padEnd(11))}${value}`)
  out.line(out.paint.dim('checks'))
  for (const { name, passed, detail: why } of request.checks)
    out.line(
      `  ${passed ? out.paint.green('✓') : out.paint.red('✗')} ${name}${why === undefined ? '' : `: ${why}`}`,
    )
  out.line(out.paint.dim('headers'))
  for (const [name, value] of Object.entries(request.headers)) out.line(`  ${name}: ${value}`)
  out.line(out.paint.dim('payload'))
  out.line(JSON.stringify(payload, null, 2))
  return 0
}

export interface ReplayOptions extends FilterOptions {
  readonly dryRun?: boolean
}

export async function replay(ids: readonly string[], options: ReplayOptions, out: Out): Promise<ExitCode> {
  const { state, ...filter } = filterOf(options)
  if (state === 'waiting' || state === 'unmatched')
    throw new CliError('--state takes dead or processed: the others have had no effect yet.', 2)
  const body = {
    ...filter,
    ...(state === undefined ? {} : { state }),
    ...(ids.length > 0 ? { eventIds: [...ids] } : {}),
    dryRun: options.dryRun ?? false,
  }
  const done = await need(
    openApi(options).POST('/admin/v1/inbox-events/replay', { params: { header: {} }, body }),
  )
  if (options.json) out.json(done)
  else {
    const verb = done.dryRun ? 'would have their effect again' : 'have their effect again'
    out.line(`${count(done.events)} events of ${count(done.connections.length)} connections ${verb}.`)
  }
  return 0
}

/** Follows what comes in until it is interrupted. */
export async function tail(options: FilterOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const shown = new Map<string, string>()
  const read = () =>
    need(api.GET('/admin/v1/inbox-events', { params: { query: { ...filterOf(options), limit: 200 } } }))
  for (const event of (await read()).items) shown.set(event.eventId, event.state)
  out.note('Waiting for webhooks; Ctrl-C ends it.')
  for (;;) {
    const { items } = await read()
    for (const event of items.reverse()) {
      if (shown.get(event.eventId) === event.state) continue
      shown.set(event.eventId, event.state)
      if (options.json) out.line(JSON.stringify(event))
      else out.line(rowOf(event).join('  '))
    }
    while (shown.size > 2_000) shown.delete([...shown.keys()][0] ?? '')
    await delay(500)
  }
}

export async function sources(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const { items } = await need(openApi(options).GET('/admin/v1/webhook-sources'))
  if (options.json) out.json(items)
  else {
    const rows = items.map((one) => [
      one.provider,
      one.scope,
      one.secrets.map(({ name }) => name).join(', '),
      one.samples.map(({ event }) => event).join(', '),
    ])
    for (const line of table(['provider', 'url per', 'secrets', 'samples'], rows, out.paint)) out.line(line)
  }
  return 0
}

export interface SetUpOptions extends GlobalOptions {
  readonly secret?: readonly string[]
  readonly allow?: readonly string[]
  readonly perMinute?: string
}

export async function setUp(connectionId: string, options: SetUpOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const secrets = Object.fromEntries(
    (options.secret ?? []).map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw new CliError(`--secret takes name=value, not "${text}".`, 2)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
  const hook = await need(
    api.PUT('/admin/v1/connections/{connectionId}/webhook', {
      params: { path: { connectionId }, header: {} },
      body: {
        ...(options.secret ? { secrets } : {}),
        ...(options.allow ? { allowedNetworks: [...options.allow] } : {}),
        ...(options.perMinute === undefined ? {} : { perMinute: Number(options.perMinute) }),
      },
    }),
  )
  if (options.json) {
    out.json(hook)
    return 0
  }
  const { items } = await need(api.GET('/admin/v1/webhook-sources'))
  const source = items.find(({ provider }) => provider === hook.provider)
  out.line(`Webhooks of ${source?.name ?? hook.provider}: ${hook.made?.['url'] ?? hook.url}`)
  for (const [name, value] of Object.entries(hook.made ?? {}))
    if (name !== 'url' && name !== 'urlKey') out.line(`  ${name}: ${value}   (shown this once)`)
  source?.setup.forEach((step, index) =>
    out.line(`${index + 1}. ${step.replaceAll('{url}', hook.made?.['url'] ?? hook.url)}`),
  )
  return 0
}
