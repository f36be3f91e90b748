/** Tests of connections, step by step: what each step found, and what a test has left at the provider. Twenty per connection are kept. */
import { sql, type Kysely } from 'kysely'
import { sandboxPolicy, tenantPolicy } from './0013_tenancy.ts'

const statements = `
create table diagnoses (
  diagnosis_id text primary key,
  partner_id text not null,
  connection_id text not null references connections,
  -- Of the workflow that carries it out: a repeated step finds its row by it.
  workflow_id text not null,
  workflow_run_id text not null,
  started_by text not null,
  -- Whether whoever asked for it allowed to write one object and delete it again.
  writes boolean not null,
  state text not null default 'running' check (state in ('running', 'passed', 'warned', 'failed', 'cancelled')),
  -- By name of the step.
  steps jsonb not null default '{}',
  -- The object that was made and is not deleted yet: {"resource": …, "externalId": …}.
  left_object jsonb,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  unique (connection_id, workflow_run_id)
);
create index diagnoses_by_connection on diagnoses (connection_id, diagnosis_id);
-- What the last consent did not grant.
create index connect_sessions_by_connection on connect_sessions (connection_id, session_id);
`

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db)
  await sql.raw(tenantPolicy('diagnoses')).execute(db)
  await sql.raw(sandboxPolicy('diagnoses')).execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index connect_sessions_by_connection`.execute(db)
  await sql`drop table diagnoses`.execute(db)
}
