/**
 * Rotations of secrets: one row each, whatever is rotated; which secret of two is used; the hub's own apps at providers; and which
 * process knows which key of the ring.
 */
import { sql, type Kysely } from 'kysely'
import { tellsOfChange, tenantPolicy } from './0013_tenancy.ts'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, tables)
  await run(db, tenantPolicy('rotations'))
  await run(db, tellsOfChange('provider_apps', 'provider_app', 'provider'))
}

const tables = `
create table rotations (
  rotation_id text primary key,
  kind text not null check (kind in ('webhook_secret', 'endpoint_secret', 'signing_key', 'encryption_key', 'client_secret')),
  -- What is rotated: id of a connection or an endpoint, purpose of a signing key, id of a ring key, slug of a provider.
  subject text not null,
  -- Which of its secrets, where it has several.
  name text,
  -- Null: the hub's own.
  partner_id text references partners,
  state text not null default 'preparing' check (state in
    ('preparing', 'waiting_for_person', 'overlap', 'working', 'done', 'failed', 'cancelled')),
  -- What is going on, or what a person is asked to do, in order. No secrets.
  steps text[] not null default '{}',
  -- Ids, counts, lengths of time. No secrets.
  facts jsonb not null default '{}',
  done bigint not null default 0,
  total bigint,
  -- The old one goes at this moment at the latest; a person may put it off as far as max_deadline_at.
  deadline_at timestamptz,
  max_deadline_at timestamptz,
  -- The new one is where it is to be used: put there by API, confirmed by a person, or seen in use.
  in_place_at timestamptz,
  -- A person has been shown the new one, or has entered it.
  shown_at timestamptz,
  failure jsonb,
  started_by text not null,
  started_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  ended_at timestamptz
);
create unique index rotations_under_way on rotations (kind, subject) where ended_at is null;
create index rotations_by_partner on rotations (partner_id, rotation_id);
create index rotations_by_subject on rotations (subject, rotation_id);

-- Which of several values of a secret is used, and when last. Values are known by an id that has nothing to do with them.
create table secret_uses (
  value_id text primary key,
  subject text not null,
  first_used_at timestamptz not null,
  last_used_at timestamptz not null,
  uses bigint not null
);
create index secret_uses_by_subject on secret_uses (subject);

-- The hub's own apps at providers, where they were entered through the API: they go before the environment.
create table provider_apps (
  provider text primary key,
  client_id text not null,
  -- {"current": {"clientId", "clientSecret"}, "other": the same or null}; sealed under the hub's own key.
  sealed bytea not null,
  -- 'entered': "other" is new and unproven. 'proven': "other" is the old one.
  other_is text check (other_is in ('entered', 'old')),
  version int not null default 1,
  updated_by text not null,
  updated_at timestamptz not null default now()
);

-- Keys of the ring as processes have shown that they know them. A key that was taken out of every ring stays listed.
create table ring_keys (
  key_id text primary key,
  first_seen_at timestamptz not null default now(),
  -- When some process began to seal with it.
  current_since timestamptz
);
create table ring_holders (
  process text primary key,
  part text not null,
  current_key_id text not null,
  key_ids text[] not null,
  seen_at timestamptz not null default now()
);
create index ring_holders_by_seen on ring_holders (seen_at);`

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(db, 'drop table ring_holders, ring_keys, provider_apps, secret_uses, rotations')
}
