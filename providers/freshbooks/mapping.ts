/** Default mappings from FreshBooks' objects to the hub's models. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const time = (to: string, from: string): FieldRule => ({ to, from, convert: 'time' })
const date = (to: string, from: string): FieldRule => ({ to, from, convert: 'date' })
/** Amounts are `{amount: "100.00", code: "USD"}`. */
const money = (to: string, from: string): FieldRule => ({
  to,
  from: `${from}.amount`,
  convert: 'money',
  currency: { from: `${from}.code` },
})
const asIs = (to: string, from: string): FieldRule => ({ to, from })
const life = [time('createdAt', 'derived.createdAt'), time('updatedAt', 'derived.updatedAt')]

export const clientMapping: FieldMapping = {
  model: 'customer',
  rules: [
    text('id', 'id'),
    text('name', 'derived.name'),
    text('companyName', 'organization'),
    text('givenName', 'fname'),
    text('familyName', 'lname'),
    text('email', 'email'),
    text('phone', 'bus_phone'),
    text('currency', 'currency_code'),
    text('taxNumber', 'vat_number'),
    asIs('billingAddress', 'derived.billingAddress'),
    asIs('shippingAddress', 'derived.shippingAddress'),
    { to: 'isActive', from: 'vis_state', values: { 0: true, 1: false, 2: false } },
    text('notes', 'note'),
    ...life,
  ],
}

/** `v3_status`; others pass as they are. */
const statuses = {
  draft: 'draft',
  created: 'open',
  sent: 'open',
  viewed: 'open',
  failed: 'open',
  retry: 'open',
  disputed: 'open',
  resolved: 'open',
  pending: 'open',
  declined: 'open',
  partial: 'partlyPaid',
  'deposit-partial': 'partlyPaid',
  'deposit-paid': 'partlyPaid',
  success: 'paid',
  paid: 'paid',
  autopaid: 'paid',
  overdue: 'overdue',
} as const

export const invoiceMapping: FieldMapping = {
  model: 'invoice',
  rules: [
    text('id', 'id'),
    text('number', 'invoice_number'),
    text('customerId', 'customerid'),
    { ...text('status', 'v3_status'), values: statuses },
    date('issuedOn', 'create_date'),
    date('dueOn', 'due_date'),
    text('currency', 'currency_code'),
    money('total', 'amount'),
    money('balance', 'outstanding'),
    {
      to: 'lines',
      from: 'lines',
      fallback: [],
      each: [
        text('id', 'lineid'),
        text('description', 'name'),
        { to: 'quantity', from: 'qty', convert: 'number' },
        money('unitPrice', 'unit_cost'),
        money('amount', 'amount'),
      ],
    },
    text('customerEmail', 'email'),
    text('memo', 'notes'),
    ...life,
  ],
}

export const paymentMapping: FieldMapping = {
  model: 'payment',
  rules: [
    text('id', 'id'),
    text('customerId', 'clientid'),
    money('amount', 'amount'),
    date('paidOn', 'date'),
    text('method', 'type'),
    text('reference', 'transactionid'),
    {
      to: 'applied',
      from: 'derived.applied',
      fallback: [],
      each: [asIs('type', 'type'), asIs('id', 'id'), money('amount', 'amount')],
    },
    text('memo', 'note'),
    time('updatedAt', 'derived.updatedAt'),
  ],
}

export const expenseMapping: FieldMapping = {
  model: 'expense',
  rules: [
    text('id', 'id'),
    money('amount', 'amount'),
    date('spentOn', 'date'),
    text('memo', 'notes'),
    time('updatedAt', 'derived.updatedAt'),
  ],
}
