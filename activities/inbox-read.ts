/** Events of a lane with what their bodies say: opened, split again, found by key. */
import { dedupeKeyOf } from '../db/inbox-accept.ts'
import { sealedRequests, type InboxEvent } from '../db/inbox.ts'
import { openRequest } from '../db/hook-payload.ts'
import { HubError } from '../platform/errors.ts'
import type { HookEvent, Webhooks } from '../providers/contract-webhook.ts'
import type { ActivityDeps } from './deps.ts'

/** What an event says; a failure where its body cannot be read any more. */
export type Told = HookEvent | HubError

/** By event id. Splitting is pure: it gives the same events as at the door. */
export async function readEvents(
  deps: Pick<ActivityDeps, 'database' | 'vault'>,
  webhooks: Webhooks,
  events: readonly InboxEvent[],
): Promise<Map<string, Told>> {
  const { db } = deps.database
  const sealed = await sealedRequests(
    db,
    events.map(({ requestId }) => requestId),
  )
  const split = new Map<string, Map<string, HookEvent>>()
  for (const request of sealed) {
    const packed = await openRequest(db, deps.vault, request)
    const asCame = {
      method: packed.method,
      url: new URL(packed.url),
      headers: new Map(packed.headers),
      body: packed.body,
      receivedAt: request.receivedAt,
    }
    split.set(
      request.requestId,
      new Map(webhooks.split(asCame).map((event) => [dedupeKeyOf(event.key), event])),
    )
  }
  return new Map(
    events.map(({ eventId, requestId, dedupeKey }) => [
      eventId,
      split.get(requestId)?.get(dedupeKey) ??
        new HubError('Protocol', 'The body of this webhook does not hold the event any more.'),
    ]),
  )
}
