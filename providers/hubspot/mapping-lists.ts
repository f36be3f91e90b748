/** Default mappings of what is no CRM object: owners, pipelines, associations, lists, mailings and their events. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'

const empty = { '': null }
const text = (to: string, from: string): FieldRule => ({ to, from, values: empty, convert: 'text' })
const number = (to: string, from: string): FieldRule => ({ to, from, values: empty, convert: 'number' })
const time = (to: string, from: string): FieldRule => ({ to, from, values: empty, convert: 'time' })
const life = [time('createdAt', 'createdAt'), time('updatedAt', 'updatedAt')]

export const ownerMapping: FieldMapping = {
  model: 'owner',
  rules: [
    text('id', 'id'),
    { to: 'name', concat: { from: ['firstName', 'lastName'], with: ' ' }, convert: 'text' },
    text('email', 'email'),
    text('userId', 'userId'),
    { to: 'teams', from: 'derived.teams', convert: 'texts', fallback: [] },
    { to: 'isActive', from: 'archived', values: { true: false, false: true }, fallback: true },
    ...life,
  ],
}

const isClosedTicket = { '==': [{ var: 'metadata.ticketState' }, 'CLOSED'] }
const isWon = {
  and: [
    { '==': [{ var: 'metadata.isClosed' }, 'true'] },
    { in: [{ var: 'metadata.probability' }, ['1', '1.0', '1.00']] },
  ],
}

export const pipelineMapping: FieldMapping = {
  model: 'pipeline',
  rules: [
    text('id', 'id'),
    text('name', 'label'),
    text('objectType', 'derived.object_type'),
    number('order', 'displayOrder'),
    {
      to: 'stages',
      from: 'stages',
      each: [
        text('id', 'id'),
        text('name', 'label'),
        number('order', 'displayOrder'),
        number('probability', 'metadata.probability'),
        { to: 'isClosed', constant: true, when: isClosedTicket },
        { to: 'isClosed', from: 'metadata.isClosed', convert: 'boolean', fallback: false },
        { to: 'isWon', constant: true, when: isWon },
        { to: 'isWon', constant: false },
      ],
      fallback: [],
    },
    ...life,
  ],
}

const kinds = { company: 'account', contact: 'contact', deal: 'deal', ticket: 'ticket' }

export const associationMapping: FieldMapping = {
  model: 'association',
  rules: [
    {
      to: 'id',
      concat: { from: ['fromObjectType', 'fromObjectId', 'toObjectType', 'toObjectId', 'typeId'], with: ':' },
      convert: 'text',
    },
    { to: 'fromType', from: 'fromObjectType', values: kinds, convert: 'text' },
    text('fromId', 'fromObjectId'),
    { to: 'toType', from: 'toObjectType', values: kinds, convert: 'text' },
    text('toId', 'toObjectId'),
    text('label', 'label'),
  ],
}

export const listMapping: FieldMapping = {
  model: 'segment',
  rules: [
    text('id', 'listId'),
    text('name', 'name'),
    {
      to: 'kind',
      from: 'processingType',
      values: { MANUAL: 'static', SNAPSHOT: 'static', DYNAMIC: 'dynamic' },
      convert: 'text',
    },
    number('size', 'additionalProperties.hs_list_size'),
    ...life,
  ],
}

export const membershipMapping: FieldMapping = {
  model: 'membership',
  rules: [
    { to: 'id', concat: { from: ['derived.list_id', 'recordId'], with: ':' }, convert: 'text' },
    text('segmentId', 'derived.list_id'),
    text('memberId', 'recordId'),
    time('addedAt', 'membershipTimestamp'),
  ],
}

/** States of a marketing e-mail that was or is being sent. */
const sent = [
  'PUBLISHED',
  'PUBLISHED_AB',
  'PUBLISHED_AB_VARIANT',
  'AUTOMATED',
  'AUTOMATED_SENDING',
  'PROCESSING',
]

export const marketingEmailMapping: FieldMapping = {
  model: 'campaign',
  rules: [
    text('id', 'id'),
    text('name', 'name'),
    { to: 'type', constant: 'email' },
    text('subject', 'subject'),
    { to: 'status', constant: 'archived', when: { '==': [{ var: 'archived' }, true] } },
    { to: 'status', constant: 'published', when: { in: [{ var: 'state' }, sent] } },
    {
      to: 'status',
      from: 'state',
      values: {
        ...empty,
        DRAFT: 'draft',
        DRAFT_AB: 'draft',
        AUTOMATED_DRAFT: 'draft',
        SCHEDULED: 'scheduled',
      },
      convert: 'text',
    },
    time('sentAt', 'publishedAt'),
    number('sends', 'stats.counters.sent'),
    number('opens', 'stats.counters.open'),
    number('clicks', 'stats.counters.click'),
    number('bounces', 'stats.counters.bounce'),
    number('unsubscribes', 'stats.counters.unsubscribed'),
    ...life,
  ],
}

export const emailEventMapping: FieldMapping = {
  model: 'event',
  rules: [
    text('id', 'id'),
    text('name', 'type'),
    { to: 'occurredAt', from: 'created', convert: 'milliseconds' },
    text('profileId', 'recipient'),
    text('city', 'location.city'),
    text('country', 'location.country'),
    { to: 'properties', from: 'derived' },
  ],
}
