/** Bodies of webhooks as rows: what a reading of the object would give, without what changes by itself, and with what rules cannot work out. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { timeOf, timeText } from '../../model/times.ts'
import { objectIn, objectsIn, textIn } from '../hooks/parse.ts'

/** Times are UTC; ratings do not say so (`2017-12-12T12:12:13`). */
export function utc(value: unknown): string | undefined {
  return typeof value === 'string' ? timeText(timeOf(value, 'UTC')) : undefined
}

const newest = (times: readonly unknown[]): string | undefined =>
  times
    .flatMap((time) => utc(time) ?? [])
    .sort()
    .at(-1)

/**
 * `userUpdatedAt` stands still when a customer writes; then `customerWaitingSince` moves. The words of the latter ("20 hours ago") change
 * by themselves. Threads are objects of their own.
 */
export function conversationRow(body: JsonObject): JsonObject {
  const { _embedded: _threads, customerWaitingSince, ...conversation } = body
  const { friendly: _words, ...waiting } = isJsonObject(customerWaitingSince) ? customerWaitingSince : {}
  const updatedAt = newest([body['createdAt'], body['userUpdatedAt'], body['closedAt'], waiting['time']])
  const tags = objectsIn(body, 'tags').flatMap((tag) => textIn(tag, 'tag') ?? [])
  return {
    ...conversation,
    ...(Object.keys(waiting).length > 0 ? { customerWaitingSince: waiting } : {}),
    derived: { tags, ...(updatedAt === undefined ? {} : { updatedAt }) },
  }
}

/** A thread does not say which conversation it belongs to. */
export const threadRow = (thread: JsonObject, conversationId: string): JsonObject => ({
  ...thread,
  derived: { conversationId },
})

const written = new Set(['customer', 'message', 'note', 'chat', 'beaconchat', 'phone'])

/** What people have written; drafts and what waits for review are not out yet. */
export const isWritten = (thread: JsonObject): boolean =>
  written.has(textIn(thread, 'type') ?? '') && (textIn(thread, 'state') ?? 'published') === 'published'

export const threadsOf = (body: JsonObject): JsonObject[] =>
  objectsIn(objectIn(body, '_embedded') ?? {}, 'threads')

/** The conversation that went into this one, where the line item about it came along. */
export function mergedFrom(thread: JsonObject): string | undefined {
  const action = objectIn(thread, 'action') ?? {}
  if (action['type'] !== 'merged') return undefined
  return textIn(objectIn(action, 'associatedEntities') ?? {}, 'originalConversation')
}
