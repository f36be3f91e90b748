/**
 * Health: what calls to providers showed (`call_stats`, by hour), in which state each connection and provider is and since when,
 * every change of it, and the incidents that open problems are.
 *
 * `call_stats` grows with connections × groups × hours and is rolled up by retention; `health_changes` is partitioned by month.
 */
import { sql, type Kysely } from 'kysely'
import { sandboxPolicy, tenantPolicy } from './0013_tenancy.ts'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

const statements = `
-- One row per connection, group of endpoints and hour. Latencies are counted in the buckets of model/latency.ts.
create table call_stats (
  hour timestamptz not null,
  connection_id text not null,
  call_group text not null,
  partner_id text not null,
  provider text not null,
  calls bigint not null default 0,
  failed bigint not null default 0,
  retries bigint not null default 0,
  bytes bigint not null default 0,
  wait_ms bigint not null default 0,
  -- {"Unavailable": 3}
  errors jsonb not null default '{}',
  latency bigint[] not null,
  last_ok_at timestamptz,
  last_failed_at timestamptz,
  primary key (hour, connection_id, call_group)
);
create index call_stats_by_connection on call_stats (connection_id, hour);
create index call_stats_by_provider on call_stats (provider, hour);

create table connection_health (
  connection_id text primary key references connections,
  partner_id text not null,
  provider text not null,
  state text not null check (state in ('healthy', 'degraded', 'down', 'paused', 'needs_attention', 'not_configured', 'unknown')),
  reason text,
  -- Whose fault: connection, app, provider, network, hub; null while nothing is wrong.
  culprit text check (culprit in ('connection', 'app', 'provider', 'network', 'hub')),
  since timestamptz not null default now(),
  checked_at timestamptz,
  -- How it was last known: by a probe, or by calls that were made anyway.
  evidence text check (evidence in ('probe', 'traffic')),
  latency_ms int,
  clock_skew_ms bigint,
  last_ok_at timestamptz,
  bad_in_row int not null default 0,
  good_in_row int not null default 0,
  failure jsonb,
  -- {"freshness": …, "webhook": …, "quota": …}: what was found beside the answer of the provider.
  findings jsonb not null default '{}'
);
create index connection_health_by_provider on connection_health (provider, state, connection_id);
create index connection_health_by_partner on connection_health (partner_id, connection_id);

create table provider_health (
  provider text primary key,
  state text not null check (state in ('healthy', 'degraded', 'down', 'not_configured', 'unknown')),
  culprit text check (culprit in ('connection', 'app', 'provider', 'network', 'hub')),
  reason text,
  since timestamptz not null default now(),
  checked_at timestamptz,
  -- Nothing but canaries calls the provider while this is true.
  paused boolean not null default false,
  next_probe_at timestamptz,
  bad_in_row int not null default 0,
  good_in_row int not null default 0,
  counts jsonb not null default '{}'
);

create table health_changes (
  change_id bigint generated always as identity,
  created_at timestamptz not null default now(),
  subject text not null,
  provider text not null,
  -- Null for a provider as a whole.
  partner_id text,
  connection_id text,
  was text,
  state text not null,
  culprit text,
  reason text,
  primary key (change_id, created_at)
) partition by range (created_at);
create table health_changes_default partition of health_changes default;
create index health_changes_by_subject on health_changes (subject, created_at);

create table incidents (
  incident_id text primary key,
  -- One open incident per key: the same problem found again is the same incident.
  dedupe_key text not null,
  -- outage, app, credential, freshness, dead_letters, quota, integrity, network, error_budget, …
  kind text not null,
  severity text not null check (severity in ('info', 'warning', 'critical')),
  state text not null default 'open' check (state in ('open', 'acknowledged', 'snoozed', 'resolved')),
  title text not null,
  summary text not null default '',
  provider text,
  -- Null: the whole hub's.
  partner_id text,
  connection_id text,
  culprit text,
  -- Ids, counts, figures; no secrets, no personal data.
  details jsonb not null default '{}',
  -- How often it was found, and when last.
  occurrences int not null default 1,
  reopened int not null default 0,
  opened_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  acknowledged_at timestamptz,
  acknowledged_by text,
  snoozed_until timestamptz,
  resolved_at timestamptz,
  resolved_by text,
  resolution text,
  version int not null default 1
);
create unique index incidents_open on incidents (dedupe_key) where state <> 'resolved';
create index incidents_by_key on incidents (dedupe_key, resolved_at);
create index incidents_by_state on incidents (state, incident_id);
create index incidents_by_partner on incidents (partner_id, incident_id);
create index incidents_by_provider on incidents (provider, incident_id);

-- The timeline: found, told, acknowledged, escalated, resolved, reopened.
create table incident_entries (
  entry_id bigint generated always as identity primary key,
  incident_id text not null references incidents on delete cascade,
  partner_id text,
  at timestamptz not null default now(),
  kind text not null,
  actor text not null,
  text text not null,
  details jsonb not null default '{}'
);
create index incident_entries_by_incident on incident_entries (incident_id, entry_id);

alter table connections add column freshness_objective_seconds int check (freshness_objective_seconds between 60 and 2592000);`

const guarded = [
  'call_stats',
  'connection_health',
  'health_changes',
  'incidents',
  'incident_entries',
] as const
const ofConnections = ['call_stats', 'connection_health', 'health_changes', 'incidents'] as const

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, statements)
  for (const table of guarded) await run(db, tenantPolicy(table))
  for (const table of ofConnections) await run(db, sandboxPolicy(table))
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `alter table connections drop column freshness_objective_seconds;
drop table incident_entries, incidents, health_changes, provider_health, connection_health, call_stats;`,
  )
}
