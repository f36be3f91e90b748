/**
 * Default mappings from QuickBooks' objects to the hub's models (fact sheet §11). Statuses are read out of the row alone:
 * `overdue` stands where the last change came after the day on which it was due. An invoice that becomes due while nobody
 * touches it stays `open` here; the reports `aged_receivables` and `payment_tracking` go by today's date.
 */
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const number = (to: string, from: string): FieldRule => ({ to, from, convert: 'number' })
const date = (to: string, from: string): FieldRule => ({ to, from, convert: 'date' })
const flag = (to: string, from: string): FieldRule => ({ to, from, convert: 'boolean' })
const asIs = (to: string, from: string): FieldRule => ({ to, from })
const money = (to: string, from: string): FieldRule => ({
  to,
  from,
  convert: 'money',
  currency: { from: 'derived.currency' },
})
const status = (value: string, when?: JsonObject): FieldRule => ({
  to: 'status',
  constant: value,
  ...(when ? { when } : {}),
})
const id = text('id', 'Id')
const life: readonly FieldRule[] = [
  { to: 'createdAt', from: 'MetaData.CreateTime', convert: 'time' },
  { to: 'updatedAt', from: 'MetaData.LastUpdatedTime', convert: 'time' },
]
const memo = text('memo', 'PrivateNote')

const lineMoney = (to: string): FieldRule => ({
  to,
  from: to,
  convert: 'money',
  currency: { from: '^.derived.currency' },
})
const lines: FieldRule = {
  to: 'lines',
  from: 'derived.lines',
  fallback: [],
  each: [
    asIs('id', 'id'),
    asIs('description', 'description'),
    asIs('itemId', 'itemId'),
    { to: 'quantity', from: 'quantity', convert: 'number' },
    lineMoney('unitPrice'),
    lineMoney('amount'),
    asIs('taxRateId', 'taxRateId'),
    asIs('accountId', 'accountId'),
  ],
}
const applied: FieldRule = {
  to: 'applied',
  from: 'derived.applied',
  fallback: [],
  each: [asIs('type', 'type'), asIs('id', 'id'), lineMoney('amount')],
}

// ------------------------------------------------------------------------------------------------- status

const field = (name: string): JsonObject => ({ var: name })
/** A voided transaction stays, with all amounts at zero and "Voided" put before its private note. */
const isVoid: JsonObject = {
  and: [{ '==': [field('TotalAmt'), 0] }, { in: ['Voided', field('PrivateNote')] }],
}
const isSettled = (balance: string): JsonObject => ({ '==': [field(balance), 0] })
const isOpen: JsonObject = { '>': [field('Balance'), 0] }
const wasDue: JsonObject = {
  and: [isOpen, field('DueDate'), { '<': [field('DueDate'), field('derived.changedOn')] }] as JsonValue[],
}
const isPart: JsonObject = { '<': [field('Balance'), field('TotalAmt')] }

const documentStatus: readonly FieldRule[] = [
  status('void', isVoid),
  status('paid', isSettled('Balance')),
  status('overdue', wasDue),
  status('partlyPaid', isPart),
  status('open'),
]

// ------------------------------------------------------------------------------------------------- lists

const party: readonly FieldRule[] = [
  id,
  text('name', 'DisplayName'),
  text('companyName', 'CompanyName'),
  text('givenName', 'GivenName'),
  text('familyName', 'FamilyName'),
  text('email', 'PrimaryEmailAddr.Address'),
  text('phone', 'PrimaryPhone.FreeFormNumber'),
  text('currency', 'derived.currency'),
  money('balance', 'Balance'),
  asIs('billingAddress', 'derived.billingAddress'),
  flag('isActive', 'Active'),
  ...life,
]

export const customerMapping: FieldMapping = {
  model: 'customer',
  rules: [
    ...party,
    asIs('shippingAddress', 'derived.shippingAddress'),
    text('notes', 'Notes'),
    text('taxNumber', 'PrimaryTaxIdentifier'),
  ],
}

export const vendorMapping: FieldMapping = {
  model: 'vendor',
  rules: [...party, text('taxNumber', 'TaxIdentifier'), text('notes', 'Notes')],
}

export const accountMapping: FieldMapping = {
  model: 'ledgerAccount',
  rules: [
    id,
    text('name', 'Name'),
    text('fullName', 'FullyQualifiedName'),
    text('number', 'AcctNum'),
    text('type', 'AccountType'),
    text('subtype', 'AccountSubType'),
    {
      to: 'classification',
      from: 'Classification',
      values: {
        Asset: 'asset',
        Liability: 'liability',
        Equity: 'equity',
        Revenue: 'revenue',
        Expense: 'expense',
      },
    },
    text('currency', 'derived.currency'),
    money('balance', 'CurrentBalance'),
    text('parentId', 'ParentRef.value'),
    flag('isActive', 'Active'),
    ...life,
  ],
}

export const itemMapping: FieldMapping = {
  model: 'item',
  rules: [
    id,
    text('name', 'Name'),
    text('sku', 'Sku'),
    text('description', 'Description'),
    {
      to: 'type',
      from: 'Type',
      values: {
        Service: 'service',
        Inventory: 'product',
        NonInventory: 'product',
        Group: 'bundle',
        Bundle: 'bundle',
        Category: 'other',
      },
    },
    money('unitPrice', 'derived.unitPrice'),
    money('purchasePrice', 'derived.purchasePrice'),
    text('incomeAccountId', 'IncomeAccountRef.value'),
    text('expenseAccountId', 'ExpenseAccountRef.value'),
    number('quantityOnHand', 'QtyOnHand'),
    flag('isActive', 'Active'),
    ...life,
  ],
}

export const taxCodeMapping: FieldMapping = {
  model: 'taxRate',
  rules: [
    id,
    text('name', 'Name'),
    text('description', 'Description'),
    number('percent', 'derived.percent'),
    text('agencyId', 'derived.agencyId'),
    asIs('components', 'derived.components'),
    asIs('appliesTo', 'derived.appliesTo'),
    flag('isActive', 'Active'),
    ...life,
  ],
}

// ------------------------------------------------------------------------------------------ sales and payments

export const invoiceMapping: FieldMapping = {
  model: 'invoice',
  rules: [
    id,
    text('number', 'DocNumber'),
    text('customerId', 'CustomerRef.value'),
    ...documentStatus,
    date('issuedOn', 'TxnDate'),
    date('dueOn', 'DueDate'),
    text('currency', 'derived.currency'),
    money('subtotal', 'derived.subtotal'),
    money('tax', 'derived.tax'),
    money('total', 'TotalAmt'),
    money('balance', 'Balance'),
    lines,
    text('customerEmail', 'BillEmail.Address'),
    {
      to: 'sendStatus',
      from: 'EmailStatus',
      values: { NotSet: 'notSet', NeedToSend: 'needToSend', EmailSent: 'sent' },
    },
    text('memo', 'CustomerMemo.value'),
    text('url', 'InvoiceLink'),
    ...life,
  ],
}

export const creditMemoMapping: FieldMapping = {
  model: 'creditNote',
  rules: [
    id,
    text('number', 'DocNumber'),
    text('customerId', 'CustomerRef.value'),
    status('void', isVoid),
    status('applied', isSettled('Balance')),
    status('open'),
    date('issuedOn', 'TxnDate'),
    text('currency', 'derived.currency'),
    money('total', 'TotalAmt'),
    money('balance', 'Balance'),
    lines,
    applied,
    text('memo', 'CustomerMemo.value'),
    ...life,
  ],
}

export const paymentMapping: FieldMapping = {
  model: 'payment',
  rules: [
    id,
    text('customerId', 'CustomerRef.value'),
    money('amount', 'TotalAmt'),
    money('unapplied', 'UnappliedAmt'),
    date('paidOn', 'TxnDate'),
    text('method', 'PaymentMethodRef.value'),
    text('reference', 'PaymentRefNum'),
    status('voided', isVoid),
    status('completed'),
    text('depositAccountId', 'DepositToAccountRef.value'),
    applied,
    memo,
    ...life,
  ],
}

export const depositMapping: FieldMapping = {
  model: 'deposit',
  rules: [
    id,
    text('accountId', 'DepositToAccountRef.value'),
    money('amount', 'TotalAmt'),
    date('depositedOn', 'TxnDate'),
    applied,
    memo,
    ...life,
  ],
}

// ----------------------------------------------------------------------------------------- purchases, ledger

export const billMapping: FieldMapping = {
  model: 'bill',
  rules: [
    id,
    text('number', 'DocNumber'),
    text('vendorId', 'VendorRef.value'),
    ...documentStatus,
    date('issuedOn', 'TxnDate'),
    date('dueOn', 'DueDate'),
    text('currency', 'derived.currency'),
    money('total', 'TotalAmt'),
    money('balance', 'Balance'),
    lines,
    memo,
    ...life,
  ],
}

export const purchaseMapping: FieldMapping = {
  model: 'expense',
  rules: [
    id,
    text('vendorId', 'derived.vendorId'),
    text('accountId', 'AccountRef.value'),
    money('amount', 'derived.amount'),
    date('spentOn', 'TxnDate'),
    {
      to: 'method',
      from: 'PaymentType',
      values: { Cash: 'cash', Check: 'check', CreditCard: 'creditCard' },
    },
    text('reference', 'DocNumber'),
    lines,
    memo,
    ...life,
  ],
}

export const journalEntryMapping: FieldMapping = {
  model: 'journalEntry',
  rules: [
    id,
    text('number', 'DocNumber'),
    date('postedOn', 'TxnDate'),
    text('currency', 'derived.currency'),
    money('total', 'derived.total'),
    {
      to: 'lines',
      from: 'derived.lines',
      fallback: [],
      each: [
        asIs('id', 'id'),
        asIs('side', 'side'),
        lineMoney('amount'),
        asIs('accountId', 'accountId'),
        asIs('description', 'description'),
      ],
    },
    memo,
    ...life,
  ],
}
