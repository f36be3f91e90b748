/** The objects of the simulated business, as FreshBooks shows them, and their history. */
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { createChance, type Chance } from '../../sandbox/kit.ts'

export const kinds = ['clients', 'invoices', 'payments', 'expenses'] as const
export type Kind = (typeof kinds)[number]
export const isKind = (name: string): name is Kind => (kinds as readonly string[]).includes(name)

export type Table = Map<string, JsonObject>
export type Tables = Readonly<Record<Kind, Table>>
export type Sizes = Readonly<Record<string, number>>

export const accountId = 'xZNQ1X'
export const businessId = 240340
export const defaultSize: Sizes = { clients: 200, invoices: 600, payments: 300, expenses: 250 }

const firstId: Readonly<Record<Kind, number>> = {
  clients: 212_001,
  invoices: 197_001,
  payments: 115_001,
  expenses: 560_001,
}
const days = 24 * 3_600_000

export const textOf = (value: JsonValue | undefined): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

const clock = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'America/New_York',
  dateStyle: 'short',
  timeStyle: 'medium',
})
/** As clocks on the American east coast show it: `2019-10-22 12:18:29`. */
export const stamp = (ms: number): string => clock.format(ms)
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** 0: active, 1: deleted, 2: archived. */
export const isDeleted = (object: JsonObject): boolean => object['vis_state'] === 1

const given = ['Ana', 'Bo', 'Chidi', 'Dana', 'Eun-ji', 'Fatma', 'Goran', 'Hanna', 'Iñaki', 'Jun']
const family = ['Sol', 'Lindqvist', 'Okafor', 'Müller', 'Kim', 'Yılmaz', 'Petrović', 'Virtanen', 'Li']

const some = (tables: Tables, kind: Kind, chance: Chance): JsonValue => {
  const ids = [...tables[kind]].filter(([, object]) => !isDeleted(object)).map(([id]) => id)
  return ids.length === 0 ? null : Number(chance.pick(ids))
}
const money = (cents: number, code = 'USD'): JsonObject => ({ amount: (cents / 100).toFixed(2), code })

type Make = (tables: Tables, chance: Chance, n: number, ms: number) => JsonObject

const makers: Readonly<Record<Kind, Make>> = {
  clients: (_tables, chance, n, ms) => ({
    fname: n % 8 === 0 ? '' : chance.pick(given),
    lname: n % 8 === 0 ? '' : chance.pick(family),
    organization: `${chance.pick(family)} & Co ${n + 1}`,
    email: `client${n + 1}@example.com`,
    bus_phone: n % 3 === 0 ? `+1416555${1000 + n}` : '',
    currency_code: 'USD',
    language: 'en',
    vat_number: null,
    note: null,
    p_street: `${n + 1} Dupont St`,
    p_street2: '',
    p_city: 'Toronto',
    p_province: 'Ontario',
    p_code: 'M6P 3T1',
    p_country: 'Canada',
    s_street: '',
    s_street2: '',
    s_city: '',
    s_province: '',
    s_code: '',
    s_country: '',
    signup_date: new Date(ms).toISOString().slice(0, 19).replace('T', ' '),
    last_activity: null,
    last_login: null,
    num_logins: 0,
  }),
  invoices: (tables, chance, n, ms) => {
    const [quantity, price] = [1 + chance.below(9), 100 + chance.below(90_000)]
    const status = chance.pick(['draft', 'sent', 'viewed', 'paid', 'partial', 'overdue'])
    const total = quantity * price
    const open = status === 'paid' ? 0 : status === 'partial' ? Math.floor(total / 2) : total
    return {
      accountid: accountId,
      invoice_number: `FB${String(n + 1).padStart(7, '0')}`,
      customerid: some(tables, 'clients', chance),
      create_date: day(ms),
      due_date: day(ms + 30 * days),
      currency_code: 'USD',
      v3_status: status,
      amount: money(total),
      outstanding: money(open),
      paid: money(total - open),
      email: null,
      notes: n % 5 === 0 ? 'Thank you' : '',
      lines: [
        {
          lineid: 1,
          name: 'Work',
          description: '',
          qty: String(quantity),
          unit_cost: money(price),
          amount: money(total),
          type: 0,
        },
      ],
      created_at: stamp(ms),
    }
  },
  payments: (tables, chance, _n, ms) => ({
    invoiceid: some(tables, 'invoices', chance),
    clientid: some(tables, 'clients', chance),
    amount: money(100 + chance.below(500_000)),
    date: day(ms),
    type: chance.pick(['Check', 'Credit', 'Cash']),
    note: '',
    transactionid: null,
    gateway: null,
    from_credit: false,
  }),
  expenses: (_tables, chance, n, ms) => ({
    amount: money(100 + chance.below(100_000)),
    date: day(ms),
    vendor: chance.pick(['Rail', 'Paper & Pens', 'Hosting']),
    notes: `Expense ${n + 1}`,
    categoryid: 3_012_673,
  }),
}

/** A new object that was made at `ms`. */
export function makeObject(tables: Tables, kind: Kind, chance: Chance, ms: number): JsonObject {
  const n = tables[kind].size
  return {
    id: firstId[kind] + n,
    ...makers[kind](tables, chance, n, ms),
    vis_state: 0,
    updated: stamp(ms),
  }
}

/** The business as it stands when the sandbox starts: made within 80 days. */
export function createTables(seed: number, sizes: Sizes, epoch: number): Tables {
  const tables: Tables = {
    clients: new Map(),
    invoices: new Map(),
    payments: new Map(),
    expenses: new Map(),
  }
  const chance = createChance(seed)
  for (const kind of kinds) {
    const size = sizes[kind] ?? 0
    const step = Math.floor((80 * days) / Math.max(1, size))
    for (let n = 0; n < size; n++) {
      const object = makeObject(tables, kind, chance, epoch - 90 * days + n * step)
      tables[kind].set(textOf(object['id']), object)
    }
  }
  return tables
}
