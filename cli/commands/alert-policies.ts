/** `tieline alerts policies`: what is told to whom. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { jsonObject, jsonOrText, namedValues, words } from '../input.ts'
import { table, type Out } from '../print.ts'

type Policy = Schemas['AlertPolicy']
type Condition = Schemas['AlertCondition']

const all = 1_000
const path = '/admin/v1/alert-policies/{policyId}' as const
const at = (policyId: string) => ({ path: { policyId } })

const toldOf = ({ escalationId, channels }: Policy): string =>
  escalationId ?? (channels.length === 0 ? 'every channel' : `${channels.length} channels`)

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
    toldOf(one),
    one.name,
  ])
  if (options.json) out.json(items)
  else
    for (const line of table(['policy', 'severity', 'kind', 'service', 'told', 'name'], rows, out.paint))
      out.line(line)
  return 0
}

function shown(one: Policy, options: GlobalOptions, out: Out): ExitCode {
  if (options.json) {
    out.json(one)
    return 0
  }
  const { kind, ...figures } = one.condition
  out.line(`${one.enabled ? one.severity : out.paint.dim('off')}  ${one.policyId}  ${one.name}`)
  out.line(
    out.paint.dim(
      `  of ${one.partnerId ?? 'the hub'}; version ${one.version}, ${one.updatedAt}, first by ${one.createdBy}`,
    ),
  )
  const given = Object.entries(figures).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  out.line(`  looks for ${kind}${given.length === 0 ? '' : `: ${given.join(' ')}`}`)
  out.line(`  of ${one.provider ?? 'every service'}`)
  out.line(`  tells ${one.escalationId ?? (one.channels.join(', ') || 'every channel')}`)
  if (one.quietHours) out.line(`  quiet hours ${JSON.stringify(one.quietHours)}`)
  return 0
}

export async function showPolicy(id: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  return shown(await need(openApi(options).GET(path, { params: at(id) })), options, out)
}

/** False: taken away by an option that begins with --no-. */
interface Wishes extends GlobalOptions {
  readonly kind?: Condition['kind']
  readonly set?: readonly string[]
  readonly condition?: string
  readonly service?: string | false
  readonly severity?: Schemas['Severity']
  readonly channels?: string | false
  readonly escalation?: string | false
  readonly quietHours?: string | false
  readonly enable?: boolean
  readonly disable?: boolean
}

export interface CreateOptions extends Wishes {
  readonly partner?: string
}

export interface UpdateOptions extends Wishes {
  readonly name?: string
}

/** Fields of conditions that hold several words. */
const lists: readonly string[] = ['kinds', 'states']

const figuresOf = (set: readonly string[] | undefined): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(namedValues('--set', set)).map(([name, text]) => [
      name,
      lists.includes(name) && !text.startsWith('[') ? words(text) : jsonOrText(text),
    ]),
  )

/** @param before what the policy looks for now: `--set` alone changes some of its figures. */
function conditionOf({ kind, set, condition }: Wishes, before?: Condition): Condition | undefined {
  if (condition !== undefined) {
    if (kind !== undefined || set !== undefined)
      throw new CliError('Say --condition, or --kind and --set.', 2)
    return jsonObject(condition, '--condition') as unknown as Condition
  }
  if (kind !== undefined) return { kind, ...figuresOf(set) }
  return set === undefined || !before ? undefined : { ...before, ...figuresOf(set) }
}

function wished(options: Wishes) {
  const { service, severity, channels, escalation, quietHours, enable, disable } = options
  if (enable && disable) throw new CliError('Say --enable or --disable.', 2)
  return {
    ...(service === undefined ? {} : { provider: service || null }),
    ...(severity === undefined ? {} : { severity }),
    ...(channels === undefined ? {} : { channels: words(channels || '') }),
    ...(escalation === undefined ? {} : { escalationId: escalation || null }),
    ...(quietHours === undefined ? {} : { quietHours: quietHoursOf(quietHours) }),
    ...(enable || disable ? { enabled: enable === true } : {}),
  }
}

const quietHoursOf = (text: string | false): Schemas['QuietHours'] | null =>
  text === false ? null : (jsonObject(text, '--quiet-hours') as unknown as Schemas['QuietHours'])

export async function createPolicy(name: string, options: CreateOptions, out: Out): Promise<ExitCode> {
  const condition = conditionOf(options)
  if (!condition) throw new CliError('Say what it looks for: --kind and --set, or --condition.', 2)
  const { partner } = options
  const body = {
    ...{ name, condition, ...wished(options) },
    ...(partner === undefined ? {} : { partnerId: partner }),
  }
  const made = await need(openApi(options).POST('/admin/v1/alert-policies', { params: { header: {} }, body }))
  return shown(made, options, out)
}

/** A condition is put together from the one before only when it is asked for: then the policy must still be what was read. */
async function conditionBefore(api: Api, id: string, { kind, set, condition }: UpdateOptions) {
  if (set === undefined || kind !== undefined || condition !== undefined) return undefined
  return await need(api.GET(path, { params: at(id) }))
}

export async function updatePolicy(id: string, options: UpdateOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const before = await conditionBefore(api, id, options)
  const condition = conditionOf(options, before?.condition)
  const body = {
    ...wished(options),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(condition === undefined ? {} : { condition }),
  }
  if (Object.keys(body).length === 0) throw new CliError('Say what to change; --help lists it.', 2)
  const header = before ? { 'If-Match': `"${before.version}"` } : {}
  return shown(await need(api.PATCH(path, { params: { ...at(id), header }, body })), options, out)
}

export async function deletePolicy(id: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  await need(openApi(options).DELETE(path, { params: at(id) }))
  if (options.json) out.json({ deleted: id })
  else out.line(`${id} is deleted; its open incidents are resolved with the next evaluation.`)
  return 0
}

export async function listVersions(id: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const items = await collect(all, (cursor, limit) =>
    need(
      api.GET(`${path}/versions`, {
        params: { ...at(id), query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  const rows = items.map(({ version, changedAt, changedBy, definition }) => [
    ...[String(version), changedAt, changedBy, definition.enabled ? definition.severity : 'off'],
    JSON.stringify(definition.condition),
  ])
  if (options.json) out.json(items)
  else
    for (const line of table(['version', 'since', 'by', 'severity', 'condition'], rows, out.paint))
      out.line(line)
  return 0
}
