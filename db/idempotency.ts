/** Requests that are done once per key: who holds a key, and what the first request with it was answered. */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import type { Db } from './client.ts'

export interface RequestKey {
  readonly caller: string
  readonly idempotencyKey: string
}

export interface KeptAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: JsonObject | null
}

/** A request that has held its key this long without an answer died with its process. */
const abandonedAfter = '2 minutes'
const keptFor = '24 hours'

/**
 * Takes the key for a request, or answers what the first request with it was answered.
 * @throws HubError `IdempotencyConflict` when it was used for something else; `StateConflict` while the first one is under way.
 */
export async function takeRequestKey(
  db: Db,
  key: RequestKey,
  requestHash: Buffer,
): Promise<KeptAnswer | undefined> {
  const { caller, idempotencyKey } = key
  await sql`
    delete from idempotent_requests where caller = ${caller} and idempotency_key = ${idempotencyKey}
      and (created_at < now() - ${keptFor}::interval
        or (status is null and request_hash = ${requestHash} and created_at < now() - ${abandonedAfter}::interval))
  `.execute(db)
  const taken = await sql<{ caller: string }>`
    insert into idempotent_requests (caller, idempotency_key, request_hash) values (${caller}, ${idempotencyKey}, ${requestHash})
    on conflict do nothing returning caller
  `.execute(db)
  if (taken.rows.length > 0) return undefined
  const found = await sql<{
    requestHash: Buffer
    status: number | null
    headers: Record<string, string> | null
    body: JsonObject | null
  }>`
    select request_hash, status, headers, body from idempotent_requests
    where caller = ${caller} and idempotency_key = ${idempotencyKey}
  `.execute(db)
  const [row] = found.rows
  if (row && !row.requestHash.equals(requestHash)) {
    throw new HubError(
      'IdempotencyConflict',
      'This idempotency key was used for a different request. Use a new key.',
    )
  }
  if (row?.status == null) {
    throw new HubError('StateConflict', 'A request with this idempotency key is under way. Try again.', {
      retryAt: new Date(Date.now() + 1_000),
    })
  }
  return { status: row.status, headers: row.headers ?? {}, body: row.body }
}

/** Keeps the answer, and clears away some that are older than a day. */
export async function keepAnswer(db: Db, key: RequestKey, answer: KeptAnswer): Promise<void> {
  await sql`
    update idempotent_requests set status = ${answer.status}, headers = ${JSON.stringify(answer.headers)}::jsonb,
      body = ${JSON.stringify(answer.body)}::jsonb
    where caller = ${key.caller} and idempotency_key = ${key.idempotencyKey}
  `.execute(db)
  await sql`
    delete from idempotent_requests where (caller, idempotency_key) in (
      select caller, idempotency_key from idempotent_requests where created_at < now() - ${keptFor}::interval
      order by created_at limit 100)
  `.execute(db)
}

/** Gives a key back whose request changed nothing. */
export async function giveRequestKeyBack(db: Db, key: RequestKey): Promise<void> {
  await sql`
    delete from idempotent_requests where caller = ${key.caller} and idempotency_key = ${key.idempotencyKey} and status is null
  `.execute(db)
}
