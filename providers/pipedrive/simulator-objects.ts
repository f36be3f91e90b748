/** The objects of the simulated company, each in the form in which its own version of the API shows it, and their history. */
import { createHash } from 'node:crypto'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { createChance, type Chance } from '../../sandbox/kit.ts'

export const kinds = [
  'users',
  'pipelines',
  'stages',
  'products',
  'organizations',
  'persons',
  'deals',
  'activities',
  'leads',
  'notes',
] as const
export type Kind = (typeof kinds)[number]
export const isKind = (name: string): name is Kind => (kinds as readonly string[]).includes(name)

export const companyId = 12882925
export const domain = 'tieline-sandbox'
/** The one whose API token it is. */
export const adminId = 18487521
const days = 24 * 3_600_000
const stagesEach = 5

export type Sizes = Readonly<Record<string, number>>
export const defaultSize: Sizes = {
  users: 12,
  pipelines: 2,
  products: 60,
  organizations: 200,
  persons: 600,
  deals: 800,
  activities: 1500,
  leads: 150,
  notes: 400,
}

export type Table = Map<string, JsonObject>
export type Tables = Readonly<Record<Kind, Table>>

export const textOf = (value: JsonValue | undefined): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

/** v2 has RFC 3339 to the second, leads with milliseconds, the rest of v1 neither zone nor `T`. */
export function stamp(kind: Kind, ms: number): string {
  const text = new Date(ms).toISOString()
  if (kind === 'leads') return text
  const second = text.slice(0, 19)
  return kind === 'users' || kind === 'notes' ? second.replace('T', ' ') : `${second}Z`
}

export const momentOf = (text: string): number =>
  Date.parse(text.includes('T') ? text : `${text.replace(' ', 'T')}Z`)

/** Names of the fields that hold when an object was made and last changed. */
export const timesOf = (kind: Kind): readonly [string, string] =>
  kind === 'users' ? ['created', 'modified'] : ['add_time', 'update_time']

export const isDeleted = (object: JsonObject): boolean =>
  object['is_deleted'] === true || object['active_flag'] === false

export const newId = (kind: Kind, count: number, seed: number): string => {
  if (kind !== 'leads') return String(kind === 'users' ? adminId + count : 1 + count)
  const hash = createHash('sha256').update(`${seed} lead ${count}`).digest('hex')
  return [8, 12, 16, 20, 32].map((end, at, all) => hash.slice(all[at - 1] ?? 0, end)).join('-')
}

const given = ['Ana', 'Bo', 'Chidi', 'Dana', 'Eun-ji', 'Fatma', 'Goran', 'Hanna', 'Iñaki', 'Jun']
const family = [
  'Sol',
  'Lindqvist',
  'Okafor',
  'Müller',
  'Kim',
  'Yılmaz',
  'Petrović',
  'Virtanen',
  'Etxeberria',
  'Li',
]
const works = ['Roof', 'Kitchen', 'Solar panels', 'Garden', 'Bathroom', 'Windows']

/** Some id of a kind; null when there is none. */
const some = (tables: Tables, kind: Kind, chance: Chance): JsonValue => {
  const ids = [...tables[kind].keys()]
  return ids.length === 0 ? null : Number(chance.pick(ids))
}

type Make = (tables: Tables, chance: Chance, n: number) => JsonObject

const makers: Readonly<Record<Kind, Make>> = {
  users: (_tables, chance, n) => ({
    name: n === 0 ? 'Olivia Owner' : `${chance.pick(given)} ${chance.pick(family)}`,
    email: `user${n}@company.example`,
    active_flag: true,
    is_deleted: false,
    is_admin: n === 0 ? 1 : 0,
    role_id: 1,
    timezone_name: 'Europe/Tallinn',
    last_login: '2026-01-01 00:00:00',
  }),
  pipelines: (_tables, _chance, n) => ({
    name: `Pipeline ${n + 1}`,
    order_nr: n + 1,
    is_deleted: false,
    is_deal_probability_enabled: true,
  }),
  stages: (_tables, _chance, n) => ({
    name: ['Qualified', 'Contact made', 'Demo', 'Proposal', 'Negotiation'][n % stagesEach] ?? 'Stage',
    order_nr: (n % stagesEach) + 1,
    pipeline_id: Math.floor(n / stagesEach) + 1,
    is_deleted: false,
    deal_probability: 20 * ((n % stagesEach) + 1),
    is_deal_rot_enabled: false,
    days_to_rotten: null,
  }),
  products: (tables, chance, n) => ({
    name: `${chance.pick(works)} ${n + 1}`,
    code: `P-${n + 1}`,
    unit: 'piece',
    tax: 20,
    is_deleted: false,
    is_linkable: chance.next() < 0.9,
    owner_id: some(tables, 'users', chance),
    prices: [{ product_id: n + 1, price: 10 + chance.below(500), currency: 'EUR', cost: 0, direct_cost: 0 }],
    custom_fields: {},
  }),
  organizations: (tables, chance, n) => ({
    name: `${chance.pick(family)} & ${chance.pick(family)} ${n + 1}`,
    owner_id: some(tables, 'users', chance),
    is_deleted: false,
    visible_to: 3,
    label_ids: [],
    address: { value: 'Pikk 1, Tallinn, Estonia', locality: 'Tallinn', country: 'Estonia' },
    website: n % 3 === 0 ? `https://www.company${n + 1}.example/` : null,
    employee_count: n % 2 === 0 ? 1 + chance.below(500) : null,
    custom_fields: {},
  }),
  persons: (tables, chance, n) => {
    const [first, last] = [chance.pick(given), chance.pick(family)]
    return {
      name: `${first} ${last}`,
      first_name: first,
      last_name: last,
      owner_id: some(tables, 'users', chance),
      org_id: chance.next() < 0.8 ? some(tables, 'organizations', chance) : null,
      emails: [
        { value: `old${n + 1}@example.com`, primary: false, label: 'home' },
        { value: `person${n + 1}@example.com`, primary: true, label: 'work' },
      ],
      phones: n % 4 === 0 ? [] : [{ value: `+372 5${1_000_000 + n}`, primary: true, label: 'work' }],
      is_deleted: false,
      visible_to: 3,
      label_ids: [],
      custom_fields: {},
    }
  },
  deals: (tables, chance, n) => {
    const status = chance.pick(['open', 'open', 'open', 'won', 'lost'])
    const stage = some(tables, 'stages', chance)
    return {
      title: `${chance.pick(works)} ${n + 1}`,
      owner_id: some(tables, 'users', chance),
      person_id: some(tables, 'persons', chance),
      org_id: some(tables, 'organizations', chance),
      pipeline_id: tables.stages.get(textOf(stage))?.['pipeline_id'] ?? 1,
      stage_id: stage,
      value: 100 * (1 + chance.below(200)) + 0.5,
      currency: chance.pick(['EUR', 'EUR', 'USD']),
      is_deleted: false,
      is_archived: status !== 'open' && chance.next() < 0.5,
      status,
      probability: chance.next() < 0.5 ? 10 * chance.below(11) : null,
      lost_reason: status === 'lost' ? 'Price' : null,
      visible_to: 3,
      close_time: status === 'open' ? null : '2026-03-01T09:00:00Z',
      expected_close_date: '2026-09-30',
      label_ids: [],
      custom_fields: { d4de1c1518b4531717c676029a45911c340390a6: { value: 2300, currency: 'EUR' } },
    }
  },
  activities: (tables, chance, n) => {
    const person = some(tables, 'persons', chance)
    const done = chance.next() < 0.5
    return {
      subject: `Call ${n + 1}`,
      type: chance.pick(['call', 'meeting', 'task', 'email']),
      owner_id: some(tables, 'users', chance),
      is_deleted: false,
      deal_id: some(tables, 'deals', chance),
      lead_id: null,
      person_id: person,
      org_id: some(tables, 'organizations', chance),
      due_date: '2026-07-01',
      due_time: n % 2 === 0 ? '10:30:00' : null,
      duration: n % 2 === 0 ? '00:45:00' : null,
      done,
      marked_as_done_time: done ? '2026-05-01T08:00:00Z' : null,
      participants: person === null ? [] : [{ person_id: person, primary: true }],
      note: n % 5 === 0 ? 'Bring samples' : null,
    }
  },
  leads: (tables, chance, n) => ({
    title: `Lead ${n + 1}`,
    owner_id: some(tables, 'users', chance),
    creator_id: adminId,
    label_ids: [],
    person_id: some(tables, 'persons', chance),
    organization_id: some(tables, 'organizations', chance),
    source_name: 'API',
    is_archived: chance.next() < 0.3,
    was_seen: true,
    value: n % 2 === 0 ? { amount: 100 + n, currency: 'EUR' } : null,
    expected_close_date: null,
    next_activity_id: null,
  }),
  notes: (tables, chance, n) => ({
    content: `Note ${n + 1}, <b>important</b>`,
    user_id: some(tables, 'users', chance),
    deal_id: some(tables, 'deals', chance),
    person_id: null,
    org_id: null,
    lead_id: null,
    active_flag: true,
  }),
}

/** A new object that was made at `ms`. */
export function makeObject(tables: Tables, kind: Kind, chance: Chance, ms: number, seed: number): JsonObject {
  const n = tables[kind].size
  const id = newId(kind, n, seed)
  const at = stamp(kind, ms)
  const [made, changed] = timesOf(kind)
  return {
    id: kind === 'leads' ? id : Number(id),
    ...makers[kind](tables, chance, n),
    [made]: at,
    [changed]: at,
  }
}

/** The company as it stands when the sandbox starts: made within 80 days, a few objects in each second. */
export function createTables(seed: number, sizes: Sizes, epoch: number): Tables {
  const tables = Object.fromEntries(kinds.map((kind) => [kind, new Map<string, JsonObject>()])) as Record<
    Kind,
    Table
  >
  const chance = createChance(seed)
  for (const kind of kinds) {
    const size = kind === 'stages' ? (sizes['pipelines'] ?? 0) * stagesEach : (sizes[kind] ?? 0)
    const step = Math.floor((80 * days) / Math.max(1, Math.ceil(size / 3)))
    for (let n = 0; n < size; n++) {
      const ms = epoch - 90 * days + Math.floor(n / 3) * step
      const object = makeObject(tables, kind, chance, ms, seed)
      tables[kind].set(textOf(object['id']), object)
    }
  }
  return tables
}
