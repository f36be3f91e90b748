/**
 * The care of credentials: when they end (not secret, so that what dies unused can be found), how renewing them goes, the
 * replacement of one by another, and what must still be ended at a provider after its connection was deleted.
 */
import { sql, type Kysely } from 'kysely'

const tables = ['credential_refreshes', 'credential_rotations', 'credential_revocations'] as const

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `
alter table credentials
  add column expires_at timestamptz,
  add column refresh_expires_at timestamptz,
  add column refresh_hard_expires_at timestamptz;
create index credentials_living on credentials (connection_id) where retired_at is null;

create table credential_refreshes (
  connection_id text primary key references connections,
  partner_id text not null,
  -- The attempt that was begun last: which generation's refresh token it spends, and which try with it.
  generation int not null default 0,
  attempt int not null default 0,
  started_at timestamptz,
  -- Sent, and no answer was kept: the refresh token may be spent.
  sent boolean not null default false,
  failures int not null default 0,
  failing_since timestamptz,
  -- Nobody asks the provider before this.
  retry_at timestamptz,
  last_failure jsonb,
  -- The provider has said that this generation is renewed no more.
  refused_generation int,
  refreshed_generation int,
  refreshed_at timestamptz,
  -- The last day of the access that people were told of.
  warned_of timestamptz,
  updated_at timestamptz not null default now()
);

create table credential_rotations (
  connection_id text primary key references connections,
  partner_id text not null,
  account_id text not null,
  -- The same on every repetition: what a broken try left at the provider is found by it.
  attempt text not null,
  state text not null check (state in ('minting', 'pending', 'switched', 'retired', 'discarded')),
  old_generation int not null,
  new_generation int,
  -- Secrets and settings; erased at the end.
  sealed_new bytea,
  sealed_old bytea,
  failure jsonb,
  started_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table credential_revocations (
  connection_id text primary key references connections,
  partner_id text not null,
  account_id text not null,
  -- Erased when the provider has ended the access, or no longer tried.
  sealed bytea not null,
  created_at timestamptz not null default now()
);
create index credential_revocations_old on credential_revocations (created_at);
${tables.map(guarded).join('')}`,
  )
}

const mine = `partner_id = any (string_to_array(current_setting('tieline.partners', true), ','))`

const guarded = (table: string): string => `
alter table ${table} enable row level security;
create policy tenant on ${table} to tieline_tenant using (${mine}) with check (${mine});
grant select, insert, update, delete on ${table} to tieline_tenant;
create index ${table}_by_partner on ${table} (partner_id, connection_id);
`

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(db, `drop table ${tables.join(', ')}`)
  await run(db, 'drop index credentials_living')
  await run(
    db,
    'alter table credentials drop column expires_at, drop column refresh_expires_at, drop column refresh_hard_expires_at',
  )
}

async function run(db: Kysely<unknown>, text: string): Promise<void> {
  await sql.raw(text).execute(db)
}
