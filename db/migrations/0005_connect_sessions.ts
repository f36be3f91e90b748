/**
 * Connect sessions: one single-use link each, with which a person connects a provider (or connects it again). What the
 * person entered and what the provider answered is sealed, and erased when the session ends.
 */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `
create table connect_sessions (
  session_id text primary key,
  partner_id text not null,
  account_id text not null,
  provider text not null,
  -- Name of the provider's auth method; null until one is chosen.
  auth text,
  -- Named by whoever made the session: nothing to choose on the page.
  is_auth_fixed boolean not null,
  -- The connection that is connected again, or the id that a new one will have.
  connection_id text not null,
  is_reconnection boolean not null,
  allow_other_account boolean not null default false,
  name text,
  sync_interval_seconds int check (sync_interval_seconds between 60 and 604800),
  return_url text,
  state text not null default 'open'
    check (state in ('open', 'waiting_for_consent', 'testing', 'done', 'failed', 'expired')),
  -- Why the last attempt failed.
  failure jsonb,
  -- What was asked for at the consent, in the order of the provider's list.
  asked_scopes jsonb,
  -- Which account it is, as the provider told: settings, its name of the account, a label for people.
  identity jsonb,
  -- What the test proved, and which optional scopes were not granted.
  finding jsonb,
  -- SHA-256 of the secret in the cookie of the browser that opened the link.
  browser_hash bytea,
  opened_at timestamptz,
  -- SHA-256 of the OAuth state that may come back; null once it has.
  state_hash bytea,
  sealed_given bytea,
  sealed_callback bytea,
  sealed_tokens bytea,
  -- Rises with each attempt: what an earlier one still does is not taken for the current one's.
  attempt int not null default 0,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  foreign key (partner_id, account_id) references accounts (partner_id, account_id)
);
create unique index connect_sessions_by_state on connect_sessions (state_hash) where state_hash is not null;
create index connect_sessions_by_partner on connect_sessions (partner_id, session_id);
create index connect_sessions_living on connect_sessions (expires_at) where state not in ('done', 'expired');

alter table connect_sessions enable row level security;
create policy tenant on connect_sessions to tieline_tenant
  using (partner_id = any (string_to_array(current_setting('tieline.partners', true), ',')))
  with check (partner_id = any (string_to_array(current_setting('tieline.partners', true), ',')));
grant select, insert, update, delete on connect_sessions to tieline_tenant;`,
  )
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(db, 'drop table connect_sessions')
}

async function run(db: Kysely<unknown>, text: string): Promise<void> {
  await sql.raw(text).execute(db)
}
