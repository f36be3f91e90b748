/**
 * What happened in the simulated company before it was connected, day by day and by the same rules as any later write, so that
 * the books are right. The same for the same seed and epoch.
 */
import type { JsonObject } from '../../model/json.ts'
import { createChance, type Chance } from '../../sandbox/kit.ts'
import type { Books } from './simulator-books.ts'
import {
  accountBodies,
  accounts,
  agencyBodies,
  customerBody,
  itemBody,
  methodBodies,
  rateBodies,
  taxCodeBodies,
  termBodies,
  vendorBody,
} from './simulator-chart.ts'
import type { EntityName } from './simulator-entities.ts'
import { bodyOf } from './simulator-bodies.ts'
import { create, update } from './simulator-writes.ts'
import { amountOf, centsOf, dayMs, localDate, refId, stamp, textOf } from './simulator-values.ts'

export const defaultSize = {
  accounts: 60,
  tax_codes: 6,
  items: 40,
  customers: 300,
  vendors: 60,
  invoices: 1200,
  payments: 900,
  bills: 200,
  purchases: 200,
  credit_memos: 60,
  deposits: 150,
  journal_entries: 40,
}
export type Sizes = Readonly<Record<keyof typeof defaultSize, number>>

/** Days of trade before the epoch; the last two are quiet. */
const days = 180
const quietDays = 2

export interface Past {
  readonly seed: number
  readonly sizes: Sizes
  readonly epoch: Date
}

export function writeHistory(books: Books, { seed, sizes, epoch }: Past): void {
  const begin = Math.floor(epoch.getTime() / dayMs - days - quietDays) * dayMs
  const chance = createChance((seed * 2654435761 + 77) >>> 0)
  setUp(books, sizes, begin - dayMs, chance)
  const until = begin + days * dayMs
  const story: Story = { books, chance, sizes, until, left: sizes.payments, seen: 0, due: new Map() }
  for (let day = 0; day < days; day++) liveDay(story, day, begin + day * dayMs)
  payTheRest(story, until)
  retireNames(books, until)
}

/** Puts what no one creates through the API, and creates what one may. */
function setUp(books: Books, sizes: Sizes, at: number, chance: Chance): void {
  const put = (entity: EntityName, bodies: readonly JsonObject[]) => {
    for (const body of bodies)
      books.put(entity, {
        ...body,
        Id: textOf(body['Id']) || books.nextId(entity),
        SyncToken: '0',
        domain: 'QBO',
        sparse: false,
        MetaData: { CreateTime: stamp(at), LastUpdatedTime: stamp(at) },
      })
  }
  const make = (entity: EntityName, size: number, bodyAt: (index: number) => JsonObject) => {
    for (let index = 0; index < size; index++)
      create({ books, at: at + Math.floor(index / 3) * 60_000 }, entity, { ...bodyAt(index), Active: true })
  }
  const chart = accountBodies(sizes.accounts)
  make('Account', chart.length, (index) => chart[index] ?? {})
  put('TaxAgency', agencyBodies)
  put('TaxRate', rateBodies)
  put('TaxCode', taxCodeBodies(sizes.tax_codes).slice(0, Math.max(3, sizes.tax_codes)))
  put('Term', termBodies)
  put('PaymentMethod', methodBodies)
  make('Item', Math.max(1, sizes.items), (index) => itemBody(index, chance))
  make('Customer', Math.max(1, sizes.customers), (index) => customerBody(index, chance))
  make('Vendor', Math.max(1, sizes.vendors), (index) => vendorBody(index, chance))
}

interface Story {
  readonly books: Books
  readonly chance: Chance
  readonly sizes: Sizes
  /** When the quiet days begin. */
  readonly until: number
  /** Payments that are still to be made. */
  left: number
  /** Invoices so far. */
  seen: number
  /** Invoices that are paid on a day. */
  readonly due: Map<number, { id: string; part: number }[]>
}

/** Everything of a day happens at one of four moments: many objects share a second, as imports leave them. */
const moments = [8.5, 11, 14.25, 16] as const

function liveDay(story: Story, day: number, midnight: number): void {
  const { books, chance, sizes } = story
  const moment = (): number => midnight + chance.pick(moments) * 3_600_000 + 8 * 3_600_000
  const today = (entity: EntityName, size: number, then?: (object: JsonObject) => void) => {
    for (let left = perDay(size, day); left > 0; left--) {
      const at = moment()
      const object = create({ books, at }, entity, bodyOf(entity, { books, chance, at }))
      then?.(object)
    }
  }
  today('JournalEntry', sizes.journal_entries)
  today('CreditMemo', sizes.credit_memos)
  today('Invoice', sizes.invoices, (invoice) => planPayment(story, textOf(invoice['Id']), day))
  today('Bill', sizes.bills, (bill) => {
    if (chance.next() < 0.6) payBill(story, bill, Math.min(story.until, moment() + chance.below(20) * dayMs))
  })
  today('Purchase', sizes.purchases)
  for (const { id, part } of story.due.get(day) ?? []) pay(story, id, part, moment())
  today('Deposit', sizes.deposits)
}

/** How many of `size` objects fall on a day. */
const perDay = (size: number, day: number): number =>
  Math.floor(((day + 1) * size) / days) - Math.floor((day * size) / days)

/** Most invoices are paid in time or late, some in two parts, some too much, some never. */
function planPayment(story: Story, id: string, day: number): void {
  const { chance, sizes } = story
  const remaining = Math.max(1, sizes.invoices - story.seen)
  story.seen++
  const reserve = Math.ceil(sizes.payments * 0.08)
  if (story.left <= reserve || chance.next() > (story.left - reserve) / remaining) return
  const schedule = (delay: number, part: number) => {
    const on = Math.min(days - 1, day + delay)
    story.due.set(on, [...(story.due.get(on) ?? []), { id, part }])
    story.left--
  }
  const roll = chance.next()
  const delay = 1 + chance.below(45)
  if (roll < 0.12) schedule(delay, 0.5)
  else if (roll < 0.18 && story.left > reserve + 1) {
    schedule(delay, 0.4)
    schedule(delay + 10, 1)
  } else if (roll < 0.23) schedule(delay, 1.25)
  else schedule(delay, 1)
}

/** @param part of what is open; above 1 the rest stays unapplied. */
function pay(story: Story, id: string, part: number, at: number): void {
  const { books, chance } = story
  const invoice = books.get('Invoice', id)
  if (!invoice) return
  const open = centsOf(invoice['Balance'])
  const customer = refId(invoice, 'CustomerRef')
  const credit = books
    .all('CreditMemo')
    .find((memo) => refId(memo, 'CustomerRef') === customer && centsOf(memo['RemainingCredit']) > 0)
  const used = credit && part === 1 ? Math.min(open, centsOf(credit['RemainingCredit'])) : 0
  const applied = Math.min(open, Math.round(open * part))
  const total = part > 1 ? Math.round(open * part) : applied - used
  create({ books, at }, 'Payment', {
    CustomerRef: { value: customer },
    TotalAmt: amountOf(total),
    TxnDate: localDate(at),
    PaymentMethodRef: { value: chance.pick(['1', '2', '3', '4']) },
    PaymentRefNum: String(10_000 + chance.below(90_000)),
    ...(chance.next() < 0.2 ? { DepositToAccountRef: { value: accounts.checking } } : {}),
    Line: [
      ...(applied > 0 ? [linkLine(applied, id, 'Invoice')] : []),
      ...(used > 0 ? [linkLine(used, textOf(credit?.['Id']), 'CreditMemo')] : []),
    ],
  })
}

const linkLine = (cents: number, TxnId: string, TxnType: string): JsonObject => ({
  Amount: amountOf(cents),
  LinkedTxn: [{ TxnId, TxnType }],
})

function payBill({ books, chance }: Story, bill: JsonObject, at: number): void {
  const open = centsOf(bill['Balance'])
  const paid = chance.next() < 0.2 ? Math.round(open / 2) : open
  create({ books, at }, 'BillPayment', {
    VendorRef: { value: refId(bill, 'VendorRef') },
    TotalAmt: amountOf(paid),
    TxnDate: localDate(at),
    CheckPayment: { BankAccountRef: { value: accounts.checking, name: 'Checking' } },
    Line: [linkLine(paid, textOf(bill['Id']), 'Bill')],
  })
}

/** Payments that nobody has applied: every second one is exactly what an invoice of the customer has open. */
function payTheRest(story: Story, at: number): void {
  const { books, chance } = story
  const open = books.all('Invoice').filter((invoice) => centsOf(invoice['Balance']) > 0)
  for (let index = 0; story.left > 0; story.left--, index++) {
    const match =
      index % 2 === 0 ? open[Math.floor((index * open.length) / (story.sizes.payments + 1))] : undefined
    const body = match
      ? { CustomerRef: { value: refId(match, 'CustomerRef') }, TotalAmt: match['Balance'] ?? 0 }
      : { CustomerRef: { value: anyId(books, 'Customer', chance) }, TotalAmt: 20 + chance.below(500) }
    const when = at - (1 + chance.below(20)) * dayMs
    create({ books, at: when }, 'Payment', {
      ...body,
      TxnDate: localDate(when),
      PaymentMethodRef: { value: chance.pick(['1', '2']) },
      PaymentRefNum: String(10_000 + chance.below(90_000)),
    })
  }
}

const anyId = (books: Books, entity: EntityName, chance: Chance): string =>
  textOf(chance.pick(books.all(entity))['Id'])

/** Some names are out of use by now. */
function retireNames(books: Books, at: number): void {
  for (const entity of ['Customer', 'Vendor', 'Item', 'Account'] as const)
    for (const object of books.all(entity)) {
      const number = Number(object['Id'])
      const isNeeded = entity === 'Account' ? number <= 25 : number === 1
      if (isNeeded || number % 29 !== 0) continue
      const { Id = '', SyncToken = '' } = object
      update({ books, at }, entity, { Id, SyncToken, sparse: true, Active: false })
    }
}
