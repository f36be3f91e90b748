/** `tieline alerts maintenance`: when nobody is told, and of what. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { spanMs } from '../input.ts'
import { table, type Out } from '../print.ts'

type Window = Schemas['MaintenanceWindow']

const path = '/admin/v1/maintenance-windows/{windowId}' as const
const at = (windowId: string) => ({ path: { windowId } })

const aboutOf = ({ provider, partnerId, connectionId }: Window): string =>
  [provider, partnerId, connectionId].filter((one) => one !== null).join(', ') || 'the whole hub'

const stateOf = ({ startsAt, endsAt }: Window, { paint }: Out, now = Date.now()): string => {
  if (Date.parse(endsAt) <= now) return paint.dim('over')
  return Date.parse(startsAt) <= now ? paint.yellow('under way') : 'ahead'
}

export async function listWindows(
  options: GlobalOptions & { readonly all?: boolean; readonly limit: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const filter = options.all ? { all: true } : {}
  const items = await collect(Number(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/maintenance-windows', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  const rows = items.map((one) => [
    one.windowId,
    stateOf(one, out),
    one.startsAt,
    one.endsAt,
    aboutOf(one),
    one.reason,
  ])
  if (options.json) out.json(items)
  else if (items.length === 0) out.line('No maintenance is under way or ahead.')
  else
    for (const line of table(['maintenance', 'state', 'from', 'until', 'of', 'reason'], rows, out.paint))
      out.line(line)
  return 0
}

function shown(one: Window, options: GlobalOptions, out: Out): ExitCode {
  if (options.json) out.json(one)
  else {
    out.line(`${stateOf(one, out)}  ${one.windowId}  ${one.startsAt} to ${one.endsAt}`)
    out.line(out.paint.dim(`  of ${aboutOf(one)}, announced by ${one.createdBy}: ${one.reason}`))
  }
  return 0
}

export async function showWindow(id: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  return shown(await need(openApi(options).GET(path, { params: at(id) })), options, out)
}

interface Times extends GlobalOptions {
  readonly from?: string
  readonly until?: string
  readonly for?: string
}

export interface CreateOptions extends Times {
  readonly service?: string
  readonly partner?: string
  readonly connection?: string
}

export interface UpdateOptions extends Times {
  readonly reason?: string
}

function timeOf(text: string, option: string): Date {
  const time = new Date(text)
  if (Number.isNaN(time.getTime()))
    throw new CliError(`${option} takes a time like 2026-12-01T06:00:00Z, not "${text}".`, 2)
  return time
}

/** @param begins what `--for` counts from when no other beginning is said. */
function timesOf({ from, until, for: span }: Times, begins: Date) {
  if (until !== undefined && span !== undefined) throw new CliError('Say --until or --for.', 2)
  const startsAt = from === undefined ? undefined : timeOf(from, '--from')
  const lengthMs = span === undefined ? undefined : spanMs(span)
  if (span !== undefined && lengthMs === undefined)
    throw new CliError(`--for takes a span like 30m, 2h, 3d, not "${span}".`, 2)
  const endsAt =
    lengthMs === undefined
      ? until === undefined
        ? undefined
        : timeOf(until, '--until')
      : new Date((startsAt ?? begins).getTime() + lengthMs)
  return {
    ...(startsAt === undefined ? {} : { startsAt: startsAt.toISOString() }),
    ...(endsAt === undefined ? {} : { endsAt: endsAt.toISOString() }),
  }
}

export async function createWindow(reason: string, options: CreateOptions, out: Out): Promise<ExitCode> {
  const { service, partner, connection } = options
  const { endsAt, ...times } = timesOf(options, new Date())
  if (endsAt === undefined) throw new CliError('Say how long: --for, or --until.', 2)
  const body = {
    ...{ reason, endsAt, ...times },
    ...(service === undefined ? {} : { provider: service }),
    ...(partner === undefined ? {} : { partnerId: partner }),
    ...(connection === undefined ? {} : { connectionId: connection }),
  }
  const made = await need(
    openApi(options).POST('/admin/v1/maintenance-windows', { params: { header: {} }, body }),
  )
  return shown(made, options, out)
}

export async function updateWindow(id: string, options: UpdateOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const before = options.for === undefined ? undefined : await need(api.GET(path, { params: at(id) }))
  const begins = before ? new Date(before.startsAt) : new Date()
  const { reason } = options
  const body = { ...timesOf(options, begins), ...(reason === undefined ? {} : { reason }) }
  if (Object.keys(body).length === 0) throw new CliError('Say what to change; --help lists it.', 2)
  return shown(await need(api.PATCH(path, { params: at(id), body })), options, out)
}

export async function endWindow(id: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  await need(openApi(options).DELETE(path, { params: at(id) }))
  if (options.json) out.json({ ended: id })
  else out.line(`${id} has ended; what is still open is told.`)
  return 0
}
