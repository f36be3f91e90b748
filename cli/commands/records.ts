/** `tieline records …`, `quarantine`, `changes`, `audit`, `providers`, `actions`, `reports`: looking at what the hub holds, and writing through it. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions } from '../client.ts'
import { jsonObject } from '../input.ts'
import { ago, count, table, type Out } from '../print.ts'
import { limitOf } from './runs.ts'

export interface RecordOptions extends GlobalOptions {
  readonly connection?: string
  readonly resource?: string
  readonly model?: string
  readonly since?: string
  readonly deleted?: boolean
  readonly limit: string
}

export async function listRecords(options: RecordOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const filter = {
    ...(options.connection === undefined ? {} : { connectionId: options.connection }),
    ...(options.resource === undefined ? {} : { resource: options.resource }),
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.since === undefined ? {} : { updatedSince: options.since }),
    ...(options.deleted ? { includeDeleted: true } : {}),
  }
  const records = await collect(limitOf(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/records', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) {
    out.json(records)
    return 0
  }
  const rows = records.map((one) => [
    one.resource,
    one.externalId,
    titleOf(one.mapped),
    String(one.version),
    ago(one.changedAt),
    one.deletedAt === null ? '' : 'deleted',
  ])
  if (rows.length === 0) out.line('No records match.')
  else
    for (const line of table(['resource', 'id', 'title', 'version', 'changed', ''], rows, out.paint))
      out.line(line)
  return 0
}

/** What a person knows the object by. */
function titleOf(mapped: Readonly<Record<string, unknown>>): string {
  const known = ['subject', 'name', 'title', 'body', 'score'].map((field) => mapped[field])
  const title = known.find((value) => typeof value === 'string')
  return typeof title === 'string' ? title.slice(0, 50) : ''
}

export async function showRecord(
  connectionId: string,
  resource: string,
  externalId: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const path = { connectionId, resource, externalId }
  const record = await need(
    api.GET('/admin/v1/connections/{connectionId}/records/{resource}/{externalId}', { params: { path } }),
  )
  const versions = await need(
    api.GET('/admin/v1/connections/{connectionId}/records/{resource}/{externalId}/versions', {
      params: { path, query: { limit: 20 } },
    }),
  )
  out.json({ ...record, history: versions.items })
  return 0
}

export async function listQuarantine(
  connectionId: string,
  options: GlobalOptions & { readonly limit: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const items = await collect(limitOf(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/connections/{connectionId}/quarantine', {
        params: { path: { connectionId }, query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else if (items.length === 0) out.line('Nothing is in quarantine.')
  else
    for (const line of table(
      ['resource', 'id', 'reason', 'since'],
      items.map((one) => [one.resource, one.externalId, one.reason, ago(one.firstSeenAt)]),
      out.paint,
    ))
      out.line(line)
  return 0
}

/** Changes in commit order; with `follow`, goes on until Ctrl-C. */
export async function changes(
  options: GlobalOptions & { readonly after?: string; readonly follow?: boolean; readonly limit: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  let after = options.after
  for (let left = options.follow ? Infinity : limitOf(options.limit); left > 0;) {
    const query = { limit: Math.min(200, left), ...(after === undefined ? {} : { after }) }
    const { items } = await need(api.GET('/admin/v1/changes', { params: { query } }))
    for (const one of items)
      out.line(
        options.json
          ? JSON.stringify(one)
          : `${one.createdAt}  ${one.effect.padEnd(8)} ${one.resource} ${one.externalId} v${one.version}  ${one.connectionId}`,
      )
    after = items.at(-1)?.cursor ?? after
    left -= items.length
    if (items.length === 0 && !options.follow) break
    if (items.length === 0) await delay(1_000)
  }
  return 0
}

export async function listAudit(
  options: GlobalOptions & { readonly subject?: string; readonly limit: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const filter = options.subject === undefined ? {} : { subject: options.subject }
  const items = await collect(limitOf(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/audit', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else
    for (const line of table(
      ['#', 'time', 'who', 'what', 'subject'],
      items.map((one) => [String(one.seq), one.at.slice(0, 19), one.actor, one.action, one.subject]),
      out.paint,
    ))
      out.line(line)
  return 0
}

export async function verifyAudit(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const verdict = await need(openApi(options).GET('/admin/v1/audit/verification'))
  if (options.json) out.json(verdict)
  else if (verdict.ok) out.line(`${out.paint.green('The chain holds')}: ${count(verdict.entries)} entries.`)
  else
    out.line(
      `${out.paint.red('The chain is broken')} at entry ${verdict.brokenAt ?? '?'}: it was changed, removed or inserted.`,
    )
  return verdict.ok ? 0 : 1
}

export async function listProviders(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const { items } = await need(
    openApi(options).GET('/admin/v1/providers', { params: { query: { limit: 200 } } }),
  )
  if (options.json) out.json(items)
  else {
    const rows = items.map((one) => [
      one.slug,
      one.name,
      one.category,
      one.environment.configured ? 'configured' : `not configured (${one.environment.missing.join(', ')})`,
    ])
    for (const line of table(['service', 'name', 'category', 'environment'], rows, out.paint)) out.line(line)
  }
  return 0
}

export async function showProvider(provider: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const one = await need(
    openApi(options).GET('/admin/v1/providers/{provider}', { params: { path: { provider } } }),
  )
  if (options.json) {
    out.json(one)
    return 0
  }
  out.line(`${out.paint.bold(one.name)} (${one.slug}), ${one.category}, API ${one.apiVersion}`)
  out.line(`  resources: ${one.resources.map((resource) => resource.name).join(', ')}`)
  for (const action of one.actions) out.line(`  action ${action.fullName}: ${action.title}`)
  for (const report of one.reports) out.line(`  report ${report.fullName}: ${report.title}`)
  return 0
}

/** Actions or reports of one service or of all. */
export async function listOperations(
  kind: 'actions' | 'reports',
  slug: string | undefined,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const { items } = await need(api.GET('/admin/v1/providers', { params: { query: { limit: 200 } } }))
  const slugs = slug === undefined ? items.map((one) => one.slug) : [slug]
  const providers = await Promise.all(
    slugs.map((provider) =>
      need(api.GET('/admin/v1/providers/{provider}', { params: { path: { provider } } })),
    ),
  )
  const operations = providers.flatMap((provider) => provider[kind])
  if (options.json) out.json(operations)
  else
    for (const line of table(
      ['name', 'title', 'takes'],
      operations.map((one) => [one.fullName, one.title, takes(one.input)]),
      out.paint,
    ))
      out.line(line)
  return 0
}

/** The fields of an input; those that must be given marked with a star. */
function takes(input: Record<string, unknown>): string {
  const required = new Set(Array.isArray(input['required']) ? input['required'] : [])
  const properties = Object.keys(input['properties'] ?? {})
  return properties.map((name) => (required.has(name) ? `${name}*` : name)).join(', ')
}

export interface OperationOptions extends GlobalOptions {
  readonly connection: string
  readonly input: string
  readonly idempotencyKey?: string
  readonly wait: string
  readonly fresh?: boolean
}

/** Runs an action or a report and waits for its result. Exit code 1 when it failed. */
export async function runOperation(
  kind: 'actions' | 'reports',
  fullName: string,
  options: OperationOptions,
  out: Out,
): Promise<ExitCode> {
  const name = fullName.includes('.') ? fullName.slice(fullName.indexOf('.') + 1) : fullName
  const key = options.idempotencyKey ?? randomUUID()
  const params = {
    path: { connectionId: options.connection, name },
    header: { 'Idempotency-Key': key, Prefer: `wait=${options.wait}` },
  }
  const body = jsonObject(options.input, '--input') as Record<string, never>
  const api = openApi(options)
  const operation =
    kind === 'actions'
      ? await need(api.POST('/admin/v1/connections/{connectionId}/actions/{name}', { params, body }))
      : await need(
          api.POST('/admin/v1/connections/{connectionId}/reports/{name}', {
            params: { ...params, query: { fresh: options.fresh ?? false } },
            body,
          }),
        )
  out.json(operation)
  if (operation.state === 'running')
    out.note(`Still running; ask again with the same key: --idempotency-key ${key}`)
  return operation.state === 'failed' ? 1 : 0
}
