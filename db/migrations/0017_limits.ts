/**
 * What callers may ask for, and what they have asked for.
 *
 * - `tiers` name limits; a partner has one and may override parts, a key too (`api_keys.limits`).
 * - `call_buckets` are the permits that all API processes share. Unlogged: they are refilled within a minute anyway, so that what a crash
 *   of Postgres forgets is worth less than a write to its log per lease.
 * - `quota_usage` is what a month has used; `usage_daily` the calls by day, partner, account, key and operation; `usage_accounts` the records
 *   and connections by day and account. Days become months after a while (`db/usage-care.ts`).
 * - `usage_flushes` knows the last batch that each process has written, so that one that is sent again counts once.
 */
import { sql, type Kysely } from 'kysely'
import { tellsOfChange, tenantPolicy } from './0013_tenancy.ts'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

const rates = (scale: number) => ({
  reads: { burst: 500 * scale, sustained: 1_500 * scale },
  writes: { burst: 150 * scale, sustained: 450 * scale },
  heavy: { burst: 30 * scale, sustained: 60 * scale },
  auth: { burst: 30 * scale, sustained: 60 * scale },
})
const open = { burst: null, sustained: null }
const openRates = { reads: open, writes: open, heavy: open, auth: open }
const noQuota = { soft: null, hard: null }
const noQuotas = { calls: noQuota, records: noQuota, connections: noQuota }

const tiers = {
  standard: {
    title: 'Standard',
    limits: {
      perCaller: rates(1),
      perPartner: rates(2),
      quotas: {
        calls: { soft: 1_000_000, hard: 1_200_000 },
        records: { soft: 5_000_000, hard: 6_000_000 },
        connections: { soft: 800, hard: 1_000 },
      },
    },
  },
  plus: {
    title: 'Plus',
    limits: {
      perCaller: rates(5),
      perPartner: rates(10),
      quotas: {
        calls: { soft: 20_000_000, hard: 25_000_000 },
        records: { soft: 100_000_000, hard: 120_000_000 },
        connections: { soft: 8_000, hard: 10_000 },
      },
    },
  },
  // Wide enough for anything that a partner does; narrow enough that a loop gone wild is not all that the hub does.
  unlimited: {
    title: 'Unlimited',
    limits: { perCaller: rates(400), perPartner: rates(800), quotas: noQuotas },
  },
  people: {
    title: 'People who are signed in',
    limits: {
      perCaller: {
        reads: { burst: 300, sustained: 900 },
        writes: { burst: 100, sustained: 300 },
        heavy: { burst: 20, sustained: 60 },
        auth: { burst: 20, sustained: 60 },
      },
      perPartner: openRates,
      quotas: noQuotas,
    },
  },
} as const

const tables = `
create table tiers (
  tier text primary key check (tier ~ '^[a-z][a-z0-9-]{0,39}$'),
  title text not null,
  -- Limits of model/limits.ts.
  limits jsonb not null,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
grant select on tiers to tieline_tenant;

create unlogged table call_buckets (
  bucket_key text primary key,
  tokens double precision not null,
  capacity double precision not null,
  window_ms double precision not null,
  refilled_at timestamptz not null,
  -- What the last one who asked was given.
  given int not null
) with (fillfactor = 50);
create index call_buckets_by_age on call_buckets (refilled_at);

create table quota_usage (
  partner_id text not null references partners,
  -- Its first day.
  month date not null,
  quota text not null check (quota in ('calls', 'records', 'connections')),
  used bigint not null default 0,
  -- Per cent that the partner was told of.
  warned int not null default 0,
  primary key (partner_id, month, quota)
);

create table usage_daily (
  -- The first of the month in rows of a whole month.
  day date not null,
  partner_id text not null,
  -- Empty where a call is about no account, or nobody's key made it.
  account_id text not null default '',
  key_id text not null default '',
  operation text not null,
  class text not null,
  whole_month boolean not null default false,
  calls bigint not null default 0,
  -- Answered with a status of 400 or more, refused ones included.
  errors bigint not null default 0,
  -- By a limit or a quota: they are no calls.
  refused bigint not null default 0,
  bytes bigint not null default 0,
  primary key (partner_id, day, account_id, key_id, operation, class, whole_month)
);
create index usage_daily_by_day on usage_daily (day);

create table usage_accounts (
  day date not null,
  partner_id text not null,
  account_id text not null,
  whole_month boolean not null default false,
  records_changed bigint not null default 0,
  -- As last seen that day; of a whole month the most.
  records_held bigint not null default 0,
  connections int not null default 0,
  primary key (partner_id, day, account_id, whole_month)
);
create index usage_accounts_by_day on usage_accounts (day);

create table usage_flushes (
  process_id text primary key,
  seq bigint not null,
  at timestamptz not null default now()
);

-- How far the change feed has been counted.
create table usage_feed (
  one boolean primary key default true check (one),
  transaction_id xid8 not null,
  seq bigint not null default 0,
  counted_at timestamptz,
  tended_at timestamptz
);`

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, tables)
  for (const [tier, { title, limits }] of Object.entries(tiers))
    await sql`insert into tiers (tier, title, limits) values (${tier}, ${title}, ${JSON.stringify(limits)}::jsonb)`.execute(
      db,
    )
  // What is in the store already was no use of this month.
  await run(db, 'insert into usage_feed (transaction_id) values (pg_current_xact_id())')
  await run(
    db,
    `
alter table partners
  add column limits jsonb not null default '{}',
  add constraint partners_tier foreign key (tier) references tiers;
create index partners_by_tier on partners (tier, partner_id);
update partners set tier = 'unlimited' where partner_id = 'par_00000000000000000000000000';`,
  )
  for (const table of ['quota_usage', 'usage_daily', 'usage_accounts']) await run(db, tenantPolicy(table))
  await run(db, tellsOfChange('tiers', 'tier', 'tier'))
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `
alter table partners drop constraint partners_tier;
drop index partners_by_tier;
alter table partners drop column limits;
update partners set tier = 'standard';
drop table usage_feed, usage_flushes, usage_accounts, usage_daily, quota_usage, call_buckets, tiers`,
  )
}
