/** The resources of a run: one row each, made when the run opens, moved on by pages, closed one by one. */
import { sql } from 'kysely'
import type { FailureNote } from '../model/failures.ts'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'

/** Makes the rows of a run's resources, in reading order. A repetition changes nothing. */
export async function addRunResources(
  tx: Db,
  run: { readonly runId: string; readonly partnerId: string },
  resources: readonly string[],
): Promise<void> {
  await sql`
    insert into run_resources (run_id, resource, ordinal, partner_id)
    select ${run.runId}, t.resource, t.ordinal, ${run.partnerId}
    from unnest(${[...resources]}::text[]) with ordinality as t (resource, ordinal)
    on conflict (run_id, resource) do nothing
  `.execute(tx)
}

/**
 * Starts a resource: where it begins, whether everything is read, whether seen ids are noted. Only the first call counts,
 * so that a repeated activity goes on where the first one came to.
 */
export async function startRunResource(
  tx: Db,
  key: { readonly runId: string; readonly resource: string },
  start: { readonly position: JsonObject; readonly fullScan: boolean; readonly trackSeen: boolean },
): Promise<void> {
  await sql`
    update run_resources set state = 'running', position = ${JSON.stringify(start.position)}::jsonb, full_scan = ${start.fullScan},
      track_seen = ${start.trackSeen}, started_at = now(),
      first_load = not exists (
        select from cursors c join runs r on r.connection_id = c.connection_id
        where r.run_id = ${key.runId} and c.resource = ${key.resource} and c.scan_complete
      )
    where run_id = ${key.runId} and resource = ${key.resource} and state = 'waiting'
  `.execute(tx)
}

/** Which of these were first loads, as `<runId>/<resource>`. */
export async function firstLoads(
  db: Db,
  keys: readonly { readonly runId: string; readonly resource: string }[],
): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set()
  const found = await sql<{ runId: string; resource: string }>`
    select run_id, resource from run_resources where first_load and (run_id, resource) in (
      select * from unnest(${keys.map(({ runId }) => runId)}::text[], ${keys.map(({ resource }) => resource)}::text[]))
  `.execute(db)
  return new Set(found.rows.map(({ runId, resource }) => `${runId}/${resource}`))
}

/** Whether a run has begun to read the resource and has not ended with it. */
export async function isReading(db: Db, connectionId: string, resource: string): Promise<boolean> {
  const found = await sql<{ found: boolean }>`
    select exists (select 1 from run_resources s join runs r using (run_id)
      where r.connection_id = ${connectionId} and r.ended_at is null and s.resource = ${resource} and s.state = 'running') as found
  `.execute(db)
  return found.rows[0]?.found ?? false
}

/** True when the store holds anything of the resource, living or deleted. */
export async function hasRecords(db: Db, connectionId: string, resource: string): Promise<boolean> {
  const found = await sql<{ some: boolean }>`
    select exists (select from records where connection_id = ${connectionId} and resource = ${resource}) as some
  `.execute(db)
  return found.rows[0]?.some === true
}

/** Living records of a resource, as the transactions that write them have counted. */
export async function countLiving(db: Db, connectionId: string, resource: string): Promise<number> {
  const found = await sql<{ living: number }>`
    select living from record_counts where connection_id = ${connectionId} and resource = ${resource}
  `.execute(db)
  return Number(found.rows[0]?.living ?? 0)
}

/** Counts attempts that had to be repeated and the calls they cost. */
export async function addRetried(
  db: Db,
  key: { readonly runId: string; readonly resource: string },
  retried: number,
): Promise<void> {
  if (retried === 0) return
  await sql`
    update run_resources set retried = retried + ${retried} where run_id = ${key.runId} and resource = ${key.resource}
  `.execute(db)
}

/** Notes the provider's own count of objects. */
export async function setExpected(
  db: Db,
  key: { readonly runId: string; readonly resource: string },
  expected: number,
): Promise<void> {
  await sql`update run_resources set expected = ${expected} where run_id = ${key.runId} and resource = ${key.resource}`.execute(
    db,
  )
}

/** Closes a resource. One that is closed stays as it is. Answers whether this call closed it. */
export async function endRunResource(
  tx: Db,
  key: { readonly runId: string; readonly resource: string },
  end:
    | { readonly state: 'succeeded'; readonly verification: JsonObject | null }
    | { readonly state: 'failed'; readonly failure: FailureNote },
): Promise<boolean> {
  const verification = end.state === 'succeeded' && end.verification ? JSON.stringify(end.verification) : null
  const failure = end.state === 'failed' ? JSON.stringify(end.failure) : null
  const closed = await sql<{ resource: string }>`
    update run_resources set state = ${end.state}, verification = ${verification}::jsonb, failure = ${failure}::jsonb, ended_at = now()
    where run_id = ${key.runId} and resource = ${key.resource} and ended_at is null returning resource
  `.execute(tx)
  return closed.rows.length > 0
}

/** One provider call, as the run's log keeps it. */
export interface RunCall {
  readonly at: Date
  readonly method: string
  readonly path: string
  readonly group: string
  readonly status: number | undefined
  readonly attempt: number
  readonly durationMs: number
  readonly bytes: number
  readonly outcome: string
}

/** Adds calls to the run's log and keeps the newest 500 of each resource. */
export async function addRunCalls(
  db: Db,
  key: { readonly runId: string; readonly resource: string; readonly partnerId: string },
  calls: readonly RunCall[],
): Promise<void> {
  if (calls.length === 0) return
  await sql`
    insert into run_calls (run_id, partner_id, resource, at, method, path, call_group, status, attempt, duration_ms, bytes, outcome)
    select ${key.runId}, ${key.partnerId}, ${key.resource}, c.at, c.method, c.path, c."group", c.status, c.attempt, c."durationMs", c.bytes, c.outcome
    from jsonb_to_recordset(${JSON.stringify(calls)}::jsonb) as c (at timestamptz, method text, path text, "group" text, status int,
      attempt int, "durationMs" int, bytes bigint, outcome text)
  `.execute(db)
  await sql`
    delete from run_calls where run_id = ${key.runId} and resource = ${key.resource} and seq <= (
      select seq from run_calls where run_id = ${key.runId} and resource = ${key.resource} order by seq desc offset 500 limit 1)
  `.execute(db)
}

/** The log of a run's provider calls, oldest first; `after` is the `seq` of the last one before. */
export async function listRunCalls(
  db: Db,
  query: { readonly runId: string; readonly after?: number | undefined; readonly limit: number },
): Promise<(RunCall & { readonly seq: number; readonly resource: string })[]> {
  const found = await sql<RunCall & { seq: number; resource: string }>`
    select seq, resource, at, method, path, call_group as "group", status, attempt, duration_ms, bytes, outcome from run_calls
    where run_id = ${query.runId} and seq > ${query.after ?? 0} order by run_id, seq limit ${query.limit}
  `.execute(db)
  return found.rows
}
