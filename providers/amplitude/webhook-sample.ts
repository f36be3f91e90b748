/** Bodies as Amplitude sends them, with its default payloads; made-up values. */
import { createHash } from 'node:crypto'
import type { HookSampleSpec, HookSampleWish } from '../contract-webhook.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'

export const samples: readonly HookSampleSpec[] = [
  { event: 'event', title: 'An event that was streamed', resource: 'events', effect: 'created' },
  { event: 'user', title: 'Properties of a user that were set', resource: 'users', effect: 'updated' },
  {
    event: 'cohort.entered',
    title: 'A user entered a cohort',
    resource: 'cohort_members',
    effect: 'created',
  },
  { event: 'cohort.left', title: 'A user left a cohort', resource: 'cohort_members', effect: 'deleted' },
  { event: 'flag.created', title: 'A flag was made', resource: 'flags', effect: 'created' },
  { event: 'flag.updated', title: 'A flag was changed', resource: 'flags', effect: 'updated' },
  { event: 'flag.deleted', title: 'A flag was deleted', resource: 'flags', effect: 'deleted' },
]

/** Changes of flags are signed; all else carries the token. */
export const isOfFlag = (event: string): boolean => event.startsWith('flag.')

export function sampleBody(wish: HookSampleWish): JsonObject {
  if (isOfFlag(wish.event)) return flagBody(wish)
  if (wish.event.startsWith('cohort.')) return cohortBody(wish)
  return wish.event === 'user' ? userBody(wish) : eventBody(wish)
}

/** As the Export API writes times: UTC, microseconds, no zone. */
const exportTime = (date: Date): string => `${date.toISOString().replace('T', ' ').replace('Z', '')}000`
const known = (row: unknown): JsonObject => (isJsonObject(row) ? row : {})

const eventBody = ({ externalId, row, now, id }: HookSampleWish): JsonObject => ({
  $insert_id: `order-${id}`,
  amplitude_id: 550000000001,
  app: 400001,
  event_type: 'Order Completed',
  event_time: exportTime(now),
  server_upload_time: exportTime(now),
  processed_time: exportTime(now),
  client_event_time: exportTime(now),
  user_id: 'user-10001',
  device_id: 'web-10001',
  session_id: -1,
  event_id: 12,
  event_properties: { order_id: '9911' },
  user_properties: { plan: 'pro' },
  groups: {},
  group_properties: {},
  library: 'http/2.0',
  platform: null,
  country: 'Portugal',
  city: 'Lisbon',
  data: { path: '/2/httpapi' },
  ...known(row),
  // An event does not change: another one has a name of its own.
  uuid: row ? externalId : `${externalId}-${id}`,
})

const userBody = ({ externalId, now, id }: HookSampleWish): JsonObject => ({
  user_id: externalId,
  device_id: 'web-10001',
  event_time: exportTime(now),
  user_properties: { $set: { plan: 'pro', last_order: id } },
  country: 'Portugal',
  city: 'Lisbon',
})

function cohortBody({ event, externalId, now, id }: HookSampleWish): JsonObject {
  const [first = '', ...others] = externalId.split(':')
  const isEntered = event === 'cohort.entered'
  const isPair = others.length > 0
  return {
    cohort_name: 'Power users',
    cohort_id: isPair ? first : '7khm89cz',
    in_cohort: isEntered,
    computed_time: String(Math.floor(now.getTime() / 1000)),
    message_id: `${id}::${isEntered ? 'enter' : 'exit'}::0`,
    users: [{ user_id: isPair ? others.join(':') : first }],
  }
}

function flagBody({ event, externalId, row, now, id }: HookSampleWish): JsonObject {
  const { derived: _derived, ...before } = known(row)
  const flag: JsonObject = {
    projectId: '400001',
    deployments: [],
    key: 'new-checkout',
    name: 'New checkout',
    description: '',
    evaluationMode: 'remote',
    bucketingKey: 'amplitude_id',
    bucketingUnit: 'User',
    createdAt: '2026-09-09T15:29:47.940Z',
    variants: [{ key: 'control' }, { key: 'on' }],
    rolloutPercentage: 0,
    ...before,
    id: externalId,
    enabled: true,
    bucketingSalt: createHash('sha256').update(id).digest('hex').slice(0, 8),
    lastModifiedAt: now.toISOString(),
    deleted: event === 'flag.deleted',
  }
  return {
    flagId: externalId,
    flagName: 'new-checkout',
    scope: 'project',
    scopeParam: 400001,
    scopeParamName: 'Main',
    action: event.replace('flag.', ''),
    modifiedBy: 'ana@example.com',
    flag,
    oldFlag: event === 'flag.created' ? {} : { ...flag, enabled: false },
  }
}
