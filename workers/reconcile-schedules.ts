/**
 * Brings the schedules in Temporal in line with the connections in the database, which are the truth. A worker does it at
 * start: it mends what a crash between the two has left behind. Repeatable, and safe from several workers at once.
 */
import { getConnection, listConnections, receivesOnly } from '../db/connections.ts'
import type { Db } from '../db/client.ts'
import {
  isPausedIn,
  type HubClient,
  type KnownSchedule,
  type ScheduledConnection,
} from '../workflows/client.ts'

const batch = 500
/** Calls to Temporal at once. */
const parallel = 8

export interface Reconciled {
  readonly connections: number
  readonly changed: number
  readonly deleted: number
}

type Schedules = Pick<
  HubClient,
  'listSyncSchedules' | 'ensureSyncSchedule' | 'deleteSyncSchedule' | 'isOurSyncSchedule'
>

/** The list of schedules may lag: what it says only saves calls, each change is made by create-or-update or checked again. */
export async function reconcileSchedules(db: Db, client: Schedules): Promise<Reconciled> {
  const known = new Map((await client.listSyncSchedules()).map((one) => [one.connectionId, one]))
  let connections = 0
  let changed = 0
  let after: string | undefined
  for (;;) {
    const page = await listConnections(db, { after, limit: batch })
    connections += page.length
    const stale = page.filter(
      (connection) =>
        connection.auth !== receivesOnly && !isInLine(connection, known.get(connection.connectionId)),
    )
    for (const connection of page) known.delete(connection.connectionId)
    await inParallel(stale, (connection) => client.ensureSyncSchedule(connection))
    changed += stale.length
    after = page.at(-1)?.connectionId
    if (after === undefined || page.length < batch) break
  }
  return { connections, changed, deleted: await deleteOrphans(db, client, [...known.keys()]) }
}

function isInLine(connection: ScheduledConnection, schedule: KnownSchedule | undefined): boolean {
  if (!schedule) return false
  return (
    schedule.everyMs === connection.syncIntervalSeconds * 1000 &&
    schedule.isPaused === isPausedIn(connection.state)
  )
}

/** Schedules without a living connection. Those of other hubs in the namespace are not ours to delete. */
async function deleteOrphans(db: Db, client: Schedules, connectionIds: readonly string[]): Promise<number> {
  let deleted = 0
  await inParallel(connectionIds, async (connectionId) => {
    const connection = await getConnection(db, connectionId)
    if (connection && connection.state !== 'deleted') return
    if (!(await client.isOurSyncSchedule(connectionId))) return
    await client.deleteSyncSchedule(connectionId)
    deleted++
  })
  return deleted
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (;;) {
      const item = items[next++]
      if (item === undefined) return
      await work(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, lane))
}
