/**
 * A Mixpanel project behind HTTP: service accounts, limits, raw export, profiles, reports, ingestion. Written from Mixpanel's
 * documentation and OpenAPI files (fact sheet), not from the connector. All else stands in `simulator-*.ts`.
 */
import type { JsonObject, JsonValue } from '../../model/json.ts'
import {
  createChance,
  createWindows,
  type Edit,
  type EditWish,
  type Sample,
  type Simulator,
  type SimulatorOptions,
  type World,
} from '../../sandbox/kit.ts'
import { answer, createQueryLog, hosts, signedIn } from './simulator-door.ts'
import { propertiesOf, type Scene } from './simulator-reads.ts'
import {
  cohortRow,
  createProject,
  identityOf,
  localTime,
  membersOf,
  newAnnotation,
  newCohort,
  newEvent,
  newProfile,
  organizationId,
  projectId,
  projectToken,
  sampleUsername,
  workspaceId,
  type Kind,
  type Project,
} from './simulator-world.ts'

const elsewhere = [
  'eu.mixpanel.com',
  'api-eu.mixpanel.com',
  'data-eu.mixpanel.com',
  'in.mixpanel.com',
  'api-in.mixpanel.com',
  'data-in.mixpanel.com',
]

const sample: Sample = {
  provider: 'mixpanel',
  name: 'Mixpanel sandbox',
  auth: 'service_account',
  settings: {
    region: 'us',
    project_id: projectId,
    workspace_id: workspaceId,
    organization_id: organizationId,
    project_token: projectToken,
    username: sampleUsername,
  },
  secrets: { secret: 'sandbox-mixpanel-service-secret-0123456789' },
  origins: [...hosts, ...elsewhere].map((host) => `https://${host}`),
}

const defaultSize = { profiles: 800, events: 6000, cohorts: 5, funnels: 3, experiments: 3, annotations: 5 }
/** Calls per window, as in the connector's documentation of the limits (docs: rate-limits). */
const defaultLimits: Readonly<Record<string, number>> = {
  query: 60,
  export: 60,
  export_burst: 3,
  ingest: 30_000,
  app: 60,
  /** Queries that run at the same time, and how long one runs: 0, so none ever meets another unless that is wished for. */
  concurrent: 5,
  query_ms: 0,
}

const refusals: Readonly<Record<number, JsonValue>> = {
  401: { code: 401, error: 'Invalid credentials', status: 'Unauthorized' },
  429: { error: 'Query rate limit exceeded' },
  500: { error: 'Internal server error', status: 'error' },
  503: { error: 'Service unavailable', status: 'error' },
}

export const mixpanelSimulator: Simulator = { slug: 'mixpanel', sample, defaultSize, refusals, createWorld }

function createWorld(options: SimulatorOptions): World {
  const size = { ...defaultSize, ...options.size }
  const project = createProject({ seed: options.seed, size, epoch: options.epoch, record: options.record })
  const limits: Record<string, number> = { ...defaultLimits, ...options.limits }
  const windows = createWindows(options.now)
  const sessions = new Map<string, readonly JsonObject[]>()
  const queries = createQueryLog(options.now)
  let { secret = '' } = sample.secrets
  let { editEveryReads } = options
  let reads = 0
  const scene = (account: JsonObject | undefined): Scene => ({
    account,
    project,
    now: options.now,
    sessions,
    pageSize: Math.min(1000, limits['page'] ?? 1000),
  })
  return {
    handle: (request) => {
      if (editEveryReads > 0 && ++reads % editEveryReads === 0) edit(project, options, { update: 1 })
      const account = signedIn({ project, secret, now: options.now() }, request)
      return answer({ scene: scene(account), windows, queries, limits }, request)
    },
    edit: (wish) => edit(project, options, wish),
    editExactly: ({ resource, id, fields, delete: isOver }) => {
      const known = kindOf(resource) && project.tables[kindOf(resource) as Kind].get(id)
      const kind = kindOf(resource)
      if (!kind || !known) return undefined
      if (isOver === true) project.put(kind, id, null)
      else project.put(kind, id, changed(kind, known, fields ?? {}, options.now().getTime()))
      return {
        resource,
        id,
        effect: isOver === true ? 'deleted' : 'updated',
        fields: Object.keys(fields ?? {}),
      }
    },
    state: (resource) => state(project, resource),
    settle: () => void (editEveryReads = 0),
    setSecrets: (next) => void (secret = next['secret'] ?? sample.secrets['secret'] ?? ''),
    setLimits: (next) => void Object.assign(limits, next),
    replay: (entry) => project.replay(entry),
  }
}

const kindOf = (resource: string): Kind | undefined =>
  (['profiles', 'events', 'cohorts', 'funnels', 'experiments', 'annotations'] as const).find(
    (kind) => kind === resource,
  )

function state(project: Project, resource: string): Record<string, JsonObject> {
  if (resource === 'cohorts')
    return Object.fromEntries(
      [...project.tables.cohorts].map(([id, cohort]) => [id, cohortRow(project, cohort)]),
    )
  if (resource === 'cohort_members')
    return Object.fromEntries(
      [...project.tables.cohorts.keys()].flatMap((cohort) =>
        membersOf(project, cohort).map((id) => [`${cohort}:${id}`, { cohort_id: cohort, $distinct_id: id }]),
      ),
    )
  const kind = kindOf(resource)
  return kind ? Object.fromEntries(project.tables[kind]) : {}
}
// ------------------------------------------------------------------------------------------------ edits

/** Fields of a change by name, in the place where each kind keeps them. */
function changed(kind: Kind, known: JsonObject, fields: JsonObject, now: number): JsonObject {
  if (kind === 'profiles')
    return { ...known, $properties: { ...propertiesOf(known), ...fields, $last_seen: localTime(now) } }
  if (kind === 'experiments') return { ...known, ...fields, modified: new Date(now).toISOString() }
  return { ...known, ...fields }
}

/** Random edits, the same ones for the same seed and history. */
function edit(project: Project, options: SimulatorOptions, wish: EditWish): Edit[] {
  const resource = wish.resource ?? 'profiles'
  const kind = kindOf(resource)
  if (!kind || kind === 'funnels') return []
  const edits: Edit[] = []
  const chance = createChance(options.seed * 7919 + project.changes())
  const now = options.now().getTime()
  const done = (id: string, effect: Edit['effect'], fields: readonly string[]) =>
    void edits.push({ resource, id, effect, fields })
  const someId = () => [...project.tables[kind].keys()][chance.below(project.tables[kind].size)]
  for (let n = 0; n < (wish.create ?? 0); n++) {
    const id = create(project, kind, chance, now)
    if (id !== undefined) done(id, 'created', [])
  }
  // What happened stays as it is, and is not taken back.
  if (kind === 'events') return edits
  for (let n = 0; n < (wish.update ?? 0); n++) {
    const id = someId()
    const known = id === undefined ? undefined : project.tables[kind].get(id)
    if (id === undefined || !known) continue
    const field =
      { profiles: 'Plan', cohorts: 'name', experiments: 'description', annotations: 'description' }[
        kind as string
      ] ?? 'description'
    project.put(kind, id, changed(kind, known, { [field]: `${field} ${project.changes()}` }, now))
    done(id, 'updated', [field])
  }
  for (let n = 0; n < (wish.delete ?? 0); n++) {
    const id = someId()
    if (id === undefined) continue
    project.put(kind, id, null)
    done(id, 'deleted', [])
  }
  return edits
}

function create(
  project: Project,
  kind: Kind,
  chance: ReturnType<typeof createChance>,
  now: number,
): string | undefined {
  const number = project.changes() + 1
  if (kind === 'profiles') {
    const id = `new-${number}`
    project.put(kind, id, newProfile(id, number, chance, now, now))
    return id
  }
  if (kind === 'events') {
    // One in three arrives late.
    const time = now - 1_000 - (chance.below(3) === 0 ? chance.below(3 * 86_400_000) : 0)
    const event = newEvent(
      'App Open',
      `user-${1 + chance.below(50)}`,
      time,
      `edit-${number}`,
      chance,
      now - Math.floor(time / 1000) * 1000,
    )
    const id = identityOf('App Open', propertiesOf(event))
    project.put(kind, id, event)
    return id
  }
  if (kind === 'cohorts') {
    const id = 1_300_000 + number
    project.put(kind, String(id), newCohort(id, 99, now))
    return String(id)
  }
  if (kind === 'annotations') {
    const id = 10_000 + number
    project.put(kind, String(id), newAnnotation(id, 'Edited in', now))
    return String(id)
  }
  return undefined
}
