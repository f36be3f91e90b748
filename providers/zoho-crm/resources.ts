/** What is read from Zoho CRM, in the order in which it is read. Facts and sources: README, "Reading". */
import type { Resource } from '../contract.ts'
import { textIn, timeIn } from './answer.ts'
import { canResume, readByIds, readModule, readUsers } from './lists.ts'
import { modules, userMapping, type ModuleSpec } from './modules.ts'

const users: Resource = {
  name: 'users',
  title: 'Users',
  model: userMapping.model,
  mapping: userMapping,
  after: [],
  incremental: false,
  deletions: 'none',
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['id'],
    properties: { id: { type: 'string', minLength: 1 }, status: { type: ['string', 'null'] } },
  },
  // Where somebody is and what is shown to him changes without the user changing.
  volatile: ['Isonline', 'offset', 'microsoft', 'customize_info', 'theme'],
  start: () => ({}),
  readPage: readUsers,
  externalId: (row) => textIn(row, 'id') ?? '',
  updatedAt: (row) => timeIn(row, 'Modified_Time'),
}

const resource = (spec: ModuleSpec): Resource => ({
  name: spec.name,
  title: spec.title,
  model: spec.mapping.model,
  mapping: spec.mapping,
  after: spec.name === 'accounts' ? ['users'] : ['accounts'],
  incremental: true,
  deletions: 'tombstone',
  schema: spec.schema,
  volatile: [],
  canResume,
  start: () => ({}),
  readPage: (context, position) => readModule(context, spec, position),
  getMany: (context, ids) => readByIds(context, spec, ids),
  externalId: (row) => textIn(row, 'id') ?? '',
  updatedAt: (row) => timeIn(row, 'Modified_Time'),
})

export const resources: readonly Resource[] = [users, ...modules.map(resource)]
