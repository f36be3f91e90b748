/** The records of the simulated organization, as Zoho CRM shows them, and their history. */
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { createChance, type Chance } from '../../sandbox/kit.ts'

/** Resources of the hub, and the modules that they are. */
export const moduleOf = {
  users: 'users',
  accounts: 'Accounts',
  contacts: 'Contacts',
  leads: 'Leads',
  deals: 'Deals',
  tasks: 'Tasks',
  events: 'Events',
  calls: 'Calls',
} as const
export type Kind = keyof typeof moduleOf
export const kinds: readonly Kind[] = [
  'users',
  'accounts',
  'contacts',
  'leads',
  'deals',
  'tasks',
  'events',
  'calls',
]
export const isKind = (name: string): name is Kind => Object.hasOwn(moduleOf, name)
export const kindOf = (module: string): Kind | undefined => kinds.find((kind) => moduleOf[kind] === module)

export type Table = Map<string, JsonObject>
export type Tables = Readonly<Record<Kind, Table>>
export type Sizes = Readonly<Record<string, number>>

export const orgId = '20078633210'
export const defaultSize: Sizes = {
  users: 10,
  accounts: 150,
  contacts: 400,
  leads: 300,
  deals: 400,
  tasks: 200,
  events: 100,
  calls: 100,
}

const days = 24 * 3_600_000

export const textOf = (value: JsonValue | undefined): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

/** In the time zone of the user whose token asks. */
export const stamp = (ms: number): string =>
  `${new Date(ms + 2 * 3_600_000).toISOString().slice(0, 19)}+02:00`

/** Of a record that was deleted: kept under a name that no record has. */
export const deletedMark = '$deleted_time'
export const isDeleted = (object: JsonObject): boolean => deletedMark in object

const given = ['Ana', 'Bo', 'Chidi', 'Dana', 'Eun-ji', 'Fatma', 'Goran', 'Hanna', 'Iñaki', 'Jun']
const family = ['Sol', 'Lindqvist', 'Okafor', 'Müller', 'Kim', 'Yılmaz', 'Petrović', 'Virtanen', 'Li']

/** A lookup: id and name of some record. */
function some(tables: Tables, kind: Kind, chance: Chance): JsonValue {
  const living = [...tables[kind].values()].filter((one) => !isDeleted(one))
  if (living.length === 0) return null
  const found = chance.pick(living)
  return {
    id: textOf(found['id']),
    name: textOf(found['full_name']) || textOf(found['Account_Name']) || textOf(found['Full_Name']),
  }
}

type Make = (tables: Tables, chance: Chance, n: number, ms: number) => JsonObject

function person(chance: Chance, n: number): JsonObject {
  const [first, last] = [chance.pick(given), chance.pick(family)]
  return {
    First_Name: first,
    Last_Name: last,
    Full_Name: `${first} ${last}`,
    Email: n % 6 === 0 ? null : `person${n + 1}@example.com`,
    Phone: n % 3 === 0 ? `+3725${1_000_000 + n}` : null,
    Mobile: null,
    Lead_Source: chance.pick(['Advertisement', 'Trade Show', null]),
    Description: null,
  }
}

const makers: Readonly<Record<Kind, Make>> = {
  users: (_tables, chance, n) => {
    const [first, last] = n === 0 ? ['Olivia', 'Owner'] : [chance.pick(given), chance.pick(family)]
    return {
      first_name: first,
      last_name: last,
      full_name: `${first} ${last}`,
      email: `user${n + 1}@company.example`,
      status: n % 5 === 4 ? 'disabled' : 'active',
      confirm: true,
      profile: { name: n === 0 ? 'Administrator' : 'Standard', id: '26011' },
      role: { name: 'CEO', id: '861' },
    }
  },
  accounts: (_tables, chance, n) => ({
    Account_Name: `${chance.pick(family)} & ${chance.pick(family)} ${n + 1}`,
    Website: n % 2 === 0 ? `https://www.company${n + 1}.example` : null,
    Phone: null,
    Industry: chance.pick(['Manufacturing', 'Service Provider', null]),
    Employees: n % 2 === 0 ? 1 + chance.below(500) : null,
    Annual_Revenue: n % 4 === 0 ? 1000 * (1 + chance.below(900)) : null,
    Currency: 'EUR',
    Billing_City: 'Tallinn',
    Billing_Country: 'Estonia',
    Description: null,
  }),
  contacts: (tables, chance, n) => ({
    ...person(chance, n),
    Title: chance.pick(['CEO', 'Buyer', null]),
    Account_Name: some(tables, 'accounts', chance),
    Email_Opt_Out: n % 7 === 0,
  }),
  leads: (_tables, chance, n) => ({
    ...person(chance, n),
    Company: `${chance.pick(family)} Ltd ${n + 1}`,
    Designation: null,
    Lead_Status: chance.pick(['Attempted to Contact', 'Contacted', null]),
  }),
  deals: (tables, chance, n, ms) => ({
    Deal_Name: `Deal ${n + 1}`,
    Amount: 100 * (1 + chance.below(200)) + 0.5,
    Currency: chance.pick(['EUR', 'EUR', 'USD']),
    Stage: chance.pick(['Qualification', 'Proposal/Price Quote', 'Closed Won', 'Closed Lost']),
    Account_Name: some(tables, 'accounts', chance),
    Contact_Name: some(tables, 'contacts', chance),
    Closing_Date: new Date(ms + 60 * days).toISOString().slice(0, 10),
    Description: null,
  }),
  tasks: (_tables, chance, n, ms) => ({
    Subject: `Task ${n + 1}`,
    Status: chance.pick(['Not Started', 'In Progress', 'Completed']),
    Due_Date: new Date(ms + 7 * days).toISOString().slice(0, 10),
    Description: null,
  }),
  events: (_tables, _chance, n, ms) => ({
    Event_Title: `Meeting ${n + 1}`,
    Start_DateTime: stamp(ms + days),
    End_DateTime: stamp(ms + days + 3_600_000),
    Description: null,
  }),
  calls: (_tables, chance, n, ms) => ({
    Subject: `Call ${n + 1}`,
    Call_Start_Time: stamp(ms),
    Call_Type: chance.pick(['Inbound', 'Outbound']),
    Description: null,
  }),
}

const firstId = 5_725_767_000_000_000_000n

/** A new record that was made at `ms`. Ids are long: they are text, as in Zoho's answers. */
export function makeObject(tables: Tables, kind: Kind, chance: Chance, ms: number): JsonObject {
  const n = tables[kind].size
  const id = String(firstId + BigInt(kinds.indexOf(kind)) * 1_000_000n + BigInt(n) + 1n)
  const at = stamp(ms)
  const owner = kind === 'users' ? {} : { Owner: some(tables, 'users', chance) }
  const created = kind === 'users' ? { created_time: at } : { Created_Time: at }
  return { id, ...makers[kind](tables, chance, n, ms), ...owner, ...created, Modified_Time: at }
}

/** The organization as it stands when the sandbox starts: made within 80 days, a few records in each second. */
export function createTables(seed: number, sizes: Sizes, epoch: number): Tables {
  const tables = Object.fromEntries(kinds.map((kind) => [kind, new Map<string, JsonObject>()])) as Record<
    Kind,
    Table
  >
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
