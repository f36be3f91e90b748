/** Lines of sales, expenses and journal entries: checked, numbered, summed up, taxed. */
import type { JsonObject } from '../../model/json.ts'
import type { Books } from './simulator-books.ts'
import { business, missing, wrongAmount } from './simulator-faults.ts'
import { reference } from './simulator-references.ts'
import { amountOf, centsOf, objectOf, objectsOf, refId, textOf } from './simulator-values.ts'

export const sumOf = (lines: readonly JsonObject[]): number =>
  lines.reduce((sum, line) => sum + centsOf(line['Amount']), 0)

interface SaleTotals {
  readonly lines: JsonObject[]
  /** Cents, with tax. */
  readonly total: number
  readonly tax: JsonObject
}

/** Lines of an invoice or credit memo; QuickBooks adds the one with the subtotal. */
export function salesLines(books: Books, draft: JsonObject): SaleTotals {
  const wanted = objectsOf(draft['Line']).filter((line) => line['DetailType'] !== 'SubTotalLineDetail')
  const lines = wanted.map((line, index) => saleLine(books, line, index))
  const sold = lines.filter((line) => line['DetailType'] === 'SalesItemLineDetail')
  const subtotal = sumOf(sold)
  const taxable = sumOf(sold.filter((line) => taxCodeOf(line) === 'TAX'))
  const tax = taxOf(books, objectOf(draft['TxnTaxDetail']), taxable)
  const subtotalLine = {
    Amount: amountOf(subtotal),
    DetailType: 'SubTotalLineDetail',
    SubTotalLineDetail: {},
  }
  return { lines: [...lines, subtotalLine], total: subtotal + centsOf(tax['TotalTax']), tax }
}

const taxCodeOf = (line: JsonObject): string => refId(objectOf(line['SalesItemLineDetail']), 'TaxCodeRef')

function saleLine(books: Books, line: JsonObject, index: number): JsonObject {
  const kind = textOf(line['DetailType'])
  if (kind === '') throw missing('DetailType')
  const numbered = { ...line, Id: String(index + 1), LineNum: index + 1 }
  if (kind !== 'SalesItemLineDetail') return numbered
  if (line['Amount'] == null) throw missing('Amount')
  const detail = objectOf(line['SalesItemLineDetail'])
  const item = reference(books, 'Item', detail, 'ItemRef') ?? reference(books, 'Item', firstItem, 'ItemRef')
  const amount = centsOf(line['Amount'])
  if (detail['Qty'] != null && detail['UnitPrice'] != null) {
    const worked = Math.round(Number(detail['Qty']) * Number(detail['UnitPrice']) * 100)
    if (Math.abs(worked - amount) > 1) throw wrongAmount(textOf(line['Amount']))
  }
  return {
    ...numbered,
    Amount: amountOf(amount),
    SalesItemLineDetail: {
      TaxCodeRef: { value: 'NON' },
      ...detail,
      ...(item ? { ItemRef: item } : {}),
    },
  }
}

/** A line without an item is taken for the first one. */
const firstItem: JsonObject = { ItemRef: { value: '1' } }

/** Automated sales tax works the tax out anew, unless a total is sent. */
function taxOf(books: Books, asked: JsonObject, taxable: number): JsonObject {
  if (taxable === 0 && asked['TotalTax'] == null) return { TotalTax: 0 }
  const code = refId(asked, 'TxnTaxCodeRef') || '2'
  const list = objectOf(books.get('TaxCode', code)?.['SalesTaxRateList'])
  const [detail] = objectsOf(list['TaxRateDetail'])
  const rateId = refId(detail ?? {}, 'TaxRateRef') || '1'
  const percent = Number(books.get('TaxRate', rateId)?.['RateValue'] ?? 0)
  const isOverridden = asked['TotalTax'] != null && objectsOf(asked['TaxLine']).length === 0
  const cents = isOverridden ? centsOf(asked['TotalTax']) : Math.round((taxable * percent) / 100)
  if (cents === 0) return { TotalTax: 0 }
  return {
    TxnTaxCodeRef: { value: code },
    TotalTax: amountOf(cents),
    TaxLine: [
      {
        Amount: amountOf(cents),
        DetailType: 'TaxLineDetail',
        TaxLineDetail: {
          TaxRateRef: { value: rateId },
          PercentBased: true,
          TaxPercent: percent,
          NetAmountTaxable: amountOf(taxable),
        },
      },
    ],
  }
}

export function expenseLines(books: Books, draft: JsonObject): JsonObject[] {
  const lines = objectsOf(draft['Line'])
  if (lines.length === 0) throw missing('Line')
  return lines.map((line, index) => {
    if (line['Amount'] == null) throw missing('Amount')
    const kind = textOf(line['DetailType'])
    if (kind === '') throw missing('DetailType')
    const detail = objectOf(line[kind])
    const account = reference(books, 'Account', detail, 'AccountRef')
    const item = reference(books, 'Item', detail, 'ItemRef')
    if (!account && !item) throw missing(kind === 'ItemBasedExpenseLineDetail' ? 'ItemRef' : 'AccountRef')
    return {
      ...line,
      Id: String(index + 1),
      LineNum: index + 1,
      Amount: amountOf(centsOf(line['Amount'])),
      [kind]: {
        BillableStatus: 'NotBillable',
        TaxCodeRef: { value: 'NON' },
        ...detail,
        ...(account ? { AccountRef: account } : {}),
        ...(item ? { ItemRef: item } : {}),
      },
    }
  })
}

export function journalLines(books: Books, draft: JsonObject): JsonObject[] {
  const wanted = objectsOf(draft['Line'])
  if (wanted.length === 0) throw missing('Line')
  let balance = 0
  const lines = wanted.map((line, index): JsonObject => {
    const detail = objectOf(line['JournalEntryLineDetail'])
    const side = textOf(detail['PostingType'])
    if (line['Amount'] == null) throw missing('Amount')
    if (side !== 'Debit' && side !== 'Credit') throw missing('PostingType')
    const account = reference(books, 'Account', detail, 'AccountRef')
    if (!account) throw missing('AccountRef')
    const type = textOf(books.get('Account', textOf(account['value']))?.['AccountType'])
    if (/Receivable|Payable/.test(type) && !hasEntity(detail, type))
      throw business(`When you use ${type}, you must choose a name in the Name field.`)
    balance += (side === 'Debit' ? 1 : -1) * centsOf(line['Amount'])
    return {
      ...line,
      Id: String(index),
      Amount: amountOf(centsOf(line['Amount'])),
      DetailType: 'JournalEntryLineDetail',
      JournalEntryLineDetail: { ...detail, AccountRef: account },
    }
  })
  if (balance !== 0) throw business("You can't save this transaction: debits and credits do not balance.")
  return lines
}

const hasEntity = (detail: JsonObject, type: string): boolean =>
  objectOf(detail['Entity'])['Type'] === (type.includes('Receivable') ? 'Customer' : 'Vendor')
