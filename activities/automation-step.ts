/**
 * One step of an automation: what it comes to now (is it left out, which work does it ask for), and what came of it. The
 * work itself is an operation or a write of its own, with a key that is the same however often this is repeated.
 */
import { asTenant, type Db } from '../db/client.ts'
import {
  getAutomationRun,
  lockAutomationRun,
  openContext,
  saveAutomationRun,
  type AutomationRun,
  type StepState,
} from '../db/automation-runs.ts'
import { getConnection, type Connection } from '../db/connections.ts'
import { beginOperation, getOperation, openOperationResult } from '../db/operations.ts'
import { beginWrite, getWrite } from '../db/writes.ts'
import { fill, findStep, kindOf, withoutNulls, type Step } from '../model/automation.ts'
import type { FailureNote } from '../model/failures.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { holds } from '../model/logic.ts'
import { HubError } from '../platform/errors.ts'
import { newId } from '../platform/new-id.ts'
import type { ActivityDeps } from './deps.ts'

export interface StepKey {
  readonly automationRunId: string
  readonly step: string
}

/** What the workflow has to do for a step. Ids and numbers only. */
export type StepWork =
  | { readonly kind: 'done' }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'operation'; readonly operation: 'action' | 'report'; readonly operationId: string }
  | { readonly kind: 'write'; readonly writeId: string }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'approval'; readonly seconds: number }
  /** Which way of a branch; -1 for none. */
  | { readonly kind: 'branch'; readonly way: number }

const day = 86_400

/** Locks the run, works on it, and saves in one transaction. */
async function inRun<T>(
  deps: ActivityDeps,
  key: { readonly automationRunId: string },
  work: (tx: Db, run: AutomationRun) => Promise<T>,
): Promise<T> {
  const known = await getAutomationRun(deps.database.db, key.automationRunId)
  if (!known) throw new HubError('InvalidInput', `There is no run "${key.automationRunId}" of an automation.`)
  return await asTenant(deps.database.db, known.partnerId, async (tx) => {
    const run = await lockAutomationRun(tx, key.automationRunId)
    if (!run) throw new HubError('InvalidInput', `There is no run "${key.automationRunId}" of an automation.`)
    return await work(tx, run)
  })
}

function stepOf(run: AutomationRun, name: string): Step {
  const step = findStep(run.definition, name)
  if (!step) throw new HubError('InvalidInput', `The automation has no step "${name}".`)
  return step
}

/** The steps with one of them in a new state. */
function withStep(run: AutomationRun, step: StepState): StepState[] {
  const others = run.steps.filter(({ name }) => name !== step.name)
  return [...others, step]
}

const begun = (step: Step, now: Date, work: string | null): StepState => ({
  name: step.name,
  kind: kindOf(step),
  state: 'running',
  work,
  startedAt: now.toISOString(),
  endedAt: null,
})

const ended = (state: StepState, how: StepState['state'], now: Date): StepState => ({
  ...state,
  state: how,
  endedAt: now.toISOString(),
})

/** Days as expressions want them, in UTC, the same for all steps of a run. */
function momentOf({ startedAt }: AutomationRun): JsonObject {
  const dayBefore = (days: number) =>
    new Date(startedAt.getTime() - days * day * 1000).toISOString().slice(0, 10)
  return {
    at: startedAt.toISOString(),
    today: dayBefore(0),
    yesterday: dayBefore(1),
    weekAgo: dayBefore(7),
    monthAgo: dayBefore(30),
    quarterAgo: dayBefore(90),
  }
}

export async function prepareStep(deps: ActivityDeps, key: StepKey): Promise<StepWork> {
  return await inRun(deps, key, async (tx, run) => {
    const step = stepOf(run, key.step)
    const known = run.steps.find(({ name }) => name === key.step)
    if (known?.state === 'succeeded' && 'branch' in step) return { kind: 'branch', way: Number(known.work) }
    if (known?.state === 'succeeded') return { kind: 'done' }
    if (known?.state === 'skipped') return { kind: 'skipped' }
    const context = { ...(await openContext(tx, deps.vault, run)), now: momentOf(run) }
    const now = deps.clock.now()
    if (known?.state === 'running' && known.work !== null) return takenUp(step, known.work)
    if (!holds(step.when, context)) {
      await saveAutomationRun(tx, deps.vault, run, {
        steps: withStep(run, ended(begun(step, now, null), 'skipped', now)),
      })
      return { kind: 'skipped' }
    }
    return await begin(deps, tx, run, step, context)
  })
}

/** A step whose work was begun before: after a crash, or when a run is resumed. */
function takenUp(step: Step, work: string): StepWork {
  if ('action' in step) return { kind: 'operation', operation: 'action', operationId: work }
  if ('report' in step) return { kind: 'operation', operation: 'report', operationId: work }
  if ('write' in step) return { kind: 'write', writeId: work }
  if ('wait' in step) return { kind: 'wait', seconds: Math.max(0, (Number(work) - Date.now()) / 1000) }
  if ('approval' in step)
    return { kind: 'approval', seconds: Math.max(0, (Number(work) - Date.now()) / 1000) }
  return { kind: 'branch', way: Number(work) }
}

async function begin(
  deps: ActivityDeps,
  tx: Db,
  run: AutomationRun,
  step: Step,
  context: JsonObject,
): Promise<StepWork> {
  const now = deps.clock.now()
  const save = (work: string, more: Parameters<typeof saveAutomationRun>[3] = {}) =>
    saveAutomationRun(tx, deps.vault, run, { ...more, steps: withStep(run, begun(step, now, work)) })
  if ('wait' in step) {
    await save(String(now.getTime() + step.wait.seconds * 1000))
    return { kind: 'wait', seconds: step.wait.seconds }
  }
  if ('approval' in step) {
    const seconds = step.approval.timeoutSeconds ?? 7 * day
    const until = now.getTime() + seconds * 1000
    const question = fill(step.approval.question, context)
    const waiting = { step: step.name, question, until: new Date(until).toISOString() }
    await save(String(until), { state: 'waiting', waiting })
    return { kind: 'approval', seconds }
  }
  if ('branch' in step) {
    const way = step.branch.findIndex((one) => holds(one.when, context))
    await saveAutomationRun(tx, deps.vault, run, {
      steps: withStep(run, ended(begun(step, now, String(way)), 'succeeded', now)),
    })
    return { kind: 'branch', way }
  }
  const work =
    'write' in step
      ? await beginStepWrite(deps, tx, run, step, context)
      : await beginStepOperation(deps, tx, run, step, context)
  await save('writeId' in work ? work.writeId : work.operationId)
  return work
}

/** The same for every repetition; another one when a failed step is tried again. */
const keyFor = (run: AutomationRun, step: string): string => {
  const earlier = run.steps.filter(({ name }) => name.startsWith(`${step}#`)).length
  return `automation:${run.automationRunId}:${step}${earlier === 0 ? '' : `:${earlier + 1}`}`
}

async function connectionFor(tx: Db, run: AutomationRun, role: string): Promise<Connection> {
  const connectionId = run.definition.connections[role] ?? ''
  const connection = await getConnection(tx, connectionId)
  if (!connection || connection.state === 'deleted' || connection.accountId !== run.accountId)
    throw new HubError(
      'InvalidInput',
      `The connection "${role}" of the automation is gone. Choose another one.`,
    )
  return connection
}

type OperationStep = Extract<Step, { readonly action: string } | { readonly report: string }>
type WriteStep = Extract<Step, { readonly write: unknown }>

async function beginStepOperation(
  deps: ActivityDeps,
  tx: Db,
  run: AutomationRun,
  step: OperationStep,
  context: JsonObject,
): Promise<Extract<StepWork, { readonly kind: 'operation' }>> {
  const connection = await connectionFor(tx, run, step.connection)
  const kind = 'action' in step ? 'action' : 'report'
  const name = 'action' in step ? step.action : step.report
  const input = fill(step.input, context)
  const { operation } = await beginOperation(tx, deps.vault, {
    operationId: newId('operation'),
    connection,
    kind,
    name: name.includes('.') ? name : `${connection.provider}.${name}`,
    input: isJsonObject(input) ? withoutNulls(input) : {},
    idempotencyKey: keyFor(run, step.name),
    startedBy: `automation:${run.automationId}`,
  })
  return { kind: 'operation', operation: kind, operationId: operation.operationId }
}

async function beginStepWrite(
  deps: ActivityDeps,
  tx: Db,
  run: AutomationRun,
  step: WriteStep,
  context: JsonObject,
): Promise<Extract<StepWork, { readonly kind: 'write' }>> {
  const connection = await connectionFor(tx, run, step.connection)
  const { resource, operation, policy = 'hub_wins' } = step.write
  const fields = fill(step.write.fields ?? {}, context)
  const externalId = step.write.externalId === undefined ? undefined : fill(step.write.externalId, context)
  if (operation !== 'create' && (typeof externalId !== 'string' || externalId === ''))
    throw new HubError('InvalidInput', `The step "${step.name}" does not know which object to ${operation}.`)
  const { write } = await beginWrite(tx, deps.vault, {
    writeId: newId('write'),
    connection,
    resource,
    operation,
    externalId: typeof externalId === 'string' ? externalId : undefined,
    idempotencyKey: keyFor(run, step.name),
    policy,
    basedOnVersion: undefined,
    request: { fields: isJsonObject(fields) ? withoutNulls(fields) : {}, providerFields: {} },
    startedBy: `automation:${run.automationId}`,
  })
  return { kind: 'write', writeId: write.writeId }
}

export interface StepOutcome {
  readonly ok: boolean
  readonly failure: FailureNote | null
}

/** Takes over what the step's work gave. Repeatable. */
export async function finishStep(deps: ActivityDeps, key: StepKey): Promise<StepOutcome> {
  return await inRun(deps, key, async (tx, run) => {
    const known = run.steps.find(({ name }) => name === key.step)
    if (!known || known.state !== 'running') return { ok: known?.state !== 'failed', failure: null }
    const step = stepOf(run, key.step)
    const now = deps.clock.now()
    const result = await resultOf(deps, tx, step, known.work ?? '')
    if (result.failure) {
      // Kept under a name of its own: the step can be tried again when the run is resumed.
      const failures = run.steps.filter(({ name }) => name.startsWith(`${key.step}#`)).length
      const failed = { ...ended(known, 'failed', now), name: `${key.step}#${failures + 1}` }
      const others = run.steps.filter(({ name }) => name !== key.step)
      await saveAutomationRun(tx, deps.vault, run, { steps: [...others, failed] })
      return { ok: false, failure: result.failure }
    }
    const context = await openContext(tx, deps.vault, run)
    const steps: JsonObject = isJsonObject(context['steps']) ? context['steps'] : {}
    await saveAutomationRun(tx, deps.vault, run, {
      steps: withStep(run, ended(known, 'succeeded', now)),
      context: { ...context, steps: { ...steps, [key.step]: result.output } },
    })
    return { ok: true, failure: null }
  })
}

async function resultOf(
  deps: ActivityDeps,
  tx: Db,
  step: Step,
  work: string,
): Promise<{ readonly output: JsonObject; readonly failure: FailureNote | null }> {
  const unfinished: FailureNote = { code: 'Superseded', message: 'The work of the step was cancelled.' }
  if ('action' in step || 'report' in step) {
    const operation = await getOperation(tx, work)
    if (operation?.state !== 'succeeded') return { output: {}, failure: operation?.failure ?? unfinished }
    return { output: (await openOperationResult(tx, deps.vault, operation)) ?? {}, failure: null }
  }
  if ('write' in step) {
    const write = await getWrite(tx, work)
    if (write?.state !== 'succeeded') return { output: {}, failure: write?.failure ?? unfinished }
    return {
      output: {
        externalId: write.externalId,
        writeId: write.writeId,
        droppedFields: [...write.droppedFields],
      },
      failure: null,
    }
  }
  return { output: {}, failure: null }
}

/** Ends an approval: by the decision that a person left, else as the step says for nobody answering. */
export async function settleApproval(
  deps: ActivityDeps,
  key: StepKey,
): Promise<{ readonly approved: boolean | undefined }> {
  return await inRun(deps, key, async (tx, run) => {
    const step = stepOf(run, key.step)
    const known = run.steps.find(({ name }) => name === key.step)
    if (known?.state === 'succeeded') return { approved: true }
    if (known?.state === 'rejected') return { approved: false }
    if (!known || !('approval' in step)) return { approved: undefined }
    const decision = run.waiting?.['decision']
    const isLate = Number(known.work) <= deps.clock.now().getTime()
    if (decision === undefined && !isLate) return { approved: undefined }
    const approved = decision === undefined ? step.approval.onTimeout === 'approve' : decision === 'approve'
    const now = deps.clock.now()
    const context = await openContext(tx, deps.vault, run)
    const steps: JsonObject = isJsonObject(context['steps']) ? context['steps'] : {}
    const output: JsonObject = {
      approved,
      by: run.waiting?.['by'] ?? 'nobody',
      note: run.waiting?.['note'] ?? null,
    }
    await saveAutomationRun(tx, deps.vault, run, {
      state: 'running',
      waiting: null,
      steps: withStep(run, ended(known, approved ? 'succeeded' : 'rejected', now)),
      context: { ...context, steps: { ...steps, [key.step]: output } },
    })
    return { approved }
  })
}

/** The work that takes a step back; `done` when there is nothing to take back. */
export async function prepareUndo(deps: ActivityDeps, key: StepKey): Promise<StepWork> {
  return await inRun(deps, key, async (tx, run): Promise<StepWork> => {
    const step = stepOf(run, key.step)
    const known = run.steps.find(({ name }) => name === key.step)
    if (known?.state !== 'succeeded' && known?.state !== 'undo_failed') return { kind: 'done' }
    if ('write' in step && step.undo !== false && known.work !== null)
      return { kind: 'write', writeId: known.work }
    if (!('action' in step) || step.undo === false || known.work === null) return { kind: 'done' }
    const operation = await getOperation(tx, known.work)
    const connection = await connectionFor(tx, run, step.connection)
    const provider = deps.findProvider(connection.provider)
    const action = provider?.actions.find(({ name }) => operation?.name === `${connection.provider}.${name}`)
    if (!operation || !action?.undo) return { kind: 'done' }
    const context = { ...(await openContext(tx, deps.vault, run)), now: momentOf(run) }
    const input = fill(step.input, context)
    const result = (await openOperationResult(tx, deps.vault, operation)) ?? {}
    const { operation: undo } = await beginOperation(tx, deps.vault, {
      operationId: newId('operation'),
      connection,
      kind: 'action',
      name: `${connection.provider}.${action.undo.action}`,
      input: action.undo.input(isJsonObject(input) ? withoutNulls(input) : {}, result),
      idempotencyKey: `automation:${run.automationRunId}:${step.name}:undo`,
      startedBy: `automation:${run.automationId}`,
    })
    return { kind: 'operation', operation: 'action', operationId: undo.operationId }
  })
}

export async function noteUndone(deps: ActivityDeps, key: StepKey & { readonly ok: boolean }): Promise<void> {
  await inRun(deps, key, async (tx, run) => {
    const known = run.steps.find(({ name }) => name === key.step)
    if (!known || (known.state !== 'succeeded' && known.state !== 'undo_failed')) return
    const state = ended(known, key.ok ? 'undone' : 'undo_failed', deps.clock.now())
    await saveAutomationRun(tx, deps.vault, run, { steps: withStep(run, state) })
  })
}
