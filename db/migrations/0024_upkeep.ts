/**
 * What keeps the hub's own figures bounded and read: calls by day (hours become days), what of the inbox was removed (its equation still
 * holds), reviews with their results, and sums of what is kept in arrays and objects.
 *
 * The indexes by time serve retention alone: each deletes the oldest few thousand rows again and again.
 */
import { sql, type Kysely } from 'kysely'
import { sandboxPolicy, tenantPolicy } from './0013_tenancy.ts'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

const statements = `
create function add_lists(a bigint[], b bigint[]) returns bigint[] language sql immutable parallel safe as $$
  select array(select coalesce(x, 0) + coalesce(y, 0) from unnest(a, b) with ordinality as l (x, y, n) order by n)
$$;
create aggregate sum_lists(bigint[]) (sfunc = add_lists, stype = bigint[], initcond = '{}');
create function add_counts(a jsonb, b jsonb) returns jsonb language sql immutable parallel safe as $$
  select case when b = '{}' then a when a = '{}' then b else (select jsonb_object_agg(key, sum) from (
    select key, sum(value::bigint) from (select * from jsonb_each_text(a) union all select * from jsonb_each_text(b)) as u group by key) as s) end
$$;
create aggregate sum_counts(jsonb) (sfunc = add_counts, stype = jsonb, initcond = '{}');

create table call_stats_daily (
  day date not null,
  connection_id text not null,
  call_group text not null,
  partner_id text not null,
  provider text not null,
  calls bigint not null default 0,
  failed bigint not null default 0,
  retries bigint not null default 0,
  bytes bigint not null default 0,
  wait_ms bigint not null default 0,
  errors jsonb not null default '{}',
  latency bigint[] not null,
  primary key (day, connection_id, call_group)
);
create index call_stats_daily_by_connection on call_stats_daily (connection_id, day);
create index call_stats_daily_by_provider on call_stats_daily (provider, day);

-- Events and requests that retention has removed, by what had become of them.
create table inbox_removed (
  provider text not null,
  -- Empty for posts to the URL of an app, and for events that no connection was known for.
  connection_id text not null default '',
  partner_id text,
  received bigint not null default 0,
  duplicates bigint not null default 0,
  processed bigint not null default 0,
  dead bigint not null default 0,
  unmatched bigint not null default 0,
  primary key (provider, connection_id)
);

-- Periodic looks at the hub itself: a day's health, a week's performance, a month's security, what retention removed.
create table reviews (
  review_id text primary key,
  kind text not null check (kind in ('health', 'performance', 'security', 'retention')),
  -- Of the period looked at.
  covers_from timestamptz not null,
  covers_to timestamptz not null,
  -- How bad the worst of it is.
  verdict text not null check (verdict in ('good', 'look', 'act')),
  summary text not null,
  -- Ids, counts, figures; no secrets, no personal data.
  result jsonb not null,
  markdown text not null,
  made_by text not null,
  -- A workflow that does its step twice has one review.
  workflow_run_id text unique,
  made_at timestamptz not null default now()
);
create index reviews_by_kind on reviews (kind, review_id);

create index deliveries_ended on deliveries (ended_at) where ended_at is not null;
create index runs_ended on runs (ended_at) where ended_at is not null;
create index connect_sessions_expired on connect_sessions (expires_at);
create index connections_deleted on connections (updated_at) where state = 'deleted';`

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, statements)
  for (const table of ['call_stats_daily', 'inbox_removed'])
    await run(db, tenantPolicy(table) + sandboxPolicy(table))
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `drop index connections_deleted, connect_sessions_expired, runs_ended, deliveries_ended;
drop table reviews, inbox_removed, call_stats_daily;
drop aggregate sum_counts(jsonb); drop function add_counts(jsonb, jsonb);
drop aggregate sum_lists(bigint[]); drop function add_lists(bigint[], bigint[]);`,
  )
}
