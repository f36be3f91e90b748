/**
 * JSON Schemas (2020-12) of the rows: strict on what the hub relies on, silent on everything else, so that a new field at
 * HubSpot stops nothing.
 */
import type { JsonSchema } from '../../model/json.ts'

const draft = 'https://json-schema.org/draft/2020-12/schema'
const id = { type: 'string', pattern: '^[0-9]+$' }
const anyId = { type: ['string', 'integer'], minLength: 1 }
const textOrNull = { type: ['string', 'null'] }
const time = { type: 'string', format: 'date-time' }
const timeOrNull = { type: ['string', 'null'], format: 'date-time' }
const ids = { type: 'array', items: { type: 'string' } }

function row(required: readonly string[], properties: Readonly<Record<string, unknown>>): JsonSchema {
  return { $schema: draft, type: 'object', required, properties }
}

const values = { type: 'object', additionalProperties: textOrNull }
const history = {
  type: ['object', 'null'],
  additionalProperties: {
    type: 'array',
    items: { type: 'object', required: ['timestamp'], properties: { timestamp: time, value: textOrNull } },
  },
}

/** Any CRM object: values are texts, whatever their type. */
export const objectSchema: JsonSchema = row(['id', 'properties', 'createdAt', 'updatedAt'], {
  id,
  properties: values,
  propertiesWithHistory: history,
  createdAt: time,
  updatedAt: time,
  archived: { type: 'boolean' },
  derived: {
    type: 'object',
    properties: { contacts: ids, companies: ids, deals: ids, currency: textOrNull },
  },
})

export const ownerSchema = row(['id', 'createdAt', 'updatedAt'], {
  id,
  email: textOrNull,
  firstName: textOrNull,
  lastName: textOrNull,
  userId: { type: ['integer', 'string', 'null'] },
  archived: { type: 'boolean' },
  createdAt: time,
  updatedAt: time,
})

export const pipelineSchema = row(['id', 'stages'], {
  id: anyId,
  label: textOrNull,
  displayOrder: { type: ['integer', 'null'] },
  stages: { type: 'array', items: { type: 'object', required: ['id'], properties: { id: anyId } } },
  createdAt: timeOrNull,
  updatedAt: timeOrNull,
})

export const associationSchema = row(
  ['fromObjectType', 'fromObjectId', 'toObjectType', 'toObjectId', 'typeId'],
  {
    fromObjectType: { type: 'string' },
    fromObjectId: anyId,
    toObjectType: { type: 'string' },
    toObjectId: anyId,
    typeId: anyId,
    category: textOrNull,
    label: textOrNull,
  },
)

export const listSchema = row(['listId', 'name', 'processingType'], {
  listId: anyId,
  name: { type: 'string' },
  processingType: { type: 'string' },
  createdAt: timeOrNull,
  updatedAt: timeOrNull,
})

export const membershipSchema = row(['recordId', 'derived'], {
  recordId: anyId,
  membershipTimestamp: timeOrNull,
  derived: { type: 'object', required: ['list_id'], properties: { list_id: anyId } },
})

export const marketingEmailSchema = row(['id', 'name'], {
  id: anyId,
  name: textOrNull,
  subject: textOrNull,
  state: textOrNull,
  createdAt: timeOrNull,
  updatedAt: timeOrNull,
  stats: { type: ['object', 'null'] },
})

export const emailEventSchema = row(['id', 'created', 'type'], {
  id: { type: 'string', minLength: 1 },
  created: { type: 'integer' },
  type: { type: 'string' },
  recipient: textOrNull,
})
