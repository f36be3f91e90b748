/** Steps of a statement: closed over what is due, decided by a person, paid out. Each compares and swaps, and is done once however often it is asked for. */
import { appendAudit } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { planInForce } from '../db/commission-plans.ts'
import { tellEvent } from '../db/events.ts'
import { movement, postLedger, type LedgerAccountKind, type LedgerKind } from '../db/ledger.ts'
import { findPartner } from '../db/partners.ts'
import {
  findStatement,
  getStatement,
  giveLinesBack,
  insertPayout,
  insertStatement,
  listPartnersDue,
  lockDue,
  lockPartnerStatements,
  moveStatement,
  payLines,
  takeDueLines,
  type MovedLine,
  type Statement,
  type StatementTotal,
} from '../db/statements.ts'
import { periodEnd } from '../model/commission.ts'
import { HubError } from '../platform/errors.ts'
import { newId } from '../platform/new-id.ts'
import type { ActivityDeps } from './deps.ts'
import { asFailure } from './failure.ts'

export interface StatementFacts {
  readonly statementId: string
  readonly partnerId: string
  readonly partnerName: string
  readonly period: string
  readonly state: Statement['state']
  readonly totals: readonly StatementTotal[]
}

export interface Decision {
  readonly statementId: string
  readonly decision: 'approve' | 'reject'
  readonly reason: string | null
  /** Who, as the audit chain names them. */
  readonly by: string
}

export interface PayoutNote {
  readonly statementId: string
  /** Of the bank or of whoever pays. */
  readonly reference: string
  /** A day: `2026-11-30`. */
  readonly paidOn: string
  readonly by: string
}

export function createStatementActivities(deps: ActivityDeps) {
  const { db } = deps.database
  const failing = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw asFailure(error, deps.clock.now())
    }
  }
  const step = (work: (tx: Db) => Promise<Statement>): Promise<StatementFacts> =>
    failing(async () => factsOf(await db.transaction().execute(work)))
  return {
    /** Makes the statement of a partner and month, or finds the one that there is. */
    openStatement: (of: { readonly partnerId: string; readonly period: string; readonly by: string }) =>
      step((tx) => open(tx, of)),
    decideStatement: (decision: Decision) => step((tx) => decide(tx, decision)),
    payStatement: (payout: PayoutNote) => step((tx) => pay(tx, payout)),
    /** Partners that something is due to and that have no statement of the month, a page at a time. */
    listPartnersToClose: (page: {
      readonly period: string
      readonly after: string | null
    }): Promise<{ readonly partners: readonly string[]; readonly next: string | null }> =>
      failing(async () => {
        const { period, after } = page
        const partners = await listPartnersDue(db, {
          period,
          before: periodEnd(period),
          after,
          limit: partnersAtOnce,
        })
        return { partners, next: partners.length < partnersAtOnce ? null : (partners.at(-1) ?? null) }
      }),
  }
}

const partnersAtOnce = 100

const factsOf = ({
  statementId,
  partnerId,
  partnerName,
  period,
  state,
  totals,
}: Statement): StatementFacts => ({
  statementId,
  partnerId,
  partnerName,
  period,
  state,
  totals,
})

async function found(tx: Db, statementId: string): Promise<Statement> {
  const statement = await getStatement(tx, statementId)
  if (!statement) throw new HubError('NoSuchThing', `There is no statement "${statementId}".`)
  return statement
}

async function open(
  tx: Db,
  { partnerId, period, by }: { readonly partnerId: string; readonly period: string; readonly by: string },
): Promise<Statement> {
  if (!(await findPartner(tx, partnerId)))
    throw new HubError('NoSuchThing', `There is no partner "${partnerId}".`)
  await lockPartnerStatements(tx, partnerId)
  const existing = await findStatement(tx, { partnerId, period })
  if (existing) return existing
  const before = periodEnd(period)
  const lastDay = new Date(before.getTime() - 1).toISOString().slice(0, 10)
  const minimum = (await planInForce(tx, partnerId, lastDay))?.definition.minimumPayout ?? {}
  const totals = (await lockDue(tx, { partnerId, before })).map((sum): StatementTotal => {
    const minimumMinor = minimum[sum.currency] ?? 0
    // What is below zero is the partner's debt: it is set off against what comes.
    const isPayable = sum.totalMinor > 0 && sum.totalMinor >= minimumMinor
    return { ...sum, minimumMinor, outcome: isPayable ? 'payable' : 'carried' }
  })
  const payable = totals.filter(({ outcome }) => outcome === 'payable')
  const statementId = newId('statement')
  const state = payable.length > 0 ? 'awaiting_approval' : 'carried'
  await insertStatement(tx, { statementId, partnerId, period, state, createdBy: by, totals })
  for (const { currency } of payable) {
    const lines = await takeDueLines(tx, { statementId, partnerId }, { currency, before })
    await move(tx, 'close', statementId, lines, 'due', 'in_statement')
  }
  const statement = await found(tx, statementId)
  if (state !== 'carried') await tell(tx, 'statement.closed', statement)
  await audit(tx, statement, 'statement.closed', by)
  return statement
}

async function decide(tx: Db, { statementId, decision, reason, by }: Decision): Promise<Statement> {
  const statement = await found(tx, statementId)
  await lockPartnerStatements(tx, statement.partnerId)
  const to = decision === 'approve' ? 'approved' : 'rejected'
  // The answer to it was lost on the way.
  if (statement.state === to && statement.decidedBy === by) return statement
  if (!(await moveStatement(tx, statementId, 'awaiting_approval', to, { decidedBy: by, reason })))
    throw new HubError(
      'StateConflict',
      `The statement is ${statement.state.replace('_', ' ')}: there is nothing to decide.`,
    )
  if (to === 'rejected') {
    const lines = await giveLinesBack(tx, statementId)
    await move(tx, 'reject', statementId, lines, 'in_statement', 'due')
  }
  const decided = await found(tx, statementId)
  if (to === 'rejected') await tell(tx, 'statement.rejected', decided)
  await audit(tx, decided, `statement.${to}`, by)
  return decided
}

async function pay(tx: Db, { statementId, reference, paidOn, by }: PayoutNote): Promise<Statement> {
  const statement = await found(tx, statementId)
  await lockPartnerStatements(tx, statement.partnerId)
  if (statement.state === 'paid' && statement.payouts.every((one) => one.reference === reference))
    return statement
  if (!(await moveStatement(tx, statementId, 'approved', 'paid', {})))
    throw new HubError(
      'StateConflict',
      `The statement is ${statement.state.replace('_', ' ')}: only an approved one is paid out.`,
    )
  for (const { currency, totalMinor, outcome } of statement.totals)
    if (outcome === 'payable')
      await insertPayout(tx, statement, {
        payoutId: newId('payout'),
        currency,
        amountMinor: totalMinor,
        reference,
        paidOn,
        recordedBy: by,
      })
  await move(tx, 'pay', statementId, await payLines(tx, statementId), 'in_statement', 'payouts')
  const paid = await found(tx, statementId)
  await tell(tx, 'statement.paid', paid)
  await audit(tx, paid, 'statement.paid', by)
  return paid
}

async function move(
  tx: Db,
  kind: LedgerKind,
  subject: string,
  lines: readonly MovedLine[],
  from: LedgerAccountKind,
  to: LedgerAccountKind,
): Promise<void> {
  for (const currency of [...new Set(lines.map((line) => line.currency))].sort()) {
    const some = lines.filter((line) => line.currency === currency)
    await postLedger(tx, { kind, subject, currency, entries: movement(some, from, to) })
  }
}

const sums = (statement: Statement): Record<string, number> =>
  Object.fromEntries(
    statement.totals
      .filter(({ outcome }) => outcome === 'payable')
      .map(({ currency, totalMinor }) => [currency, totalMinor]),
  )

async function tell(
  tx: Db,
  type: 'statement.closed' | 'statement.rejected' | 'statement.paid',
  statement: Statement,
): Promise<void> {
  const { statementId, partnerId, period, state } = statement
  await tellEvent(tx, {
    partnerId,
    type,
    subject: statementId,
    data: { statementId, period, state, totals: sums(statement) },
  })
}

const audit = (tx: Db, statement: Statement, action: string, actor: string): Promise<void> =>
  appendAudit(tx, {
    actor,
    action,
    subject: statement.statementId,
    partnerId: statement.partnerId,
    details: { period: statement.period, state: statement.state, totals: sums(statement) },
  })
