/**
 * What no mapping rule can say is read out of a row into a `derived` object beside QuickBooks' own fields: the currency of
 * its amounts (the company's own where the object names none), lines without subtotals and with signs, links of payments.
 */
import type { Row, Settings } from '../contract.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { decimalOf, moneyOf } from '../../model/money.ts'
import { changedAt, fieldsIn, listIn, numberIn, refIn, textIn, type Fields } from './answer.ts'

/** ISO 4217: the object's own, the company's, or the dollar. */
export function currencyOf(row: Fields, settings: Settings): string {
  return refIn(row, 'CurrencyRef') ?? settings['home_currency'] ?? 'USD'
}

type Derive = (row: Row, currency: string) => JsonObject

/** Adds `derived`. Rows that came without an id or a time are left to the schema check. */
export const dress =
  (derive: Derive = () => ({})) =>
  (row: Row, settings: Settings): Row => {
    const currency = currencyOf(row, settings)
    return { ...row, derived: { currency, ...derive(row, currency) } }
  }

const given = (entries: Readonly<Record<string, JsonValue | undefined>>): JsonObject =>
  Object.fromEntries(
    Object.entries(entries).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  )

/** An amount that the currency can hold; prices may have more decimal places than money has. */
const exactly = (amount: unknown, currency: string): number | undefined =>
  typeof amount === 'number' && moneyOf(amount, currency) ? amount : undefined

// --------------------------------------------------------------------------------------- documents' lines

const detailNames = [
  'SalesItemLineDetail',
  'ItemBasedExpenseLineDetail',
  'AccountBasedExpenseLineDetail',
  'DiscountLineDetail',
  'DepositLineDetail',
] as const

/** Lines that are sold or bought: those of a group one by one, subtotals left out, discounts negative. */
function lineOf(line: Fields, currency: string): JsonObject[] {
  const type = textIn(line, 'DetailType')
  if (type === 'GroupLineDetail')
    return listIn(fieldsIn(line, 'GroupLineDetail'), 'Line').flatMap((inner) => lineOf(inner, currency))
  const name = detailNames.find((one) => one === type)
  if (name === undefined) return []
  const detail = fieldsIn(line, name)
  const amount = exactly(line['Amount'], currency)
  return [
    given({
      id: textIn(line, 'Id'),
      description: textIn(line, 'Description'),
      itemId: refIn(detail, 'ItemRef'),
      quantity: numberIn(detail, 'Qty'),
      unitPrice: exactly(detail?.['UnitPrice'], currency),
      amount: name === 'DiscountLineDetail' && amount !== undefined ? -amount : amount,
      taxRateId: refIn(detail, 'TaxCodeRef'),
      accountId:
        refIn(detail, 'AccountRef') ?? refIn(detail, 'DiscountAccountRef') ?? refIn(detail, 'ItemAccountRef'),
    }),
  ]
}

const linesOf = (row: Row, currency: string): JsonObject[] =>
  listIn(row, 'Line').flatMap((line) => lineOf(line, currency))

/** The day of the last change, for what was due before it. */
const changedOn = (row: Row): string | undefined => changedAt(row)?.slice(0, 10)

export const deriveDocument: Derive = (row, currency) => {
  const subtotal = listIn(row, 'Line').find((line) => textIn(line, 'DetailType') === 'SubTotalLineDetail')
  return given({
    lines: linesOf(row, currency),
    subtotal: exactly(subtotal?.['Amount'], currency),
    tax: exactly(fieldsIn(row, 'TxnTaxDetail')?.['TotalTax'], currency),
    changedOn: changedOn(row),
  })
}

/** Money out; a refund of a card is a purchase with `Credit`. */
export const derivePurchase: Derive = (row, currency) => {
  const total = exactly(row['TotalAmt'], currency)
  const isVendor = textIn(fieldsIn(row, 'EntityRef'), 'type')?.toLowerCase() === 'vendor'
  return given({
    lines: linesOf(row, currency),
    amount: total !== undefined && row['Credit'] === true ? -total : total,
    vendorId: isVendor ? refIn(row, 'EntityRef') : undefined,
  })
}

// ---------------------------------------------------------------------------------------------- payments

/** QuickBooks' names of documents as the model's. */
const documentTypes: Readonly<Record<string, string>> = {
  Invoice: 'invoice',
  Bill: 'bill',
  Payment: 'payment',
  CreditMemo: 'creditNote',
  Deposit: 'deposit',
  JournalEntry: 'journalEntry',
}

export interface Link {
  /** QuickBooks' name: `Invoice`. */
  readonly type: string
  readonly id: string
  readonly amount: number | undefined
}

/** What the lines of a payment or a deposit are linked to, with the amount of the line. */
export const linksOf = (row: Row): Link[] =>
  listIn(row, 'Line').flatMap((line) =>
    listIn(line, 'LinkedTxn').flatMap((link) => {
      const id = textIn(link, 'TxnId')
      const type = textIn(link, 'TxnType')
      return id === undefined || type === undefined ? [] : [{ type, id, amount: numberIn(line, 'Amount') }]
    }),
  )

export const deriveApplied: Derive = (row, currency) => ({
  applied: linksOf(row).map(({ type, id, amount }) =>
    given({ type: documentTypes[type] ?? 'other', id, amount: exactly(amount, currency) }),
  ),
})

/** A credit memo is applied by payments; QuickBooks tells which ones in its own links. */
export const deriveCredit: Derive = (row, currency) => ({
  ...deriveDocument(row, currency),
  applied: listIn(row, 'LinkedTxn').map((link) =>
    given({ type: documentTypes[textIn(link, 'TxnType') ?? ''] ?? 'other', id: textIn(link, 'TxnId') }),
  ),
})

// ------------------------------------------------------------------------------------------------ ledger

export const deriveJournal: Derive = (row, currency) => {
  const lines = listIn(row, 'Line').flatMap((line) => {
    const detail = fieldsIn(line, 'JournalEntryLineDetail')
    if (!detail) return []
    return [
      given({
        id: textIn(line, 'Id'),
        side: textIn(detail, 'PostingType')?.toLowerCase(),
        amount: exactly(line['Amount'], currency),
        accountId: refIn(detail, 'AccountRef'),
        description: textIn(line, 'Description'),
      }),
    ]
  })
  const debits = lines.filter(({ side }) => side === 'debit')
  const sum = debits.reduce((total, { amount }) => total + (moneyOf(amount, currency)?.amountMinor ?? 0), 0)
  return { lines, total: decimalOf({ amountMinor: sum, currency }) }
}

// ------------------------------------------------------------------------------------------------- lists

function addressOf(row: Row, key: string): JsonObject | undefined {
  const address = fieldsIn(row, key)
  if (!address) return undefined
  return given({
    line1: textIn(address, 'Line1'),
    line2: textIn(address, 'Line2'),
    city: textIn(address, 'City'),
    region: textIn(address, 'CountrySubDivisionCode'),
    postalCode: textIn(address, 'PostalCode'),
    country: textIn(address, 'Country'),
  })
}

export const deriveParty: Derive = (row) =>
  given({ billingAddress: addressOf(row, 'BillAddr'), shippingAddress: addressOf(row, 'ShipAddr') })

export const deriveItem: Derive = (row, currency) =>
  given({
    unitPrice: exactly(row['UnitPrice'], currency),
    purchasePrice: exactly(row['PurchaseCost'], currency),
  })

/** Rates of a tax code; `percent` is their sum for sales (for purchases, where it has none for sales). */
export function dressTaxCode(row: Row, rates: ReadonlyMap<string, Row>): Row {
  const of = (key: string) =>
    listIn(fieldsIn(row, key), 'TaxRateDetail').flatMap((detail) => {
      const id = refIn(detail, 'TaxRateRef')
      const rate = id === undefined ? undefined : rates.get(id)
      return id === undefined
        ? []
        : [{ id, percent: numberIn(rate, 'RateValue'), agency: refIn(rate, 'AgencyRef') }]
    })
  const sales = of('SalesTaxRateList')
  const purchases = of('PurchaseTaxRateList')
  const used = sales.length > 0 ? sales : purchases
  const percent = used.reduce((sum, one) => sum + Math.round((one.percent ?? 0) * 1e6), 0) / 1e6
  const agencies = new Set(used.map(({ agency }) => agency))
  return {
    ...row,
    derived: given({
      percent: used.length === 0 ? undefined : percent,
      components: used.map(({ id, percent: one }) => given({ id, percent: one })),
      appliesTo: [...(sales.length > 0 ? ['sales'] : []), ...(purchases.length > 0 ? ['purchases'] : [])],
      agencyId: agencies.size === 1 ? used[0]?.agency : undefined,
    }),
  }
}
