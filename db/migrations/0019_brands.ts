/**
 * Brands of partners: versions that are written down, one of them published; the files they use; domains that are theirs. What a partner
 * leaves out is taken from the one above it when a brand is read, so that a change above shows below at once.
 */
import { sql, type Kysely } from 'kysely'
import { tellsOfChange, tenantPolicy } from './0013_tenancy.ts'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, tables)
  for (const table of ['brands', 'brand_versions', 'brand_assets', 'brand_domains'])
    await run(db, tenantPolicy(table))
  await run(db, tellsOfChange('brands', 'brand', 'partner_id', 'published_version'))
  await run(db, tellsOfChange('brand_domains', 'brand_domain', 'domain', 'state'))
}

const tables = `
create table brands (
  partner_id text primary key references partners,
  -- Of the newest one written down; versions count from 1.
  latest_version int not null default 0,
  published_version int,
  -- What If-Match is compared with: counts every change.
  revision int not null default 1,
  updated_at timestamptz not null default now()
);
create table brand_versions (
  partner_id text not null references brands on delete cascade,
  version int not null,
  content jsonb not null,
  note text,
  created_by text not null,
  created_at timestamptz not null default now(),
  published_by text,
  published_at timestamptz,
  primary key (partner_id, version)
);
alter table brands add foreign key (partner_id, published_version) references brand_versions (partner_id, version)
  deferrable initially deferred;

create table brand_assets (
  asset_id text primary key,
  partner_id text not null references partners,
  kind text not null check (kind in ('logo', 'favicon', 'image', 'font')),
  media_type text not null,
  width int,
  height int,
  -- SHA-256 of what is served.
  hash bytea not null,
  bytes bytea not null,
  created_by text not null,
  created_at timestamptz not null default now()
);
create unique index brand_assets_by_content on brand_assets (partner_id, kind, hash);
create index brand_assets_by_partner on brand_assets (partner_id, asset_id);

create table brand_domains (
  domain_id text primary key,
  partner_id text not null references partners,
  domain text not null,
  token text not null,
  state text not null default 'pending' check (state in ('pending', 'verified', 'failed')),
  reason text,
  -- Looks in a row that have not found the record.
  misses int not null default 0,
  -- When the proof was asked for, lately.
  asked_at timestamptz not null default now(),
  checked_at timestamptz,
  verified_at timestamptz,
  created_by text not null,
  created_at timestamptz not null default now()
);
-- Anybody may ask for a domain; only who proves it has it.
create unique index brand_domains_verified on brand_domains (domain) where state = 'verified';
create unique index brand_domains_by_partner on brand_domains (partner_id, domain);
create index brand_domains_in_care on brand_domains (domain_id) where state <> 'failed';`

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    'drop table brand_domains, brand_assets; alter table brands drop constraint brands_partner_id_published_version_fkey; drop table brand_versions, brands',
  )
}
