/** Samples of version 2.0 with Pipedrive's own field names. */
import type { HookSample, HookSampleSpec, HookSampleWish } from '../contract-webhook.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import { basicHeader } from '../hooks/verify.ts'
import type { JsonObject } from '../../model/json.ts'

/** What stands in the field "HTTP Auth username". */
export const user = 'tieline'

export const samples: readonly HookSampleSpec[] = [
  ...samplesOf({
    deal: 'deals',
    person: 'persons',
    organization: 'organizations',
    activity: 'activities',
    lead: 'leads',
    note: 'notes',
    product: 'products',
  }),
  { event: 'person.merged', title: 'person merged into another', resource: 'persons', effect: 'deleted' },
]
const actions = { created: 'create', updated: 'change', deleted: 'delete' } as const

const fields: Readonly<Record<string, JsonObject>> = {
  deal: {
    title: 'New roof',
    value: 12000,
    currency: 'EUR',
    status: 'open',
    stage_id: 3,
    pipeline_id: 1,
    person_id: 7,
    org_id: 5,
  },
  person: {
    name: 'Ana Sol',
    first_name: 'Ana',
    last_name: 'Sol',
    emails: [{ value: 'ana@example.com', primary: true, label: 'work' }],
    phones: [{ value: '+34 600 000 000', primary: true, label: 'work' }],
  },
  organization: { name: 'Sol e Mar' },
  activity: { subject: 'Call Ana', type: 'call', done: false, due_date: '2026-12-01', due_time: '10:00' },
  lead: { title: 'New roof', person_id: 7, organization_id: 5, source_name: 'Manually created' },
  note: { content: 'She prefers <b>slate</b>.', deal_id: 746 },
  product: { name: 'Slate', code: 'SL-1', prices: [{ price: 42, currency: 'EUR' }] },
}

function bodyOf({ event, tenant, externalId, now, id, row }: HookSampleWish): JsonObject {
  const { effect = 'updated' } = sampleNamed(samples, event)
  const [entity = ''] = event.split('.')
  const at = now.toISOString()
  const data = {
    ...fields[entity],
    add_time: at,
    ...(row as JsonObject | undefined),
    // Leads have UUIDs, all else numbers.
    id: /^\d{1,15}$/.test(externalId) && entity !== 'lead' ? Number(externalId) : externalId,
    update_time: at,
  }
  return {
    meta: {
      action: actions[effect],
      entity,
      company_id: tenant,
      correlation_id: `corr-${id}`,
      entity_id: externalId,
      id,
      is_bulk_edit: false,
      timestamp: at,
      type: 'general',
      user_id: '1',
      version: '2.0',
      webhook_id: '456',
      webhook_owner_id: '1',
      change_source: 'app',
      attempt: 1,
      host: 'company.pipedrive.com',
      permitted_user_ids: ['1'],
      ...(event === 'person.merged' ? { merged_to_id: '7' } : {}),
    },
    data: effect === 'deleted' ? null : data,
    previous: effect === 'created' ? null : effect === 'deleted' ? data : { update_time: at },
  }
}

export const sample = (wish: HookSampleWish): HookSample => ({
  method: 'POST',
  headers: {
    'content-type': 'application/json',
    authorization: basicHeader(user, wish.secrets['password'] ?? ''),
  },
  body: JSON.stringify(bodyOf(wish)),
})
