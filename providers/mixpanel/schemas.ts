/**
 * JSON Schemas (2020-12) of the rows: strict on what the hub relies on (ids and what they are made of), silent on all
 * else, so that a new field at Mixpanel stops nothing. Properties of events and profiles are whatever apps send.
 */
import type { JsonSchema } from '../../model/json.ts'

const id = { type: ['integer', 'string'], minLength: 1 }
const text = { type: 'string', minLength: 1 }
const textOrNull = { type: ['string', 'null'] }
const idOrNull = { type: ['integer', 'string', 'null'] }

function row(required: readonly string[], properties: Readonly<Record<string, unknown>>): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required,
    properties,
  }
}

export const eventSchema = row(['event', 'properties', 'derived'], {
  event: { type: 'string' },
  properties: {
    type: 'object',
    required: ['time'],
    properties: {
      time: { type: 'number' },
      distinct_id: idOrNull,
      $insert_id: idOrNull,
      mp_processing_time_ms: { type: ['integer', 'null'] },
    },
  },
  derived: { type: 'object', required: ['id', 'occurred_at'] },
})

export const profileSchema = row(['$distinct_id', '$properties'], {
  $distinct_id: id,
  $properties: { type: 'object' },
})

export const cohortSchema = row(['id', 'name'], {
  id,
  name: { type: 'string' },
  description: textOrNull,
  count: { type: ['integer', 'null'] },
  created: textOrNull,
})

export const memberSchema = row(['cohort_id', '$distinct_id'], { cohort_id: text, $distinct_id: id })

export const funnelSchema = row(['funnel_id', 'name'], { funnel_id: id, name: { type: 'string' } })

export const experimentSchema = row(['id', 'name', 'status'], {
  id: text,
  name: { type: 'string' },
  status: text,
  hypothesis: textOrNull,
  variants: { type: ['array', 'null'] },
  deleted: textOrNull,
  start_date: textOrNull,
  end_date: textOrNull,
  created: textOrNull,
  modified: textOrNull,
})

export const annotationSchema = row(['id', 'date'], {
  id,
  date: text,
  description: textOrNull,
  user: { type: ['object', 'null'] },
})
