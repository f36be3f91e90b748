/** What is read from Pipedrive, in the order in which it is read. Facts and sources: README, "Reading". */
import type { JsonSchema } from '../../model/json.ts'
import type { FieldMapping } from '../../model/mapping.ts'
import type { Resource, Row } from '../contract.ts'
import { get, idIn, rowsOf, timeIn } from './answer.ts'
import { activityOf, dealOf, noteOf, organizationOf, personOf, pipelineOf } from './derive.ts'
import { readByIds, readList, readWhole, type ListOf } from './lists.ts'
import { readEach, readOldList, type OldListOf } from './lists-v1.ts'
import {
  activityMapping,
  dealMapping,
  leadMapping,
  noteMapping,
  organizationMapping,
  personMapping,
  pipelineMapping,
  productMapping,
  userMapping,
} from './mapping.ts'

const time = { type: ['string', 'null'] }
const schemaOf = (id: JsonSchema, times: readonly string[]): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['id'],
  properties: { id, ...Object.fromEntries(times.map((name) => [name, time])) },
})
const whole = schemaOf({ type: 'integer' }, ['add_time', 'update_time'])

interface Of {
  readonly name: string
  readonly title: string
  readonly mapping: FieldMapping
  readonly after: readonly string[]
}

/**
 * Deletions are found by a scan: that a deletion moves the time of the last change is said of persons only, and lists leave out
 * what is deleted. Webhooks tell of them at once.
 */
const common = ({ name, title, mapping, after }: Of) => ({
  name,
  title,
  model: mapping.model,
  mapping,
  after,
  deletions: 'scan' as const,
  schema: whole,
  volatile: [],
  start: () => ({}),
  externalId: (row: Row) => idIn(row, 'id') ?? '',
  updatedAt: (row: Row) => timeIn(row, 'update_time'),
  isDeleted: (row: Row) => row['is_deleted'] === true,
})

const listed = (of: Of, list: ListOf): Resource => ({
  ...common(of),
  incremental: true,
  readPage: (context, position) => readList(context, list, position),
  getMany: (context, ids) => readByIds(context, list, ids),
})

const asItIs = (row: Row): Row => row

/** One list without pages. */
async function readUsers(context: Parameters<Resource['readPage']>[0]) {
  const response = await get(context, '/api/v1/users')
  return { rows: rowsOf(response, 'users'), readAt: response.readAt }
}

const users: Resource = {
  ...common({ name: 'users', title: 'Users', mapping: userMapping, after: [] }),
  incremental: false,
  schema: schemaOf({ type: 'integer' }, ['created', 'modified']),
  volatile: ['last_login', 'is_you'],
  updatedAt: (row) => timeIn(row, 'modified'),
  readPage: async (context) => ({ ...(await readUsers(context)), next: {}, done: true }),
  getMany: async (context, ids) => {
    if (ids.length === 0) return { rows: [], readAt: context.now() }
    const { rows, readAt } = await readUsers(context)
    return { rows: rows.filter((row) => ids.includes(idIn(row, 'id') ?? '')), readAt }
  },
}

/** Pipelines with their stages: two short lists. A stage that changes does not change its pipeline, so all are read each time. */
async function readPipelines(context: Parameters<Resource['readPage']>[0]) {
  const { rows, readAt } = await readWhole(context, '/api/v2/pipelines')
  const stages = await readWhole(context, '/api/v2/stages')
  return { rows: rows.map((row) => pipelineOf(row, stages.rows)), readAt }
}

const pipelines: Resource = {
  ...common({ name: 'pipelines', title: 'Pipelines', mapping: pipelineMapping, after: [] }),
  incremental: false,
  readPage: async (context) => ({ ...(await readPipelines(context)), next: {}, done: true }),
  getMany: async (context, ids) => {
    if (ids.length === 0) return { rows: [], readAt: context.now() }
    const { rows, readAt } = await readPipelines(context)
    return { rows: rows.filter((row) => ids.includes(idIn(row, 'id') ?? '')), readAt }
  },
}

const products = listed(
  { name: 'products', title: 'Products', mapping: productMapping, after: ['users'] },
  { path: '/api/v2/products', derive: asItIs },
)
const organizations = listed(
  { name: 'organizations', title: 'Organizations', mapping: organizationMapping, after: ['users'] },
  { path: '/api/v2/organizations', derive: organizationOf },
)
const persons = listed(
  { name: 'persons', title: 'Persons', mapping: personMapping, after: ['organizations'] },
  { path: '/api/v2/persons', derive: personOf },
)
const deals = listed(
  { name: 'deals', title: 'Deals', mapping: dealMapping, after: ['pipelines', 'persons'] },
  {
    path: '/api/v2/deals',
    archived: '/api/v2/deals/archived',
    withDeleted: { status: 'open,won,lost,deleted' },
    derive: dealOf,
  },
)
const activities = listed(
  { name: 'activities', title: 'Activities', mapping: activityMapping, after: ['deals'] },
  { path: '/api/v2/activities', derive: activityOf },
)

const leadList: OldListOf = { path: '/api/v1/leads', archived: '/api/v1/leads/archived', derive: asItIs }
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const leads: Resource = {
  ...common({ name: 'leads', title: 'Leads', mapping: leadMapping, after: ['persons'] }),
  incremental: true,
  schema: schemaOf({ type: 'string' }, ['add_time', 'update_time']),
  readPage: (context, position) => readOldList(context, leadList, position),
  getMany: (context, ids) => readEach(context, leadList, ids, uuid),
}

const noteList: OldListOf = { path: '/api/v1/notes', derive: noteOf }

const notes: Resource = {
  ...common({ name: 'notes', title: 'Notes', mapping: noteMapping, after: ['deals'] }),
  incremental: true,
  isDeleted: (row) => row['active_flag'] === false,
  readPage: (context, position) => readOldList(context, noteList, position),
  getMany: (context, ids) => readEach(context, noteList, ids, /^\d+$/),
}

export const resources: readonly Resource[] = [
  users,
  pipelines,
  products,
  organizations,
  persons,
  deals,
  activities,
  leads,
  notes,
]
