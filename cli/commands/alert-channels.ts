/** `tieline alerts channels`: where alerts go. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { words } from '../input.ts'
import { ago, table, type Out } from '../print.ts'

type Channel = Schemas['AlertChannel']

const all = 1_000
const path = '/admin/v1/alert-channels/{channelId}' as const
const at = (channelId: string) => ({ path: { channelId } })

const stateOf = ({ state, downSince }: Channel, { paint }: Out): string => {
  if (downSince !== null) return paint.red(`down, ${ago(downSince)}`)
  return state === 'active' ? paint.green('active') : paint.dim(state)
}

export const readChannels = (api: Api): Promise<Channel[]> =>
  collect(all, (cursor, limit) =>
    need(
      api.GET('/admin/v1/alert-channels', {
        params: { query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )

export async function listChannels(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const items = await readChannels(openApi(options))
  const rows = items.map((one) => [
    one.channelId,
    one.kind,
    stateOf(one, out),
    ago(one.lastOkAt),
    one.name,
    one.lastError ?? one.target,
  ])
  if (options.json) out.json(items)
  else if (items.length === 0)
    out.line('There is no channel yet: alerts are kept, and shown by "tieline incidents list".')
  else
    for (const line of table(['channel', 'kind', 'state', 'last ok', 'name', 'to'], rows, out.paint))
      out.line(line)
  return 0
}

function shown(one: Channel, options: GlobalOptions, out: Out): ExitCode {
  if (options.json) out.json(one)
  else {
    out.line(`${stateOf(one, out)}  ${one.channelId}  ${one.kind}  ${one.name}`)
    out.line(
      out.paint.dim(`  to ${one.target}; of ${one.partnerId ?? 'the hub'}; last ok ${ago(one.lastOkAt)}`),
    )
    if (one.lastError !== null) out.line(`  last error: ${one.lastError}`)
  }
  return 0
}

export async function showChannel(id: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  return shown(await need(openApi(options).GET(path, { params: at(id) })), options, out)
}

interface WayOptions extends GlobalOptions {
  readonly email?: string
  readonly smtp?: string
  readonly from?: string
  readonly slack?: string
  readonly webhook?: string
  readonly pagerduty?: string
}

export interface CreateOptions extends WayOptions {
  readonly partner?: string
}

export interface UpdateOptions extends WayOptions {
  readonly name?: string
  readonly enable?: boolean
  readonly disable?: boolean
}

function wayOf({ email, slack, webhook, pagerduty }: WayOptions) {
  const ways = [
    ...(email === undefined ? [] : [{ kind: 'email' as const, to: words(email) }]),
    ...(slack === undefined ? [] : [{ kind: 'slack' as const, url: slack }]),
    ...(webhook === undefined ? [] : [{ kind: 'webhook' as const, url: webhook }]),
    ...(pagerduty === undefined ? [] : [{ kind: 'pagerduty' as const, routingKey: pagerduty }]),
  ]
  if (ways.length > 1) throw new CliError('Say one of --email, --slack, --webhook, --pagerduty.', 2)
  return ways[0]
}

const mailOf = ({ smtp, from }: WayOptions) => ({
  ...(smtp === undefined ? {} : { smtpUrl: smtp }),
  ...(from === undefined ? {} : { from }),
})

export async function createChannel(name: string, options: CreateOptions, out: Out): Promise<ExitCode> {
  const way = wayOf(options)
  if (!way) throw new CliError('Say one of --email, --slack, --webhook, --pagerduty.', 2)
  const { partner } = options
  const body = {
    ...{ name, ...way, ...mailOf(options) },
    ...(partner === undefined ? {} : { partnerId: partner }),
  }
  const made = await need(openApi(options).POST('/admin/v1/alert-channels', { params: { header: {} }, body }))
  if (options.json) out.json(made)
  else {
    out.line(`${made.channel.channelId}  ${made.channel.kind}  ${made.channel.name}`)
    if (made.secret !== null) out.line(`  secret, shown this once: ${made.secret}`)
    out.line(`Try it: tieline alerts test ${made.channel.channelId}`)
  }
  return 0
}

export async function updateChannel(id: string, options: UpdateOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const { name, enable, disable } = options
  if (enable && disable) throw new CliError('Say --enable or --disable.', 2)
  const way = wayOf(options)
  if (way) {
    const { kind } = await need(api.GET(path, { params: at(id) }))
    if (kind !== way.kind)
      throw new CliError(`${id} is of kind ${kind}, and stays that: give --${kind}, or make another.`, 2)
  }
  const { kind: _kind, ...target } = way ?? { kind: undefined }
  const state = enable ? ('active' as const) : disable ? ('disabled' as const) : undefined
  const body = {
    ...{ ...target, ...mailOf(options) },
    ...(name === undefined ? {} : { name }),
    ...(state === undefined ? {} : { state }),
  }
  if (Object.keys(body).length === 0) throw new CliError('Say what to change; --help lists it.', 2)
  return shown(await need(api.PATCH(path, { params: at(id), body })), options, out)
}

export async function deleteChannel(channelId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  await need(openApi(options).DELETE(path, { params: at(channelId) }))
  if (options.json) out.json({ deleted: channelId })
  else out.line(`${channelId} is deleted.`)
  return 0
}

/** Exit code 1 when the test has not come through. */
export async function testChannel(channelId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const alert = await need(openApi(options).POST(`${path}/test`, { params: at(channelId) }))
  const isThere = alert.state === 'delivered'
  if (options.json) out.json(alert)
  else out.line(isThere ? 'It was taken.' : `It did not get through: ${alert.lastError ?? alert.state}`)
  return isThere ? 0 : 1
}
