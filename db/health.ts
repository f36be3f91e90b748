/** States of connections, what they were judged by, and every change of them and of their providers' (`provider-health.ts`). */
import { sql } from 'kysely'
import type { Culprit, Findings, HealthState } from '../model/health.ts'
import type { FailureNote } from '../model/failures.ts'
import type { Db } from './client.ts'

export interface HealthCandidate {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly auth: string
  readonly name: string
  readonly connectionState: 'active' | 'paused' | 'needs_attention'
  readonly stateReason: string | null
  readonly stateWho: string | null
  readonly settings: Readonly<Record<string, string>>
  readonly syncIntervalSeconds: number
  readonly freshnessObjectiveSeconds: number | null
  /** Seconds since the last sync that went through; null: never. */
  readonly ageSeconds: number | null
  readonly connectedSeconds: number
  readonly webhookState: string | null
  readonly webhookError: string | null
  /** Calls that were made anyway, lately. */
  readonly trafficOkAt: Date | null
  readonly trafficFailedAt: Date | null
  /** As it was last judged. */
  readonly state: HealthState | null
  readonly culprit: Culprit | null
  readonly badInRow: number | null
  readonly goodInRow: number | null
}

/** Living connections of a provider in id order, with what is known of them without asking. */
export async function healthCandidates(
  db: Db,
  provider: string,
  after: string,
  limit: number,
): Promise<HealthCandidate[]> {
  const found = await sql<HealthCandidate>`
    select c.connection_id, c.partner_id, c.account_id, c.provider, c.auth, c.name, c.state as connection_state, c.state_reason, c.state_who,
      c.settings, c.sync_interval_seconds, c.freshness_objective_seconds,
      extract(epoch from now() - c.last_synced_at)::float8 as age_seconds, extract(epoch from now() - c.created_at)::float8 as connected_seconds,
      s.subscription_state as webhook_state, s.subscription_error as webhook_error,
      t.ok_at as traffic_ok_at, t.failed_at as traffic_failed_at, h.state, h.culprit, h.bad_in_row, h.good_in_row
    from connections c
      left join hook_settings s using (connection_id)
      left join connection_health h using (connection_id)
      left join lateral (
        select max(last_ok_at) as ok_at, max(last_failed_at) as failed_at from call_stats
        where call_stats.connection_id = c.connection_id and hour >= now() - interval '2 hours') t on true
    where c.provider = ${provider} and c.state <> 'deleted' and c.connection_id > ${after}
    order by c.connection_id limit ${limit}
  `.execute(db)
  return found.rows
}

export interface JudgedConnection {
  readonly connectionId: string
  readonly partnerId: string
  readonly provider: string
  readonly was: HealthState | null
  readonly state: HealthState
  readonly culprit: Culprit | null
  readonly reason: string | null
  readonly evidence: 'probe' | 'traffic' | null
  readonly latencyMs: number | null
  readonly clockSkewMs: number | null
  readonly isOk: boolean
  readonly badInRow: number
  readonly goodInRow: number
  readonly failure: FailureNote | null
  readonly findings: Findings
}

/** Writes the states of a batch down; returns the ones that have changed. */
export async function putHealth(tx: Db, judged: readonly JudgedConnection[]): Promise<void> {
  if (judged.length === 0) return
  await sql`
    insert into connection_health as h (connection_id, partner_id, provider, state, culprit, reason, since, checked_at, evidence, latency_ms,
      clock_skew_ms, last_ok_at, bad_in_row, good_in_row, failure, findings)
    select t."connectionId", t."partnerId", t.provider, t.state, t.culprit, t.reason, now(), now(), t.evidence, t."latencyMs",
      t."clockSkewMs", case when t."isOk" then now() end, t."badInRow", t."goodInRow", t.failure, t.findings
    from jsonb_to_recordset(${JSON.stringify(judged)}::jsonb) as t ("connectionId" text, "partnerId" text, provider text, state text, culprit text,
      reason text, evidence text, "latencyMs" int, "clockSkewMs" bigint, "isOk" boolean, "badInRow" int, "goodInRow" int, failure jsonb,
      findings jsonb)
    on conflict (connection_id) do update set state = excluded.state, culprit = excluded.culprit, reason = excluded.reason,
      since = case when h.state = excluded.state then h.since else now() end, checked_at = now(),
      evidence = coalesce(excluded.evidence, h.evidence), latency_ms = coalesce(excluded.latency_ms, h.latency_ms),
      clock_skew_ms = coalesce(excluded.clock_skew_ms, h.clock_skew_ms), last_ok_at = coalesce(excluded.last_ok_at, h.last_ok_at),
      bad_in_row = excluded.bad_in_row, good_in_row = excluded.good_in_row, failure = excluded.failure, findings = excluded.findings
  `.execute(tx)
}

export interface HealthChange {
  /** `connection:<id>` or `provider:<slug>`. */
  readonly subject: string
  readonly provider: string
  readonly partnerId: string | null
  readonly connectionId: string | null
  readonly was: string | null
  readonly state: string
  readonly culprit: Culprit | null
  readonly reason: string | null
}

export async function addHealthChanges(tx: Db, changes: readonly HealthChange[]): Promise<void> {
  if (changes.length === 0) return
  await sql`
    insert into health_changes (subject, provider, partner_id, connection_id, was, state, culprit, reason)
    select t.subject, t.provider, t."partnerId", t."connectionId", t.was, t.state, t.culprit, t.reason
    from jsonb_to_recordset(${JSON.stringify(changes)}::jsonb) as t (subject text, provider text, "partnerId" text, "connectionId" text, was text,
      state text, culprit text, reason text)
  `.execute(tx)
}

export interface ConnectionHealth {
  readonly connectionId: string
  readonly partnerId: string
  readonly provider: string
  readonly name: string
  readonly state: HealthState
  readonly reason: string | null
  readonly culprit: Culprit | null
  readonly since: Date
  readonly checkedAt: Date | null
  readonly evidence: 'probe' | 'traffic' | null
  readonly latencyMs: number | null
  readonly clockSkewMs: number | null
  readonly lastOkAt: Date | null
  readonly lastSyncedAt: Date | null
  readonly freshnessObjectiveSeconds: number | null
  readonly syncIntervalSeconds: number
  readonly failure: FailureNote | null
  readonly findings: Findings
}

const shown = sql`h.connection_id, h.partner_id, h.provider, c.name, h.state, h.reason, h.culprit, h.since, h.checked_at, h.evidence,
  h.latency_ms, h.clock_skew_ms, h.last_ok_at, c.last_synced_at, c.freshness_objective_seconds, c.sync_interval_seconds, h.failure, h.findings`

/** States of living connections, in id order. */
export async function listConnectionHealth(
  db: Db,
  query: {
    readonly provider?: string | undefined
    readonly state?: HealthState | undefined
    readonly after?: string | undefined
    readonly limit: number
  },
): Promise<ConnectionHealth[]> {
  const filter = [
    sql`c.state <> 'deleted'`,
    ...(query.provider === undefined ? [] : [sql`h.provider = ${query.provider}`]),
    ...(query.state === undefined ? [] : [sql`h.state = ${query.state}`]),
    ...(query.after === undefined ? [] : [sql`h.connection_id > ${query.after}`]),
  ]
  const found = await sql<ConnectionHealth>`
    select ${shown} from connection_health h join connections c using (connection_id) where ${sql.join(filter, sql` and `)}
    order by h.connection_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

export async function getConnectionHealth(
  db: Db,
  connectionId: string,
): Promise<ConnectionHealth | undefined> {
  const found = await sql<ConnectionHealth>`
    select ${shown} from connection_health h join connections c using (connection_id) where h.connection_id = ${connectionId}
  `.execute(db)
  return found.rows[0]
}

export interface ChangeRow extends HealthChange {
  readonly changeId: number
  readonly createdAt: Date
}

/** Changes of one subject, newest first. */
export async function listHealthChanges(
  db: Db,
  query: { readonly subject: string; readonly before?: number | undefined; readonly limit: number },
): Promise<ChangeRow[]> {
  const found = await sql<ChangeRow>`
    select change_id, created_at, subject, provider, partner_id, connection_id, was, state, culprit, reason from health_changes
    where subject = ${query.subject} ${query.before === undefined ? sql`` : sql`and change_id < ${query.before}`}
    order by change_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

export interface Evidence {
  readonly looked: number
  readonly ofApp: number
  readonly failing: readonly {
    readonly connectionId: string
    readonly code: string
    readonly usesApp: boolean
  }[]
}

/** Enough to tell most from few, however many connections there are. */
const failingAtMost = 20_000

/** By provider, what the last round over active connections has shown. @param appMethods `<provider>/<auth>` that sign in through the hub's own app. */
export async function healthEvidence(
  db: Db,
  appMethods: readonly string[],
): Promise<ReadonlyMap<string, Evidence>> {
  const found = await sql<{
    provider: string
    connectionId: string
    code: string | null
    usesApp: boolean
    n: number
  }>`
    with seen as (
      select h.provider, h.connection_id, h.failure ->> 'code' as code, c.provider || '/' || c.auth = any (${[...appMethods]}::text[]) as uses_app
      from connection_health h join connections c using (connection_id)
      where (c.state = 'active' or (c.state = 'needs_attention' and h.failure is not null)) and h.checked_at > now() - interval '1 day')
    (select provider, '' as connection_id, null as code, uses_app, count(*)::int as n from seen group by provider, uses_app)
    union all
    (select provider, connection_id, code, uses_app, 0 from seen where code is not null limit ${failingAtMost})
  `.execute(db)
  const evidence = new Map<
    string,
    { looked: number; ofApp: number; failing: Evidence['failing'][number][] }
  >()
  for (const { provider, connectionId, code, usesApp, n } of found.rows) {
    const own = evidence.get(provider) ?? { looked: 0, ofApp: 0, failing: [] }
    evidence.set(provider, own)
    if (code !== null) own.failing.push({ connectionId, code, usesApp })
    else {
      own.looked += n
      if (usesApp) own.ofApp += n
    }
  }
  return evidence
}

/** Names whose fault it is, for the connections that fail; a change of it alone is no change of state. */
export async function blame(
  tx: Db,
  provider: string,
  guilty: readonly { readonly connectionId: string; readonly culprit: Culprit }[],
): Promise<void> {
  await sql`
    update connection_health h set culprit = t.culprit
    from jsonb_to_recordset(${JSON.stringify(guilty)}::jsonb) as t ("connectionId" text, culprit text)
    where h.connection_id = t."connectionId" and h.provider = ${provider} and h.culprit is distinct from t.culprit
  `.execute(tx)
}

/** More than these at once are told of by the provider's own incident. */
const troubledAtMost = 500

/** Connections that fail alone: by their own fault, down or in need of somebody. */
export async function troubledConnections(
  db: Db,
  provider: string,
): Promise<Pick<ConnectionHealth, 'connectionId' | 'partnerId' | 'name' | 'state' | 'reason'>[]> {
  const found = await sql<ConnectionHealth>`
    select h.connection_id, h.partner_id, c.name, h.state, h.reason from connection_health h join connections c using (connection_id)
    where h.provider = ${provider} and h.state in ('down', 'needs_attention') and h.culprit = 'connection' and c.state not in ('deleted', 'paused')
    order by h.connection_id limit ${troubledAtMost}
  `.execute(db)
  return found.rows
}

/** Active connections whose own credential was refused: they are to need attention. */
export async function hopelessConnections(
  db: Db,
  provider: string,
): Promise<{ readonly connectionId: string; readonly failure: FailureNote }[]> {
  const found = await sql<{ connectionId: string; failure: FailureNote }>`
    select h.connection_id, h.failure from connection_health h join connections c using (connection_id)
    where h.provider = ${provider} and h.state = 'down' and h.culprit = 'connection' and h.failure ->> 'code' = 'Unauthorized'
      and c.state = 'active' order by h.connection_id limit ${troubledAtMost}
  `.execute(db)
  return found.rows
}

/** Seconds that a subject was down since `from`, by what was written down of its changes. */
export async function secondsDown(db: Db, subject: string, from: Date, now: Date): Promise<number> {
  const found = await sql<{ seconds: number }>`
    with before as (
      select state from health_changes where subject = ${subject} and created_at < ${from}::timestamptz order by change_id desc limit 1),
    points as (
      select ${from}::timestamptz as at, (select state from before) as state
      union all
      select created_at, state from health_changes where subject = ${subject} and created_at >= ${from}::timestamptz),
    spans as (select state, at, lead(at, 1, ${now}::timestamptz) over (order by at) as until from points)
    select coalesce(sum(extract(epoch from until - at)) filter (where state = 'down'), 0)::float8 as seconds from spans
  `.execute(db)
  return found.rows[0]?.seconds ?? 0
}

/** Connections that are not well, the worst first. */
export async function unwellConnections(
  db: Db,
  provider: string,
  limit: number,
): Promise<ConnectionHealth[]> {
  const found = await sql<ConnectionHealth>`
    select ${shown} from connection_health h join connections c using (connection_id)
    where h.provider = ${provider} and c.state <> 'deleted' and h.state in ('down', 'needs_attention', 'degraded')
    order by array_position(array['down', 'needs_attention', 'degraded'], h.state), h.since, h.connection_id limit ${limit}
  `.execute(db)
  return found.rows
}
