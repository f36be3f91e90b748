/** `tieline rotations`: secrets that are replaced without a gap. `tieline secrets`: the keys of the ring. */
import { readFileSync } from 'node:fs'
import { rotationKinds } from '../../model/rotation.ts'
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { ago, count, table, type Out } from '../print.ts'
import { limitOf } from './runs.ts'

type Rotation = Schemas['Rotation']

const by = (rotationId: string) => ({ params: { path: { rotationId } } })
const seconds = (text: string | undefined, name: string): number | undefined => {
  if (text === undefined) return undefined
  if (!/^\d{1,8}$/.test(text)) throw new CliError(`--${name} is a whole number of seconds.`, 2)
  return Number(text)
}

export async function listRotations(
  options: GlobalOptions & {
    readonly limit: string
    readonly kind?: Rotation['kind']
    readonly subject?: string
    readonly all?: boolean
  },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const { kind, subject, all } = options
  const filter = {
    ...(kind ? { kind } : {}),
    ...(subject ? { subject } : {}),
    ...(all ? {} : { underWay: true }),
  }
  const items = await collect(limitOf(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/rotations', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else if (items.length === 0)
    out.line(all ? 'No rotations yet.' : 'No rotation is under way; --all shows those that have ended.')
  else
    for (const line of table(
      ['rotation', 'kind', 'of', 'state', 'old used', 'new used', 'until'],
      items.map((one) => [
        one.rotationId,
        one.kind,
        one.name === null ? one.subject : `${one.subject} ${one.name}`,
        one.state === 'waiting_for_person' ? out.paint.yellow('waits for you') : one.state,
        ago(one.oldUsedAt),
        ago(one.newUsedAt),
        one.deadlineAt?.slice(0, 16).replace('T', ' ') ?? '',
      ]),
      out.paint,
    ))
      out.line(line)
  return 0
}

function print(rotation: Rotation, options: GlobalOptions, out: Out): ExitCode {
  if (options.json) out.json(rotation)
  else {
    const { rotationId, kind, subject, state, steps, done, total, deadlineAt, temporalUrl } = rotation
    out.line(`${out.paint.bold(rotationId)}  ${kind} of ${subject}: ${state}`)
    if (total !== null) out.line(`  ${count(done)} of ${count(total)} done`)
    steps.forEach((step, index) => out.line(`  ${index + 1}. ${step}`))
    if (deadlineAt !== null) out.line(`  until ${deadlineAt}`)
    out.line(out.paint.dim(`  ${temporalUrl}`))
  }
  return rotation.state === 'failed' ? 1 : 0
}

export async function startRotation(
  kind: string,
  subject: string,
  options: GlobalOptions & { readonly name?: string; readonly grace?: string; readonly quiet?: string },
  out: Out,
): Promise<ExitCode> {
  const known = rotationKinds.find((one) => one === kind.replace('-', '_'))
  if (!known) throw new CliError(`The kind is one of ${rotationKinds.join(', ')}.`, 2)
  const graceSeconds = seconds(options.grace, 'grace')
  const quietSeconds = seconds(options.quiet, 'quiet')
  const body = {
    kind: known,
    subject,
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(graceSeconds === undefined ? {} : { graceSeconds }),
    ...(quietSeconds === undefined ? {} : { quietSeconds }),
  }
  return print(await need(openApi(options).POST('/admin/v1/rotations', { body })), options, out)
}

export const showRotation = async (id: string, options: GlobalOptions, out: Out): Promise<ExitCode> =>
  print(await need(openApi(options).GET('/admin/v1/rotations/{rotationId}', by(id))), options, out)

export async function steerRotation(
  id: string,
  verb: 'revoke-now' | 'cancel' | 'confirm',
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const asked = {
    'revoke-now': () => api.POST('/admin/v1/rotations/{rotationId}/revoke-now', by(id)),
    cancel: () => api.POST('/admin/v1/rotations/{rotationId}/cancel', by(id)),
    confirm: () => api.POST('/admin/v1/rotations/{rotationId}/confirm', by(id)),
  }
  return print(await need(asked[verb]()), options, out)
}

export async function extendRotation(
  id: string,
  text: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const wish = { ...by(id), body: { seconds: seconds(text, 'seconds') ?? 0 } }
  return print(
    await need(openApi(options).POST('/admin/v1/rotations/{rotationId}/extend', wish)),
    options,
    out,
  )
}

export async function showSecret(id: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const secret = await need(openApi(options).GET('/admin/v1/rotations/{rotationId}/secret', by(id)))
  if (options.json) out.json(secret)
  else out.line(secret.url ?? secret.value)
  return 0
}

/** One line from standard input or a file: a secret must not stand in the shell's history. */
function secretFrom(file: string): string {
  const text = readFileSync(file === '-' ? 0 : file, 'utf8').trim()
  if (text === '' || text.includes('\n')) throw new CliError('The secret is one line of text.', 2)
  return text
}

export async function enterSecret(
  id: string,
  options: GlobalOptions & { readonly from: string },
  out: Out,
): Promise<ExitCode> {
  const wish = { ...by(id), body: { value: secretFrom(options.from) } }
  return print(
    await need(openApi(options).PUT('/admin/v1/rotations/{rotationId}/secret', wish)),
    options,
    out,
  )
}

export async function enterApp(
  provider: string,
  options: GlobalOptions & { readonly clientId?: string; readonly from?: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const params = { params: { path: { provider } } }
  const { clientId, from } = options
  const body =
    from === undefined ? undefined : { clientSecret: secretFrom(from), ...(clientId ? { clientId } : {}) }
  const app = body
    ? await need(api.PUT('/admin/v1/providers/{provider}/app', { ...params, body }))
    : await need(api.GET('/admin/v1/providers/{provider}/app', params))
  if (options.json) out.json(app)
  else {
    const second = app.other === null ? '' : `; a second secret is known (${app.other})`
    out.line(
      app.clientId === null ? `There is no app at ${provider}.` : `${app.clientId} (${app.source})${second}`,
    )
  }
  return 0
}

export async function listRing(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const ring = await ringOf(openApi(options))
  if (options.json) out.json(ring)
  else
    for (const { keyId, isCurrent, isInRing, dataKeys, mayBeRemoved, needs } of ring.items) {
      const state = isCurrent ? 'current' : isInRing ? 'in the ring' : 'not in the ring'
      out.line(`${out.paint.bold(keyId)}  ${state}, wraps ${count(dataKeys)} data keys`)
      if (mayBeRemoved) out.line(out.paint.green('  Nothing needs it: it may be taken out.'))
      else for (const need of needs) out.line(`  ${need}`)
    }
  return 0
}

const ringOf = (api: Api): Promise<Schemas['EncryptionKeyList']> => need(api.GET('/admin/v1/encryption-keys'))
