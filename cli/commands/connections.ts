/** `tieline connections …`. Secrets come from the environment, a file, standard input or a prompt: never as plain arguments. */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { namedValues } from '../input.ts'
import { ago, table, type Out } from '../print.ts'
import { limitOf } from './runs.ts'

type Connection = Schemas['Connection']

export async function listConnections(
  options: GlobalOptions & { readonly service?: string; readonly state?: string; readonly limit: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const filter = {
    ...(options.service === undefined ? {} : { provider: options.service }),
    ...(options.state === undefined ? {} : { state: options.state as Schemas['ConnectionState'] }),
  }
  const items = await collect(limitOf(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/connections', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else if (items.length === 0)
    out.line('No connections. Make one with "tieline connections create <service>".')
  else {
    const rows = items.map((one) => [
      one.connectionId,
      one.provider,
      one.name,
      one.state.replace('_', ' '),
      ago(one.lastSyncedAt),
      `${one.syncIntervalSeconds} s`,
    ])
    for (const line of table(
      ['connection', 'service', 'name', 'state', 'last synced', 'every'],
      rows,
      out.paint,
    ))
      out.line(line)
  }
  return 0
}

const path = (connectionId: string) => ({ params: { path: { connectionId } } })

export async function showConnection(
  connectionId: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  print(
    await need(openApi(options).GET('/admin/v1/connections/{connectionId}', path(connectionId))),
    options,
    out,
  )
  return 0
}

function print(one: Connection, options: GlobalOptions, out: Out): void {
  if (options.json) return void out.json(one)
  out.line(
    `${out.paint.bold(one.connectionId)}  ${one.provider}  "${one.name}"  ${one.state.replace('_', ' ')}${one.stateReason === null ? '' : `: ${one.stateReason}`}`,
  )
  if (one.reconnect) out.line(`  mend it: tieline connect ${one.provider} --reconnect ${one.connectionId}`)
  for (const [name, value] of Object.entries(one.settings)) out.line(`  ${name}: ${String(value)}`)
  out.line(
    `  synced ${ago(one.lastSyncedAt)}, every ${one.syncIntervalSeconds} s; checked ${ago(one.lastCheckedAt)}`,
  )
}

export async function steerConnection(
  connectionId: string,
  verb: 'pause' | 'resume',
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  print(
    await need(openApi(options).POST(`/admin/v1/connections/{connectionId}/${verb}`, path(connectionId))),
    options,
    out,
  )
  return 0
}

export async function rotateCredential(
  connectionId: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const started = await need(
    openApi(options).POST('/admin/v1/connections/{connectionId}/credential/rotate', path(connectionId)),
  )
  if (options.json) out.json(started)
  else out.line(`${connectionId}: a new credential is being made. Watch it: ${started.temporalUrl}`)
  return 0
}

export async function deleteConnection(
  connectionId: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  await need(openApi(options).DELETE('/admin/v1/connections/{connectionId}', path(connectionId)))
  if (options.json) out.json({ deleted: connectionId })
  else
    out.line(`${connectionId} is deleted, its secrets are erased. Its records stay until they are too old.`)
  return 0
}

export interface CredentialOptions extends GlobalOptions {
  readonly fromEnv?: boolean
  /** A JSON object in a file, `-` for standard input. */
  readonly secrets?: string
}

export interface CreateOptions extends CredentialOptions {
  readonly name?: string
  readonly account?: string
  readonly set?: readonly string[]
  readonly every?: string
  /** Takes what the sandbox accepts. */
  readonly sandbox?: boolean
}

export async function createConnection(service: string, options: CreateOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  if (options.sandbox) return await createSample(api, service, options, out)
  const settings = namedValues('--set', options.set)
  const secrets = await secretsFor(api, service, settings, options)
  const connection = await need(
    api.POST('/admin/v1/connections', {
      body: {
        provider: service,
        ...(options.name === undefined ? {} : { name: options.name }),
        ...(options.account === undefined ? {} : { accountId: options.account }),
        ...(options.every === undefined ? {} : { syncIntervalSeconds: Number(options.every) }),
        ...(options.fromEnv ? { fromEnvironment: true } : { settings, secrets }),
      },
    }),
  )
  print(connection, options, out)
  if (!options.json) out.line(`Try it: tieline connections test ${connection.connectionId}`)
  return 0
}

/** A connection to the sandbox's account of a service, as whoever owned it would type it in. */
async function createSample(api: Api, service: string, options: CreateOptions, out: Out): Promise<ExitCode> {
  const { samples } = await import('../../sandbox/samples.ts')
  const sample = samples.find(({ provider }) => provider === service)
  if (!sample) {
    const known = samples.map(({ provider }) => provider).join(', ')
    throw new CliError(`The sandbox has no "${service}". It has: ${known}.`, 2)
  }
  const { provider, auth, settings, secrets } = sample
  const body = {
    provider,
    auth,
    name: options.name ?? sample.name,
    settings: { ...settings },
    secrets: { ...secrets },
  }
  const connection = await need(api.POST('/admin/v1/connections', { body }))
  print(connection, options, out)
  if (!options.json) out.line(`Sync it: tieline sync ${service}`)
  return 0
}

export async function setCredential(
  connectionId: string,
  options: CredentialOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const connection = await need(api.GET('/admin/v1/connections/{connectionId}', path(connectionId)))
  const secrets = await secretsFor(api, connection.provider, undefined, options)
  const body = options.fromEnv ? { fromEnvironment: true } : { secrets }
  const version = await need(
    api.PUT('/admin/v1/connections/{connectionId}/credential', { ...path(connectionId), body }),
  )
  if (options.json) out.json(version)
  else out.line(`${connectionId}: credential generation ${version.generation} is in force.`)
  return 0
}

/** Asks on a terminal for what the provider's setup steps want and nobody has given. */
async function secretsFor(
  api: Api,
  service: string,
  settings: Record<string, string> | undefined,
  options: CredentialOptions,
): Promise<Record<string, string>> {
  if (options.fromEnv) return {}
  if (options.secrets !== undefined) return readObject(options.secrets)
  if (!process.stdin.isTTY)
    throw new CliError('Give the secrets with --from-env or --secrets <file> ("-" for standard input).', 2)
  const provider = await need(
    api.GET('/admin/v1/providers/{provider}', { params: { path: { provider: service } } }),
  )
  const secrets: Record<string, string> = {}
  const ask = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const method = provider.auth.find(({ kind }) => kind === 'token') ?? provider.auth[0]
    for (const field of (method?.setup ?? []).flatMap((step) => step.fields)) {
      if (field.secret) secrets[field.name] = await ask.question(`${field.label}: `)
      else if (settings && field.required) settings[field.name] ??= await ask.question(`${field.label}: `)
    }
  } finally {
    ask.close()
  }
  return secrets
}

/** A JSON object of texts from a file or standard input. */
export function readObject(file: string): Record<string, string> {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'))
  } catch {
    throw new CliError(`${file === '-' ? 'Standard input' : file} is not a JSON object.`, 2)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new CliError(`${file === '-' ? 'Standard input' : file} is not a JSON object.`, 2)
  return parsed as Record<string, string>
}
