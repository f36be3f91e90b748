/** What a simulated project holds: people, what they did, and what was built on it. Every change is told and can be taken again. */
import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { createChance, type Chance } from '../../sandbox/kit.ts'

export const projectId = '3000001'
export const workspaceId = '4000001'
export const organizationId = '5000001'
export const projectToken = 'sandboxprojecttoken0123456789abcd'
export const sampleUsername = 'tieline.a1b2c3.mp-service-account'
const sampleAccountId = 900001

/** A word out of what may be anything. */
export const wordOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '')

const kinds = [
  'profiles',
  'events',
  // Events that came again: the raw export shows them all (docs: event-deduplication), reports do not count them.
  'copies',
  'cohorts',
  'funnels',
  'experiments',
  'annotations',
  'groups',
  'accounts',
  'erasures',
  'retrievals',
] as const
export type Kind = (typeof kinds)[number]
export type Objects = Map<string, JsonObject>

export interface Project {
  readonly tables: Readonly<Record<Kind, Objects>>
  /** Keeps an object, or (null) ends it. */
  put(kind: Kind, id: string, object: JsonObject | null): void
  /** The same, for a change that was recorded. */
  replay(entry: JsonValue): void
  /** How many changes there were. */
  changes(): number
}

export interface ProjectOptions {
  readonly seed: number
  readonly size: Readonly<Record<string, number>>
  /** The project was quiet from this moment on. */
  readonly epoch: Date
  readonly record: (entry: JsonValue) => void
}

export const day = 86_400_000

export function createProject(options: ProjectOptions): Project {
  const tables = Object.fromEntries(kinds.map((kind) => [kind, new Map<string, JsonObject>()])) as Record<
    Kind,
    Objects
  >
  let changes = 0
  const set = (kind: Kind, id: string, object: JsonObject | null) => {
    if (object) tables[kind].set(id, object)
    else tables[kind].delete(id)
  }
  fill(options, set)
  return {
    tables,
    changes: () => changes,
    put: (kind, id, object) => {
      changes++
      set(kind, id, object)
      options.record({ kind, id, object })
    },
    replay: (entry) => {
      if (!isJsonObject(entry) || typeof entry['id'] !== 'string') return
      const kind = kinds.find((one) => one === entry['kind'])
      const object = entry['object']
      if (!kind) return
      changes++
      set(kind, entry['id'], isJsonObject(object) ? object : null)
    },
  }
}

/** Mixpanel's identity of an event: name, time, person and `$insert_id`; as the hub's tests agree on it, hashed. */
export function identityOf(event: string, properties: JsonObject): string {
  const time = Number(properties['time'])
  const text = (value: JsonValue | undefined) =>
    typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
  const key = [
    event,
    Math.abs(time) < 1e11 ? time * 1000 : time,
    text(properties['distinct_id']),
    text(properties['$insert_id']),
  ]
  return createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32)
}

const given = ['Ana', 'Ben', 'Cleo', 'Dan', 'Eva', 'Finn', 'Gil', 'Hana', 'Ivo', 'Jo']
const family = ['Sol', 'Lima', 'Costa', 'Berg', 'Okoye', 'Rossi', 'Novak', 'Silva']
const cities: readonly (readonly [string, string])[] = [
  ['Lisbon', 'PT'],
  ['Berlin', 'DE'],
  ['Lagos', 'NG'],
  ['Austin', 'US'],
  ['Osaka', 'JP'],
]
const plans = ['Free', 'Pro', 'Business']

/** Without zone and fractions, as Mixpanel writes times of profiles. */
export const localTime = (ms: number): string => new Date(ms).toISOString().slice(0, 19)

export function newProfile(
  id: string,
  number: number,
  chance: Chance,
  createdMs: number,
  seenMs: number,
): JsonObject {
  const [city, country] = chance.pick(cities)
  const first = chance.pick(given)
  return {
    $distinct_id: id,
    $properties: {
      $created: localTime(createdMs),
      $email: `${first.toLowerCase()}${number}@example.com`,
      $first_name: first,
      $last_name: chance.pick(family),
      $last_seen: localTime(seenMs),
      $city: city,
      $country_code: country,
      Plan: chance.pick(plans),
      Visits: chance.below(200),
    },
  }
}

export function newEvent(
  event: string,
  person: string,
  timeMs: number,
  insertId: string,
  chance: Chance,
  delayMs = 2_000,
): JsonObject {
  const [city, country] = chance.pick(cities)
  return {
    event,
    properties: {
      // The export counts seconds; milliseconds are added when they are asked for.
      time: Math.floor(timeMs / 1000) * 1000,
      distinct_id: person,
      $insert_id: insertId,
      mp_processing_time_ms: Math.floor(timeMs / 1000) * 1000 + delayMs,
      $city: city,
      mp_country_code: country,
      mp_lib: 'web',
      ...(event === 'Order Completed' ? { Amount: 5 + chance.below(200), Currency: 'EUR' } : {}),
    },
  }
}

/** In the order in which people do them; fewer do each later one. */
const path = ['App Open', 'Sign Up', 'Game Played', 'Order Completed'] as const
const shares = [1, 0.6, 0.45, 0.4]

function fill(
  { seed, size, epoch }: ProjectOptions,
  set: (kind: Kind, id: string, object: JsonObject) => void,
): void {
  const chance = createChance(seed)
  const at = epoch.getTime()
  set('accounts', String(sampleAccountId), {
    id: sampleAccountId,
    username: sampleUsername,
    role: 'admin',
    projects: { [projectId]: 'admin' },
    created: new Date(at - 90 * day).toISOString(),
  })
  const people = size['profiles'] ?? 0
  for (let n = 1; n <= people; n++) {
    const created = at - 80 * day + chance.below(50 * day)
    set(
      'profiles',
      `user-${n}`,
      newProfile(`user-${n}`, n, chance, created, Math.min(at - 600_000, created + chance.below(70 * day))),
    )
  }
  let events = 0
  for (let visit = 1; events < (size['events'] ?? 0); visit++) {
    const person = `user-${1 + chance.below(Math.max(1, people))}`
    let time = at - 29 * day + chance.below(28.5 * day)
    for (const [index, name] of path.entries()) {
      if (index > 0 && chance.next() > (shares[index] ?? 0)) break
      if (events >= (size['events'] ?? 0)) break
      time = Math.min(time + chance.below(1_800_000), at - 600_000)
      const event = newEvent(name, person, time, `visit-${visit}-${index}`, chance)
      set('events', identityOf(name, event['properties'] as JsonObject), event)
      events++
    }
  }
  for (let n = 1; n <= (size['cohorts'] ?? 0); n++)
    set('cohorts', String(1_200_000 + n), newCohort(1_200_000 + n, n, at - (60 - n) * day))
  for (let n = 1; n <= (size['funnels'] ?? 0); n++)
    set('funnels', String(7_000 + n), {
      funnel_id: 7_000 + n,
      name: ['Sign up', 'First order', 'Play'][n - 1] ?? `Funnel ${n}`,
    })
  for (let n = 1; n <= (size['experiments'] ?? 0); n++) {
    const id = `5f0c1c0e-6f9e-4f3c-9a8e-${String(n).padStart(12, '0')}`
    set('experiments', id, newExperiment(id, n, at - (40 - n) * day))
  }
  for (let n = 1; n <= (size['annotations'] ?? 0); n++)
    set('annotations', String(n), newAnnotation(n, `Release ${n}`, at - n * 3 * day))
}

export const newCohort = (id: number, number: number, createdMs: number): JsonObject => ({
  id,
  name: ['Power users', 'New in Lisbon', 'Free plan', 'Business', 'Everybody'][number - 1] ?? `Cohort ${id}`,
  description: '',
  count: 0,
  is_visible: 1,
  created: localTime(createdMs).replace('T', ' '),
  project_id: Number(projectId),
  data_group_id: null,
})

const newExperiment = (id: string, number: number, createdMs: number): JsonObject => ({
  id,
  name: `Experiment ${number}`,
  description: '',
  hypothesis: 'More people finish',
  status: ['draft', 'active', 'concluded'][number % 3] ?? 'draft',
  variants: [{ key: 'Control' }, { key: 'Treatment' }],
  metrics: [],
  settings: {},
  start_date: null,
  end_date: null,
  created: new Date(createdMs).toISOString(),
  modified: new Date(createdMs).toISOString(),
  deleted: null,
  exposures_cache: {},
  results_cache: {},
})

export const newAnnotation = (id: number, description: string, ms: number): JsonObject => ({
  id,
  date: localTime(ms).replace('T', ' '),
  description,
  user: { id: 1, first_name: 'Ana', last_name: 'Sol' },
  tags: [],
})

/** Who is in a cohort: by a rule of its id, so that it follows the profiles. */
export function membersOf({ tables }: Project, cohortId: string): string[] {
  const rule = Number(cohortId) % 5
  const isIn = (profile: JsonObject): boolean => {
    const properties = isJsonObject(profile['$properties']) ? profile['$properties'] : {}
    if (rule === 1) return Number(properties['Visits']) >= 150
    if (rule === 2) return properties['$city'] === 'Lisbon'
    if (rule === 3) return properties['Plan'] === 'Free'
    return rule !== 4 || properties['Plan'] === 'Business'
  }
  return [...tables.profiles].filter(([, profile]) => isIn(profile)).map(([id]) => id)
}

export const cohortRow = (project: Project, cohort: JsonObject): JsonObject => ({
  ...cohort,
  count: membersOf(project, String(Number(cohort['id']))).length,
})
