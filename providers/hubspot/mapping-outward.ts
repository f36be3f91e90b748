/** Default mappings from the hub's models to HubSpot's properties. */
import type { FieldRule, OutwardMapping } from '../../model/mapping.ts'

const to = (property: string, from: string, more: Partial<FieldRule> = {}): FieldRule => ({
  to: `properties.${property}`,
  from,
  ...more,
})

export const companyOutward: OutwardMapping = {
  model: 'account',
  rules: [
    to('name', 'name'),
    to('domain', 'domain'),
    to('phone', 'phone'),
    to('industry', 'industry'),
    to('numberofemployees', 'employees'),
    to('annualrevenue', 'annualRevenue', { convert: 'decimal' }),
    to('lifecyclestage', 'lifecycleStage'),
    to('hubspot_owner_id', 'ownerId'),
    to('city', 'city'),
    to('country', 'country'),
  ],
}

export const contactOutward: OutwardMapping = {
  model: 'contact',
  rules: [
    to('email', 'email'),
    to('firstname', 'givenName'),
    to('lastname', 'familyName'),
    to('phone', 'phone'),
    to('company', 'companyName'),
    to('jobtitle', 'jobTitle'),
    to('hubspot_owner_id', 'ownerId'),
    to('hs_lead_status', 'status'),
    to('lifecyclestage', 'lifecycleStage'),
  ],
}

export const dealOutward: OutwardMapping = {
  model: 'deal',
  rules: [
    to('dealname', 'name'),
    to('amount', 'amount', { convert: 'decimal' }),
    to('deal_currency_code', 'amount', { convert: 'currencyCode' }),
    to('pipeline', 'pipelineId'),
    to('dealstage', 'stageId'),
    to('closedate', 'closesAt'),
    to('hubspot_owner_id', 'ownerId'),
  ],
}

const activity = (rules: readonly FieldRule[]): OutwardMapping => ({
  model: 'activity',
  rules: [...rules, to('hubspot_owner_id', 'ownerId')],
})

/** An activity must have `hs_timestamp`; HubSpot refuses it otherwise. */
const takesPlace = to('hs_timestamp', 'occurredAt')

export const activityOutward = {
  tickets: activity([to('subject', 'subject'), to('content', 'body'), to('hs_pipeline_stage', 'status')]),
  calls: activity([
    to('hs_call_title', 'subject'),
    to('hs_call_body', 'body'),
    to('hs_call_status', 'status'),
    to('hs_call_duration', 'durationMs'),
    takesPlace,
  ]),
  meetings: activity([
    to('hs_meeting_title', 'subject'),
    to('hs_meeting_body', 'body'),
    to('hs_meeting_outcome', 'status'),
    takesPlace,
  ]),
  notes: activity([to('hs_note_body', 'body'), takesPlace]),
  tasks: activity([
    to('hs_task_subject', 'subject'),
    to('hs_task_body', 'body'),
    to('hs_task_status', 'status'),
    to('hs_timestamp', 'dueAt'),
  ]),
} as const satisfies Readonly<Record<string, OutwardMapping>>
