/** Endpoints: where partners want events sent; their secrets, tests, pauses, replays. */
import { setTimeout as delay } from 'node:timers/promises'
import { appendAudit } from '../../db/audit.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { getDelivery, hastenDeliveries, listDeliveries, type Delivery } from '../../db/deliveries.ts'
import {
  addDeliveries,
  createEndpoint as insertEndpoint,
  deleteEndpoint as eraseEndpoint,
  getEndpoint as findEndpoint,
  listEndpoints as selectEndpoints,
  noteRest,
  openSecrets,
  sealSecrets,
  setEndpointState,
  updateEndpoint as changeEndpoint,
  type Endpoint,
} from '../../db/endpoints.ts'
import { getEvents, scanEvents, tellEvent, type EventKey } from '../../db/events.ts'
import { defaultTenant, findPartner } from '../../db/partners.ts'
import { expandPatterns, isEventPattern, placeOfEvent } from '../../model/events.ts'
import type { components } from '../../openapi/types.ts'
import { HubError, type FieldError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { faultOfUrl } from '../../platform/outbound/addresses.ts'
import {
  isInForce,
  newSigningSecret,
  verificationKeyOf,
  type SigningSecret,
} from '../../platform/secrets/webhook-signing.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion, hasChanged } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { waitMsOf } from '../prefer.ts'
import { invalidInput } from '../problem.ts'
import { showDelivery } from './deliveries.ts'

type Schemas = components['schemas']

const time = (at: Date | null): string | null => at?.toISOString() ?? null

async function endpointOf({ database }: ApiDeps, endpointId: string): Promise<Endpoint> {
  const endpoint = await findEndpoint(database.db, endpointId)
  if (endpoint && endpoint.state !== 'deleted') return endpoint
  throw new HubError('NoSuchThing', `There is no endpoint "${endpointId}".`)
}

async function showEndpoint(deps: ApiDeps, endpoint: Endpoint): Promise<Schemas['Endpoint']> {
  const now = new Date()
  const secrets = await openSecrets(deps.database.db, deps.vault, endpoint.endpointId)
  const { probes: _probes, state, eventTypes, ...rest } = endpoint
  return {
    ...rest,
    eventTypes: [...eventTypes],
    state: state as Schemas['EndpointState'],
    signing: secrets[0]?.scheme ?? 'hmac',
    secrets: secrets
      .filter((one) => isInForce(one, now))
      .map((one) => ({
        signing: one.scheme,
        publicKey: one.scheme === 'ed25519' ? verificationKeyOf(one) : null,
        createdAt: one.createdAt,
        until: one.until,
      })),
    failingSince: time(endpoint.failingSince),
    lastSuccessAt: time(endpoint.lastSuccessAt),
    holdUntil: time(endpoint.holdUntil),
    probeAt: time(endpoint.probeAt),
    createdAt: endpoint.createdAt.toISOString(),
    updatedAt: endpoint.updatedAt.toISOString(),
    temporalUrl: deps.temporal.workflowLink(deps.temporal.deliveryWorkflowId(endpoint)),
  }
}

/** @throws InvalidInput with every field that is wrong. */
function checkWish(
  deps: ApiDeps,
  wish: { readonly url?: string | undefined; readonly eventTypes?: readonly string[] | undefined },
): void {
  const errors: FieldError[] = []
  const allowLoopback = deps.config.environment !== 'production'
  const fault = wish.url === undefined ? undefined : faultOfUrl(wish.url, { allowLoopback })
  if (fault !== undefined) errors.push({ pointer: '/url', detail: fault })
  errors.push(...faultsOfPatterns(wish.eventTypes, '/eventTypes'))
  if (errors.length > 0) throw invalidInput(errors.map((error) => ({ in: 'body' as const, ...error })))
}

const faultsOfPatterns = (patterns: readonly string[] = [], pointer: string): FieldError[] =>
  patterns.flatMap((pattern, index) =>
    isEventPattern(pattern)
      ? []
      : [
          {
            pointer: `${pointer}/${index}`,
            detail: 'is no type of event; GET /admin/v1/event-types lists them',
          },
        ],
  )

const audit = (tx: Db, actor: string, action: string, endpoint: Endpoint, details = {}): Promise<void> =>
  appendAudit(tx, {
    ...{ actor, action, subject: endpoint.endpointId, partnerId: endpoint.partnerId },
    details: { version: endpoint.version, ...details },
  })

export const listEndpoints: Handler<'listEndpoints'> = async (deps, call) => {
  const after = positionOf(call, { endpointId: 'string' })?.endpointId
  const { partnerId, state } = call.query
  const rows = await selectEndpoints(deps.database.db, { partnerId, state, after, limit: rowsFor(call) })
  const shown = new Map(
    await Promise.all(rows.map(async (row) => [row, await showEndpoint(deps, row)] as const)),
  )
  return listAnswer(
    call,
    rows,
    (row) => shown.get(row) as Schemas['Endpoint'],
    ({ endpointId }) => ({ endpointId }),
  )
}

export const createEndpoint: Handler<'createEndpoint'> = async (deps, { body, caller }) => {
  checkWish(deps, body)
  const { db } = deps.database
  const partnerId = body.partnerId ?? caller.partnerId ?? defaultTenant.partnerId
  if (!(await findPartner(db, partnerId)))
    throw invalidInput([{ in: 'body', pointer: '/partnerId', detail: 'is not the id of a partner' }])
  const endpointId = newId('endpoint')
  const secret = newSigningSecret(body.signing ?? 'hmac', new Date())
  const sealedSecrets = await sealSecrets(db, deps.vault, endpointId, [secret])
  const endpoint = await inTransaction(db, async (tx) => {
    const made = await insertEndpoint(tx, {
      ...{
        endpointId,
        partnerId,
        url: body.url,
        description: body.description ?? '',
        eventTypes: body.eventTypes,
      },
      ...{ ordered: body.ordered ?? false, maxConcurrency: body.maxConcurrency ?? (body.ordered ? 1 : 5) },
      ...{ ratePerSecond: body.ratePerSecond ?? 50, createdBy: caller.name, sealedSecrets },
    })
    await audit(tx, caller.name, 'endpoint.created', made, { host: new URL(made.url).host })
    // Inside the transaction: without Temporal nothing is made.
    await deps.temporal.ensureDispatcher()
    return made
  })
  await watched(deps)
  const headers = { Location: `/admin/v1/endpoints/${endpointId}`, ETag: etagOf(endpoint) }
  return { status: 201, body: await withSecret(deps, endpoint, secret), headers }
}

/** A dispatcher that found nobody to serve a moment ago may have ended; should Temporal be away now, the next start of a worker does it. */
async function watched(deps: ApiDeps): Promise<void> {
  await deps.temporal
    .ensureDispatcher()
    .catch((err: unknown) => deps.log.warn({ err }, 'the dispatcher of events could not be started'))
}

const withSecret = async (
  deps: ApiDeps,
  endpoint: Endpoint,
  secret: SigningSecret,
): Promise<Schemas['EndpointWithSecret']> => ({
  endpoint: await showEndpoint(deps, endpoint),
  secret: verificationKeyOf(secret),
})

export const getEndpoint: Handler<'getEndpoint'> = async (deps, { path }) => {
  const endpoint = await endpointOf(deps, path.endpointId)
  return { status: 200, body: await showEndpoint(deps, endpoint), headers: { ETag: etagOf(endpoint) } }
}

export const updateEndpoint: Handler<'updateEndpoint'> = async (deps, { path, header, body, caller }) => {
  checkWish(deps, body)
  const before = await endpointOf(deps, path.endpointId)
  const expected = expectedVersion(header['If-Match'])
  const changed = await inTransaction(deps.database.db, async (tx) => {
    const after = await changeEndpoint(tx, before.endpointId, body, expected)
    if (!after) throw hasChanged('The endpoint')
    await audit(tx, caller.name, 'endpoint.changed', after, { fields: Object.keys(body) })
    return after
  })
  await wake(deps, changed)
  return { status: 200, body: await showEndpoint(deps, changed), headers: { ETag: etagOf(changed) } }
}

export const deleteEndpoint: Handler<'deleteEndpoint'> = async (deps, { path, caller }) => {
  const endpoint = await endpointOf(deps, path.endpointId)
  await inTransaction(deps.database.db, async (tx) => {
    if (await eraseEndpoint(tx, endpoint.endpointId))
      await audit(tx, caller.name, 'endpoint.deleted', endpoint)
  })
  return { status: 204, body: undefined }
}

const dayInSeconds = 86_400

export const rotateEndpointSecret: Handler<'rotateEndpointSecret'> = async (deps, { path, body, caller }) => {
  const { db } = deps.database
  const endpoint = await endpointOf(deps, path.endpointId)
  const now = new Date()
  const old = (await openSecrets(db, deps.vault, endpoint.endpointId)).filter((one) => isInForce(one, now))
  const until = new Date(now.getTime() + (body.overlapSeconds ?? dayInSeconds) * 1000).toISOString()
  const secret = newSigningSecret(body.signing ?? old[0]?.scheme ?? 'hmac', now)
  const secrets = [secret, ...old.map((one) => ({ ...one, until: one.until ?? until }))]
  const sealedSecrets = await sealSecrets(db, deps.vault, endpoint.endpointId, secrets)
  const changed = await inTransaction(db, async (tx) => {
    // Two rotations at once: one of the secrets would be lost.
    const after = await changeEndpoint(tx, endpoint.endpointId, { sealedSecrets }, endpoint.version)
    if (!after) throw new HubError('StateConflict', 'The endpoint was changed at the same moment. Try again.')
    await audit(tx, caller.name, 'endpoint.secret_rotated', after, { signing: secret.scheme, until })
    return after
  })
  return { status: 200, body: await withSecret(deps, changed, secret), headers: { ETag: etagOf(changed) } }
}

const waitForTestMs = 5_000

export const testEndpoint: Handler<'testEndpoint'> = async (deps, { path, header, caller }) => {
  const endpoint = await endpointOf(deps, path.endpointId)
  const { endpointId, partnerId } = endpoint
  const type = 'endpoint.test'
  const cursor = await inTransaction(deps.database.db, async (tx) => {
    const data = { endpointId, message: 'This is a test.' }
    const made = await tellEvent(tx, { partnerId, type, subject: endpointId, data })
    await addDeliveries(tx, endpoint, [{ cursor: made, type }], { kind: 'test', now: new Date() })
    await audit(tx, caller.name, 'endpoint.tested', endpoint)
    return made
  })
  await deps.temporal.wakeEndpoint(endpoint)
  const until = Date.now() + (waitMsOf(header.Prefer) ?? waitForTestMs)
  for (;;) {
    const [delivery] = await listDeliveries(deps.database.db, { endpointId, event: cursor, limit: 1 })
    if (!delivery) throw new HubError('Internal', 'A delivery is gone')
    if (delivery.endedAt || Date.now() >= until)
      return { status: 202, body: showDelivery(delivery), headers: locationOf(delivery) }
    await delay(100)
  }
}

const locationOf = ({ deliveryId }: Delivery) => ({ Location: `/admin/v1/deliveries/${deliveryId}` })

export const enableEndpoint: Handler<'enableEndpoint'> = async (deps, { path, caller }) =>
  await switched(deps, path.endpointId, 'active', caller.name)

export const disableEndpoint: Handler<'disableEndpoint'> = async (deps, { path, caller }) =>
  await switched(deps, path.endpointId, 'disabled', caller.name)

/** One that is in that state already is answered as it is. */
async function switched(deps: ApiDeps, endpointId: string, state: 'active' | 'disabled', actor: string) {
  const before = await endpointOf(deps, endpointId)
  const endpoint = await inTransaction(deps.database.db, async (tx) => {
    const reason = state === 'active' ? null : `By ${actor}.`
    const after = await setEndpointState(tx, endpointId, { state, reason, probeAt: null })
    if (!after) return before
    const type = state === 'active' ? 'endpoint.enabled' : 'endpoint.disabled'
    const { partnerId } = after
    await tellEvent(tx, { partnerId, type, subject: endpointId, data: { endpointId, state, reason } })
    if (state === 'active') {
      const now = new Date()
      await hastenDeliveries(tx, endpointId, now)
      await noteRest(tx, endpointId, { wakeAt: now, awaitsEvents: true })
    }
    await audit(tx, actor, type, after)
    return after
  })
  if (state === 'active') await watched(deps)
  await wake(deps, endpoint)
  return {
    status: 200 as const,
    body: await showEndpoint(deps, endpoint),
    headers: { ETag: etagOf(endpoint) },
  }
}

/** What was changed is committed: should Temporal be away, the dispatcher finds the endpoint overdue. */
async function wake(deps: ApiDeps, endpoint: Endpoint): Promise<void> {
  await deps.temporal
    .wakeEndpoint(endpoint)
    .catch((err: unknown) => deps.log.warn({ err, endpointId: endpoint.endpointId }, 'woken later'))
}

type Again = EventKey & { readonly replayOf?: string }

const mostReplayed = 10_000

export const replayEvents: Handler<'replayEvents'> = async (deps, { path, body, caller }) => {
  const endpoint = await endpointOf(deps, path.endpointId)
  if (endpoint.state === 'disabled')
    throw new HubError('StateConflict', 'This endpoint is disabled. Enable it first.')
  const found = await eventsToReplay(deps, endpoint, body)
  const replayed = await sendAgain(deps, endpoint, found.slice(0, mostReplayed), caller.name)
  return { status: 202, body: { replayed, hasMore: found.length > mostReplayed } }
}

async function sendAgain(
  deps: ApiDeps,
  endpoint: Endpoint,
  events: readonly Again[],
  actor: string,
): Promise<number> {
  const now = new Date()
  const added = await inTransaction(deps.database.db, async (tx) => {
    const count = await addDeliveries(tx, endpoint, events, { kind: 'replay', now })
    if (endpoint.state === 'active')
      await noteRest(tx, endpoint.endpointId, { wakeAt: now, awaitsEvents: true })
    await audit(tx, actor, 'endpoint.replayed', endpoint, { events: count })
    return count
  })
  await wake(deps, endpoint)
  return added
}

/** One more than are replayed tells that there are more. */
async function eventsToReplay(deps: ApiDeps, endpoint: Endpoint, wish: Schemas['Replay']): Promise<Again[]> {
  const { db } = deps.database
  const { endpointId, partnerId } = endpoint
  if (wish.eventIds) {
    const { eventIds, ...others } = wish
    const [other] = Object.keys(others)
    if (other !== undefined)
      throw invalidInput([{ in: 'body', pointer: `/${other}`, detail: 'does not go with eventIds' }])
    return await eventsOfIds(db, partnerId, eventIds)
  }
  if (wish.since === undefined)
    throw invalidInput([{ in: 'body', pointer: '/since', detail: 'or eventIds is needed' }])
  const faults = faultsOfPatterns(wish.types, '/types')
  if (faults.length > 0) throw invalidInput(faults.map((fault) => ({ in: 'body' as const, ...fault })))
  const since = new Date(wish.since)
  const until = wish.until === undefined ? new Date() : new Date(wish.until)
  const types = expandPatterns(wish.types ?? endpoint.eventTypes)
  if ((wish.only ?? 'failed') === 'failed') {
    const state = 'failed' as const
    const rows = await listDeliveries(db, { endpointId, state, types, since, until, limit: mostReplayed + 1 })
    // A replay that failed is one more delivery of the same event.
    const byEvent = new Map(rows.map((row) => [row.eventId, row]))
    return [...byEvent.values()].map(({ cursor, eventType, deliveryId }) => ({
      ...{ cursor, type: eventType, replayOf: deliveryId },
    }))
  }
  const all: EventKey[] = []
  for (let after: EventKey['cursor'] | undefined; all.length <= mostReplayed;) {
    const page = await scanEvents(db, { partnerId, types, since, until, after, limit: 1_000 })
    all.push(...page.events)
    if (!page.position) break
    after = page.position
  }
  return all
}

async function eventsOfIds(db: Db, partnerId: string, eventIds: readonly string[]): Promise<Again[]> {
  const places = eventIds.map((eventId) => placeOfEvent(eventId))
  const found = await getEvents(
    db,
    places.filter((place) => place !== undefined),
    partnerId,
  )
  const known = new Set(found.map(({ eventId }) => eventId))
  const errors = eventIds.flatMap((eventId, index) =>
    known.has(eventId)
      ? []
      : [{ in: 'body' as const, pointer: `/eventIds/${index}`, detail: 'is not an event of this partner' }],
  )
  if (errors.length > 0) throw invalidInput(errors)
  return found.map(({ cursor, type }) => ({ cursor, type }))
}

export const replayDelivery: Handler<'replayDelivery'> = async (deps, { path, caller }) => {
  const { db } = deps.database
  const delivery = await getDelivery(db, path.deliveryId)
  if (!delivery) throw new HubError('NoSuchThing', `There is no delivery "${path.deliveryId}".`)
  const endpoint = await endpointOf(deps, delivery.endpointId)
  if (endpoint.state === 'disabled')
    throw new HubError('StateConflict', 'Its endpoint is disabled. Enable it first.')
  const { cursor, eventType, deliveryId } = delivery
  await sendAgain(deps, endpoint, [{ cursor, type: eventType, replayOf: deliveryId }], caller.name)
  const [made] = await listDeliveries(db, { endpointId: endpoint.endpointId, event: cursor, limit: 1 })
  if (!made) throw new HubError('Internal', 'A delivery is gone')
  return { status: 202, body: showDelivery(made), headers: locationOf(made) }
}
