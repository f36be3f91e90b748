/**
 * JSON Schemas (2020-12) of the rows: strict on what the hub relies on (id, times, the types of mapped fields and whether
 * they may be null), silent on everything else, so that a new field at Zendesk stops nothing.
 */
import type { JsonSchema } from '../../model/json.ts'

const id = { type: ['integer', 'string'], pattern: '^[0-9]+$' }
const idOrNull = { type: ['integer', 'string', 'null'] }
const textOrNull = { type: ['string', 'null'] }
const time = { type: 'string', format: 'date-time' }
const timeOrNull = { type: ['string', 'null'], format: 'date-time' }
const flag = { type: 'boolean' }
const flagOrNull = { type: ['boolean', 'null'] }
const texts = { type: ['array', 'null'], items: { type: 'string' } }
const objects = { type: ['array', 'null'], items: { type: 'object' } }

const draft = 'https://json-schema.org/draft/2020-12/schema'

function row(required: readonly string[], properties: Readonly<Record<string, unknown>>): JsonSchema {
  return { $schema: draft, type: 'object', required, properties }
}

const ticketProperties = {
  id,
  external_id: textOrNull,
  subject: textOrNull,
  description: textOrNull,
  status: { type: 'string', minLength: 1 },
  custom_status_id: idOrNull,
  priority: textOrNull,
  type: textOrNull,
  requester_id: idOrNull,
  assignee_id: idOrNull,
  group_id: idOrNull,
  organization_id: idOrNull,
  tags: texts,
  custom_fields: { type: ['array', 'null'], items: { type: 'object', required: ['id'], properties: { id } } },
  // A deleted or never rated ticket has no object here; older answers say `false` or `null`.
  satisfaction_rating: { type: ['object', 'boolean', 'null'] },
  via: { type: ['object', 'null'], properties: { channel: { type: ['string', 'integer', 'null'] } } },
  created_at: timeOrNull,
  updated_at: timeOrNull,
}

/** A tombstone (status `deleted`) may lack nearly everything; a living ticket has its times. */
export const ticketSchema: JsonSchema = {
  ...row(['id', 'status'], ticketProperties),
  if: { properties: { status: { const: 'deleted' } } },
  else: { required: ['created_at', 'updated_at'], properties: { created_at: time, updated_at: time } },
}

export const commentSchema = row(['id', 'ticket_id', 'created_at'], {
  id,
  ticket_id: id,
  author_id: idOrNull,
  body: textOrNull,
  html_body: textOrNull,
  public: flagOrNull,
  attachments: objects,
  created_at: time,
})

export const userSchema = row(['id', 'name', 'created_at', 'updated_at'], {
  id,
  external_id: textOrNull,
  name: textOrNull,
  email: textOrNull,
  phone: textOrNull,
  role: textOrNull,
  organization_id: idOrNull,
  active: flag,
  suspended: flagOrNull,
  time_zone: textOrNull,
  locale: textOrNull,
  tags: texts,
  created_at: time,
  updated_at: time,
})

export const organizationSchema = row(['id', 'name', 'created_at', 'updated_at'], {
  id,
  external_id: textOrNull,
  name: { type: 'string' },
  domain_names: texts,
  details: textOrNull,
  notes: textOrNull,
  tags: texts,
  created_at: time,
  updated_at: time,
  deleted_at: timeOrNull,
})

export const ratingSchema = row(['id', 'score', 'created_at', 'updated_at'], {
  id,
  ticket_id: idOrNull,
  score: { type: 'string' },
  comment: textOrNull,
  reason: textOrNull,
  requester_id: idOrNull,
  assignee_id: idOrNull,
  created_at: time,
  updated_at: time,
})

export const surveyResponseSchema = row(['id', 'answers', 'derived'], {
  id: { type: 'string', minLength: 1 },
  responder_id: idOrNull,
  answers: {
    type: 'array',
    items: { type: 'object', required: ['type'], properties: { type: { type: 'string' } } },
  },
  derived: {
    type: 'object',
    properties: {
      ticket_id: textOrNull,
      rating: textOrNull,
      comment: textOrNull,
      reason: textOrNull,
      created_at: timeOrNull,
      updated_at: timeOrNull,
    },
  },
})

export const sectionSchema = row(['id', 'name', 'locale'], {
  id,
  name: { type: 'string' },
  description: textOrNull,
  locale: { type: 'string' },
  category_id: idOrNull,
  html_url: textOrNull,
  created_at: timeOrNull,
  updated_at: timeOrNull,
})

export const articleSchema = row(['id', 'title', 'locale', 'updated_at'], {
  id,
  title: { type: 'string' },
  body: textOrNull,
  locale: { type: 'string' },
  section_id: idOrNull,
  author_id: idOrNull,
  draft: flagOrNull,
  label_names: texts,
  html_url: textOrNull,
  created_at: timeOrNull,
  updated_at: time,
})
