import fc from 'fast-check'
import {
  invoiceState,
  owedBy,
  paymentState,
  proposeApplications,
  type InvoiceFacts,
  type PaymentFacts,
} from './reconcile.ts'

const invoice = (id: string, balance: number, more: Partial<InvoiceFacts> = {}): InvoiceFacts => ({
  id,
  number: null,
  customerId: 'ana',
  currency: 'USD',
  total: balance,
  balance,
  issuedOn: '2026-01-01',
  dueOn: null,
  ...more,
})
const payment = (id: string, unapplied: number, more: Partial<PaymentFacts> = {}): PaymentFacts => ({
  id,
  version: '0',
  customerId: 'ana',
  currency: 'USD',
  total: unapplied,
  unapplied,
  paidOn: '2026-02-01',
  onInvoices: new Map(),
  deposit: { state: 'undeposited', depositId: null },
  ...more,
})

const parties = fc.record({
  customerId: fc.constantFrom('ana', 'bo'),
  currency: fc.constantFrom('USD', 'EUR'),
})
const days = fc.integer({ min: 1, max: 28 }).map((day) => `2026-03-${String(day).padStart(2, '0')}`)
const books = fc.record({
  invoices: fc
    .array(
      fc
        .tuple(parties, fc.integer({ min: 0, max: 60 }), days, fc.option(days))
        .map(([party, balance, issuedOn, dueOn]) => invoice('', balance, { ...party, issuedOn, dueOn })),
      { maxLength: 30 },
    )
    .map((list) => list.map((one, index) => ({ ...one, id: `i${index}` }))),
  payments: fc
    .array(
      fc
        .tuple(parties, fc.integer({ min: 0, max: 150 }), days)
        .map(([party, unapplied, paidOn]) => payment('', unapplied, { ...party, paidOn })),
      { maxLength: 15 },
    )
    .map((list) => list.map((one, index) => ({ ...one, id: `p${index}` }))),
})

describe('proposed applications', () => {
  it('never give an invoice more than is open, nor take from a payment more than is left, nor mix customers or currencies', () => {
    fc.assert(
      fc.property(books, ({ invoices, payments }) => {
        const proposals = proposeApplications(invoices, payments)
        const byId = new Map(invoices.map((one) => [one.id, one]))
        const got = new Map<string, number>()
        for (const proposal of proposals) {
          const from = payments.find(({ id }) => id === proposal.paymentId)
          const sum = proposal.applications.reduce((all, { amount }) => all + amount, 0)
          expect(sum).toBeGreaterThan(0)
          expect(sum).toBeLessThanOrEqual(from?.unapplied ?? -1)
          if (proposal.method !== 'oldest') expect(sum).toBe(from?.unapplied)
          for (const { invoiceId, amount } of proposal.applications) {
            expect(amount).toBeGreaterThan(0)
            const to = byId.get(invoiceId)
            expect([to?.customerId, to?.currency]).toEqual([from?.customerId, from?.currency])
            got.set(invoiceId, (got.get(invoiceId) ?? 0) + amount)
          }
        }
        for (const [id, amount] of got) expect(amount).toBeLessThanOrEqual(byId.get(id)?.balance ?? -1)
        expect(new Set(proposals.map(({ paymentId }) => paymentId)).size).toBe(proposals.length)
      }),
    )
  })

  it('leave nothing behind that could be applied: all is proposed that is both left and open', () => {
    fc.assert(
      fc.property(books, ({ invoices, payments }) => {
        const proposals = proposeApplications(invoices, payments)
        for (const customerId of ['ana', 'bo'])
          for (const currency of ['USD', 'EUR']) {
            const isHere = (one: { customerId: string; currency: string }) =>
              one.customerId === customerId && one.currency === currency
            const open = invoices.filter(isHere).reduce((sum, { balance }) => sum + balance, 0)
            const left = payments.filter(isHere).reduce((sum, { unapplied }) => sum + unapplied, 0)
            const proposed = proposals
              .filter(isHere)
              .flatMap(({ applications }) => applications)
              .reduce((sum, { amount }) => sum + amount, 0)
            expect(proposed).toBe(Math.min(open, left))
          }
      }),
    )
  })

  it('are the same for the same books in any order', () => {
    fc.assert(
      fc.property(books, ({ invoices, payments }) => {
        const key = (list: ReturnType<typeof proposeApplications>) =>
          [...list].sort((a, b) => a.paymentId.localeCompare(b.paymentId))
        expect(key(proposeApplications([...invoices].reverse(), [...payments].reverse()))).toEqual(
          key(proposeApplications(invoices, payments)),
        )
      }),
    )
  })

  it('prefer one invoice of just that amount, then a sum of several, then what is due first', () => {
    const invoices = [
      invoice('a', 30, { dueOn: '2026-01-05' }),
      invoice('b', 50),
      invoice('c', 20),
      invoice('d', 7),
    ]
    const payments = [payment('p1', 50), payment('p2', 27), payment('p3', 10)]
    expect(proposeApplications(invoices, payments)).toMatchObject([
      { paymentId: 'p1', method: 'exact', applications: [{ invoiceId: 'b', amount: 50 }] },
      {
        paymentId: 'p2',
        method: 'sum',
        applications: [
          { invoiceId: 'c', amount: 20 },
          { invoiceId: 'd', amount: 7 },
        ],
      },
      { paymentId: 'p3', method: 'oldest', applications: [{ invoiceId: 'a', amount: 10 }] },
    ])
  })

  it('end soon where no sum fits among very many invoices', () => {
    const invoices = Array.from({ length: 400 }, (_, index) => invoice(`i${index}`, 1000 + index * 2))
    const began = Date.now()
    const [proposal] = proposeApplications(invoices, [payment('p', 12_345)])
    expect(proposal?.method).toBe('oldest')
    expect(Date.now() - began).toBeLessThan(2_000)
  })
})

describe('states', () => {
  it('tell matched, partly, over and unmatched payments apart', () => {
    const owed = owedBy([invoice('a', 60)])
    const state = (one: PaymentFacts) => paymentState(one, owed(one))
    expect(state(payment('p', 0, { total: 50 }))).toBe('matched')
    expect(state(payment('p', 20, { total: 50 }))).toBe('partly')
    expect(state(payment('p', 50))).toBe('unmatched')
    expect(state(payment('p', 61))).toBe('over')
    expect(state(payment('p', 50, { currency: 'EUR' }))).toBe('over')
  })

  it('tell an invoice that got more than its total', () => {
    expect(invoiceState(invoice('a', 0, { total: 50 }), 60)).toBe('over')
    expect(invoiceState(invoice('a', 0, { total: 50 }), 50)).toBe('matched')
    expect(invoiceState(invoice('a', 20, { total: 50 }), 30)).toBe('partly')
    expect(invoiceState(invoice('a', 50), 0)).toBe('unmatched')
  })
})
