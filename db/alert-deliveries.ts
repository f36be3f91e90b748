/** Messages to channels: each is a row, tried until it gets through or is given up. */
import { sql } from 'kysely'
import { newId } from '../platform/new-id.ts'
import type { Db } from './client.ts'

export type AlertKind = 'opened' | 'repeated' | 'escalated' | 'acknowledged' | 'resolved' | 'test'

export interface AlertDelivery {
  readonly deliveryId: string
  readonly channelId: string
  readonly partnerId: string | null
  readonly incidentId: string | null
  readonly policyId: string | null
  readonly kind: AlertKind
  readonly step: string | null
  readonly state: 'waiting' | 'delivered' | 'failed' | 'discarded'
  readonly attempts: number
  readonly nextAt: Date
  readonly lastError: string | null
  readonly version: number
  readonly createdAt: Date
  readonly endedAt: Date | null
}

const columns = sql`delivery_id, channel_id, partner_id, incident_id, policy_id, kind, step, state, attempts, next_at, last_error, version,
  created_at, ended_at`

/**
 * Has a channel told. While an earlier message of the incident still waits for the channel, that one tells this instead: whoever could
 * not be reached for hours gets one message with how it is now.
 */
export async function addAlert(
  tx: Db,
  alert: Pick<AlertDelivery, 'channelId' | 'partnerId' | 'incidentId' | 'policyId' | 'kind' | 'step'>,
  now: Date,
): Promise<string> {
  const { channelId, partnerId, incidentId, policyId, kind, step } = alert
  const made = await sql<{ deliveryId: string }>`
    insert into alert_deliveries as d (delivery_id, channel_id, partner_id, incident_id, policy_id, kind, step, next_at, created_at)
    values (${newId('alertDelivery')}, ${channelId}, ${partnerId}, ${incidentId}, ${policyId}, ${kind}, ${step}, ${now}::timestamptz,
      ${now}::timestamptz)
    on conflict (incident_id, channel_id) where state = 'waiting' and incident_id is not null
    do update set kind = excluded.kind, step = excluded.step, version = d.version + 1
    returning delivery_id
  `.execute(tx)
  const [row] = made.rows
  if (!row) throw new Error('an insert returned no row')
  return row.deliveryId
}

/** No pause is longer: what lies farther ahead was planned by a clock that was put back since. */
const farAheadMinutes = 20

/** Takes what is due to this process for a while. @param incidentId null: what belongs to no incident. */
export async function claimAlerts(
  db: Db,
  incidentId: string | null,
  { now, leaseMs, limit }: { readonly now: Date; readonly leaseMs: number; readonly limit: number },
): Promise<AlertDelivery[]> {
  const far = sql`${now}::timestamptz + make_interval(mins => ${farAheadMinutes})`
  const found = await sql<AlertDelivery>`
    update alert_deliveries set leased_until = ${new Date(now.getTime() + leaseMs)}::timestamptz
    where delivery_id in (select delivery_id from alert_deliveries where state = 'waiting' and incident_id is not distinct from ${incidentId}
        and (next_at <= ${now}::timestamptz or next_at > ${far})
        and (leased_until is null or leased_until <= ${now}::timestamptz or leased_until > ${far})
      order by delivery_id limit ${limit} for update skip locked)
    returning ${columns}
  `.execute(db)
  return found.rows
}

/** Writes an attempt down. What has changed meanwhile stays waiting, to be told as well. */
export async function settleAlert(
  tx: Db,
  { deliveryId, version }: Pick<AlertDelivery, 'deliveryId' | 'version'>,
  outcome: {
    readonly state: 'waiting' | 'delivered' | 'failed' | 'discarded'
    readonly error: string | null
    readonly nextAt: Date
    readonly now: Date
  },
): Promise<void> {
  const { state, error, nextAt, now } = outcome
  const isNews = sql`version <> ${version} and ${state} in ('delivered', 'failed')`
  await sql`
    update alert_deliveries set state = case when ${isNews} then 'waiting' else ${state} end, attempts = attempts + 1,
      last_error = ${error}, next_at = ${nextAt}::timestamptz, leased_until = null,
      ended_at = case when ${isNews} or ${state} = 'waiting' then null else ${now}::timestamptz end
    where delivery_id = ${deliveryId} and state = 'waiting'
  `.execute(tx)
}

/** When the next waiting message of an incident is due; null when none waits. */
export async function nextAlertAt(db: Db, incidentId: string | null): Promise<Date | null> {
  const found = await sql<{ at: Date | null }>`
    select min(greatest(next_at, leased_until)) as at from alert_deliveries
    where state = 'waiting' and incident_id is not distinct from ${incidentId}
  `.execute(db)
  return found.rows[0]?.at ?? null
}

/** Newest first. */
export async function listAlerts(
  db: Db,
  query: {
    readonly incidentId?: string | undefined
    readonly channelId?: string | undefined
    readonly state?: AlertDelivery['state'] | undefined
    readonly since?: Date | undefined
    readonly before?: string | undefined
    readonly limit: number
  },
): Promise<AlertDelivery[]> {
  const { incidentId, channelId, state, since, before, limit } = query
  const filter = [
    sql`true`,
    ...(incidentId === undefined ? [] : [sql`incident_id = ${incidentId}`]),
    ...(channelId === undefined ? [] : [sql`channel_id = ${channelId}`]),
    ...(state === undefined ? [] : [sql`state = ${state}`]),
    ...(since === undefined ? [] : [sql`created_at >= ${since}::timestamptz`]),
    ...(before === undefined ? [] : [sql`delivery_id < ${before}`]),
  ]
  const found = await sql<AlertDelivery>`
    select ${columns} from alert_deliveries where ${sql.join(filter, sql` and `)} order by delivery_id desc limit ${limit}
  `.execute(db)
  return found.rows
}

export async function getAlert(db: Db, deliveryId: string): Promise<AlertDelivery | undefined> {
  const found = await sql<AlertDelivery>`
    select ${columns} from alert_deliveries where delivery_id = ${deliveryId}
  `.execute(db)
  return found.rows[0]
}

/** Channels that were told of an incident since its track began. */
export async function channelsTold(
  db: Db,
  incidentId: string,
  policyId: string,
  since: Date,
): Promise<string[]> {
  const found = await sql<{ channelId: string }>`
    select distinct channel_id from alert_deliveries where incident_id = ${incidentId} and policy_id = ${policyId}
      and created_at >= ${since}::timestamptz order by channel_id
  `.execute(db)
  return found.rows.map(({ channelId }) => channelId)
}
