/** The objects of the simulated help desk, as its API shows them, and their history. */
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { createChance, type Chance } from '../../sandbox/kit.ts'

export const kinds = ['agents', 'companies', 'contacts', 'tickets'] as const
export type Kind = (typeof kinds)[number]
export const isKind = (name: string): name is Kind => (kinds as readonly string[]).includes(name)

export type Table = Map<string, JsonObject>
export type Tables = Readonly<Record<Kind, Table>>
export type Sizes = Readonly<Record<string, number>>

export const defaultSize: Sizes = { agents: 15, companies: 120, contacts: 500, tickets: 800 }

/** Agents and contacts are people of one kind: their numbers do not meet. */
const firstId: Readonly<Record<Kind, number>> = {
  agents: 43_000_000_001,
  companies: 43_100_000_001,
  contacts: 43_200_000_001,
  tickets: 1,
}
const days = 24 * 3_600_000

export const textOf = (value: JsonValue | undefined): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

export const stamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`
export const isDeleted = (object: JsonObject): boolean => object['deleted'] === true

const given = ['Ana', 'Bo', 'Chidi', 'Dana', 'Eun-ji', 'Fatma', 'Goran', 'Hanna', 'Iñaki', 'Jun']
const family = ['Sol', 'Lindqvist', 'Okafor', 'Müller', 'Kim', 'Yılmaz', 'Petrović', 'Virtanen', 'Li']
const troubles = ['Printer on fire', 'Cannot sign in', 'Invoice is wrong', 'Where is my order?', 'Thank you']

const some = (tables: Tables, kind: Kind, chance: Chance): JsonValue => {
  const ids = [...tables[kind]].filter(([, object]) => !isDeleted(object)).map(([id]) => id)
  return ids.length === 0 ? null : Number(chance.pick(ids))
}

type Make = (tables: Tables, chance: Chance, n: number, at: string) => JsonObject

const makers: Readonly<Record<Kind, Make>> = {
  agents: (_tables, chance, n, at) => ({
    available: true,
    occasional: false,
    signature: null,
    ticket_scope: 1,
    type: 'support_agent',
    group_ids: [],
    role_ids: [1],
    available_since: null,
    last_active_at: at,
    contact: {
      active: true,
      email: `agent${n + 1}@desk.example`,
      job_title: null,
      language: 'en',
      last_login_at: at,
      mobile: null,
      name: n === 0 ? 'Ada Admin' : `${chance.pick(given)} ${chance.pick(family)}`,
      phone: null,
      time_zone: 'Tallinn',
      created_at: at,
      updated_at: at,
    },
  }),
  companies: (_tables, chance, n) => ({
    name: `${chance.pick(family)} & ${chance.pick(family)} ${n + 1}`,
    description: null,
    note: n % 4 === 0 ? 'Pays late' : null,
    domains: [`company${n + 1}.example`],
    health_score: null,
    account_tier: 'Basic',
    renewal_date: null,
    industry: null,
    custom_fields: {},
  }),
  contacts: (tables, chance, n) => ({
    active: n % 7 !== 0,
    address: null,
    company_id: some(tables, 'companies', chance),
    description: null,
    email: n % 9 === 0 ? null : `contact${n + 1}@example.com`,
    job_title: null,
    language: 'en',
    mobile: null,
    name: `${chance.pick(given)} ${chance.pick(family)}`,
    phone: n % 3 === 0 ? `+3725${1_000_000 + n}` : null,
    time_zone: 'Tallinn',
    twitter_id: null,
    unique_external_id: n % 5 === 0 ? `customer-${n + 1}` : null,
    tags: [],
    custom_fields: {},
  }),
  tickets: (tables, chance, n) => {
    const subject = `${chance.pick(troubles)} (${n + 1})`
    return {
      cc_emails: [],
      fwd_emails: [],
      reply_cc_emails: [],
      fr_escalated: false,
      is_escalated: false,
      spam: false,
      email_config_id: null,
      group_id: null,
      product_id: null,
      priority: 1 + chance.below(4),
      source: chance.pick([1, 2, 3, 7, 9, 10]),
      status: chance.pick([2, 2, 3, 4, 5, 6]),
      requester_id: some(tables, 'contacts', chance),
      responder_id: chance.next() < 0.7 ? some(tables, 'agents', chance) : null,
      company_id: some(tables, 'companies', chance),
      subject,
      description: `<div>${subject}, please help</div>`,
      description_text: `${subject}, please help`,
      type: chance.pick(['Question', 'Incident', 'Problem', null]),
      tags: n % 6 === 0 ? ['vip'] : [],
      custom_fields: { cf_building: n % 2 === 0 ? 'North' : null },
      due_by: null,
      fr_due_by: null,
      attachments: [],
    }
  },
}

/** A new object that was made at `ms`. */
export function makeObject(tables: Tables, kind: Kind, chance: Chance, ms: number): JsonObject {
  const n = tables[kind].size
  const at = stamp(ms)
  return { id: firstId[kind] + n, ...makers[kind](tables, chance, n, at), created_at: at, updated_at: at }
}

/** The desk as it stands when the sandbox starts: made within 80 days, a few objects in each second. */
export function createTables(seed: number, sizes: Sizes, epoch: number): Tables {
  const tables: Tables = {
    agents: new Map(),
    companies: new Map(),
    contacts: new Map(),
    tickets: new Map(),
  }
  const chance = createChance(seed)
  for (const kind of kinds) {
    const size = sizes[kind] ?? 0
    const step = Math.floor((80 * days) / Math.max(1, Math.ceil(size / 3)))
    for (let n = 0; n < size; n++) {
      const object = makeObject(tables, kind, chance, epoch - 90 * days + Math.floor(n / 3) * step)
      tables[kind].set(textOf(object['id']), object)
    }
  }
  return tables
}
