/** Records that notifications name. They come by id only, so these rows are those of a reading: standard fields by their API names. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import type { JsonObject, JsonSchema } from '../../model/json.ts'
import type { ModelName } from '../../model/records.ts'
import type { ReceivedResource } from '../contract-webhook.ts'
import { textIn } from '../hooks/parse.ts'

/** By API name of the module. Events are what people see as meetings. */
export const resourceNames: Readonly<Record<string, string>> = {
  Leads: 'leads',
  Contacts: 'contacts',
  Accounts: 'accounts',
  Deals: 'deals',
  Tasks: 'tasks',
  Events: 'events',
  Calls: 'calls',
}

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const time = (to: string, from: string): FieldRule => ({ to, from, convert: 'time' })
/** Amounts have a currency of their own only where the organization has several. */
const money = (to: string, from: string): FieldRule => ({
  to,
  from,
  convert: 'money',
  currency: { from: 'Currency' },
  when: { '!!': [{ var: 'Currency' }] },
})

const base: readonly FieldRule[] = [
  text('id', 'id'),
  text('ownerId', 'Owner.id'),
  time('createdAt', 'Created_Time'),
  time('updatedAt', 'Modified_Time'),
]
const person: readonly FieldRule[] = [
  ...base,
  text('email', 'Email'),
  text('givenName', 'First_Name'),
  text('familyName', 'Last_Name'),
  { ...text('name', 'Full_Name'), when: { '!!': [{ var: 'Full_Name' }] } },
  { to: 'name', concat: { from: ['First_Name', 'Last_Name'], with: ' ' } },
  text('phone', 'Phone'),
  text('source', 'Lead_Source'),
]
const activity = (type: string): readonly FieldRule[] => [
  ...base,
  { to: 'type', constant: type },
  text('body', 'Description'),
]

const rules: Readonly<Record<string, readonly FieldRule[]>> = {
  leads: [
    ...person,
    text('companyName', 'Company'),
    text('jobTitle', 'Designation'),
    text('status', 'Lead_Status'),
  ],
  contacts: [
    ...person,
    text('jobTitle', 'Title'),
    text('accountId', 'Account_Name.id'),
    text('companyName', 'Account_Name.name'),
    { to: 'isSubscribed', constant: false, when: { '===': [{ var: 'Email_Opt_Out' }, true] } },
    { to: 'isSubscribed', constant: true, when: { '===': [{ var: 'Email_Opt_Out' }, false] } },
  ],
  accounts: [
    ...base,
    text('name', 'Account_Name'),
    { ...text('domain', 'Website'), split: { by: '://', at: -1 } },
    text('phone', 'Phone'),
    text('industry', 'Industry'),
    { to: 'employees', from: 'Employees', convert: 'number' },
    money('annualRevenue', 'Annual_Revenue'),
    text('city', 'Billing_City'),
    text('country', 'Billing_Country'),
  ],
  deals: [
    ...base,
    text('name', 'Deal_Name'),
    money('amount', 'Amount'),
    text('stageId', 'Stage'),
    text('accountId', 'Account_Name.id'),
    time('closesAt', 'Closing_Date'),
  ],
  tasks: [
    ...activity('task'),
    text('subject', 'Subject'),
    text('status', 'Status'),
    time('dueAt', 'Due_Date'),
  ],
  events: [...activity('meeting'), text('subject', 'Event_Title'), time('occurredAt', 'Start_DateTime')],
  calls: [...activity('call'), text('subject', 'Subject'), time('occurredAt', 'Call_Start_Time')],
}

const textOrNull = { type: ['string', 'null'] }
const lookup = { type: ['object', 'null'] }
const schema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'string', minLength: 1 },
    Owner: lookup,
    Created_Time: textOrNull,
    Modified_Time: textOrNull,
  },
}

function receivedOf(name: string, title: string, model: ModelName): ReceivedResource {
  const mapping: FieldMapping = { model, rules: rules[name] ?? base }
  return {
    name,
    title,
    model,
    schema,
    externalId: (row) => textIn(row as JsonObject, 'id') ?? '',
    updatedAt: (row) => textIn(row as JsonObject, 'Modified_Time'),
    mapping,
  }
}

export const received: readonly ReceivedResource[] = [
  receivedOf('leads', 'Leads', 'lead'),
  receivedOf('contacts', 'Contacts', 'contact'),
  receivedOf('accounts', 'Accounts', 'account'),
  receivedOf('deals', 'Deals', 'deal'),
  receivedOf('tasks', 'Tasks', 'activity'),
  receivedOf('events', 'Meetings', 'activity'),
  receivedOf('calls', 'Calls', 'activity'),
]
