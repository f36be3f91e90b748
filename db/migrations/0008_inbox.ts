/** Webhooks: what was posted, what it says has happened, how each connection's are guarded. */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements.split(/;\n/))
    if (statement.trim() !== '') await sql.raw(statement).execute(db)
  for (const table of ['hook_settings', 'inbox_requests', 'inbox_events']) {
    await sql
      .raw(
        `alter table ${table} enable row level security;
create policy tenant on ${table} to tieline_tenant
  using (partner_id = any (string_to_array(current_setting('tieline.partners', true), ',')))
  with check (partner_id = any (string_to_array(current_setting('tieline.partners', true), ',')));
grant select, insert, update, delete on ${table} to tieline_tenant;`,
      )
      .execute(db)
  }
}

const statements = `
create table hook_settings (
  connection_id text primary key references connections,
  partner_id text not null,
  account_id text not null,
  -- {name: [{"value", "until"}]}, the current one first.
  sealed_secrets bytea not null,
  -- Networks that may post (CIDR); empty: any.
  allowed_networks text[] not null default '{}',
  per_minute int not null default 60000 check (per_minute between 1 and 1000000),
  -- The webhook at the provider, where the hub keeps it.
  subscription_id text,
  subscription_state text not null default 'none' check (subscription_state in ('none', 'active', 'failed', 'unsupported')),
  subscription_error text,
  subscription_expires_at timestamptz,
  subscription_checked_at timestamptz,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table inbox_requests (
  request_id text primary key,
  provider text not null,
  -- Null for the URL of an app: what it carried may belong to several.
  connection_id text,
  partner_id text,
  account_id text,
  received_at timestamptz not null default now(),
  client_address text not null,
  bytes int not null,
  checks jsonb not null,
  events int not null,
  -- Events that were new; the rest were delivered before.
  accepted int not null,
  -- Method, URL, headers and body as they came; null when nothing in it was new.
  sealed bytea
);
create index inbox_requests_by_connection on inbox_requests (connection_id, request_id);
create index inbox_requests_by_provider on inbox_requests (provider, request_id);
create index inbox_requests_by_time on inbox_requests (received_at);

create table inbox_events (
  event_id text primary key,
  seq bigint generated always as identity,
  request_id text not null,
  provider text not null,
  -- Null as long as no connection is known for the tenant.
  connection_id text,
  partner_id text,
  account_id text,
  tenant text,
  dedupe_key text not null,
  type text not null,
  about text not null check (about in ('changed', 'deleted', 'notice', 'unknown', 'unreadable')),
  resource text,
  external_id text,
  occurred_at timestamptz,
  sequence bigint,
  received_at timestamptz not null default now(),
  state text not null default 'waiting' check (state in ('unmatched', 'waiting', 'processed', 'dead')),
  outcome text,
  attempts int not null default 0,
  next_at timestamptz not null default now(),
  failure jsonb,
  record_version int,
  workflow_run_id text,
  processed_at timestamptz
);
create unique index inbox_events_once on inbox_events (coalesce(connection_id, provider), dedupe_key);
create index inbox_events_waiting on inbox_events (connection_id, next_at, seq) where state = 'waiting';
create index inbox_events_object on inbox_events (connection_id, resource, external_id, seq) where state = 'waiting';
create index inbox_events_by_connection on inbox_events (connection_id, event_id);
create index inbox_events_by_request on inbox_events (request_id);
create index inbox_events_unmatched on inbox_events (provider, tenant) where state = 'unmatched';
create index inbox_events_dead on inbox_events (connection_id, event_id) where state = 'dead';

create index connections_by_tenant on connections (provider, external_account) where external_account is not null;

-- A webhook may bring a row that does not fit.
alter table quarantine alter column run_id drop not null;
alter table inbox_requests alter column sealed set storage external;`

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table inbox_events, inbox_requests, hook_settings`.execute(db)
  await sql`delete from quarantine where run_id is null`.execute(db)
  await sql`alter table quarantine alter column run_id set not null`.execute(db)
  await sql`drop index connections_by_tenant`.execute(db)
}
