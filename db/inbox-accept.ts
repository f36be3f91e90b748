/** The one statement between a webhook and its answer (INV-1, INV-2). */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import { sha256 } from '../platform/secrets/hash.ts'
import type { Db } from './client.ts'

/** Who an event or a request belongs to; null where that is not known. */
export interface HookOwner {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
}

export interface NewHookRequest {
  readonly requestId: string
  readonly provider: string
  /** Null at the URL of an app. */
  readonly owner: HookOwner | null
  readonly receivedAt: Date
  readonly clientAddress: string
  readonly bytes: number
  /** Every check with its result. */
  readonly checks: readonly JsonObject[]
  /** Method, URL, headers and body, sealed (`packRequest`). */
  readonly sealed: Uint8Array
}

export interface NewInboxEvent {
  readonly eventId: string
  /** Null: no connection is known for the tenant. */
  readonly owner: HookOwner | null
  readonly tenant: string | null
  readonly key: string
  readonly type: string
  readonly about: 'changed' | 'deleted' | 'notice' | 'unknown' | 'unreadable'
  readonly resource: string | null
  readonly externalId: string | null
  readonly occurredAt: Date | null
  readonly sequence: number | null
  /** Why it is dead on arrival. */
  readonly failure: JsonObject | null
}

/** Keys are kept as they are while an index can hold them. */
export const dedupeKeyOf = (key: string): string =>
  key.length <= 200 ? key : `sha256:${sha256(key).toString('hex')}`

const stateOf = ({ owner, failure }: NewInboxEvent): string =>
  owner === null ? 'unmatched' : failure === null ? 'waiting' : 'dead'

const isDeadlock = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '40P01'

/**
 * Stores a request and those of its events that are new. When it returns they are committed; a body of which nothing is new is counted
 * and not kept. Two deliveries of the same events at the same time wait for each other by key.
 * @returns how many were new.
 */
export async function acceptHook(
  db: Db,
  request: NewHookRequest,
  events: readonly NewInboxEvent[],
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await insert(db, request, events)
    } catch (error) {
      // Two bodies hold the same events in another order.
      if (!isDeadlock(error) || attempt === 5) throw error
    }
  }
}

async function insert(db: Db, request: NewHookRequest, events: readonly NewInboxEvent[]): Promise<number> {
  const { requestId, provider, owner, receivedAt } = request
  const column = <T>(pick: (event: NewInboxEvent) => T): T[] => events.map(pick)
  const stored = await sql<{ accepted: number }>`
    with stored as (
      insert into inbox_events (event_id, request_id, provider, connection_id, partner_id, account_id, tenant, dedupe_key, type, about,
        resource, external_id, occurred_at, sequence, received_at, next_at, state, failure, outcome)
      select event_id, ${requestId}, ${provider}, connection_id, partner_id, account_id, tenant, dedupe_key, type, about,
        resource, external_id, occurred_at, sequence, ${receivedAt}::timestamptz, ${receivedAt}::timestamptz, state, failure,
        case when state = 'dead' then 'unreadable' end
      from rows from (
        unnest(${column((one) => one.eventId)}::text[]),
        unnest(${column((one) => one.owner?.connectionId ?? null)}::text[]),
        unnest(${column((one) => one.owner?.partnerId ?? null)}::text[]),
        unnest(${column((one) => one.owner?.accountId ?? null)}::text[]),
        unnest(${column((one) => one.tenant)}::text[]),
        unnest(${column((one) => dedupeKeyOf(one.key))}::text[]),
        unnest(${column((one) => one.type.slice(0, 200))}::text[]),
        unnest(${column((one) => one.about)}::text[]),
        unnest(${column((one) => one.resource)}::text[]),
        unnest(${column((one) => one.externalId)}::text[]),
        unnest(${column((one) => one.occurredAt?.toISOString() ?? null)}::timestamptz[]),
        unnest(${column((one) => one.sequence)}::bigint[]),
        unnest(${column(stateOf)}::text[]),
        unnest(${column((one) => (one.failure === null ? null : JSON.stringify(one.failure)))}::jsonb[])
      ) as t (event_id, connection_id, partner_id, account_id, tenant, dedupe_key, type, about, resource, external_id, occurred_at,
        sequence, state, failure)
      on conflict do nothing
      returning 1
    )
    insert into inbox_requests (request_id, provider, connection_id, partner_id, account_id, received_at, client_address, bytes, checks,
      events, accepted, sealed)
    select ${requestId}, ${provider}, ${owner?.connectionId ?? null}, ${owner?.partnerId ?? null}, ${owner?.accountId ?? null},
      ${receivedAt}::timestamptz, ${request.clientAddress}, ${request.bytes}, ${JSON.stringify(request.checks)}::jsonb, ${events.length},
      n, case when n > 0 then ${request.sealed}::bytea end
    from (select count(*)::int as n from stored) as counted
    returning accepted
  `.execute(db)
  return stored.rows[0]?.accepted ?? 0
}
