/** Objects as the `data` of webhooks v2 holds them (and API v2): references by id, own fields below `custom_fields`. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import type { JsonObject } from '../../model/json.ts'
import type { ReceivedResource } from '../contract-webhook.ts'
import { textIn } from '../hooks/parse.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
/** An amount without a currency is none. */
const money = (to: string, from: string, currency: string): FieldRule => ({
  to,
  from,
  convert: 'money',
  currency: { from: currency },
  when: { '!!': [{ var: currency }] },
})
const life: readonly FieldRule[] = [
  { to: 'createdAt', from: 'add_time', convert: 'time' },
  { to: 'updatedAt', from: 'update_time', convert: 'time' },
]

const resource = (name: string, title: string, mapping: FieldMapping): ReceivedResource => ({
  name,
  title,
  model: mapping.model,
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['id'],
    // Leads have UUIDs.
    properties: { id: { type: ['integer', 'string'] }, update_time: { type: ['string', 'null'] } },
  },
  externalId: (row) => textIn(row as JsonObject, 'id') ?? '',
  updatedAt: (row) => textIn(row as JsonObject, 'update_time'),
  mapping,
})

export const received: readonly ReceivedResource[] = [
  resource('deals', 'Deals', {
    model: 'deal',
    rules: [
      text('id', 'id'),
      text('name', 'title'),
      money('amount', 'value', 'currency'),
      text('status', 'status'),
      text('stageId', 'stage_id'),
      text('pipelineId', 'pipeline_id'),
      text('accountId', 'org_id'),
      text('ownerId', 'owner_id'),
      { to: 'closesAt', from: 'close_time', convert: 'time', when: { '!!': [{ var: 'close_time' }] } },
      { to: 'closesAt', from: 'expected_close_date', convert: 'time' },
      ...life,
    ],
  }),
  resource('persons', 'Persons', {
    model: 'contact',
    rules: [
      text('id', 'id'),
      text('name', 'name'),
      text('givenName', 'first_name'),
      text('familyName', 'last_name'),
      text('email', 'emails.0.value'),
      text('phone', 'phones.0.value'),
      text('accountId', 'org_id'),
      text('ownerId', 'owner_id'),
      ...life,
    ],
  }),
  resource('organizations', 'Organizations', {
    model: 'account',
    rules: [text('id', 'id'), text('name', 'name'), text('ownerId', 'owner_id'), ...life],
  }),
  resource('activities', 'Activities', {
    model: 'activity',
    rules: [
      text('id', 'id'),
      text('type', 'type'),
      text('subject', 'subject'),
      text('body', 'note'),
      { ...text('status', 'done'), values: { true: 'done', false: 'open' } },
      text('ownerId', 'owner_id'),
      { to: 'dueAt', concat: { from: ['due_date', 'due_time'], with: 'T' }, convert: 'time' },
      ...life,
    ],
  }),
  resource('leads', 'Leads', {
    model: 'lead',
    rules: [
      text('id', 'id'),
      text('name', 'title'),
      text('accountId', 'organization_id'),
      text('ownerId', 'owner_id'),
      text('source', 'source_name'),
      ...life,
    ],
  }),
]
