/** Actions and reports: written down once per idempotency key, carried out by a workflow, waited for if wished. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import type { Connection } from '../../db/connections.ts'
import {
  beginOperation,
  failOperation,
  getOperation as findOperation,
  listOperations as selectOperations,
  openOperationResult,
  type Operation,
  type OperationKind,
} from '../../db/operations.ts'
import type { JsonObject, JsonSchema } from '../../model/json.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import type { Action, Provider, Report } from '../../providers/contract.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { waitMsOf } from '../prefer.ts'
import { invalidInput } from '../problem.ts'
import { compileSchema, type Check } from '../validation.ts'
import { connectionOf, providerOf, usableConnection } from './find.ts'

type OperationJson = components['schemas']['Operation']

const defaultWaitMs = 5_000

export const runAction: Handler<'runAction'> = async (deps, { path, header, body, caller }) => {
  const wish = { kind: 'action', path, body: body as JsonObject, key: header['Idempotency-Key'] } as const
  return await run(deps, caller, wish, waitMsOf(header.Prefer) ?? defaultWaitMs)
}

export const runReport: Handler<'runReport'> = async (deps, { path, query, header, body, caller }) => {
  const isFresh = query.fresh === true
  const wish = {
    kind: 'report',
    path,
    body: body as JsonObject,
    key: header['Idempotency-Key'],
    isFresh,
  } as const
  return await run(deps, caller, wish, waitMsOf(header.Prefer) ?? defaultWaitMs)
}

interface Wish {
  readonly kind: OperationKind
  readonly path: { readonly connectionId: string; readonly name: string }
  readonly body: JsonObject
  /** Undefined for a report that need not be repeatable. */
  readonly key: string | undefined
  /** No answer from before will do. */
  readonly isFresh?: boolean
}

async function run(deps: ApiDeps, caller: Caller, wish: Wish, waitMs: number) {
  const connection = await usableConnection(deps, wish.path.connectionId)
  const provider = providerOf(deps, connection)
  const work = workOf(provider, wish.kind, wish.path.name)
  const wrong = checkOf(work.input)(wish.body)
  if (wrong.length > 0) throw invalidInput(wrong.map((error) => ({ in: 'body', ...error })))
  const name = `${provider.slug}.${work.name}`
  const begun = await begin(deps, caller, connection, wish, name)
  if (begun.state === 'running') await carryOut(deps, connection, begun, waitMs, wish.key === undefined)
  const operation = (await findOperation(deps.database.db, begun.operationId)) ?? begun
  const body = await show(deps, operation)
  if (operation.state !== 'running') return { status: 200, body } as const
  const headers = { Location: `/admin/v1/operations/${operation.operationId}` }
  return { status: 202, body, headers } as const
}

/** @throws HubError `NoSuchThing` with the names that there are. */
function workOf(provider: Provider, kind: OperationKind, name: string): Action | Report {
  const known: readonly (Action | Report)[] = kind === 'action' ? provider.actions : provider.reports
  const work = known.find((one) => name === one.name || name === `${provider.slug}.${one.name}`)
  if (work) return work
  const names = known.map((one) => one.name).join(', ') || 'none'
  throw new HubError('NoSuchThing', `${provider.name} has no ${kind} "${name}". It has: ${names}.`)
}

/** Schemas of providers never change while the process lives. */
const checks = new WeakMap<JsonSchema, Check>()

function checkOf(schema: JsonSchema): Check {
  let check = checks.get(schema)
  if (!check) {
    check = compileSchema(schema)
    checks.set(schema, check)
  }
  return check
}

async function begin(
  { database, vault }: ApiDeps,
  caller: Caller,
  connection: Connection,
  wish: Wish,
  name: string,
): Promise<Operation> {
  const operationId = newId('operation')
  return await inTransaction(database.db, async (tx) => {
    const { operation, isNew } = await beginOperation(tx, vault, {
      operationId,
      connection,
      kind: wish.kind,
      name,
      input: wish.body,
      idempotencyKey: wish.key ?? operationId,
      isFresh: wish.isFresh ?? false,
      startedBy: caller.name,
    })
    if (isNew) {
      await appendAudit(tx, {
        actor: caller.name,
        action: `${wish.kind}.requested`,
        subject: operationId,
        partnerId: connection.partnerId,
        details: { connectionId: connection.connectionId, name },
      })
    }
    return operation
  })
}

/**
 * Starts the workflow of an operation (again: it is the same one) and waits. When Temporal does not answer, an operation
 * that its caller can ask for again stays open; one that nobody could find again is ended.
 */
async function carryOut(
  { temporal, database }: ApiDeps,
  connection: Connection,
  operation: Operation,
  waitMs: number,
  isOrphan: boolean,
): Promise<void> {
  const { connectionId, partnerId, accountId, provider, name } = connection
  const { operationId, kind } = operation
  const facts = { connectionId, partnerId, accountId, provider, name }
  try {
    const started = await temporal.startOperation({ ...facts, operationId, kind, operation: operation.name })
    if (waitMs > 0) await temporal.waitForOperation(started, waitMs)
  } catch (error) {
    if (isOrphan && error instanceof HubError)
      await failOperation(database.db, operationId, { code: error.code, message: error.message })
    throw error
  }
}

const workflowIdOf = ({ kind, operationId }: Operation): string =>
  kind === 'action' ? workflowIds.runAction(operationId) : workflowIds.runReport(operationId)

export const getOperation: Handler<'getOperation'> = async (deps, { path, header }) => {
  const { db } = deps.database
  let operation = await findOperation(db, path.operationId)
  if (!operation) throw new HubError('NoSuchThing', `There is no operation "${path.operationId}".`)
  const waitMs = waitMsOf(header.Prefer) ?? 0
  if (operation.state === 'running' && waitMs > 0) {
    await deps.temporal.waitForOperation({ workflowId: workflowIdOf(operation) }, waitMs)
    operation = (await findOperation(db, path.operationId)) ?? operation
  }
  return { status: 200, body: await show(deps, operation) }
}

export const listOperations: Handler<'listOperations'> = async (deps, call) => {
  const after = positionOf(call, { operationId: 'string' })?.operationId
  const { connectionId } = await connectionOf(deps, call.path.connectionId)
  const rows = await selectOperations(deps.database.db, { connectionId, after, limit: rowsFor(call) })
  return listAnswer(
    call,
    rows,
    (operation) => showWith(deps, operation, null),
    ({ operationId }) => ({ operationId }),
  )
}

async function show(deps: ApiDeps, operation: Operation): Promise<OperationJson> {
  const { db } = deps.database
  const result =
    operation.state === 'succeeded' ? await openOperationResult(db, deps.vault, operation) : undefined
  return showWith(deps, operation, result ?? null)
}

function showWith({ temporal }: ApiDeps, operation: Operation, result: JsonObject | null): OperationJson {
  const { startedAt, endedAt, computedAt, isFresh: _fresh, ...rest } = operation
  return {
    ...rest,
    result,
    computedAt: computedAt?.toISOString() ?? null,
    cacheAgeSeconds:
      computedAt && endedAt
        ? Math.max(0, Math.round((endedAt.getTime() - computedAt.getTime()) / 1000))
        : null,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    temporalUrl: temporal.workflowLink(workflowIdOf(operation)),
  }
}
