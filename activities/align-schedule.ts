/** Keeps a connection's schedule in line with its state, from inside an activity. */
import { asyncLocalStorage } from '@temporalio/activity'
import { getConnection } from '../db/connections.ts'
import type { ActivityDeps } from './deps.ts'

/**
 * Pauses the schedule of a connection that needs attention, and lets that of a mended one run again. Where it cannot be done
 * now, nothing is lost: a tick looks at the state itself, and each start of a worker brings all schedules in line.
 */
export async function alignSchedule(deps: ActivityDeps, connectionId: string): Promise<void> {
  const activity = asyncLocalStorage.getStore()
  if (!activity) return
  try {
    const connection = await getConnection(deps.database.db, connectionId)
    if (connection && connection.state !== 'deleted')
      await deps.ensureSyncSchedule(activity.client, connection)
  } catch (err) {
    deps.log.warn({ err, connectionId }, 'the schedule could not be brought in line with its connection')
  }
}
