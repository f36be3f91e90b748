/**
 * Default mappings from Xero's objects to the hub's models. Statuses are read out of the row alone: `overdue` stands where the
 * last change came after the day on which it was due; what becomes due while nobody touches it stays `open` here, and the report
 * `open_invoices` goes by today's date.
 */
import type { JsonObject } from '../../model/json.ts'
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const date = (to: string, from: string): FieldRule => ({ to, from, convert: 'date' })
const asIs = (to: string, from: string): FieldRule => ({ to, from })
const money = (to: string, from: string): FieldRule => ({
  to,
  from,
  convert: 'money',
  currency: { from: 'CurrencyCode' },
})
const status = (value: string, when?: JsonObject): FieldRule => ({
  to: 'status',
  constant: value,
  ...(when ? { when } : {}),
})
const updated: FieldRule = { to: 'updatedAt', from: 'derived.updatedAt', convert: 'time' }

const lineMoney = (to: string): FieldRule => ({
  to,
  from: to,
  convert: 'money',
  currency: { from: '^.CurrencyCode' },
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

const field = (name: string): JsonObject => ({ var: name })
const is = (...values: readonly string[]): JsonObject => ({ in: [field('Status'), [...values]] })

const documentStatus: readonly FieldRule[] = [
  status('draft', is('DRAFT', 'SUBMITTED')),
  status('void', is('VOIDED', 'DELETED')),
  status('paid', is('PAID')),
  status('overdue', {
    and: [field('derived.dueOn'), { '<': [field('derived.dueOn'), field('derived.changedOn')] }],
  }),
  status('partlyPaid', { '<': [field('AmountDue'), field('Total')] }),
  status('open'),
]

export const contactMapping: FieldMapping = {
  model: 'customer',
  rules: [
    text('id', 'ContactID'),
    text('name', 'Name'),
    text('givenName', 'FirstName'),
    text('familyName', 'LastName'),
    text('email', 'EmailAddress'),
    text('phone', 'derived.phone'),
    text('currency', 'DefaultCurrency'),
    text('taxNumber', 'TaxNumber'),
    asIs('billingAddress', 'derived.billingAddress'),
    asIs('shippingAddress', 'derived.shippingAddress'),
    { to: 'isActive', from: 'ContactStatus', values: { ACTIVE: true, ARCHIVED: false, GDPRREQUEST: false } },
    updated,
  ],
}

export const invoiceMapping: FieldMapping = {
  model: 'invoice',
  rules: [
    text('id', 'InvoiceID'),
    text('number', 'InvoiceNumber'),
    text('customerId', 'Contact.ContactID'),
    ...documentStatus,
    date('issuedOn', 'derived.issuedOn'),
    date('dueOn', 'derived.dueOn'),
    text('currency', 'CurrencyCode'),
    money('subtotal', 'SubTotal'),
    money('tax', 'TotalTax'),
    money('total', 'Total'),
    money('balance', 'AmountDue'),
    lines,
    text('customerEmail', 'Contact.EmailAddress'),
    { to: 'sendStatus', constant: 'sent', when: { '==': [field('SentToContact'), true] } },
    { to: 'sendStatus', constant: 'notSet' },
    text('memo', 'Reference'),
    text('url', 'Url'),
    updated,
  ],
}

export const billMapping: FieldMapping = {
  model: 'bill',
  rules: [
    text('id', 'InvoiceID'),
    text('number', 'InvoiceNumber'),
    text('vendorId', 'Contact.ContactID'),
    ...documentStatus,
    date('issuedOn', 'derived.issuedOn'),
    date('dueOn', 'derived.dueOn'),
    text('currency', 'CurrencyCode'),
    money('total', 'Total'),
    money('balance', 'AmountDue'),
    lines,
    text('memo', 'Reference'),
    updated,
  ],
}

export const creditNoteMapping: FieldMapping = {
  model: 'creditNote',
  rules: [
    text('id', 'CreditNoteID'),
    text('number', 'CreditNoteNumber'),
    text('customerId', 'Contact.ContactID'),
    status('draft', is('DRAFT', 'SUBMITTED')),
    status('void', is('VOIDED', 'DELETED')),
    status('applied', is('PAID')),
    status('open'),
    date('issuedOn', 'derived.issuedOn'),
    text('currency', 'CurrencyCode'),
    money('total', 'Total'),
    money('balance', 'RemainingCredit'),
    lines,
    {
      to: 'applied',
      from: 'derived.applied',
      fallback: [],
      each: [asIs('type', 'type'), asIs('id', 'id'), lineMoney('amount')],
    },
    text('memo', 'Reference'),
    updated,
  ],
}
