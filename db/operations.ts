/** Actions and reports that were asked for: at most once per idempotency key, input and result sealed. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { FailureNote } from '../model/failures.ts'
import { canonicalJson, type JsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import type { Db } from './client.ts'
import type { Vault } from './vault.ts'

export type OperationKind = 'action' | 'report'
export type OperationState = 'running' | 'succeeded' | 'failed'

export interface Operation {
  readonly operationId: string
  readonly partnerId: string
  readonly accountId: string
  readonly connectionId: string
  readonly kind: OperationKind
  /** Full name: `<slug>.<name>`. */
  readonly name: string
  readonly idempotencyKey: string
  readonly state: OperationState
  readonly failure: FailureNote | null
  /** Calls made to the provider, repetitions counted. */
  readonly calls: number
  /** When the answer of a report was made; earlier than its end where it was given again. */
  readonly computedAt: Date | null
  /** The operation whose answer was given again. */
  readonly cachedFrom: string | null
  /** The caller wants no answer from before. */
  readonly isFresh: boolean
  readonly startedBy: string
  readonly startedAt: Date
  readonly endedAt: Date | null
}

export interface NewOperation {
  readonly operationId: string
  readonly connection: {
    readonly connectionId: string
    readonly partnerId: string
    readonly accountId: string
  }
  readonly kind: OperationKind
  readonly name: string
  readonly input: JsonObject
  readonly idempotencyKey: string
  readonly isFresh?: boolean
  readonly startedBy: string
}

const columns = sql`operation_id, partner_id, account_id, connection_id, kind, name, idempotency_key, state, failure, calls, computed_at, cached_from, is_fresh, started_by, started_at, ended_at`

const place = (column: 'sealed_input' | 'sealed_result', row: string) => ({
  table: 'operations',
  column,
  row,
})

/** Order of keys and white space in the input make no difference. */
const requestHash = ({ kind, name, input }: NewOperation): Buffer =>
  createHash('sha256').update(canonicalJson({ kind, name, input })).digest()

/**
 * Makes the row of an operation, or finds the one that the same key made before. `isNew` says which.
 * @throws HubError `IdempotencyConflict` when the key was used for a different request on this connection.
 */
export async function beginOperation(
  db: Db,
  vault: Vault,
  wish: NewOperation,
): Promise<{ readonly operation: Operation; readonly isNew: boolean }> {
  const { connection, operationId } = wish
  const hash = requestHash(wish)
  const sealed = await vault.seal(
    db,
    connection.accountId,
    place('sealed_input', operationId),
    JSON.stringify(wish.input),
  )
  const made = await sql<Operation>`
    insert into operations (operation_id, partner_id, account_id, connection_id, kind, name, idempotency_key, request_hash,
      state, sealed_input, is_fresh, started_by)
    values (${operationId}, ${connection.partnerId}, ${connection.accountId}, ${connection.connectionId}, ${wish.kind},
      ${wish.name}, ${wish.idempotencyKey}, ${hash}, 'running', ${sealed}, ${wish.isFresh ?? false}, ${wish.startedBy})
    on conflict (connection_id, idempotency_key) do nothing returning ${columns}
  `.execute(db)
  const [operation] = made.rows
  if (operation) return { operation, isNew: true }
  const known = await sql<Operation & { requestHash: Buffer }>`
    select ${columns}, request_hash from operations
    where connection_id = ${connection.connectionId} and idempotency_key = ${wish.idempotencyKey}
  `.execute(db)
  const [row] = known.rows
  if (!row) throw new HubError('StateConflict', 'The operation of this key is just being removed. Try again.')
  const { requestHash: before, ...found } = row
  if (!before.equals(hash)) {
    throw new HubError(
      'IdempotencyConflict',
      'This idempotency key was used for a different request. Use a new key.',
    )
  }
  return { operation: found, isNew: false }
}

/** One operation, or undefined. */
export async function getOperation(db: Db, operationId: string): Promise<Operation | undefined> {
  const found =
    await sql<Operation>`select ${columns} from operations where operation_id = ${operationId}`.execute(db)
  return found.rows[0]
}

/** Operations of a connection, newest first. `after`: id of the last row of the page before. */
export async function listOperations(
  db: Db,
  query: { readonly connectionId: string; readonly after?: string | undefined; readonly limit: number },
): Promise<Operation[]> {
  const after = query.after === undefined ? sql`` : sql`and operation_id < ${query.after}`
  const found = await sql<Operation>`
    select ${columns} from operations where connection_id = ${query.connectionId} ${after}
    order by operation_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** What was asked for. */
export async function openOperationInput(db: Db, vault: Vault, operation: Operation): Promise<JsonObject> {
  const sealed = await sealedOf(db, 'sealed_input', operation.operationId)
  if (!sealed)
    throw new HubError('Internal', 'The operation has no input', { internal: operation.operationId })
  return await openJson(db, vault, operation, 'sealed_input', sealed)
}

/** What came out; undefined unless it succeeded. */
export async function openOperationResult(
  db: Db,
  vault: Vault,
  operation: Operation,
): Promise<JsonObject | undefined> {
  const sealed = await sealedOf(db, 'sealed_result', operation.operationId)
  return sealed ? await openJson(db, vault, operation, 'sealed_result', sealed) : undefined
}

/** An earlier answer to the same question. */
export interface Answer {
  readonly operationId: string
  readonly computedAt: Date
}

/** The newest answer to the same report with the same input, made at `since` or later. */
export async function findAnswer(
  db: Db,
  operation: Pick<Operation, 'operationId' | 'connectionId' | 'name'>,
  since: Date,
): Promise<Answer | undefined> {
  const found = await sql<Answer>`
    select o.operation_id, o.computed_at from operations o
    where o.connection_id = ${operation.connectionId} and o.name = ${operation.name}
      and o.request_hash = (select request_hash from operations where operation_id = ${operation.operationId})
      and o.kind = 'report' and o.state = 'succeeded' and o.cached_from is null and o.computed_at >= ${since}::timestamptz
    order by o.computed_at desc limit 1
  `.execute(db)
  return found.rows[0]
}

/** Ends an operation with its result. False when it had ended before: then nothing changes. */
export async function succeedOperation(
  tx: Db,
  vault: Vault,
  operation: Operation,
  end: { readonly result: JsonObject; readonly calls: number; readonly answer?: Answer | undefined },
): Promise<boolean> {
  const { operationId, accountId } = operation
  const sealed = await vault.seal(
    tx,
    accountId,
    place('sealed_result', operationId),
    JSON.stringify(end.result),
  )
  const done = await sql`
    update operations set state = 'succeeded', sealed_result = ${sealed}, calls = calls + ${end.calls}, ended_at = now(),
      computed_at = coalesce(${end.answer?.computedAt ?? null}::timestamptz, now()), cached_from = ${end.answer?.operationId ?? null}
    where operation_id = ${operationId} and state = 'running' returning operation_id
  `.execute(tx)
  return done.rows.length > 0
}

/** Ends an operation that could not be done. False when it had ended before. */
export async function failOperation(tx: Db, operationId: string, failure: FailureNote): Promise<boolean> {
  const done = await sql`
    update operations set state = 'failed', failure = ${JSON.stringify(failure)}::jsonb, ended_at = now()
    where operation_id = ${operationId} and state = 'running' returning operation_id
  `.execute(tx)
  return done.rows.length > 0
}

/** Counts the calls of an attempt that failed. */
export async function addOperationCalls(db: Db, operationId: string, calls: number): Promise<void> {
  if (calls > 0)
    await sql`update operations set calls = calls + ${calls} where operation_id = ${operationId}`.execute(db)
}

async function sealedOf(
  db: Db,
  column: 'sealed_input' | 'sealed_result',
  operationId: string,
): Promise<Buffer | null> {
  const found = await sql<{ sealed: Buffer | null }>`
    select ${sql.ref(column)} as sealed from operations where operation_id = ${operationId}
  `.execute(db)
  return found.rows[0]?.sealed ?? null
}

async function openJson(
  db: Db,
  vault: Vault,
  operation: Operation,
  column: 'sealed_input' | 'sealed_result',
  sealed: Buffer,
): Promise<JsonObject> {
  const plain = await vault.open(db, operation.accountId, place(column, operation.operationId), sealed)
  return JSON.parse(plain.toString('utf8')) as JsonObject
}
