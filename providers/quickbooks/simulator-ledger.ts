/** Double entry: what each transaction posts to which account, in cents of the home currency, debits positive. */
import type { JsonObject } from '../../model/json.ts'
import { accounts } from './simulator-chart.ts'
import { entityNames, entities, type EntityName } from './simulator-entities.ts'
import { centsOf, objectOf, objectsOf, refId, textOf } from './simulator-values.ts'

/** What the ledger reads of the books. */
export interface Pages {
  get(entity: EntityName, id: string): JsonObject | undefined
  all(entity: EntityName): readonly JsonObject[]
}

export interface Posting {
  readonly account: string
  readonly cents: number
  readonly memo: string
}

/** Cents by id: of customers and vendors in their own currency, of accounts at home. */
export interface Balances {
  readonly customers: ReadonlyMap<string, number>
  readonly vendors: ReadonlyMap<string, number>
  readonly accounts: ReadonlyMap<string, number>
}

type Side = readonly [account: string, cents: number, memo?: string]

/** Postings of a transaction; they sum up to nothing. */
export function postingsOf(books: Pages, entity: EntityName, object: JsonObject): Posting[] {
  const rate = Number(object['ExchangeRate'] ?? 1)
  const sides = sidesOf(books, entity, object).map(([account, cents, memo = '']) => ({
    account,
    cents: Math.round(cents * rate),
    memo,
  }))
  // Rounding of a foreign currency is borne by the first side.
  const rest = sides.reduce((sum, { cents }) => sum + cents, 0)
  return sides
    .map((side, index) => (index === 0 ? { ...side, cents: side.cents - rest } : side))
    .filter(({ cents }) => cents !== 0)
}

/** The side that stands for the whole transaction comes first. */
function sidesOf(books: Pages, entity: EntityName, object: JsonObject): Side[] {
  const total = centsOf(object['TotalAmt'])
  switch (entity) {
    case 'Invoice':
      return [[accounts.receivable, total], ...sales(books, object, -1)]
    case 'CreditMemo':
      return [[accounts.receivable, -total], ...sales(books, object, 1)]
    case 'SalesReceipt':
      return [[refId(object, 'DepositToAccountRef'), total], ...sales(books, object, -1)]
    case 'Payment':
      return [
        [refId(object, 'DepositToAccountRef'), total],
        [accounts.receivable, -total],
      ]
    case 'Deposit':
      return [[refId(object, 'DepositToAccountRef'), total], ...depositLines(object)]
    case 'Bill':
      return [[accounts.payable, -total], ...expenses(books, object, 1)]
    case 'BillPayment':
      return [
        [refId(objectOf(object['CheckPayment']), 'BankAccountRef') || accounts.checking, -total],
        [accounts.payable, total],
      ]
    case 'Purchase': {
      const sign = object['Credit'] === true ? -1 : 1
      return [[refId(object, 'AccountRef'), -sign * total], ...expenses(books, object, sign)]
    }
    case 'Transfer': {
      const cents = centsOf(object['Amount'])
      return [
        [refId(object, 'ToAccountRef'), cents],
        [refId(object, 'FromAccountRef'), -cents],
      ]
    }
    case 'JournalEntry':
      return objectsOf(object['Line']).map((line) => {
        const detail = objectOf(line['JournalEntryLineDetail'])
        const cents = centsOf(line['Amount'])
        return [
          refId(detail, 'AccountRef'),
          detail['PostingType'] === 'Credit' ? -cents : cents,
          textOf(line['Description']),
        ]
      })
    default:
      return []
  }
}

/** Income by item, and the tax that is owed. */
function sales(books: Pages, object: JsonObject, sign: 1 | -1): Side[] {
  const lines = objectsOf(object['Line'])
    .filter((line) => line['DetailType'] === 'SalesItemLineDetail')
    .map((line): Side => {
      const item = books.get('Item', refId(objectOf(line['SalesItemLineDetail']), 'ItemRef')) ?? {}
      const account = refId(item, 'IncomeAccountRef') || accounts.sales
      return [account, sign * centsOf(line['Amount']), textOf(line['Description'])]
    })
  return [...lines, [accounts.salesTax, sign * centsOf(objectOf(object['TxnTaxDetail'])['TotalTax'])]]
}

function expenses(books: Pages, object: JsonObject, sign: 1 | -1): Side[] {
  return objectsOf(object['Line']).map((line) => {
    const byAccount = refId(objectOf(line['AccountBasedExpenseLineDetail']), 'AccountRef')
    const item = books.get('Item', refId(objectOf(line['ItemBasedExpenseLineDetail']), 'ItemRef')) ?? {}
    const account = byAccount || refId(item, 'ExpenseAccountRef') || accounts.purchases
    return [account, sign * centsOf(line['Amount']), textOf(line['Description'])]
  })
}

const depositLines = (object: JsonObject): Side[] =>
  objectsOf(object['Line']).map((line) => [
    objectsOf(line['LinkedTxn']).length > 0
      ? accounts.undeposited
      : refId(objectOf(line['DepositLineDetail']), 'AccountRef') || accounts.sales,
    -centsOf(line['Amount']),
    textOf(line['Description']),
  ])

export function balancesOf(books: Pages): Balances {
  const customers = new Map<string, number>()
  const vendors = new Map<string, number>()
  const byAccount = new Map<string, number>()
  const add = (to: Map<string, number>, id: string, cents: number) => to.set(id, (to.get(id) ?? 0) + cents)
  for (const one of books.all('Invoice')) add(customers, refId(one, 'CustomerRef'), centsOf(one['Balance']))
  for (const one of books.all('Payment'))
    add(customers, refId(one, 'CustomerRef'), -centsOf(one['UnappliedAmt']))
  for (const one of books.all('CreditMemo'))
    add(customers, refId(one, 'CustomerRef'), -centsOf(one['RemainingCredit']))
  for (const one of books.all('Bill')) add(vendors, refId(one, 'VendorRef'), centsOf(one['Balance']))
  for (const entity of entityNames) {
    if (entities[entity].kind !== 'transaction') continue
    for (const one of books.all(entity))
      for (const { account, cents } of postingsOf(books, entity, one)) add(byAccount, account, cents)
  }
  return { customers, vendors, accounts: byAccount }
}
