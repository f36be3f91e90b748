/** Bodies as Help Scout sends them (API v2), with the examples of its reference; made-up values. */
import type { HookSampleSpec, HookSampleWish } from '../contract-webhook.ts'
import { sampleNamed } from '../hooks/sample.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'

type Effect = NonNullable<HookSampleSpec['effect']>
const of = (resource: string, effect: Effect, event: string, title: string): HookSampleSpec => ({
  event,
  title,
  resource,
  effect,
})

export const samples: readonly HookSampleSpec[] = [
  of('conversations', 'created', 'convo.created', 'A conversation began'),
  of('conversations', 'updated', 'convo.status', 'The status of a conversation was changed'),
  of('conversations', 'updated', 'convo.customer.reply.created', 'A customer wrote'),
  of('conversations', 'updated', 'convo.merged', 'A conversation took in another one'),
  of('conversations', 'deleted', 'convo.deleted', 'A conversation was deleted'),
  of('customers', 'created', 'customer.created', 'A customer was made'),
  of('customers', 'updated', 'customer.updated', 'A customer was changed'),
  of('customers', 'deleted', 'customer.deleted', 'A customer was deleted'),
  of('ratings', 'created', 'satisfaction.ratings', 'A reply was rated'),
  of('organizations', 'updated', 'organization.updated', 'An organization was changed'),
  { event: 'helpscout.test', title: 'A test' },
]

/** Times as Help Scout writes them: no fractions of a second. */
const time = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`
const known = (row: unknown): JsonObject => {
  const { derived: _derived, ...rest } = isJsonObject(row) ? row : {}
  return rest
}
const idOf = (externalId: string): number | string =>
  Number.isSafeInteger(Number(externalId)) ? Number(externalId) : externalId

export function sampleBody(wish: HookSampleWish): JsonObject {
  const { event, externalId, id } = wish
  const { resource, effect } = sampleNamed(samples, event)
  // Only the id is sent; the other member makes one sample another event.
  if (effect === 'deleted') return { id: idOf(externalId), sample: id }
  if (resource === 'conversations') return conversationBody(wish)
  if (resource === 'customers') return customerBody(wish)
  if (resource === 'ratings') return ratingBody(wish)
  if (resource === 'organizations') return { id: idOf(externalId), name: `Acme, Inc (${id})` }
  return { id: 123, sample: id }
}

function conversationBody({ event, externalId, row, now, id }: HookSampleWish): JsonObject {
  const thread = threadOf(event, now, id)
  return {
    number: 15473,
    threads: 2,
    type: 'email',
    folderId: 493,
    state: 'published',
    subject: 'Need Help',
    mailboxId: 85,
    assignee: { id: 256, type: 'user', first: 'Mr', last: 'Robot', email: 'none@nowhere.com' },
    createdBy: { id: 238604, type: 'customer', email: 'bear@acme.com' },
    createdAt: event === 'convo.created' ? time(now) : '2026-04-21T14:39:56Z',
    source: { type: 'email', via: 'customer' },
    tags: [{ id: 9150, color: '#929499', tag: 'vip' }],
    cc: [],
    bcc: [],
    primaryCustomer: { id: 238604, type: 'customer', email: 'bear@acme.com' },
    customFields: [{ id: 6688, name: 'Account Type', value: '33077', text: 'Administrator' }],
    ...known(row),
    id: idOf(externalId),
    status: event === 'convo.status' ? 'pending' : 'active',
    preview: `I'm having a hard time resolving this (${id})`,
    userUpdatedAt: time(now),
    customerWaitingSince: { time: time(now), friendly: 'just now', latestReplyFrom: 'customer' },
    ...(thread ? { _embedded: { threads: [thread] } } : {}),
  }
}

/** Numbers that differ from sample to sample. */
const numberOf = (id: string): number =>
  [...id].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_000_007, 7)

function threadOf(event: string, now: Date, id: string): JsonObject | undefined {
  const base = { id: numberOf(id), status: 'active', state: 'published', createdAt: time(now) }
  const createdBy = { id: 238604, type: 'customer', first: 'Vernon', last: 'Bear', email: 'bear@acme.com' }
  if (event === 'convo.customer.reply.created')
    return {
      ...base,
      type: 'customer',
      action: { type: 'default', associatedEntities: {} },
      body: `This is a test (${id})<br>`,
      source: { type: 'email', via: 'customer' },
      createdBy,
      _embedded: { attachments: [] },
    }
  if (event !== 'convo.merged') return undefined
  const associatedEntities = { originalConversation: numberOf(id) }
  return { ...base, type: 'lineitem', action: { type: 'merged', associatedEntities } }
}

const customerBody = ({ event, externalId, row, now, id }: HookSampleWish): JsonObject => ({
  firstName: 'Vernon',
  lastName: 'Bear',
  gender: 'Male',
  jobTitle: 'CEO and Co-Founder',
  location: 'Greater Dallas/FT Worth Area',
  organization: 'Acme, Inc',
  photoType: 'unknown',
  photoUrl: '',
  age: '30-35',
  createdAt: event === 'customer.created' ? time(now) : '2012-07-23T12:34:12Z',
  draft: false,
  _embedded: {
    emails: [{ id: 1, value: 'bear@acme.com', type: 'home' }],
    phones: [{ id: 2, value: '123-123-123', type: 'home' }],
  },
  ...known(row),
  id: idOf(externalId),
  updatedAt: time(now),
  background: `I've worked with Vernon before (${id})`,
})

const ratingBody = ({ externalId, row, now, id }: HookSampleWish): JsonObject => ({
  customer: { id: 500, email: 'bear@acme.com', firstName: 'Vernon', lastName: 'Bear' },
  threadId: 10,
  conversationId: 123,
  conversationNumber: 456,
  mailboxId: 85,
  user: { id: 11, email: 'robot@acme.com', firstName: 'Mr', lastName: 'Robot' },
  ...known(row),
  id: idOf(externalId),
  rating: 'great',
  comments: `Well done! (${id})`,
  createdAt: time(now),
  modifiedAt: time(now),
})
