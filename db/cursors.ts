/** Where the next run of a resource begins. Written by the page that it follows (`db/pages.ts`) or at the end of a forced run. */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'

export interface Cursor {
  readonly resource: string
  readonly position: JsonObject
  /** A full read has been completed once. */
  readonly scanComplete: boolean
  readonly runId: string
  readonly updatedAt: Date
}

/** The saved cursors of a connection. */
export async function listCursors(db: Db, connectionId: string): Promise<Cursor[]> {
  const found = await sql<Cursor>`
    select resource, position, scan_complete, run_id, updated_at from cursors where connection_id = ${connectionId} order by resource
  `.execute(db)
  return found.rows
}

/** Sets a cursor to the end of a completed full read. */
export async function saveCursor(
  tx: Db,
  cursor: {
    readonly connectionId: string
    readonly resource: string
    readonly partnerId: string
    readonly position: JsonObject
    readonly runId: string
  },
): Promise<void> {
  await sql`
    insert into cursors (connection_id, resource, partner_id, position, scan_complete, run_id)
    values (${cursor.connectionId}, ${cursor.resource}, ${cursor.partnerId}, ${JSON.stringify(cursor.position)}::jsonb, true, ${cursor.runId})
    on conflict (connection_id, resource) do update set position = excluded.position, scan_complete = true,
      run_id = excluded.run_id, updated_at = now()
  `.execute(tx)
}
