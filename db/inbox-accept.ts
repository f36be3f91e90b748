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

export interface Arrival {
  readonly request: NewHookRequest
  readonly events: readonly NewInboxEvent[]
}

/**
 * Stores requests and those of their events that are new, in one statement. When it returns they are committed; a body of which nothing
 * is new is counted and not kept. Two deliveries of the same events at the same time wait for each other by key.
 * @returns how many events of each request were new, in the order of the arrivals.
 */
export async function acceptHooks(db: Db, arrivals: readonly Arrival[]): Promise<number[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      const accepted = await insert(db, arrivals)
      return arrivals.map(({ request }) => accepted.get(request.requestId) ?? 0)
    } catch (error) {
      // Two statements hold the same events in another order.
      if (!isDeadlock(error) || attempt === 5) throw error
    }
  }
}

async function insert(db: Db, arrivals: readonly Arrival[]): Promise<Map<string, number>> {
  const all = arrivals.flatMap(({ request, events }) => events.map((event) => ({ request, event })))
  const column = <T>(pick: (event: NewInboxEvent) => T): T[] => all.map(({ event }) => pick(event))
  const ofRequest = <T>(pick: (request: NewHookRequest) => T): T[] => all.map(({ request }) => pick(request))
  const requests = <T>(pick: (arrival: Arrival) => T): T[] => arrivals.map(pick)
  const stored = await sql<{ requestId: string; accepted: number }>`
    with stored as (
      insert into inbox_events (event_id, request_id, provider, received_at, next_at, connection_id, partner_id, account_id, tenant,
        dedupe_key, type, about, resource, external_id, occurred_at, sequence, state, failure, outcome)
      select event_id, request_id, provider, received_at, received_at, connection_id, partner_id, account_id, tenant,
        dedupe_key, type, about, resource, external_id, occurred_at, sequence, state, failure, case when state = 'dead' then 'unreadable' end
      from rows from (
        unnest(${column((one) => one.eventId)}::text[]),
        unnest(${ofRequest((one) => one.requestId)}::text[]),
        unnest(${ofRequest((one) => one.provider)}::text[]),
        unnest(${ofRequest((one) => one.receivedAt.toISOString())}::timestamptz[]),
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
      ) as t (event_id, request_id, provider, received_at, connection_id, partner_id, account_id, tenant, dedupe_key, type, about, resource,
        external_id, occurred_at, sequence, state, failure)
      on conflict do nothing
      returning request_id
    ), counted as (
      select request_id, count(*)::int as n from stored group by request_id
    )
    insert into inbox_requests (request_id, provider, connection_id, partner_id, account_id, received_at, client_address, bytes, checks,
      events, accepted, sealed)
    select r.request_id, r.provider, r.connection_id, r.partner_id, r.account_id, r.received_at, r.client_address, r.bytes, r.checks,
      r.events, coalesce(c.n, 0), case when c.n > 0 then r.sealed end
    from rows from (
      unnest(${requests(({ request }) => request.requestId)}::text[]),
      unnest(${requests(({ request }) => request.provider)}::text[]),
      unnest(${requests(({ request }) => request.owner?.connectionId ?? null)}::text[]),
      unnest(${requests(({ request }) => request.owner?.partnerId ?? null)}::text[]),
      unnest(${requests(({ request }) => request.owner?.accountId ?? null)}::text[]),
      unnest(${requests(({ request }) => request.receivedAt.toISOString())}::timestamptz[]),
      unnest(${requests(({ request }) => request.clientAddress)}::text[]),
      unnest(${requests(({ request }) => request.bytes)}::int[]),
      unnest(${requests(({ request }) => JSON.stringify(request.checks))}::jsonb[]),
      unnest(${requests(({ events }) => events.length)}::int[]),
      unnest(${requests(({ request }) => request.sealed)}::bytea[])
    ) as r (request_id, provider, connection_id, partner_id, account_id, received_at, client_address, bytes, checks, events, sealed)
    left join counted c using (request_id)
    returning request_id, accepted
  `.execute(db)
  return new Map(stored.rows.map(({ requestId, accepted }) => [requestId, accepted]))
}
