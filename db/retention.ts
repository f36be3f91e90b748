/**
 * Takes away what is older than its period, a batch at a time, each in a transaction of its own: whoever is stopped in between has lost
 * nothing and goes on where it was. `removed` tells rows; 0 of a step means that it is done.
 */
import { sql, type RawBuilder } from 'kysely'
import { inTransaction, type Db } from './client.ts'

const one = (found: { readonly rows: readonly { readonly n: number }[] }): number => found.rows[0]?.n ?? 0

const counted = async (db: Db, deletion: RawBuilder<unknown>): Promise<number> =>
  one(
    await sql<{
      n: number
    }>`with gone as (${deletion} returning 1) select count(*)::int as n from gone`.execute(db),
  )

/** Hours before `before` (a day's beginning) become days. Added to what the day has: repeatable batch by batch. */
export async function rollUpCalls(db: Db, before: Date, limit: number): Promise<number> {
  const found = await sql<{ n: number }>`
    with old as (
      delete from call_stats where (hour, connection_id, call_group) in (
        select hour, connection_id, call_group from call_stats where hour < date_trunc('day', ${before}::timestamptz at time zone 'UTC') at time zone 'UTC'
        order by hour, connection_id, call_group limit ${limit} for update skip locked)
      returning *
    ), added as (
      insert into call_stats_daily as d (day, connection_id, call_group, partner_id, provider, calls, failed, retries, bytes, wait_ms, errors, latency)
      select (hour at time zone 'UTC')::date, connection_id, call_group, min(partner_id), min(provider), sum(calls), sum(failed), sum(retries),
        sum(bytes), sum(wait_ms), sum_counts(errors), sum_lists(latency)
      from old group by 1, 2, 3 order by 1, 2, 3
      on conflict (day, connection_id, call_group) do update set calls = d.calls + excluded.calls, failed = d.failed + excluded.failed,
        retries = d.retries + excluded.retries, bytes = d.bytes + excluded.bytes, wait_ms = d.wait_ms + excluded.wait_ms,
        errors = add_counts(d.errors, excluded.errors), latency = add_lists(d.latency, excluded.latency)
    )
    select count(*)::int as n from old
  `.execute(db)
  return one(found)
}

export const removeCallDays = (db: Db, before: Date, limit: number): Promise<number> =>
  counted(
    db,
    sql`delete from call_stats_daily where (day, connection_id, call_group) in (
      select day, connection_id, call_group from call_stats_daily where day < (${before}::timestamptz at time zone 'UTC')::date order by day limit ${limit})`,
  )

/**
 * Requests whose events have all come to rest, with those events. What they were is added to `inbox_removed`, so that the equation of the
 * inbox still holds. An event that is made to wait again meanwhile keeps its request.
 */
export async function removeInbox(
  db: Db,
  cutoffs: { readonly settled: Date; readonly dead: Date },
  limit: number,
): Promise<number> {
  const stays = sql`(e.state = 'waiting' or (e.state in ('dead', 'unmatched') and e.received_at >= ${cutoffs.dead}::timestamptz))`
  return await inTransaction(db, async (tx) => {
    const found = await sql<{ requestId: string }>`
      select request_id from inbox_requests r where received_at < ${cutoffs.settled}::timestamptz
        and not exists (select 1 from inbox_events e where e.request_id = r.request_id and ${stays})
      order by received_at limit ${limit} for update skip locked
    `.execute(tx)
    const ids = found.rows.map(({ requestId }) => requestId)
    if (ids.length === 0) return 0
    await sql`select 1 from inbox_events where request_id = any (${ids}::text[]) order by event_id for update`.execute(
      tx,
    )
    const removed = await sql<{ n: number }>`
      with chosen as materialized (
        select request_id from inbox_requests r where request_id = any (${ids}::text[])
          and not exists (select 1 from inbox_events e where e.request_id = r.request_id and ${stays})
      ), events as (
        delete from inbox_events where request_id in (select request_id from chosen) returning provider, connection_id, partner_id, state
      ), requests as (
        delete from inbox_requests where request_id in (select request_id from chosen) returning provider, connection_id, partner_id, events, accepted
      ), sums as (
        select provider, coalesce(connection_id, '') as connection_id, min(partner_id) as partner_id, sum(events) as received, sum(events - accepted) as duplicates,
          0 as processed, 0 as dead, 0 as unmatched from requests group by 1, 2
        union all
        select provider, coalesce(connection_id, ''), min(partner_id), 0, 0, count(*) filter (where state = 'processed'), count(*) filter (where state = 'dead'),
          count(*) filter (where state = 'unmatched') from events group by 1, 2
      ), noted as (
        insert into inbox_removed as i (provider, connection_id, partner_id, received, duplicates, processed, dead, unmatched)
        select provider, connection_id, case when connection_id <> '' then min(partner_id) end, sum(received), sum(duplicates), sum(processed), sum(dead), sum(unmatched) from sums group by 1, 2 order by 1, 2
        on conflict (provider, connection_id) do update set received = i.received + excluded.received,
          duplicates = i.duplicates + excluded.duplicates, processed = i.processed + excluded.processed, dead = i.dead + excluded.dead,
          unmatched = i.unmatched + excluded.unmatched
      )
      select ((select count(*) from requests) + (select count(*) from events))::int as n
    `.execute(tx)
    return one(removed)
  })
}

/** Attempts go with their delivery. */
export const removeDeliveries = (db: Db, before: Date, limit: number): Promise<number> =>
  counted(
    db,
    sql`delete from deliveries where delivery_id in (
      select delivery_id from deliveries where ended_at < ${before}::timestamptz and state <> 'waiting' order by ended_at limit ${limit}
      for update skip locked)`,
  )

/** Trails of runs that ended, a run at a time: the runs themselves stay. */
export const removeRunCalls = (db: Db, before: Date, limit: number): Promise<number> =>
  counted(
    db,
    sql`delete from run_calls where (run_id, seq) in (
      select c.run_id, c.seq from runs r join run_calls c using (run_id) where r.ended_at < ${before}::timestamptz order by r.ended_at limit ${limit})`,
  )

/** Runs with what hangs on them. A connection's last one stays, and one that a cursor was left by. */
export const removeRuns = (db: Db, before: Date, limit: number): Promise<number> =>
  counted(
    db,
    sql`delete from runs where run_id in (
      select r.run_id from runs r where r.ended_at < ${before}::timestamptz
        and not exists (select 1 from connections c where c.connection_id = r.connection_id and c.last_run_id = r.run_id)
        and not exists (select 1 from cursors c where c.connection_id = r.connection_id and c.run_id = r.run_id)
      order by r.ended_at limit ${limit} for update skip locked)`,
  )

export const removeConnectSessions = (db: Db, before: Date, limit: number): Promise<number> =>
  counted(
    db,
    sql`delete from connect_sessions where session_id in (
      select session_id from connect_sessions where expires_at < ${before}::timestamptz and state not in ('waiting_for_consent', 'testing')
      order by expires_at limit ${limit} for update skip locked)`,
  )

export const removeReviews = (db: Db, before: Date, limit: number): Promise<number> =>
  counted(
    db,
    sql`delete from reviews where review_id in (select review_id from reviews where made_at < ${before}::timestamptz limit ${limit})`,
  )

/** What deleted connections have left, connection by connection; their rows stay, for the history that names them. */
const leftovers = [
  'records',
  'record_versions',
  'record_counts',
  'quarantine',
  'cursors',
  'connection_health',
] as const

export async function removeDeletedData(db: Db, before: Date, limit: number): Promise<number> {
  const found = await sql<{ connectionId: string }>`
    select connection_id from connections c where state = 'deleted' and updated_at < ${before}::timestamptz and (
      ${sql.join(
        leftovers.map(
          (table) =>
            sql`exists (select 1 from ${sql.table(table)} t where t.connection_id = c.connection_id)`,
        ),
        sql` or `,
      )})
    order by updated_at limit 1
  `.execute(db)
  const connectionId = found.rows[0]?.connectionId
  if (connectionId === undefined) return 0
  let removed = 0
  for (const table of leftovers) {
    removed += await counted(
      db,
      sql`delete from ${sql.table(table)} where (tableoid, ctid) in (
        select tableoid, ctid from ${sql.table(table)} where connection_id = ${connectionId} limit ${limit})`,
    )
  }
  return removed
}
