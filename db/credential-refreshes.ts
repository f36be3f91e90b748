/**
 * How renewing credentials goes: who may do it now, what was begun, how long nobody may ask again. Beside `credentials`,
 * which holds only what was got.
 */
import { sql } from 'kysely'
import type { FailureNote } from '../model/failures.ts'
import type { Db } from './client.ts'

export interface RefreshState {
  /** The generation whose refresh token the last attempt spends. */
  readonly generation: number
  /** Which try with that generation it is. */
  readonly attempt: number
  readonly startedAt: Date | null
  /** Sent, and no answer was kept. */
  readonly sent: boolean
  /** In a row. */
  readonly failures: number
  readonly failingSince: Date | null
  readonly retryAt: Date | null
  readonly lastFailure: FailureNote | null
  /** The generation of which the provider has said that it is renewed no more. */
  readonly refusedGeneration: number | null
  readonly refreshedGeneration: number | null
  readonly refreshedAt: Date | null
}

const untouched: RefreshState = {
  generation: 0,
  attempt: 0,
  startedAt: null,
  sent: false,
  failures: 0,
  failingSince: null,
  retryAt: null,
  lastFailure: null,
  refusedGeneration: null,
  refreshedGeneration: null,
  refreshedAt: null,
}

export type Settled<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }

/** How long Postgres keeps the lock of a process that has gone silent without dying. Longer than a refresh may take. */
const silentMs = 60_000

/**
 * Does `work` as the only one for this connection in all processes; undefined when somebody else is at it. The lock is a
 * transaction's on a connection of its own that writes nothing (so it has no transaction id, and the change feed does not
 * wait for it); it ends with its process, at once.
 */
export async function withRefreshLock<T>(
  db: Db,
  connectionId: string,
  work: () => Promise<T>,
): Promise<Settled<T> | undefined> {
  let settled: Settled<T> | undefined
  try {
    return await db.transaction().execute(async (tx) => {
      await sql`select set_config('idle_in_transaction_session_timeout', ${String(silentMs)}, true)`.execute(
        tx,
      )
      const found = await sql<{ held: boolean }>`
        select pg_try_advisory_xact_lock(hashtextextended(${`credential refresh ${connectionId}`}, 0)) as held
      `.execute(tx)
      if (found.rows[0]?.held !== true) return undefined
      settled = await work().then(
        (value) => ({ ok: true as const, value }),
        (error: unknown) => ({ ok: false as const, error }),
      )
      return settled
    })
  } catch (error) {
    // The work is done, whatever became of the connection that held the lock.
    if (settled) return settled
    throw error
  }
}

export async function getRefreshState(db: Db, connectionId: string): Promise<RefreshState> {
  const found = await sql<RefreshState>`
    select generation, attempt, started_at, sent, failures, failing_since, retry_at, last_failure, refused_generation,
      refreshed_generation, refreshed_at
    from credential_refreshes where connection_id = ${connectionId}
  `.execute(db)
  return found.rows[0] ?? untouched
}

/** Written before the call: if the process dies after it, this tells what may have been spent. */
export async function beginRefresh(
  db: Db,
  owner: { readonly connectionId: string; readonly partnerId: string },
  generation: number,
  now: Date,
): Promise<void> {
  await sql`
    insert into credential_refreshes as r (connection_id, partner_id, generation, attempt, started_at, sent)
    values (${owner.connectionId}, ${owner.partnerId}, ${generation}, 1, ${now}::timestamptz, true)
    on conflict (connection_id) do update set generation = excluded.generation,
      attempt = case when r.generation = excluded.generation then r.attempt + 1 else 1 end,
      started_at = excluded.started_at, sent = true, updated_at = now()
  `.execute(db)
}

/** In the transaction that stores what was got. */
export async function noteRefreshed(
  tx: Db,
  connectionId: string,
  generation: number,
  now: Date,
): Promise<void> {
  await sql`
    update credential_refreshes set refreshed_generation = ${generation}, refreshed_at = ${now}::timestamptz, updated_at = now()
    where connection_id = ${connectionId}
  `.execute(tx)
}

/**
 * Notes a failure that may pass. `isAnswered`: the provider has refused before it did anything, so nothing is spent.
 * @returns since when it has been failing.
 */
export async function noteRefreshFailure(
  db: Db,
  owner: { readonly connectionId: string; readonly partnerId: string },
  wish: {
    readonly failure: FailureNote
    readonly isAnswered: boolean
    readonly retryAt: Date
    readonly now: Date
  },
): Promise<Date> {
  const { failure, isAnswered, retryAt, now } = wish
  const noted = await sql<{ failingSince: Date }>`
    insert into credential_refreshes as r (connection_id, partner_id, failures, failing_since, retry_at, last_failure)
    values (${owner.connectionId}, ${owner.partnerId}, 1, ${now}::timestamptz, ${retryAt}::timestamptz, ${JSON.stringify(failure)}::jsonb)
    on conflict (connection_id) do update set sent = r.sent and not ${isAnswered}::boolean, failures = r.failures + 1,
      failing_since = coalesce(r.failing_since, excluded.failing_since), retry_at = excluded.retry_at,
      last_failure = excluded.last_failure, updated_at = now()
    returning failing_since
  `.execute(db)
  return noted.rows[0]?.failingSince ?? now
}

/** The provider renews this generation no more: nobody need ask again. */
export async function noteRefused(
  tx: Db,
  owner: { readonly connectionId: string; readonly partnerId: string },
  generation: number,
  failure: FailureNote,
): Promise<void> {
  await sql`
    insert into credential_refreshes as r (connection_id, partner_id, refused_generation, failures, last_failure)
    values (${owner.connectionId}, ${owner.partnerId}, ${generation}, 1, ${JSON.stringify(failure)}::jsonb)
    on conflict (connection_id) do update set sent = false, refused_generation = excluded.refused_generation, retry_at = null,
      failures = r.failures + 1, last_failure = excluded.last_failure, updated_at = now()
  `.execute(tx)
}

/** A person says: try again now. What may be spent stays noted. */
export async function forgetRefreshFailures(tx: Db, connectionId: string): Promise<void> {
  await sql`
    update credential_refreshes set failures = 0, failing_since = null, retry_at = null, refused_generation = null, updated_at = now()
    where connection_id = ${connectionId}
  `.execute(tx)
}

/**
 * True while the credential in force is one that the provider renews no more: what still works with it does not mend the
 * connection.
 */
export async function isRefreshHopeless(db: Db, connectionId: string): Promise<boolean> {
  const found = await sql<{ hopeless: boolean }>`
    select r.refused_generation is not distinct from (select max(generation) from credentials c where c.connection_id = r.connection_id)
      and r.refused_generation is not null as hopeless
    from credential_refreshes r where r.connection_id = ${connectionId}
  `.execute(db)
  return found.rows[0]?.hopeless ?? false
}
