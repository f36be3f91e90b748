/**
 * Outbound webhooks: what the hub itself has to tell (beside the change feed), the partners' endpoints with their place in
 * that stream, deliveries and the log of their attempts.
 *
 * Runs and connections tell of themselves by trigger: whichever way their state changes, the event is in the same
 * transaction. `seq` comes from the sequence of `changes`, so that both tables together have one order.
 */
import { sql, type Kysely } from 'kysely'

const tables = ['hub_events', 'endpoints', 'deliveries', 'delivery_attempts'] as const

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, statements)
  for (const table of tables) await run(db, guarded(table))
}

const statements = `
create table hub_events (
  transaction_id xid8 not null default pg_current_xact_id(),
  seq bigint not null default nextval(pg_get_serial_sequence('changes', 'seq')),
  partner_id text not null,
  account_id text,
  type text not null,
  -- What it is about: a run, a connection, an endpoint.
  subject text not null,
  data jsonb not null default '{}',
  created_at timestamptz not null default now(),
  primary key (transaction_id, seq, created_at)
) partition by range (created_at);
create table hub_events_default partition of hub_events default;
create index hub_events_by_partner on hub_events (partner_id, transaction_id, seq);
grant usage on sequence changes_seq_seq to tieline_tenant;

create table endpoints (
  endpoint_id text primary key,
  partner_id text not null references partners,
  url text not null,
  description text not null default '',
  -- Exact types, "<group>.*" or "*".
  event_types text[] not null,
  state text not null default 'active' check (state in ('active', 'failing', 'disabled', 'deleted')),
  -- gone, asked, unreachable, or what a person wrote.
  state_reason text,
  ordered boolean not null default false,
  max_concurrency int not null default 5 check (max_concurrency between 1 and 50),
  rate_per_second int not null default 50 check (rate_per_second between 1 and 1000),
  -- [{"scheme", "secret", "createdAt", "until"}], the current one first.
  sealed_secrets bytea not null,
  -- Its place in the stream: what comes after has no row yet.
  feed_transaction xid8 not null,
  feed_seq bigint not null default 0,
  -- Its workflow rests and wants to hear of new events.
  awaits_events boolean not null default true,
  -- When its workflow means to look next; long past: it was not woken.
  wake_at timestamptz,
  failures_in_row int not null default 0,
  failing_since timestamptz,
  last_success_at timestamptz,
  -- Nothing is sent before this: the receiver has asked for a pause.
  hold_until timestamptz,
  probe_at timestamptz,
  probes int not null default 0,
  version int not null default 1,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index endpoints_by_partner on endpoints (partner_id, endpoint_id);
create index endpoints_living on endpoints (endpoint_id) where state in ('active', 'failing');

create table deliveries (
  delivery_id text primary key,
  endpoint_id text not null references endpoints,
  partner_id text not null,
  event_transaction xid8 not null,
  event_seq bigint not null,
  event_type text not null,
  kind text not null check (kind in ('event', 'replay', 'test')),
  state text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed', 'discarded')),
  attempts int not null default 0,
  next_at timestamptz not null,
  first_attempt_at timestamptz,
  last_attempt_at timestamptz,
  last_status int,
  last_error text,
  replay_of text,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
-- One on its way per endpoint and event; also the order of an ordered endpoint.
create unique index deliveries_waiting on deliveries (endpoint_id, event_transaction, event_seq) where state = 'waiting';
create index deliveries_due on deliveries (endpoint_id, next_at) where state = 'waiting';
create index deliveries_by_endpoint on deliveries (endpoint_id, delivery_id);
create index deliveries_by_partner on deliveries (partner_id, delivery_id);
create index deliveries_failed on deliveries (endpoint_id, delivery_id) where state = 'failed';
create index deliveries_by_event on deliveries (event_transaction, event_seq);

create table delivery_attempts (
  delivery_id text not null references deliveries on delete cascade,
  attempt int not null,
  endpoint_id text not null,
  partner_id text not null,
  at timestamptz not null,
  duration_ms int not null,
  url text not null,
  request_headers jsonb not null,
  request_bytes int not null,
  -- SHA-256 of the body.
  request_hash bytea not null,
  outcome text not null check (outcome in ('delivered', 'retry', 'aborted', 'disabled', 'given_up')),
  status int,
  error text,
  answer_headers jsonb,
  -- At most 16 KB.
  answer_body text,
  answer_truncated boolean not null default false,
  primary key (delivery_id, attempt)
);
create index delivery_attempts_by_endpoint on delivery_attempts (endpoint_id, at);

create function tell_of_run() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into hub_events (partner_id, account_id, type, subject, data)
  select new.partner_id, new.account_id, 'sync.' || new.state, new.run_id, jsonb_build_object(
    'connectionId', new.connection_id, 'provider', new.provider, 'runId', new.run_id, 'mode', new.mode,
    'startedAt', to_char(new.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'endedAt', to_char(new.ended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'created', coalesce(sum(r.created), 0), 'updated', coalesce(sum(r.updated), 0), 'deleted', coalesce(sum(r.deleted), 0),
    'failure', new.failure)
  from run_resources r where r.run_id = new.run_id;
  return null;
end $$;
create trigger runs_tell after update of ended_at on runs for each row
  when (old.ended_at is null and new.ended_at is not null and not new.dry_run and new.state in ('succeeded', 'partly_failed', 'failed'))
  execute function tell_of_run();

create function tell_of_connection() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  was text := case when tg_op = 'UPDATE' then old.state end;
  told text;
begin
  told := case
    when was is null then 'connection.created'
    when new.state = 'needs_attention' then 'connection.needs_attention'
    when new.state = 'deleted' then 'connection.deleted'
    when new.state = 'paused' then 'connection.paused'
    when was = 'needs_attention' then 'connection.restored'
    else 'connection.resumed' end;
  insert into hub_events (partner_id, account_id, type, subject, data)
  values (new.partner_id, new.account_id, told, new.connection_id, jsonb_build_object(
    'connectionId', new.connection_id, 'provider', new.provider, 'name', new.name, 'state', new.state,
    'reason', new.state_reason, 'whoMustAct', new.state_who));
  return null;
end $$;
create trigger connections_tell_new after insert on connections for each row execute function tell_of_connection();
create trigger connections_tell after update of state on connections for each row
  when (old.state is distinct from new.state) execute function tell_of_connection();`

const mine = `partner_id = any (string_to_array(current_setting('tieline.partners', true), ','))`

const guarded = (table: string): string => `
alter table ${table} enable row level security;
create policy tenant on ${table} to tieline_tenant using (${mine}) with check (${mine});
grant select, insert, update, delete on ${table} to tieline_tenant;`

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `
drop trigger connections_tell on connections;
drop trigger connections_tell_new on connections;
drop trigger runs_tell on runs;
drop function tell_of_connection();
drop function tell_of_run();
drop table delivery_attempts, deliveries, endpoints, hub_events;
revoke usage on sequence changes_seq_seq from tieline_tenant`,
  )
}

async function run(db: Kysely<unknown>, text: string): Promise<void> {
  await sql.raw(text).execute(db)
}
