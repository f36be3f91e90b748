/** Rows of QuickBooks as the reports count with them: minor units, days, ids. */
import type { ProviderContext, Row } from '../contract.ts'
import { minorOf } from './amounts.ts'
import { listIn, numberIn, protocolError, refIn, textIn } from './answer.ts'
import { currencyOf, linksOf } from './derive.ts'
import { entities, type Entity } from './entities.ts'
import { queryAll, queryByIds, quoted } from './query.ts'
import type { DepositFacts, InvoiceFacts, PaymentFacts } from './reconcile.ts'

/** Most rows of a kind that a report reads; what lies beyond is told by `isWhole`. */
export const mostRows = 20_000

/** An amount in minor units. @throws HubError `Protocol` for one that the currency cannot hold: nothing is rounded. */
function minor(row: Row, name: string, currency: string): number {
  const value = minorOf(row[name], currency)
  if (value === undefined) throw protocolError(`"${name}" is no amount in ${currency}`)
  return value
}

const idOf = (row: Row): string => textIn(row, 'Id') ?? ''
const dayOf = (row: Row, name: string): string | null => textIn(row, name)?.slice(0, 10) ?? null

export function invoiceFacts(row: Row, { settings }: ProviderContext): InvoiceFacts {
  const currency = currencyOf(row, settings)
  return {
    id: idOf(row),
    number: textIn(row, 'DocNumber') ?? null,
    customerId: refIn(row, 'CustomerRef') ?? '',
    currency,
    total: minor(row, 'TotalAmt', currency),
    balance: minor(row, 'Balance', currency),
    issuedOn: dayOf(row, 'TxnDate') ?? '',
    dueOn: dayOf(row, 'DueDate'),
  }
}

/** Minor units by linked document of one type. */
function linkedTo(row: Row, type: string, currency: string): Map<string, number> {
  const sums = new Map<string, number>()
  for (const link of linksOf(row)) {
    if (link.type !== type) continue
    sums.set(link.id, (sums.get(link.id) ?? 0) + (minorOf(link.amount, currency) ?? 0))
  }
  return sums
}

/** @param depositOf deposits that were read, by payment. @param clearing accounts that wait for a deposit. */
export function paymentFacts(
  row: Row,
  { settings }: ProviderContext,
  depositOf: ReadonlyMap<string, string>,
  clearing: ReadonlySet<string>,
): PaymentFacts {
  const currency = currencyOf(row, settings)
  const id = idOf(row)
  const own = listIn(row, 'LinkedTxn').find((link) => textIn(link, 'TxnType') === 'Deposit')
  const depositId = depositOf.get(id) ?? textIn(own, 'TxnId') ?? null
  const account = refIn(row, 'DepositToAccountRef')
  // Without an account it waits in Undeposited Funds, which is where QuickBooks puts it.
  const isDirect = account !== undefined && !clearing.has(account)
  return {
    id,
    version: textIn(row, 'SyncToken') ?? '',
    customerId: refIn(row, 'CustomerRef') ?? '',
    currency,
    total: minor(row, 'TotalAmt', currency),
    unapplied: minor(row, 'UnappliedAmt', currency),
    paidOn: dayOf(row, 'TxnDate') ?? '',
    onInvoices: linkedTo(row, 'Invoice', currency),
    deposit: { state: depositId !== null ? 'deposited' : isDirect ? 'direct' : 'undeposited', depositId },
  }
}

export function depositFacts(row: Row, { settings }: ProviderContext): DepositFacts {
  const currency = currencyOf(row, settings)
  const total = minor(row, 'TotalAmt', currency)
  const payments = linkedTo(row, 'Payment', currency)
  const sum = [...payments.values()].reduce((all, one) => all + one, 0)
  return {
    id: idOf(row),
    currency,
    total,
    depositedOn: dayOf(row, 'TxnDate') ?? '',
    payments,
    other: total - sum,
  }
}

/** Transactions of a range of days, both included. Voided ones are left out. */
export async function inRange(
  context: ProviderContext,
  entity: Entity,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<{ rows: Row[]; isWhole: boolean }> {
  const conditions = [`TxnDate >= ${quoted(from)}`, `TxnDate <= ${quoted(to)}`]
  const { rows, isWhole } = await queryAll(context, entity, conditions, mostRows)
  return { rows: rows.filter((row) => !isVoided(row)), isWhole }
}

const isVoided = (row: Row): boolean =>
  numberIn(row, 'TotalAmt') === 0 && (textIn(row, 'PrivateNote') ?? '').includes('Voided')

/** Objects by id, a hundred at a time. */
export async function byIds(
  context: ProviderContext,
  entity: Entity,
  ids: readonly string[],
): Promise<Row[]> {
  const rows: Row[] = []
  for (let at = 0; at < ids.length; at += 100)
    rows.push(...(await queryByIds(context, entity, ids.slice(at, at + 100))).rows)
  return rows
}

/** Accounts in which payments wait for a bank deposit. */
export async function clearingAccounts(context: ProviderContext): Promise<ReadonlySet<string>> {
  const { rows } = await queryAll(context, entities.account, [
    `AccountType = ${quoted('Other Current Asset')}`,
  ])
  return new Set(rows.filter((row) => textIn(row, 'AccountSubType') === 'UndepositedFunds').map(idOf))
}
