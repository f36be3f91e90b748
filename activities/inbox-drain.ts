/**
 * Drains a lane: batch after batch for some seconds. A batch's effects on records and its settling commit in one transaction, so a
 * worker that dies repeats at most what had no effect (INV-2); order per object is kept by taking and applying them together (INV-3).
 */
import { asTenant } from '../db/client.ts'
import { activeHookRules, type ActiveHookRule } from '../db/hook-rules.ts'
import { getConnection, receivesOnly, type Connection } from '../db/connections.ts'
import {
  dueEvents,
  lockWaiting,
  nextDue,
  postponeEvents,
  settleEvents,
  type InboxEvent,
  type Settled,
  type Troubled,
} from '../db/inbox.ts'
import { tellEvent } from '../db/events.ts'
import { addHookSecrets } from '../db/hook-settings.ts'
import { isRace } from '../db/pages.ts'
import { failures, type FailureNote } from '../model/failures.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import type { ProviderContext, Row } from '../providers/contract.ts'
import type { HookEvent } from '../providers/contract-webhook.ts'
import { findHookSource, type HookSource } from '../providers/registry.ts'
import { applyRows } from './apply-row.ts'
import type { ActivityDeps } from './deps.ts'
import { applyRules, askRules, type HookRuleHit } from './hook-rules.ts'
import { readEvents } from './inbox-read.ts'
import { findObjects, isOfAll, type Finding, type HookResource, type ObjectEvents } from './inbox-objects.ts'
import { openSession } from './session.ts'

export interface DrainResult {
  /**
   * `more`: go on at once. `waiting`: nothing is due before `until`. `empty`: nothing waits. `halted`: the connection is paused, gone or
   * needs attention; the events wait with it.
   */
  readonly state: 'more' | 'waiting' | 'empty' | 'halted'
  readonly until: string | null
  /** Why the provider cannot be asked now; null when it can. */
  readonly trouble: FailureNote | null
  readonly processed: number
  readonly dead: number
  readonly postponed: number
}

interface Lane {
  readonly deps: ActivityDeps
  readonly connection: Connection
  readonly source: HookSource
  /** Undefined for a provider whose sync is not built, and for a connection that only receives. */
  readonly context: ProviderContext | undefined
  readonly workflowRunId: string
}

const sliceMs = 20_000
const batchSize = 500
/** Tries of one event: 10 s, 40 s, 3 min, 11 min, 43 min; then it is a dead letter. */
const mostAttempts = 6
const firstPauseMs = 10_000
/** An object that does not fit its event is looked at again after this. */
const secondLookMs = 5_000

export async function drainLane(
  deps: ActivityDeps,
  connectionId: string,
  run: { readonly workflowRunId: string; readonly signal: AbortSignal },
): Promise<DrainResult> {
  const { db } = deps.database
  const sum = { processed: 0, dead: 0, postponed: 0 }
  const end = (state: DrainResult['state'], until?: Date, trouble?: FailureNote): DrainResult => ({
    state,
    until: until?.toISOString() ?? null,
    trouble: trouble ?? null,
    ...sum,
  })
  const connection = await getConnection(db, connectionId)
  if (connection?.state !== 'active') return end('halted')
  const source = findHookSource(connection.provider, deps.findProvider)
  if (!source) return end('halted')
  const lane = await openLane(deps, connection, source, run)
  const stopAt = deps.clock.now().getTime() + sliceMs
  while (deps.clock.now().getTime() < stopAt && !run.signal.aborted) {
    const events = await dueEvents(db, connectionId, deps.clock.now(), batchSize)
    if (events.length === 0) {
      const due = await nextDue(db, connectionId)
      return due ? end('waiting', due) : end('empty')
    }
    try {
      const done = await processBatch(lane, events)
      sum.processed += done.processed
      sum.dead += done.dead
      sum.postponed += done.postponed
    } catch (error) {
      if (!isOfAll(error)) throw error
      return end('waiting', error.retryAt, { code: error.code, message: error.message })
    }
  }
  return end('more')
}

async function openLane(
  deps: ActivityDeps,
  connection: Connection,
  source: HookSource,
  { workflowRunId, signal }: { readonly workflowRunId: string; readonly signal: AbortSignal },
): Promise<Lane> {
  // Made when only webhooks of the provider were received, or wished so: it has no credential, whatever is built meanwhile.
  const canRead = connection.auth !== receivesOnly && deps.findProvider(connection.provider) !== undefined
  const session = canRead
    ? await openSession(deps, connection.connectionId, { priority: 'webhook', signal })
    : undefined
  return { deps, connection, source, context: session?.context, workflowRunId }
}

interface Outcomes {
  readonly settled: Settled[]
  readonly troubled: Troubled[]
  /** Rules that hold, by event. */
  readonly hits: Map<string, { readonly event: InboxEvent; readonly hits: readonly HookRuleHit[] }>
}

async function processBatch(lane: Lane, events: readonly InboxEvent[]) {
  const told = await readEvents(lane.deps, lane.source.webhooks, events)
  const outcomes: Outcomes = { settled: [], troubled: [], hits: new Map() }
  const objects = new Map<string, { resource: HookResource; objects: Map<string, ObjectEvents> }>()
  const rules = await activeHookRules(lane.deps.database.db, lane.connection)
  for (const event of events) {
    const one = told.get(event.eventId)
    if (!one || one instanceof HubError) fail(lane, outcomes, event, one ?? lost)
    else await rule(lane, outcomes, objects, rules, event, one)
  }
  const found: {
    resource: HookResource
    objects: readonly ObjectEvents[]
    findings: Map<string, Finding>
  }[] = []
  for (const { resource, objects: own } of objects.values()) {
    const list = [...own.values()]
    found.push({ resource, objects: list, findings: await findObjects(lane.context, resource, list) })
  }
  await commit(lane, events, outcomes, found)
  count(lane, outcomes)
  const dead = outcomes.troubled.filter(({ nextAt }) => nextAt === null).length
  return { processed: outcomes.settled.length, dead, postponed: outcomes.troubled.length - dead }
}

const lost = new HubError('Protocol', 'The body of this webhook is not in the store.')

function count({ deps, source }: Lane, { settled, troubled }: Outcomes): void {
  const provider = source.slug
  for (const { outcome } of settled) deps.metrics.hookEvents.inc({ provider, outcome })
  for (const { nextAt } of troubled)
    deps.metrics.hookEvents.inc({ provider, outcome: nextAt === null ? 'dead' : 'postponed' })
}

type Objects = Map<string, { resource: HookResource; objects: Map<string, ObjectEvents> }>

/** What rules make of an event before it is sorted. */
async function rule(
  lane: Lane,
  outcomes: Outcomes,
  objects: Objects,
  rules: readonly ActiveHookRule[],
  event: InboxEvent,
  told: HookEvent,
): Promise<void> {
  try {
    const ruled = await askRules(lane.deps.database.db, rules, event, told)
    if (ruled.hits.length > 0) outcomes.hits.set(event.eventId, { event, hits: ruled.hits })
    if (ruled.told) await sort(lane, outcomes, objects, event, ruled.told)
    else outcomes.settled.push({ eventId: event.eventId, outcome: 'ignored', recordVersion: null })
  } catch (error) {
    if (!isHubError(error, 'Invalid')) throw error
    fail(lane, outcomes, event, error)
  }
}

/** Events about no object are settled here; the others wait for what is known of theirs. */
async function sort(
  lane: Lane,
  outcomes: Outcomes,
  objects: Objects,
  event: InboxEvent,
  told: HookEvent,
): Promise<void> {
  const settle = (outcome: string) =>
    void outcomes.settled.push({ eventId: event.eventId, outcome, recordVersion: null })
  if (told.about === 'unknown') return settle('unknown')
  if (told.about === 'notice') return await notice(lane, outcomes, event, told)
  const resource = told.resource === undefined ? undefined : resourceOf(lane, told.resource)
  const externalId = told.externalId ?? (resource && told.row ? idOf(resource, told.row) : undefined)
  if (!resource || externalId === undefined) return settle('unknown')
  const known = objects.get(resource.name) ?? { resource, objects: new Map<string, ObjectEvents>() }
  objects.set(resource.name, known)
  const before = known.objects.get(externalId)?.events ?? []
  known.objects.set(externalId, { externalId, events: [...before, { event, told }] })
}

/** Of a row that a rule has made. @throws HubError `Invalid` for one without an id. */
function idOf(resource: HookResource, row: Row): string {
  let id: unknown
  try {
    id = resource.externalId(row)
  } catch {
    id = undefined
  }
  if (typeof id === 'string' && !['', 'undefined', 'null', 'NaN'].includes(id)) return id
  throw new HubError('Invalid', `A rule has made an object of ${resource.name} without an id.`)
}

async function notice(lane: Lane, outcomes: Outcomes, event: InboxEvent, told: HookEvent): Promise<void> {
  const { onNotice } = lane.source.webhooks
  try {
    const found = onNotice && lane.context ? await onNotice(lane.context, told) : undefined
    if (found) await addHookSecrets(lane.deps.database.db, lane.deps.vault, lane.connection, found.secrets)
    outcomes.settled.push({ eventId: event.eventId, outcome: 'noted', recordVersion: null })
  } catch (error) {
    if (isOfAll(error)) throw error
    fail(lane, outcomes, event, error)
  }
}

/** A resource of the provider, or one that exists only through its webhooks. */
function resourceOf({ deps, source, connection }: Lane, name: string): HookResource | undefined {
  const own = deps.findProvider(connection.provider)?.resources.find((one) => one.name === name)
  if (own) return own
  return source.webhooks.received?.map((one) => receivedOf(one)).find((one) => one.name === name)
}

type Received = NonNullable<HookSource['webhooks']['received']>[number]
/** The same object for the same resource: validators are compiled per resource. */
const received = new WeakMap<Received, HookResource>()
function receivedOf(one: Received): HookResource {
  const known = received.get(one) ?? { ...one, volatile: [] }
  received.set(one, known)
  return known
}

function fail(lane: Lane, { troubled }: Outcomes, event: InboxEvent, error: unknown): void {
  const code = isHubError(error) ? error.code : 'Internal'
  const message = isHubError(error) ? error.message : 'The hub failed at this event; its log has the details.'
  if (!isHubError(error)) lane.deps.log.error({ err: error, eventId: event.eventId }, 'an inbox event failed')
  const isHopeless = failures[code].retry === 'no' && event.attempts > 0
  const isDead = isHopeless || event.attempts + 1 >= mostAttempts
  const pause = firstPauseMs * 4 ** event.attempts * (1 + Math.random() * 0.2)
  const retryAt = isHubError(error) ? error.retryAt : undefined
  const now = lane.deps.clock.now().getTime()
  troubled.push({
    eventId: event.eventId,
    attempts: event.attempts,
    failure: { code, message },
    nextAt: isDead ? null : (retryAt ?? new Date(now + pause)),
  })
}

/** Effects and settling, or neither. What somebody else has settled meanwhile is left alone. */
async function commit(
  lane: Lane,
  events: readonly InboxEvent[],
  outcomes: Outcomes,
  found: readonly {
    readonly resource: HookResource
    readonly objects: readonly ObjectEvents[]
    readonly findings: Map<string, Finding>
  }[],
): Promise<void> {
  const { connection, workflowRunId, deps } = lane
  for (let attempt = 1; ; attempt++) {
    const own: Outcomes = {
      settled: [...outcomes.settled],
      troubled: [...outcomes.troubled],
      hits: outcomes.hits,
    }
    try {
      await asTenant(deps.database.db, connection.partnerId, async (tx) => {
        const waiting = await lockWaiting(tx, events)
        for (const { resource, objects, findings } of found) {
          const still = objects.filter((one) => one.events.some(({ event }) => waiting.has(event.eventId)))
          await applyObjects(lane, tx, resource, still, findings, own)
        }
        const settled = own.settled.filter(({ eventId }) => waiting.has(eventId))
        await settleEvents(tx, settled, workflowRunId)
        for (const { eventId } of settled) {
          const hit = own.hits.get(eventId)
          if (hit) await applyRules(deps, tx, connection, hit.event, hit.hits)
        }
        await postponeEvents(tx, own.troubled, workflowRunId)
        await tellOfDead(
          tx,
          connection,
          own.troubled.filter(({ eventId }) => waiting.has(eventId)),
        )
      })
      outcomes.settled.splice(0, outcomes.settled.length, ...own.settled)
      outcomes.troubled.splice(0, outcomes.troubled.length, ...own.troubled)
      return
    } catch (error) {
      if (!isRace(error) || attempt === 10) throw error
    }
  }
}

/** One event for the dead letters of a batch: they may be many. */
async function tellOfDead(
  tx: Parameters<typeof applyRows>[0],
  { connectionId, partnerId, provider }: Connection,
  troubled: readonly Troubled[],
): Promise<void> {
  const dead = troubled.filter(({ nextAt }) => nextAt === null)
  const [first] = dead
  if (!first) return
  const data = {
    connectionId,
    provider,
    count: dead.length,
    inboxEventId: first.eventId,
    failure: first.failure,
  }
  await tellEvent(tx, { partnerId, type: 'webhook.dead_letter', subject: connectionId, data })
}

async function applyObjects(
  lane: Lane,
  tx: Parameters<typeof applyRows>[0],
  resource: HookResource,
  objects: readonly ObjectEvents[],
  findings: ReadonlyMap<string, Finding>,
  outcomes: Outcomes,
): Promise<void> {
  const { connection, deps } = lane
  const readAtOf = new Map<string, Date>()
  const rows = []
  const deletedIds = []
  for (const { externalId, events } of objects) {
    const finding = findings.get(externalId) ?? { kind: 'unreadable' }
    if (finding.kind === 'row') rows.push(finding.row)
    if (finding.kind === 'gone') deletedIds.push(externalId)
    if (finding.kind === 'row' || finding.kind === 'gone') readAtOf.set(externalId, finding.readAt)
    else for (const { event } of events) leave(lane, outcomes, event, finding)
  }
  const reading = { rows, deletedIds, readAt: deps.clock.now(), readAtOf }
  const applied = await applyRows(tx, connection, resource, reading)
  const byId = new Map(applied.map((one) => [one.externalId, one]))
  for (const { externalId, events } of objects) {
    const one = byId.get(externalId)
    if (!readAtOf.has(externalId)) continue
    // The last one had the effect; those before it were overtaken.
    events.forEach(({ event }, index) => {
      const outcome = index === events.length - 1 ? (one?.effect ?? 'quarantined') : 'overtaken'
      outcomes.settled.push({ eventId: event.eventId, outcome, recordVersion: one?.version ?? null })
    })
  }
}

/** What cannot be settled with a state of the object. */
function leave(lane: Lane, outcomes: Outcomes, event: InboxEvent, finding: Finding): void {
  if (finding.kind === 'failed') fail(lane, outcomes, event, finding.error)
  else if (finding.kind === 'unsettled')
    outcomes.troubled.push({
      eventId: event.eventId,
      attempts: event.attempts,
      failure: {
        code: 'NotFound',
        message: finding.seen
          ? 'The provider still has the object that it says was deleted; looked at again soon.'
          : 'The provider does not have the object yet that it tells of; looked at again soon.',
      },
      nextAt: new Date(lane.deps.clock.now().getTime() + secondLookMs),
    })
  else outcomes.settled.push({ eventId: event.eventId, outcome: 'kept', recordVersion: null })
}
