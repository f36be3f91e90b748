/** What a simulated HubSpot account is made of. */
import type { JsonObject } from '../../model/json.ts'
import type { Chance } from '../../sandbox/kit.ts'

export const portalId = 33442211
export const day = 86_400_000

/** A text or number as text; empty for all else. */
export const wordOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''

export const objectTypes = [
  'companies',
  'contacts',
  'deals',
  'tickets',
  'calls',
  'emails',
  'meetings',
  'notes',
  'tasks',
  'communications',
] as const
export type ObjectType = (typeof objectTypes)[number]
export const isObjectType = (text: string): text is ObjectType =>
  (objectTypes as readonly string[]).includes(text)

export const singular: Readonly<Record<ObjectType, string>> = {
  companies: 'company',
  contacts: 'contact',
  deals: 'deal',
  tickets: 'ticket',
  calls: 'call',
  emails: 'email',
  meetings: 'meeting',
  notes: 'note',
  tasks: 'task',
  communications: 'communication',
}

/** A stored record. Times in milliseconds. */
export interface Stored extends JsonObject {
  id: string
  properties: { [name: string]: string }
  created: number
  updated: number
  archived: number | null
  /** Former values, newest first. */
  history: { [name: string]: JsonObject[] }
}

/** The property that moves with every change: contacts have another one than the rest. */
export const modifiedOf = (type: ObjectType): string =>
  type === 'contacts' ? 'lastmodifieddate' : 'hs_lastmodifieddate'

export const lifecycle = [
  'subscriber',
  'lead',
  'marketingqualifiedlead',
  'salesqualifiedlead',
  'opportunity',
  'customer',
  'evangelist',
  'other',
]

export interface Stage {
  readonly id: string
  readonly label: string
  readonly probability: number
  readonly isClosed: boolean
}

export const dealStages: readonly Stage[] = [
  { id: 'appointmentscheduled', label: 'Appointment scheduled', probability: 0.2, isClosed: false },
  { id: 'qualifiedtobuy', label: 'Qualified to buy', probability: 0.4, isClosed: false },
  { id: 'contractsent', label: 'Contract sent', probability: 0.8, isClosed: false },
  { id: 'closedwon', label: 'Closed won', probability: 1, isClosed: true },
  { id: 'closedlost', label: 'Closed lost', probability: 0, isClosed: true },
]

export const ticketStages: readonly Stage[] = [
  { id: '1', label: 'New', probability: 0, isClosed: false },
  { id: '2', label: 'Waiting on us', probability: 0, isClosed: false },
  { id: '4', label: 'Closed', probability: 1, isClosed: true },
]

type Make = (n: number, chance: Chance, owner: string) => { [name: string]: string }

const first = ['Ana', 'Ben', 'Cleo', 'Dan', 'Eva', 'Finn', 'Gil', 'Hana', 'Ivo', 'Jo']
const last = ['Sol', 'Lima', 'Costa', 'Berg', 'Okoye', 'Rossi', 'Novak', 'Silva']
const cities: readonly (readonly [string, string])[] = [
  ['Lisbon', 'Portugal'],
  ['Berlin', 'Germany'],
  ['Lagos', 'Nigeria'],
  ['Austin', 'United States'],
]

const activity =
  (title: string | undefined, body: string, status: readonly [string, string] | undefined): Make =>
  (n, chance, owner) => ({
    ...(title === undefined ? {} : { [title]: `${title.split('_')[1] ?? 'about'} ${n}` }),
    [body]: `What was said, number ${n}.`,
    ...(status ? { [status[0]]: status[1] } : {}),
    hs_timestamp: new Date(Date.parse('2026-01-01T08:00:00Z') + chance.below(120) * day).toISOString(),
    hubspot_owner_id: owner,
  })

/** Values of a new record, as people and programs fill them in. */
export const makers: Readonly<Record<ObjectType, Make>> = {
  companies: (n, chance, owner) => {
    const [city, country] = chance.pick(cities)
    return {
      name: `Company ${n}`,
      domain: `company${n}.example.com`,
      phone: `+1 555 01${String(n % 100).padStart(2, '0')}`,
      industry: chance.pick(['COMPUTER_SOFTWARE', 'RETAIL', 'INSURANCE']),
      numberofemployees: String(1 + chance.below(500)),
      annualrevenue: String((1 + chance.below(900)) * 1000),
      lifecyclestage: chance.pick(lifecycle.slice(0, 6)),
      hubspot_owner_id: owner,
      city,
      country,
    }
  },
  contacts: (n, chance, owner) => {
    const given = chance.pick(first)
    return {
      email: `${given.toLowerCase()}.${n}@example.com`,
      firstname: given,
      lastname: chance.pick(last),
      phone: `+1 555 02${String(n % 100).padStart(2, '0')}`,
      company: `Company ${1 + (n % 50)}`,
      jobtitle: chance.pick(['Owner', 'Buyer', 'Engineer']),
      lifecyclestage: chance.pick(lifecycle.slice(0, 6)),
      hs_lead_status: chance.pick(['NEW', 'OPEN', 'IN_PROGRESS']),
      hs_analytics_source: chance.pick(['ORGANIC_SEARCH', 'OFFLINE', 'DIRECT_TRAFFIC']),
      hubspot_owner_id: owner,
      hs_email_optout: 'false',
      favourite_colour: chance.pick(['red', 'green', 'blue']),
    }
  },
  deals: (n, chance, owner) => ({
    dealname: `Deal ${n}`,
    amount: String(100 + chance.below(9_000)),
    deal_currency_code: chance.pick(['USD', 'EUR']),
    pipeline: 'default',
    dealstage: chance.pick(dealStages).id,
    closedate: new Date(Date.parse('2026-06-01T00:00:00Z') + chance.below(90) * day).toISOString(),
    hubspot_owner_id: owner,
  }),
  tickets: (n, chance, owner) => ({
    subject: `Ticket ${n}`,
    content: `It does not work, number ${n}.`,
    hs_pipeline: '0',
    hs_pipeline_stage: chance.pick(ticketStages).id,
    hs_ticket_priority: chance.pick(['LOW', 'MEDIUM', 'HIGH']),
    hubspot_owner_id: owner,
  }),
  calls: (n, chance, owner) => ({
    ...activity('hs_call_title', 'hs_call_body', ['hs_call_status', 'COMPLETED'])(n, chance, owner),
    hs_call_duration: String(1000 * chance.below(900)),
  }),
  emails: activity('hs_email_subject', 'hs_email_text', ['hs_email_status', 'SENT']),
  meetings: activity('hs_meeting_title', 'hs_meeting_body', ['hs_meeting_outcome', 'SCHEDULED']),
  notes: activity(undefined, 'hs_note_body', undefined),
  tasks: activity('hs_task_subject', 'hs_task_body', ['hs_task_status', 'NOT_STARTED']),
  communications: activity('hs_communication_channel_type', 'hs_communication_body', undefined),
}

/** Properties that HubSpot itself defines or that people made, besides those that `makers` fill. */
export function definitionsOf(type: ObjectType, chance: Chance): JsonObject[] {
  const names = new Set(Object.keys(makers[type](1, chance, '1')))
  for (const more of ['hs_object_id', 'createdate', modifiedOf(type), 'hs_merged_object_ids']) names.add(more)
  if (type === 'deals')
    for (const more of ['hs_is_closed', 'hs_is_closed_won', 'hs_deal_stage_probability']) names.add(more)
  if (type === 'deals') for (const { id } of dealStages) names.add(`hs_v2_date_entered_${id}`)
  if (type === 'contacts' || type === 'companies')
    for (const id of lifecycle) names.add(`hs_v2_date_entered_${id}`)
  if (type === 'contacts') names.add('associatedcompanyid')
  return [...names].map((name) => definition(name, `${singular[type]}information`))
}

const readOnly =
  /^(hs_object_id|createdate|lastmodifieddate|hs_lastmodifieddate|hs_v2_|hs_is_|hs_deal_stage|hs_merged|associatedcompany)/

function definition(name: string, groupName: string): JsonObject {
  const isTime = /date$|^hs_timestamp$|^hs_v2_date/.test(name)
  const isNumber =
    /^(amount|annualrevenue|numberofemployees|hs_object_id|hs_call_duration|hs_deal_stage_probability)$/.test(
      name,
    )
  const options =
    name === 'lifecyclestage'
      ? lifecycle.map((value, displayOrder) => ({ label: value, value, displayOrder, hidden: false }))
      : name === 'dealstage'
        ? dealStages.map(({ id: value, label }, displayOrder) => ({
            label,
            value,
            displayOrder,
            hidden: false,
          }))
        : []
  return {
    name,
    label: name,
    type: options.length > 0 ? 'enumeration' : isTime ? 'datetime' : isNumber ? 'number' : 'string',
    fieldType: options.length > 0 ? 'select' : isTime ? 'date' : isNumber ? 'number' : 'text',
    groupName,
    description: '',
    options,
    calculated: /^hs_v2_|^hs_is_/.test(name),
    hasUniqueValue: name === 'email' || name === 'hs_object_id',
    hubspotDefined: name !== 'favourite_colour',
    hidden: false,
    archived: false,
    modificationMetadata: { archivable: false, readOnlyDefinition: true, readOnlyValue: readOnly.test(name) },
  }
}

/** Type ids of the plain associations, forth and back (HubSpot's own numbers where the documentation lists them). */
const links: readonly (readonly [ObjectType, ObjectType, number, number])[] = [
  ['contacts', 'companies', 279, 280],
  ['contacts', 'deals', 4, 3],
  ['contacts', 'tickets', 15, 16],
  ['companies', 'deals', 342, 341],
  ['companies', 'tickets', 340, 339],
  ['deals', 'tickets', 27, 28],
  ['calls', 'contacts', 194, 193],
  ['calls', 'companies', 182, 181],
  ['calls', 'deals', 206, 205],
  ['emails', 'contacts', 198, 197],
  ['emails', 'companies', 186, 185],
  ['emails', 'deals', 210, 209],
  ['meetings', 'contacts', 200, 199],
  ['meetings', 'companies', 188, 187],
  ['meetings', 'deals', 212, 211],
  ['notes', 'contacts', 202, 201],
  ['notes', 'companies', 190, 189],
  ['notes', 'deals', 214, 213],
  ['tasks', 'contacts', 204, 203],
  ['tasks', 'companies', 192, 191],
  ['tasks', 'deals', 216, 215],
  ['communications', 'contacts', 81, 82],
  ['communications', 'companies', 87, 88],
  ['communications', 'deals', 85, 86],
]

/** The pair as it is stored, and the plain type in the asked direction; undefined for a pair that cannot be associated. */
export function linkOf(from: ObjectType, to: ObjectType) {
  for (const [a, b, forth, back] of links) {
    if (a === from && b === to) return { isForth: true, typeId: forth, forth, back }
    if (a === to && b === from) return { isForth: false, typeId: back, forth, back }
  }
  return undefined
}
