/** A new object of each kind and a change of it, in fields of the hub's models. Accounts 1 and 8 are the bank and income. */
import type { Writer } from '../contract.ts'

type Example = NonNullable<Writer['example']>

const usd = (amountMinor: number) => ({ amountMinor, currency: 'USD' })

const party: Example = {
  create: {
    name: 'Kit & Sons #',
    companyName: 'Kit & Sons',
    givenName: 'Kit',
    familyName: 'Sol',
    email: 'kit#@example.com',
    phone: '(555) 010-0199',
    billingAddress: { line1: '1 Quay Street', city: 'Oakland', region: 'CA', postalCode: '94607' },
  },
  change: { phone: '(555) 010-0142', billingAddress: { city: 'Berkeley' } },
}

const sale = { itemId: '@items', quantity: 2, unitPrice: usd(2_500), amount: usd(5_000) }
const cost = { accountId: '17', description: 'Leaflets', amount: usd(4_200) }

/** By the name of the resource. */
export const examples: Readonly<Record<string, Example>> = {
  customers: party,
  vendors: party,
  items: {
    create: { name: 'Consulting #', type: 'service', unitPrice: usd(12_000), incomeAccountId: '8' },
    change: { description: 'By the hour', unitPrice: usd(12_500) },
  },
  invoices: {
    create: {
      customerId: '@customers',
      issuedOn: '2026-11-02',
      dueOn: '2026-12-02',
      customerEmail: 'kit#@example.com',
      lines: [sale],
      memo: 'Thank you',
    },
    change: { dueOn: '2026-12-16', memo: 'Two weeks more' },
  },
  credit_memos: {
    create: { customerId: '@customers', issuedOn: '2026-11-03', lines: [sale], memo: 'Goods came back' },
    change: { memo: 'Goods came back broken' },
  },
  payments: {
    create: { customerId: '@customers', amount: usd(5_000), paidOn: '2026-11-04', reference: 'REF-#' },
    change: { reference: 'CHECK-#', memo: 'By post' },
  },
  bills: {
    create: { vendorId: '@vendors', issuedOn: '2026-11-02', dueOn: '2026-12-02', lines: [cost] },
    change: { dueOn: '2026-12-09', memo: 'One week more' },
  },
  purchases: {
    create: { accountId: '1', method: 'cash', spentOn: '2026-11-05', lines: [cost], memo: 'Leaflets' },
    change: { memo: 'Leaflets for the fair' },
  },
  deposits: { change: { memo: 'Till of the week' } },
  journal_entries: {
    create: {
      number: 'JE-#',
      postedOn: '2026-11-06',
      lines: [
        { description: 'Depreciation', side: 'debit', accountId: '25', amount: usd(9_900) },
        { description: 'Depreciation', side: 'credit', accountId: '14', amount: usd(9_900) },
      ],
    },
    change: { memo: 'Depreciation of November' },
  },
}
