/**
 * What a body of version 2.0 says: one event about one object; a merge is told twice, from both sides. `data` holds only a part of
 * the object, so that none is taken for a row: it is read by id. Sources: README, "Webhooks".
 */
import type { HookEvent, HookRequest } from '../contract-webhook.ts'
import { momentOf, objectIn, objectOf, textIn, unreadable } from '../hooks/parse.ts'
import type { JsonObject } from '../../model/json.ts'

const resources: Readonly<Record<string, string>> = {
  deal: 'deals',
  person: 'persons',
  organization: 'organizations',
  activity: 'activities',
  lead: 'leads',
  note: 'notes',
  product: 'products',
  user: 'users',
  pipeline: 'pipelines',
}

type Base = Pick<HookEvent, 'key' | 'type' | 'payload' | 'tenant' | 'occurredAt'>

/** The guide shows text with milliseconds, and speaks of ten characters: seconds. */
function timeOf(meta: JsonObject): Date | undefined {
  const time = textIn(meta, 'timestamp')
  return momentOf(time !== undefined && /^\d{10}$/.test(time) ? Number(time) * 1000 : time)
}

export function split(request: HookRequest): HookEvent[] {
  const body = objectOf(request)
  const meta = objectIn(body, 'meta')
  if (!meta) throw unreadable('it has no meta block; webhooks must be of version 2.0')
  const action = textIn(meta, 'action') ?? ''
  const entity = textIn(meta, 'entity') ?? ''
  const data = objectIn(body, 'data')
  const externalId = textIn(meta, 'entity_id') ?? (data ? textIn(data, 'id') : undefined)
  const tenant = textIn(meta, 'company_id')
  const occurredAt = timeOf(meta)
  const base: Base = {
    // `id` is that of the event; `attempt` counts its deliveries.
    key: textIn(meta, 'id') ?? [entity, externalId, action, textIn(meta, 'timestamp')].join('/'),
    type: `${action}.${entity}`,
    payload: body,
    ...(tenant === undefined ? {} : { tenant }),
    ...(occurredAt ? { occurredAt } : {}),
  }
  if (entity === 'stage') return [{ ...base, ...pipelineOf(body) }]
  const resource = Object.hasOwn(resources, entity) ? resources[entity] : undefined
  if (resource === undefined || externalId === undefined) return [{ ...base, about: 'unknown' }]
  if (action === 'delete')
    return [{ ...base, about: 'deleted', resource, externalId }, ...winner(base, resource, meta)]
  if (action !== 'create' && action !== 'change') return [{ ...base, about: 'unknown' }]
  return [{ ...base, about: 'changed', resource, externalId }, ...loser(base, resource, meta)]
}

/** Stages are read with their pipeline; of one that was deleted only what it was is told. */
function pipelineOf(body: JsonObject): Pick<HookEvent, 'about' | 'resource' | 'externalId'> {
  const stage = objectIn(body, 'data') ?? objectIn(body, 'previous')
  const externalId = stage && textIn(stage, 'pipeline_id')
  return externalId === undefined
    ? { about: 'unknown' }
    : { about: 'changed', resource: 'pipelines', externalId }
}

/**
 * Each of the two webhooks of a merge names the other object. Both are told from each: what arrives while the URL is banned is never sent
 * again, and one of the two alone would leave a double.
 */
const winner = (base: Base, resource: string, meta: JsonObject): HookEvent[] =>
  [textIn(meta, 'merged_to_id')]
    .filter((id) => id !== undefined)
    .map((externalId) => ({ ...base, key: `${base.key}/merged-to`, about: 'changed', resource, externalId }))

const loser = (base: Base, resource: string, meta: JsonObject): HookEvent[] =>
  [textIn(meta, 'merged_from_id')]
    .filter((id) => id !== undefined)
    .map((externalId) => ({
      ...base,
      key: `${base.key}/merged-from`,
      about: 'deleted',
      resource,
      externalId,
    }))
