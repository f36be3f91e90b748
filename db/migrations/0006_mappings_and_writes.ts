/**
 * Mappings in both directions with a state of their own; re-mappings of what is stored; writes to providers. The change
 * feed learns where a change came from, so that the hub's own writes are told from others'.
 */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `
alter table mappings
  add column direction text not null default 'in' check (direction in ('in', 'out')),
  add column state text not null default 'live' check (state in ('draft', 'live', 'retired')),
  add column published_at timestamptz,
  drop constraint mappings_pkey,
  add primary key (connection_id, resource, direction, version);
create unique index mappings_live on mappings (connection_id, resource, direction) where state = 'live';

-- Which version of the connection's mapping made \`mapped\`; 0: the provider's default.
alter table records add column mapping_version int not null default 0;

-- What mappings could not convert, by field: how often in this run.
alter table run_resources add column mapping_problems jsonb not null default '{}';

alter table changes add column origin text;
alter table changes drop constraint changes_effect_check;
alter table changes add constraint changes_effect_check
  check (effect in ('created', 'updated', 'deleted', 'restored', 'remapped'));

create table remaps (
  remap_id text primary key,
  partner_id text not null,
  account_id text not null,
  connection_id text not null references connections,
  resource text not null,
  -- 0: back to the default.
  mapping_version int not null,
  -- Counts what would change and writes nothing.
  dry_run boolean not null default false,
  -- The rules that a dry run tries; others use the live mapping.
  rules jsonb,
  state text not null default 'running' check (state in ('running', 'succeeded', 'failed', 'cancelled')),
  after_id text not null default '',
  expected bigint not null default 0,
  scanned bigint not null default 0,
  changed bigint not null default 0,
  troubled bigint not null default 0,
  changed_fields jsonb not null default '{}',
  problems jsonb not null default '{}',
  samples jsonb not null default '[]',
  failure jsonb,
  started_by text not null,
  started_at timestamptz not null default now(),
  ended_at timestamptz
);
create index remaps_by_connection on remaps (connection_id, remap_id);

-- Fields that objects of a resource have in an account, as the provider described them.
create table field_descriptions (
  connection_id text not null references connections,
  resource text not null,
  partner_id text not null,
  fields jsonb not null,
  described_at timestamptz not null default now(),
  primary key (connection_id, resource)
);

create table write_sets (
  set_id text primary key,
  partner_id text not null,
  account_id text not null,
  idempotency_key text not null,
  request_hash bytea not null,
  -- together: when one fails, those before it are taken back; independent: each for itself.
  mode text not null check (mode in ('together', 'independent')),
  state text not null default 'running' check (state in ('running', 'succeeded', 'partly_failed', 'failed', 'compensated', 'compensation_failed')),
  started_by text not null,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  unique (account_id, idempotency_key)
);

create table writes (
  write_id text primary key,
  partner_id text not null,
  account_id text not null,
  connection_id text not null references connections,
  set_id text references write_sets,
  ordinal int not null default 0,
  resource text not null,
  operation text not null check (operation in ('create', 'update', 'delete')),
  external_id text,
  idempotency_key text not null,
  request_hash bytea not null,
  policy text not null check (policy in ('provider_wins', 'hub_wins', 'newest_wins', 'ask')),
  based_on_version int,
  state text not null default 'running' check (state in ('running', 'needs_decision', 'succeeded', 'failed', 'compensated', 'compensation_failed')),
  -- The fields to write, as they were asked for.
  sealed_request bytea not null,
  -- The object before the write, for compensation.
  sealed_before bytea,
  -- What both sides changed: fields with their three values.
  sealed_conflict bytea,
  conflict_fields jsonb not null default '[]',
  decision jsonb,
  written_fields jsonb not null default '[]',
  dropped_fields jsonb not null default '[]',
  record_version int,
  failure jsonb,
  calls int not null default 0,
  started_by text not null,
  started_at timestamptz not null default now(),
  -- Bounds the part of the change feed that may hold what came of it.
  started_transaction xid8 not null default pg_current_xact_id(),
  ended_at timestamptz,
  unique (connection_id, idempotency_key)
);
create index writes_by_connection on writes (connection_id, write_id);
create index writes_by_set on writes (set_id, ordinal) where set_id is not null;
create index writes_under_way on writes (connection_id, resource, external_id) where state = 'running';`,
  )
  for (const table of ['remaps', 'field_descriptions', 'write_sets', 'writes']) {
    await run(
      db,
      `alter table ${table} enable row level security;
create policy tenant on ${table} to tieline_tenant
  using (partner_id = any (string_to_array(current_setting('tieline.partners', true), ',')))
  with check (partner_id = any (string_to_array(current_setting('tieline.partners', true), ',')));
grant select, insert, update, delete on ${table} to tieline_tenant;`,
    )
  }
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `
drop table writes, write_sets, field_descriptions, remaps;
delete from changes where effect = 'remapped';
alter table changes drop constraint changes_effect_check;
alter table changes add constraint changes_effect_check check (effect in ('created', 'updated', 'deleted', 'restored'));
alter table changes drop column origin;
alter table records drop column mapping_version;
alter table run_resources drop column mapping_problems;
delete from mappings where state <> 'live' or direction <> 'in';
drop index mappings_live;
alter table mappings drop constraint mappings_pkey, add primary key (connection_id, resource, version),
  drop column direction, drop column state, drop column published_at;`,
  )
}

async function run(db: Kysely<unknown>, statements: string): Promise<void> {
  for (const statement of statements.split(/;\n/))
    if (statement.trim() !== '') await sql.raw(statement).execute(db)
}
