/** A transaction anywhere in the server holds the change feed back, those of other test files too. */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Db } from '../../db/client.ts'

/** Waits until readers of the feed, and of the hub's own events in it, see everything that is committed in this database. */
export async function feedInReach(db: Db): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await delay(20)) {
    const held = await sql`
      (select from changes where transaction_id >= pg_snapshot_xmin(pg_current_snapshot()) limit 1)
      union all (select from hub_events where transaction_id >= pg_snapshot_xmin(pg_current_snapshot()) limit 1)
    `.execute(db)
    if (held.rows.length === 0) return
  }
  throw new Error('the feed is held back')
}
