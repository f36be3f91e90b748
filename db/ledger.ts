/** The double-entry ledger of commissions: posted in the transaction of what it tells about, never changed, checked as a whole. */
import { sql } from 'kysely'
import { newId } from '../platform/new-id.ts'
import type { Db } from './client.ts'

export type LedgerKind = 'accrue' | 'hold' | 'release' | 'close' | 'reject' | 'pay'
/** `expense` and `payouts` are the hub's; the others a partner's, one for each state that its money goes through. */
export type LedgerAccountKind = 'expense' | 'payouts' | 'accrued' | 'held' | 'due' | 'in_statement'

export interface LedgerEntry {
  /** Null: the hub. */
  readonly partnerId: string | null
  readonly account: LedgerAccountKind
  readonly lineId: string | null
  /** Debit above zero, credit below. */
  readonly amountMinor: number
}

export interface LedgerPosting {
  readonly kind: LedgerKind
  readonly subject: string
  /** Where one subject posts several of a kind. */
  readonly part?: string
  readonly currency: string
  readonly entries: readonly LedgerEntry[]
}

const keyOf = ({ partnerId, account }: LedgerEntry, currency: string): string =>
  `${partnerId ?? 'hub'}/${account}/${currency}`

/** Moves what lines are worth from one account of their partners to another. */
export const movement = (
  lines: readonly { readonly partnerId: string; readonly lineId: string; readonly amountMinor: number }[],
  from: LedgerAccountKind,
  to: LedgerAccountKind,
): LedgerEntry[] =>
  lines.flatMap(({ partnerId, lineId, amountMinor }) => {
    const owner = (account: LedgerAccountKind) =>
      account === 'expense' || account === 'payouts' ? null : partnerId
    return [
      // What the hub owes is a credit: it leaves by a debit.
      { partnerId: owner(from), account: from, lineId, amountMinor },
      { partnerId: owner(to), account: to, lineId, amountMinor: -amountMinor },
    ]
  })

/**
 * Posts a transaction and brings the balances up to date. Accounts are locked in the order of their keys, so that postings that cross
 * wait and do not block each other for ever. The same subject, kind, part and currency a second time is an error of the database.
 */
export async function postLedger(tx: Db, posting: LedgerPosting): Promise<void> {
  const { kind, subject, part = '', currency } = posting
  const entries = posting.entries.filter(({ amountMinor }) => amountMinor !== 0)
  if (entries.length === 0) return
  const keys = entries.map((entry) => keyOf(entry, currency))
  await sql`
    insert into ledger_accounts (account_key, partner_id, kind, currency)
    select distinct on (1) * from unnest(${keys}::text[], ${entries.map(({ partnerId }) => partnerId)}::text[],
      ${entries.map(({ account }) => account)}::text[], ${keys.map(() => currency)}::text[]) as a (account_key, partner_id, kind, currency)
    order by 1 on conflict do nothing
  `.execute(tx)
  await sql`select from ledger_accounts where account_key = any(${keys}::text[]) order by account_key for update`.execute(
    tx,
  )
  const transactionId = newId('ledgerTransaction')
  await sql`
    insert into ledger_transactions (transaction_id, kind, subject, part, currency)
    values (${transactionId}, ${kind}, ${subject}, ${part}, ${currency})
  `.execute(tx)
  await sql`
    insert into ledger_entries (transaction_id, ordinal, account_key, partner_id, line_id, amount_minor)
    select ${transactionId}, ordinality, account_key, partner_id, line_id, amount_minor
    from unnest(${keys}::text[], ${entries.map(({ partnerId }) => partnerId)}::text[], ${entries.map(({ lineId }) => lineId)}::text[],
      ${entries.map(({ amountMinor }) => amountMinor)}::bigint[]) with ordinality as e (account_key, partner_id, line_id, amount_minor, ordinality)
  `.execute(tx)
  await sql`
    update ledger_accounts a set balance_minor = balance_minor + e.sum
    from (select account_key, sum(amount_minor) as sum from ledger_entries where transaction_id = ${transactionId} group by 1) e
    where a.account_key = e.account_key
  `.execute(tx)
}

export interface LedgerViolation {
  readonly check: string
  readonly subject: string
  readonly detail: string
}

export interface LedgerReport {
  readonly ok: boolean
  readonly lines: number
  readonly transactions: number
  /** At most 100. */
  readonly violations: readonly LedgerViolation[]
}

/** Every rule that the books keep, looked up in the books themselves: each select finds what breaks one. */
const checks = [
  sql`select 'transaction sums to zero' as check, t.transaction_id as subject, coalesce(sum(e.amount_minor), 0)::text || ', ' || count(e.*) || ' entries' as detail
    from ledger_transactions t left join ledger_entries e using (transaction_id)
    group by t.transaction_id having coalesce(sum(e.amount_minor), 0) <> 0 or count(e.*) < 2`,
  sql`select 'entries are of one currency', e.transaction_id, e.account_key
    from ledger_entries e join ledger_accounts a using (account_key) join ledger_transactions t using (transaction_id) where a.currency <> t.currency`,
  sql`select 'balance is the sum of its entries', a.account_key, a.balance_minor || ' and not ' || coalesce(sum(e.amount_minor), 0)
    from ledger_accounts a left join ledger_entries e using (account_key)
    group by a.account_key having a.balance_minor <> coalesce(sum(e.amount_minor), 0)`,
  sql`select 'levels sum to the gross', min(source_id), 'document ' || document_key || ', ' || kind || ': ' || sum(amount_minor) || ' and not ' || min(gross_minor)
    from commission_lines group by source_id, document_key, kind
    having sum(amount_minor) <> min(gross_minor) or min(gross_minor) <> max(gross_minor)`,
  sql`select 'no line is taken back beyond what it was', o.line_id, o.amount_minor || ' with ' || sum(r.amount_minor)
    from commission_lines o join commission_lines r on r.original_line_id = o.line_id
    group by o.line_id having o.amount_minor + sum(r.amount_minor) not between 0 and o.amount_minor`,
  sql`select 'a document has left what was not taken back', d.document_key, 'gross ' || d.gross_minor || ', taken ' || d.taken_minor || ' of ' || d.total_minor
      || ', lines ' || coalesce(sum(l.amount_minor), 0)
    from commission_documents d left join commission_lines l using (document_key)
    group by d.document_key
    having coalesce(sum(l.amount_minor), 0) <> d.gross_minor - round(d.gross_minor::numeric * d.taken_minor / d.total_minor)`,
  sql`select 'credits are within their document', d.document_key, coalesce(sum(c.amount_minor), 0) || ' of ' || d.total_minor
    from commission_documents d left join commission_credits c using (document_key)
    group by d.document_key having least(d.total_minor, coalesce(sum(c.amount_minor), 0) + d.lost_minor) <> d.taken_minor`,
  sql`select 'no line is in two statements', e.line_id, count(*) || ' statements'
    from ledger_entries e join ledger_transactions t using (transaction_id) join statements s on s.statement_id = t.subject
    where t.kind = 'close' and s.state <> 'rejected' and e.account_key like '%/due/%'
    group by e.line_id having count(*) > 1`,
  sql`select 'a statement totals its lines', t.statement_id, t.currency || ': ' || t.total_minor || ' and not ' || coalesce(sum(l.amount_minor), 0)
    from statement_totals t join statements s using (statement_id)
    left join commission_lines l on l.statement_id = t.statement_id and l.currency = t.currency
    where t.outcome = 'payable' and s.state <> 'rejected' group by t.statement_id, t.currency
    having t.total_minor <> coalesce(sum(l.amount_minor), 0) or t.line_count <> count(l.*)`,
  sql`select 'a line in a statement is of its partner and state', l.line_id, l.state || ' in a statement that is ' || coalesce(s.state, 'gone')
    from commission_lines l left join statements s using (statement_id)
    where l.statement_id is not null and (s.partner_id is distinct from l.partner_id or (l.state = 'paid') <> (s.state = 'paid') or s.state in ('rejected', 'carried'))`,
  sql`select 'payouts are what was stated', p.payout_id, p.amount_minor || ' and not ' || coalesce(t.total_minor, 0)
    from payouts p left join statement_totals t on t.statement_id = p.statement_id and t.currency = p.currency and t.outcome = 'payable'
    where p.amount_minor is distinct from t.total_minor`,
  // Each line lies in the account that its state names, with its whole amount, and nowhere else.
  sql`select 'a line lies in the account of its state', l.line_id, l.state || ' ' || l.amount_minor || ': ' || coalesce(string_agg(e.kind || ' ' || e.sum, ', '), 'nowhere')
    from commission_lines l left join lateral (
      select a.kind, sum(e.amount_minor) as sum from ledger_entries e join ledger_accounts a using (account_key)
      where e.line_id = l.line_id and a.kind <> 'expense' group by a.kind having sum(e.amount_minor) <> 0) e on true
    group by l.line_id having l.amount_minor <> 0 and (count(e.kind) <> 1
      or min(e.kind) <> case l.state when 'paid' then 'payouts' else l.state end or min(e.sum) <> -l.amount_minor)`,
] as const

/** Looks for what cannot be: nothing is found in books that are in order. */
export async function checkLedger(db: Db): Promise<LedgerReport> {
  const violations: LedgerViolation[] = []
  for (const check of checks) {
    const found = await sql<LedgerViolation>`
      select * from (${check}) v (check_name, subject, detail) limit ${101 - violations.length}
    `.execute(db)
    violations.push(...found.rows.map(violationOf))
    if (violations.length >= 100) break
  }
  const size = await sql<{ lines: number; transactions: number }>`
    select (select count(*) from commission_lines) as lines, (select count(*) from ledger_transactions) as transactions
  `.execute(db)
  const { lines = 0, transactions = 0 } = size.rows[0] ?? {}
  return { ok: violations.length === 0, lines, transactions, violations: violations.slice(0, 100) }
}

const violationOf = (row: object): LedgerViolation => {
  const { checkName, subject, detail } = row as { checkName: string; subject: string; detail: string }
  return { check: checkName, subject, detail }
}
