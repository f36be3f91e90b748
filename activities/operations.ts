/** Actions and reports: asked for through the API, carried out once, their input and result kept out of Temporal. */
import { appendAudit } from '../db/audit.ts'
import { asTenant } from '../db/client.ts'
import {
  addOperationCalls,
  failOperation,
  findAnswer,
  getOperation,
  openOperationInput,
  openOperationResult,
  succeedOperation,
  type Operation,
  type OperationKind,
  type OperationState,
} from '../db/operations.ts'
import type { FailureNote } from '../model/failures.ts'
import type { JsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import type { Action, Provider, ProviderContext, Report } from '../providers/contract.ts'
import { checkAgainstSchema } from './check-schema.ts'
import type { ActivityDeps } from './deps.ts'
import { describeConnection, type ConnectionFacts } from './describe.ts'
import { failing } from './failure.ts'
import { openSession } from './session.ts'
import { whileBeating } from './steady.ts'

/** What the workflow must know to run and to explain itself. */
export interface OperationFacts extends ConnectionFacts {
  readonly operationId: string
  readonly kind: OperationKind
  readonly operation: string
  readonly title: string
  readonly operationState: OperationState
}

interface OperationKey {
  readonly operationId: string
}

async function load(deps: ActivityDeps, operationId: string): Promise<Operation> {
  const operation = await getOperation(deps.database.db, operationId)
  if (!operation) throw new HubError('InvalidInput', `There is no operation "${operationId}".`)
  return operation
}

/** @throws `InvalidInput` for an operation that is not there, or whose provider has no such action or report. */
async function describeOperation(deps: ActivityDeps, { operationId }: OperationKey): Promise<OperationFacts> {
  const operation = await load(deps, operationId)
  const facts = await describeConnection(deps, operation)
  const provider = deps.findProvider(facts.provider)
  if (!provider)
    throw new HubError('NotConfigured', `This hub does not know the provider "${facts.provider}".`)
  const { title } = workOf(provider, operation)
  return {
    ...facts,
    operationId,
    kind: operation.kind,
    operation: operation.name,
    title,
    operationState: operation.state,
  }
}

/**
 * Carries the operation out and seals its result. The idempotency key that the provider gets is the operation's id, the
 * same on each attempt. An operation that has ended is not repeated.
 */
async function performOperation(
  deps: ActivityDeps,
  { operationId }: OperationKey,
): Promise<{ state: OperationState }> {
  const { db } = deps.database
  const operation = await load(deps, operationId)
  if (operation.state !== 'running') return { state: operation.state }
  const input = await openOperationInput(db, deps.vault, operation)
  const kept = await keptAnswer(deps, operation)
  if (kept) {
    await asTenant(db, operation.partnerId, async (tx) => {
      if (await succeedOperation(tx, deps.vault, operation, { ...kept, calls: 0 }))
        await audit(tx, operation, 'succeeded', { cachedFrom: kept.answer.operationId })
    })
    return { state: 'succeeded' }
  }
  let calls = 0
  try {
    const result = await whileBeating(async (signal) => {
      const wish = { priority: 'interactive', signal, onCall: () => void calls++ } as const
      const session = await openSession(deps, operation.connectionId, wish)
      if (session.connection.state === 'paused')
        throw new HubError('StateConflict', 'The connection is paused. Resume it first.')
      return await workOf(session.provider, operation).run(session.context, input, operationId)
    })
    await asTenant(db, operation.partnerId, async (tx) => {
      if (await succeedOperation(tx, deps.vault, operation, { result, calls }))
        await audit(tx, operation, 'succeeded', {})
    })
    return { state: 'succeeded' }
  } catch (error) {
    await addOperationCalls(db, operationId, calls)
    throw error
  }
}

/**
 * The answer that the same report got a moment ago, where it may be given again: the provider's quota is shared by all
 * who ask. A caller who wants a fresh one says so in the operation.
 */
async function keptAnswer(deps: ActivityDeps, operation: Operation) {
  if (operation.kind !== 'report' || operation.isFresh) return undefined
  const { db } = deps.database
  const { provider } = await describeConnection(deps, operation)
  const report = deps.findProvider(provider)?.reports.find(({ name }) => operation.name.endsWith(`.${name}`))
  if (!report || report.cacheSeconds === 0) return undefined
  const since = new Date(deps.clock.now().getTime() - report.cacheSeconds * 1000)
  const answer = await findAnswer(db, operation, since)
  const source = answer && (await getOperation(db, answer.operationId))
  const result = source && (await openOperationResult(db, deps.vault, source))
  return answer && result ? { answer, result } : undefined
}

/** Notes why an operation could not be done. Repeatable; an operation that has ended stays as it is. */
async function endFailedOperation(
  deps: ActivityDeps,
  { operationId, failure }: OperationKey & { readonly failure: FailureNote },
): Promise<void> {
  const operation = await load(deps, operationId)
  await asTenant(deps.database.db, operation.partnerId, async (tx) => {
    if (await failOperation(tx, operationId, failure))
      await audit(tx, operation, 'failed', { code: failure.code })
  })
}

async function audit(
  tx: Parameters<typeof appendAudit>[0],
  operation: Operation,
  state: OperationState,
  details: JsonObject,
): Promise<void> {
  await appendAudit(tx, {
    actor: operation.startedBy,
    action: `${operation.kind}.${state}`,
    subject: operation.operationId,
    partnerId: operation.partnerId,
    details: { ...details, connectionId: operation.connectionId, name: operation.name },
  })
}

/** The action or report of a name, as one thing: it checks its input before it calls. */
function workOf(provider: Provider, { kind, name }: Pick<Operation, 'kind' | 'name'>) {
  const known: readonly (Action | Report)[] = kind === 'action' ? provider.actions : provider.reports
  const work = known.find((one) => `${provider.slug}.${one.name}` === name)
  if (!work) {
    const names = known.map((one) => `${provider.slug}.${one.name}`).join(', ')
    throw new HubError(
      'InvalidInput',
      `${provider.name} has no ${kind} "${name}". It has: ${names || 'none'}.`,
    )
  }
  return {
    title: work.title,
    run: (context: ProviderContext, input: JsonObject, idempotencyKey: string): Promise<JsonObject> => {
      checkAgainstSchema(work.input, input, `The input of ${name}`)
      return work.run(context, input, idempotencyKey)
    },
  }
}

export function createOperationActivities(deps: ActivityDeps) {
  return {
    describeOperation: failing((input: OperationKey) => describeOperation(deps, input)),
    performOperation: failing((input: OperationKey) => performOperation(deps, input)),
    endFailedOperation: failing((input: OperationKey & { readonly failure: FailureNote }) =>
      endFailedOperation(deps, input),
    ),
  }
}
