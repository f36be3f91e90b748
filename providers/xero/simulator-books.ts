/** The books of a simulated organisation: contacts, invoices and bills, credit notes, and what they were before. */
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import { createChance, type Chance } from '../../sandbox/kit.ts'
import { changedFields, dateFields, daysLater, decimal, msOf, textOf, uuidOf } from './simulator-values.ts'

export const tables = { Contacts: 'ContactID', Invoices: 'InvoiceID', CreditNotes: 'CreditNoteID' } as const
export type Table = keyof typeof tables
export const isTable = (name: string): name is Table => Object.hasOwn(tables, name)

/** Resources as the hub names them: the table, and the type where a table holds several. */
export const kinds = {
  contacts: { table: 'Contacts' },
  invoices: { table: 'Invoices', type: 'ACCREC' },
  bills: { table: 'Invoices', type: 'ACCPAY' },
  credit_notes: { table: 'CreditNotes', type: 'ACCRECCREDIT' },
} as const satisfies Record<string, { table: Table; type?: string }>
export type Kind = keyof typeof kinds
export const isKind = (name: string): name is Kind => Object.hasOwn(kinds, name)

export interface Books {
  get(table: Table, id: string): JsonObject | undefined
  /** In Xero's own order: the last change, then the id. */
  all(table: Table): JsonObject[]
  /** What lives of a kind: deleted documents stay in the table. */
  living(kind: Kind): [string, JsonObject][]
  /** Keeps an object under its id. */
  put(table: Table, object: JsonObject): void
  restore(entry: Readonly<Record<string, JsonValue>>): void
}

export function createBooks(record: (entry: JsonObject) => void): Books {
  const held: Record<Table, Map<string, JsonObject>> = {
    Contacts: new Map(),
    Invoices: new Map(),
    CreditNotes: new Map(),
  }
  const keep = (table: Table, object: JsonObject) => held[table].set(textOf(object[tables[table]]), object)
  return {
    get: (table, id) => held[table].get(id),
    all: (table) => {
      const id = tables[table]
      const key = (one: JsonObject) => textOf(one[id])
      return [...held[table].values()].sort(
        (a, b) => msOf(a['UpdatedDateUTC']) - msOf(b['UpdatedDateUTC']) || (key(a) < key(b) ? -1 : 1),
      )
    },
    living: (kind) => {
      const wanted: { table: Table; type?: string } = kinds[kind]
      return [...held[wanted.table]].filter(
        ([, one]) =>
          one['Status'] !== 'DELETED' && (wanted.type === undefined || one['Type'] === wanted.type),
      )
    },
    put: (table, object) => {
      keep(table, object)
      record({ table, object })
    },
    restore: ({ table, object }) => {
      if (isTable(textOf(table)) && isJsonObject(object)) keep(textOf(table) as Table, object)
    },
  }
}

export type Sizes = Readonly<Record<Kind, number>>
export const defaultSize: Sizes = { contacts: 140, invoices: 260, bills: 90, credit_notes: 45 }

const cities = [
  ['Auckland', 'Auckland', '1010'],
  ['Wellington', 'Wellington', '6011'],
  ['Nelson', 'Tasman', '7010'],
  ['Dunedin', 'Otago', '9016'],
] as const
const trades = ['Roofing', 'Bakery', 'Printing', 'Cycles', 'Gardens', 'Books', 'Boats', 'Wool'] as const
const families = ['Ngata', 'Harris', 'Tane', 'Fraser', 'Li', 'Patel', 'Walker', 'Moana'] as const
const given = ['Aroha', 'Ben', 'Chloe', 'Dev', 'Emma', 'Finn', 'Grace', 'Hemi'] as const

/** A contact as the list with paging gives it. */
export function newContact(number: number, chance: Chance, at: number): JsonObject {
  const family = chance.pick(families)
  const first = chance.pick(given)
  const [city, region, code] = chance.pick(cities)
  const phone = String(2_000_000 + chance.below(7_999_999))
  return {
    ContactID: uuidOf('contact', number),
    ContactStatus: 'ACTIVE',
    Name: `${family} ${chance.pick(trades)} ${number}`,
    FirstName: first,
    LastName: family,
    EmailAddress: `${first}.${family}${number}@example.com`.toLowerCase(),
    BankAccountDetails: '',
    Addresses: [
      { AddressType: 'STREET', City: '', Region: '', PostalCode: '', Country: '' },
      {
        AddressType: 'POBOX',
        AddressLine1: `${1 + chance.below(200)} Quay Street`,
        City: city,
        Region: region,
        PostalCode: code,
        Country: 'New Zealand',
      },
    ],
    Phones: [
      { PhoneType: 'DDI', PhoneNumber: '', PhoneAreaCode: '', PhoneCountryCode: '' },
      { PhoneType: 'DEFAULT', PhoneNumber: phone, PhoneAreaCode: '9', PhoneCountryCode: '64' },
    ],
    ...changedFields(at, false),
    ContactGroups: [],
    IsSupplier: number % 3 === 0,
    IsCustomer: number % 3 !== 0,
    DefaultCurrency: 'NZD',
    ContactPersons: [],
    HasAttachments: false,
    HasValidationErrors: false,
  }
}

interface Amounts {
  readonly lines: JsonObject[]
  readonly subtotal: number
  readonly tax: number
}

/** Lines with tax of 15 %; amounts include it or not, as the document says. */
function newLines(key: string, chance: Chance, isInclusive: boolean): Amounts {
  const lines: JsonObject[] = []
  let subtotal = 0
  let tax = 0
  for (let index = 0; index <= chance.below(3); index++) {
    const quantity = 1 + chance.below(5)
    const net = quantity * 100 * (5 + chance.below(400))
    const lineTax = Math.round(net * 0.15)
    subtotal += net
    tax += lineTax
    const gross = isInclusive ? net + lineTax : net
    lines.push({
      LineItemID: uuidOf('line', key, index),
      Description: chance.pick(['Consulting', 'Materials', 'Delivery', 'Repairs']),
      Quantity: quantity,
      UnitAmount: decimal(Math.round(gross / quantity)),
      TaxType: 'OUTPUT2',
      TaxAmount: decimal(lineTax),
      LineAmount: decimal(gross),
      AccountCode: '200',
      AccountID: uuidOf('account', 200),
      Tracking: [],
    })
  }
  return { lines, subtotal, tax }
}

const contactShown = (contact: JsonObject): JsonObject => ({
  ContactID: contact['ContactID'] ?? '',
  Name: contact['Name'] ?? '',
  Addresses: [],
  Phones: [],
  ContactGroups: [],
  ContactPersons: [],
  HasValidationErrors: false,
})

/** What all documents have. */
function newDocument(key: string, contact: JsonObject, status: string, chance: Chance, at: number) {
  const isInclusive = chance.below(4) === 0
  const { lines, subtotal, tax } = newLines(key, chance, isInclusive)
  const object: JsonObject = {
    Reference: chance.below(3) === 0 ? `PO ${1000 + chance.below(9000)}` : '',
    CurrencyRate: 1,
    HasErrors: false,
    HasAttachments: false,
    Contact: contactShown(contact),
    ...dateFields('Date', daysLater(at, 0)),
    ...dateFields('DueDate', daysLater(at, 20)),
    Status: status,
    LineAmountTypes: isInclusive ? 'Inclusive' : 'Exclusive',
    LineItems: lines,
    SubTotal: decimal(subtotal),
    TotalTax: decimal(tax),
    Total: decimal(subtotal + tax),
    CurrencyCode: 'NZD',
    ...changedFields(at, true),
  }
  return { object, total: subtotal + tax }
}

const statuses = [
  'DRAFT',
  'SUBMITTED',
  'AUTHORISED',
  'AUTHORISED',
  'AUTHORISED',
  'PAID',
  'PAID',
  'VOIDED',
] as const

export function newInvoice(
  number: number,
  type: string,
  contact: JsonObject,
  chance: Chance,
  at: number,
): JsonObject {
  const key = `${type} ${number}`
  const status = chance.pick(statuses)
  const { object, total } = newDocument(key, contact, status, chance, at)
  const paid = status === 'PAID' ? total : status === 'AUTHORISED' && chance.below(3) === 0 ? 1000 : 0
  return {
    Type: type,
    InvoiceID: uuidOf('invoice', key),
    InvoiceNumber: type === 'ACCREC' ? `INV-${String(number).padStart(4, '0')}` : `BILL ${number}`,
    Payments: paid === 0 ? [] : [paymentOf(key, paid, at)],
    CreditNotes: [],
    Prepayments: [],
    Overpayments: [],
    AmountDue: status === 'VOIDED' ? 0 : decimal(total - paid),
    AmountPaid: decimal(paid),
    AmountCredited: 0,
    SentToContact: type === 'ACCREC' && chance.below(2) === 0,
    IsDiscounted: false,
    ...object,
  }
}

export const paymentOf = (key: string, cents: number, at: number): JsonObject => ({
  PaymentID: uuidOf('payment', key, at),
  Date: dateFields('Date', daysLater(at, 0))['Date'] ?? '',
  Amount: decimal(cents),
  CurrencyRate: 1,
  HasAccount: false,
  HasValidationErrors: false,
})

export function newCreditNote(
  number: number,
  type: string,
  contact: JsonObject,
  chance: Chance,
  at: number,
): JsonObject {
  const key = `${type} ${number}`
  const { object, total } = newDocument(
    key,
    contact,
    chance.pick(['DRAFT', 'AUTHORISED', 'AUTHORISED', 'PAID']),
    chance,
    at,
  )
  const isApplied = object['Status'] === 'PAID'
  return {
    CreditNoteID: uuidOf('credit note', key),
    CreditNoteNumber: `CN-${String(number).padStart(4, '0')}`,
    Type: type,
    Payments: [],
    RemainingCredit: decimal(isApplied ? 0 : total),
    Allocations: isApplied
      ? [
          {
            AllocationID: uuidOf('allocation', key),
            Amount: decimal(total),
            ...dateFields('Date', daysLater(at, 1)),
            Invoice: {
              InvoiceID: uuidOf('invoice', `ACCREC ${number}`),
              InvoiceNumber: `INV-${String(number).padStart(4, '0')}`,
            },
          },
        ]
      : [],
    ...object,
  }
}

/** The account as it was when it began. Three objects share each moment, as after an import. */
export function writeHistory(
  books: Books,
  { seed, sizes, epoch }: { seed: number; sizes: Sizes; epoch: Date },
): void {
  const chance = createChance(seed)
  const at = (number: number, all: number) =>
    epoch.getTime() - 90 * 86_400_000 + Math.floor((number * 3000) / all / 3) * 77_123
  const contacts: JsonObject[] = []
  for (let number = 1; number <= sizes.contacts; number++)
    contacts.push(newContact(number, chance, at(number, sizes.contacts)))
  for (const contact of contacts) books.put('Contacts', contact)
  const someone = () => contacts[chance.below(contacts.length)] ?? newContact(0, chance, at(0, 1))
  for (const [kind, type] of [
    ['invoices', 'ACCREC'],
    ['bills', 'ACCPAY'],
  ] as const)
    for (let number = 1; number <= sizes[kind]; number++)
      books.put('Invoices', newInvoice(number, type, someone(), chance, at(number, sizes[kind])))
  for (let number = 1; number <= sizes.credit_notes; number++) {
    books.put(
      'CreditNotes',
      newCreditNote(number, 'ACCRECCREDIT', someone(), chance, at(number, sizes.credit_notes)),
    )
    // Credit notes of suppliers stand in the same list.
    if (number % 9 === 0)
      books.put(
        'CreditNotes',
        newCreditNote(number, 'ACCPAYCREDIT', someone(), chance, at(number, sizes.credit_notes)),
      )
  }
}
