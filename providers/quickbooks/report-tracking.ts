/** The report `payment_tracking`: for each invoice of a range of days, what was paid when. */
import type { ProviderContext, Report, Row } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import {
  dayOrNull,
  daySchema,
  flagSchema,
  idSchema,
  listOf,
  moneySchema,
  part,
  rangeOf,
  schemaOf,
  textOrNull,
} from './action-input.ts'
import { moneyFrom } from './amounts.ts'
import { listIn, textIn } from './answer.ts'
import { entities } from './entities.ts'
import { byIds, inRange, invoiceFacts, mostRows, paymentFacts } from './report-facts.ts'
import type { InvoiceFacts, PaymentFacts } from './reconcile.ts'

const dayMs = 86_400_000
const daysBetween = (from: string, to: string): number =>
  Math.round((Date.parse(to) - Date.parse(from)) / dayMs)

/** Payments that invoices name themselves, whenever they were made. */
async function paymentsOf(context: ProviderContext, invoices: readonly Row[]): Promise<PaymentFacts[]> {
  const ids = invoices.flatMap((row) =>
    listIn(row, 'LinkedTxn').flatMap((link) =>
      textIn(link, 'TxnType') === 'Payment' ? (textIn(link, 'TxnId') ?? []) : [],
    ),
  )
  const rows = await byIds(context, entities.payment, [...new Set(ids)])
  return rows.map((row) => paymentFacts(row, context, new Map(), new Set()))
}

function rowOf(invoice: InvoiceFacts, payments: readonly PaymentFacts[], today: string): JsonObject {
  const { id, total, balance, currency, issuedOn, dueOn } = invoice
  const paid = payments
    .flatMap((one) => {
      const amount = one.onInvoices.get(id)
      return amount === undefined ? [] : [{ paymentId: one.id, paidOn: one.paidOn, amount }]
    })
    .sort((a, b) => (a.paidOn < b.paidOn ? -1 : a.paidOn > b.paidOn ? 1 : 0))
  const last = paid.at(-1)?.paidOn
  const isPaid = balance === 0
  const isOverdue = !isPaid && dueOn !== null && dueOn < today
  return {
    invoiceId: id,
    number: invoice.number,
    customerId: invoice.customerId,
    issuedOn,
    dueOn,
    status: isPaid ? 'paid' : isOverdue ? 'overdue' : balance < total ? 'partlyPaid' : 'open',
    total: moneyFrom(total, currency),
    balance: moneyFrom(balance, currency),
    payments: paid.map((one) => ({ ...one, amount: moneyFrom(one.amount, currency) })),
    daysToPay: isPaid && last !== undefined ? daysBetween(issuedOn, last) : null,
    daysOverdue: isOverdue ? daysBetween(dueOn, today) : 0,
  }
}

export const paymentTracking: Report = {
  name: 'payment_tracking',
  cacheSeconds: 300,
  title: 'Payment tracking',
  description:
    'For each invoice of a range of days: its payments, how many days it took to be paid, and by how many it is overdue today. ' +
    `At most ${mostRows} invoices; \`isWhole\` is false when there are more.`,
  input: schemaOf(
    { from: daySchema, to: daySchema },
    ['from', 'to'],
    [{ from: '2026-11-01', to: '2026-11-30' }],
  ),
  output: schemaOf(
    {
      from: daySchema,
      to: daySchema,
      isWhole: flagSchema,
      averageDaysToPay: { type: ['number', 'null'] },
      invoices: listOf(
        part({
          invoiceId: idSchema,
          number: textOrNull,
          customerId: { type: 'string' },
          issuedOn: daySchema,
          dueOn: dayOrNull,
          status: { enum: ['open', 'partlyPaid', 'paid', 'overdue'] },
          total: moneySchema,
          balance: moneySchema,
          payments: listOf(part({ paymentId: idSchema, paidOn: daySchema, amount: moneySchema })),
          daysToPay: { type: ['integer', 'null'] },
          daysOverdue: { type: 'integer', minimum: 0 },
        }),
      ),
    },
    ['from', 'to', 'isWhole', 'averageDaysToPay', 'invoices'],
    [],
  ),
  async run(context, input) {
    const range = rangeOf(input)
    const { rows, isWhole } = await inRange(context, entities.invoice, range)
    const payments = await paymentsOf(context, rows)
    const today = context.now().toISOString().slice(0, 10)
    const byInvoice = new Map<string, PaymentFacts[]>()
    for (const payment of payments)
      for (const id of payment.onInvoices.keys()) byInvoice.set(id, [...(byInvoice.get(id) ?? []), payment])
    const invoices = rows.map((row) => {
      const invoice = invoiceFacts(row, context)
      return rowOf(invoice, byInvoice.get(invoice.id) ?? [], today)
    })
    const days = invoices.flatMap(({ daysToPay }) => (typeof daysToPay === 'number' ? [daysToPay] : []))
    const average =
      days.length === 0 ? null : Math.round((days.reduce((a, b) => a + b, 0) / days.length) * 10) / 10
    return { ...range, isWhole, averageDaysToPay: average, invoices }
  },
}
