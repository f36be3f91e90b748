/** What waits and what has failed, for the gauges: each count runs over a partial index. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface InboxBacklog {
  readonly provider: string
  readonly state: 'waiting' | 'dead' | 'unmatched'
  readonly events: number
}

export async function inboxBacklog(db: Db): Promise<InboxBacklog[]> {
  const found = await sql<InboxBacklog>`
    select provider, state, count(*)::int as events from inbox_events where state = 'waiting' group by 1, 2
    union all select provider, state, count(*)::int from inbox_events where state = 'dead' group by 1, 2
    union all select provider, state, count(*)::int from inbox_events where state = 'unmatched' group by 1, 2
  `.execute(db)
  return found.rows
}

/** Deliveries on their way to endpoints. */
export async function deliveryBacklog(db: Db): Promise<number> {
  const found = await sql<{
    n: number
  }>`select count(*)::int as n from deliveries where state = 'waiting'`.execute(db)
  return found.rows[0]?.n ?? 0
}
