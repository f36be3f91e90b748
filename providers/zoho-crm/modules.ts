/** The modules that are read: standard fields by their API names, and what they are in the hub. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import type { JsonSchema } from '../../model/json.ts'
import type { ModelName } from '../../model/records.ts'

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

export const userMapping: FieldMapping = {
  model: 'owner',
  rules: [
    text('id', 'id'),
    text('userId', 'id'),
    text('name', 'full_name'),
    text('email', 'email'),
    {
      to: 'isActive',
      from: 'status',
      values: { active: true, inactive: false, deleted: false, closed: false, disabled: false },
    },
    time('createdAt', 'created_time'),
    time('updatedAt', 'Modified_Time'),
  ],
}

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
  required: ['id', 'Modified_Time'],
  properties: {
    id: { type: 'string', minLength: 1 },
    Owner: lookup,
    Created_Time: textOrNull,
    Modified_Time: { type: 'string' },
  },
}

/** A module, and what is asked for of it: the fields of the mapping, at most 50. */
export interface ModuleSpec {
  readonly name: string
  readonly title: string
  readonly module: string
  readonly fields: readonly string[]
  readonly schema: JsonSchema
  readonly mapping: FieldMapping
}

const always = ['Owner', 'Created_Time', 'Modified_Time']

function spec(module: string, title: string, model: ModelName, fields: readonly string[]): ModuleSpec {
  const name = resourceNames[module] ?? module
  return {
    name,
    title,
    module,
    fields: [...always, ...fields],
    schema,
    mapping: { model, rules: rules[name] ?? base },
  }
}

const personFields = [
  'Email',
  'First_Name',
  'Last_Name',
  'Full_Name',
  'Phone',
  'Mobile',
  'Lead_Source',
  'Description',
]

export const modules: readonly ModuleSpec[] = [
  spec('Accounts', 'Accounts', 'account', [
    'Account_Name',
    'Website',
    'Phone',
    'Industry',
    'Employees',
    'Annual_Revenue',
    'Currency',
    'Billing_City',
    'Billing_Country',
    'Description',
  ]),
  spec('Contacts', 'Contacts', 'contact', [...personFields, 'Title', 'Account_Name', 'Email_Opt_Out']),
  spec('Leads', 'Leads', 'lead', [...personFields, 'Company', 'Designation', 'Lead_Status']),
  spec('Deals', 'Deals', 'deal', [
    'Deal_Name',
    'Amount',
    'Currency',
    'Stage',
    'Account_Name',
    'Contact_Name',
    'Closing_Date',
    'Description',
  ]),
  spec('Tasks', 'Tasks', 'activity', ['Subject', 'Status', 'Due_Date', 'Description']),
  spec('Events', 'Meetings', 'activity', ['Event_Title', 'Start_DateTime', 'End_DateTime', 'Description']),
  spec('Calls', 'Calls', 'activity', ['Subject', 'Call_Start_Time', 'Call_Type', 'Description']),
]
