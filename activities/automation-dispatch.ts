/**
 * From the change feed to runs: each automation that listens has a place of its own in the feed; its runs are written down
 * in the transaction that moves it on, so that none is lost and none is there twice.
 */
import { addAutomationRun, listPendingRuns, openCount } from '../db/automation-runs.ts'
import { hasWebhooks, listListeners, moveListener, type Listener } from '../db/automations.ts'
import { listChanges, type Change } from '../db/changes.ts'
import { asTenant } from '../db/client.ts'
import { feedPlace, listPendingSources } from '../db/commission-sources.ts'
import { hasEndpoints } from '../db/endpoints.ts'
import { getConnection } from '../db/connections.ts'
import { getRecord, listRecordVersions } from '../db/records.ts'
import { firstLoads } from '../db/run-resources.ts'
import type { Trigger } from '../model/automation.ts'
import type { JsonObject } from '../model/json.ts'
import { holds } from '../model/logic.ts'
import { applyMapping } from '../model/mapping.ts'
import { newId } from '../platform/new-id.ts'
import { followCommissions } from './commission-feed.ts'
import { wakeEndpoints } from './delivery.ts'
import type { ActivityDeps } from './deps.ts'
import { mappingInForce } from './mapping-in-force.ts'

export interface Dispatched {
  /** Nobody listens: the dispatcher may end. */
  readonly idle: boolean
  /** Runs whose workflow is to be started. */
  readonly runs: readonly {
    readonly automationRunId: string
    readonly automationId: string
    readonly partnerId: string
  }[]
  /** Sources of commission whose workflow is to be started; histories of before they came have none. */
  readonly commissions?: readonly {
    readonly sourceId: string
    readonly partnerId: string
    readonly accountId: string
  }[]
}

/** Looks as long as this before it answers that there is nothing. */
const watchMs = 50_000
const pauseMs = 700
/** Nobody listens for so long: the dispatcher ends. */
const graceMs = 2_000
const changesAtOnce = 500
const runsAtOnce = 50
/** An automation with so many open runs is read no further until some have ended: its place in the feed keeps the rest. */
const mostOpen = 200

type EventTrigger = Extract<Trigger, { readonly kind: 'event' }>

/** Watches the feed until there is something to start, somebody stops it, or a while has passed. */
export async function watchFeed(deps: ActivityDeps, signal: AbortSignal): Promise<Dispatched> {
  const { db } = deps.database
  const until = deps.clock.now().getTime() + watchMs
  let isIdle = false
  for (;;) {
    const listeners = await listListeners(db)
    let moved = false
    for (const listener of listeners) if (await follow(deps, listener)) moved = true
    if (await followCommissions(deps)) moved = true
    await wakeEndpoints(deps)
    const runs = await listPendingRuns(db, runsAtOnce)
    const commissions = await listPendingSources(db, runsAtOnce)
    if (runs.length > 0 || commissions.length > 0) return { idle: false, runs, commissions }
    if (listeners.length === 0 && !(await isNeeded(db))) {
      // Whoever has just started the dispatcher may not have committed yet.
      if (isIdle) return { idle: true, runs: [] }
      isIdle = true
      await deps.clock.sleep(graceMs, signal).catch(() => undefined)
      continue
    }
    isIdle = false
    if (signal.aborted || deps.clock.now().getTime() >= until) return { idle: false, runs: [] }
    if (!moved) await deps.clock.sleep(pauseMs, signal).catch(() => undefined)
  }
}

/** Whether anything else than automations wants to hear of events. */
const isNeeded = async (db: ActivityDeps['database']['db']): Promise<boolean> =>
  (await hasWebhooks(db)) || (await hasEndpoints(db)) || (await feedPlace(db)) !== undefined

/** Reads on for one automation. False when there was nothing, or it has enough to do. */
async function follow(deps: ActivityDeps, listener: Listener): Promise<boolean> {
  const { db } = deps.database
  const { trigger } = listener.definition
  if (trigger.kind !== 'event') return false
  if ((await openCount(db, listener.automationId)) >= mostOpen) return false
  const after = { transactionId: listener.feedTransaction, seq: listener.feedSeq }
  const changes = await listChanges(db, { partnerId: listener.partnerId, after, limit: changesAtOnce })
  const last = changes.at(-1)
  if (!last) return false
  const contexts = await contextsOf(deps, listener, trigger, changes)
  await asTenant(db, listener.partnerId, async (tx) => {
    if (!(await moveListener(tx, listener, last.cursor))) return
    for (const run of runsOf(trigger, contexts))
      await addAutomationRun(tx, deps.vault, listener, {
        automationRunId: newId('automationRun'),
        triggerKind: 'event',
        dedupeKey: run.key,
        context: run.context,
      })
  })
  return true
}

interface Matched {
  readonly key: string
  readonly context: JsonObject
}

/** One run per event, or one for a batch of them. */
function runsOf(trigger: EventTrigger, matched: readonly Matched[]): Matched[] {
  if (trigger.batch === undefined) return [...matched]
  const runs: Matched[] = []
  for (let from = 0; from < matched.length; from += trigger.batch) {
    const some = matched.slice(from, from + trigger.batch)
    const [first] = some
    if (first) runs.push({ key: first.key, context: { events: some.map(({ context }) => context) } })
  }
  return runs
}

async function contextsOf(
  deps: ActivityDeps,
  listener: Listener,
  trigger: EventTrigger,
  changes: readonly Change[],
): Promise<Matched[]> {
  const mayMatch = changes.filter((change) => isMeant(listener, trigger, change))
  const first = await firstLoads(
    deps.database.db,
    mayMatch.flatMap(({ runId, resource, effect }) =>
      runId === null || effect !== 'created' ? [] : [{ runId, resource }],
    ),
  )
  const matched: Matched[] = []
  for (const change of mayMatch) {
    // What a first load brings was there before: it has not just happened.
    if (change.effect === 'created' && first.has(`${change.runId}/${change.resource}`)) continue
    const context = await contextOf(deps, change)
    if (!context || !holds(listener.definition.condition, context)) continue
    matched.push({ key: `change:${change.cursor.transactionId}:${change.cursor.seq}`, context })
  }
  return matched
}

function isMeant(listener: Listener, trigger: EventTrigger, change: Change): boolean {
  const { effects = ['created', 'updated'], connection } = trigger
  if (change.model !== trigger.model || !effects.includes(change.effect)) return false
  if (change.accountId !== listener.accountId) return false
  if (change.origin !== null && trigger.includeOwn !== true) return false
  return connection === undefined || listener.definition.connections[connection] === change.connectionId
}

/** The event with the object as it was then, and as it was before. */
async function contextOf(deps: ActivityDeps, change: Change): Promise<JsonObject | undefined> {
  const { db } = deps.database
  const { connectionId, resource: name, externalId, version } = change
  const record = await getRecord(db, { connectionId, resource: name, externalId })
  if (!record) return undefined
  const key = { connectionId, resource: name, externalId, before: version + 1, limit: 2 }
  const versions = await listRecordVersions(db, key)
  const then = record.version === version ? undefined : versions.find((one) => one.version === version)
  const before = versions.find((one) => one.version === version - 1)
  const mapped = await mapper(deps, change)
  const event: JsonObject = {
    id: `${change.cursor.transactionId}-${change.cursor.seq}`,
    name: `${change.model}.${change.effect}`,
    effect: change.effect,
    model: change.model,
    resource: name,
    connectionId,
    externalId,
    version,
    at: change.createdAt.toISOString(),
  }
  return {
    event,
    record: then ? mapped(then.raw) : record.mapped,
    previous: before && !before.wasDeleted ? mapped(before.raw) : null,
  }
}

async function mapper(deps: ActivityDeps, { connectionId, resource: name }: Change) {
  const connection = await getConnection(deps.database.db, connectionId)
  const resource =
    connection && deps.findProvider(connection.provider)?.resources.find((one) => one.name === name)
  if (!resource) return (raw: JsonObject): JsonObject => raw
  const { mapping } = await mappingInForce(deps.database.db, connectionId, resource)
  return (raw: JsonObject): JsonObject =>
    JSON.parse(JSON.stringify(applyMapping(mapping, raw).mapped)) as JsonObject
}
