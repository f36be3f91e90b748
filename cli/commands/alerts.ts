/** `tieline alerts`: channels, policies, tests; and what `monitor --alert` prints. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { ago, table, type Out } from '../print.ts'

const all = 1_000

export async function listChannels(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const items = await collect(all, (cursor, limit) =>
    need(
      api.GET('/admin/v1/alert-channels', {
        params: { query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  const { paint } = out
  const rows = items.map((one) => [
    one.channelId,
    one.kind,
    one.downSince === null
      ? one.state === 'active'
        ? paint.green('active')
        : paint.dim(one.state)
      : paint.red(`down, ${ago(one.downSince)}`),
    ago(one.lastOkAt),
    one.name,
    one.lastError ?? one.target,
  ])
  if (options.json) out.json(items)
  else if (items.length === 0)
    out.line('There is no channel yet: alerts are kept, and shown by "tieline incidents list".')
  else
    for (const line of table(['channel', 'kind', 'state', 'last ok', 'name', 'to'], rows, paint))
      out.line(line)
  return 0
}

export interface ChannelOptions extends GlobalOptions {
  readonly email?: string
  readonly smtp?: string
  readonly from?: string
  readonly slack?: string
  readonly webhook?: string
  readonly pagerduty?: string
}

function wishOf(name: string, options: ChannelOptions): Schemas['NewAlertChannel'] {
  const { email, smtp, from, slack, webhook, pagerduty } = options
  const ways = [
    ...(email === undefined
      ? []
      : [{ kind: 'email' as const, to: email.split(',').map((one) => one.trim()) }]),
    ...(slack === undefined ? [] : [{ kind: 'slack' as const, url: slack }]),
    ...(webhook === undefined ? [] : [{ kind: 'webhook' as const, url: webhook }]),
    ...(pagerduty === undefined ? [] : [{ kind: 'pagerduty' as const, routingKey: pagerduty }]),
  ]
  const [way] = ways
  if (!way || ways.length > 1) throw new CliError('Say one of --email, --slack, --webhook, --pagerduty.', 2)
  return {
    ...{ name, ...way },
    ...(smtp === undefined ? {} : { smtpUrl: smtp }),
    ...(from === undefined ? {} : { from }),
  }
}

export async function createChannel(name: string, options: ChannelOptions, out: Out): Promise<ExitCode> {
  const body = wishOf(name, options)
  const made = await need(openApi(options).POST('/admin/v1/alert-channels', { params: { header: {} }, body }))
  if (options.json) out.json(made)
  else {
    out.line(`${made.channel.channelId}  ${made.channel.kind}  ${made.channel.name}`)
    if (made.secret !== null) out.line(`  secret, shown this once: ${made.secret}`)
    out.line(`Try it: tieline alerts test ${made.channel.channelId}`)
  }
  return 0
}

export async function deleteChannel(channelId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const params = { path: { channelId } }
  await need(openApi(options).DELETE('/admin/v1/alert-channels/{channelId}', { params }))
  if (options.json) out.json({ deleted: channelId })
  else out.line(`${channelId} is deleted.`)
  return 0
}

export async function listPolicies(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const items = await collect(all, (cursor, limit) =>
    need(
      api.GET('/admin/v1/alert-policies', {
        params: { query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  const rows = items.map((one) => [
    one.policyId,
    one.enabled ? one.severity : out.paint.dim('off'),
    one.condition.kind,
    one.provider ?? 'all',
    one.escalationId ?? (one.channels.length === 0 ? 'every channel' : `${one.channels.length} channels`),
    one.name,
  ])
  if (options.json) out.json(items)
  else
    for (const line of table(['policy', 'severity', 'kind', 'service', 'told', 'name'], rows, out.paint))
      out.line(line)
  return 0
}

/** Exit code 1 when the test has not come through. */
export async function testChannel(channelId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const params = { path: { channelId } }
  const alert = await need(openApi(options).POST('/admin/v1/alert-channels/{channelId}/test', { params }))
  const isThere = alert.state === 'delivered'
  if (options.json) out.json(alert)
  else out.line(isThere ? 'It was taken.' : `It did not get through: ${alert.lastError ?? alert.state}`)
  return isThere ? 0 : 1
}

export const evaluateNow = (api: Api): Promise<Schemas['AlertEvaluation']> =>
  need(api.POST('/admin/v1/alerts/evaluate', { params: { header: {} } }))

/** What `tieline monitor --alert` says. */
export function printEvaluation(done: Schemas['AlertEvaluation'], out: Out): void {
  const { policies, failed, opened, resolved, sent } = done
  out.line()
  out.line(
    out.paint.bold(`${policies} alert policies evaluated${failed === 0 ? '' : `, ${failed} could not be`}`),
  )
  for (const one of opened) out.line(`opened    ${one.incidentId}  ${one.title}`)
  for (const one of resolved) out.line(`resolved  ${one.incidentId}  ${one.title}`)
  for (const one of sent) {
    const state = (one.state === 'delivered' ? 'sent' : one.state).padEnd(9)
    const error = one.lastError === null ? '' : `: ${one.lastError}`
    out.line(`${state} ${one.incidentId ?? 'test'}  ${one.kind} to ${one.channelId}${error}`)
  }
  if (opened.length + resolved.length + sent.length === 0) out.line('Nothing new.')
}
