/** Outbound webhooks: slices of deliveries, and the waking of endpoints for which something has come. */
import { asyncLocalStorage } from '@temporalio/activity'
import { asTenant } from '../db/client.ts'
import { getEndpoint, listSleepers, noteRest, takeEvents } from '../db/endpoints.ts'
import { deliverBatch, type DeliverResult } from './deliver-events.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { whileBeating } from './steady.ts'

export interface EndpointFacts {
  readonly endpointId: string
  readonly partnerId: string
  /** For people; no path, no query: those may hold a secret. */
  readonly host: string
}

/** Undefined: there is no such endpoint. */
async function describeEndpoint(
  deps: ActivityDeps,
  { endpointId }: { readonly endpointId: string },
): Promise<EndpointFacts | null> {
  const endpoint = await getEndpoint(deps.database.db, endpointId)
  if (!endpoint || endpoint.state === 'deleted') return null
  return { endpointId, partnerId: endpoint.partnerId, host: new URL(endpoint.url).host }
}

/** Read ahead for an endpoint that rests; the rest of the stream keeps its place. */
const takenAhead = 50
/** One that was woken because it was overdue is given so long before it is woken again. */
const patienceMs = 60_000

/**
 * Looks which resting endpoints have something to send, and wakes them. An endpoint whose partner has news of other types
 * only is moved on and not woken. A wake that is lost is made good when the rest is overdue.
 */
export async function wakeEndpoints(deps: ActivityDeps): Promise<void> {
  const activity = asyncLocalStorage.getStore()
  if (!activity) return
  const { db } = deps.database
  for (const { endpointId, partnerId, isOverdue } of await listSleepers(db, deps.clock.now())) {
    const now = deps.clock.now()
    const made = await asTenant(db, partnerId, async (tx) => {
      const taken = await takeEvents(tx, endpointId, { room: takenAhead, now })
      // In the same transaction: should this process die before it wakes the endpoint, it is found overdue.
      if (taken.made > 0) await noteRest(tx, endpointId, { wakeAt: now, awaitsEvents: false })
      return taken.made
    })
    if (made === 0 && !isOverdue) continue
    // It says itself what it waits for, as soon as it runs.
    if (isOverdue)
      await noteRest(db, endpointId, { wakeAt: new Date(now.getTime() + patienceMs), awaitsEvents: false })
    await deps.wakeEndpoint(activity.client, { endpointId, partnerId })
  }
}

export function createDeliveryActivities(deps: ActivityDeps) {
  return {
    describeEndpoint: failing((input: { readonly endpointId: string }) => describeEndpoint(deps, input)),
    deliverBatch: failing((input: { readonly endpointId: string }): Promise<DeliverResult> =>
      whileBeating((signal) => deliverBatch(deps, input, signal)),
    ),
  }
}
