/**
 * Verifications: comparisons of what a provider has with what the store has, their findings object by object, and what was done about
 * them. `verification_seen` holds the ids of a comparison in full while it runs.
 */
import { sql, type Kysely } from 'kysely'
import { sandboxPolicy, tenantPolicy } from './0013_tenancy.ts'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

const statements = `
create table verifications (
  verification_id text primary key,
  partner_id text not null,
  account_id text not null,
  connection_id text not null references connections,
  provider text not null,
  mode text not null check (mode in ('sample', 'full')),
  -- What is to be done about findings: nothing, ask a person, at once.
  repair text not null check (repair in ('none', 'ask', 'apply')),
  state text not null default 'running'
    check (state in ('running', 'asking', 'repairing', 'succeeded', 'failed', 'cancelled')),
  wished_resources text[],
  decided_by text,
  decision text check (decision in ('approved', 'rejected')),
  repaired int not null default 0,
  not_repaired int not null default 0,
  drift jsonb,
  failure jsonb,
  key_id text,
  jws text,
  workflow_run_id text,
  started_by text not null,
  started_at timestamptz not null default now(),
  ended_at timestamptz
);
create index verifications_by_connection on verifications (connection_id, verification_id);
create index verifications_by_partner on verifications (partner_id, verification_id);

create table verification_resources (
  verification_id text not null references verifications on delete cascade,
  resource text not null,
  ordinal int not null,
  partner_id text not null,
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'skipped')),
  position jsonb,
  pages int not null default 0,
  provider_count bigint,
  store_count bigint,
  checked bigint not null default 0,
  matching bigint not null default 0,
  pending bigint not null default 0,
  missing bigint not null default 0,
  extra bigint not null default 0,
  stale bigint not null default 0,
  different bigint not null default 0,
  orphans bigint not null default 0,
  calls int not null default 0,
  note text,
  started_at timestamptz,
  ended_at timestamptz,
  primary key (verification_id, resource)
);

create table verification_findings (
  verification_id text not null references verifications on delete cascade,
  resource text not null,
  external_id text not null,
  kind text not null check (kind in ('missing', 'extra', 'stale', 'different', 'orphan')),
  partner_id text not null,
  -- Names of fields, never values.
  fields text[] not null default '{}',
  found_at timestamptz not null default now(),
  -- repaired, gone (settled itself meanwhile), or why not.
  outcome text,
  settled_at timestamptz,
  primary key (verification_id, resource, external_id, kind)
);
create index verification_findings_open on verification_findings (verification_id, resource, external_id) where settled_at is null;

create table verification_seen (
  verification_id text not null references verifications on delete cascade,
  resource text not null,
  external_id text not null,
  partner_id text not null,
  primary key (verification_id, resource, external_id)
);`

const guarded = [
  'verifications',
  'verification_resources',
  'verification_findings',
  'verification_seen',
] as const

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, statements)
  for (const table of guarded) await run(db, tenantPolicy(table))
  await run(db, sandboxPolicy('verifications'))
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(db, `drop table ${[...guarded].reverse().join(', ')}`)
}
