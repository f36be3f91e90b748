/**
 * Signing keys with a life of their own (published, current, retiring, retired), a purpose for access tokens, and the rotation of API
 * keys with its policy.
 */
import { sql, type Kysely } from 'kysely'
import { tellsOfChange, tenantPolicy } from './0013_tenancy.ts'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, signingKeys)
  await run(db, tellsOfChange('signing_keys', 'signing_key', 'purpose'))
  await run(db, rotations)
  await run(db, tenantPolicy('key_rotations'))
  await run(db, tenantPolicy('key_policies'))
  await run(db, testKeys)
}

const signingKeys = `
alter table signing_keys drop constraint signing_keys_purpose_check;
alter table signing_keys
  add constraint signing_keys_purpose_check check (purpose in ('proof', 'access')),
  add column state text not null default 'current' check (state in ('upcoming', 'current', 'retiring', 'retired')),
  add column current_at timestamptz,
  add column retiring_at timestamptz,
  -- Erased when a key is retired.
  alter column sealed_private drop not null;
update signing_keys set current_at = created_at, retiring_at = retired_at,
  state = case when retired_at is null then 'current' else 'retired' end;
drop index signing_keys_current;
create unique index signing_keys_current on signing_keys (purpose) where state = 'current';
create unique index signing_keys_upcoming on signing_keys (purpose) where state = 'upcoming';
create index signing_keys_by_purpose on signing_keys (purpose, created_at desc);`

const rotations = `
-- One row for each key that was ever rotated: its newest rotation.
create table key_rotations (
  key_id text primary key references api_keys on delete cascade,
  partner_id text not null references partners,
  -- The workflow run that began it.
  attempt text not null,
  new_key_id text not null references api_keys,
  state text not null check (state in ('overlap', 'done', 'cancelled', 'failed')),
  -- Why it ended: quiet, deadline, now, cancelled, revoked, lost.
  outcome text,
  reason text not null check (reason in ('asked', 'leak', 'age')),
  quiet_seconds int not null,
  started_by text not null,
  started_at timestamptz not null default now(),
  deadline_at timestamptz not null,
  ended_at timestamptz,
  ended_by text,
  reminders int not null default 0,
  reminded_at timestamptz,
  -- The new key itself until it has been fetched, or is of no use any more.
  sealed_secret bytea,
  secret_fetched_at timestamptz
);
create index key_rotations_by_partner on key_rotations (partner_id, key_id);
create unique index key_rotations_by_new_key on key_rotations (new_key_id);
create index key_rotations_open on key_rotations (key_id) where state = 'overlap';
create index key_rotations_sealed on key_rotations (started_at) where sealed_secret is not null;

-- What a partner, and who is below it without a policy of its own, wants of its keys.
create table key_policies (
  partner_id text primary key references partners on delete cascade,
  -- Older keys are rotated; null: never.
  max_age_days int check (max_age_days between 1 and 3650),
  overlap_seconds int not null check (overlap_seconds between 0 and 2592000),
  quiet_seconds int not null check (quiet_seconds between 300 and 2592000),
  version int not null default 1,
  updated_by text not null,
  updated_at timestamptz not null default now()
);
create index api_keys_by_age on api_keys (created_at, key_id) where state = 'active';`

/** A test key neither sees nor makes live keys. */
const testKeys = `
create policy sandbox on api_keys as restrictive to tieline_tenant using (
  (select coalesce(current_setting('tieline.mode', true), '')) <> 'test' or mode = 'test');
create policy sandbox on key_rotations as restrictive to tieline_tenant using (
  (select coalesce(current_setting('tieline.mode', true), '')) <> 'test' or key_id in (select key_id from api_keys));`

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `
drop policy sandbox on api_keys;
drop index api_keys_by_age;
drop table key_policies; drop table key_rotations;
drop trigger signing_keys_changed on signing_keys;
delete from signing_keys where purpose = 'access' or sealed_private is null or state = 'upcoming';
update signing_keys set retired_at = coalesce(retired_at, retiring_at) where state = 'retiring';
drop index signing_keys_current; drop index signing_keys_upcoming; drop index signing_keys_by_purpose;
alter table signing_keys
  drop constraint signing_keys_purpose_check,
  add constraint signing_keys_purpose_check check (purpose in ('proof')),
  drop column state, drop column current_at, drop column retiring_at,
  alter column sealed_private set not null;
create unique index signing_keys_current on signing_keys (purpose) where retired_at is null;`,
  )
}
