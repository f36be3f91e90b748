/** Automations and their runs; reports that may be answered from an earlier answer. */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements.split(/;\n/))
    if (statement.trim() !== '') await sql.raw(statement).execute(db)
  for (const table of ['automations', 'automation_runs']) {
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
-- When the answer of a report was made: earlier than its end where it was taken from another.
alter table operations add column computed_at timestamptz, add column cached_from text,
  add column is_fresh boolean not null default false;
create index operations_answers on operations (connection_id, name, request_hash, computed_at)
  where kind = 'report' and state = 'succeeded' and cached_from is null;

-- The resource had never been read to its end before: what this run brings was there before, it has not just happened.
alter table run_resources add column first_load boolean not null default false;

create table automations (
  automation_id text primary key,
  partner_id text not null,
  account_id text not null,
  name text not null,
  template text,
  definition jsonb not null,
  state text not null default 'enabled' check (state in ('enabled', 'disabled', 'deleted')),
  version int not null default 1,
  -- Where an event automation stands in its partner's change feed.
  feed_transaction xid8,
  feed_seq bigint,
  hook_secret_hash bytea,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (partner_id, account_id) references accounts (partner_id, account_id)
);
create index automations_by_partner on automations (partner_id, automation_id);
create index automations_listening on automations (automation_id) where state = 'enabled' and feed_transaction is not null;

create table automation_runs (
  automation_run_id text primary key,
  automation_id text not null references automations,
  partner_id text not null,
  account_id text not null,
  -- The definition as it was when the run began.
  definition jsonb not null,
  version int not null,
  trigger_kind text not null check (trigger_kind in ('event', 'schedule', 'webhook', 'manual')),
  -- What must not start a second run: the change, the hour, the caller's key.
  dedupe_key text not null,
  state text not null default 'pending' check (state in ('pending', 'running', 'waiting', 'succeeded', 'failed', 'rejected', 'cancelled', 'compensation_failed')),
  -- The trigger's payload and what the steps gave.
  sealed_context bytea not null,
  steps jsonb not null default '[]',
  waiting jsonb,
  failure jsonb,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  unique (automation_id, dedupe_key)
);
create index automation_runs_by_automation on automation_runs (automation_id, automation_run_id);
create index automation_runs_by_partner on automation_runs (partner_id, automation_run_id);
create index automation_runs_pending on automation_runs (automation_run_id) where state = 'pending';
create index automation_runs_open on automation_runs (automation_id) where ended_at is null;`

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table automation_runs, automations`.execute(db)
  await sql`alter table run_resources drop column first_load`.execute(db)
  await sql`drop index operations_answers`.execute(db)
  await sql`alter table operations drop column computed_at, drop column cached_from, drop column is_fresh`.execute(
    db,
  )
}
