/** The kinds of object that the simulated company keeps, and what the query language may ask of each. */

export interface Entity {
  /** Name of the resource in `World.state`. */
  readonly resource: string
  /** Names are made inactive and never deleted; transactions are deleted; the rest is fixed. */
  readonly kind: 'name' | 'transaction' | 'fixed'
  /** Objects that share a row of ids: all transactions do, customers and vendors do. */
  readonly ids: string
  /** Change data capture leaves some out (change-data-capture page, read 2026-11-23). */
  readonly isTracked: boolean
  /** Properties that conditions and orders may name, besides `Id` and the times of `MetaData`. */
  readonly queryable: readonly string[]
}

const name = (resource: string, ids: string, queryable: readonly string[], isTracked = true): Entity => ({
  resource,
  kind: 'name',
  ids,
  isTracked,
  queryable: ['Active', ...queryable],
})
const transaction = (resource: string, queryable: readonly string[]): Entity => ({
  resource,
  kind: 'transaction',
  ids: 'transactions',
  isTracked: true,
  queryable: ['TxnDate', 'DocNumber', 'TotalAmt', ...queryable],
})
const person = [
  'DisplayName',
  'GivenName',
  'MiddleName',
  'FamilyName',
  'CompanyName',
  'PrintOnCheckName',
  'Balance',
]

export const entities = {
  Account: name('accounts', 'accounts', [
    'Name',
    'FullyQualifiedName',
    'AccountType',
    'AccountSubType',
    'Classification',
    'CurrentBalance',
    'SubAccount',
    'AcctNum',
    'Description',
  ]),
  TaxAgency: {
    resource: 'tax_agencies',
    kind: 'fixed',
    ids: 'tax_agencies',
    isTracked: false,
    queryable: ['DisplayName'],
  },
  TaxRate: name('tax_rates', 'tax_rates', ['Name', 'Description', 'RateValue'], false),
  TaxCode: name('tax_codes', 'tax_codes', ['Name', 'Description'], false),
  PaymentMethod: name('payment_methods', 'payment_methods', ['Name', 'Type']),
  Term: name('terms', 'terms', ['Name', 'DueDays']),
  Item: name('items', 'items', ['Name', 'FullyQualifiedName', 'Type', 'Sku', 'UnitPrice']),
  Customer: name('customers', 'names', [...person, 'FullyQualifiedName', 'PrimaryEmailAddr', 'Job']),
  Vendor: name('vendors', 'names', person),
  Invoice: transaction('invoices', ['CustomerRef', 'DueDate', 'Balance']),
  Payment: transaction('payments', ['CustomerRef', 'PaymentRefNum', 'UnappliedAmt']),
  SalesReceipt: transaction('sales_receipts', ['CustomerRef', 'Balance']),
  CreditMemo: transaction('credit_memos', ['CustomerRef', 'Balance', 'RemainingCredit']),
  Deposit: transaction('deposits', ['DepositToAccountRef']),
  Bill: transaction('bills', ['VendorRef', 'DueDate', 'Balance', 'SalesTermRef', 'APAccountRef']),
  BillPayment: transaction('bill_payments', ['VendorRef', 'PayType']),
  Purchase: transaction('purchases', ['PaymentType', 'PaymentMethodRef']),
  JournalEntry: transaction('journal_entries', ['Adjustment']),
  Transfer: transaction('transfers', ['Amount']),
} as const satisfies Record<string, Entity>

export type EntityName = keyof typeof entities
export const entityNames = Object.keys(entities) as EntityName[]

export const isEntity = (text: string): text is EntityName => text in entities

/** As paths write it: `/creditmemo/12`. */
export const entityOfPath = (segment: string): EntityName | undefined =>
  entityNames.find((one) => one.toLowerCase() === segment.toLowerCase())

export const entityOfResource = (resource: string): EntityName | undefined =>
  entityNames.find((one) => entities[one].resource === resource)

/** What QuickBooks has besides and this company does not use: it can be asked for and nothing is there. */
export const unused: readonly string[] = [
  'Attachable',
  'Budget',
  'Class',
  'CompanyCurrency',
  'CreditCardPayment',
  'CustomerType',
  'Department',
  'Employee',
  'Estimate',
  'InventoryAdjustment',
  'JournalCode',
  'PurchaseOrder',
  'RecurringTransaction',
  'RefundReceipt',
  'ReimburseCharge',
  'TimeActivity',
  'VendorCredit',
]
