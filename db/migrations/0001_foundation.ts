/**
 * Tenants, connections, secrets, records, runs and what proves them.
 *
 * Sized for 10,000 connections and 100 million records:
 * - `records` is hash-partitioned by connection (32 parts of about 3 million rows): every hot query names the connection,
 *   a page's upsert touches one part, and vacuum works on small tables.
 * - `record_versions`, `changes` and `pages` grow with time and are dropped by age: range-partitioned by month, so that
 *   retention is `drop table` and not a delete. `db/partitions.ts` makes the months ahead; a default part catches the rest.
 * - everything else stays small enough (runs: one row per run, deleted by age through its primary key's time order).
 *
 * Every table with a `partner_id` has row-level security: the role `tieline_tenant`, which `asTenant` takes for the length
 * of a transaction, sees only rows of the partners named in the setting `tieline.partners`.
 */
import { sql, type Kysely } from 'kysely'

const tenantTables = [
  'partners',
  'accounts',
  'data_keys',
  'connections',
  'credentials',
  'mappings',
  'records',
  'record_versions',
  'record_counts',
  'quarantine',
  'cursors',
  'runs',
  'run_resources',
  'run_calls',
  'pages',
  'scan_seen',
  'proofs',
  'changes',
  'operations',
  'audit',
] as const

export async function up(db: Kysely<unknown>): Promise<void> {
  await makeTenantRole(db)
  await run(
    db,
    `
create table partners (
  partner_id text primary key,
  name text not null,
  created_at timestamptz not null default now()
);
create table accounts (
  account_id text primary key,
  partner_id text not null references partners,
  name text not null,
  created_at timestamptz not null default now(),
  unique (partner_id, account_id)
);
create index accounts_by_partner on accounts (partner_id, account_id);

-- One data key per account, wrapped by the key ring; 'hub' holds the hub's own.
create table data_keys (
  owner_id text not null,
  version int not null,
  partner_id text references partners,
  ring_key_id text not null,
  wrapped bytea not null,
  created_at timestamptz not null default now(),
  primary key (owner_id, version)
);
create index data_keys_by_ring_key on data_keys (ring_key_id, owner_id);

create table connections (
  connection_id text primary key,
  partner_id text not null,
  account_id text not null,
  provider text not null,
  name text not null,
  state text not null default 'active' check (state in ('active', 'paused', 'needs_attention', 'deleted')),
  state_reason text,
  settings jsonb not null default '{}',
  sync_interval_seconds int not null default 900 check (sync_interval_seconds between 60 and 604800),
  version int not null default 1,
  last_run_id text,
  last_synced_at timestamptz,
  last_checked_at timestamptz,
  last_check jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (partner_id, account_id) references accounts (partner_id, account_id)
);
create index connections_by_partner on connections (partner_id, connection_id);
create index connections_by_account on connections (account_id, connection_id);
create index connections_by_provider on connections (provider, connection_id);
create index connections_by_state on connections (state, connection_id);

create table credentials (
  connection_id text not null references connections,
  generation int not null,
  partner_id text not null,
  account_id text not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  primary key (connection_id, generation)
);

create table mappings (
  connection_id text not null references connections,
  resource text not null,
  version int not null,
  partner_id text not null,
  mapping jsonb not null,
  created_at timestamptz not null default now(),
  created_by text not null,
  primary key (connection_id, resource, version)
);

create table records (
  connection_id text not null,
  resource text not null,
  external_id text not null,
  partner_id text not null,
  account_id text not null,
  model text not null,
  raw jsonb not null,
  mapped jsonb not null,
  fingerprint bytea not null,
  source_updated_at timestamptz,
  read_at timestamptz not null,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  deleted_at timestamptz,
  version int not null default 1,
  run_id text,
  primary key (connection_id, resource, external_id)
) partition by hash (connection_id);
-- Living records per resource, kept by every transaction that adds or removes one: a count must not cost a scan.
create table record_counts (
  connection_id text not null,
  resource text not null,
  partner_id text not null,
  living bigint not null,
  primary key (connection_id, resource)
);
create index records_by_change on records (connection_id, resource, changed_at, external_id);
create index records_by_model on records (partner_id, model, changed_at, connection_id, external_id);

-- Versions that were superseded, with what ended them; the living version is the row in records.
create table record_versions (
  connection_id text not null,
  resource text not null,
  external_id text not null,
  version int not null,
  partner_id text not null,
  raw jsonb not null,
  source_updated_at timestamptz,
  was_deleted boolean not null,
  ended_by text not null check (ended_by in ('updated', 'deleted', 'restored')),
  run_id text,
  created_at timestamptz not null default now(),
  primary key (connection_id, resource, external_id, version, created_at)
) partition by range (created_at);

create table quarantine (
  connection_id text not null references connections,
  resource text not null,
  external_id text not null,
  partner_id text not null,
  run_id text not null,
  reason text not null,
  raw jsonb not null,
  read_at timestamptz not null,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  primary key (connection_id, resource, external_id)
);

-- Where the next run begins. Moves with every page, in the page's own transaction.
create table cursors (
  connection_id text not null references connections,
  resource text not null,
  partner_id text not null,
  position jsonb not null,
  scan_complete boolean not null default false,
  run_id text not null,
  updated_at timestamptz not null default now(),
  primary key (connection_id, resource)
);

create table runs (
  run_id text primary key,
  partner_id text not null,
  account_id text not null,
  connection_id text not null references connections,
  provider text not null,
  mode text not null check (mode in ('incremental', 'full', 'force')),
  dry_run boolean not null default false,
  state text not null check (state in ('running', 'paused', 'waiting', 'succeeded', 'failed', 'partly_failed', 'cancelled')),
  started_by text not null,
  -- The syncMany that asked for it.
  batch_id text,
  workflow_id text not null,
  workflow_run_id text,
  failure jsonb,
  started_at timestamptz not null default now(),
  ended_at timestamptz
);
create index runs_by_batch on runs (batch_id, run_id) where batch_id is not null;
create index runs_by_connection on runs (connection_id, run_id);
create index runs_by_partner on runs (partner_id, run_id);
create index runs_by_provider on runs (provider, run_id);
create index runs_by_state on runs (state, run_id);
create unique index runs_by_workflow on runs (workflow_id, workflow_run_id);

create table run_resources (
  run_id text not null references runs on delete cascade,
  resource text not null,
  ordinal int not null,
  partner_id text not null,
  state text not null default 'waiting' check (state in ('waiting', 'running', 'succeeded', 'failed', 'skipped')),
  -- Read from the start in this run, so that what it did not see may be gone.
  full_scan boolean not null default false,
  -- Ids are noted in scan_seen (not on a first load: there is nothing to miss).
  track_seen boolean not null default false,
  position jsonb,
  pages int not null default 0,
  scanned bigint not null default 0,
  created bigint not null default 0,
  updated bigint not null default 0,
  unchanged bigint not null default 0,
  deleted bigint not null default 0,
  stale bigint not null default 0,
  quarantined bigint not null default 0,
  retried bigint not null default 0,
  calls bigint not null default 0,
  content_hash numeric(80) not null default 0,
  changed_fields jsonb not null default '{}',
  samples jsonb not null default '[]',
  expected bigint,
  failure jsonb,
  verification jsonb,
  started_at timestamptz,
  ended_at timestamptz,
  primary key (run_id, resource)
);

-- The trail of provider calls of a run (failures and a bounded tail of successes): no bodies, no query values.
create table run_calls (
  run_id text not null references runs on delete cascade,
  seq bigint generated always as identity,
  partner_id text not null,
  resource text not null,
  at timestamptz not null,
  method text not null,
  path text not null,
  call_group text not null,
  status int,
  attempt int not null,
  duration_ms int not null,
  bytes bigint not null,
  outcome text not null,
  primary key (run_id, seq)
);

create table pages (
  run_id text not null,
  resource text not null,
  page int not null,
  partner_id text not null,
  connection_id text not null,
  position_in jsonb,
  position_out jsonb not null,
  scanned int not null,
  created int not null,
  updated int not null,
  unchanged int not null,
  deleted int not null,
  stale int not null,
  quarantined int not null,
  content_hash numeric(80) not null,
  read_at timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (run_id, resource, page, created_at)
) partition by range (created_at);

-- Ids (and fingerprints) that a run has seen, where deletions come from a scan or the run is a dry one. Emptied at its end.
create table scan_seen (
  run_id text not null references runs on delete cascade,
  resource text not null,
  external_id text not null,
  partner_id text not null,
  fingerprint bytea,
  deleted boolean not null default false,
  primary key (run_id, resource, external_id)
);

create table proofs (
  run_id text primary key references runs on delete cascade,
  partner_id text not null,
  key_id text not null,
  jws text not null,
  created_at timestamptz not null default now()
);

-- Ed25519 keys that sign proofs. Public halves are served for off-line checks; old ones are kept for ever.
create table signing_keys (
  key_id text primary key,
  purpose text not null check (purpose in ('proof')),
  public_jwk jsonb not null,
  sealed_private bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
create unique index signing_keys_current on signing_keys (purpose) where retired_at is null;

-- What changed in the store, in commit order: readers go by (transaction_id, seq) and stop before the oldest open transaction.
create table changes (
  transaction_id xid8 not null default pg_current_xact_id(),
  seq bigint generated always as identity,
  partner_id text not null,
  account_id text not null,
  connection_id text not null,
  resource text not null,
  external_id text not null,
  model text not null,
  effect text not null check (effect in ('created', 'updated', 'deleted', 'restored')),
  version int not null,
  run_id text,
  created_at timestamptz not null default now(),
  primary key (transaction_id, seq, created_at)
) partition by range (created_at);
create index changes_by_partner on changes (partner_id, transaction_id, seq);

-- Actions and reports that were asked for, with their idempotency keys. Input and result are sealed.
create table operations (
  operation_id text primary key,
  partner_id text not null,
  account_id text not null,
  connection_id text not null references connections,
  kind text not null check (kind in ('action', 'report')),
  name text not null,
  idempotency_key text not null,
  request_hash bytea not null,
  state text not null check (state in ('running', 'succeeded', 'failed')),
  sealed_input bytea not null,
  sealed_result bytea,
  failure jsonb,
  calls int not null default 0,
  started_by text not null,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  unique (connection_id, idempotency_key)
);
create index operations_by_connection on operations (connection_id, operation_id);

-- One chain for the whole hub: each entry's hash covers its content and the hash before it.
create table audit (
  seq bigint primary key,
  at timestamptz not null,
  partner_id text references partners,
  actor text not null,
  action text not null,
  subject text not null,
  details jsonb not null default '{}',
  previous_hash bytea not null,
  hash bytea not null
);
create index audit_by_subject on audit (subject, seq);
create index audit_by_partner on audit (partner_id, seq);

create table rate_buckets (
  bucket_key text primary key,
  tokens double precision not null,
  capacity double precision not null,
  window_ms double precision not null,
  refilled_at timestamptz not null,
  blocked_until timestamptz
);`,
  )

  for (let part = 0; part < 32; part++) {
    const name = `records_p${String(part).padStart(2, '0')}`
    await run(db, `create table ${name} partition of records for values with (modulus 32, remainder ${part})`)
    // Rows are rewritten in place when an object changes: leave room on the page for HOT updates.
    await run(db, `alter table ${name} set (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05)`)
  }
  for (const table of ['record_versions', 'changes', 'pages']) {
    await run(db, `create table ${table}_default partition of ${table} default`)
  }
  for (const table of tenantTables) {
    await run(
      db,
      `alter table ${table} enable row level security;
create policy tenant on ${table} to tieline_tenant
  using (partner_id = any (string_to_array(current_setting('tieline.partners', true), ',')))
  with check (partner_id = any (string_to_array(current_setting('tieline.partners', true), ',')));
grant select, insert, update, delete on ${table} to tieline_tenant;`,
    )
  }
  await run(db, 'revoke update, delete on audit from tieline_tenant')
  // The chain is the hub's, a tenant's entries hang in it: whoever appends gets the end of the chain, locked until the
  // transaction ends, and nothing else of it.
  await run(
    db,
    `create function audit_tail(out last_seq bigint, out last_hash bytea) language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
  perform pg_advisory_xact_lock(7465696, 1);
  select seq, hash into last_seq, last_hash from audit order by seq desc limit 1;
end $$;
revoke all on function audit_tail() from public;
grant execute on function audit_tail() to tieline_tenant;`,
  )
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(db, 'drop function if exists audit_tail()')
  for (const table of ['rate_buckets', 'signing_keys', ...[...tenantTables].reverse()]) {
    await run(db, `drop table if exists ${table} cascade`)
  }
}

/**
 * The role is one for the whole server: databases of several hubs share it. Whoever migrates must be able to take it
 * (from Postgres 16 on that is the SET option of a membership; before, any membership).
 */
async function makeTenantRole(db: Kysely<unknown>): Promise<void> {
  await sql`
do $$ begin
  if not exists (select from pg_roles where rolname = 'tieline_tenant') then
    create role tieline_tenant nologin;
  end if;
exception
  when duplicate_object or unique_violation then null;
  when insufficient_privilege then
    raise insufficient_privilege using message = format('the user %I may not create the role tieline_tenant: '
      'let an administrator run "create role tieline_tenant nologin; grant tieline_tenant to %1$I"', current_user);
end $$`.execute(db)
  await sql`
do $$ begin
  if not pg_has_role(current_user, 'tieline_tenant',
    case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end)
  then
    execute format('grant tieline_tenant to %I', current_user);
  end if;
exception when insufficient_privilege then
  raise insufficient_privilege using message = format('the user %I may not take the role tieline_tenant: '
    'let an administrator run "grant tieline_tenant to %1$I"', current_user);
end $$`.execute(db)
}

async function run(db: Kysely<unknown>, text: string): Promise<void> {
  await sql.raw(text).execute(db)
}
