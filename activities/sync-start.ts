/** Starting a resource in a run: where to begin, whether everything is read, and a second look at its quarantine. */
import { asTenant } from '../db/client.ts'
import { listCursors } from '../db/cursors.ts'
import { listQuarantine } from '../db/quarantine.ts'
import { hasRecords, setExpected, startRunResource } from '../db/run-resources.ts'
import { getRunResource, type RunResource } from '../db/runs.ts'
import type { JsonObject } from '../model/json.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import { preparePage } from './prepare-page.ts'
import { preparedPage, scopeOf, storePage, type Reading } from './reading.ts'

/**
 * The resource's row, started. A repeated slice finds it started and goes on from its position. An incremental run begins
 * at the cursor; without one, or in another mode, or where the provider cannot tell what changed, everything is read.
 */
export async function startResource(reading: Reading): Promise<RunResource> {
  const { deps, run, resource, session } = reading
  const { db } = deps.database
  const key = { runId: run.runId, resource: resource.name }
  const before = await load(reading)
  if (before.state !== 'waiting') return before
  const cursor =
    run.mode === 'incremental' && resource.incremental
      ? (await listCursors(db, run.connectionId)).find((one) => one.resource === resource.name)
      : undefined
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
 * Rows in quarantine are checked again against today's schema: after a repair they enter the store without being read
 * again. They keep the time at which they were read, so that they never overwrite anything newer.
 */
async function lookAgain(reading: Reading, position: JsonObject): Promise<void> {
  const { deps, run, resource, mapping } = reading
  let after: { resource: string; externalId: string } | undefined
  for (;;) {
    const entries = await listQuarantine(deps.database.db, {
      connectionId: run.connectionId,
      resource: resource.name,
      after,
      limit: 500,
    })
    const last = entries.at(-1)
    if (!last) return
    after = { resource: last.resource, externalId: last.externalId }
    const fitting = entries.filter(
      (entry) => preparePage(resource, mapping, { rows: [entry.raw] }).quarantined.length === 0,
    )
    if (fitting.length === 0) continue
    const readAt = new Date(Math.min(...fitting.map((entry) => entry.readAt.getTime())))
    const state = await load(reading)
    const rows = fitting.map((entry) => entry.raw)
    const page = preparedPage(reading, state.pages, position, { rows, next: position, done: false, readAt })
    await storePage(reading, scopeOf(reading, state), page)
  }
}
