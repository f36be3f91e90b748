/** What comes in Help Scout's webhooks, as objects of the models. Names are those that reading Help Scout will use. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import type { JsonObject, JsonSchema } from '../../model/json.ts'
import type { Row } from '../contract-basics.ts'
import type { ReceivedResource } from '../contract-webhook.ts'
import { objectIn, textIn } from '../hooks/parse.ts'
import { utc } from './webhook-rows.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const time = (to: string, from: string): FieldRule => ({
  to,
  from,
  convert: 'time',
  zone: { constant: 'UTC' },
})
const isThere = (path: string) => ({ '!!': [{ var: path }] })
const is = (path: string, value: string) => ({ '===': [{ var: path }, value] })

const conversationMapping: FieldMapping = {
  model: 'ticket',
  rules: [
    text('id', 'id'),
    text('subject', 'subject'),
    // Spam is closed for good, unless somebody takes it back.
    { ...text('status', 'status'), values: { active: 'open', spam: 'closed' } },
    text('requesterId', 'primaryCustomer.id'),
    text('assigneeId', 'assignee.id'),
    { to: 'tags', from: 'derived.tags', convert: 'texts', fallback: [] },
    { to: 'customFields', from: 'customFields' },
    text('channel', 'source.type'),
    time('createdAt', 'createdAt'),
    time('updatedAt', 'derived.updatedAt'),
    text('custom.number', 'number'),
    text('custom.mailboxId', 'mailboxId'),
  ],
}

const messageMapping: FieldMapping = {
  model: 'message',
  rules: [
    text('id', 'id'),
    text('ticketId', 'derived.conversationId'),
    text('authorId', 'createdBy.id'),
    text('bodyHtml', 'body'),
    { to: 'isPublic', constant: false, when: is('type', 'note') },
    { to: 'isPublic', constant: true },
    { to: 'attachments', from: '_embedded.attachments' },
    time('createdAt', 'createdAt'),
  ],
}

/** Lists stand under `_embedded` in the API v2, at the top in older bodies. */
const firstOf = (to: string, list: string): FieldRule[] => [
  { ...text(to, `_embedded.${list}.0.value`), when: isThere(`_embedded.${list}`) },
  text(to, `${list}.0.value`),
]

const customerMapping: FieldMapping = {
  model: 'user',
  rules: [
    text('id', 'id'),
    { to: 'name', concat: { from: ['firstName', 'lastName'], with: ' ' } },
    ...firstOf('email', 'emails'),
    ...firstOf('phone', 'phones'),
    { to: 'role', constant: 'end-user' },
    time('createdAt', 'createdAt'),
    { ...time('updatedAt', 'updatedAt'), when: isThere('updatedAt') },
    time('updatedAt', 'modifiedAt'),
    text('custom.organization', 'organization'),
    text('custom.jobTitle', 'jobTitle'),
  ],
}

/** As webhooks write them (`Great`, `Okay`, `Bad`) and as the API does (`not_good`). */
const scores = {
  Great: 'good',
  great: 'good',
  Okay: 'okay',
  Bad: 'bad',
  bad: 'bad',
  'Not Good': 'bad',
  not_good: 'bad',
}

const ratingMapping: FieldMapping = {
  model: 'satisfaction',
  rules: [
    text('id', 'id'),
    { ...text('ticketId', 'conversationId'), when: isThere('conversationId') },
    text('ticketId', 'ticketId'),
    { ...text('score', 'rating'), values: scores },
    text('comment', 'comments'),
    text('requesterId', 'customer.id'),
    text('assigneeId', 'user.id'),
    time('createdAt', 'createdAt'),
    { ...time('updatedAt', 'modifiedAt'), when: isThere('modifiedAt') },
    time('updatedAt', 'createdAt'),
  ],
}

const organizationMapping: FieldMapping = {
  model: 'organization',
  rules: [text('id', 'id'), text('name', 'name')],
}

const id = { type: ['integer', 'string'], pattern: '^[0-9]+$' }
const textOrNull = { type: ['string', 'null'] }
const objectOrNull = { type: ['object', 'null'] }
const objects = { type: ['array', 'null'], items: { type: 'object' } }

const row = (properties: JsonObject): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['id'],
  properties: { id, ...properties },
})

const idOf = (one: Row): string => textIn(one as JsonObject, 'id') ?? ''
const timeIn = (one: Row, ...names: readonly string[]): string | undefined =>
  names.map((name) => utc(one[name])).find((found) => found !== undefined)

const resource = (
  base: Pick<ReceivedResource, 'name' | 'title' | 'schema' | 'updatedAt' | 'mapping'>,
): ReceivedResource => ({ ...base, model: base.mapping.model, externalId: idOf })

export const received: readonly ReceivedResource[] = [
  resource({
    name: 'conversations',
    title: 'Conversations',
    schema: row({
      subject: textOrNull,
      status: textOrNull,
      createdAt: textOrNull,
      primaryCustomer: objectOrNull,
      assignee: objectOrNull,
      tags: objects,
      customFields: objects,
    }),
    updatedAt: (one) => textIn(objectIn(one as JsonObject, 'derived') ?? {}, 'updatedAt'),
    mapping: conversationMapping,
  }),
  resource({
    name: 'threads',
    title: 'Threads of conversations',
    schema: row({ type: textOrNull, body: textOrNull, createdAt: textOrNull, createdBy: objectOrNull }),
    updatedAt: (one) => timeIn(one, 'createdAt'),
    mapping: messageMapping,
  }),
  resource({
    name: 'customers',
    title: 'Customers',
    schema: row({
      firstName: textOrNull,
      lastName: textOrNull,
      createdAt: textOrNull,
      updatedAt: textOrNull,
      _embedded: objectOrNull,
    }),
    updatedAt: (one) => timeIn(one, 'updatedAt', 'modifiedAt'),
    mapping: customerMapping,
  }),
  resource({
    name: 'ratings',
    title: 'Satisfaction ratings',
    schema: row({ rating: textOrNull, comments: textOrNull, customer: objectOrNull, createdAt: textOrNull }),
    updatedAt: (one) => timeIn(one, 'modifiedAt', 'createdAt'),
    mapping: ratingMapping,
  }),
  resource({
    name: 'organizations',
    title: 'Organizations',
    schema: row({ name: textOrNull }),
    updatedAt: (one) => timeIn(one, 'updatedAt'),
    mapping: organizationMapping,
  }),
]
