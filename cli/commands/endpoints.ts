/** `tieline endpoints`: where partners want events sent, and how they do. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { wholeNumber, words } from '../input.ts'
import { ago, table, type Out } from '../print.ts'
import { printDelivery } from './deliveries.ts'

type Endpoint = Schemas['Endpoint']

interface Wishes extends GlobalOptions {
  readonly types?: string
  readonly description?: string
  readonly concurrency?: string
  readonly rate?: string
  readonly ordered?: boolean
}
export interface CreateOptions extends Wishes {
  readonly types: string
  readonly partner?: string
  readonly signing: Schemas['SigningScheme']
}
export interface UpdateOptions extends Wishes {
  readonly url?: string
}

const wished = ({ types, description, concurrency, rate, ordered }: Wishes) => ({
  ...(types === undefined ? {} : { eventTypes: words(types) }),
  ...(description === undefined ? {} : { description }),
  ...(concurrency === undefined ? {} : { maxConcurrency: wholeNumber(concurrency, '--concurrency') }),
  ...(rate === undefined ? {} : { ratePerSecond: wholeNumber(rate, '--rate') }),
  ...(ordered === undefined ? {} : { ordered }),
})

const paintOf = ({ state }: Endpoint, out: Out) =>
  state === 'active' ? out.paint.green : state === 'failing' ? out.paint.yellow : out.paint.red

export async function listEndpoints(
  options: GlobalOptions & { readonly partner?: string; readonly limit: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const filter = options.partner === undefined ? {} : { partnerId: options.partner }
  const items = await collect(Number(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/endpoints', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  const rows = items.map((one) => [
    one.endpointId,
    paintOf(one, out)(one.state),
    one.eventTypes.join(' '),
    ago(one.lastSuccessAt),
    one.url,
  ])
  if (options.json) out.json(items)
  else
    for (const line of table(['endpoint', 'state', 'events', 'last success', 'url'], rows, out.paint))
      out.line(line)
  return 0
}

function printEndpoint(one: Endpoint, out: Out): void {
  out.line(`${paintOf(one, out)(one.state)}  ${one.endpointId}  ${one.url}`)
  if (one.description !== '') out.line(`  ${one.description}`)
  out.line(`  events: ${one.eventTypes.join(', ')}`)
  const how = one.ordered ? 'in order, one at a time' : `${one.maxConcurrency} at once`
  out.line(`  sent ${how}, at most ${one.ratePerSecond} a second; last success ${ago(one.lastSuccessAt)}`)
  for (const { signing, publicKey, until } of one.secrets)
    out.line(
      `  signed: ${signing}${publicKey === null ? '' : ` ${publicKey}`}${until === null ? '' : ` until ${until}`}`,
    )
  if (one.stateReason !== null) out.line(`  ${one.stateReason}`)
  if (one.probeAt !== null) out.line(`  tried next at ${one.probeAt}`)
  out.line(out.paint.dim(`  ${one.temporalUrl}`))
}

const shown = (one: Endpoint, options: GlobalOptions, out: Out): ExitCode => {
  if (options.json) out.json(one)
  else printEndpoint(one, out)
  return 0
}

function shownWithSecret(made: Schemas['EndpointWithSecret'], options: GlobalOptions, out: Out): ExitCode {
  if (options.json) out.json(made)
  else {
    printEndpoint(made.endpoint, out)
    out.line(
      `  ${made.secret.startsWith('whpk_') ? 'public key' : 'secret, shown this once'}: ${made.secret}`,
    )
  }
  return 0
}

export async function createEndpoint(url: string, options: CreateOptions, out: Out): Promise<ExitCode> {
  const { types, partner, signing } = options
  const body = {
    ...wished(options),
    ...{ url, signing, eventTypes: words(types) },
    ...(partner === undefined ? {} : { partnerId: partner }),
  }
  const made = await need(openApi(options).POST('/admin/v1/endpoints', { params: { header: {} }, body }))
  shownWithSecret(made, options, out)
  if (!options.json) out.line(`Try it: tieline endpoints test ${made.endpoint.endpointId}`)
  return 0
}

export async function showEndpoint(endpointId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const one = await need(
    openApi(options).GET('/admin/v1/endpoints/{endpointId}', { params: { path: { endpointId } } }),
  )
  return shown(one, options, out)
}

export async function updateEndpoint(
  endpointId: string,
  options: UpdateOptions,
  out: Out,
): Promise<ExitCode> {
  const body = { ...wished(options), ...(options.url === undefined ? {} : { url: options.url }) }
  if (Object.keys(body).length === 0) throw new CliError('Say what to change; --help lists it.', 2)
  const one = await need(
    openApi(options).PATCH('/admin/v1/endpoints/{endpointId}', { params: { path: { endpointId } }, body }),
  )
  return shown(one, options, out)
}

export async function deleteEndpoint(
  endpointId: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  await need(
    openApi(options).DELETE('/admin/v1/endpoints/{endpointId}', { params: { path: { endpointId } } }),
  )
  if (options.json) out.json({ deleted: endpointId })
  else out.line(`${endpointId} is deleted.`)
  return 0
}

export async function rotateSecret(
  endpointId: string,
  options: GlobalOptions & { readonly overlap: string; readonly signing?: Schemas['SigningScheme'] },
  out: Out,
): Promise<ExitCode> {
  if (!/^\d{1,9}$/.test(options.overlap))
    throw new CliError(`--overlap takes a number of seconds, not "${options.overlap}".`, 2)
  const body = {
    overlapSeconds: Number(options.overlap),
    ...(options.signing === undefined ? {} : { signing: options.signing }),
  }
  const made = await need(
    openApi(options).POST('/admin/v1/endpoints/{endpointId}/rotate', {
      params: { path: { endpointId } },
      body,
    }),
  )
  return shownWithSecret(made, options, out)
}

/** Exit code 1 when the test has not come through. */
export async function testEndpoint(endpointId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const { deliveryId } = await need(
    api.POST('/admin/v1/endpoints/{endpointId}/test', {
      params: { path: { endpointId }, header: { Prefer: 'wait=25' } },
    }),
  )
  const detail = await need(
    api.GET('/admin/v1/deliveries/{deliveryId}', { params: { path: { deliveryId } } }),
  )
  if (options.json) out.json(detail)
  else printDelivery(detail, out)
  return detail.delivery.state === 'delivered' ? 0 : 1
}

export async function switchEndpoint(
  endpointId: string,
  verb: 'enable' | 'disable',
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const params = { path: { endpointId } }
  const one = await need(
    verb === 'enable'
      ? api.POST('/admin/v1/endpoints/{endpointId}/enable', { params })
      : api.POST('/admin/v1/endpoints/{endpointId}/disable', { params }),
  )
  return shown(one, options, out)
}
