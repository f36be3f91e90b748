/**
 * People: who signs in, what they may do where, the sessions they are signed in with, invitations, and what slows guessing down.
 *
 * A person belongs to nobody: one may run the hub and work for two partners. So `people`, their sessions and recovery codes have no
 * tenant and are closed to tenants; memberships and invitations have one (null: the hub).
 */
import { sql, type Kysely } from 'kysely'
import { tellsOfChange, tenantPolicy } from './0013_tenancy.ts'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

const roleFits = `check (case when partner_id is null then role in ('owner', 'operator', 'support', 'auditor')
    else role in ('admin', 'developer', 'finance', 'viewer') end)`

const people = `
create table people (
  person_id text primary key,
  -- In lower case: as the hub knows people again.
  email text not null check (email = lower(email)),
  name text not null,
  -- Argon2id in its own notation. Null: signs in by OpenID Connect only.
  password_hash text,
  password_changed_at timestamptz,
  -- The secret of the second factor. Of one that is being set up, until it is confirmed, beside it.
  totp_sealed bytea,
  totp_pending_sealed bytea,
  -- Of the last code that was taken (seconds since 1970 / 30): a code counts once.
  totp_last_step bigint,
  state text not null default 'active' check (state in ('active', 'disabled')),
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version int not null default 1
);
create unique index people_by_email on people (email);

create table recovery_codes (
  person_id text not null references people on delete cascade,
  -- SHA-256 of 80 random bits.
  code_hash bytea not null,
  used_at timestamptz,
  primary key (person_id, code_hash)
);

create table memberships (
  membership_id text primary key,
  person_id text not null references people on delete cascade,
  -- Null: of the hub.
  partner_id text references partners,
  role text not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  version int not null default 1,
  ${roleFits}
);
create unique index memberships_by_person on memberships (person_id, partner_id) nulls not distinct;
create index memberships_by_partner on memberships (partner_id, membership_id);

create table person_sessions (
  person_session_id text primary key,
  person_id text not null references people on delete cascade,
  -- SHA-256 of the token.
  token_hash bytea not null,
  -- code: the password was right, the second factor is awaited.
  stage text not null check (stage in ('code', 'open', 'ended')),
  address text not null,
  user_agent text not null,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  ended_because text
);
create unique index person_sessions_by_hash on person_sessions (token_hash);
create index person_sessions_by_person on person_sessions (person_id, person_session_id);

create table invitations (
  invitation_id text primary key,
  partner_id text references partners,
  email text not null check (email = lower(email)),
  role text not null,
  -- SHA-256 of the secret in the link.
  token_hash bytea not null,
  state text not null default 'open' check (state in ('open', 'accepted', 'withdrawn')),
  expires_at timestamptz not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  ${roleFits}
);
create unique index invitations_by_hash on invitations (token_hash);
create index invitations_by_partner on invitations (partner_id, invitation_id);

-- How often somebody was wrong, by whom (a hash of the e-mail address, whether or not it is known here) and from where.
create table sign_in_attempts (
  subject text primary key,
  count int not null,
  last_at timestamptz not null,
  locked_until timestamptz
);
create index sign_in_attempts_by_time on sign_in_attempts (last_at);

-- Of a sign-in at the identity provider that is under way.
create table oidc_sign_ins (
  state_hash bytea primary key,
  nonce text not null,
  verifier_sealed bytea not null,
  expires_at timestamptz not null
);
create index oidc_sign_ins_by_time on oidc_sign_ins (expires_at);`

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, people)
  await run(db, tenantPolicy('memberships'))
  await run(db, tenantPolicy('invitations'))
  await run(db, tellsOfChange('people', 'person', 'person_id', 'state'))
  await run(db, tellsOfChange('memberships', 'membership', 'person_id'))
  await run(
    db,
    tellsOfChange('person_sessions', 'person_session', 'person_session_id', 'stage, token_hash, expires_at'),
  )
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    'drop table oidc_sign_ins, sign_in_attempts, invitations, person_sessions, memberships, recovery_codes, people',
  )
}
