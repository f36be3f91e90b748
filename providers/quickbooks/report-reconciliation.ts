/** The report `reconciliation`: what `reconcile.ts` makes of the books of a range of days. */
import type { ProviderContext, Report } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import {
  countSchema,
  currencySchema,
  dayOrNull,
  daySchema,
  flagSchema,
  idOrNull,
  idSchema,
  listOf,
  moneySchema,
  part,
  rangeOf,
  schemaOf,
  textOrNull,
} from './action-input.ts'
import { moneyFrom } from './amounts.ts'
import { textIn } from './answer.ts'
import { entities } from './entities.ts'
import {
  mostProposals,
  depositState,
  invoiceState,
  owedBy,
  paymentState,
  proposeApplications,
  type DepositFacts,
  type InvoiceFacts,
  type PaymentFacts,
} from './reconcile.ts'
import {
  byIds,
  clearingAccounts,
  depositFacts,
  inRange,
  invoiceFacts,
  mostRows,
  paymentFacts,
} from './report-facts.ts'
import { queryAll } from './query.ts'

interface Books {
  readonly invoices: readonly InvoiceFacts[]
  readonly payments: readonly PaymentFacts[]
  readonly deposits: readonly DepositFacts[]
  readonly isWhole: boolean
}

/**
 * Payments and deposits of the range; invoices of the range, all that are open whatever their age, and those that the
 * payments are applied to.
 */
async function readBooks(context: ProviderContext, range: { from: string; to: string }): Promise<Books> {
  const payments = await inRange(context, entities.payment, range)
  const deposits = await inRange(context, entities.deposit, range)
  const dated = await inRange(context, entities.invoice, range)
  const open = await queryAll(context, entities.invoice, ["Balance > '0'"], mostRows)
  const clearing = await clearingAccounts(context)
  const invoices = new Map([...dated.rows, ...open.rows].map((row) => [textIn(row, 'Id') ?? '', row]))
  const depositRows = deposits.rows.map((row) => depositFacts(row, context))
  const depositOf = new Map(
    depositRows.flatMap(({ id, payments: of }) => [...of.keys()].map((one) => [one, id] as const)),
  )
  const facts = payments.rows.map((row) => paymentFacts(row, context, depositOf, clearing))
  const linked = new Set(facts.flatMap(({ onInvoices }) => [...onInvoices.keys()]))
  const missing = [...linked].filter((id) => !invoices.has(id))
  for (const row of await byIds(context, entities.invoice, missing))
    invoices.set(textIn(row, 'Id') ?? '', row)
  return {
    invoices: [...invoices.values()].map((row) => invoiceFacts(row, context)),
    payments: facts,
    deposits: depositRows,
    isWhole: payments.isWhole && deposits.isWhole && dated.isWhole && open.isWhole,
  }
}

interface Totals {
  paid: number
  applied: number
  unapplied: number
  proposed: number
  openInvoices: number
  deposited: number
  undeposited: number
}

function totalsOf(books: Books, proposals: ReturnType<typeof proposeApplications>): JsonObject[] {
  const sums = new Map<string, Totals>()
  const of = (currency: string): Totals => {
    const known = sums.get(currency)
    if (known) return known
    const fresh = {
      paid: 0,
      applied: 0,
      unapplied: 0,
      proposed: 0,
      openInvoices: 0,
      deposited: 0,
      undeposited: 0,
    }
    sums.set(currency, fresh)
    return fresh
  }
  for (const { currency, total, unapplied, deposit } of books.payments) {
    const sum = of(currency)
    sum.paid += total
    sum.unapplied += unapplied
    sum.applied += total - unapplied
    if (deposit.state === 'undeposited') sum.undeposited += total
  }
  for (const { currency, balance } of books.invoices) of(currency).openInvoices += balance
  for (const { currency, total } of books.deposits) of(currency).deposited += total
  for (const { currency, applications } of proposals)
    of(currency).proposed += applications.reduce((all, { amount }) => all + amount, 0)
  return [...sums].sort().map(([currency, sum]) => ({
    currency,
    ...Object.fromEntries(
      Object.entries(sum).map(([name, amount]) => [name, moneyFrom(amount as number, currency)]),
    ),
  }))
}

const states = ['matched', 'partly', 'over', 'unmatched'] as const
const counted = (list: readonly JsonObject[]): JsonObject =>
  Object.fromEntries(states.map((state) => [state, list.filter((one) => one['state'] === state).length]))

function outputOf(books: Books): JsonObject {
  const { invoices, payments, deposits, isWhole } = books
  const owed = owedBy(invoices)
  const proposals = proposeApplications(invoices, payments)
  const linked = new Map<string, number>()
  for (const { onInvoices } of payments)
    for (const [id, amount] of onInvoices) linked.set(id, (linked.get(id) ?? 0) + amount)
  const paymentRows = payments.map((one): JsonObject => ({
    paymentId: one.id,
    customerId: one.customerId,
    paidOn: one.paidOn,
    state: paymentState(one, owed(one)),
    amount: moneyFrom(one.total, one.currency),
    applied: moneyFrom(one.total - one.unapplied, one.currency),
    unapplied: moneyFrom(one.unapplied, one.currency),
    invoiceIds: [...one.onInvoices.keys()],
    deposit: one.deposit.state,
    depositId: one.deposit.depositId,
  }))
  const invoiceRows = invoices.map((one): JsonObject => ({
    invoiceId: one.id,
    number: one.number,
    customerId: one.customerId,
    dueOn: one.dueOn,
    state: invoiceState(one, linked.get(one.id) ?? 0),
    total: moneyFrom(one.total, one.currency),
    balance: moneyFrom(one.balance, one.currency),
    paid: moneyFrom(linked.get(one.id) ?? 0, one.currency),
    // Credits, and payments of other days.
    otherwiseSettled: moneyFrom(one.total - one.balance - (linked.get(one.id) ?? 0), one.currency),
  }))
  const depositRows = deposits.map((one): JsonObject => ({
    depositId: one.id,
    depositedOn: one.depositedOn,
    state: depositState(one),
    amount: moneyFrom(one.total, one.currency),
    payments: moneyFrom(one.total - one.other, one.currency),
    other: moneyFrom(one.other, one.currency),
    paymentIds: [...one.payments.keys()],
  }))
  return {
    isWhole,
    counts: {
      payments: counted(paymentRows),
      invoices: counted(invoiceRows),
      deposits: counted(depositRows),
    },
    totals: totalsOf(books, proposals),
    payments: paymentRows,
    invoices: invoiceRows,
    deposits: depositRows,
    moreProposals: Math.max(0, proposals.length - mostProposals),
    proposals: proposals.slice(0, mostProposals).map(({ currency, applications, ...one }) => ({
      ...one,
      applications: applications.map(({ invoiceId, amount }) => ({
        invoiceId,
        amount: moneyFrom(amount, currency),
      })),
    })),
  }
}

const state = { enum: [...states] }
const stateCounts = part(Object.fromEntries(states.map((one) => [one, countSchema])))
const customerId = { type: 'string' }

export const reconciliation: Report = {
  name: 'reconciliation',
  cacheSeconds: 300,
  title: 'Payment reconciliation',
  description:
    'Payments of a range of days against invoices and bank deposits: matched, partly, over (more is left than the customer owes) or unmatched; which payments lie in no ' +
    'deposit yet; and how what is left could be applied: exactly one invoice, a sum of several, else what is due first. The proposals are input of the action ' +
    `\`apply_payments\`, which takes ${mostProposals} at a time: \`moreProposals\` counts those left for the next time. Reads at most ${mostRows} rows of each kind; \`isWhole\` is false when there are more.`,
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
      counts: part({ payments: stateCounts, invoices: stateCounts, deposits: stateCounts }),
      totals: listOf(
        part({
          currency: currencySchema,
          paid: moneySchema,
          applied: moneySchema,
          unapplied: moneySchema,
          proposed: moneySchema,
          openInvoices: moneySchema,
          deposited: moneySchema,
          undeposited: moneySchema,
        }),
      ),
      payments: listOf(
        part({
          paymentId: idSchema,
          customerId,
          paidOn: daySchema,
          state,
          amount: moneySchema,
          applied: moneySchema,
          unapplied: moneySchema,
          invoiceIds: listOf(idSchema),
          deposit: { enum: ['deposited', 'direct', 'undeposited'] },
          depositId: idOrNull,
        }),
      ),
      invoices: listOf(
        part({
          invoiceId: idSchema,
          number: textOrNull,
          customerId,
          dueOn: dayOrNull,
          state,
          total: moneySchema,
          balance: moneySchema,
          paid: moneySchema,
          otherwiseSettled: moneySchema,
        }),
      ),
      deposits: listOf(
        part({
          depositId: idSchema,
          depositedOn: daySchema,
          state,
          amount: moneySchema,
          payments: moneySchema,
          other: moneySchema,
          paymentIds: listOf(idSchema),
        }),
      ),
      moreProposals: countSchema,
      proposals: listOf(
        part({
          paymentId: idSchema,
          paymentVersion: { type: 'string' },
          customerId,
          method: { enum: ['exact', 'sum', 'oldest'] },
          applications: listOf(part({ invoiceId: idSchema, amount: moneySchema })),
        }),
      ),
    },
    [
      'from',
      'to',
      'isWhole',
      'counts',
      'totals',
      'payments',
      'invoices',
      'deposits',
      'proposals',
      'moreProposals',
    ],
    [],
  ),
  async run(context, input) {
    const range = rangeOf(input)
    return { ...range, ...outputOf(await readBooks(context, range)) }
  },
}
