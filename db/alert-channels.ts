/** Channels: where alerts go. What is secret about one, its addresses and URLs among it, is sealed. */
import { sql } from 'kysely'
import type { Db } from './client.ts'
import type { Vault } from './vault.ts'

export type ChannelKind = 'email' | 'slack' | 'webhook' | 'pagerduty'

/** What a message is sent with. */
export interface ChannelSecrets {
  /** E-mail: who gets it. */
  readonly to?: readonly string[]
  /** E-mail: a server of the channel's own, and whom it is from; the hub's when left out. */
  readonly smtpUrl?: string
  readonly from?: string
  /** Slack, webhook; PagerDuty where it is not the service's own. */
  readonly url?: string
  /** Webhook: `whsec_…`. */
  readonly secret?: string
  /** PagerDuty. */
  readonly routingKey?: string
}

export interface AlertChannel {
  readonly channelId: string
  readonly partnerId: string | null
  readonly name: string
  readonly kind: ChannelKind
  readonly target: string
  readonly state: 'active' | 'disabled' | 'deleted'
  readonly downSince: Date | null
  readonly lastError: string | null
  readonly lastOkAt: Date | null
  readonly version: number
  readonly createdBy: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = sql`channel_id, partner_id, name, kind, target, state, down_since, last_error, last_ok_at, version, created_by, created_at,
  updated_at`

const sealOwner = 'hub'
const place = (row: string) => ({ table: 'alert_channels', column: 'sealed', row })

/** Outside of a transaction that may be rolled back: the key of the hub may be made on the way. */
export const sealChannel = (
  db: Db,
  vault: Vault,
  channelId: string,
  secrets: ChannelSecrets,
): Promise<Buffer> => vault.seal(db, sealOwner, place(channelId), JSON.stringify(secrets))

export async function openChannel(db: Db, vault: Vault, channelId: string): Promise<ChannelSecrets> {
  const found = await sql<{ sealed: Buffer }>`
    select sealed from alert_channels where channel_id = ${channelId}
  `.execute(db)
  const sealed = found.rows[0]?.sealed
  if (!sealed || sealed.length === 0) return {}
  return JSON.parse((await vault.open(db, sealOwner, place(channelId), sealed)).toString()) as ChannelSecrets
}

export async function insertChannel(
  tx: Db,
  made: Pick<AlertChannel, 'channelId' | 'partnerId' | 'name' | 'kind' | 'target' | 'createdBy'> & {
    readonly sealed: Buffer
  },
): Promise<AlertChannel> {
  const rows = await sql<AlertChannel>`
    insert into alert_channels (channel_id, partner_id, name, kind, target, sealed, created_by)
    values (${made.channelId}, ${made.partnerId}, ${made.name}, ${made.kind}, ${made.target}, ${made.sealed}, ${made.createdBy})
    returning ${columns}
  `.execute(tx)
  const [row] = rows.rows
  if (!row) throw new Error('an insert returned no row')
  return row
}

/** One that is not deleted. */
export async function getChannel(db: Db, channelId: string): Promise<AlertChannel | undefined> {
  const found = await sql<AlertChannel>`
    select ${columns} from alert_channels where channel_id = ${channelId} and state <> 'deleted'
  `.execute(db)
  return found.rows[0]
}

/** A person has deleted it: settings do not bring it back. */
export async function isErased(db: Db, channelId: string): Promise<boolean> {
  const found =
    await sql`select from alert_channels where channel_id = ${channelId} and state = 'deleted'`.execute(db)
  return found.rows.length > 0
}

/** Living ones, oldest first. @param partnerId null: the hub's own; all when left out. */
export async function listChannels(
  db: Db,
  query: {
    readonly partnerId?: string | null | undefined
    readonly ids?: readonly string[] | undefined
    readonly after?: string | undefined
    readonly limit: number
  },
): Promise<AlertChannel[]> {
  const { partnerId, ids, after, limit } = query
  const found = await sql<AlertChannel>`
    select ${columns} from alert_channels where state <> 'deleted'
      ${partnerId === undefined ? sql`` : sql`and partner_id is not distinct from ${partnerId}`}
      ${ids === undefined ? sql`` : sql`and channel_id = any (${[...ids]}::text[])`}
      ${after === undefined ? sql`` : sql`and channel_id > ${after}`}
    order by channel_id limit ${limit}
  `.execute(db)
  return found.rows
}

/** Changes what is given; undefined when there is none with this id (and version, if one is expected). */
export async function updateChannel(
  tx: Db,
  channelId: string,
  change: {
    readonly name?: string | undefined
    readonly state?: AlertChannel['state'] | undefined
    readonly target?: string | undefined
    readonly sealed?: Buffer | undefined
  },
  expectedVersion?: number,
): Promise<AlertChannel | undefined> {
  const found = await sql<AlertChannel>`
    update alert_channels set name = coalesce(${change.name ?? null}, name), state = coalesce(${change.state ?? null}, state),
      target = coalesce(${change.target ?? null}, target), sealed = coalesce(${change.sealed ?? null}::bytea, sealed),
      version = version + 1, updated_at = now()
    where channel_id = ${channelId} and state <> 'deleted' ${expectedVersion === undefined ? sql`` : sql`and version = ${expectedVersion}`}
    returning ${columns}
  `.execute(tx)
  return found.rows[0]
}

/** Its secrets go with it, and what waits for it is not sent. */
export async function eraseChannel(tx: Db, channelId: string): Promise<AlertChannel | undefined> {
  const gone = await sql<AlertChannel>`
    update alert_channels set state = 'deleted', sealed = '', version = version + 1, updated_at = now()
    where channel_id = ${channelId} and state <> 'deleted' returning ${columns}
  `.execute(tx)
  await sql`
    update alert_deliveries set state = 'discarded', ended_at = now() where channel_id = ${channelId} and state = 'waiting'
  `.execute(tx)
  return gone.rows[0]
}

/** Takes something again, or does not any more. True when that is news. */
export async function noteChannel(
  tx: Db,
  channelId: string,
  seen:
    | { readonly ok: true; readonly now: Date }
    | { readonly ok: false; readonly error: string; readonly now: Date },
): Promise<boolean> {
  const found = seen.ok
    ? await sql`
        with before as (select channel_id, down_since from alert_channels where channel_id = ${channelId} for update)
        update alert_channels c set down_since = null, last_error = null, last_ok_at = ${seen.now}::timestamptz
        from before b where c.channel_id = b.channel_id returning b.down_since is not null as news
      `.execute(tx)
    : await sql`
        with before as (select channel_id, down_since from alert_channels where channel_id = ${channelId} for update)
        update alert_channels c set down_since = coalesce(c.down_since, ${seen.now}::timestamptz), last_error = ${seen.error}
        from before b where c.channel_id = b.channel_id returning b.down_since is null as news
      `.execute(tx)
  return (found.rows[0] as { news?: boolean } | undefined)?.news ?? false
}

/** That something did not get through, without calling the channel down yet. */
export async function noteChannelError(tx: Db, channelId: string, error: string): Promise<void> {
  await sql`update alert_channels set last_error = ${error} where channel_id = ${channelId}`.execute(tx)
}
