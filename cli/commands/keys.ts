/** `tieline keys`: API keys of partners, made, rotated, revoked. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { ago, table, type Out } from '../print.ts'

type Key = Schemas['Key']

export interface ListOptions extends GlobalOptions {
  readonly partner?: string
  readonly state?: Schemas['KeyState']
  readonly limit: string
}
export interface CreateOptions extends GlobalOptions {
  readonly scopes: string
  readonly partner?: string
  readonly test?: boolean
  readonly networks?: string
  readonly expires?: string
}
export interface RevokeOptions extends GlobalOptions {
  readonly reason?: string
}
export interface RotateOptions extends GlobalOptions {
  readonly overlap?: string
  readonly leak?: boolean
}

const words = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')

const paintOf = ({ state }: Key, out: Out) => (state === 'active' ? out.paint.green : out.paint.red)

export async function listKeys(options: ListOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const filter = {
    ...(options.partner === undefined ? {} : { partnerId: options.partner }),
    ...(options.state === undefined ? {} : { state: options.state }),
  }
  const items = await collect(Number(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/keys', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) {
    out.json(items)
    return 0
  }
  const rows = items.map((one) => [
    one.keyId,
    paintOf(one, out)(one.state),
    one.mode,
    `…${one.hint}`,
    ago(one.lastUsedAt),
    one.name,
  ])
  for (const line of table(['key', 'state', 'mode', 'ends in', 'last used', 'name'], rows, out.paint))
    out.line(line)
  return 0
}

function printKey(one: Key, out: Out): void {
  out.line(`${paintOf(one, out)(one.state)}  ${one.keyId}  ${one.name} (${one.mode}, …${one.hint})`)
  out.line(`  of ${one.partnerId}, made by ${one.createdBy}`)
  out.line(`  may: ${one.scopes.join(', ')}`)
  if (one.networks.length > 0) out.line(`  from: ${one.networks.join(', ')}`)
  out.line(
    `  last used ${ago(one.lastUsedAt)}${one.lastUsedFrom === null ? '' : ` from ${one.lastUsedFrom}`}`,
  )
  if (one.expiresAt !== null) out.line(`  expires ${one.expiresAt}`)
  if (one.stateReason !== null) out.line(`  ${one.stateReason}`)
}

function printRotation(one: Schemas['KeyRotation'], out: Out): void {
  const until = one.state === 'overlap' ? `, both work until ${one.deadlineAt} at the latest` : ''
  out.line(
    `  rotation: ${one.state}${one.outcome === null ? '' : ` (${one.outcome})`} to ${one.newKeyId}${until}`,
  )
  out.line(out.paint.dim(`  ${one.temporalUrl}`))
}

export async function createKey(name: string, options: CreateOptions, out: Out): Promise<ExitCode> {
  const { scopes, partner, networks, expires } = options
  const body = {
    ...{ name, scopes: words(scopes), mode: options.test ? ('test' as const) : ('live' as const) },
    ...(partner === undefined ? {} : { partnerId: partner }),
    ...(networks === undefined ? {} : { networks: words(networks) }),
    ...(expires === undefined ? {} : { expiresAt: expires }),
  }
  const made = await need(openApi(options).POST('/admin/v1/keys', { params: { header: {} }, body }))
  if (options.json) out.json(made)
  else {
    printKey(made.key, out)
    out.line(`  the key, shown this once: ${made.secret}`)
  }
  return 0
}

export async function showKey(keyId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const params = { path: { keyId } }
  const key = await need(api.GET('/admin/v1/keys/{keyId}', { params }))
  const { data: rotation } = await api.GET('/admin/v1/keys/{keyId}/rotation', { params })
  if (options.json) out.json({ key, rotation: rotation ?? null })
  else {
    printKey(key, out)
    if (rotation) printRotation(rotation, out)
  }
  return 0
}

export async function revokeKey(keyId: string, options: RevokeOptions, out: Out): Promise<ExitCode> {
  const query = options.reason === undefined ? {} : { reason: options.reason }
  await need(openApi(options).DELETE('/admin/v1/keys/{keyId}', { params: { path: { keyId }, query } }))
  if (options.json) out.json({ revoked: keyId })
  else out.line(`${keyId} is revoked, with its access tokens.`)
  return 0
}

export async function rotateKey(keyId: string, options: RotateOptions, out: Out): Promise<ExitCode> {
  const { overlap, leak } = options
  if (overlap !== undefined && !/^\d{1,7}$/.test(overlap))
    throw new CliError(`--overlap takes a number of seconds, not "${overlap}".`, 2)
  if (overlap !== undefined && leak) throw new CliError('--leak leaves no overlap: give one of the two.', 2)
  const body = leak
    ? { overlapSeconds: 0, reason: 'leak' as const }
    : overlap === undefined
      ? {}
      : { overlapSeconds: Number(overlap) }
  const made = await need(
    openApi(options).POST('/admin/v1/keys/{keyId}/rotate', { params: { path: { keyId }, header: {} }, body }),
  )
  if (options.json) out.json(made)
  else if ('secret' in made) {
    printKey(made.key, out)
    out.line(`  the key, shown this once: ${made.secret}`)
    printRotation(made.rotation, out)
  } else out.line(`Under way: ${made.temporalUrl}`)
  return 0
}
