/** Objects as the REST API 2.16 has them (`shared/specs/intercom`); webhooks carry them whole. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import type { JsonObject } from '../../model/json.ts'
import type { ReceivedResource } from '../contract-webhook.ts'
import { textIn } from '../hooks/parse.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const life: readonly FieldRule[] = [
  { to: 'createdAt', from: 'created_at', convert: 'time' },
  { to: 'updatedAt', from: 'updated_at', convert: 'time' },
]

const conversation: FieldMapping = {
  model: 'ticket',
  rules: [
    text('id', 'id'),
    text('subject', 'title'),
    { ...text('status', 'state'), values: { open: 'open', closed: 'closed', snoozed: 'hold' } },
    text('assigneeId', 'admin_assignee_id'),
    text('groupId', 'team_assignee_id'),
    ...life,
  ],
}

const contact: FieldMapping = {
  model: 'user',
  rules: [
    text('id', 'id'),
    text('externalRef', 'external_id'),
    text('name', 'name'),
    text('email', 'email'),
    text('phone', 'phone'),
    { to: 'role', constant: 'end-user' },
    ...life,
  ],
}

const company: FieldMapping = {
  model: 'organization',
  rules: [text('id', 'id'), text('externalRef', 'company_id'), text('name', 'name'), ...life],
}

const textOrNull = { type: ['string', 'null'] }

const resource = (
  name: string,
  title: string,
  mapping: FieldMapping,
  properties: Readonly<Record<string, JsonObject>>,
): ReceivedResource => ({
  name,
  title,
  model: mapping.model,
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['id'],
    properties: { id: { type: ['string', 'integer'] }, updated_at: { type: 'integer' }, ...properties },
  },
  externalId: (row) => textIn(row as JsonObject, 'id') ?? '',
  // Unix seconds.
  updatedAt: ({ updated_at: at }) => (typeof at === 'number' ? new Date(at * 1000).toISOString() : undefined),
  mapping,
})

export const received: readonly ReceivedResource[] = [
  resource('contacts', 'Contacts', contact, { email: textOrNull, name: textOrNull }),
  resource('companies', 'Companies', company, { name: textOrNull }),
  resource('conversations', 'Conversations', conversation, { title: textOrNull, state: textOrNull }),
]
