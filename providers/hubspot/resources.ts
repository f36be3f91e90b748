/** What is read from HubSpot, in the order in which it is synced. */
import type { Resource } from '../contract.ts'
import { associations } from './associations.ts'
import { owners, pipelines } from './lists-of-few.ts'
import { emailEvents, marketingEmails } from './mailings.ts'
import { activityMappings, companyMapping, contactMapping, dealMapping } from './mapping.ts'
import { activityOutward, companyOutward, contactOutward, dealOutward } from './mapping-outward.ts'
import { objectResource } from './object-resource.ts'
import { objectTypes } from './object-types.ts'
import { objectSchema } from './schemas.ts'
import { listMemberships, lists } from './segments.ts'
import { examples } from './write-examples.ts'
import { objectWriter } from './write.ts'

const companies = objectResource({
  title: 'Companies',
  model: 'account',
  after: ['owners'],
  type: objectTypes.companies,
  schema: objectSchema,
  mapping: companyMapping,
  write: objectWriter(objectTypes.companies, companyOutward, examples.companies),
})

const contacts = objectResource({
  title: 'Contacts',
  model: 'contact',
  after: ['owners', 'companies'],
  type: objectTypes.contacts,
  schema: objectSchema,
  mapping: contactMapping,
  write: objectWriter(objectTypes.contacts, contactOutward, examples.contacts),
})

const deals = objectResource({
  title: 'Deals',
  model: 'deal',
  after: ['owners', 'pipelines', 'companies', 'contacts'],
  type: objectTypes.deals,
  schema: objectSchema,
  mapping: dealMapping,
  write: objectWriter(objectTypes.deals, dealOutward, examples.deals),
})

/** E-mails and messages are told by what sent them; the rest may be written. */
const isWritten = (name: string): name is keyof typeof activityOutward => Object.hasOwn(activityOutward, name)

const activity = (name: keyof typeof activityMappings, title: string): Resource =>
  objectResource({
    title,
    model: 'activity',
    after: ['owners', 'pipelines', 'companies', 'contacts', 'deals'],
    type: objectTypes[name],
    schema: objectSchema,
    mapping: activityMappings[name],
    ...(isWritten(name)
      ? { write: objectWriter(objectTypes[name], activityOutward[name], examples[name]) }
      : {}),
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
  associations,
  lists,
  listMemberships,
  marketingEmails,
  emailEvents,
]
