/** Starting a resource in a run: where to begin, whether everything is read, and a second look at its quarantine. */
import { asTenant } from '../db/client.ts'
import { listCursors } from '../db/cursors.ts'
import { listQuarantine, type QuarantineEntry } from '../db/quarantine.ts'
import { hasRecords, setExpected, startRunResource } from '../db/run-resources.ts'
import { getRunResource, type RunResource } from '../db/runs.ts'
import type { JsonObject } from '../model/json.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import type { Page } from '../providers/contract.ts'
import { preparePage } from './prepare-page.ts'
import { preparedPage, scopeOf, storePage, type Reading } from './reading.ts'

/**
 * The resource's row, started. A repeated slice finds it started and goes on from its position. An incremental run begins
 * at the cursor; without one, or in another mode, or where the provider cannot tell what changed (since then), everything is
 * read.
 */
export async function startResource(reading: Reading): Promise<RunResource> {
  const { deps, run, resource, session } = reading
  const { db } = deps.database
  const key = { runId: run.runId, resource: resource.name }
  const before = await load(reading)
  if (before.state !== 'waiting') return before
  const stored =
    run.mode === 'incremental' && resource.incremental
      ? (await listCursors(db, run.connectionId)).find((one) => one.resource === resource.name)
      : undefined
  const isOutdated = stored !== undefined && resource.canResume?.(stored.position, deps.clock.now()) === false
  const cursor = isOutdated ? undefined : stored
  const fullScan = cursor === undefined
  const position =
    cursor?.position ?? resource.start({ settings: session.connection.settings, now: () => deps.clock.now() })
  const mayMiss =
    fullScan && resource.deletions !== 'none' && (await hasRecords(db, run.connectionId, resource.name))
  if (fullScan) await noteExpected(reading)
  await asTenant(db, run.partnerId, async (tx) => {
    await startRunResource(tx, key, { position, fullScan, trackSeen: mayMiss || run.dryRun })
  })
  await lookAgain(reading, position)
  return await load(reading)
}

async function load(reading: Reading): Promise<RunResource> {
  const state = await getRunResource(reading.deps.database.db, reading.run.runId, reading.resource.name)
  if (!state || state.endedAt) throw new HubError('Superseded', 'The resource of this run has been closed')
  return state
}

/** The provider's own count, for the progress display. It is worth one call, not a failure. */
async function noteExpected(reading: Reading): Promise<void> {
  const { resource, session, run, deps } = reading
  try {
    const expected = await resource.count?.(session.context)
    if (expected !== undefined)
      await setExpected(deps.database.db, { runId: run.runId, resource: resource.name }, expected)
  } catch (error) {
    if (!isHubError(error)) throw error
    deps.log.debug(
      { code: error.code, runId: run.runId, resource: resource.name },
      'the provider gave no count',
    )
  }
}

/**
 * Rows in quarantine are looked at again: read anew by id where the provider can, else as they were kept. What fits now
 * (its repair may have been at the provider, or in the hub's schema) enters the store; what is gone leaves the quarantine.
 */
async function lookAgain(reading: Reading, position: JsonObject): Promise<void> {
  const { deps, run, resource } = reading
  let after: { resource: string; externalId: string } | undefined
  for (let looked = 0; looked < mostLookedAt; looked += batch) {
    const entries = await listQuarantine(deps.database.db, {
      connectionId: run.connectionId,
      resource: resource.name,
      after,
      limit: batch,
    })
    const last = entries.at(-1)
    if (!last) return
    after = { resource: last.resource, externalId: last.externalId }
    const page = resource.getMany ? await readAnew(reading, entries) : fitting(reading, entries)
    if (!page) continue
    const state = await load(reading)
    await storePage(
      reading,
      scopeOf(reading, state),
      preparedPage(reading, state.pages, position, { ...page, next: position, done: false }),
    )
  }
}

const batch = 100
/** A quarantine that is larger than this has one cause, and reading it row by row is not its cure. */
const mostLookedAt = 1000

type Looked = Pick<Page, 'rows' | 'deletedIds' | 'readAt'> | undefined

async function readAnew(
  { resource, session }: Reading,
  entries: readonly QuarantineEntry[],
): Promise<Looked> {
  const ids = entries.map((entry) => entry.externalId).filter((id) => !id.startsWith('unreadable:'))
  if (ids.length === 0 || !resource.getMany) return undefined
  const { rows, readAt } = await resource.getMany(session.context, ids)
  const found = new Set(rows.map((row) => resource.externalId(row)))
  return { rows, deletedIds: ids.filter((id) => !found.has(id)), readAt }
}

/** Kept rows that fit by now, with the time at which they were read, so that they overwrite nothing newer. */
function fitting({ resource, mapping }: Reading, entries: readonly QuarantineEntry[]): Looked {
  const fit = entries.filter(
    (entry) => preparePage(resource, mapping, { rows: [entry.raw] }).quarantined.length === 0,
  )
  if (fit.length === 0) return undefined
  return {
    rows: fit.map((entry) => entry.raw),
    readAt: new Date(Math.min(...fit.map((entry) => entry.readAt.getTime()))),
  }
}
