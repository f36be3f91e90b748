/** Webhooks v2 of a company: not signed, Basic authentication that was chosen when they were made. Sources: README, "Webhooks". */
import type { HookEvent, HookRequest, HookSampleWish, Webhooks } from '../contract-webhook.ts'
import { momentOf, objectIn, objectOf, textIn, unreadable } from '../hooks/parse.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import { basicHeader, checkBasic } from '../hooks/verify.ts'
import type { JsonObject } from '../../model/json.ts'
import { received } from './webhook-resources.ts'

/** What stands in the field "HTTP Auth username". */
const user = 'tieline'

const resources: Readonly<Record<string, string>> = {
  deal: 'deals',
  person: 'persons',
  organization: 'organizations',
  activity: 'activities',
  lead: 'leads',
}

function split(request: HookRequest): HookEvent[] {
  const body = objectOf(request)
  const meta = objectIn(body, 'meta')
  if (!meta) throw unreadable('it has no meta block; webhooks must be of version 2.0')
  const action = textIn(meta, 'action') ?? ''
  const entity = textIn(meta, 'entity') ?? ''
  const data = objectIn(body, 'data')
  const externalId = textIn(meta, 'entity_id') ?? (data ? textIn(data, 'id') : undefined)
  const occurredAt = momentOf(meta['timestamp'])
  const base = {
    // `id` is that of the event; `attempt` counts its deliveries.
    key: textIn(meta, 'id') ?? [entity, externalId, action, textIn(meta, 'timestamp')].join('/'),
    type: `${action}.${entity}`,
    payload: body,
    ...(occurredAt ? { occurredAt } : {}),
  }
  const resource = resources[entity]
  if (resource === undefined || externalId === undefined) return [{ ...base, about: 'unknown' }]
  if (action === 'delete') return [{ ...base, about: 'deleted', resource, externalId }]
  if (action !== 'create' && action !== 'change') return [{ ...base, about: 'unknown' }]
  const isWhole = data !== undefined && textIn(data, 'id') === externalId
  return [{ ...base, about: 'changed', resource, externalId, ...(isWhole ? { row: data } : {}) }]
}

const samples = samplesOf({
  deal: 'deals',
  person: 'persons',
  organization: 'organizations',
  activity: 'activities',
})
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
  },
  organization: { name: 'Sol e Mar' },
  activity: { subject: 'Call Ana', type: 'call', done: false },
}

function sampleBody({ event, tenant, externalId, now, id, row }: HookSampleWish): JsonObject {
  const { effect = 'updated' } = sampleNamed(samples, event)
  const [entity = ''] = event.split('.')
  const at = now.toISOString()
  const data = {
    ...fields[entity],
    ...(row as JsonObject | undefined),
    id: Number(externalId) || externalId,
    update_time: at,
    add_time: at,
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
    },
    data: effect === 'deleted' ? null : data,
    previous: effect === 'created' ? null : { update_time: at },
  }
}

export const webhooks: Webhooks = {
  scope: 'connection',
  secrets: [
    {
      name: 'password',
      title: 'Password',
      help: `Made here; entered at Pipedrive as the HTTP Auth password of the user ${user}.`,
      madeBy: 'hub',
    },
  ],
  contentTypes: ['application/json'],
  maxBytes: 2_000_000,
  unguessableUrl: true,
  verify: (request, secrets) => [checkBasic(request, user, secrets['password'])],
  split,
  setup: [
    'In Pipedrive choose **Settings → Tools and apps → Webhooks → Create new webhook** as an administrator, so that every object is told of.',
    'Event action `*`, event object `*`, version **2.0**, endpoint URL `{url}`.',
    `HTTP Auth username \`${user}\`, HTTP Auth password {secret:password}. A user may have 40 webhooks; the URL must not redirect.`,
  ],
  samples,
  sample(wish) {
    return {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: basicHeader(user, wish.secrets['password'] ?? ''),
      },
      body: JSON.stringify(sampleBody(wish)),
    }
  },
  received,
}
