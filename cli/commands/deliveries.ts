/** `tieline deliveries` and `tieline events`: what was sent and what came back, and the stream itself. */
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { moment } from '../input.ts'
import { ago, table, type Out } from '../print.ts'

type Delivery = Schemas['Delivery']

export interface FilterOptions extends GlobalOptions {
  readonly endpoint?: string
  readonly state?: Delivery['state']
  readonly types?: string
  readonly event?: string
  readonly since?: string
  readonly until?: string
  readonly limit: string
}

const paintOf = ({ state }: Delivery, out: Out) =>
  state === 'delivered' ? out.paint.green : state === 'waiting' ? out.paint.yellow : out.paint.red

export async function listDeliveries(options: FilterOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const { endpoint, state, types, event, since, until } = options
  const filter = {
    ...(endpoint === undefined ? {} : { endpointId: endpoint }),
    ...(state === undefined ? {} : { state }),
    ...(types === undefined ? {} : { types }),
    ...(event === undefined ? {} : { eventId: event }),
    ...(since === undefined ? {} : { since: moment(since, '--since') }),
    ...(until === undefined ? {} : { until: moment(until, '--until') }),
  }
  const items = await collect(Number(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/deliveries', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  const rows = items.map((one) => [
    ...[one.deliveryId, one.eventType, one.eventId, paintOf(one, out)(one.state), String(one.attempts)],
    ...[ago(one.createdAt), one.lastError ?? ''],
  ])
  if (options.json) out.json(items)
  else
    for (const line of table(
      ['delivery', 'type', 'event', 'state', 'attempts', 'made', 'last error'],
      rows,
      out.paint,
    ))
      out.line(line)
  return 0
}

export function printDelivery({ delivery, log }: Schemas['DeliveryWithLog'], out: Out): void {
  out.line(
    `${paintOf(delivery, out)(delivery.state)}  ${delivery.deliveryId}  ${delivery.eventType} (${delivery.eventId})`,
  )
  for (const { attempt, at, durationMs, outcome, answer, error } of log) {
    const status = answer === null ? 'no answer' : String(answer.status)
    out.line(`  ${attempt}. ${at}  ${status}  ${durationMs} ms  ${outcome}`)
    if (error !== null) out.line(`     ${error}`)
    if (answer !== null && answer.body !== '') out.line(out.paint.dim(`     ${answer.body.slice(0, 200)}`))
  }
  if (delivery.state === 'waiting' && delivery.nextAt !== null)
    out.line(`  next attempt at ${delivery.nextAt}`)
}

export async function showDelivery(deliveryId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const detail = await need(
    openApi(options).GET('/admin/v1/deliveries/{deliveryId}', { params: { path: { deliveryId } } }),
  )
  if (options.json) out.json(detail)
  else printDelivery(detail, out)
  return 0
}

export interface ReplayOptions extends GlobalOptions {
  readonly endpoint?: string
  readonly events?: readonly string[]
  readonly since?: string
  readonly until?: string
  readonly types?: string
  readonly all?: boolean
}

/** One delivery by its id, or events of an endpoint by id or by time and filter. */
export async function replay(
  deliveryId: string | undefined,
  options: ReplayOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  if (deliveryId !== undefined) {
    const one = await need(
      api.POST('/admin/v1/deliveries/{deliveryId}/replay', { params: { path: { deliveryId } } }),
    )
    if (options.json) out.json(one)
    else out.line(`${one.eventId} is on its way again: ${one.deliveryId}`)
    return 0
  }
  const { endpoint, events, since, until, types, all } = options
  if (endpoint === undefined || (events === undefined && since === undefined))
    throw new CliError('Name a delivery, or --endpoint with --events or --since.', 2)
  const body = {
    ...(events === undefined ? {} : { eventIds: [...events] }),
    ...(since === undefined ? {} : { since: moment(since, '--since') }),
    ...(until === undefined ? {} : { until: moment(until, '--until') }),
    ...(types === undefined ? {} : { types: types.split(',') }),
    ...(all === true ? { only: 'all' as const } : {}),
  }
  const result = await need(
    api.POST('/admin/v1/endpoints/{endpointId}/replay', {
      params: { path: { endpointId: endpoint } },
      body,
    }),
  )
  if (options.json) out.json(result)
  else out.line(`${result.replayed} on their way again${result.hasMore ? '; there are more' : ''}.`)
  return 0
}

export interface EventOptions extends GlobalOptions {
  readonly partner?: string
  readonly types?: string
  readonly after?: string
  readonly limit: string
}

function printEvent(event: Schemas['Event'], options: GlobalOptions, out: Out): void {
  if (options.json) return out.json(event)
  const { connectionId, resource, externalId, endpointId } = event.data as Record<string, string | undefined>
  const about =
    resource === undefined ? (connectionId ?? endpointId ?? '') : `${resource} ${externalId ?? ''}`
  out.line(`${event.timestamp}  ${event.type.padEnd(26)} ${about}  ${out.paint.dim(event.id)}`)
}

const page = (options: EventOptions, after: string | undefined, limit: number) =>
  need(
    openApi(options).GET('/admin/v1/events', {
      params: {
        query: {
          limit,
          ...(options.partner === undefined ? {} : { partnerId: options.partner }),
          ...(options.types === undefined ? {} : { types: options.types }),
          ...(after === undefined ? {} : { after }),
        },
      },
    }),
  )

export async function listEvents(options: EventOptions, out: Out): Promise<ExitCode> {
  const most = Number(options.limit)
  const items: Schemas['Event'][] = []
  let after = options.after
  for (let hasMore = true; hasMore && items.length < most;) {
    const found = await page(options, after, Math.min(200, most - items.length))
    items.push(...found.items)
    after = found.nextCursor ?? after
    hasMore = found.hasMore
  }
  if (options.json) out.json({ items, nextCursor: after ?? null })
  else {
    for (const event of items) printEvent(event, options, out)
    if (after !== undefined) out.line(out.paint.dim(`go on with --after ${after}`))
  }
  return 0
}

const pollMs = 1_000

/** What happens from now on (or from a cursor), until it is interrupted; one JSON document per event with --json. */
export async function tailEvents(
  options: Omit<EventOptions, 'limit'> & { readonly seconds?: string },
  out: Out,
): Promise<ExitCode> {
  const wish = { ...options, limit: '200' }
  const until = options.seconds === undefined ? Infinity : Date.now() + Number(options.seconds) * 1000
  let after = options.after
  if (after === undefined)
    for (let hasMore = true; hasMore;) {
      const past = await page(wish, after, 200)
      after = past.nextCursor ?? after
      hasMore = past.hasMore
    }
  while (Date.now() < until) {
    const found = await page(wish, after, 200)
    for (const event of found.items) printEvent(event, options, out)
    after = found.nextCursor ?? after
    if (!found.hasMore) await delay(Math.min(pollMs, Math.max(0, until - Date.now())))
  }
  return 0
}

export async function listTypes(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const { items } = await need(openApi(options).GET('/admin/v1/event-types'))
  if (options.json) out.json(items)
  else
    for (const line of table(
      ['type', 'what it tells'],
      items.map((one) => [one.type, one.title]),
      out.paint,
    ))
      out.line(line)
  return 0
}
