/** Lost webhooks are found by their numbers; a webhook that holds a replaced secret is made anew; long lanes are read in order. */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements.split(/;\n/))
    if (statement.trim() !== '') await sql.raw(statement).execute(db)
}

const statements = `
-- Numbers of events that never came, of the URL of an app: they belong to no partner, like the app.
create table hook_gaps (
  provider text not null,
  first_missing bigint not null,
  last_missing bigint not null check (last_missing >= first_missing),
  found_at timestamptz not null,
  primary key (provider, first_missing)
);
create index inbox_events_in_order on inbox_events (connection_id, seq) where state = 'waiting';
create index inbox_events_counted on inbox_events (provider, sequence) where sequence is not null;
-- SHA-256 of the secrets that the webhook at the provider was made with.
alter table hook_settings add column subscription_secrets_hash bytea`

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table hook_settings drop column subscription_secrets_hash`.execute(db)
  await sql`drop index inbox_events_counted, inbox_events_in_order`.execute(db)
  await sql`drop table hook_gaps`.execute(db)
}
