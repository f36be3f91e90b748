/** Rules for what comes by webhook: versions, the one in force, and what each rule did with each event. */
import { sql, type Kysely } from 'kysely'

const tables = ['hook_rules', 'hook_rule_versions', 'hook_rule_effects'] as const

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements.split(/;\n/))
    if (statement.trim() !== '') await sql.raw(statement).execute(db)
  for (const table of tables)
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

const statements = `
create table hook_rules (
  rule_id text primary key,
  partner_id text not null references partners,
  -- Null: every connection of the partner (of the provider, where one is named).
  connection_id text references connections,
  provider text,
  name text not null,
  -- Null: none is in force.
  active_version int,
  latest_version int not null default 1,
  -- Where the version in force sends events; null when none is.
  active_target text,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index hook_rules_active on hook_rules (partner_id, rule_id) where active_version is not null;
create index hook_rules_by_partner on hook_rules (partner_id, rule_id);
create table hook_rule_versions (
  rule_id text not null references hook_rules on delete cascade,
  version int not null,
  partner_id text not null,
  definition jsonb not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  activated_at timestamptz,
  primary key (rule_id, version)
);
-- Once per event and rule, however often the event is replayed. Outlives its rule.
create table hook_rule_effects (
  event_id text not null,
  rule_id text not null,
  version int not null,
  partner_id text not null,
  target text not null,
  outcome text not null check (outcome in ('done', 'skipped')),
  detail text,
  -- The automation's run, or the event in the stream.
  subject text,
  created_at timestamptz not null default now(),
  primary key (event_id, rule_id)
);
create index hook_rule_effects_by_rule on hook_rule_effects (rule_id, event_id)`

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table hook_rule_effects, hook_rule_versions, hook_rules`.execute(db)
}
