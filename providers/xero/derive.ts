/** What the mappings need and Xero writes in a form of its own: times, days, amounts without tax, one address of several. */
import type { Row } from '../contract.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { decimalOf, moneyOf } from '../../model/money.ts'
import { fieldsIn, listIn, numberIn, textIn, type Fields } from './answer.ts'
import { dayOf, updatedAt } from './times.ts'

const known = (object: Readonly<Record<string, JsonValue | undefined>>): JsonObject =>
  Object.fromEntries(
    Object.entries(object).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  )

/** The row with `derived` beside Xero's own fields. */
export const dress =
  (...parts: readonly ((row: Row) => JsonObject)[]) =>
  (row: Row): Row => ({
    ...row,
    derived: Object.assign({}, times(row), ...parts.map((part) => part(row))) as JsonObject,
  })

function times(row: Row): JsonObject {
  const changed = updatedAt(row)
  return known({ updatedAt: changed, changedOn: changed?.slice(0, 10) })
}

/** Xero's address types: POBOX is the postal one, to which documents are sent; STREET the physical one. */
export function deriveContact(row: Row): JsonObject {
  return known({
    billingAddress: addressOf(row, 'POBOX'),
    shippingAddress: addressOf(row, 'STREET'),
    phone: phoneOf(row),
  })
}

function addressOf(row: Row, type: string): JsonObject | undefined {
  const address = listIn(row, 'Addresses').find((one) => textIn(one, 'AddressType') === type)
  const found = known({
    line1: textIn(address, 'AddressLine1'),
    line2: textIn(address, 'AddressLine2'),
    city: textIn(address, 'City'),
    region: textIn(address, 'Region'),
    postalCode: textIn(address, 'PostalCode'),
    country: textIn(address, 'Country'),
  })
  return Object.keys(found).length === 0 ? undefined : found
}

/** The main number, else whichever has one; country and area stand in fields of their own. */
function phoneOf(row: Row): string | undefined {
  const phones = listIn(row, 'Phones').filter((one) => textIn(one, 'PhoneNumber') !== undefined)
  const phone = phones.find((one) => textIn(one, 'PhoneType') === 'DEFAULT') ?? phones[0]
  const parts = ['PhoneCountryCode', 'PhoneAreaCode', 'PhoneNumber'].flatMap(
    (key) => textIn(phone, key) ?? [],
  )
  return parts.length === 0 ? undefined : parts.join(' ')
}

export function deriveDocument(row: Row): JsonObject {
  const isInclusive = textIn(row, 'LineAmountTypes') === 'Inclusive'
  const currency = textIn(row, 'CurrencyCode')
  return known({
    issuedOn: dayOf(row['Date']),
    dueOn: dayOf(row['DueDate']),
    lines: listIn(row, 'LineItems').map((line) => lineOf(line, isInclusive, currency)),
  })
}

function lineOf(line: Fields, isInclusive: boolean, currency: string | undefined): JsonObject {
  return known({
    id: textIn(line, 'LineItemID'),
    description: textIn(line, 'Description'),
    itemId: textIn(fieldsIn(line, 'Item'), 'ItemID'),
    quantity: numberIn(line, 'Quantity'),
    unitPrice: exact(line['UnitAmount'], currency),
    amount: isInclusive ? without(line, currency) : exact(line['LineAmount'], currency),
    taxRateId: textIn(line, 'TaxType'),
    accountId: textIn(line, 'AccountID'),
  })
}

/** Prices may have more places than the currency (README): one that does not fit is left out, not rounded. */
const exact = (amount: unknown, currency: string | undefined): number | undefined =>
  typeof amount === 'number' && moneyOf(amount, currency) ? amount : undefined

/** The line's amount less its tax, exactly. */
function without(line: Fields, currency: string | undefined): number | undefined {
  const amount = moneyOf(line['LineAmount'], currency)
  const tax = moneyOf(line['TaxAmount'] ?? 0, currency)
  if (!amount || !tax) return undefined
  return Number(decimalOf({ ...amount, amountMinor: amount.amountMinor - tax.amountMinor }))
}

/** Invoices that a credit note is allocated to. */
export const deriveApplied = (row: Row): JsonObject => ({
  applied: listIn(row, 'Allocations')
    .filter((one) => one['IsDeleted'] !== true)
    .map((one) =>
      known({
        type: 'invoice',
        id: textIn(fieldsIn(one, 'Invoice'), 'InvoiceID'),
        amount: exact(one['Amount'], textIn(row, 'CurrencyCode')),
      }),
    ),
})
