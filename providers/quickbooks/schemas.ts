/**
 * JSON Schemas (2020-12) of the rows: strict on what the hub relies on (id, version, times, types of mapped fields), silent
 * on everything else, so that a new field at QuickBooks stops nothing. Fields without a value are left out by QuickBooks.
 */
import type { JsonSchema } from '../../model/json.ts'

const id = { type: 'string', pattern: '^[0-9]{1,20}$' }
const text = { type: 'string' }
const flag = { type: 'boolean' }
const amount = { type: 'number' }
const day = { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}' }
const time = { type: 'string', format: 'date-time' }
const reference = { type: 'object', properties: { value: text } }
const objects = { type: 'array', items: { type: 'object' } }
const withText = (key: string) => ({ type: 'object', properties: { [key]: { type: 'string' } } })
const address = {
  type: 'object',
  properties: Object.fromEntries(
    ['Line1', 'Line2', 'City', 'CountrySubDivisionCode', 'PostalCode', 'Country'].map((key) => [key, text]),
  ),
}
const line = {
  type: 'object',
  properties: {
    Id: text,
    Amount: amount,
    Description: text,
    DetailType: text,
    LinkedTxn: {
      type: 'array',
      items: { type: 'object', properties: { TxnId: text, TxnType: text } },
    },
  },
}

const whole = {
  Id: id,
  SyncToken: text,
  MetaData: {
    type: 'object',
    required: ['LastUpdatedTime'],
    properties: { CreateTime: time, LastUpdatedTime: time },
  },
}
const always = ['Id', 'SyncToken', 'MetaData', 'derived']

function row(required: readonly string[], properties: Readonly<Record<string, unknown>>): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: [...always, ...required],
    properties: { ...whole, ...properties, derived: { type: 'object' } },
  }
}

const party = {
  DisplayName: text,
  CompanyName: text,
  GivenName: text,
  FamilyName: text,
  PrimaryEmailAddr: withText('Address'),
  PrimaryPhone: withText('FreeFormNumber'),
  CurrencyRef: reference,
  Balance: amount,
  Active: flag,
  BillAddr: address,
  ShipAddr: address,
}
export const partySchema = row(['DisplayName', 'Active'], party)

export const accountSchema = row(['Name', 'Active', 'AccountType'], {
  Name: text,
  FullyQualifiedName: text,
  AcctNum: text,
  AccountType: text,
  AccountSubType: text,
  Classification: text,
  CurrentBalance: amount,
  CurrencyRef: reference,
  ParentRef: reference,
  Active: flag,
})

export const itemSchema = row(['Name', 'Active'], {
  Name: text,
  Sku: text,
  Description: text,
  Type: text,
  UnitPrice: amount,
  PurchaseCost: amount,
  QtyOnHand: amount,
  IncomeAccountRef: reference,
  ExpenseAccountRef: reference,
  Active: flag,
})

/** Companies in the United States have the codes `TAX` and `NON` beside numbered ones. */
export const taxCodeSchema = row(['Name'], {
  Id: { type: 'string', pattern: '^[A-Za-z0-9]{1,30}$' },
  Name: text,
  Description: text,
  Active: flag,
})

const document = {
  DocNumber: text,
  TxnDate: day,
  DueDate: day,
  TotalAmt: amount,
  Balance: amount,
  CurrencyRef: reference,
  CustomerRef: reference,
  VendorRef: reference,
  PrivateNote: text,
  CustomerMemo: reference,
  Line: { type: 'array', items: line },
}
export const invoiceSchema = row(['TxnDate', 'TotalAmt', 'CustomerRef'], {
  ...document,
  BillEmail: withText('Address'),
  EmailStatus: text,
  InvoiceLink: text,
})
export const creditMemoSchema = row(['TxnDate', 'TotalAmt', 'CustomerRef'], {
  ...document,
  LinkedTxn: objects,
})
export const billSchema = row(['TxnDate', 'TotalAmt', 'VendorRef'], document)
export const paymentSchema = row(['TxnDate', 'TotalAmt'], {
  ...document,
  UnappliedAmt: amount,
  PaymentMethodRef: reference,
  PaymentRefNum: text,
  DepositToAccountRef: reference,
})
export const depositSchema = row(['TxnDate', 'TotalAmt'], { ...document, DepositToAccountRef: reference })
export const purchaseSchema = row(['TxnDate', 'TotalAmt'], {
  ...document,
  PaymentType: text,
  AccountRef: reference,
  EntityRef: reference,
})
export const journalEntrySchema = row(['TxnDate'], document)
