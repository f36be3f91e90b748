/**
 * Commissions: plans, who an account or a billing customer is attributed to, what has earned, the lines it became, the double-entry
 * ledger below them, statements and payouts.
 *
 * Amounts are minor units. In the ledger a debit is above zero, a credit below; each transaction is of one currency and sums to zero,
 * which a constraint trigger checks at commit. Entries are never changed or removed.
 */
import { sql, type Kysely } from 'kysely'
import { sandboxPolicy, tenantPolicy } from './0013_tenancy.ts'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

const guarded = [
  'commission_plans',
  'attributions',
  'commission_sources',
  'commission_documents',
  'commission_credits',
  'commission_volumes',
  'commission_lines',
  'ledger_accounts',
  'ledger_entries',
  'statements',
  'statement_totals',
  'payouts',
] as const
const ofConnections = ['attributions', 'commission_sources', 'commission_documents'] as const

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, sources)
  await run(db, ledger)
  await run(db, statements)
  for (const table of guarded) {
    await run(db, tenantPolicy(table))
    // Money moves by the hub's hand alone: a tenant reads.
    await run(db, `revoke insert, update, delete on ${table} from tieline_tenant`)
  }
  for (const table of ofConnections) await run(db, sandboxPolicy(table))
}

const sources = `
-- Versions of plans. The highest one that has begun on a day, and has not ended, is in force on it.
create table commission_plans (
  plan_id text not null,
  version int not null,
  -- An override for one partner; or of a tier; or, with neither, for all.
  partner_id text references partners,
  tier text,
  name text not null,
  definition jsonb not null,
  state text not null default 'active' check (state in ('active', 'retired')),
  effective_from date not null,
  effective_to date,
  created_by text not null,
  created_at timestamptz not null default now(),
  primary key (plan_id, version),
  check (partner_id is null or tier is null),
  check (effective_to > effective_from)
);
create unique index commission_plans_scope on commission_plans (coalesce(partner_id, ''), coalesce(tier, '')) where version = 1;
create index commission_plans_by_partner on commission_plans (partner_id, plan_id, version);

create table price_lists (
  tier text not null,
  version int not null,
  currency text not null,
  -- Minor units: {"connections": of one for a month, "records": of a thousand changes}.
  prices jsonb not null,
  effective_from date not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  primary key (tier, version)
);

-- With a connection: its customer (all of its customers, when none is named) is this account of this partner. Without: the account's own
-- usage earns for this partner in place of the one that it belongs to.
create table attributions (
  attribution_id text primary key,
  partner_id text not null references partners,
  account_id text not null references accounts,
  connection_id text references connections,
  customer_id text,
  effective_from date not null,
  effective_to date,
  created_by text not null,
  created_at timestamptz not null default now(),
  check (customer_id is null or connection_id is not null)
);
create unique index attributions_of_customers on attributions (connection_id, coalesce(customer_id, ''))
  where connection_id is not null and effective_to is null;
create unique index attributions_of_accounts on attributions (account_id) where connection_id is null and effective_to is null;
create index attributions_by_connection on attributions (connection_id, customer_id);
create index attributions_by_account on attributions (account_id);
create index attributions_by_partner on attributions (partner_id, attribution_id);

-- Where consumers of the change feed that are part of the hub stand.
create table feed_places (
  name text primary key,
  feed_transaction xid8 not null,
  feed_seq bigint not null
);

-- What may have earned something or taken it back: one version of a document of a billing provider, or a month's usage of an account.
create table commission_sources (
  source_id text primary key,
  -- The same event has the same key, however often it comes.
  source_key text not null unique,
  kind text not null check (kind in ('invoice', 'payment', 'credit', 'usage')),
  partner_id text not null references partners,
  account_id text not null references accounts,
  document_key text not null,
  connection_id text references connections,
  resource text,
  external_id text,
  record_version int,
  customer_id text,
  period text not null,
  occurred_at timestamptz not null,
  state text not null default 'pending' check (state in ('pending', 'posted', 'nothing', 'failed')),
  -- A credit that could not be taken back in full: what its customer pays next is looked at with it.
  awaits_documents boolean not null default false,
  reason text,
  -- The document as it was when it was posted: number, status, amounts.
  facts jsonb not null default '{}',
  release_at timestamptz,
  released_at timestamptz,
  created_at timestamptz not null default now(),
  posted_at timestamptz
);
create index commission_sources_by_partner on commission_sources (partner_id, source_id);
create index commission_sources_pending on commission_sources (source_id) where state = 'pending';
create index commission_sources_failed on commission_sources (source_id) where state = 'failed';
create index commission_sources_held on commission_sources (release_at) where released_at is null and release_at is not null;
create index commission_sources_waiting on commission_sources (connection_id, customer_id) where awaits_documents;
create index commission_sources_by_document on commission_sources (document_key, source_id);

-- What has earned: what it is worth, what it gave, and how much of it has been taken back.
create table commission_documents (
  document_key text primary key,
  source_id text not null references commission_sources,
  partner_id text not null references partners,
  account_id text not null references accounts,
  connection_id text references connections,
  customer_id text,
  currency text not null,
  -- What the commission was computed from, without tax.
  base_minor bigint not null,
  -- What refunds are a part of, with tax.
  total_minor bigint not null check (total_minor > 0),
  gross_minor bigint not null,
  -- Of the total.
  taken_minor bigint not null default 0 check (taken_minor between 0 and total_minor),
  -- The part of it that the document itself has lost: it is not paid any longer, or is void.
  lost_minor bigint not null default 0 check (lost_minor between 0 and total_minor),
  posted_at timestamptz not null default now()
);
create index commission_documents_by_customer on commission_documents (connection_id, customer_id, posted_at desc);
create index commission_documents_by_account on commission_documents (account_id, posted_at);
create index commission_documents_by_partner on commission_documents (partner_id, document_key);

-- How much of a credit note was taken from which document.
create table commission_credits (
  credit_key text not null,
  document_key text not null references commission_documents,
  partner_id text not null,
  amount_minor bigint not null check (amount_minor > 0),
  primary key (credit_key, document_key)
);
create index commission_credits_by_document on commission_credits (document_key);

-- A month's volume under a tiered rule.
create table commission_volumes (
  partner_id text not null references partners,
  plan_id text not null,
  plan_version int not null,
  rule int not null,
  period text not null,
  currency text not null,
  volume_minor bigint not null,
  primary key (partner_id, plan_id, plan_version, rule, period, currency)
);`

const ledger = `
create table commission_lines (
  line_id text primary key,
  source_id text not null references commission_sources,
  document_key text not null references commission_documents,
  partner_id text not null references partners,
  account_id text not null,
  -- 0: the partner that the account is attributed to; 1: its parent; …
  level int not null check (level >= 0),
  kind text not null check (kind in ('earning', 'reversal', 'restoration')),
  -- The line that a reversal takes back, or a restoration gives back.
  original_line_id text references commission_lines,
  currency text not null,
  -- Of all levels together.
  gross_minor bigint not null,
  -- Of the level, of the sum of all: [weight, sum].
  weight int not null,
  weights int not null,
  amount_minor bigint not null,
  state text not null default 'accrued' check (state in ('accrued', 'held', 'due', 'in_statement', 'paid')),
  held_until timestamptz not null,
  due_at timestamptz,
  statement_id text,
  plan_id text not null,
  plan_version int not null,
  calculation jsonb not null,
  period text not null,
  occurred_at timestamptz not null,
  created_at timestamptz not null default now(),
  unique (source_id, document_key, partner_id, kind),
  check ((kind = 'earning') = (original_line_id is null)),
  check ((kind = 'reversal' and amount_minor <= 0) or (kind <> 'reversal' and amount_minor >= 0)),
  check ((statement_id is null) = (state in ('accrued', 'held', 'due')))
);
create index commission_lines_by_partner on commission_lines (partner_id, line_id);
create index commission_lines_by_account on commission_lines (account_id, line_id);
create index commission_lines_by_period on commission_lines (partner_id, period, line_id);
create index commission_lines_due on commission_lines (partner_id, due_at, line_id) where state = 'due';
create index commission_lines_held on commission_lines (partner_id, held_until) where state = 'held';
create index commission_lines_by_statement on commission_lines (statement_id, line_id) where statement_id is not null;
create index commission_lines_by_original on commission_lines (original_line_id) where original_line_id is not null;
create index commission_lines_by_document on commission_lines (document_key, line_id);

create table ledger_accounts (
  -- hub/expense/EUR, hub/payouts/EUR, par_…/held/EUR
  account_key text primary key,
  -- Null: the hub's own.
  partner_id text references partners,
  kind text not null check (kind in ('expense', 'payouts', 'accrued', 'held', 'due', 'in_statement')),
  currency text not null,
  balance_minor bigint not null default 0
);
create index ledger_accounts_by_partner on ledger_accounts (partner_id, account_key);

create table ledger_transactions (
  transaction_id text primary key,
  kind text not null check (kind in ('accrue', 'hold', 'release', 'close', 'reject', 'pay')),
  -- The source or statement, and the document where one source touches several: the same thing is posted once.
  subject text not null,
  part text not null default '',
  currency text not null,
  created_at timestamptz not null default now(),
  unique (subject, kind, part, currency)
);
create table ledger_entries (
  transaction_id text not null references ledger_transactions,
  ordinal int not null,
  account_key text not null references ledger_accounts,
  partner_id text references partners,
  line_id text references commission_lines,
  amount_minor bigint not null,
  primary key (transaction_id, ordinal)
);
create index ledger_entries_by_account on ledger_entries (account_key);
create index ledger_entries_by_line on ledger_entries (line_id);
create index ledger_entries_by_partner on ledger_entries (partner_id, transaction_id);

create function ledger_sums_to_zero() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  total numeric;
begin
  select coalesce(sum(amount_minor), 0) into total from ledger_entries where transaction_id = new.transaction_id;
  if total <> 0 then
    raise exception 'ledger transaction % sums to % and not to zero', new.transaction_id, total using errcode = 'check_violation',
      constraint = 'ledger_sums_to_zero';
  end if;
  return null;
end $$;
create constraint trigger ledger_entries_sum_to_zero after insert on ledger_entries deferrable initially deferred
  for each row execute function ledger_sums_to_zero();
create function ledger_is_kept() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is only ever added to' using errcode = 'check_violation', constraint = 'ledger_is_kept';
end $$;
create trigger ledger_entries_are_kept before update or delete on ledger_entries for each row execute function ledger_is_kept();
create trigger ledger_transactions_are_kept before update or delete on ledger_transactions
  for each row execute function ledger_is_kept();`

const statements = `
create table statements (
  statement_id text primary key,
  partner_id text not null references partners,
  period text not null,
  -- carried: nothing reached the minimum payout.
  state text not null check (state in ('awaiting_approval', 'approved', 'paid', 'rejected', 'carried')),
  reason text,
  created_by text not null,
  created_at timestamptz not null default now(),
  decided_by text,
  decided_at timestamptz,
  paid_at timestamptz
);
-- One per partner and month; one that was rejected may be made anew.
create unique index statements_once on statements (partner_id, period) where state <> 'rejected';
create index statements_by_partner on statements (partner_id, statement_id);
create index statements_by_period on statements (period, partner_id);

create table statement_totals (
  statement_id text not null references statements,
  currency text not null,
  partner_id text not null,
  total_minor bigint not null,
  line_count int not null,
  minimum_minor bigint not null,
  -- carried: its lines stay due for the next statement.
  outcome text not null check (outcome in ('payable', 'carried')),
  primary key (statement_id, currency)
);
create index statement_totals_by_partner on statement_totals (partner_id, statement_id);
alter table commission_lines add foreign key (statement_id) references statements;

create table payouts (
  payout_id text primary key,
  statement_id text not null references statements,
  partner_id text not null references partners,
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  reference text not null,
  paid_on date not null,
  recorded_by text not null,
  created_at timestamptz not null default now(),
  unique (statement_id, currency)
);
create index payouts_by_partner on payouts (partner_id, payout_id);`

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `
drop table payouts, statement_totals, ledger_entries, ledger_transactions, ledger_accounts, commission_lines, statements, commission_credits,
  commission_documents, commission_volumes, commission_sources, feed_places, attributions, price_lists, commission_plans;
drop function ledger_sums_to_zero(); drop function ledger_is_kept();`,
  )
}
