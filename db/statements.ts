/** Statements: what is due to a partner at the end of a month, decided by a person, paid out. Each change of state compares and swaps. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export type StatementState = 'awaiting_approval' | 'approved' | 'paid' | 'rejected' | 'carried'

export interface Statement {
  readonly statementId: string
  readonly partnerId: string
  readonly partnerName: string
  readonly period: string
  readonly state: StatementState
  readonly reason: string | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly decidedBy: string | null
  readonly decidedAt: Date | null
  readonly paidAt: Date | null
  readonly totals: readonly StatementTotal[]
  readonly payouts: readonly Payout[]
}

export interface StatementTotal {
  readonly currency: string
  readonly totalMinor: number
  readonly lineCount: number
  readonly minimumMinor: number
  readonly outcome: 'payable' | 'carried'
}

export interface Payout {
  readonly payoutId: string
  readonly currency: string
  readonly amountMinor: number
  readonly reference: string
  readonly paidOn: string
  readonly recordedBy: string
}

const select = sql`
  select s.statement_id, s.partner_id, p.name as partner_name, s.period, s.state, s.reason, s.created_by, s.created_at, s.decided_by, s.decided_at, s.paid_at,
    (select coalesce(jsonb_agg(jsonb_build_object('currency', t.currency, 'totalMinor', t.total_minor, 'lineCount', t.line_count,
      'minimumMinor', t.minimum_minor, 'outcome', t.outcome) order by t.currency), '[]') from statement_totals t where t.statement_id = s.statement_id) as totals,
    (select coalesce(jsonb_agg(jsonb_build_object('payoutId', o.payout_id, 'currency', o.currency, 'amountMinor', o.amount_minor, 'reference', o.reference,
      'paidOn', to_char(o.paid_on, 'YYYY-MM-DD'), 'recordedBy', o.recorded_by) order by o.currency), '[]') from payouts o where o.statement_id = s.statement_id) as payouts
  from statements s join partners p using (partner_id)`

export async function getStatement(db: Db, statementId: string): Promise<Statement | undefined> {
  const found = await sql<Statement>`${select} where s.statement_id = ${statementId}`.execute(db)
  return found.rows[0]
}

/** The one of a partner and month that counts: the newest that was not rejected. */
export async function findStatement(
  db: Db,
  of: { readonly partnerId: string; readonly period: string },
): Promise<Statement | undefined> {
  const found = await sql<Statement>`
    ${select} where s.partner_id = ${of.partnerId} and s.period = ${of.period} and s.state <> 'rejected'
  `.execute(db)
  return found.rows[0]
}

/** Newest first. */
export async function listStatements(
  db: Db,
  query: {
    readonly partnerId?: string | undefined
    readonly period?: string | undefined
    readonly state?: StatementState | undefined
    readonly before?: string | undefined
    readonly limit: number
  },
): Promise<Statement[]> {
  const { partnerId, period, state, before } = query
  const found = await sql<Statement>`
    ${select} where true
      ${partnerId === undefined ? sql`` : sql`and s.partner_id = ${partnerId}`}
      ${period === undefined ? sql`` : sql`and s.period = ${period}`}
      ${state === undefined ? sql`` : sql`and s.state = ${state}`}
      ${before === undefined ? sql`` : sql`and s.statement_id < ${before}`}
    order by s.statement_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Partners that something is due to before a moment and that have no statement of the period, in order. */
export async function listPartnersDue(
  db: Db,
  query: {
    readonly period: string
    readonly before: Date
    readonly after: string | null
    readonly limit: number
  },
): Promise<string[]> {
  const found = await sql<{ partnerId: string }>`
    select p.partner_id from partners p
    where exists (select from commission_lines l where l.partner_id = p.partner_id and l.state = 'due' and l.due_at < ${query.before}::timestamptz)
      and not exists (select from statements s where s.partner_id = p.partner_id and s.period = ${query.period} and s.state <> 'rejected')
      ${query.after === null ? sql`` : sql`and p.partner_id > ${query.after}`}
    order by p.partner_id limit ${query.limit}
  `.execute(db)
  return found.rows.map((row) => row.partnerId)
}

export interface DueSum {
  readonly currency: string
  readonly totalMinor: number
  readonly lineCount: number
}

/** One statement at a time for a partner. */
export async function lockPartnerStatements(tx: Db, partnerId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`statement/${partnerId}`}, 0))`.execute(tx)
}

/** What became due to a partner before a moment and is in no statement. Its lines are locked: what is summed is what is taken. */
export async function lockDue(
  tx: Db,
  of: { readonly partnerId: string; readonly before: Date },
): Promise<DueSum[]> {
  const found = await sql<DueSum>`
    select currency, sum(amount_minor)::bigint as total_minor, count(*)::int as line_count from (
      select currency, amount_minor from commission_lines
      where partner_id = ${of.partnerId} and state = 'due' and due_at < ${of.before}::timestamptz order by line_id for update
    ) l group by currency order by currency
  `.execute(tx)
  return found.rows
}

export async function insertStatement(
  tx: Db,
  made: Pick<Statement, 'statementId' | 'partnerId' | 'period' | 'state' | 'createdBy' | 'totals'>,
): Promise<void> {
  const { statementId, partnerId, period, state, createdBy, totals } = made
  await sql`
    insert into statements (statement_id, partner_id, period, state, created_by) values (${statementId}, ${partnerId}, ${period}, ${state}, ${createdBy})
  `.execute(tx)
  for (const total of totals)
    await sql`
      insert into statement_totals (statement_id, currency, partner_id, total_minor, line_count, minimum_minor, outcome)
      values (${statementId}, ${total.currency}, ${partnerId}, ${total.totalMinor}, ${total.lineCount}, ${total.minimumMinor}, ${total.outcome})
    `.execute(tx)
}

export interface MovedLine {
  readonly lineId: string
  readonly partnerId: string
  readonly currency: string
  readonly amountMinor: number
}
const moved = sql`line_id, partner_id, currency, amount_minor`

/** Takes a partner's due lines of a currency into its statement. */
export async function takeDueLines(
  tx: Db,
  statement: Pick<Statement, 'statementId' | 'partnerId'>,
  of: { readonly currency: string; readonly before: Date },
): Promise<MovedLine[]> {
  const rows = await sql<MovedLine>`
    update commission_lines set state = 'in_statement', statement_id = ${statement.statementId}
    where partner_id = ${statement.partnerId} and state = 'due' and due_at < ${of.before}::timestamptz and currency = ${of.currency}
    returning ${moved}
  `.execute(tx)
  return rows.rows
}

/** Gives the lines of a statement back: they are due again. */
export async function giveLinesBack(tx: Db, statementId: string): Promise<MovedLine[]> {
  const rows = await sql<MovedLine>`
    update commission_lines set state = 'due', statement_id = null where statement_id = ${statementId} returning ${moved}
  `.execute(tx)
  return rows.rows
}

export async function payLines(tx: Db, statementId: string): Promise<MovedLine[]> {
  const rows = await sql<MovedLine>`
    update commission_lines set state = 'paid' where statement_id = ${statementId} and state = 'in_statement' returning ${moved}
  `.execute(tx)
  return rows.rows
}

/** Moves a statement from one state to another. False when it is not in the first. */
export async function moveStatement(
  tx: Db,
  statementId: string,
  from: StatementState,
  to: StatementState,
  by: { readonly decidedBy?: string; readonly reason?: string | null },
): Promise<boolean> {
  const rows = await sql`
    update statements set state = ${to}, decided_by = coalesce(${by.decidedBy ?? null}, decided_by),
      decided_at = case when ${by.decidedBy ?? null}::text is null then decided_at else now() end,
      reason = coalesce(${by.reason ?? null}, reason), paid_at = case when ${to} = 'paid' then now() end
    where statement_id = ${statementId} and state = ${from} returning statement_id
  `.execute(tx)
  return rows.rows.length > 0
}

export async function insertPayout(
  tx: Db,
  statement: Pick<Statement, 'statementId' | 'partnerId'>,
  payout: Payout,
): Promise<void> {
  await sql`
    insert into payouts (payout_id, statement_id, partner_id, currency, amount_minor, reference, paid_on, recorded_by)
    values (${payout.payoutId}, ${statement.statementId}, ${statement.partnerId}, ${payout.currency}, ${payout.amountMinor}, ${payout.reference},
      ${payout.paidOn}::date, ${payout.recordedBy})
  `.execute(tx)
}
