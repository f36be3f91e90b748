/** Writes to providers that were asked for: at most once per idempotency key, their fields sealed, their outcome kept. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { FailureNote } from '../model/failures.ts'
import { canonicalJson, isJsonObject, type JsonObject } from '../model/json.ts'
import type { ConflictPolicy } from '../model/merge.ts'
import { HubError } from '../platform/errors.ts'
import type { Db } from './client.ts'
import type { Vault } from './vault.ts'

export type WriteOperation = 'create' | 'update' | 'delete'
export type WriteState =
  'running' | 'needs_decision' | 'succeeded' | 'failed' | 'compensated' | 'compensation_failed'

export interface Write {
  readonly writeId: string
  readonly partnerId: string
  readonly accountId: string
  readonly connectionId: string
  readonly setId: string | null
  readonly ordinal: number
  readonly resource: string
  readonly operation: WriteOperation
  readonly externalId: string | null
  readonly idempotencyKey: string
  readonly policy: ConflictPolicy
  /** Version of the record that the caller had seen; null: the newest stored. */
  readonly basedOnVersion: number | null
  readonly state: WriteState
  /** Paths at the provider that both sides have changed, while a person is asked. */
  readonly conflictFields: readonly string[]
  readonly decision: Readonly<Record<string, 'hub' | 'provider'>> | null
  readonly writtenFields: readonly string[]
  readonly droppedFields: readonly string[]
  /** Version of the record that holds what was written. */
  readonly recordVersion: number | null
  readonly failure: FailureNote | null
  readonly calls: number
  readonly startedBy: string
  readonly startedAt: Date
  readonly endedAt: Date | null
}

const columns = sql`write_id, partner_id, account_id, connection_id, set_id, ordinal, resource, operation, external_id, idempotency_key,
  policy, based_on_version, state, conflict_fields, decision, written_fields, dropped_fields, record_version, failure, calls, started_by,
  started_at, ended_at`

type Sealed = 'sealed_request' | 'sealed_before' | 'sealed_conflict'
const place = (column: Sealed, row: string) => ({ table: 'writes', column, row })

/** What is to be written: fields of the model, and fields in the provider's own words that go as they are. */
export interface WriteRequest extends JsonObject {
  fields: JsonObject
  providerFields: JsonObject
}

export interface NewWrite {
  readonly writeId: string
  readonly connection: {
    readonly connectionId: string
    readonly partnerId: string
    readonly accountId: string
  }
  readonly setId?: string
  readonly ordinal?: number
  readonly resource: string
  readonly operation: WriteOperation
  readonly externalId: string | undefined
  readonly idempotencyKey: string
  readonly policy: ConflictPolicy
  readonly basedOnVersion: number | undefined
  readonly request: WriteRequest
  readonly startedBy: string
}

const hashOf = (write: NewWrite): Buffer => {
  const { resource, operation, externalId, policy, basedOnVersion, request } = write
  const asked = { resource, operation, externalId, policy, basedOnVersion, request }
  return createHash('sha256').update(canonicalJson(asked)).digest()
}

/**
 * Writes a request down, or finds the one that was made with the same key.
 * @throws HubError `IdempotencyConflict` when the key was used for something else.
 */
export async function beginWrite(
  tx: Db,
  vault: Vault,
  write: NewWrite,
): Promise<{ readonly write: Write; readonly isNew: boolean }> {
  const { connectionId, partnerId, accountId } = write.connection
  const hash = hashOf(write)
  const sealed = await vault.seal(
    tx,
    accountId,
    place('sealed_request', write.writeId),
    JSON.stringify(write.request),
  )
  const made = await sql<Write>`
    insert into writes (write_id, partner_id, account_id, connection_id, set_id, ordinal, resource, operation, external_id, idempotency_key,
      request_hash, policy, based_on_version, sealed_request, started_by)
    values (${write.writeId}, ${partnerId}, ${accountId}, ${connectionId}, ${write.setId ?? null}, ${write.ordinal ?? 0}, ${write.resource},
      ${write.operation}, ${write.externalId ?? null}, ${write.idempotencyKey}, ${hash}, ${write.policy}, ${write.basedOnVersion ?? null},
      ${sealed}, ${write.startedBy})
    on conflict (connection_id, idempotency_key) do nothing returning ${columns}
  `.execute(tx)
  const [row] = made.rows
  if (row) return { write: row, isNew: true }
  const found = await sql<Write & { requestHash: Buffer }>`
    select ${columns}, request_hash from writes where connection_id = ${connectionId} and idempotency_key = ${write.idempotencyKey}
  `.execute(tx)
  const [known] = found.rows
  if (!known?.requestHash.equals(hash))
    throw new HubError(
      'IdempotencyConflict',
      'This Idempotency-Key was used for a different write on this connection.',
    )
  const { requestHash: _hash, ...before } = known
  return { write: before, isNew: false }
}

export async function getWrite(db: Db, writeId: string): Promise<Write | undefined> {
  const found = await sql<Write>`select ${columns} from writes where write_id = ${writeId}`.execute(db)
  return found.rows[0]
}

/** Newest first. */
export async function listWrites(
  db: Db,
  query: { readonly connectionId: string; readonly before?: string | undefined; readonly limit: number },
): Promise<Write[]> {
  const found = await sql<Write>`
    select ${columns} from writes where connection_id = ${query.connectionId}
      ${query.before === undefined ? sql`` : sql`and write_id < ${query.before}`}
    order by write_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** In the order in which they are carried out. */
export async function listWritesOfSet(db: Db, setId: string): Promise<Write[]> {
  const found =
    await sql<Write>`select ${columns} from writes where set_id = ${setId} order by ordinal`.execute(db)
  return found.rows
}

async function openSealed(
  db: Db,
  vault: Vault,
  write: Write,
  column: Sealed,
): Promise<JsonObject | undefined> {
  const found = await sql<{ sealed: Buffer | null }>`
    select ${sql.ref(column)} as sealed from writes where write_id = ${write.writeId}
  `.execute(db)
  const sealed = found.rows[0]?.sealed
  if (!sealed) return undefined
  const plain: unknown = JSON.parse(
    (await vault.open(db, write.accountId, place(column, write.writeId), sealed)).toString('utf8'),
  )
  if (!isJsonObject(plain)) throw new HubError('Internal', 'A stored write cannot be read')
  return plain
}

export async function openWriteRequest(db: Db, vault: Vault, write: Write): Promise<WriteRequest> {
  const request = await openSealed(db, vault, write, 'sealed_request')
  if (!request) throw new HubError('Internal', 'A stored write cannot be read')
  return request as WriteRequest
}

/** The object as it was before the write; undefined before it was read. */
export const openWriteBefore = (db: Db, vault: Vault, write: Write): Promise<JsonObject | undefined> =>
  openSealed(db, vault, write, 'sealed_before')

/** `{fields: [{path, ours, theirs, base}]}` of a write that waits for a decision. */
export const openWriteConflict = (db: Db, vault: Vault, write: Write): Promise<JsonObject | undefined> =>
  openSealed(db, vault, write, 'sealed_conflict')

/** Keeps the object as it was before the first attempt; later ones may already see their own write. */
export async function keepBefore(db: Db, vault: Vault, write: Write, before: JsonObject): Promise<void> {
  const sealed = await vault.seal(
    db,
    write.accountId,
    place('sealed_before', write.writeId),
    JSON.stringify(before),
  )
  await sql`update writes set sealed_before = coalesce(sealed_before, ${sealed}) where write_id = ${write.writeId}`.execute(
    db,
  )
}

/** Asks a person. False when the write is not under way any more. */
export async function askForDecision(
  tx: Db,
  vault: Vault,
  write: Write,
  conflict: { readonly fields: JsonObject[] },
): Promise<boolean> {
  const sealed = await vault.seal(
    tx,
    write.accountId,
    place('sealed_conflict', write.writeId),
    JSON.stringify(conflict),
  )
  const paths = conflict.fields.map(({ path }) => path)
  const changed = await sql<{ writeId: string }>`
    update writes set state = 'needs_decision', sealed_conflict = ${sealed}, conflict_fields = ${JSON.stringify(paths)}::jsonb, decision = null
    where write_id = ${write.writeId} and state in ('running', 'needs_decision') returning write_id
  `.execute(tx)
  return changed.rows.length > 0
}

/** Takes a person's decision. False when none is waited for. */
export async function decideWrite(
  tx: Db,
  writeId: string,
  decision: Readonly<Record<string, 'hub' | 'provider'>>,
): Promise<boolean> {
  const changed = await sql<{ writeId: string }>`
    update writes set decision = ${JSON.stringify(decision)}::jsonb, state = 'running'
    where write_id = ${writeId} and state = 'needs_decision' returning write_id
  `.execute(tx)
  return changed.rows.length > 0
}

/** The object that a creation made, as soon as it is known: what is read of it meanwhile is the hub's own doing. */
export async function succeedWrite(
  tx: Db,
  writeId: string,
  outcome: {
    readonly externalId: string | null
    readonly writtenFields: readonly string[]
    readonly droppedFields: readonly string[]
    readonly recordVersion: number | null
    readonly calls: number
  },
): Promise<boolean> {
  const changed = await sql<{ writeId: string }>`
    update writes set state = 'succeeded', external_id = coalesce(${outcome.externalId}, external_id), ended_at = now(),
      written_fields = ${JSON.stringify(outcome.writtenFields)}::jsonb, dropped_fields = ${JSON.stringify(outcome.droppedFields)}::jsonb,
      record_version = ${outcome.recordVersion}, calls = calls + ${outcome.calls}, sealed_conflict = null
    where write_id = ${writeId} and state = 'running' returning write_id
  `.execute(tx)
  return changed.rows.length > 0
}

export async function failWrite(tx: Db, writeId: string, failure: FailureNote): Promise<boolean> {
  const changed = await sql<{ writeId: string }>`
    update writes set state = 'failed', failure = ${JSON.stringify(failure)}::jsonb, ended_at = now(), sealed_conflict = null
    where write_id = ${writeId} and state in ('running', 'needs_decision') returning write_id
  `.execute(tx)
  return changed.rows.length > 0
}

/** Notes that a write that had succeeded was taken back, or could not be. */
export async function noteCompensation(
  tx: Db,
  writeId: string,
  state: 'compensated' | 'compensation_failed',
  failure: FailureNote | null,
): Promise<void> {
  await sql`
    update writes set state = ${state}, failure = ${failure === null ? null : JSON.stringify(failure)}::jsonb
    where write_id = ${writeId} and state in ('succeeded', 'compensation_failed')
  `.execute(tx)
}

export async function addWriteCalls(db: Db, writeId: string, calls: number): Promise<void> {
  if (calls > 0) await sql`update writes set calls = calls + ${calls} where write_id = ${writeId}`.execute(db)
}

/**
 * A reading that came before the write's own end was known (a sync met the new object first) is the write's doing after
 * all: its entry in the feed says so from now on.
 */
export async function claimChange(
  tx: Db,
  write: Pick<Write, 'writeId' | 'connectionId' | 'resource' | 'partnerId'>,
  externalId: string,
): Promise<void> {
  await sql`
    update changes c set origin = ${`write:${write.writeId}`} from writes w
    where w.write_id = ${write.writeId} and c.partner_id = ${write.partnerId} and c.transaction_id >= w.started_transaction
      and c.created_at >= w.started_at and c.connection_id = ${write.connectionId} and c.resource = ${write.resource}
      and c.external_id = ${externalId} and c.origin is null and c.effect = 'created'
  `.execute(tx)
}
