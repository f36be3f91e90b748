/** Connections: one account's authorised link to one provider. */
import { sql } from 'kysely'
import type { WhoMustAct } from '../model/failures.ts'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'
import { takeConnection } from './quotas.ts'

export type ConnectionState = 'active' | 'paused' | 'needs_attention' | 'deleted'

export interface Connection {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  /** Name of the provider's auth method. */
  readonly auth: string
  /** The provider's own name of the account, where connecting told it. */
  readonly externalAccount: string | null
  readonly name: string
  readonly state: ConnectionState
  /** Why it is in this state, and who must act. */
  readonly stateReason: string | null
  readonly stateWho: WhoMustAct | null
  /** Not secret. */
  readonly settings: Readonly<Record<string, string>>
  readonly syncIntervalSeconds: number
  /** Calls only the sandbox; what test keys see. */
  readonly sandbox: boolean
  /** Rises with every change of the row by a person; for If-Match. */
  readonly version: number
  readonly lastRunId: string | null
  readonly lastSyncedAt: Date | null
  readonly lastCheckedAt: Date | null
  readonly lastCheck: JsonObject | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = sql`connection_id, partner_id, account_id, provider, auth, external_account, name, state, state_reason, state_who, settings, sync_interval_seconds, sandbox, version,
  last_run_id, last_synced_at, last_checked_at, last_check, created_at, updated_at`

export interface NewConnection {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly auth: string
  readonly externalAccount?: string | undefined
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  /** 60 to 604,800; 900 when left out. */
  readonly syncIntervalSeconds?: number | undefined
  readonly sandbox?: boolean | undefined
}

/** In a transaction. @throws HubError `StateConflict` when the partner's quota of connections is used up. */
export async function createConnection(tx: Db, connection: NewConnection): Promise<Connection> {
  await takeConnection(tx, connection.partnerId, new Date())
  const made = await sql<Connection>`
    insert into connections (connection_id, partner_id, account_id, provider, auth, external_account, name, settings, sync_interval_seconds, sandbox)
    values (${connection.connectionId}, ${connection.partnerId}, ${connection.accountId}, ${connection.provider}, ${connection.auth}, ${connection.externalAccount ?? null}, ${connection.name},
      ${JSON.stringify(connection.settings)}::jsonb, ${connection.syncIntervalSeconds ?? 900}, ${connection.sandbox ?? false})
    returning ${columns}
  `.execute(tx)
  const [row] = made.rows
  if (!row) throw new Error('an insert returned no row')
  return row
}

/** A connection in whatever state, or undefined. */
export async function getConnection(db: Db, connectionId: string): Promise<Connection | undefined> {
  const found =
    await sql<Connection>`select ${columns} from connections where connection_id = ${connectionId}`.execute(
      db,
    )
  return found.rows[0]
}

export interface ConnectionQuery {
  readonly provider?: string | undefined
  readonly accountId?: string | undefined
  readonly partnerId?: string | undefined
  /** Deleted ones are listed only when asked for. */
  readonly state?: ConnectionState | undefined
  readonly after?: string | undefined
  readonly limit: number
}

/** Connections in id order (oldest first). Each filter has an index that ends in the id. */
export async function listConnections(db: Db, query: ConnectionQuery): Promise<Connection[]> {
  const filter = [
    query.provider === undefined ? undefined : sql`provider = ${query.provider}`,
    query.accountId === undefined ? undefined : sql`account_id = ${query.accountId}`,
    query.partnerId === undefined ? undefined : sql`partner_id = ${query.partnerId}`,
    query.state === undefined ? sql`state <> 'deleted'` : sql`state = ${query.state}`,
    query.after === undefined ? undefined : sql`connection_id > ${query.after}`,
  ].filter((part) => part !== undefined)
  const found = await sql<Connection>`
    select ${columns} from connections where ${sql.join(filter, sql` and `)} order by connection_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** The auth method of connections that only receive webhooks: there is nothing to sync. */
export const receivesOnly = 'webhooks'

/** Ids of connections that may be synced (active, or needing attention: a person may want to try), in id order. */
export async function activeConnectionIds(
  db: Db,
  query: {
    readonly provider?: string | undefined
    readonly accountId?: string | undefined
    readonly connectionId?: string | undefined
    readonly after?: string | undefined
    readonly limit: number
  },
): Promise<string[]> {
  const filter = [
    sql`state in ('active', 'needs_attention') and auth <> ${receivesOnly}`,
    query.provider === undefined ? undefined : sql`provider = ${query.provider}`,
    query.accountId === undefined ? undefined : sql`account_id = ${query.accountId}`,
    query.connectionId === undefined ? undefined : sql`connection_id = ${query.connectionId}`,
    query.after === undefined ? undefined : sql`connection_id > ${query.after}`,
  ].filter((part) => part !== undefined)
  const found = await sql<{ connectionId: string }>`
    select connection_id from connections where ${sql.join(filter, sql` and `)} order by connection_id limit ${query.limit}
  `.execute(db)
  return found.rows.map((row) => row.connectionId)
}

/**
 * Changes what a person may change.
 * @returns the changed row, or undefined when there is none with this id (and this version, if one is expected).
 */
export async function updateConnection(
  tx: Db,
  connectionId: string,
  change: {
    readonly name?: string | undefined
    readonly settings?: Readonly<Record<string, string>> | undefined
    readonly syncIntervalSeconds?: number | undefined
  },
  expectedVersion?: number,
): Promise<Connection | undefined> {
  const settings = change.settings === undefined ? null : JSON.stringify(change.settings)
  const changed = await sql<Connection>`
    update connections set name = coalesce(${change.name ?? null}, name), settings = coalesce(${settings}::jsonb, settings),
      sync_interval_seconds = coalesce(${change.syncIntervalSeconds ?? null}, sync_interval_seconds), version = version + 1, updated_at = now()
    where connection_id = ${connectionId} and state <> 'deleted'
      ${expectedVersion === undefined ? sql`` : sql`and version = ${expectedVersion}`}
    returning ${columns}
  `.execute(tx)
  return changed.rows[0]
}

/** Sets the state of a connection that is not deleted; undefined when there is none. */
export async function setConnectionState(
  tx: Db,
  connectionId: string,
  state: Exclude<ConnectionState, 'deleted'>,
  reason: string | null,
  who: WhoMustAct | null = null,
): Promise<Connection | undefined> {
  const changed = await sql<Connection>`
    update connections set state = ${state}, state_reason = ${reason}, state_who = ${who}, version = version + 1, updated_at = now()
    where connection_id = ${connectionId} and state <> 'deleted' returning ${columns}
  `.execute(tx)
  return changed.rows[0]
}

/**
 * Takes over what connecting again brought: how it shows itself, which account it is. It needs no attention any more; one
 * that a person has paused stays paused. Undefined for one that is deleted.
 */
export async function reconnectConnection(
  tx: Db,
  connectionId: string,
  change: {
    readonly auth: string
    readonly settings: Readonly<Record<string, string>>
    readonly externalAccount: string | null
    readonly name?: string | undefined
    readonly syncIntervalSeconds?: number | undefined
  },
): Promise<Connection | undefined> {
  const changed = await sql<Connection>`
    update connections set auth = ${change.auth}, settings = ${JSON.stringify(change.settings)}::jsonb,
      external_account = coalesce(${change.externalAccount}, external_account), name = coalesce(${change.name ?? null}, name),
      sync_interval_seconds = coalesce(${change.syncIntervalSeconds ?? null}, sync_interval_seconds),
      state = case when state = 'paused' then state else 'active' end,
      state_reason = case when state = 'paused' then state_reason end, state_who = case when state = 'paused' then state_who end,
      version = version + 1, updated_at = now()
    where connection_id = ${connectionId} and state <> 'deleted' returning ${columns}
  `.execute(tx)
  return changed.rows[0]
}

/** Deletes a connection: its secrets are erased, its row stays so that runs and records keep their origin. */
export async function deleteConnection(tx: Db, connectionId: string): Promise<boolean> {
  await sql`delete from credentials where connection_id = ${connectionId}`.execute(tx)
  const changed = await sql<{ connectionId: string }>`
    update connections set state = 'deleted', state_reason = null, state_who = null, version = version + 1, updated_at = now()
    where connection_id = ${connectionId} and state <> 'deleted' returning connection_id
  `.execute(tx)
  return changed.rows.length > 0
}

/** Keeps the outcome of the last health check. */
export async function recordCheck(db: Db, connectionId: string, check: JsonObject): Promise<void> {
  await sql`
    update connections set last_check = ${JSON.stringify(check)}::jsonb, last_checked_at = now() where connection_id = ${connectionId}
  `.execute(db)
}

/** Notes the last run that went through. */
export async function recordSynced(
  db: Db,
  connectionId: string,
  run: { readonly runId: string; readonly at: Date },
): Promise<void> {
  await sql`
    update connections set last_run_id = ${run.runId}, last_synced_at = ${run.at}::timestamptz where connection_id = ${connectionId}
  `.execute(db)
}
