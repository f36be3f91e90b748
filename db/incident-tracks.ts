/** How far each incident is told, by policy; which incidents are told of together; whose workflow has to be woken. */
import { sql } from 'kysely'
import type { Track } from '../model/escalation.ts'
import type { Db } from './client.ts'
import { incidentColumns, type Incident } from './incidents.ts'

/** One sweep at a time: which incident leads a group is decided by one. */
export async function lockSweep(tx: Db): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('tieline.alerts'), 0)`.execute(tx)
}

export interface Unfollowed extends Incident {
  /** Its partner and those above it. */
  readonly partners: readonly string[]
}

/** Open problems that no track follows, those that nobody has looked at yet first. */
export async function unfollowedIncidents(db: Db, limit: number): Promise<Unfollowed[]> {
  const found = await sql<Unfollowed>`
    select ${incidentColumns}, coalesce((select array_agg(a.ancestor_id) from partner_ancestry a
      where a.partner_id = i.partner_id), '{}') as partners
    from incidents i where i.state <> 'resolved' and not exists (select from incident_tracks t
      where t.incident_id = coalesce(i.leader_id, i.incident_id) and t.ended_at is null)
    order by i.leader_id nulls first, i.incident_id limit ${limit}
  `.execute(db)
  return found.rows
}

/** An incident of the same cause that is told of already and opened so shortly before. */
export async function findLeader(
  tx: Db,
  { kind, provider, partnerId, severity, openedAt, incidentId }: Incident,
  withinSeconds: number,
): Promise<string | undefined> {
  const found = await sql<{ incidentId: string }>`
    select i.incident_id from incidents i where i.state <> 'resolved' and i.kind = ${kind} and i.severity = ${severity}
      and i.provider is not distinct from ${provider} and i.partner_id is not distinct from ${partnerId}
      and i.incident_id <> ${incidentId} and i.leader_id = i.incident_id
      and i.opened_at between ${openedAt}::timestamptz - make_interval(secs => ${withinSeconds}) and ${openedAt}::timestamptz
      and exists (select from incident_tracks t where t.incident_id = i.incident_id and t.ended_at is null)
    order by i.incident_id limit 1
  `.execute(tx)
  return found.rows[0]?.incidentId
}

/** Not news to anybody: the version stays. */
export async function setLeader(tx: Db, incidentId: string, leaderId: string): Promise<void> {
  await sql`update incidents set leader_id = ${leaderId} where incident_id = ${incidentId}`.execute(tx)
}

/** Begins to tell of an incident, or begins anew after it was over. */
export async function startTrack(
  tx: Db,
  { incidentId, partnerId }: Pick<Incident, 'incidentId' | 'partnerId'>,
  policyId: string,
  now: Date,
): Promise<void> {
  await sql`
    insert into incident_tracks (incident_id, policy_id, partner_id, started_at, next_at, planned_at)
    values (${incidentId}, ${policyId}, ${partnerId}, ${now}::timestamptz, ${now}::timestamptz, ${now}::timestamptz)
    on conflict (incident_id, policy_id) do update set step = 0, told = false, hurry = false, passed_on = false, not_told = null,
      started_at = excluded.started_at, next_at = excluded.next_at, planned_at = excluded.planned_at, over_at = null, wake_at = null, seen_version = 0,
      ended_at = null
  `.execute(tx)
}

export interface StoredTrack extends Track {
  readonly incidentId: string
  readonly policyId: string
  readonly passedOn: boolean
  readonly notTold: string | null
  readonly startedAt: Date
  readonly endedAt: Date | null
}

/** All tracks of an incident; locked, so that one plan is made at a time. */
export async function lockTracks(tx: Db, incidentId: string): Promise<StoredTrack[]> {
  const found = await sql<StoredTrack>`
    select incident_id, policy_id, step, told, hurry, passed_on, not_told, over_at, started_at, next_at, planned_at, ended_at
    from incident_tracks where incident_id = ${incidentId} order by policy_id for update
  `.execute(tx)
  return found.rows
}

export async function saveTrack(tx: Db, track: StoredTrack): Promise<void> {
  await sql`
    update incident_tracks set step = ${track.step}, told = ${track.told}, hurry = ${track.hurry}, passed_on = ${track.passedOn},
      not_told = ${track.notTold}, next_at = ${track.nextAt}::timestamptz, planned_at = ${track.plannedAt}::timestamptz,
      over_at = ${track.overAt}::timestamptz, ended_at = ${track.endedAt}::timestamptz
    where incident_id = ${track.incidentId} and policy_id = ${track.policyId}
  `.execute(tx)
}

/** What the workflow of an incident has seen, and until when it rests. */
export async function noteTrackRest(
  tx: Db,
  incidentId: string,
  rest: { readonly wakeAt: Date | null; readonly seenVersion: number },
): Promise<void> {
  await sql`
    update incident_tracks set wake_at = ${rest.wakeAt}::timestamptz, seen_version = ${rest.seenVersion} where incident_id = ${incidentId}
  `.execute(tx)
}

/** The next level is told at once where nobody has been reached yet. */
export async function hurryTracks(tx: Db, incidentId: string): Promise<void> {
  await sql`
    update incident_tracks t set hurry = true, seen_version = 0 where t.incident_id = ${incidentId} and t.ended_at is null
      and not exists (select from alert_deliveries d where d.incident_id = t.incident_id and d.state = 'delivered' and d.created_at >= t.started_at)
  `.execute(tx)
}

/** The incident that leads a group, and those that are told of with it; oldest first. */
export async function membersOf(db: Db, leaderId: string): Promise<Incident[]> {
  const found = await sql<Incident>`
    select ${incidentColumns} from incidents where incident_id = ${leaderId} or leader_id = ${leaderId} order by incident_id
  `.execute(db)
  return found.rows
}

export interface RestlessIncident {
  readonly incidentId: string
  readonly title: string
  readonly provider: string | null
  readonly partnerId: string | null
}

/** A rest that was to end so long ago has not: the workflow is gone, or was never started. */
const overdueSeconds = 90

/** Incidents about which there is news that their workflow has not seen, and those whose workflow should have gone on. */
export async function restlessIncidents(db: Db, now: Date, limit: number): Promise<RestlessIncident[]> {
  const late = sql`${now}::timestamptz - make_interval(secs => ${overdueSeconds})`
  const found = await sql<RestlessIncident>`
    select i.incident_id, i.title, i.provider, i.partner_id from incidents i where i.incident_id in (
      select t.incident_id from incident_tracks t where t.ended_at is null and (t.wake_at < ${late}
        or t.planned_at > ${now}::timestamptz + interval '1 minute'
        or t.seen_version <> (select sum(m.version) from incidents m where m.incident_id = t.incident_id or m.leader_id = t.incident_id))
      union
      select d.incident_id from alert_deliveries d where d.state = 'waiting' and d.incident_id is not null and d.next_at < ${late})
    order by i.incident_id limit ${limit}
  `.execute(db)
  return found.rows
}

/** How many connections an incident concerns. */
export async function affectedConnections(
  db: Db,
  { connectionId, provider, kind, details }: Incident,
): Promise<number> {
  if (connectionId !== null) return 1
  const told = details['connections']
  if (typeof told === 'number') return told
  const found = await sql<{ n: number }>`
    select count(*)::int as n from connection_health h join connections c using (connection_id)
    where c.state <> 'deleted' and h.state in ('down', 'needs_attention', 'degraded')
      ${provider === null ? sql`` : sql`and h.provider = ${provider}`}
  `.execute(db)
  return provider === null && kind !== 'network' ? 0 : (found.rows[0]?.n ?? 0)
}
