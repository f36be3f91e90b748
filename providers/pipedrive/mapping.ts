/** Default mappings: objects as API v2 has them (references by id, own fields below `custom_fields`), leads, notes and users as v1. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const number = (to: string, from: string): FieldRule => ({ to, from, convert: 'number' })
const time = (to: string, from: string): FieldRule => ({ to, from, convert: 'time' })
const ids = (to: string, from: string): FieldRule => ({ to, from, convert: 'texts', fallback: [] })
/** An amount without a currency is none. */
const money = (to: string, from: string, currency: string): FieldRule => ({
  to,
  from,
  convert: 'money',
  currency: { from: currency },
  when: { '!!': [{ var: currency }] },
})
const identity = text('id', 'id')
const owner = text('ownerId', 'owner_id')
const life: readonly FieldRule[] = [time('createdAt', 'add_time'), time('updatedAt', 'update_time')]

export const userMapping: FieldMapping = {
  model: 'owner',
  rules: [
    identity,
    text('name', 'name'),
    text('email', 'email'),
    text('userId', 'id'),
    { to: 'isActive', from: 'active_flag', convert: 'boolean' },
    time('createdAt', 'created'),
    time('updatedAt', 'modified'),
  ],
}

export const pipelineMapping: FieldMapping = {
  model: 'pipeline',
  rules: [
    identity,
    text('name', 'name'),
    { to: 'objectType', constant: 'deal' },
    number('order', 'order_nr'),
    {
      to: 'stages',
      from: 'derived.stages',
      each: [
        text('id', 'id'),
        text('name', 'name'),
        number('order', 'order'),
        number('probability', 'probability'),
      ],
      fallback: [],
    },
    ...life,
  ],
}

export const organizationMapping: FieldMapping = {
  model: 'account',
  rules: [
    identity,
    text('name', 'name'),
    text('domain', 'derived.domain'),
    number('employees', 'employee_count'),
    owner,
    text('city', 'address.locality'),
    text('country', 'address.country'),
    ...life,
  ],
}

export const personMapping: FieldMapping = {
  model: 'contact',
  rules: [
    identity,
    text('name', 'name'),
    text('givenName', 'first_name'),
    text('familyName', 'last_name'),
    text('email', 'derived.email'),
    text('phone', 'derived.phone'),
    text('jobTitle', 'job_title'),
    text('accountId', 'org_id'),
    owner,
    ...life,
  ],
}

export const dealMapping: FieldMapping = {
  model: 'deal',
  rules: [
    identity,
    text('name', 'title'),
    money('amount', 'value', 'currency'),
    text('status', 'status'),
    text('stageId', 'stage_id'),
    text('pipelineId', 'pipeline_id'),
    number('probability', 'derived.probability'),
    text('accountId', 'org_id'),
    ids('contactIds', 'derived.contacts'),
    owner,
    { ...time('closesAt', 'close_time'), when: { '!!': [{ var: 'close_time' }] } },
    time('closesAt', 'expected_close_date'),
    ...life,
  ],
}

const linked: readonly FieldRule[] = [
  ids('contactIds', 'derived.contacts'),
  ids('accountIds', 'derived.accounts'),
  ids('dealIds', 'derived.deals'),
]

export const activityMapping: FieldMapping = {
  model: 'activity',
  rules: [
    identity,
    text('type', 'type'),
    text('subject', 'subject'),
    text('body', 'note'),
    { ...text('status', 'done'), values: { true: 'done', false: 'open' } },
    time('occurredAt', 'marked_as_done_time'),
    { to: 'dueAt', concat: { from: ['due_date', 'due_time'], with: 'T' }, convert: 'time' },
    number('durationMs', 'derived.durationMs'),
    owner,
    ...linked,
    ...life,
  ],
}

export const noteMapping: FieldMapping = {
  model: 'activity',
  rules: [
    identity,
    { to: 'type', constant: 'note' },
    text('body', 'content'),
    time('occurredAt', 'add_time'),
    text('ownerId', 'user_id'),
    ...linked,
    ...life,
  ],
}

/** The model has no place for a lead's value: it stays in the raw row. */
export const leadMapping: FieldMapping = {
  model: 'lead',
  rules: [
    identity,
    text('name', 'title'),
    text('accountId', 'organization_id'),
    owner,
    { ...text('status', 'is_archived'), values: { true: 'archived', false: 'open' } },
    text('source', 'source_name'),
    ...life,
  ],
}

export const productMapping: FieldMapping = {
  model: 'item',
  rules: [
    identity,
    text('name', 'name'),
    text('sku', 'code'),
    text('description', 'description'),
    money('unitPrice', 'prices.0.price', 'prices.0.currency'),
    { to: 'isActive', from: 'is_linkable', convert: 'boolean' },
    ...life,
  ],
}
