/** Several writes asked for as one. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { canonicalJson, type JsonValue } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import type { Db } from './client.ts'

export type WriteSetState =
  'running' | 'succeeded' | 'partly_failed' | 'failed' | 'compensated' | 'compensation_failed'

export interface WriteSet {
  readonly setId: string
  readonly partnerId: string
  readonly accountId: string
  readonly mode: 'together' | 'independent'
  readonly state: WriteSetState
  readonly startedBy: string
  readonly startedAt: Date
  readonly endedAt: Date | null
}

const columns = sql`set_id, partner_id, account_id, mode, state, started_by, started_at, ended_at`

/** @throws HubError `IdempotencyConflict` when the key was used for something else. */
export async function beginWriteSet(
  tx: Db,
  set: Pick<WriteSet, 'setId' | 'partnerId' | 'accountId' | 'mode' | 'startedBy'> & {
    readonly idempotencyKey: string
    readonly request: JsonValue
  },
): Promise<{ readonly set: WriteSet; readonly isNew: boolean }> {
  const hash = createHash('sha256').update(canonicalJson(set.request)).digest()
  const made = await sql<WriteSet>`
    insert into write_sets (set_id, partner_id, account_id, idempotency_key, request_hash, mode, started_by)
    values (${set.setId}, ${set.partnerId}, ${set.accountId}, ${set.idempotencyKey}, ${hash}, ${set.mode}, ${set.startedBy})
    on conflict (account_id, idempotency_key) do nothing returning ${columns}
  `.execute(tx)
  const [row] = made.rows
  if (row) return { set: row, isNew: true }
  const found = await sql<WriteSet & { requestHash: Buffer }>`
    select ${columns}, request_hash from write_sets where account_id = ${set.accountId} and idempotency_key = ${set.idempotencyKey}
  `.execute(tx)
  const [known] = found.rows
  if (!known?.requestHash.equals(hash))
    throw new HubError('IdempotencyConflict', 'This Idempotency-Key was used for a different set of writes.')
  const { requestHash: _hash, ...before } = known
  return { set: before, isNew: false }
}

export async function getWriteSet(db: Db, setId: string): Promise<WriteSet | undefined> {
  const found = await sql<WriteSet>`select ${columns} from write_sets where set_id = ${setId}`.execute(db)
  return found.rows[0]
}

export async function endWriteSet(
  tx: Db,
  setId: string,
  state: Exclude<WriteSetState, 'running'>,
): Promise<boolean> {
  const ended = await sql<{ setId: string }>`
    update write_sets set state = ${state}, ended_at = now() where set_id = ${setId} and state = 'running' returning set_id
  `.execute(tx)
  return ended.rows.length > 0
}
