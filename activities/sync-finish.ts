/** Finishing a resource: deletions that a completed scan shows, the comparison with the provider, the cursor of a forced run. */
import { Context } from '@temporalio/activity'
import { asTenant } from '../db/client.ts'
import { saveCursor } from '../db/cursors.ts'
import { countLiving, endRunResource } from '../db/run-resources.ts'
import { getRunResource, type RunResource } from '../db/runs.ts'
import { listUnseen, sampleRecords } from '../db/scan.ts'
import type { FailureNote } from '../model/failures.ts'
import { accuracyPercent, type Comparison } from '../model/proof.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import type { Row } from '../providers/contract.ts'
import type { ActivityDeps } from './deps.ts'
import { fingerprintOf } from './prepare-page.ts'
import {
  keepTraces,
  openReading,
  preparedPage,
  progressOf,
  scopeOf,
  storePage,
  waitOf,
  type Reading,
  type SliceProgress,
} from './reading.ts'

export interface FinishInput {
  readonly runId: string
  readonly resource: string
}

export interface FinishResult {
  readonly state: 'done' | 'wait'
  readonly until?: string
  readonly reason?: string
  readonly progress: SliceProgress
}

/** Ids that a provider is asked for in one call. */
const batch = 100

/** Finishes a resource whose pages have all been read. A repetition goes on where the last attempt came to. */
export async function finishResource(deps: ActivityDeps, input: FinishInput): Promise<FinishResult> {
  const { cancellationSignal: signal } = Context.current()
  const beat = setInterval(() => Context.current().heartbeat(), 2_000)
  try {
    const reading = await openReading(deps, input, signal)
    try {
      await applyUnseen(reading, signal)
      const verification = reading.run.dryRun ? null : await compare(reading)
      await close(reading, verification)
      return { state: 'done', progress: progressOf(await load(reading)) }
    } catch (error) {
      const wait = waitOf(error)
      if (!wait) throw error
      return { ...wait, progress: progressOf(await load(reading)) }
    } finally {
      await keepTraces(reading, input)
    }
  } finally {
    clearInterval(beat)
  }
}

async function load(reading: Reading): Promise<RunResource> {
  const state = await getRunResource(reading.deps.database.db, reading.run.runId, reading.resource.name)
  if (!state) throw new HubError('Superseded', 'The run is gone')
  return state
}

/**
 * Objects that a full scan should have met and did not. A scan can miss a living object (one that changed while it was
 * read may be held back by the provider), so each is asked for by id where the provider can; only what is gone there too
 * is deleted. They become pages of the run like any other.
 */
async function applyUnseen(reading: Reading, signal: AbortSignal): Promise<void> {
  const { deps, run, resource, session } = reading
  const first = await load(reading)
  const confirmable = resource.getMany !== undefined
  if (!first.fullScan || !first.trackSeen || first.endedAt || resource.deletions === 'none') return
  if (resource.deletions === 'tombstone' && !confirmable) return
  const position = first.position ?? {}
  const scope = { runId: run.runId, resource: resource.name, connectionId: run.connectionId }
  const startedAt = first.startedAt ?? run.startedAt
  let after = ''
  while (!signal.aborted) {
    const ids = await listUnseen(deps.database.db, { ...scope, startedAt, after, limit: batch })
    const last = ids.at(-1)
    if (last === undefined) return
    after = last
    const answer = (await resource.getMany?.(session.context, ids)) ?? { rows: [], readAt: deps.clock.now() }
    const found = new Set(answer.rows.map((row) => resource.externalId(row)))
    const deletedIds = ids.filter((id) => !found.has(id))
    const state = await load(reading)
    const page = { rows: answer.rows, deletedIds, next: position, done: true, readAt: answer.readAt }
    await storePage(reading, scopeOf(reading, state), preparedPage(reading, state.pages, position, page))
  }
  throw signal.reason
}

/**
 * Compares the store with the provider: its own count, and a sample read again by id. What cannot be asked is null or
 * zero; what changed at the provider since it was read counts neither for nor against.
 */
async function compare(reading: Reading): Promise<Comparison | null> {
  const { deps, run, resource, session } = reading
  const { db } = deps.database
  const stored = await countLiving(db, run.connectionId, resource.name)
  const expected = (await load(reading)).expected
  const getMany = resource.getMany?.bind(resource)
  const sample = getMany
    ? await sampleRecords(db, {
        connectionId: run.connectionId,
        resource: resource.name,
        pivot: pivot(),
        limit: batch,
      })
    : []
  const result: Comparison = {
    checked: 0,
    matching: 0,
    changedSince: 0,
    stored,
    providerCount: expected,
    accuracyPercent: 100,
  }
  if (!getMany || sample.length === 0) return result
  let again: ReadonlyMap<string, Row>
  try {
    const answer = await getMany(
      session.context,
      sample.map((one) => one.externalId),
    )
    again = new Map(answer.rows.map((row) => [resource.externalId(row), row]))
  } catch (error) {
    // A connection that may read lists but not single objects still has its counts and hashes.
    if (isHubError(error) && ['Forbidden', 'NotFound', 'Invalid'].includes(error.code)) return result
    throw error
  }
  for (const one of sample) {
    const row = again.get(one.externalId)
    result.checked++
    if (row && fingerprintOf(row, resource.volatile) === one.fingerprint) result.matching++
    else if (!row || hasMoved(resource.updatedAt(row), one.sourceUpdatedAt)) result.changedSince++
  }
  result.accuracyPercent = accuracyPercent(result.matching, result.checked - result.changedSince)
  return result
}

const hasMoved = (now: string | undefined, then: Date | null): boolean =>
  now !== undefined && then !== null && Date.parse(now) > then.getTime()

/** A random place in the order of ids, most of which begin with a digit. */
const pivot = () =>
  String(Math.floor(Math.random() * 1e9)).padStart(9, String(1 + Math.floor(Math.random() * 9)))

async function close(reading: Reading, verification: Comparison | null): Promise<void> {
  const { deps, run, resource } = reading
  const key = { runId: run.runId, resource: resource.name }
  const state = await load(reading)
  await asTenant(deps.database.db, run.partnerId, async (tx) => {
    const closed = await endRunResource(tx, key, { state: 'succeeded', verification })
    const restarts = run.mode === 'force' && !run.dryRun && resource.incremental
    if (closed && restarts && state.position) {
      const { connectionId, partnerId } = run
      await saveCursor(tx, {
        connectionId,
        partnerId,
        resource: resource.name,
        position: state.position,
        runId: run.runId,
      })
    }
  })
}

/** Closes a resource that could not be read to its end. Its pages stay; the next run goes on from the cursor. */
export async function failResource(
  deps: ActivityDeps,
  input: {
    readonly runId: string
    readonly partnerId: string
    readonly resource: string
    readonly failure: FailureNote
  },
): Promise<void> {
  await asTenant(deps.database.db, input.partnerId, async (tx) => {
    await endRunResource(tx, input, { state: 'failed', failure: input.failure })
  })
}
