/** Inbox events: taken in batches per lane, settled with what they changed in one transaction, looked at by people. */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'

export type InboxState = 'unmatched' | 'waiting' | 'processed' | 'dead'

export interface InboxEvent {
  readonly eventId: string
  readonly seq: number
  readonly requestId: string
  readonly provider: string
  readonly connectionId: string | null
  readonly partnerId: string | null
  readonly accountId: string | null
  readonly tenant: string | null
  readonly dedupeKey: string
  readonly type: string
  readonly about: 'changed' | 'deleted' | 'notice' | 'unknown' | 'unreadable'
  readonly resource: string | null
  readonly externalId: string | null
  readonly occurredAt: Date | null
  readonly sequence: number | null
  readonly receivedAt: Date
  readonly state: InboxState
  /** What came of it: `created`, `updated`, `unchanged`, `stale`, `deleted`, `noted`, `unknown`, … */
  readonly outcome: string | null
  readonly attempts: number
  readonly nextAt: Date
  readonly failure: JsonObject | null
  readonly recordVersion: number | null
  /** Temporal's run that settled it. */
  readonly workflowRunId: string | null
  readonly processedAt: Date | null
}

const columns = sql`e.event_id, e.seq, e.request_id, e.provider, e.connection_id, e.partner_id, e.account_id, e.tenant, e.dedupe_key, e.type, e.about,
  e.resource, e.external_id, e.occurred_at, e.sequence, e.received_at, e.state, e.outcome, e.attempts, e.next_at, e.failure, e.record_version,
  e.workflow_run_id, e.processed_at`

/**
 * What of a lane can be done now, oldest first. An event whose object has an earlier one that waits for another try waits with it: order
 * per object, and nobody else is held up.
 */
export async function dueEvents(
  db: Db,
  connectionId: string,
  now: Date,
  limit: number,
): Promise<InboxEvent[]> {
  // Postponed events are few: they are looked up first, so that a long lane is not compared with itself.
  const found = await sql<InboxEvent>`
    with postponed as materialized (
      select resource, external_id, min(seq) as seq from inbox_events
      where connection_id = ${connectionId} and state = 'waiting' and next_at > ${now}::timestamptz and external_id is not null
      group by resource, external_id)
    select ${columns} from inbox_events e
    where e.connection_id = ${connectionId} and e.state = 'waiting' and e.next_at <= ${now}::timestamptz
      and not exists (
        select 1 from postponed p where p.resource = e.resource and p.external_id = e.external_id and p.seq < e.seq)
    order by e.seq limit ${limit}
  `.execute(db)
  return found.rows
}

/** When the next waiting event of a lane is due; undefined when nothing waits. */
export async function nextDue(db: Db, connectionId: string): Promise<Date | undefined> {
  const found = await sql<{ nextAt: Date | null }>`
    select min(next_at) as next_at from inbox_events where connection_id = ${connectionId} and state = 'waiting'
  `.execute(db)
  return found.rows[0]?.nextAt ?? undefined
}

export interface SealedRequest {
  readonly requestId: string
  readonly accountId: string | null
  readonly receivedAt: Date
  readonly sealed: Buffer
}

/** The bodies behind events. */
export async function sealedRequests(db: Db, requestIds: readonly string[]): Promise<SealedRequest[]> {
  const found = await sql<SealedRequest>`
    select request_id, account_id, received_at, sealed from inbox_requests
    where request_id = any (${[...new Set(requestIds)]}::text[]) and sealed is not null
  `.execute(db)
  return found.rows
}

/**
 * A batch's events, asked for by their ids and not joined to a list: in a burst the statistics know nothing of the thousands that wait, and
 * the planner compared each of them with each id (4 s a batch, seen with 6,000 waiting). What is to be written is looked up per row
 * in `facts`, an object by id.
 */
const stillWaiting = (events: readonly { readonly eventId: string }[]) =>
  sql`e.event_id = any (${events.map(({ eventId }) => eventId)}::text[]) and e.state = 'waiting'`

function factsOf<T extends { readonly eventId: string }>(
  events: readonly T[],
  show: (event: T) => JsonObject,
) {
  const facts = Object.fromEntries(events.map((event) => [event.eventId, show(event)]))
  return sql`(${JSON.stringify(facts)}::jsonb -> e.event_id)`
}

/**
 * Locks events that still wait as they did when they were taken. What is missing was settled by somebody else meanwhile: an older
 * attempt that was thought dead.
 */
export async function lockWaiting(tx: Db, events: readonly InboxEvent[]): Promise<Set<string>> {
  const facts = factsOf(events, ({ attempts }) => ({ attempts }))
  const found = await sql<{ eventId: string }>`
    select e.event_id from inbox_events e where ${stillWaiting(events)} and e.attempts = (${facts} ->> 'attempts')::int
    order by e.event_id for update of e
  `.execute(tx)
  return new Set(found.rows.map(({ eventId }) => eventId))
}

export interface Settled {
  readonly eventId: string
  readonly outcome: string
  readonly recordVersion: number | null
}

/** The events have had their effect. */
export async function settleEvents(
  tx: Db,
  settled: readonly Settled[],
  workflowRunId: string,
): Promise<void> {
  if (settled.length === 0) return
  const facts = factsOf(settled, ({ outcome, recordVersion }) => ({ outcome, recordVersion }))
  await sql`
    update inbox_events e set state = 'processed', outcome = ${facts} ->> 'outcome',
      record_version = (${facts} ->> 'recordVersion')::int, attempts = e.attempts + 1,
      failure = null, workflow_run_id = ${workflowRunId}, processed_at = now()
    where ${stillWaiting(settled)}
  `.execute(tx)
}

export interface Troubled {
  readonly eventId: string
  readonly attempts: number
  readonly failure: JsonObject
  /** Null: it is dead. */
  readonly nextAt: Date | null
}

/** The events could not have their effect: another try later, or the dead letters. */
export async function postponeEvents(
  tx: Db,
  troubled: readonly Troubled[],
  workflowRunId: string,
): Promise<void> {
  if (troubled.length === 0) return
  const facts = factsOf(troubled, ({ attempts, failure, nextAt }) => ({
    attempts,
    failure,
    nextAt: nextAt?.toISOString() ?? null,
  }))
  const nextAt = sql`(${facts} ->> 'nextAt')::timestamptz`
  await sql`
    update inbox_events e set state = case when ${nextAt} is null then 'dead' else 'waiting' end,
      outcome = case when ${nextAt} is null then 'failed' end, attempts = e.attempts + 1, next_at = coalesce(${nextAt}, e.next_at),
      failure = ${facts} -> 'failure', workflow_run_id = ${workflowRunId},
      processed_at = case when ${nextAt} is null then now() end
    where ${stillWaiting(troubled)} and e.attempts = (${facts} ->> 'attempts')::int
  `.execute(tx)
}

/** Lanes with something to do, for the sweeper: of connections that run, due for at least `overdueMs`. */
export async function overdueLanes(
  db: Db,
  now: Date,
  overdueMs: number,
  limit: number,
): Promise<{ connectionId: string; provider: string; partnerId: string; accountId: string }[]> {
  const before = new Date(now.getTime() - overdueMs)
  const found = await sql<{ connectionId: string; provider: string; partnerId: string; accountId: string }>`
    select c.connection_id, c.provider, c.partner_id, c.account_id from connections c
    where c.state = 'active' and exists (
      select 1 from inbox_events e where e.connection_id = c.connection_id and e.state = 'waiting' and e.next_at <= ${before}::timestamptz)
    order by c.connection_id limit ${limit}
  `.execute(db)
  return found.rows
}

/** Gives unmatched events of a tenant to its connection, which is known by now. @returns how many. */
export async function matchTenant(
  tx: Db,
  owner: { readonly connectionId: string; readonly partnerId: string; readonly accountId: string },
  provider: string,
  tenant: string,
): Promise<number> {
  const moved = await sql<{ n: number }>`
    with moved as (
      update inbox_events e set connection_id = ${owner.connectionId}, partner_id = ${owner.partnerId}, account_id = ${owner.accountId},
        state = case when about = 'unreadable' then 'dead' else 'waiting' end, next_at = now()
      where state = 'unmatched' and provider = ${provider} and tenant = ${tenant}
        and not exists (select 1 from inbox_events o where o.connection_id = ${owner.connectionId} and o.dedupe_key = e.dedupe_key)
      returning 1
    ) select count(*)::int as n from moved
  `.execute(tx)
  return moved.rows[0]?.n ?? 0
}

export interface InboxQuery {
  readonly connectionId?: string | undefined
  readonly partnerId?: string | undefined
  readonly provider?: string | undefined
  readonly state?: InboxState | undefined
  readonly outcome?: string | undefined
  readonly type?: string | undefined
  readonly resource?: string | undefined
  readonly externalId?: string | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

const whereOf = (query: InboxQuery) => {
  const parts = [
    query.connectionId === undefined ? undefined : sql`e.connection_id = ${query.connectionId}`,
    query.partnerId === undefined ? undefined : sql`e.partner_id = ${query.partnerId}`,
    query.provider === undefined ? undefined : sql`e.provider = ${query.provider}`,
    query.state === undefined ? undefined : sql`e.state = ${query.state}`,
    query.outcome === undefined ? undefined : sql`e.outcome = ${query.outcome}`,
    query.type === undefined ? undefined : sql`e.type = ${query.type}`,
    query.resource === undefined ? undefined : sql`e.resource = ${query.resource}`,
    query.externalId === undefined ? undefined : sql`e.external_id = ${query.externalId}`,
    query.since === undefined ? undefined : sql`e.received_at >= ${query.since}::timestamptz`,
    query.until === undefined ? undefined : sql`e.received_at < ${query.until}::timestamptz`,
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? sql`true` : sql.join(parts, sql` and `)
}

/** Newest first; `before` is the last id of the page before. */
export async function listInboxEvents(
  db: Db,
  query: InboxQuery & { readonly before?: string | undefined; readonly limit: number },
): Promise<InboxEvent[]> {
  const before = query.before === undefined ? sql`` : sql`and e.event_id < ${query.before}`
  const found = await sql<InboxEvent>`
    select ${columns} from inbox_events e where ${whereOf(query)} ${before} order by e.event_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Ids of which there is no event, as far as `db` shows. */
export async function missingEvents(db: Db, eventIds: readonly string[]): Promise<string[]> {
  const found = await sql<{ eventId: string }>`
    select id as event_id from unnest(${[...eventIds]}::text[]) as id
    where not exists (select from inbox_events e where e.event_id = id)
  `.execute(db)
  return found.rows.map(({ eventId }) => eventId)
}

export async function getInboxEvent(db: Db, eventId: string): Promise<InboxEvent | undefined> {
  const found =
    await sql<InboxEvent>`select ${columns} from inbox_events e where e.event_id = ${eventId}`.execute(db)
  return found.rows[0]
}

export interface HookRequestRow {
  readonly requestId: string
  readonly provider: string
  readonly connectionId: string | null
  readonly accountId: string | null
  readonly receivedAt: Date
  readonly clientAddress: string
  readonly bytes: number
  readonly checks: readonly JsonObject[]
  readonly events: number
  readonly accepted: number
  readonly sealed: Buffer | null
}

export async function getHookRequest(db: Db, requestId: string): Promise<HookRequestRow | undefined> {
  const found = await sql<HookRequestRow>`
    select request_id, provider, connection_id, account_id, received_at, client_address, bytes, checks, events, accepted, sealed
    from inbox_requests where request_id = ${requestId}
  `.execute(db)
  return found.rows[0]
}

/** Makes events wait again: dead ones, or settled ones that are to have their effect once more. @returns their lanes, and how many. */
export async function replayEvents(
  tx: Db,
  query: InboxQuery & { readonly eventIds?: readonly string[] | undefined },
  limit: number,
): Promise<{ readonly connectionId: string; readonly count: number }[]> {
  const chosen =
    query.eventIds === undefined ? sql`` : sql`and e.event_id = any (${[...query.eventIds]}::text[])`
  const found = await sql<{ connectionId: string; count: number }>`
    with chosen as (
      select e.event_id from inbox_events e where ${whereOf(query)} ${chosen} and e.state in ('dead', 'processed') and e.connection_id is not null
        and e.about <> 'unreadable'
      order by e.seq limit ${limit} for update
    ), again as (
      update inbox_events e set state = 'waiting', outcome = null, attempts = 0, next_at = now(), failure = null, processed_at = null,
        record_version = null
      from chosen where e.event_id = chosen.event_id
      returning e.connection_id
    ) select connection_id, count(*)::int as count from again group by connection_id order by connection_id
  `.execute(tx)
  return found.rows
}

/** How many a replay would take. */
export async function countReplay(
  db: Db,
  query: InboxQuery & { readonly eventIds?: readonly string[] | undefined },
): Promise<{ connectionId: string; count: number }[]> {
  const chosen =
    query.eventIds === undefined ? sql`` : sql`and e.event_id = any (${[...query.eventIds]}::text[])`
  const found = await sql<{ connectionId: string; count: number }>`
    select e.connection_id, count(*)::int as count from inbox_events e where ${whereOf(query)} ${chosen} and e.state in ('dead', 'processed')
      and e.connection_id is not null and e.about <> 'unreadable' group by e.connection_id order by e.connection_id
  `.execute(db)
  return found.rows
}

export interface InboxEquation {
  /** Events that were posted. */
  readonly received: number
  readonly processed: number
  readonly waiting: number
  readonly dead: number
  readonly unmatched: number
  readonly duplicates: number
}

/** received = processed + waiting + dead + unmatched + duplicates, each counted where it is, in one snapshot. */
export async function inboxEquation(
  db: Db,
  query: { readonly provider?: string | undefined; readonly connectionId?: string | undefined },
): Promise<InboxEquation> {
  const ofProvider = query.provider === undefined ? sql`true` : sql`provider = ${query.provider}`
  const ofEvent = query.connectionId === undefined ? sql`true` : sql`connection_id = ${query.connectionId}`
  // Posts to the URL of an app belong to no connection: for one connection only those to its own URL are told.
  // What retention has removed is counted where it was noted.
  const found = await sql<InboxEquation>`
    select (r.received + g.received)::int as received, (r.duplicates + g.duplicates)::int as duplicates,
      (coalesce(e.processed, 0) + g.processed)::int as processed, coalesce(e.waiting, 0) as waiting,
      (coalesce(e.dead, 0) + g.dead)::int as dead, (coalesce(e.unmatched, 0) + g.unmatched)::int as unmatched
    from (select coalesce(sum(events), 0)::int as received, coalesce(sum(events - accepted), 0)::int as duplicates
      from inbox_requests where ${ofProvider} and ${ofEvent}) r,
    (select count(*) filter (where state = 'processed')::int as processed, count(*) filter (where state = 'waiting')::int as waiting,
      count(*) filter (where state = 'dead')::int as dead, count(*) filter (where state = 'unmatched')::int as unmatched
      from inbox_events where ${ofProvider} and ${ofEvent}) e,
    (select coalesce(sum(received), 0) as received, coalesce(sum(duplicates), 0) as duplicates, coalesce(sum(processed), 0) as processed,
      coalesce(sum(dead), 0) as dead, coalesce(sum(unmatched), 0) as unmatched from inbox_removed where ${ofProvider} and ${ofEvent}) g
  `.execute(db)
  return found.rows[0] ?? { received: 0, processed: 0, waiting: 0, dead: 0, unmatched: 0, duplicates: 0 }
}
