/**
 * A slice of a resource: pages for about half a minute, each committed with its cursor, so that pause, cancel and a killed
 * worker cost a page at the most. The next page is asked for while the last one is written.
 */
import { Context } from '@temporalio/activity'
import { addRetried } from '../db/run-resources.ts'
import { getRunResource } from '../db/runs.ts'
import type { JsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import type { Page } from '../providers/contract.ts'
import type { ActivityDeps } from './deps.ts'
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
import { preparePage, type PreparedRows } from './prepare-page.ts'
import { holdForQuota, openRecordsLeft, releaseFromQuota } from './records-quota.ts'
import { startResource } from './sync-start.ts'

export interface SliceInput {
  readonly runId: string
  readonly resource: string
  /** Null: as fast as the provider's limits allow. */
  readonly pagesPerMinute: number | null
}

export interface SliceResult {
  /** `wait`: nothing can be read before `until`. */
  readonly state: 'more' | 'done' | 'wait'
  readonly until?: string
  readonly reason?: string
  readonly progress: SliceProgress
}

const sliceMs = 30_000
const pagesPerSlice = 500
/** Longer waits are the workflow's: a durable timer instead of a worker's slot. */
const shortWaitMs = 3_000

/** Reads a slice. Throws `HubError`; what was committed before stays. */
export async function syncSlice(deps: ActivityDeps, input: SliceInput): Promise<SliceResult> {
  const { cancellationSignal: signal, info } = Context.current()
  const beat = setInterval(() => Context.current().heartbeat(), 2_000)
  deps.metrics.runsOpen.inc()
  try {
    const reading = await openReading(deps, input, signal)
    try {
      if (info.attempt > 1) await addRetried(deps.database.db, input, 1)
      return await readPages(reading, input, signal)
    } finally {
      await keepTraces(reading, input)
    }
  } finally {
    deps.metrics.runsOpen.dec()
    clearInterval(beat)
  }
}

async function readPages(reading: Reading, input: SliceInput, signal: AbortSignal): Promise<SliceResult> {
  const { clock, database } = reading.deps
  const left = await openRecordsLeft(reading.deps, reading.run)
  if (left.isUsedUp()) return await held(reading, input)
  await releaseFromQuota(reading.deps, reading.run)
  let state = await startResource(reading)
  const scope = scopeOf(reading, state)
  const until = clock.now().getTime() + sliceMs
  let position = state.position ?? {}
  let page = state.pages
  let ahead: Promise<Ready> | undefined
  let outcome: Omit<SliceResult, 'progress'> = { state: 'more' }
  for (let read = 0; read < pagesPerSlice && clock.now().getTime() < until && !signal.aborted; read++) {
    const startedAt = clock.now().getTime()
    let ready: Ready
    try {
      ready = await (ahead ?? readPage(reading, position))
    } catch (error) {
      if (signal.aborted) break
      const wait = waitOf(error)
      if (!wait) throw error
      await addRetried(database.db, input, 1)
      outcome = wait
      break
    }
    const { answer, rows } = ready
    ahead = answer.done || input.pagesPerMinute !== null ? undefined : readAhead(reading, answer.next)
    left.spend(await storePage(reading, scope, preparedPage(reading, page, position, answer, rows)))
    position = answer.next
    page++
    if (answer.done) {
      outcome = { state: 'done' }
      break
    }
    if (left.isUsedUp()) return await held(reading, input)
    const pause = pauseFor(input, startedAt, clock.now().getTime())
    if (pause > shortWaitMs) {
      outcome = {
        state: 'wait',
        until: new Date(clock.now().getTime() + pause).toISOString(),
        reason: 'speed',
      }
      break
    }
    if (pause > 0) await clock.sleep(pause, signal).catch(() => undefined)
  }
  state = (await getRunResource(database.db, input.runId, input.resource)) ?? state
  return { ...outcome, progress: progressOf(state) }
}

/** Reads no further while the partner's month of records is used up. */
async function held({ deps, run }: Reading, input: SliceInput): Promise<SliceResult> {
  const wait = await holdForQuota(deps, run)
  const state = await getRunResource(deps.database.db, input.runId, input.resource)
  if (!state) throw new HubError('Superseded', 'The run is gone')
  return { ...wait, progress: progressOf(state) }
}

/** A page that has been read and made ready for the store. */
interface Ready {
  readonly answer: Page
  readonly rows: PreparedRows
}

async function readPage({ resource, mapping, session }: Reading, position: JsonObject): Promise<Ready> {
  const answer = await resource.readPage(session.context, position)
  return { answer, rows: preparePage(resource, mapping, answer) }
}

/**
 * Reads the next page and makes it ready while the database works on the last one. Whoever awaits it meets its error;
 * until then it must not count as unhandled.
 */
function readAhead(reading: Reading, position: JsonObject): Promise<Ready> {
  const page = readPage(reading, position)
  page.catch(() => undefined)
  return page
}

function pauseFor(input: SliceInput, startedAt: number, now: number): number {
  return input.pagesPerMinute === null ? 0 : Math.max(0, 60_000 / input.pagesPerMinute - (now - startedAt))
}
