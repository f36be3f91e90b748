/** Reports that list transactions: the general ledger and the transaction list. */
import type { JsonObject } from '../../model/json.ts'
import type { Books } from './simulator-books.ts'
import { entities, entityNames, type EntityName } from './simulator-entities.ts'
import { postingsOf } from './simulator-ledger.ts'
import {
  cell,
  column,
  data,
  money,
  periodOf,
  reportOf,
  section,
  type ReportDesk,
} from './simulator-report-parts.ts'
import { objectOf, refId, textOf } from './simulator-values.ts'

/** Names of transactions as reports show them. */
const titles: Partial<Record<EntityName, string>> = {
  CreditMemo: 'Credit Memo',
  SalesReceipt: 'Sales Receipt',
  BillPayment: 'Bill Payment (Check)',
  JournalEntry: 'Journal Entry',
}

interface Entry {
  readonly entity: EntityName
  readonly title: string
  readonly object: JsonObject
  readonly date: string
  readonly account: string
  readonly split: string
  readonly cents: number
  readonly memo: string
}

function titleOf(entity: EntityName, object: JsonObject): string {
  if (entity !== 'Purchase') return titles[entity] ?? entity
  return { Check: 'Check', CreditCard: 'Credit Card Expense' }[textOf(object['PaymentType'])] ?? 'Expense'
}

/** Every posting of every transaction, by date. */
function entriesOf(books: Books): Entry[] {
  return entityNames
    .filter((entity) => entities[entity].kind === 'transaction')
    .flatMap((entity) =>
      books.all(entity).flatMap((object) => {
        const postings = postingsOf(books, entity, object)
        return postings.map(({ account, cents, memo }, index) => {
          const others = [
            ...new Set(postings.filter((_, other) => other !== index).map((one) => one.account)),
          ]
          const [other = ''] = others
          const split = others.length > 1 ? '-Split-' : accountName(books, other)
          const date = textOf(object['TxnDate'])
          return { entity, title: titleOf(entity, object), object, date, account, split, cents, memo }
        })
      }),
    )
    .sort((one, other) => (one.date < other.date ? -1 : one.date > other.date ? 1 : 0))
}

const accountName = (books: Books, id: string): string =>
  textOf(books.get('Account', id)?.['FullyQualifiedName'])

/** Who a transaction is with. */
function partyOf(object: JsonObject): { id: string; name: string } {
  const field = ['CustomerRef', 'VendorRef', 'EntityRef'].find((one) => object[one] !== undefined) ?? ''
  return { id: refId(object, field), name: textOf(objectOf(object[field])['name']) }
}

const numberOf = ({ object }: Entry): string => textOf(object['DocNumber'] ?? object['PaymentRefNum'])

function cells(entry: Entry): JsonObject[] {
  const party = partyOf(entry.object)
  return [
    cell(entry.date),
    cell(entry.title, textOf(entry.object['Id'])),
    cell(numberOf(entry)),
    cell(party.name, party.id),
    cell(entry.memo || textOf(entry.object['PrivateNote'])),
  ]
}

const columns = (...more: JsonObject[]): JsonObject[] => [
  column('Date', 'Date', 'tx_date'),
  column('Transaction Type', 'String', 'txn_type'),
  column('Num', 'String', 'doc_num'),
  column('Name', 'String', 'name'),
  column('Memo/Description', 'String', 'memo'),
  ...more,
]

/** An asset or a cost grows by debits, all else by credits. */
function signOf(books: Books, account: string): 1 | -1 {
  const kind = textOf(books.get('Account', account)?.['Classification'])
  return kind === 'Asset' || kind === 'Expense' ? 1 : -1
}

export function generalLedger({ books, now }: ReportDesk, asked: URLSearchParams): JsonObject {
  const period = periodOf(asked, now)
  const only = asked.get('account')?.split(',')
  const byAccount = new Map<string, Entry[]>()
  for (const entry of entriesOf(books)) {
    if (entry.date > period.end || (only && !only.includes(entry.account))) continue
    const known = byAccount.get(entry.account)
    if (known) known.push(entry)
    else byAccount.set(entry.account, [entry])
  }
  const rows = books.all('Account').flatMap((account) => {
    const id = textOf(account['Id'])
    const entries = byAccount.get(id)
    return entries ? [ledgerSection(books, id, entries, period.start)] : []
  })
  const shown = columns(
    column('Split', 'String', 'split_acc'),
    column('Amount', 'Money', 'subt_nat_amount'),
    column('Balance', 'Money', 'rbal_nat_amount'),
  )
  return reportOf('GeneralLedger', period, now, shown, rows.length === 0, rows)
}

function ledgerSection(books: Books, account: string, entries: readonly Entry[], start: string): JsonObject {
  const sign = signOf(books, account)
  let balance = 0
  const before = entries.filter(({ date }) => date < start)
  for (const { cents } of before) balance += sign * cents
  const blank = (count: number) => Array.from({ length: count }, () => cell(''))
  const opening = data([cell('Beginning Balance'), ...blank(6), cell(money(balance))])
  let total = 0
  const within = entries
    .filter(({ date }) => date >= start)
    .map((entry) => {
      const cents = sign * entry.cents
      balance += cents
      total += cents
      return data([...cells(entry), cell(entry.split), cell(money(cents)), cell(money(balance))])
    })
  const name = accountName(books, account)
  return section(
    undefined,
    [cell(name, account), ...blank(7)],
    [...(before.length > 0 ? [opening] : []), ...within],
    [cell(`Total for ${name}`), ...blank(5), cell(money(total)), cell('')],
  )
}

export function transactionList({ books, now }: ReportDesk, asked: URLSearchParams): JsonObject {
  const period = periodOf(asked, now)
  const types = asked.get('transaction_type')?.split(',')
  const parties = (asked.get('customer') ?? asked.get('vendor'))?.split(',')
  const seen = new Set<string>()
  const rows = entriesOf(books).flatMap((entry) => {
    // One row for each transaction: its first posting stands for it.
    const key = `${entry.entity} ${textOf(entry.object['Id'])}`
    if (entry.date < period.start || entry.date > period.end || seen.has(key)) return []
    seen.add(key)
    if (types && !types.some((one) => one.replace(/\s/g, '') === entry.entity)) return []
    if (parties && !parties.includes(partyOf(entry.object).id)) return []
    const [date, type, number, name, memo] = cells(entry)
    const amount = cell(money(signOf(books, entry.account) * entry.cents))
    const posted = cell('Yes')
    const account = cell(accountName(books, entry.account), entry.account)
    return [
      data(
        [date, type, number, posted, name, memo, account, cell(entry.split), amount].map((one) => one ?? {}),
      ),
    ]
  })
  const [date, type, number, name, memo] = columns()
  const shown = [
    ...[date, type, number].map((one) => one ?? {}),
    column('Posting', 'Boolean', 'is_no_post'),
    ...[name, memo].map((one) => one ?? {}),
    column('Account', 'String', 'account_name'),
    column('Split', 'String', 'other_account'),
    column('Amount', 'Money', 'subt_nat_amount'),
  ]
  return reportOf('TransactionList', period, now, shown, rows.length === 0, rows)
}
