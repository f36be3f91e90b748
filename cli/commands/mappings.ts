/** `tieline mappings`: shown, tried, counted, published. */
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, type ExitCode } from '../cli-error.ts'
import { need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { jsonArray } from '../input.ts'
import { count, table, type Out } from '../print.ts'

export interface MappingOptions extends GlobalOptions {
  readonly direction: 'in' | 'out'
}

const at = (connectionId: string, resource: string) => ({ path: { connectionId, resource } })
const base = '/admin/v1/connections/{connectionId}/resources/{resource}' as const

export async function showMapping(
  connection: string,
  resource: string,
  options: MappingOptions,
  out: Out,
): Promise<ExitCode> {
  const params = { ...at(connection, resource), query: { direction: options.direction } }
  const mapping = await need(openApi(options).GET(`${base}/mapping`, { params }))
  if (options.json) {
    out.json(mapping)
    return 0
  }
  const version = mapping.version === 0 ? "the provider's default" : `version ${mapping.version}`
  out.line(`${out.paint.bold(`${resource} → ${mapping.model}`)}, ${version}`)
  const rows = mapping.rules.map((rule) => [
    rule.to,
    sourceOf(rule),
    rule.convert ?? (rule.each ? 'each' : ''),
    rule.when ? 'conditional' : '',
  ])
  for (const line of table(['field', 'from', 'conversion', ''], rows, out.paint)) out.line(line)
  return 0
}

const sourceOf = ({ from, concat, constant }: Schemas['FieldRule']): string =>
  from ?? concat?.from.join(' + ') ?? JSON.stringify(constant)

export async function showFields(
  connection: string,
  resource: string,
  options: GlobalOptions & { readonly refresh?: boolean },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const params = at(connection, resource)
  let fields = await need(api.GET(`${base}/fields`, { params }))
  if (options.refresh === true || fields.describedAt === null)
    fields = await need(api.POST(`${base}/fields`, { params }))
  if (options.json) out.json(fields)
  else {
    const rows = fields.items.map((field) => [
      field.path,
      field.title,
      field.type,
      field.isCustom ? 'custom' : '',
      field.isWritable ? '' : 'read only',
    ])
    for (const line of table(['path', 'title', 'type', '', ''], rows, out.paint)) out.line(line)
  }
  return 0
}

type Rules = Schemas['MappingRules']
const rulesOf = (text: string): Rules => ({ rules: jsonArray(text, '<rules>', 'rules') }) as unknown as Rules

export async function previewMapping(
  connection: string,
  resource: string,
  rules: string,
  options: GlobalOptions & { readonly limit: string; readonly id?: readonly string[] },
  out: Out,
): Promise<ExitCode> {
  const body = {
    ...rulesOf(rules),
    limit: Number(options.limit),
    ...(options.id ? { externalIds: [...options.id] } : {}),
  }
  const preview = await need(
    openApi(options).POST(`${base}/mapping/preview`, { params: at(connection, resource), body }),
  )
  if (options.json) {
    out.json(preview)
    return 0
  }
  for (const item of preview.items) {
    out.line(
      out.paint.bold(item.externalId) +
        (item.changedFields.length === 0 ? out.paint.dim('  stays as it is') : ''),
    )
    for (const field of item.changedFields) {
      out.line(`  ${out.paint.red(`- ${field}: ${JSON.stringify(item.before[field] ?? null)}`)}`)
      out.line(`  ${out.paint.green(`+ ${field}: ${JSON.stringify(item.after[field] ?? null)}`)}`)
    }
    for (const problem of item.problems) out.line(`  ${out.paint.yellow(`! ${problem}`)}`)
  }
  out.line(
    `${count(preview.changed)} of ${count(preview.records)} records shown would change, ${count(preview.troubled)} have values that cannot be converted.`,
  )
  return 0
}

export async function planMapping(
  connection: string,
  resource: string,
  rules: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const plan = await need(
    api.POST(`${base}/mapping/plan`, { params: at(connection, resource), body: rulesOf(rules) }),
  )
  return await follow(api, plan, options, out)
}

export async function putMapping(
  connection: string,
  resource: string,
  rules: string,
  options: MappingOptions,
  out: Out,
): Promise<ExitCode> {
  const params = { ...at(connection, resource), query: { direction: options.direction } }
  const draft = await need(openApi(options).PUT(`${base}/mapping`, { params, body: rulesOf(rules) }))
  if (options.json) out.json(draft)
  else
    out.line(
      `Version ${draft.version} is written down. Put it in force: tieline mappings publish ${connection} ${resource} ${draft.version}`,
    )
  return 0
}

export async function publishMapping(
  connection: string,
  resource: string,
  version: string,
  options: MappingOptions,
  out: Out,
): Promise<ExitCode> {
  if (!/^\d+$/.test(version)) throw new CliError('<version> is a number; 0 is the provider’s default.', 2)
  const api = openApi(options)
  const path = { connectionId: connection, resource, version: Number(version) }
  const params = { path, query: { direction: options.direction } }
  const { remap } = await need(api.POST(`${base}/mapping/versions/{version}/publish`, { params }))
  if (remap) return await follow(api, remap, options, out)
  if (options.json) out.json({ published: Number(version) })
  else out.line(`Version ${version} is in force.`)
  return 0
}

/** Shows a walk over stored records to its end. */
async function follow(
  api: Api,
  begun: Schemas['Remap'],
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  let remap = begun
  while (remap.state === 'running') {
    await delay(500)
    remap = await need(
      api.GET('/admin/v1/remaps/{remapId}', { params: { path: { remapId: begun.remapId } } }),
    )
    if (out.isTerminal && !options.json)
      process.stderr.write(`\r${count(remap.scanned)} of about ${count(remap.expected)} records`)
  }
  if (out.isTerminal && !options.json) process.stderr.write('\r\x1b[K')
  if (options.json) out.json(remap)
  else {
    const verb = remap.dryRun ? 'would change' : 'changed'
    out.line(`${remap.state}: ${count(remap.changed)} of ${count(remap.scanned)} records ${verb}`)
    for (const [field, number] of Object.entries(remap.changedFields))
      out.line(`  ${field}: ${count(number)}`)
    for (const [problem, number] of Object.entries(remap.problems))
      out.line(`  ${out.paint.yellow(problem)}: ${count(number)}`)
    out.line(out.paint.dim(remap.temporalUrl))
  }
  return remap.state === 'succeeded' ? 0 : 1
}
