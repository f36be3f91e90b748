/** Default mappings from HubSpot's CRM objects to the hub's models (fact sheet §11). Property values are texts; empty is "". */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import type { ObjectName } from './object-types.ts'

/** HubSpot writes an empty value as "" or null. */
const empty = { '': null }
const text = (to: string, property: string): FieldRule => ({
  to,
  from: `properties.${property}`,
  values: empty,
  convert: 'text',
})
const number = (to: string, property: string): FieldRule => ({
  to,
  from: `properties.${property}`,
  values: empty,
  convert: 'number',
})
const time = (to: string, property: string): FieldRule => ({
  to,
  from: `properties.${property}`,
  values: empty,
  convert: 'time',
})
const money = (to: string, property: string): FieldRule => ({
  to,
  from: `properties.${property}`,
  values: empty,
  convert: 'money',
  currency: { from: 'derived.currency' },
})
const ids = (to: string, type: string): FieldRule => ({
  to,
  from: `derived.${type}`,
  convert: 'texts',
  fallback: [],
})
const identity: FieldRule = { to: 'id', from: 'id', convert: 'text' }
const life: readonly FieldRule[] = [
  { to: 'createdAt', from: 'createdAt', convert: 'time' },
  { to: 'updatedAt', from: 'updatedAt', convert: 'time' },
]

/** Newest first, as HubSpot keeps it. A stage that was cleared has an empty value. */
const history = (property: string): FieldRule => ({
  to: 'stageHistory',
  from: `propertiesWithHistory.${property}`,
  each: [
    { to: 'stage', from: 'value', values: empty, convert: 'text' },
    { to: 'at', from: 'timestamp', convert: 'time' },
    { to: 'source', from: 'sourceType', values: empty, convert: 'text' },
  ],
  fallback: [],
})

export const companyMapping: FieldMapping = {
  model: 'account',
  rules: [
    identity,
    text('name', 'name'),
    text('domain', 'domain'),
    text('phone', 'phone'),
    text('industry', 'industry'),
    number('employees', 'numberofemployees'),
    money('annualRevenue', 'annualrevenue'),
    text('lifecycleStage', 'lifecyclestage'),
    text('ownerId', 'hubspot_owner_id'),
    text('city', 'city'),
    text('country', 'country'),
    ...life,
  ],
}

export const contactMapping: FieldMapping = {
  model: 'contact',
  rules: [
    identity,
    text('email', 'email'),
    text('givenName', 'firstname'),
    text('familyName', 'lastname'),
    {
      to: 'name',
      concat: { from: ['properties.firstname', 'properties.lastname'], with: ' ' },
      convert: 'text',
    },
    text('phone', 'phone'),
    text('companyName', 'company'),
    text('jobTitle', 'jobtitle'),
    // The primary company; the others are associations.
    text('accountId', 'associatedcompanyid'),
    text('ownerId', 'hubspot_owner_id'),
    text('status', 'hs_lead_status'),
    text('source', 'hs_analytics_source'),
    text('lifecycleStage', 'lifecyclestage'),
    history('lifecyclestage'),
    {
      to: 'isSubscribed',
      from: 'properties.hs_email_optout',
      values: { ...empty, true: false, false: true },
    },
    ...life,
  ],
}

const isTrue = (property: string) => ({ '==': [{ var: `properties.${property}` }, 'true'] })

export const dealMapping: FieldMapping = {
  model: 'deal',
  rules: [
    identity,
    text('name', 'dealname'),
    money('amount', 'amount'),
    text('pipelineId', 'pipeline'),
    text('stageId', 'dealstage'),
    { to: 'status', constant: 'won', when: isTrue('hs_is_closed_won') },
    { to: 'status', constant: 'lost', when: isTrue('hs_is_closed') },
    { to: 'status', constant: 'open' },
    number('probability', 'hs_deal_stage_probability'),
    { to: 'accountId', from: 'derived.companies.0', convert: 'text' },
    ids('contactIds', 'contacts'),
    text('ownerId', 'hubspot_owner_id'),
    time('closesAt', 'closedate'),
    history('dealstage'),
    ...life,
  ],
}

const activity = (type: string, rules: readonly FieldRule[]): FieldMapping => ({
  model: 'activity',
  rules: [
    identity,
    { to: 'type', constant: type },
    ...rules,
    text('ownerId', 'hubspot_owner_id'),
    ids('contactIds', 'contacts'),
    ids('accountIds', 'companies'),
    ids('dealIds', 'deals'),
    ...life,
  ],
})

const takesPlace = time('occurredAt', 'hs_timestamp')

/** A mapping for each kind of activity; a task takes place when it is due. */
export const activityMappings = {
  tickets: activity('ticket', [
    text('subject', 'subject'),
    text('body', 'content'),
    text('status', 'hs_pipeline_stage'),
    time('occurredAt', 'createdate'),
  ]),
  calls: activity('call', [
    text('subject', 'hs_call_title'),
    text('body', 'hs_call_body'),
    text('status', 'hs_call_status'),
    takesPlace,
    number('durationMs', 'hs_call_duration'),
  ]),
  emails: activity('email', [
    text('subject', 'hs_email_subject'),
    text('body', 'hs_email_text'),
    text('status', 'hs_email_status'),
    takesPlace,
  ]),
  meetings: activity('meeting', [
    text('subject', 'hs_meeting_title'),
    text('body', 'hs_meeting_body'),
    text('status', 'hs_meeting_outcome'),
    takesPlace,
  ]),
  notes: activity('note', [text('body', 'hs_note_body'), takesPlace]),
  tasks: activity('task', [
    text('subject', 'hs_task_subject'),
    text('body', 'hs_task_body'),
    text('status', 'hs_task_status'),
    time('dueAt', 'hs_timestamp'),
  ]),
  communications: activity('message', [
    text('subject', 'hs_communication_channel_type'),
    text('body', 'hs_communication_body'),
    takesPlace,
  ]),
} as const satisfies Partial<Readonly<Record<ObjectName, FieldMapping>>>
