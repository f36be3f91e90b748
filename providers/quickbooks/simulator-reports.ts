/** Reports, worked out from the books: `Header`, `Columns`, `Rows` as the reports service gives them. */
import type { JsonObject } from '../../model/json.ts'
import type { Books } from './simulator-books.ts'
import { entities, entityNames, type EntityName } from './simulator-entities.ts'
import { malformed } from './simulator-faults.ts'
import { postingsOf } from './simulator-ledger.ts'
import { generalLedger, transactionList } from './simulator-report-lists.ts'
import {
  cell,
  column,
  data,
  money,
  periodOf,
  reportOf,
  section,
  type Period,
  type ReportDesk,
} from './simulator-report-parts.ts'
import { centsOf, daysBetween, isDate, localDate, refId, textOf } from './simulator-values.ts'

type Report = (desk: ReportDesk, asked: URLSearchParams) => JsonObject

/** Share of an invoice or bill that counts: all of it, or on cash basis what has been paid. */
function shareOf(period: Period, entity: EntityName, object: JsonObject): number {
  const total = centsOf(object['TotalAmt'])
  if (period.basis === 'Accrual' || !['Invoice', 'Bill'].includes(entity) || total === 0) return 1
  return (total - centsOf(object['Balance'])) / total
}

/** Cents by account, debits positive, of transactions within the period (`from` may be '': ever since). */
function sums(books: Books, period: Period, from: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const entity of entityNames) {
    if (entities[entity].kind !== 'transaction') continue
    for (const object of books.all(entity)) {
      const date = textOf(object['TxnDate'])
      if (date < from || date > period.end) continue
      const share = shareOf(period, entity, object)
      for (const { account, cents } of postingsOf(books, entity, object))
        found.set(account, (found.get(account) ?? 0) + Math.round(cents * share))
    }
  }
  return found
}

interface Line {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly cents: number
}

const linesOf = (books: Books, totals: ReadonlyMap<string, number>): Line[] =>
  books.all('Account').flatMap((account) => {
    const id = textOf(account['Id'])
    const cents = totals.get(id) ?? 0
    const type = textOf(account['AccountType'])
    return cents === 0 ? [] : [{ id, name: textOf(account['FullyQualifiedName']), type, cents }]
  })

/** A section of accounts of some types, with its sum; `sign` -1 for what grows by credits. */
function block(lines: readonly Line[], title: string, group: string, types: readonly string[], sign: 1 | -1) {
  const chosen = lines.filter(({ type }) => types.includes(type))
  const total = chosen.reduce((sum, { cents }) => sum + sign * cents, 0)
  const rows = chosen.map(({ id, name, cents }) => data([cell(name, id), cell(money(sign * cents))]))
  return {
    total,
    isEmpty: chosen.length === 0,
    row: section(group, [cell(title), cell('')], rows, [cell(`Total ${title}`), cell(money(total))]),
  }
}

const summary = (group: string, title: string, cents: number): JsonObject =>
  section(group, undefined, undefined, [cell(title), cell(money(cents))])

function netIncome(lines: readonly Line[]): number {
  const types = ['Income', 'Other Income', 'Cost of Goods Sold', 'Expense', 'Other Expense']
  return lines.filter(({ type }) => types.includes(type)).reduce((sum, { cents }) => sum - cents, 0)
}

const accountColumns = [column('', 'Account', 'account'), column('Total', 'Money', 'total')]

const profitAndLoss: Report = ({ books, now }, asked) => {
  const period = periodOf(asked, now)
  const lines = linesOf(books, sums(books, period, period.start))
  const income = block(lines, 'Income', 'Income', ['Income'], -1)
  const cogs = block(lines, 'Cost of Goods Sold', 'COGS', ['Cost of Goods Sold'], 1)
  const expenses = block(lines, 'Expenses', 'Expenses', ['Expense'], 1)
  const otherIncome = block(lines, 'Other Income', 'OtherIncome', ['Other Income'], -1)
  const otherCosts = block(lines, 'Other Expenses', 'OtherExpenses', ['Other Expense'], 1)
  const gross = income.total - cogs.total
  const operating = gross - expenses.total
  const other = otherIncome.total - otherCosts.total
  return reportOf('ProfitAndLoss', period, now, accountColumns, lines.length === 0, [
    income.row,
    ...(cogs.isEmpty ? [] : [cogs.row]),
    summary('GrossProfit', 'Gross Profit', gross),
    expenses.row,
    summary('NetOperatingIncome', 'Net Operating Income', operating),
    ...(otherIncome.isEmpty ? [] : [otherIncome.row]),
    ...(otherCosts.isEmpty ? [] : [otherCosts.row]),
    ...(otherIncome.isEmpty && otherCosts.isEmpty
      ? []
      : [summary('NetOtherIncome', 'Net Other Income', other)]),
    summary('NetIncome', 'Net Income', operating + other),
  ])
}

const balanceSheet: Report = ({ books, now }, asked) => {
  const period = periodOf(asked, now)
  const lines = linesOf(books, sums(books, period, ''))
  const bank = block(lines, 'Bank Accounts', 'BankAccounts', ['Bank'], 1)
  const receivable = block(lines, 'Accounts Receivable', 'AR', ['Accounts Receivable'], 1)
  const other = block(lines, 'Other Current Assets', 'OtherCurrentAssets', ['Other Current Asset'], 1)
  const fixed = block(lines, 'Fixed Assets', 'FixedAssets', ['Fixed Asset'], 1)
  const payable = block(lines, 'Accounts Payable', 'AP', ['Accounts Payable'], -1)
  const cards = block(lines, 'Credit Cards', 'CreditCards', ['Credit Card'], -1)
  const owed = block(
    lines,
    'Other Current Liabilities',
    'OtherCurrentLiabilities',
    ['Other Current Liability'],
    -1,
  )
  const long = block(lines, 'Long-Term Liabilities', 'LongTermLiabilities', ['Long Term Liability'], -1)
  const equity = block(lines, 'Equity', 'Equity', ['Equity'], -1)
  const present = (blocks: readonly { isEmpty: boolean; row: JsonObject }[]) =>
    blocks.flatMap(({ isEmpty, row }) => (isEmpty ? [] : [row]))
  const titled = (group: string, title: string, rows: JsonObject[], cents: number) =>
    section(group, [cell(title), cell('')], rows, [cell(`Total ${title}`), cell(money(cents))])
  const current = bank.total + receivable.total + other.total
  const assets = current + fixed.total
  const liabilities = payable.total + cards.total + owed.total + long.total
  const earned = netIncome(lines)
  const own = equity.total + earned
  return reportOf('BalanceSheet', period, now, accountColumns, lines.length === 0, [
    titled(
      'TotalAssets',
      'ASSETS',
      [
        titled('CurrentAssets', 'Current Assets', present([bank, receivable, other]), current),
        ...present([fixed]),
      ],
      assets,
    ),
    titled(
      'TotalLiabilitiesAndEquity',
      'LIABILITIES AND EQUITY',
      [
        titled('Liabilities', 'Liabilities', present([payable, cards, owed, long]), liabilities),
        section(
          'Equity',
          [cell('Equity'), cell('')],
          [
            ...lines
              .filter(({ type }) => type === 'Equity')
              .map(({ id, name, cents }) => data([cell(name, id), cell(money(-cents))])),
            data([cell('Net Income'), cell(money(earned))], 'NetIncome'),
          ],
          [cell('Total Equity'), cell(money(own))],
        ),
      ],
      liabilities + own,
    ),
  ])
}

const trialBalance: Report = ({ books, now }, asked) => {
  const period = periodOf(asked, now)
  const lines = linesOf(books, sums(books, period, ''))
  const rows = lines.map(({ id, name, cents }) =>
    data([cell(name, id), cell(cents > 0 ? money(cents) : ''), cell(cents < 0 ? money(-cents) : '')]),
  )
  const debits = lines.reduce((sum, { cents }) => sum + Math.max(0, cents), 0)
  const credits = lines.reduce((sum, { cents }) => sum + Math.max(0, -cents), 0)
  const columns = [
    column('', 'Account', 'account'),
    column('Debit', 'Money', 'debit'),
    column('Credit', 'Money', 'credit'),
  ]
  const total = section('GrandTotal', undefined, undefined, [
    cell('TOTAL'),
    cell(money(debits)),
    cell(money(credits)),
  ])
  return reportOf('TrialBalance', period, now, columns, rows.length === 0, [...rows, total])
}

const buckets = ['Current', '1 - 30', '31 - 60', '61 - 90', '91 and over'] as const

/** What customers owe, by how long it has been due; what they are owed counts against it. */
const agedReceivables: Report = ({ books, now }, asked) => {
  const date = asked.get('report_date') ?? localDate(now.getTime())
  if (!isDate(date)) throw malformed('report_date')
  const only = asked.get('customer')?.split(',')
  const byCustomer = new Map<string, number[]>()
  const add = (object: JsonObject, due: string, cents: number) => {
    const customer = refId(object, 'CustomerRef')
    if (cents === 0 || textOf(object['TxnDate']) > date || (only && !only.includes(customer))) return
    const late = daysBetween(due, date)
    const bucket = late <= 0 ? 0 : Math.min(4, Math.floor((late - 1) / 30) + 1)
    const row = byCustomer.get(customer) ?? [0, 0, 0, 0, 0]
    row[bucket] = (row[bucket] ?? 0) + Math.round(cents * Number(object['ExchangeRate'] ?? 1))
    byCustomer.set(customer, row)
  }
  for (const one of books.all('Invoice')) add(one, textOf(one['DueDate']), centsOf(one['Balance']))
  for (const one of books.all('Payment')) add(one, textOf(one['TxnDate']), -centsOf(one['UnappliedAmt']))
  for (const one of books.all('CreditMemo'))
    add(one, textOf(one['TxnDate']), -centsOf(one['RemainingCredit']))
  const named = [...byCustomer]
    .map(([id, row]) => ({ id, row, name: textOf(books.get('Customer', id)?.['DisplayName']) }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
  const sum = (row: readonly number[]) => row.reduce((all, cents) => all + cents, 0)
  const rows = named.map(({ id, name, row }) => ({
    ColData: [
      cell(name, id),
      ...row.map((cents) => cell(cents === 0 ? '' : money(cents))),
      cell(money(sum(row))),
    ],
  }))
  const totals = buckets.map((_, index) => sum(named.map(({ row }) => row[index] ?? 0)))
  const total = section('GrandTotal', undefined, undefined, [
    cell('TOTAL'),
    ...totals.map((cents) => cell(money(cents))),
    cell(money(sum(totals))),
  ])
  const columns = [
    { ColTitle: '', ColType: 'Customer' },
    ...[...buckets, 'Total'].map((ColTitle) => ({ ColTitle, ColType: 'Money' })),
  ]
  return reportOf(
    'AgedReceivables',
    { start: date, end: date, basis: undefined, date },
    now,
    columns,
    rows.length === 0,
    [...rows, total],
  )
}

export const reports: Readonly<Record<string, Report>> = {
  AgedReceivables: agedReceivables,
  ProfitAndLoss: profitAndLoss,
  BalanceSheet: balanceSheet,
  TrialBalance: trialBalance,
  GeneralLedger: generalLedger,
  TransactionList: transactionList,
}
