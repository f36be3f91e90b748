/** A resource of a run that is being read: what slices, the start and the finish of it have in common. */
import { planPage } from '../db/dry-run.ts'
import { commitPage, type PageScope, type PreparedPage } from '../db/pages.ts'
import { addRunCalls } from '../db/run-resources.ts'
import { getRun, type Run, type RunResource } from '../db/runs.ts'
import type { JsonObject } from '../model/json.ts'
import type { FieldMapping } from '../model/mapping.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import type { Page, Priority, Resource } from '../providers/contract.ts'
import type { CallTrace } from '../providers/http/session.ts'
import type { ActivityDeps } from './deps.ts'
import { mappingInForce } from './mapping-in-force.ts'
import { preparePage, type PreparedRows } from './prepare-page.ts'
import { openSession, type OpenedSession } from './session.ts'

/** A resource that is being read: what every step of a slice needs. */
export interface Reading {
  readonly deps: ActivityDeps
  readonly run: Run
  readonly resource: Resource
  readonly mapping: FieldMapping
  /** 0: the provider's default. */
  readonly mappingVersion: number
  readonly session: OpenedSession
  /** Calls made since they were last written down. */
  readonly traces: CallTrace[]
}

/** Totals of the resource in this run so far. */
export interface SliceProgress {
  readonly pages: number
  readonly scanned: number
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  readonly deleted: number
  readonly stale: number
  readonly quarantined: number
  readonly retried: number
  readonly expected: number | null
}

/** Loads the run and opens the connection for one of its resources. */
export async function openReading(
  deps: ActivityDeps,
  key: { readonly runId: string; readonly resource: string },
  signal: AbortSignal,
): Promise<Reading> {
  const { db } = deps.database
  const run = await getRun(db, key.runId)
  if (!run || run.endedAt) throw new HubError('Superseded', 'The run has ended')
  const traces: CallTrace[] = []
  const priority: Priority = run.mode === 'incremental' ? 'incremental' : 'backfill'
  const session = await openSession(deps, run.connectionId, {
    priority,
    signal,
    onCall: (trace) => traces.push(trace),
  })
  const resource = session.provider.resources.find((one) => one.name === key.resource)
  if (!resource)
    throw new HubError('InvalidInput', `${session.provider.name} has no resource "${key.resource}".`)
  const { mapping, mappingVersion } = await mappingInForce(db, run.connectionId, resource)
  return { deps, run, resource, mapping, mappingVersion, session, traces }
}

/** The scope that a page of this reading commits in. */
export function scopeOf(reading: Reading, state: RunResource): PageScope {
  const { run, resource } = reading
  return {
    runId: run.runId,
    resource: resource.name,
    model: resource.model,
    partnerId: run.partnerId,
    accountId: run.accountId,
    connectionId: run.connectionId,
    dryRun: run.dryRun,
    force: run.mode === 'force',
    trackSeen: state.trackSeen,
    moveCursor: run.mode !== 'force',
    volatile: resource.volatile,
    mappingVersion: reading.mappingVersion,
  }
}

/** Commits a page (or plans it, in a dry run) and counts it. @returns how many changes that brought into the store. */
export async function storePage(reading: Reading, scope: PageScope, page: PreparedPage): Promise<number> {
  const { deps, session } = reading
  const store = scope.dryRun ? planPage : commitPage
  const effects = await store(deps.database.db, scope, page)
  for (const [effect, count] of Object.entries(effects)) {
    if (typeof count === 'number' && count > 0)
      deps.metrics.records.inc({ provider: session.provider.slug, effect }, count)
  }
  if (scope.dryRun) return 0
  return effects.created + effects.updated + effects.deleted + effects.restored
}

/** A page as the store takes it. `retried` and `calls`: what was spent on the provider since the last page. */
export function preparedPage(
  reading: Reading,
  page: number,
  positionIn: JsonObject,
  answer: Pick<Page, 'rows' | 'deletedIds' | 'next' | 'done' | 'readAt'>,
  rows: PreparedRows = preparePage(reading.resource, reading.mapping, answer),
): PreparedPage {
  const fresh = reading.traces.filter((trace) => !counted.has(trace))
  for (const trace of fresh) counted.add(trace)
  return {
    ...rows,
    page,
    positionIn,
    positionOut: answer.next,
    readAt: answer.readAt,
    done: answer.done,
    calls: fresh.length,
    retried: fresh.filter((trace) => trace.attempt > 1).length,
  }
}

const counted = new WeakSet<CallTrace>()

/** A failure that is only a matter of time. */
export function waitOf(error: unknown): { state: 'wait'; until: string; reason: string } | undefined {
  if (!isHubError(error) || error.retryAt === undefined) return undefined
  if (error.code !== 'RateLimited' && error.code !== 'QuotaExhausted' && error.code !== 'Unavailable')
    return undefined
  return { state: 'wait', until: error.retryAt.toISOString(), reason: error.code }
}

/** Failures all, successes the newest few: enough to see what happened, bounded however long the slice. */
export async function keepTraces(
  reading: Reading,
  key: { readonly runId: string; readonly resource: string },
): Promise<void> {
  const failed = reading.traces.filter((trace) => trace.outcome !== 'ok').slice(-200)
  const rest = reading.traces.filter((trace) => trace.outcome === 'ok').slice(-20)
  const calls = [...failed, ...rest].sort((a, b) => a.at.getTime() - b.at.getTime())
  await addRunCalls(reading.deps.database.db, { ...key, partnerId: reading.run.partnerId }, calls)
}

export function progressOf(state: RunResource): SliceProgress {
  const { pages, scanned, created, updated, unchanged, deleted, stale, quarantined, retried, expected } =
    state
  return { pages, scanned, created, updated, unchanged, deleted, stale, quarantined, retried, expected }
}
