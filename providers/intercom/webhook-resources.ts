/**
 * Objects as the REST API 2.16 has them (`shared/specs/intercom`); webhooks carry them whole. Times are Unix seconds there, and text in the
 * contacts of envelopes.
 */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import type { JsonObject } from '../../model/json.ts'
import type { ReceivedResource } from '../contract-webhook.ts'
import { momentOf, textIn } from '../hooks/parse.ts'

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
    text('requesterId', 'contacts.contacts.0.id'),
    ...life,
  ],
}

/** An admin or team of 0 is none. */
const assigned = (to: string, from: string): FieldRule => ({ ...text(to, from), values: { 0: null } })

const ticket: FieldMapping = {
  model: 'ticket',
  rules: [
    text('id', 'id'),
    text('subject', 'ticket_attributes._default_title_'),
    text('description', 'ticket_attributes._default_description_'),
    {
      ...text('status', 'ticket_state.category'),
      values: { submitted: 'new', in_progress: 'open', waiting_on_customer: 'pending', resolved: 'solved' },
    },
    assigned('assigneeId', 'admin_assignee_id'),
    assigned('groupId', 'team_assignee_id'),
    text('requesterId', 'contacts.contacts.0.id'),
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
    properties: {
      id: { type: ['string', 'integer'] },
      updated_at: { type: ['integer', 'string', 'null'] },
      ...properties,
    },
  },
  externalId: (row) => textIn(row as JsonObject, 'id') ?? '',
  updatedAt: ({ updated_at: at }) =>
    (typeof at === 'number'
      ? momentOf(at * 1000)
      : typeof at === 'string'
        ? momentOf(at)
        : undefined
    )?.toISOString(),
  mapping,
})

export const received: readonly ReceivedResource[] = [
  resource('contacts', 'Contacts', contact, { email: textOrNull, name: textOrNull }),
  resource('companies', 'Companies', company, { name: textOrNull }),
  resource('conversations', 'Conversations', conversation, { title: textOrNull, state: textOrNull }),
  resource('tickets', 'Tickets', ticket, { ticket_id: textOrNull, category: textOrNull }),
]
