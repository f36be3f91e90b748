/**
 * Incidents: open problems. Whoever finds one names it by a key that is the same for the same problem, so that a problem that is found
 * again is one incident; one that comes back soon after it was resolved is the same one too (a provider that flaps is one incident).
 */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import { newId } from '../platform/new-id.ts'
import { inTransaction, type Db } from './client.ts'

export type Severity = 'info' | 'warning' | 'critical'
export type IncidentState = 'open' | 'acknowledged' | 'snoozed' | 'resolved'

export interface Incident {
  readonly incidentId: string
  readonly dedupeKey: string
  readonly kind: string
  readonly severity: Severity
  readonly state: IncidentState
  readonly title: string
  readonly summary: string
  readonly provider: string | null
  readonly partnerId: string | null
  readonly connectionId: string | null
  readonly culprit: string | null
  readonly details: JsonObject
  readonly occurrences: number
  readonly reopened: number
  readonly openedAt: Date
  readonly lastSeenAt: Date
  readonly acknowledgedAt: Date | null
  readonly acknowledgedBy: string | null
  readonly snoozedUntil: Date | null
  readonly resolvedAt: Date | null
  readonly resolvedBy: string | null
  readonly resolution: string | null
  /** The one whose messages tell of this one: itself, or the first of a group; null before anybody has looked. */
  readonly leaderId: string | null
  readonly version: number
}

/** Of a provider, of the hub's app there, or of the network: what many failures follow from. */
const outageKinds = ['outage', 'app', 'network']

export interface FoundProblem {
  readonly dedupeKey: string
  readonly kind: string
  readonly severity: Severity
  readonly title: string
  readonly summary: string
  readonly provider?: string | undefined
  readonly partnerId?: string | undefined
  readonly connectionId?: string | undefined
  readonly culprit?: string | undefined
  readonly details?: JsonObject | undefined
}

/** One that is found again within this time of its resolution is the same incident. */
const reopenWithin = '30 minutes'

export const incidentColumns = sql`incident_id, dedupe_key, kind, severity, state, title, summary, provider, partner_id, connection_id, culprit, details,
  occurrences, reopened, opened_at, last_seen_at, acknowledged_at, acknowledged_by, snoozed_until, resolved_at, resolved_by, resolution, leader_id, version`

export interface OpenedIncident {
  readonly incident: Incident
  /** `known`: it was open already; nobody needs to be told again. */
  readonly was: 'new' | 'reopened' | 'known'
}

/** Opens an incident, or notes that an open one was found again. Repeatable, and safe from several processes at once. */
export function openIncident(db: Db, actor: string, problem: FoundProblem): Promise<OpenedIncident> {
  return inTransaction(db, async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext('tieline.incident'), hashtext(${problem.dedupeKey}))`.execute(
      tx,
    )
    const known = await touch(tx, problem)
    if (known) return { incident: known, was: 'known' }
    const back = await reopen(tx, problem)
    if (back) {
      await addIncidentEntry(tx, back, { kind: 'reopened', actor, text: problem.summary })
      return { incident: back, was: 'reopened' }
    }
    const incident = await insert(tx, problem)
    await addIncidentEntry(tx, incident, {
      kind: 'opened',
      actor,
      text: `${problem.title}. ${problem.summary}`.trim(),
    })
    return { incident, was: 'new' }
  })
}

async function touch(tx: Db, problem: FoundProblem): Promise<Incident | undefined> {
  const found = await sql<Incident>`
    update incidents set last_seen_at = now(), occurrences = occurrences + 1, summary = ${problem.summary},
      details = ${JSON.stringify(problem.details ?? {})}::jsonb
    where dedupe_key = ${problem.dedupeKey} and state <> 'resolved' returning ${incidentColumns}
  `.execute(tx)
  return found.rows[0]
}

async function reopen(tx: Db, problem: FoundProblem): Promise<Incident | undefined> {
  const found = await sql<Incident>`
    update incidents set state = 'open', reopened = reopened + 1, occurrences = occurrences + 1, last_seen_at = now(), resolved_at = null,
      resolved_by = null, resolution = null, summary = ${problem.summary}, details = ${JSON.stringify(problem.details ?? {})}::jsonb,
      version = version + 1
    where incident_id = (select incident_id from incidents where dedupe_key = ${problem.dedupeKey} and state = 'resolved'
      and resolved_at > now() - ${reopenWithin}::interval order by resolved_at desc limit 1)
    returning ${incidentColumns}
  `.execute(tx)
  return found.rows[0]
}

async function insert(tx: Db, problem: FoundProblem): Promise<Incident> {
  const { provider = null, partnerId = null, connectionId = null, culprit = null, details = {} } = problem
  const made = await sql<Incident>`
    insert into incidents (incident_id, dedupe_key, kind, severity, title, summary, provider, partner_id, connection_id, culprit, details)
    values (${newId('incident')}, ${problem.dedupeKey}, ${problem.kind}, ${problem.severity}, ${problem.title}, ${problem.summary},
      ${provider}, ${partnerId}, ${connectionId}, ${culprit}, ${JSON.stringify(details)}::jsonb)
    returning ${incidentColumns}
  `.execute(tx)
  const [row] = made.rows
  if (!row) throw new Error('an insert returned no row')
  return row
}

/** Resolves the open incident of a problem that is over. @returns undefined when there is none. */
export function resolveProblem(
  db: Db,
  dedupeKey: string,
  by: { readonly actor: string; readonly resolution: string },
): Promise<Incident | undefined> {
  return inTransaction(db, async (tx) => {
    const found = await sql<Incident>`
      update incidents set state = 'resolved', resolved_at = now(), resolved_by = ${by.actor}, resolution = ${by.resolution},
        snoozed_until = null, version = version + 1
      where dedupe_key = ${dedupeKey} and state <> 'resolved' returning ${incidentColumns}
    `.execute(tx)
    const [incident] = found.rows
    if (incident)
      await addIncidentEntry(tx, incident, { kind: 'resolved', actor: by.actor, text: by.resolution })
    return incident
  })
}

export interface IncidentEntry {
  readonly entryId: number
  readonly at: Date
  /** opened, reopened, told, not_told, acknowledged, snoozed, escalated, resolved, note. */
  readonly kind: string
  readonly actor: string
  readonly text: string
  readonly details: JsonObject
}

/** Adds to the timeline of an incident. */
export async function addIncidentEntry(
  db: Db,
  { incidentId, partnerId }: Pick<Incident, 'incidentId' | 'partnerId'>,
  entry: {
    readonly kind: string
    readonly actor: string
    readonly text: string
    readonly details?: JsonObject
  },
): Promise<void> {
  await sql`
    insert into incident_entries (incident_id, partner_id, kind, actor, text, details)
    values (${incidentId}, ${partnerId}, ${entry.kind}, ${entry.actor}, ${entry.text}, ${JSON.stringify(entry.details ?? {})}::jsonb)
  `.execute(db)
}

/** Whether something of a kind was written down about a message. */
export async function hasEntryOf(
  db: Db,
  incidentId: string,
  kind: string,
  deliveryId: string,
): Promise<boolean> {
  const found = await sql`
    select from incident_entries where incident_id = ${incidentId} and kind = ${kind} and details ->> 'deliveryId' = ${deliveryId} limit 1
  `.execute(db)
  return found.rows.length > 0
}

/** The timeline, oldest first. */
export async function listIncidentEntries(db: Db, incidentId: string): Promise<IncidentEntry[]> {
  const found = await sql<IncidentEntry>`
    select entry_id, at, kind, actor, text, details from incident_entries where incident_id = ${incidentId} order by entry_id
  `.execute(db)
  return found.rows
}

export async function getIncident(db: Db, incidentId: string): Promise<Incident | undefined> {
  const found =
    await sql<Incident>`select ${incidentColumns} from incidents where incident_id = ${incidentId}`.execute(
      db,
    )
  return found.rows[0]
}

/** Newest first; `before` is the id of the last one of the page before. */
export async function listIncidents(
  db: Db,
  query: {
    readonly state?: IncidentState | 'unresolved' | undefined
    readonly provider?: string | undefined
    readonly partnerId?: string | undefined
    readonly before?: string | undefined
    readonly limit: number
  },
): Promise<Incident[]> {
  const { state, provider, partnerId, before, limit } = query
  const filter = [
    state === undefined
      ? sql`true`
      : state === 'unresolved'
        ? sql`state <> 'resolved'`
        : sql`state = ${state}`,
    ...(provider === undefined ? [] : [sql`provider = ${provider}`]),
    ...(partnerId === undefined ? [] : [sql`partner_id = ${partnerId}`]),
    ...(before === undefined ? [] : [sql`incident_id < ${before}`]),
  ]
  const found = await sql<Incident>`
    select ${incidentColumns} from incidents where ${sql.join(filter, sql` and `)} order by incident_id desc limit ${limit}
  `.execute(db)
  return found.rows
}

/** What was opened, or came back, and what was resolved since; newest first. */
export async function incidentsSince(
  db: Db,
  since: Date,
  limit: number,
): Promise<{ readonly opened: Incident[]; readonly resolved: Incident[] }> {
  const opened = await sql<Incident>`
    select ${incidentColumns} from incidents where incident_id in (select e.incident_id from incident_entries e
      where e.kind in ('opened', 'reopened') and e.at >= ${since}::timestamptz) order by incident_id desc limit ${limit}
  `.execute(db)
  const resolved = await sql<Incident>`
    select ${incidentColumns} from incidents where state = 'resolved' and resolved_at >= ${since}::timestamptz
    order by incident_id desc limit ${limit}
  `.execute(db)
  return { opened: opened.rows, resolved: resolved.rows }
}

/** Keys of what is open, for whoever found it and now looks whether it is over. */
export async function openProblems(
  db: Db,
  query: { readonly kind: string; readonly provider?: string },
): Promise<Pick<Incident, 'incidentId' | 'dedupeKey'>[]> {
  const found = await sql<Incident>`
    select incident_id, dedupe_key from incidents where state <> 'resolved' and kind = ${query.kind}
      ${query.provider === undefined ? sql`` : sql`and provider = ${query.provider}`} order by incident_id
  `.execute(db)
  return found.rows
}

export type Outage = Pick<Incident, 'kind' | 'severity' | 'provider' | 'details' | 'resolvedAt'>

/** Outages that go on, or were over only since `from`. */
export async function listOutages(db: Db, from: Date): Promise<Outage[]> {
  const found = await sql<Outage>`
    select kind, severity, provider, details, resolved_at from incidents
    where kind = any (${outageKinds}::text[]) and (resolved_at is null or resolved_at >= ${from}::timestamptz)
    order by incident_id desc limit 1000
  `.execute(db)
  return found.rows
}
