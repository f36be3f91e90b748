/** What is read from Freshdesk, in the order in which it is read. Facts and sources: README, "Reading". */
import type { JsonSchema } from '../../model/json.ts'
import type { FieldMapping } from '../../model/mapping.ts'
import type { Resource, Row } from '../contract.ts'
import { fieldsIn, idIn, timeIn } from './answer.ts'
import { readEach, readList, readTickets, type ListOf } from './lists.ts'
import { agentMapping, companyMapping, contactMapping, ticketMapping } from './mapping.ts'

const textOrNull = { type: ['string', 'null'] }
const idOrNull = { type: ['integer', 'null'] }
const texts = { type: ['array', 'null'], items: { type: 'string' } }

const schemaOf = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['id', 'updated_at'],
  properties: {
    id: { type: 'integer' },
    created_at: { type: 'string' },
    updated_at: { type: 'string' },
    ...properties,
  },
})

/** A list leaves out what a single answer has (attachments), and has what changes by itself (last activity): neither is kept. */
const only =
  (names: readonly string[]) =>
  (row: Row): Row =>
    Object.fromEntries(
      ['id', ...names, 'created_at', 'updated_at'].flatMap((name) =>
        row[name] === undefined ? [] : [[name, row[name]]],
      ),
    )

const pickTicket = only([
  'subject',
  'description',
  'description_text',
  'status',
  'priority',
  'source',
  'type',
  'requester_id',
  'responder_id',
  'group_id',
  'company_id',
  'product_id',
  'email_config_id',
  'cc_emails',
  'fwd_emails',
  'reply_cc_emails',
  'tags',
  'custom_fields',
  'due_by',
  'fr_due_by',
  'fr_escalated',
  'is_escalated',
  'spam',
  'deleted',
])

const pickContact = only([
  'name',
  'email',
  'phone',
  'mobile',
  'active',
  'address',
  'company_id',
  'description',
  'job_title',
  'language',
  'time_zone',
  'tags',
  'twitter_id',
  'unique_external_id',
  'custom_fields',
  'deleted',
])

const pickCompany = only([
  'name',
  'description',
  'note',
  'domains',
  'custom_fields',
  'health_score',
  'account_tier',
  'renewal_date',
  'industry',
])

const pickPerson = only(['active', 'email', 'job_title', 'language', 'mobile', 'name', 'phone', 'time_zone'])

const pickAgent = (row: Row): Row => ({
  ...only(['occasional', 'ticket_scope', 'type', 'group_ids', 'role_ids'])(row),
  contact: pickPerson(fieldsIn(row, 'contact')),
})

interface Of {
  readonly name: string
  readonly title: string
  readonly mapping: FieldMapping
  readonly after: readonly string[]
  readonly schema: JsonSchema
  readonly list: ListOf
}

/** Lists leave out what is deleted, and say nothing of it: deletions are found by a scan, and by the webhooks. */
const resource = ({ name, title, mapping, after, schema, list }: Of): Resource => ({
  name,
  title,
  model: mapping.model,
  mapping,
  after,
  incremental: list.since !== undefined,
  deletions: 'scan',
  schema,
  volatile: [],
  start: () => ({}),
  externalId: (row) => idIn(row, 'id') ?? '',
  updatedAt: (row) => timeIn(row, 'updated_at'),
  isDeleted: (row) => row['deleted'] === true,
  readPage: (context, position) => readList(context, list, position),
  getMany: (context, ids) => readEach(context, list, ids),
})

const agents = resource({
  name: 'agents',
  title: 'Agents',
  mapping: agentMapping,
  after: [],
  schema: schemaOf({
    contact: { type: 'object', properties: { name: textOrNull, email: textOrNull, phone: textOrNull } },
  }),
  list: { path: '/api/v2/agents', group: 'read', pick: pickAgent },
})

const companies = resource({
  name: 'companies',
  title: 'Companies',
  mapping: companyMapping,
  after: [],
  schema: schemaOf({ name: textOrNull, description: textOrNull, note: textOrNull, domains: texts }),
  list: { path: '/api/v2/companies', group: 'read', pick: pickCompany },
})

const contacts = resource({
  name: 'contacts',
  title: 'Contacts',
  mapping: contactMapping,
  after: ['companies'],
  schema: schemaOf({
    name: textOrNull,
    email: textOrNull,
    phone: textOrNull,
    company_id: idOrNull,
    active: { type: 'boolean' },
    tags: texts,
  }),
  list: { path: '/api/v2/contacts', group: 'contact_list', since: '_updated_since', pick: pickContact },
})

const ticketList: ListOf = { path: '/api/v2/tickets', group: 'ticket_list', pick: pickTicket }

const tickets: Resource = {
  ...resource({
    name: 'tickets',
    title: 'Tickets',
    mapping: ticketMapping,
    after: ['agents', 'contacts'],
    schema: schemaOf({
      subject: textOrNull,
      description_text: textOrNull,
      status: { type: 'integer' },
      priority: { type: 'integer' },
      type: textOrNull,
      requester_id: idOrNull,
      responder_id: idOrNull,
      group_id: idOrNull,
      company_id: idOrNull,
      tags: texts,
    }),
    list: ticketList,
  }),
  incremental: true,
  // Accounts since 2018 show descriptions only to who asks for them.
  readPage: (context, position) => readTickets(context, ticketList, { include: 'description' }, position),
}

export const resources: readonly Resource[] = [agents, companies, contacts, tickets]
