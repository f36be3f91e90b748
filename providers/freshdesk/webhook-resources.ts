/** Tickets, of which a webhook tells the number; a row is what the API v2 answers. Names are those that reading Freshdesk will use. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import type { JsonObject } from '../../model/json.ts'
import type { ReceivedResource } from '../contract-webhook.ts'
import { textIn } from '../hooks/parse.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const time = (to: string, from: string): FieldRule => ({ to, from, convert: 'time' })

const mapping: FieldMapping = {
  model: 'ticket',
  rules: [
    text('id', 'id'),
    text('subject', 'subject'),
    text('description', 'description_text'),
    // Own statuses begin at 6: they pass as their number, and as the custom status.
    { ...text('status', 'status'), values: { 2: 'open', 3: 'pending', 4: 'solved', 5: 'closed' } },
    { ...text('customStatusId', 'status'), values: { 2: null, 3: null, 4: null, 5: null } },
    { ...text('priority', 'priority'), values: { 1: 'low', 2: 'normal', 3: 'high', 4: 'urgent' } },
    text('type', 'type'),
    text('requesterId', 'requester_id'),
    text('assigneeId', 'responder_id'),
    text('groupId', 'group_id'),
    text('organizationId', 'company_id'),
    { to: 'tags', from: 'tags', convert: 'texts', fallback: [] },
    time('createdAt', 'created_at'),
    time('updatedAt', 'updated_at'),
  ],
}

const id = { type: ['integer', 'string'], pattern: '^[0-9]+$' }
const idOrNull = { type: ['integer', 'string', 'null'] }
const textOrNull = { type: ['string', 'null'] }

export const received: readonly ReceivedResource[] = [
  {
    name: 'tickets',
    title: 'Tickets',
    model: 'ticket',
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      required: ['id'],
      properties: {
        id,
        subject: textOrNull,
        description_text: textOrNull,
        status: { type: 'integer' },
        priority: { type: 'integer' },
        type: textOrNull,
        requester_id: idOrNull,
        responder_id: idOrNull,
        group_id: idOrNull,
        company_id: idOrNull,
        tags: { type: ['array', 'null'], items: { type: 'string' } },
        created_at: { type: 'string' },
        updated_at: { type: 'string' },
      },
    },
    externalId: (row) => textIn(row as JsonObject, 'id') ?? '',
    updatedAt: (row) => textIn(row as JsonObject, 'updated_at'),
    mapping,
  },
]
