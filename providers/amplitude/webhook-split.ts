/** What the bodies say. They are told apart by shape: a customer may have written a template, then nothing is recognised and all is kept. */
import { createHash } from 'node:crypto'
import type { HookEvent, HookRequest } from '../contract-webhook.ts'
import { jsonOf, momentOf, objectIn, objectsIn, textIn, unreadable } from '../hooks/parse.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { eventId, flagRow, utc } from './webhook-resources.ts'

export const signatureHeader = 'x-knock-signature'

/** The two parts of a signature, the time as it was written. */
export function signatureOf(
  header: string,
): { readonly time: string; readonly signature: string } | undefined {
  const [, time, signature] = /^t=(\d{1,16}),s=([A-Za-z0-9+/]+={0,2})$/.exec(header) ?? []
  return time === undefined || signature === undefined ? undefined : { time, signature }
}

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')

export function split(request: HookRequest): HookEvent[] {
  const body = jsonOf(request)
  const list = Array.isArray(body) ? body : [body]
  if (!list.every(isJsonObject)) throw unreadable('it is neither a JSON object nor a list of them')
  const events = list.flatMap((one) => eventsOf(one, request))
  return [...new Map(events.map((event) => [event.key, event])).values()]
}

function eventsOf(body: JsonObject, request: HookRequest): HookEvent[] {
  if (Object.hasOwn(body, 'flagId') && Object.hasOwn(body, 'action')) return [flagEvent(body, request)]
  if (Object.hasOwn(body, 'in_cohort') && Array.isArray(body['users'])) return cohortEvents(body)
  if (Object.hasOwn(body, 'event_type')) return [streamed(body)]
  if (isJsonObject(body['user_properties'])) return [identified(body)]
  return [unknown(body)]
}

const unknown = (body: JsonObject, type = 'unknown'): HookEvent => ({
  key: `unknown/${hashOf(body)}`,
  type,
  about: 'unknown',
  payload: body,
})

/** One event as the Export API gives it. */
function streamed(body: JsonObject): HookEvent {
  const id = eventId(body)
  const at = momentOf(utc(body['server_upload_time']) ?? utc(body['event_time']))
  if (id === undefined) return unknown(body, 'event')
  return {
    key: `event/${id}`,
    type: 'event',
    about: 'changed',
    resource: 'events',
    externalId: id,
    row: body,
    ...(at ? { occurredAt: at } : {}),
    payload: body,
  }
}

/** Properties of a user as the Identify API takes them: operations, not the whole user; so the user is named only. */
function identified(body: JsonObject): HookEvent {
  const id = textIn(body, 'user_id') ?? textIn(body, 'device_id')
  if (id === undefined) return unknown(body, 'user')
  // Nothing in it names the event: the same content is the same event.
  const base = {
    key: `user/${hashOf(body)}`,
    type: 'user',
    resource: 'users',
    externalId: id,
    payload: body,
  } as const
  const at = momentOf(utc(body['event_time']))
  return { ...base, about: 'changed', ...(at ? { occurredAt: at } : {}) }
}

function cohortEvents(body: JsonObject): HookEvent[] {
  const { users: _users, ...about } = body
  const cohort = textIn(body, 'cohort_id')
  const message = textIn(body, 'message_id')
  const isIn = body['in_cohort']
  if (cohort === undefined || message === undefined || typeof isIn !== 'boolean')
    return [unknown(body, 'cohort')]
  const seconds = Number(textIn(body, 'computed_time') ?? NaN)
  const base = {
    type: isIn ? 'cohort.entered' : 'cohort.left',
    ...(Number.isFinite(seconds) ? { occurredAt: new Date(seconds * 1000) } : {}),
  }
  const users = objectsIn(body, 'users')
  if (users.length === 0) return [{ ...base, key: `cohort/${message}`, about: 'notice', payload: about }]
  return users.map((user, place): HookEvent => {
    const id = textIn(user, 'user_id')
    const payload = { ...about, user }
    if (id === undefined) return { ...base, key: `cohort/${message}/?/${place}`, about: 'unknown', payload }
    return {
      ...base,
      key: `cohort/${message}/id/${id}`,
      about: isIn ? 'changed' : 'deleted',
      resource: 'cohort_members',
      externalId: `${cohort}:${id}`,
      ...(isIn ? { row: { cohort_id: cohort, user_id: id } } : {}),
      payload,
    }
  })
}

const flagEffects: Readonly<Record<string, 'changed' | 'deleted'>> = {
  created: 'changed',
  updated: 'changed',
  deleted: 'deleted',
}

function flagEvent(body: JsonObject, request: HookRequest): HookEvent {
  const action = textIn(body, 'action') ?? ''
  const about = Object.hasOwn(flagEffects, action) ? flagEffects[action] : undefined
  const id = textIn(body, 'flagId')
  const flag = objectIn(body, 'flag')
  if (!about || id === undefined) return unknown(body, `flag.${action}`)
  const [header = ''] = request.headers.get(signatureHeader) ?? []
  const sent = signatureOf(header)?.time
  const changed = textIn(flag ?? {}, 'lastModifiedAt')
  const at = momentOf(changed) ?? (sent === undefined ? undefined : momentOf(Number(sent)))
  // Without the time of the change, a flag that is switched to and fro would look like the same event.
  const moment = changed ?? sent ?? ''
  return {
    key: `flag/${id}/${action}/${moment}/${hashOf(flag ?? null)}`,
    type: `flag.${action}`,
    about,
    resource: 'flags',
    externalId: id,
    // A flag that names another id is not the one that is told of.
    ...(about === 'changed' && flag && textIn(flag, 'id') === id ? { row: flagRow(flag) } : {}),
    ...(at ? { occurredAt: at } : {}),
    payload: body,
  }
}
