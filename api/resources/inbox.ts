/** What came in by webhook: events, what each has led to, and letting them have their effect again. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import { listHookRuleEffects } from '../../db/hook-rules.ts'
import { openHookSettings } from '../../db/hook-settings.ts'
import { openRequest } from '../../db/hook-payload.ts'
import { dedupeKeyOf } from '../../db/inbox-accept.ts'
import {
  countReplay,
  getHookRequest,
  getInboxEvent as findInboxEvent,
  missingEvents,
  inboxEquation,
  listInboxEvents as selectInboxEvents,
  matchTenant,
  replayEvents,
  type HookRequestRow,
  type InboxEvent,
} from '../../db/inbox.ts'
import type { FailureNote } from '../../model/failures.ts'
import type { JsonObject } from '../../model/json.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { findHookSource } from '../../providers/registry.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { ApiDeps } from '../deps.ts'
import { secretsOf } from '../hooks/targets.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { connectionOf, livingConnection } from './find.ts'

type Schemas = components['schemas']

/** Events of one replay; the rest by another request. */
const mostReplayed = 10_000

const time = (at: Date | null): string | null => at?.toISOString() ?? null
const moment = (text: string | undefined): Date | undefined =>
  text === undefined ? undefined : new Date(text)

function showEvent({ temporal }: ApiDeps, event: InboxEvent): Schemas['InboxEvent'] {
  const {
    seq: _seq,
    partnerId: _partner,
    accountId: _account,
    dedupeKey: _key,
    workflowRunId,
    ...rest
  } = event
  const { connectionId } = event
  return {
    ...rest,
    occurredAt: time(event.occurredAt),
    receivedAt: event.receivedAt.toISOString(),
    nextAt: event.state === 'waiting' ? event.nextAt.toISOString() : null,
    processedAt: time(event.processedAt),
    failure: event.failure as FailureNote | null,
    temporalUrl:
      connectionId === null || workflowRunId === null
        ? null
        : temporal.workflowLink(workflowIds.processInbox(connectionId), workflowRunId),
  }
}

export const listInboxEvents: Handler<'listInboxEvents'> = async (deps, call) => {
  const { since, until, limit: _limit, cursor: _cursor, ...filter } = call.query
  const before = positionOf(call, { eventId: 'string' })?.eventId
  const rows = await selectInboxEvents(deps.database.db, {
    ...filter,
    since: moment(since),
    until: moment(until),
    before,
    limit: rowsFor(call),
  })
  return listAnswer(
    call,
    rows,
    (row) => showEvent(deps, row),
    ({ eventId }) => ({ eventId }),
  )
}

export const getInboxEvent: Handler<'getInboxEvent'> = async (deps, { path }) => {
  const { db } = deps.database
  const event = await findInboxEvent(db, path.eventId)
  const request = event && (await getHookRequest(db, event.requestId))
  if (!event || !request) throw new HubError('NoSuchThing', `There is no inbox event "${path.eventId}".`)
  const content = await contentOf(deps, event, request)
  const { receivedAt, clientAddress, bytes, checks, events, accepted } = request
  return {
    status: 200,
    body: {
      event: showEvent(deps, event),
      payload: content.payload,
      rules: (await listHookRuleEffects(db, event.eventId)).map(
        ({ ruleId, version, target, outcome, detail, subject }) => ({
          ...{ ruleId, version, target, outcome, detail, subject },
        }),
      ),
      request: {
        receivedAt: receivedAt.toISOString(),
        clientAddress,
        bytes,
        checks: checks.map((check) => check as Schemas['InboxEventDetail']['request']['checks'][number]),
        events,
        accepted,
        headers: content.headers,
        body: content.body,
      },
    },
  }
}

/** Headers that carry credentials: a signature is none, it proves only what came. */
const secretHeaders = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key'])

async function contentOf(deps: ApiDeps, event: InboxEvent, request: HookRequestRow) {
  if (!request.sealed) return { payload: null, headers: {}, body: null }
  const packed = await openRequest(deps.database.db, deps.vault, { ...request, sealed: request.sealed })
  const secrets = await secretValues(deps, event, request)
  const isSecret = (text: string) => secrets.some((secret) => text.includes(secret))
  const headers = Object.fromEntries(
    packed.headers
      .filter(([name, values]) => !secretHeaders.has(name) && !values.some(isSecret))
      .map(([name, values]) => [name, values.join(', ')]),
  )
  // The URL of an app may have brought what belongs to others.
  const body = request.connectionId === null ? null : packed.body.toString('utf8')
  return { payload: payloadOf(deps, event, request, packed), headers, body }
}

/** Tokens come in headers of any name: what is a secret of these webhooks is not shown. */
async function secretValues(
  deps: ApiDeps,
  event: InboxEvent,
  { connectionId, receivedAt }: HookRequestRow,
): Promise<string[]> {
  const source = findHookSource(event.provider, deps.findProvider)
  if (!source) return []
  const stored =
    connectionId === null ? undefined : await openHookSettings(deps.database.db, deps.vault, connectionId)
  const known = secretsOf(source.webhooks, stored, deps.env, receivedAt)
  return Object.values(known)
    .flat()
    .filter((secret) => secret.length >= 8)
}

function payloadOf(
  deps: ApiDeps,
  event: InboxEvent,
  request: HookRequestRow,
  packed: Awaited<ReturnType<typeof openRequest>>,
): JsonObject | null {
  const source = findHookSource(event.provider, deps.findProvider)
  if (!source || event.about === 'unreadable') return null
  const asCame = {
    ...packed,
    url: new URL(packed.url),
    headers: new Map(packed.headers),
    receivedAt: request.receivedAt,
  }
  const own = source.webhooks.split(asCame).find(({ key }) => dedupeKeyOf(key) === event.dedupeKey)
  return own?.payload ?? null
}

/** What stored events say, by id; those whose body is gone or cannot be read are missing. */
export async function payloadsOf(
  deps: ApiDeps,
  events: readonly InboxEvent[],
): Promise<Map<string, JsonObject>> {
  const payloads = new Map<string, JsonObject>()
  for (const event of events) {
    const request = await getHookRequest(deps.database.db, event.requestId)
    if (!request?.sealed) continue
    const packed = await openRequest(deps.database.db, deps.vault, { ...request, sealed: request.sealed })
    const payload = payloadOf(deps, event, request, packed)
    if (payload) payloads.set(event.eventId, payload)
  }
  return payloads
}

export const replayInboxEvents: Handler<'replayInboxEvents'> = async (deps, { body, caller }) => {
  const { dryRun = false, since, until, ...filter } = body
  if (Object.values({ since, until, ...filter }).every((value) => value === undefined))
    throw invalidInput([
      {
        in: 'body',
        pointer: '',
        detail: 'should say which events: give eventIds, connectionId, state, type or times',
      },
    ])
  if (filter.connectionId !== undefined) await connectionOf(deps, filter.connectionId)
  const [missing] = await missingEvents(deps.database.db, filter.eventIds ?? [])
  if (missing !== undefined) throw new HubError('NoSuchThing', `There is no inbox event "${missing}".`)
  const query = { ...filter, since: moment(since), until: moment(until) }
  const { db } = deps.database
  if (dryRun) return { status: 200, body: replayed(true, await countReplay(db, query)) }
  const lanes = await inTransaction(db, async (tx) => {
    const found = await replayEvents(tx, query, mostReplayed)
    const events = found.reduce((sum, { count }) => sum + count, 0)
    await appendAudit(tx, {
      actor: caller.name,
      action: 'webhook.replayed',
      subject: filter.connectionId ?? filter.provider ?? 'inbox',
      partnerId: caller.partnerId ?? undefined,
      details: { events, filter: JSON.parse(JSON.stringify(filter)) as JsonObject },
    })
    return found
  })
  for (const { connectionId } of lanes) {
    const connection = await livingConnection(deps, connectionId).catch(() => undefined)
    if (connection) deps.waker.wake(connection)
  }
  return { status: 200, body: replayed(false, lanes) }
}

const replayed = (
  dryRun: boolean,
  lanes: readonly { readonly connectionId: string; readonly count: number }[],
): Schemas['InboxReplayed'] => ({
  dryRun,
  events: lanes.reduce((sum, { count }) => sum + count, 0),
  connections: lanes.map(({ connectionId, count }) => ({ connectionId, events: count })),
})

export const matchInboxEvents: Handler<'matchInboxEvents'> = async (deps, { path, body, caller }) => {
  const connection = await livingConnection(deps, path.connectionId)
  const events = await inTransaction(deps.database.db, async (tx) => {
    const moved = await matchTenant(tx, connection, connection.provider, body.tenant)
    await appendAudit(tx, {
      actor: caller.name,
      action: 'webhook.matched',
      subject: connection.connectionId,
      partnerId: connection.partnerId,
      details: { tenant: body.tenant, events: moved },
    })
    return moved
  })
  if (events > 0) deps.waker.wake(connection)
  return { status: 200, body: { events } }
}

export const getInboxEquation: Handler<'getInboxEquation'> = async (deps, { query }) => ({
  status: 200,
  body: await inboxEquation(deps.database.db, query),
})
