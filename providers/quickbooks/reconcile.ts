/**
 * The reconciliation engine: payments against invoices and bank deposits. Pure, and in minor units throughout, so that sums
 * agree to the cent. Only documents of the same customer and currency are brought together.
 */

/** Proposals of one report, and of one run of `apply_payments`: three calls each end well within an action's time. */
export const mostProposals = 200

export interface InvoiceFacts {
  readonly id: string
  readonly number: string | null
  readonly customerId: string
  readonly currency: string
  readonly total: number
  /** What is still to be paid. */
  readonly balance: number
  readonly issuedOn: string
  readonly dueOn: string | null
}

export interface PaymentFacts {
  readonly id: string
  /** QuickBooks' SyncToken. */
  readonly version: string
  readonly customerId: string
  readonly currency: string
  readonly total: number
  readonly unapplied: number
  readonly paidOn: string
  /** Minor units by invoice. */
  readonly onInvoices: ReadonlyMap<string, number>
  /** The deposit that it lies in; `direct`: it went to the bank without one. */
  readonly deposit: {
    readonly state: 'deposited' | 'direct' | 'undeposited'
    readonly depositId: string | null
  }
}

export interface DepositFacts {
  readonly id: string
  readonly currency: string
  readonly total: number
  readonly depositedOn: string
  /** Minor units by payment. */
  readonly payments: ReadonlyMap<string, number>
  /** What it holds besides payments: sales receipts, cash, fees (negative). */
  readonly other: number
}

/**
 * `matched`: all of it is applied. `partly`: some of it. `unmatched`: none of it. `over`: what is left is more than the
 * customer owes on all open invoices.
 */
export type MatchState = 'matched' | 'partly' | 'over' | 'unmatched'

export interface Proposal {
  readonly paymentId: string
  readonly paymentVersion: string
  readonly customerId: string
  readonly currency: string
  /** `exact`: one invoice is open with just what is left of the payment. `sum`: several are. `oldest`: what is due first. */
  readonly method: 'exact' | 'sum' | 'oldest'
  readonly applications: readonly { readonly invoiceId: string; readonly amount: number }[]
}

/** Invoices that a search for sums looks at, and steps that it may take: beyond, the oldest come first. */
const mostSummed = 24
const mostSteps = 50_000

interface Open {
  readonly invoice: InvoiceFacts
  left: number
}

const groupOf = (one: { readonly customerId: string; readonly currency: string }): string =>
  `${one.customerId}\0${one.currency}`

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** By the day it is due, then by age, then by id: the same books give the same proposals. */
const dueFirst = (a: InvoiceFacts, b: InvoiceFacts): number =>
  byText(a.dueOn ?? a.issuedOn, b.dueOn ?? b.issuedOn) || byText(a.issuedOn, b.issuedOn) || byText(a.id, b.id)

function grouped<T extends { readonly customerId: string; readonly currency: string }>(
  list: readonly T[],
): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of list) {
    const known = groups.get(groupOf(one))
    if (known) known.push(one)
    else groups.set(groupOf(one), [one])
  }
  return groups
}

/** Indexes of open invoices that come to exactly `wanted`, at least two; undefined when the bounded search finds none. */
function subsetOf(open: readonly Open[], wanted: number): Open[] | undefined {
  const list = open.filter(({ left }) => left < wanted).slice(0, mostSummed)
  // What the invoices from a place on come to: a branch that cannot reach the sum ends early.
  const rest = list.map((_, index) => list.slice(index).reduce((sum, { left }) => sum + left, 0))
  let steps = 0
  const search = (index: number, missing: number): Open[] | undefined => {
    if (missing === 0) return []
    const one = list[index]
    if (!one || missing < 0 || (rest[index] ?? 0) < missing || ++steps > mostSteps) return undefined
    const taken = one.left <= missing ? search(index + 1, missing - one.left) : undefined
    return taken ? [one, ...taken] : search(index + 1, missing)
  }
  return search(0, wanted)
}

/** The invoices to which a payment's rest is applied in full or in part, the first due first. */
function oldestFirst(open: readonly Open[], rest: number): { one: Open; amount: number }[] {
  const parts: { one: Open; amount: number }[] = []
  let missing = rest
  for (const one of open) {
    if (missing === 0) break
    const amount = Math.min(one.left, missing)
    if (amount > 0) parts.push({ one, amount })
    missing -= amount
  }
  return parts
}

/**
 * How what is left of payments could be applied: first where it is exactly one open invoice, then where it is the sum of
 * several, then to what is due first. No invoice gets more than is open, no payment gives more than is left.
 */
export function proposeApplications(
  invoices: readonly InvoiceFacts[],
  payments: readonly PaymentFacts[],
): Proposal[] {
  const openOf = grouped(invoices.filter(({ balance }) => balance > 0))
  const waiting = grouped(payments.filter(({ unapplied }) => unapplied > 0))
  return [...waiting].flatMap(([key, group]) => {
    const open = (openOf.get(key) ?? [])
      .sort(dueFirst)
      .map((invoice): Open => ({ invoice, left: invoice.balance }))
    return proposeForGroup(open, group)
  })
}

function proposeForGroup(open: readonly Open[], payments: readonly PaymentFacts[]): Proposal[] {
  const inOrder = [...payments].sort((a, b) => byText(a.paidOn, b.paidOn) || byText(a.id, b.id))
  const proposals = new Map<string, Proposal>()
  const take = (
    payment: PaymentFacts,
    method: Proposal['method'],
    parts: { one: Open; amount: number }[],
  ) => {
    if (parts.length === 0) return
    for (const { one, amount } of parts) one.left -= amount
    const { id, version, customerId, currency } = payment
    const applications = parts.map(({ one, amount }) => ({ invoiceId: one.invoice.id, amount }))
    proposals.set(id, { paymentId: id, paymentVersion: version, customerId, currency, method, applications })
  }
  const whole = (list: readonly Open[]) => list.map((one) => ({ one, amount: one.left }))
  const still = () => inOrder.filter(({ id }) => !proposals.has(id))
  const isLeft = ({ left }: Open) => left > 0
  for (const payment of still()) {
    const one = open.find(({ left }) => left === payment.unapplied)
    if (one) take(payment, 'exact', whole([one]))
  }
  for (const payment of still())
    take(payment, 'sum', whole(subsetOf(open.filter(isLeft), payment.unapplied) ?? []))
  for (const payment of still()) take(payment, 'oldest', oldestFirst(open.filter(isLeft), payment.unapplied))
  return inOrder.flatMap(({ id }) => proposals.get(id) ?? [])
}

/** What a customer owes on open invoices, by customer and currency. */
export function owedBy(
  invoices: readonly InvoiceFacts[],
): (one: { customerId: string; currency: string }) => number {
  const sums = new Map<string, number>()
  for (const invoice of invoices) {
    const key = groupOf(invoice)
    sums.set(key, (sums.get(key) ?? 0) + Math.max(0, invoice.balance))
  }
  return (one) => sums.get(groupOf(one)) ?? 0
}

export function paymentState({ total, unapplied }: PaymentFacts, owed: number): MatchState {
  if (unapplied === 0) return 'matched'
  if (unapplied > owed) return 'over'
  return unapplied < total ? 'partly' : 'unmatched'
}

/**
 * @param linked what the payments that were read apply to it. More than its total means that a document was changed after
 *   it was paid.
 */
export function invoiceState({ total, balance }: InvoiceFacts, linked: number): MatchState {
  if (balance < 0 || linked > total) return 'over'
  if (balance === 0) return 'matched'
  return balance < total ? 'partly' : 'unmatched'
}

/** Of a bank deposit: what of it are payments. */
export function depositState({ payments, total }: DepositFacts): MatchState {
  const sum = [...payments.values()].reduce((all, one) => all + one, 0)
  if (sum === total) return 'matched'
  if (sum > total) return 'over'
  return payments.size === 0 ? 'unmatched' : 'partly'
}
