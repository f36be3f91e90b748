/**
 * What a body says. The event's name comes in a header, which is not signed: a name that does not fit the body is not believed. There is no
 * id of an event: what is the same to the letter is the same event.
 */
import { createHash } from 'node:crypto'
import type { HookEvent, HookRequest } from '../contract-webhook.ts'
import { objectIn, objectOf, textIn } from '../hooks/parse.ts'
import type { JsonObject } from '../../model/json.ts'
import { conversationRow, isWritten, mergedFrom, threadRow, threadsOf, utc } from './webhook-rows.ts'

export const eventHeader = 'x-helpscout-event'

const hashOf = (value: JsonObject): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')

/** Resources by the first part of an event's name. */
const resources: Readonly<Record<string, string>> = {
  convo: 'conversations',
  customer: 'customers',
  satisfaction: 'ratings',
  organization: 'organizations',
}

export function split(request: HookRequest): HookEvent[] {
  const body = objectOf(request)
  const names = request.headers.get(eventHeader) ?? []
  const type = (names.length === 1 ? names[0] : undefined) ?? 'unknown'
  const [kind = ''] = type.split('.')
  const id = textIn(body, 'id')
  const resource = Object.hasOwn(resources, kind) ? resources[kind] : undefined
  if (type === 'helpscout.test')
    return [{ key: `test/${hashOf(body)}`, type, about: 'notice', payload: body }]
  if (resource === undefined || id === undefined) return [unknown(type, body)]
  if (type.endsWith('.deleted')) return [deleted(type, body, resource, id)]
  return resource === 'conversations' ? conversation(type, body, id) : [changed(type, body, resource, id)]
}

const unknown = (type: string, body: JsonObject): HookEvent => ({
  key: `${type}/${hashOf(body)}`,
  type,
  about: 'unknown',
  payload: body,
})

const isWhole = (body: JsonObject): boolean => textIn(body, 'createdAt') !== undefined

/** `{"id": 123}`. A whole object under this name is one that somebody sends again to have it deleted. */
function deleted(type: string, body: JsonObject, resource: string, externalId: string): HookEvent {
  if (isWhole(body)) return unknown(type, body)
  return {
    key: `${type}/${externalId}/${hashOf(body)}`,
    type,
    about: 'deleted',
    resource,
    externalId,
    payload: body,
  }
}

/** The row of an organization is not documented: it is named only. */
function changed(type: string, body: JsonObject, resource: string, externalId: string): HookEvent {
  const at = utc(body['updatedAt']) ?? utc(body['modifiedAt']) ?? utc(body['createdAt'])
  return {
    key: `${type}/${externalId}/${hashOf(body)}`,
    type,
    about: 'changed',
    resource,
    externalId,
    ...(isWhole(body) && resource !== 'organizations' ? { row: body } : {}),
    ...(at === undefined ? {} : { occurredAt: new Date(at) }),
    payload: body,
  }
}

/** The conversation, what was written in it, and those that were merged into it. */
function conversation(type: string, body: JsonObject, id: string): HookEvent[] {
  const row = conversationRow(body)
  const at = textIn(objectIn(row, 'derived') ?? {}, 'updatedAt')
  const threads = threadsOf(body)
  const main: HookEvent = {
    // Of the row: the words of a time ("20 hours ago") would make another event of the same.
    key: `${type}/${id}/${hashOf(row)}`,
    type,
    about: body['state'] === 'deleted' ? 'deleted' : 'changed',
    resource: 'conversations',
    externalId: id,
    ...(isWhole(body) && body['state'] !== 'deleted' ? { row } : {}),
    ...(at === undefined ? {} : { occurredAt: new Date(at) }),
    payload: body,
  }
  const losers = new Set(threads.flatMap((thread) => mergedFrom(thread) ?? []))
  losers.delete(id)
  const others = [
    ...threads.filter(isWritten).flatMap((thread) => written(thread, id)),
    ...[...losers].map((loser) => mergedAway(loser, id, at)),
  ]
  return [...new Map([main, ...others].map((event) => [event.key, event])).values()]
}

function written(thread: JsonObject, conversationId: string): HookEvent[] {
  const id = textIn(thread, 'id')
  const at = utc(thread['createdAt'])
  if (id === undefined) return []
  return [
    {
      key: `thread/${id}/${hashOf(thread)}`,
      type: 'thread',
      about: 'changed',
      resource: 'threads',
      externalId: id,
      row: threadRow(thread, conversationId),
      ...(at === undefined ? {} : { occurredAt: new Date(at) }),
      payload: thread,
    },
  ]
}

const mergedAway = (loser: string, winner: string, at: string | undefined): HookEvent => ({
  key: `merged/${loser}/${winner}`,
  type: 'convo.merged',
  about: 'deleted',
  resource: 'conversations',
  externalId: loser,
  ...(at === undefined ? {} : { occurredAt: new Date(at) }),
  payload: { id: loser, mergedInto: winner },
})
