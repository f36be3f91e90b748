/**
 * Alerts: which incidents are told to whom (`alert_policies`), how (`alert_channels`), who is next when nobody answers (`escalations`), when
 * nobody is to be disturbed (`maintenance_windows`), how far each incident is told (`incident_tracks`), and every message (`alert_deliveries`).
 *
 * A partner_id that is null is the whole hub's.
 */
import { sql, type Kysely } from 'kysely'
import { sandboxPolicy, tenantPolicy } from './0013_tenancy.ts'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

const statements = `
create table alert_channels (
  channel_id text primary key,
  partner_id text references partners,
  name text not null,
  kind text not null check (kind in ('email', 'slack', 'webhook', 'pagerduty')),
  -- What is no secret: the host it goes to, how many receive it.
  target text not null,
  -- Addresses, URLs and keys, as JSON.
  sealed bytea not null,
  state text not null default 'active' check (state in ('active', 'disabled', 'deleted')),
  -- It takes nothing since then.
  down_since timestamptz,
  last_error text,
  last_ok_at timestamptz,
  version int not null default 1,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index alert_channels_by_partner on alert_channels (partner_id, channel_id);

create table escalations (
  escalation_id text primary key,
  partner_id text references partners,
  name text not null,
  -- {"levels": [...], "rounds": n}
  definition jsonb not null,
  next_id text references escalations,
  state text not null default 'active' check (state in ('active', 'deleted')),
  version int not null default 1,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index escalations_by_partner on escalations (partner_id, escalation_id);
create index escalations_by_next on escalations (next_id) where next_id is not null;

create table alert_policies (
  policy_id text primary key,
  partner_id text references partners,
  name text not null,
  provider text,
  condition jsonb not null,
  severity text not null check (severity in ('info', 'warning', 'critical')),
  channels text[] not null default '{}',
  escalation_id text references escalations,
  quiet_hours jsonb,
  enabled boolean not null default true,
  state text not null default 'active' check (state in ('active', 'deleted')),
  version int not null default 1,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index alert_policies_by_partner on alert_policies (partner_id, policy_id);
create index alert_policies_by_escalation on alert_policies (escalation_id) where escalation_id is not null;

-- What a policy was before.
create table alert_policy_versions (
  policy_id text not null references alert_policies,
  version int not null,
  partner_id text,
  definition jsonb not null,
  changed_by text not null,
  changed_at timestamptz not null default now(),
  primary key (policy_id, version)
);

create table maintenance_windows (
  window_id text primary key,
  -- Each that is null: all of them.
  partner_id text references partners,
  provider text,
  connection_id text references connections,
  reason text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null check (ends_at > starts_at),
  created_by text not null,
  created_at timestamptz not null default now()
);
create index maintenance_windows_by_end on maintenance_windows (ends_at);
create index maintenance_windows_by_partner on maintenance_windows (partner_id, window_id);
create index maintenance_windows_by_connection on maintenance_windows (connection_id) where connection_id is not null;

-- The incident whose messages tell of this one as well: itself, or the first of a group.
alter table incidents add column leader_id text references incidents;
create index incidents_by_leader on incidents (leader_id) where leader_id is not null;
create index incident_entries_by_time on incident_entries (at);
create index incidents_by_end on incidents (resolved_at) where resolved_at is not null;
create index incidents_unresolved on incidents (incident_id) where state <> 'resolved';

create table incident_tracks (
  incident_id text not null references incidents on delete cascade,
  policy_id text not null references alert_policies,
  partner_id text,
  step int not null default 0,
  told boolean not null default false,
  hurry boolean not null default false,
  -- The acknowledgement was passed on to whoever keeps a state of its own.
  passed_on boolean not null default false,
  -- Why nobody was told; once.
  not_told text,
  started_at timestamptz not null,
  next_at timestamptz not null,
  planned_at timestamptz not null,
  -- When it was first seen that all of it is over.
  over_at timestamptz,
  -- Until when its workflow rests.
  wake_at timestamptz,
  -- Sum of the versions of its incidents when it was planned: another sum is news.
  seen_version bigint not null default 0,
  ended_at timestamptz,
  primary key (incident_id, policy_id)
);
create index incident_tracks_live on incident_tracks (incident_id) where ended_at is null;
create index incident_tracks_by_policy on incident_tracks (policy_id);

create table alert_deliveries (
  delivery_id text primary key,
  channel_id text not null references alert_channels,
  partner_id text,
  -- Null: a test.
  incident_id text references incidents on delete cascade,
  policy_id text,
  kind text not null check (kind in ('opened', 'repeated', 'escalated', 'acknowledged', 'resolved', 'test')),
  -- In words: "Night: level 2".
  step text,
  state text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed', 'discarded')),
  attempts int not null default 0,
  next_at timestamptz not null,
  leased_until timestamptz,
  last_error text,
  -- Another one when what is to be said has changed while it was on its way.
  version int not null default 1,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
-- Who could not be reached for hours is told how it is now, once.
create unique index alert_deliveries_waiting on alert_deliveries (incident_id, channel_id) where state = 'waiting' and incident_id is not null;
create index alert_deliveries_due on alert_deliveries (next_at) where state = 'waiting';
create index alert_deliveries_by_incident on alert_deliveries (incident_id, delivery_id);
create index alert_deliveries_by_channel on alert_deliveries (channel_id, delivery_id);
create index alert_deliveries_by_partner on alert_deliveries (partner_id, delivery_id);`

/** What everybody wants to hear of, out of the box; told to every active channel of the hub. */
const defaults = [
  ['01', 'Whatever health checks find', { kind: 'incident' }, 'warning'],
  [
    '02',
    'A provider is not well for half an hour',
    { kind: 'state', states: ['degraded'], minutes: 30 },
    'warning',
  ],
  ['03', 'The error budget burns', { kind: 'burn_rate' }, 'critical'],
  ['04', 'Dead letters grow', { kind: 'dead_letters', atLeast: 20 }, 'warning'],
  ['05', 'Data is an hour older than it should be', { kind: 'freshness', minutes: 60 }, 'warning'],
  ['06', 'A credential ends within a week', { kind: 'credential_expiry', days: 7 }, 'warning'],
  ['07', 'A quota is used up within the hour', { kind: 'quota_forecast', minutes: 60 }, 'warning'],
  ['08', 'Data is not as the provider has it', { kind: 'integrity' }, 'critical'],
] as const

const guarded = [
  'alert_channels',
  'escalations',
  'alert_policies',
  'alert_policy_versions',
  'maintenance_windows',
  'incident_tracks',
  'alert_deliveries',
] as const

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, statements)
  for (const table of guarded) await run(db, tenantPolicy(table))
  await run(db, sandboxPolicy('maintenance_windows'))
  for (const [n, name, condition, severity] of defaults)
    await sql`
      insert into alert_policies (policy_id, name, condition, severity, created_by)
      values (${`apo_000000000000000000000000${n}`}, ${name}, ${JSON.stringify(condition)}::jsonb, ${severity}, 'tieline')
    `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `drop table alert_deliveries, incident_tracks, maintenance_windows, alert_policy_versions, alert_policies, escalations, alert_channels;
drop index incidents_by_leader, incidents_unresolved, incidents_by_end, incident_entries_by_time; alter table incidents drop column leader_id;`,
  )
}
