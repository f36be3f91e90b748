/** Records that come in outbound messages, by their standard fields (API names, as the REST API has them), and as objects of the models. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import type { JsonObject, JsonSchema } from '../../model/json.ts'
import type { ModelName } from '../../model/records.ts'
import type { Row } from '../contract-basics.ts'
import type { ReceivedResource } from '../contract-webhook.ts'
import { textIn } from '../hooks/parse.ts'

/** By type of the record. */
export const resourceNames: Readonly<Record<string, string>> = {
  Account: 'accounts',
  Contact: 'contacts',
  Lead: 'leads',
  Opportunity: 'opportunities',
  Task: 'tasks',
  Event: 'events',
  Case: 'cases',
}

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const time = (to: string, from: string): FieldRule => ({ to, from, convert: 'time' })
const is = (name: string, value: boolean) => ({ '===': [{ var: name }, value] })
/** Amounts have a currency of their own only where the organization has several; without it the amount stays in the raw row. */
const money = (to: string, from: string): FieldRule => ({
  to,
  from,
  convert: 'money',
  currency: { from: 'CurrencyIsoCode' },
  when: { '!!': [{ var: 'CurrencyIsoCode' }] },
})

const base: readonly FieldRule[] = [
  text('id', 'Id'),
  time('createdAt', 'CreatedDate'),
  { ...time('updatedAt', 'SystemModstamp'), when: { '!!': [{ var: 'SystemModstamp' }] } },
  time('updatedAt', 'LastModifiedDate'),
]
const owned: readonly FieldRule[] = [...base, text('ownerId', 'OwnerId')]

const person: readonly FieldRule[] = [
  ...owned,
  text('email', 'Email'),
  text('givenName', 'FirstName'),
  text('familyName', 'LastName'),
  { ...text('name', 'Name'), when: { '!!': [{ var: 'Name' }] } },
  { to: 'name', concat: { from: ['FirstName', 'LastName'], with: ' ' } },
  text('phone', 'Phone'),
  text('jobTitle', 'Title'),
  text('source', 'LeadSource'),
]

const activity: readonly FieldRule[] = [...owned, text('subject', 'Subject'), text('body', 'Description')]

const rules: Readonly<Record<string, readonly FieldRule[]>> = {
  accounts: [
    ...owned,
    text('name', 'Name'),
    { ...text('domain', 'Website'), split: { by: '://', at: -1 } },
    text('phone', 'Phone'),
    text('industry', 'Industry'),
    { to: 'employees', from: 'NumberOfEmployees', convert: 'number' },
    money('annualRevenue', 'AnnualRevenue'),
    text('city', 'BillingCity'),
    text('country', 'BillingCountry'),
  ],
  contacts: [
    ...person,
    text('accountId', 'AccountId'),
    { to: 'isSubscribed', constant: false, when: is('HasOptedOutOfEmail', true) },
    { to: 'isSubscribed', constant: true, when: is('HasOptedOutOfEmail', false) },
  ],
  leads: [...person, text('companyName', 'Company'), text('status', 'Status')],
  opportunities: [
    ...owned,
    text('name', 'Name'),
    money('amount', 'Amount'),
    text('stageId', 'StageName'),
    { to: 'status', constant: 'won', when: is('IsWon', true) },
    { to: 'status', constant: 'lost', when: is('IsClosed', true) },
    { to: 'status', constant: 'open', when: is('IsClosed', false) },
    text('accountId', 'AccountId'),
    time('closesAt', 'CloseDate'),
  ],
  tasks: [
    ...activity,
    {
      ...text('type', 'TaskSubtype'),
      values: { Task: 'task', Email: 'email', Call: 'call' },
      fallback: 'task',
    },
    text('status', 'Status'),
    time('dueAt', 'ActivityDate'),
    time('occurredAt', 'CompletedDateTime'),
  ],
  events: [...activity, { to: 'type', constant: 'meeting' }, time('occurredAt', 'StartDateTime')],
  cases: [
    ...base,
    text('subject', 'Subject'),
    text('description', 'Description'),
    {
      ...text('status', 'Status'),
      values: { New: 'new', Working: 'open', Escalated: 'open', 'On Hold': 'hold', Closed: 'closed' },
    },
    { ...text('priority', 'Priority'), values: { Low: 'low', Medium: 'normal', High: 'high' } },
    text('type', 'Type'),
    text('requesterId', 'ContactId'),
    text('assigneeId', 'OwnerId'),
    text('organizationId', 'AccountId'),
    text('channel', 'Origin'),
  ],
}

const textOrNull = { type: ['string', 'null'] }
const schema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['Id'],
  properties: {
    Id: { type: 'string', minLength: 1 },
    CreatedDate: textOrNull,
    LastModifiedDate: textOrNull,
    SystemModstamp: textOrNull,
    OwnerId: textOrNull,
  },
}

const own = (row: Row, name: string): string | undefined => textIn(row as JsonObject, name)

function receivedOf(name: string, title: string, model: ModelName): ReceivedResource {
  const mapping: FieldMapping = { model, rules: rules[name] ?? base }
  return {
    name,
    title,
    model,
    schema,
    externalId: (row) => own(row, 'Id') ?? '',
    updatedAt: (row) => own(row, 'SystemModstamp') ?? own(row, 'LastModifiedDate'),
    mapping,
  }
}

export const received: readonly ReceivedResource[] = [
  receivedOf('accounts', 'Accounts', 'account'),
  receivedOf('contacts', 'Contacts', 'contact'),
  receivedOf('leads', 'Leads', 'lead'),
  receivedOf('opportunities', 'Opportunities', 'deal'),
  receivedOf('tasks', 'Tasks', 'activity'),
  receivedOf('events', 'Events', 'activity'),
  receivedOf('cases', 'Cases', 'ticket'),
]
