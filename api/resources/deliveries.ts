/** Deliveries with their log, and the stream of events. */
import {
  getDelivery as findDelivery,
  listAttempts,
  listDeliveries as selectDeliveries,
  type Delivery,
  type DeliveryAttempt,
} from '../../db/deliveries.ts'
import { getEvents, scanEvents, type HubEventRow } from '../../db/events.ts'
import { eventCatalogue, expandPatterns, isEventPattern, placeOfEvent } from '../../model/events.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { cursorOf, listAnswer, nextUrl, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'

type Schemas = components['schemas']

const time = (at: Date | null): string | null => at?.toISOString() ?? null

export function showDelivery(delivery: Delivery): Schemas['Delivery'] {
  const { cursor: _cursor, nextAt, ...rest } = delivery
  return {
    ...rest,
    nextAt: delivery.endedAt ? null : nextAt.toISOString(),
    firstAttemptAt: time(delivery.firstAttemptAt),
    lastAttemptAt: time(delivery.lastAttemptAt),
    createdAt: delivery.createdAt.toISOString(),
    endedAt: time(delivery.endedAt),
  }
}

const showAttempt = (one: DeliveryAttempt): Schemas['DeliveryAttempt'] => ({
  ...{ attempt: one.attempt, at: one.at.toISOString(), durationMs: one.durationMs, outcome: one.outcome },
  request: {
    ...{ url: one.url, headers: one.requestHeaders as Record<string, string> },
    ...{ bytes: one.requestBytes, sha256: one.requestHash },
  },
  answer:
    one.status === null
      ? null
      : {
          status: one.status,
          headers: (one.answerHeaders ?? {}) as Record<string, string>,
          body: one.answerBody ?? '',
          isTruncated: one.answerTruncated,
        },
  error: one.error,
})

const showEvent = ({
  eventId,
  type,
  createdAt,
  partnerId,
  accountId,
  data,
}: HubEventRow): Schemas['Event'] => ({
  ...{ id: eventId, type, timestamp: createdAt.toISOString(), partnerId, accountId, data },
})

/** `ticket.*,sync.failed` as types; undefined when nothing is said. */
function typesIn(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined
  const patterns = text.split(',').map((one) => one.trim())
  const wrong = patterns.find((pattern) => pattern !== 'endpoint.test' && !isEventPattern(pattern))
  if (wrong === undefined)
    return [...expandPatterns(patterns), ...patterns.filter((one) => one === 'endpoint.test')]
  const detail = `holds "${wrong}", which is no type of event; GET /admin/v1/event-types lists them`
  throw invalidInput([{ in: 'query', pointer: '/types', detail }])
}

const moment = (text: string | undefined): Date | undefined =>
  text === undefined ? undefined : new Date(text)

export const listDeliveries: Handler<'listDeliveries'> = async (deps, call) => {
  const before = positionOf(call, { deliveryId: 'string' })?.deliveryId
  const { endpointId, partnerId, state, types, eventId, since, until } = call.query
  const rows = await selectDeliveries(deps.database.db, {
    ...{ endpointId, partnerId, state, before, limit: rowsFor(call), types: typesIn(types) },
    ...{ event: eventId === undefined ? undefined : placeOfEvent(eventId) },
    ...{ since: moment(since), until: moment(until) },
  })
  return listAnswer(call, rows, showDelivery, ({ deliveryId }) => ({ deliveryId }))
}

export const getDelivery: Handler<'getDelivery'> = async (deps, { path }) => {
  const { db } = deps.database
  const delivery = await findDelivery(db, path.deliveryId)
  if (!delivery) throw new HubError('NoSuchThing', `There is no delivery "${path.deliveryId}".`)
  const log = await listAttempts(db, delivery.deliveryId)
  const [event] = await getEvents(db, [delivery.cursor], delivery.partnerId)
  return {
    status: 200,
    body: {
      delivery: showDelivery(delivery),
      log: log.map(showAttempt),
      event: event ? showEvent(event) : null,
    },
  }
}

/** The stream has no end: the last position is always given back. */
export const listEvents: Handler<'listEvents'> = async (deps, call) => {
  const { db } = deps.database
  const after = positionOf(call, { transactionId: 'string', seq: 'bigint' })
  if (after && !/^\d{1,19}$/.test(after.transactionId))
    throw invalidInput([{ in: 'query', pointer: '/after', detail: 'is not a position of this stream' }])
  const { partnerId, types } = call.query
  const limit = rowsFor(call) - 1
  const { events, position } = await scanEvents(db, {
    partnerId,
    isTenants: call.caller.partnerId !== null,
    after,
    types: typesIn(types) ?? null,
    limit,
  })
  const full = await getEvents(
    db,
    events.map(({ cursor }) => cursor),
    partnerId,
  )
  const nextCursor = position ? cursorOf({ ...position }) : (call.query.after ?? null)
  const hasMore = position !== undefined
  const headers: Record<string, string> =
    hasMore && nextCursor !== null ? { Link: `<${nextUrl(call.url, 'after', nextCursor)}>; rel="next"` } : {}
  return { status: 200, body: { items: full.map(showEvent), nextCursor, hasMore }, headers }
}

export const listEventTypes: Handler<'listEventTypes'> = async () => ({
  status: 200,
  body: { items: eventCatalogue.map(({ type, title, model }) => ({ type, title, model })) },
})
