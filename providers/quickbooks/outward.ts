/**
 * From fields of the hub's models to QuickBooks' own. Lines are flat here (`SalesItemLineDetail.ItemRef.value`): the
 * writer unfolds them. `currency` is written on creation only; QuickBooks lets nobody change it.
 */
import type { JsonObject } from '../../model/json.ts'
import type { FieldRule, OutwardMapping } from '../../model/mapping.ts'
import type { ModelName } from '../../model/records.ts'

const as = (from: string, to: string): FieldRule => ({ to, from })
const amount = (from: string, to: string): FieldRule => ({ to, from, convert: 'decimal' })
const has = (name: string): JsonObject => ({ '!!': [{ var: name }] })
const outward = (model: ModelName, rules: readonly FieldRule[]): OutwardMapping => ({ model, rules })

const address = (from: string, to: string): readonly FieldRule[] => [
  as(`${from}.line1`, `${to}.Line1`),
  as(`${from}.line2`, `${to}.Line2`),
  as(`${from}.city`, `${to}.City`),
  as(`${from}.region`, `${to}.CountrySubDivisionCode`),
  as(`${from}.postalCode`, `${to}.PostalCode`),
  as(`${from}.country`, `${to}.Country`),
]

const party: readonly FieldRule[] = [
  as('name', 'DisplayName'),
  as('companyName', 'CompanyName'),
  as('givenName', 'GivenName'),
  as('familyName', 'FamilyName'),
  as('email', 'PrimaryEmailAddr.Address'),
  as('phone', 'PrimaryPhone.FreeFormNumber'),
  as('currency', 'CurrencyRef.value'),
  ...address('billingAddress', 'BillAddr'),
  as('isActive', 'Active'),
]

export const customerOut = outward('customer', [
  ...party,
  ...address('shippingAddress', 'ShipAddr'),
  as('notes', 'Notes'),
  as('taxNumber', 'PrimaryTaxIdentifier'),
])

export const vendorOut = outward('vendor', [...party, as('taxNumber', 'TaxIdentifier'), as('notes', 'Notes')])

export const itemOut = outward('item', [
  as('name', 'Name'),
  as('sku', 'Sku'),
  as('description', 'Description'),
  { to: 'Type', from: 'type', values: { service: 'Service', product: 'NonInventory' } },
  amount('unitPrice', 'UnitPrice'),
  amount('purchasePrice', 'PurchaseCost'),
  as('incomeAccountId', 'IncomeAccountRef.value'),
  as('expenseAccountId', 'ExpenseAccountRef.value'),
  as('isActive', 'Active'),
])

const line: readonly FieldRule[] = [
  as('id', 'Id'),
  as('description', 'Description'),
  amount('amount', 'Amount'),
]

const salesLines: FieldRule = {
  to: 'Line',
  from: 'lines',
  each: [
    ...line,
    { to: 'DetailType', constant: 'SalesItemLineDetail' },
    as('itemId', 'SalesItemLineDetail.ItemRef.value'),
    as('quantity', 'SalesItemLineDetail.Qty'),
    amount('unitPrice', 'SalesItemLineDetail.UnitPrice'),
    as('taxRateId', 'SalesItemLineDetail.TaxCodeRef.value'),
  ],
}

const whenItem = (to: string, from: string): FieldRule => ({ to, from, when: has('itemId') })
const whenAccount = (to: string, from: string): FieldRule => ({ to, from, when: { '!': has('itemId') } })

const expenseLines: FieldRule = {
  to: 'Line',
  from: 'lines',
  each: [
    ...line,
    { to: 'DetailType', constant: 'ItemBasedExpenseLineDetail', when: has('itemId') },
    { to: 'DetailType', constant: 'AccountBasedExpenseLineDetail' },
    whenItem('ItemBasedExpenseLineDetail.ItemRef.value', 'itemId'),
    whenItem('ItemBasedExpenseLineDetail.Qty', 'quantity'),
    {
      to: 'ItemBasedExpenseLineDetail.UnitPrice',
      from: 'unitPrice',
      convert: 'decimal',
      when: has('itemId'),
    },
    whenItem('ItemBasedExpenseLineDetail.TaxCodeRef.value', 'taxRateId'),
    whenAccount('AccountBasedExpenseLineDetail.AccountRef.value', 'accountId'),
    whenAccount('AccountBasedExpenseLineDetail.TaxCodeRef.value', 'taxRateId'),
  ],
}

/** The model's names of documents as QuickBooks'. */
const documentTypes = {
  invoice: 'Invoice',
  bill: 'Bill',
  payment: 'Payment',
  creditNote: 'CreditMemo',
  deposit: 'Deposit',
  journalEntry: 'JournalEntry',
}

const links: FieldRule = {
  to: 'Line',
  from: 'applied',
  each: [
    amount('amount', 'Amount'),
    { to: 'LinkedTxn.0.TxnType', from: 'type', values: documentTypes },
    as('id', 'LinkedTxn.0.TxnId'),
  ],
}

const salesDocument: readonly FieldRule[] = [
  as('number', 'DocNumber'),
  as('customerId', 'CustomerRef.value'),
  as('issuedOn', 'TxnDate'),
  as('currency', 'CurrencyRef.value'),
  salesLines,
  as('memo', 'CustomerMemo.value'),
]

export const invoiceOut = outward('invoice', [
  ...salesDocument,
  as('dueOn', 'DueDate'),
  as('customerEmail', 'BillEmail.Address'),
  {
    to: 'EmailStatus',
    from: 'sendStatus',
    values: { notSet: 'NotSet', needToSend: 'NeedToSend', sent: 'EmailSent' },
  },
])

export const creditMemoOut = outward('creditNote', salesDocument)

export const paymentOut = outward('payment', [
  as('customerId', 'CustomerRef.value'),
  amount('amount', 'TotalAmt'),
  { to: 'CurrencyRef.value', from: 'amount', convert: 'currencyCode' },
  as('paidOn', 'TxnDate'),
  as('method', 'PaymentMethodRef.value'),
  as('reference', 'PaymentRefNum'),
  as('depositAccountId', 'DepositToAccountRef.value'),
  links,
  as('memo', 'PrivateNote'),
])

export const billOut = outward('bill', [
  as('number', 'DocNumber'),
  as('vendorId', 'VendorRef.value'),
  as('issuedOn', 'TxnDate'),
  as('dueOn', 'DueDate'),
  as('currency', 'CurrencyRef.value'),
  expenseLines,
  as('memo', 'PrivateNote'),
])

export const purchaseOut = outward('expense', [
  as('vendorId', 'EntityRef.value'),
  { to: 'EntityRef.type', constant: 'Vendor', when: has('vendorId') },
  as('accountId', 'AccountRef.value'),
  as('spentOn', 'TxnDate'),
  { to: 'PaymentType', from: 'method', values: { cash: 'Cash', check: 'Check', creditCard: 'CreditCard' } },
  as('reference', 'DocNumber'),
  expenseLines,
  as('memo', 'PrivateNote'),
])

export const depositOut = outward('deposit', [
  as('accountId', 'DepositToAccountRef.value'),
  as('depositedOn', 'TxnDate'),
  links,
  as('memo', 'PrivateNote'),
])

export const journalEntryOut = outward('journalEntry', [
  as('number', 'DocNumber'),
  as('postedOn', 'TxnDate'),
  as('currency', 'CurrencyRef.value'),
  {
    to: 'Line',
    from: 'lines',
    each: [
      ...line,
      { to: 'DetailType', constant: 'JournalEntryLineDetail' },
      {
        to: 'JournalEntryLineDetail.PostingType',
        from: 'side',
        values: { debit: 'Debit', credit: 'Credit' },
      },
      as('accountId', 'JournalEntryLineDetail.AccountRef.value'),
    ],
  },
  as('memo', 'PrivateNote'),
])
