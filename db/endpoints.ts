/** Endpoints: where a partner wants events sent, how they do, and where each stands in the stream. */
import { sql, type RawBuilder } from 'kysely'
import { expandPatterns } from '../model/events.ts'
import { newId } from '../platform/new-id.ts'
import type { SigningSecret } from '../platform/secrets/webhook-signing.ts'
import type { ChangeCursor } from './changes.ts'
import type { Db } from './client.ts'
import { scanEvents } from './events.ts'
import type { Vault } from './vault.ts'

export type EndpointState = 'active' | 'failing' | 'disabled' | 'deleted'

export interface Endpoint {
  readonly endpointId: string
  readonly partnerId: string
  readonly url: string
  readonly description: string
  readonly eventTypes: readonly string[]
  readonly state: EndpointState
  readonly stateReason: string | null
  readonly ordered: boolean
  readonly maxConcurrency: number
  readonly ratePerSecond: number
  readonly failuresInRow: number
  readonly failingSince: Date | null
  readonly lastSuccessAt: Date | null
  readonly holdUntil: Date | null
  readonly probeAt: Date | null
  readonly probes: number
  readonly version: number
  readonly createdBy: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = sql`endpoint_id, partner_id, url, description, event_types, state, state_reason, ordered, max_concurrency, rate_per_second,
  failures_in_row, failing_since, last_success_at, hold_until, probe_at, probes, version, created_by, created_at, updated_at`

/** Secrets belong to a partner, not to one account: they are sealed with the hub's own key. */
const sealOwner = 'hub'
const place = (row: string) => ({ table: 'endpoints', column: 'sealed_secrets', row })

/** Outside of a tenant's transaction: the key is the hub's. */
export const sealSecrets = (
  db: Db,
  vault: Vault,
  endpointId: string,
  secrets: readonly SigningSecret[],
): Promise<Buffer> => vault.seal(db, sealOwner, place(endpointId), JSON.stringify(secrets))

/** The current one first; none for an endpoint that was deleted. */
export async function openSecrets(db: Db, vault: Vault, endpointId: string): Promise<SigningSecret[]> {
  const found = await sql<{ sealed: Buffer }>`
    select sealed_secrets as sealed from endpoints where endpoint_id = ${endpointId}
  `.execute(db)
  const sealed = found.rows[0]?.sealed
  if (!sealed || sealed.length === 0) return []
  return JSON.parse(
    (await vault.open(db, sealOwner, place(endpointId), sealed)).toString(),
  ) as SigningSecret[]
}

export async function createEndpoint(
  tx: Db,
  made: Pick<
    Endpoint,
    | 'endpointId'
    | 'partnerId'
    | 'url'
    | 'description'
    | 'eventTypes'
    | 'ordered'
    | 'maxConcurrency'
    | 'ratePerSecond'
    | 'createdBy'
  > & { readonly sealedSecrets: Buffer },
): Promise<Endpoint> {
  const rows = await sql<Endpoint>`
    insert into endpoints (endpoint_id, partner_id, url, description, event_types, ordered, max_concurrency, rate_per_second, sealed_secrets,
      feed_transaction, created_by)
    values (${made.endpointId}, ${made.partnerId}, ${made.url}, ${made.description}, ${made.eventTypes}::text[], ${made.ordered},
      ${made.maxConcurrency}, ${made.ratePerSecond}, ${made.sealedSecrets}, pg_snapshot_xmin(pg_current_snapshot()), ${made.createdBy})
    returning ${columns}
  `.execute(tx)
  const [row] = rows.rows
  if (!row) throw new Error('an insert returned no row')
  return row
}

/** In whatever state. */
export async function getEndpoint(db: Db, endpointId: string): Promise<Endpoint | undefined> {
  const found =
    await sql<Endpoint>`select ${columns} from endpoints where endpoint_id = ${endpointId}`.execute(db)
  return found.rows[0]
}

export async function lockEndpoint(tx: Db, endpointId: string): Promise<Endpoint | undefined> {
  const found = await sql<Endpoint>`
    select ${columns} from endpoints where endpoint_id = ${endpointId} for update
  `.execute(tx)
  return found.rows[0]
}

/** Those that are not deleted, oldest first. */
export async function listEndpoints(
  db: Db,
  query: {
    readonly partnerId?: string | undefined
    readonly state?: EndpointState | undefined
    readonly after?: string | undefined
    readonly limit: number
  },
): Promise<Endpoint[]> {
  const found = await sql<Endpoint>`
    select ${columns} from endpoints where ${query.state === undefined ? sql`state <> 'deleted'` : sql`state = ${query.state}`}
      ${query.partnerId === undefined ? sql`` : sql`and partner_id = ${query.partnerId}`}
      ${query.after === undefined ? sql`` : sql`and endpoint_id > ${query.after}`}
    order by endpoint_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Changes what a person may change; undefined when there is none with this id (and version, if one is expected). */
export async function updateEndpoint(
  tx: Db,
  endpointId: string,
  change: Partial<
    Pick<Endpoint, 'url' | 'description' | 'eventTypes' | 'ordered' | 'maxConcurrency' | 'ratePerSecond'>
  > & { readonly sealedSecrets?: Buffer },
  expectedVersion?: number,
): Promise<Endpoint | undefined> {
  const found = await sql<Endpoint>`
    update endpoints set url = coalesce(${change.url ?? null}, url), description = coalesce(${change.description ?? null}, description),
      event_types = coalesce(${change.eventTypes ?? null}::text[], event_types), ordered = coalesce(${change.ordered ?? null}::boolean, ordered),
      max_concurrency = coalesce(${change.maxConcurrency ?? null}::int, max_concurrency),
      rate_per_second = coalesce(${change.ratePerSecond ?? null}::int, rate_per_second),
      sealed_secrets = coalesce(${change.sealedSecrets ?? null}::bytea, sealed_secrets), version = version + 1, updated_at = now()
    where endpoint_id = ${endpointId} and state <> 'deleted'
      ${expectedVersion === undefined ? sql`` : sql`and version = ${expectedVersion}`}
    returning ${columns}
  `.execute(tx)
  return found.rows[0]
}

/** Sets a state and what belongs to it; undefined when it is deleted or in that state already. */
export async function setEndpointState(
  tx: Db,
  endpointId: string,
  to: {
    readonly state: Exclude<EndpointState, 'deleted'>
    readonly reason: string | null
    readonly probeAt: Date | null
  },
): Promise<Endpoint | undefined> {
  // Its history of failures goes with an endpoint that is served again, and stays with one that is not.
  const health: RawBuilder<unknown> =
    to.state === 'active'
      ? sql`failures_in_row = 0, failing_since = null, hold_until = null, probes = 0,`
      : sql`probes = 0,`
  const found = await sql<Endpoint>`
    update endpoints set state = ${to.state}, state_reason = ${to.reason}, probe_at = ${to.probeAt}::timestamptz, ${health}
      version = version + 1, updated_at = now()
    where endpoint_id = ${endpointId} and state not in ('deleted', ${to.state}) returning ${columns}
  `.execute(tx)
  return found.rows[0]
}

/** Its secrets go with it, and what waits is not sent. */
export async function deleteEndpoint(tx: Db, endpointId: string): Promise<boolean> {
  const gone = await sql<{ endpointId: string }>`
    update endpoints set state = 'deleted', state_reason = null, sealed_secrets = '', wake_at = null, version = version + 1, updated_at = now()
    where endpoint_id = ${endpointId} and state <> 'deleted' returning endpoint_id
  `.execute(tx)
  if (gone.rows.length === 0) return false
  await sql`
    update deliveries set state = 'discarded', ended_at = now() where endpoint_id = ${endpointId} and state = 'waiting'
  `.execute(tx)
  return true
}

/** How an endpoint has fared; what is left out stays. */
export async function noteHealth(
  tx: Db,
  endpointId: string,
  health: {
    readonly failuresInRow?: number
    readonly failingSince?: Date | null
    readonly lastSuccessAt?: Date
    readonly holdUntil?: Date | null
    readonly probeAt?: Date
    readonly probes?: number
  },
): Promise<void> {
  const set = [
    health.failuresInRow === undefined ? undefined : sql`failures_in_row = ${health.failuresInRow}`,
    health.failingSince === undefined ? undefined : sql`failing_since = ${health.failingSince}::timestamptz`,
    health.lastSuccessAt === undefined
      ? undefined
      : sql`last_success_at = ${health.lastSuccessAt}::timestamptz`,
    health.holdUntil === undefined ? undefined : sql`hold_until = ${health.holdUntil}::timestamptz`,
    health.probeAt === undefined ? undefined : sql`probe_at = ${health.probeAt}::timestamptz`,
    health.probes === undefined ? undefined : sql`probes = ${health.probes}`,
  ].filter((part) => part !== undefined)
  if (set.length > 0)
    await sql`update endpoints set ${sql.join(set)} where endpoint_id = ${endpointId}`.execute(tx)
}

/**
 * Reads on in the stream for an endpoint: what it has subscribed to becomes deliveries, in the transaction that moves it
 * on, so that no event is lost and none is there twice. Answers how many there are, and whether there was anything at all.
 */
export async function takeEvents(
  tx: Db,
  endpointId: string,
  { room, now }: { readonly room: number; readonly now: Date },
): Promise<{ readonly made: number; readonly moved: boolean }> {
  const found = await sql<Endpoint & { transactionId: string; seq: number }>`
    select ${columns}, feed_transaction::text as transaction_id, feed_seq as seq from endpoints
    where endpoint_id = ${endpointId} and state in ('active', 'failing') for update
  `.execute(tx)
  const [endpoint] = found.rows
  if (!endpoint || room <= 0) return { made: 0, moved: false }
  const { partnerId, eventTypes, transactionId, seq } = endpoint
  const types = eventTypes.includes('*') ? null : expandPatterns(eventTypes)
  const after = { transactionId, seq }
  const scanned = await scanEvents(tx, { partnerId, after, types, limit: room })
  if (!scanned.position) return { made: 0, moved: false }
  // A test is sent to the endpoint that it is about, beside the stream.
  const events = scanned.events.filter(({ type }) => type !== 'endpoint.test')
  const made = await addDeliveries(tx, endpoint, events, { kind: 'event', now })
  await sql`
    update endpoints set feed_transaction = ${scanned.position.transactionId}::xid8, feed_seq = ${scanned.position.seq}
    where endpoint_id = ${endpointId}
  `.execute(tx)
  return { made, moved: true }
}

/** An event that is on its way to this endpoint already is left alone. Answers how many were added. */
export async function addDeliveries(
  tx: Db,
  { endpointId, partnerId }: Pick<Endpoint, 'endpointId' | 'partnerId'>,
  events: readonly { readonly cursor: ChangeCursor; readonly type: string; readonly replayOf?: string }[],
  { kind, now }: { readonly kind: 'event' | 'replay' | 'test'; readonly now: Date },
): Promise<number> {
  if (events.length === 0) return 0
  const added = await sql<{ deliveryId: string }>`
    insert into deliveries (delivery_id, endpoint_id, partner_id, event_transaction, event_seq, event_type, kind, next_at, replay_of)
    select id, ${endpointId}, ${partnerId}, transaction_id, seq, type, ${kind}, ${now}::timestamptz, replay_of from unnest(
      ${events.map(() => newId('delivery', now.getTime()))}::text[], ${events.map(({ cursor }) => cursor.transactionId)}::xid8[],
      ${events.map(({ cursor }) => cursor.seq)}::bigint[], ${events.map(({ type }) => type)}::text[],
      ${events.map(({ replayOf }) => replayOf ?? null)}::text[]) as t (id, transaction_id, seq, type, replay_of)
    on conflict (endpoint_id, event_transaction, event_seq) where state = 'waiting' do nothing returning delivery_id
  `.execute(tx)
  return added.rows.length
}

/** When its workflow means to look again; null: when it is woken. */
export async function noteRest(
  db: Db,
  endpointId: string,
  rest: { readonly wakeAt: Date | null; readonly awaitsEvents: boolean },
): Promise<void> {
  await sql`
    update endpoints set wake_at = ${rest.wakeAt}::timestamptz, awaits_events = ${rest.awaitsEvents} where endpoint_id = ${endpointId}
  `.execute(db)
}

/** True when any endpoint may have something sent. */
export async function hasEndpoints(db: Db): Promise<boolean> {
  const found = await sql<{ some: boolean }>`
    select exists (select from endpoints where state in ('active', 'failing')) as some
  `.execute(db)
  return found.rows[0]?.some ?? false
}

/** A rest that was to end so long ago has not: the workflow is gone, or was never started. */
const overdueSeconds = 15

/** Endpoints that rest while there is something in the stream for their partner, and those that were to wake long ago. */
export async function listSleepers(
  db: Db,
  now: Date,
): Promise<{ readonly endpointId: string; readonly partnerId: string; readonly isOverdue: boolean }[]> {
  const ahead = (
    table: string,
  ) => sql`exists (select from ${sql.table(table)} f where f.partner_id = e.partner_id
      and (f.transaction_id, f.seq) > (e.feed_transaction, e.feed_seq) and f.transaction_id < pg_snapshot_xmin(pg_current_snapshot()))`
  const found = await sql<{ endpointId: string; partnerId: string; isOverdue: boolean }>`
    with living as (
      select endpoint_id, partner_id, awaits_events, feed_transaction, feed_seq,
        coalesce(wake_at < ${now}::timestamptz - make_interval(secs => ${overdueSeconds}), false) as is_overdue
      from endpoints where state in ('active', 'failing')
    )
    select endpoint_id, partner_id, is_overdue from living e
    where is_overdue or (awaits_events and (${ahead('changes')} or ${ahead('hub_events')})) order by endpoint_id limit 500
  `.execute(db)
  return found.rows
}
