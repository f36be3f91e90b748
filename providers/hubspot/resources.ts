/** What is read from HubSpot, in the order in which it is synced. */
import type { Resource } from '../contract.ts'
import { owners, pipelines } from './lists-of-few.ts'
import { activityMappings, companyMapping, contactMapping, dealMapping } from './mapping.ts'
import { objectResource } from './object-resource.ts'
import { objectTypes } from './object-types.ts'
import { objectSchema } from './schemas.ts'

const companies = objectResource({
  title: 'Companies',
  model: 'account',
  after: ['owners'],
  type: objectTypes.companies,
  schema: objectSchema,
  mapping: companyMapping,
})

const contacts = objectResource({
  title: 'Contacts',
  model: 'contact',
  after: ['owners', 'companies'],
  type: objectTypes.contacts,
  schema: objectSchema,
  mapping: contactMapping,
})

const deals = objectResource({
  title: 'Deals',
  model: 'deal',
  after: ['owners', 'pipelines', 'companies', 'contacts'],
  type: objectTypes.deals,
  schema: objectSchema,
  mapping: dealMapping,
})

const activity = (name: keyof typeof activityMappings, title: string): Resource =>
  objectResource({
    title,
    model: 'activity',
    after: ['owners', 'pipelines', 'companies', 'contacts', 'deals'],
    type: objectTypes[name],
    schema: objectSchema,
    mapping: activityMappings[name],
  })

export const resources: readonly Resource[] = [
  owners,
  pipelines,
  companies,
  contacts,
  deals,
  activity('tickets', 'Tickets'),
  activity('calls', 'Calls'),
  activity('emails', 'E-mails'),
  activity('meetings', 'Meetings'),
  activity('notes', 'Notes'),
  activity('tasks', 'Tasks'),
  activity('communications', 'Messages (SMS, WhatsApp, LinkedIn)'),
]
