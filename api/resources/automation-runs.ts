/** Runs of automations: started by hand and by webhook, shown, approved, resumed, cancelled. */
import { appendAudit } from '../../db/audit.ts'
import {
  addAutomationRun,
  findAutomationRun,
  getAutomationRun as findRun,
  listAutomationRuns as selectRuns,
  lockAutomationRun,
  openContext,
  saveAutomationRun,
  type AutomationRun,
} from '../../db/automation-runs.ts'
import { getAutomation as findAutomation, hookSecretHash, type Automation } from '../../db/automations.ts'
import { inTransaction } from '../../db/client.ts'
import { canonicalJson, isJsonObject, type JsonObject } from '../../model/json.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { sha256, timingSafeEqualText } from '../../platform/secrets/hash.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { auditAutomation, automationOf } from './find-automation.ts'

type Schemas = components['schemas']

const time = (at: Date | null): string | null => at?.toISOString() ?? null

export const startAutomationRun: Handler<'startAutomationRun'> = async (
  deps,
  { path, header, body, caller },
) => {
  const automation = await automationOf(deps, path.automationId)
  const { run, isNew } = await written(
    deps,
    automation,
    'manual',
    header['Idempotency-Key'],
    body as JsonObject,
  )
  if (isNew) await auditAutomation(deps.database.db, caller.name, 'automation.run', automation)
  // Only `resume` takes up a run that has ended.
  if (!run.endedAt) await deps.temporal.startAutomationRun({ ...run, name: automation.name })
  const headers = { Location: `/admin/v1/automation-runs/${run.automationRunId}` }
  return { status: 202, body: await showRun(deps, run, null), headers }
}

/**
 * A run that the given key starts; the same one however often it comes.
 * @throws HubError `IdempotencyConflict` when the key came with another payload before.
 */
async function written(
  deps: ApiDeps,
  automation: Automation,
  kind: 'manual' | 'webhook',
  key: string | undefined,
  payload: JsonObject,
): Promise<{ readonly run: AutomationRun; readonly isNew: boolean }> {
  const dedupeKey = `${kind}:${key ?? newId('automationRun')}`
  const context: JsonObject = { trigger: { kind, at: new Date().toISOString(), payload } }
  const { db } = deps.database
  const made = await inTransaction(db, (tx) =>
    addAutomationRun(tx, deps.vault, automation, {
      automationRunId: newId('automationRun'),
      triggerKind: kind,
      dedupeKey,
      context,
    }),
  )
  if (made) return { run: made, isNew: true }
  const run = await findAutomationRun(db, { automationId: automation.automationId, dedupeKey })
  if (!run) throw new HubError('Internal', 'A run is gone')
  const { trigger } = await openContext(db, deps.vault, run)
  const before = isJsonObject(trigger) ? trigger['payload'] : undefined
  if (canonicalJson(before ?? null) !== canonicalJson(payload))
    throw new HubError(
      'IdempotencyConflict',
      'This idempotency key was used with a different payload. Use a new key.',
    )
  return { run, isNew: false }
}

/** A public door: the secret is checked before anything is said about the automation. */
export const triggerAutomation: Handler<'triggerAutomation'> = async (deps, { path, header, body }) => {
  const hash = await hookSecretHash(deps.database.db, path.automationId)
  const given = sha256(header['Tieline-Secret']).toString('hex')
  const isRight = timingSafeEqualText(given, hash?.toString('hex') ?? '')
  const automation = isRight ? await findAutomation(deps.database.db, path.automationId) : undefined
  if (!hash || !automation || automation.definition.trigger.kind !== 'webhook')
    throw new HubError('Unauthenticated', 'There is no such webhook, or its secret is another one.')
  const { run } = await written(deps, automation, 'webhook', header['Idempotency-Key'], body as JsonObject)
  const answer = { status: 202, body: { automationRunId: run.automationRunId } } as const
  if (run.endedAt) return answer
  // The row is committed. Should Temporal be away, the dispatcher of events takes the run up.
  await deps.temporal
    .startAutomationRun({ ...run, name: automation.name })
    .catch((error: unknown) =>
      deps.log.warn({ err: error, automationRunId: run.automationRunId }, 'the run starts later'),
    )
  return answer
}

async function showRun(
  deps: ApiDeps,
  run: AutomationRun,
  context: JsonObject | null,
): Promise<Schemas['AutomationRun']> {
  const { definition: _definition, dedupeKey: _key, ...rest } = run
  return {
    ...rest,
    steps: run.steps.map(({ name, kind, state, work, startedAt, endedAt }) => ({
      name,
      kind,
      state,
      work,
      startedAt,
      endedAt,
    })),
    context,
    startedAt: run.startedAt.toISOString(),
    endedAt: time(run.endedAt),
    temporalUrl: deps.temporal.workflowLink(await deps.temporal.automationWorkflowId(run)),
  }
}

async function runOf({ database }: ApiDeps, automationRunId: string): Promise<AutomationRun> {
  const run = await findRun(database.db, automationRunId)
  if (!run) throw new HubError('NoSuchThing', `There is no run "${automationRunId}" of an automation.`)
  return run
}

export const listAutomationRuns: Handler<'listAutomationRuns'> = async (deps, call) => {
  const before = positionOf(call, { automationRunId: 'string' })?.automationRunId
  const { automationId } = call.query
  const rows = await selectRuns(deps.database.db, { automationId, before, limit: rowsFor(call) })
  const shown = new Map(
    await Promise.all(rows.map(async (row) => [row, await showRun(deps, row, null)] as const)),
  )
  return listAnswer(
    call,
    rows,
    (row) => shown.get(row) as Schemas['AutomationRun'],
    ({ automationRunId }) => ({ automationRunId }),
  )
}

export const getAutomationRun: Handler<'getAutomationRun'> = async (deps, { path }) => {
  const run = await runOf(deps, path.automationRunId)
  return { status: 200, body: await showRun(deps, run, await openContext(deps.database.db, deps.vault, run)) }
}

export const decideAutomationRun: Handler<'decideAutomationRun'> = async (deps, { path, body, caller }) => {
  const { automationRunId } = await runOf(deps, path.automationRunId)
  await inTransaction(deps.database.db, async (tx) => {
    const run = await lockAutomationRun(tx, automationRunId)
    if (!run || run.state !== 'waiting' || !run.waiting || run.waiting['decision'] !== undefined)
      throw new HubError('StateConflict', 'This run does not wait for an answer.')
    const waiting: JsonObject = {
      ...run.waiting,
      decision: body.decision,
      by: caller.name,
      note: body.note ?? null,
    }
    await saveAutomationRun(tx, deps.vault, run, { waiting })
    const action = body.decision === 'approve' ? 'automation_run.approved' : 'automation_run.not_approved'
    await appendAudit(tx, { actor: caller.name, action, subject: automationRunId, partnerId: run.partnerId })
  })
  const run = await runOf(deps, automationRunId)
  await deps.temporal.tellApproval(await deps.temporal.automationWorkflowId(run))
  return { status: 202, body: await showRun(deps, run, null) }
}

export const resumeAutomationRun: Handler<'resumeAutomationRun'> = async (deps, { path, caller }) => {
  const { automationRunId, automationId, endedAt } = await runOf(deps, path.automationRunId)
  if (endedAt) await deps.temporal.awaitAutomationEnd(automationRunId)
  await inTransaction(deps.database.db, async (tx) => {
    const run = await lockAutomationRun(tx, automationRunId)
    if (!run || !['failed', 'rejected', 'cancelled', 'compensation_failed'].includes(run.state))
      throw new HubError(
        'StateConflict',
        'Only a run that has failed, or was rejected or cancelled, can be resumed.',
      )
    // What was taken back has to be done anew, under a key of its own.
    const steps = run.steps.map((step) =>
      ['undone', 'rejected', 'running'].includes(step.state)
        ? {
            ...step,
            name: `${step.name}#${Date.now()}`,
            state: step.state === 'running' ? ('failed' as const) : step.state,
          }
        : step,
    )
    await saveAutomationRun(tx, deps.vault, run, {
      state: 'running',
      steps,
      failure: null,
      waiting: null,
      ended: false,
    })
    await appendAudit(tx, {
      actor: caller.name,
      action: 'automation_run.resumed',
      subject: automationRunId,
      partnerId: run.partnerId,
    })
  })
  const run = await runOf(deps, automationRunId)
  const automation = await findAutomation(deps.database.db, automationId)
  await deps.temporal.startAutomationRun({ ...run, name: automation?.name ?? automationId })
  return { status: 202, body: await showRun(deps, run, null) }
}

export const cancelAutomationRun: Handler<'cancelAutomationRun'> = async (deps, { path }) => {
  const run = await runOf(deps, path.automationRunId)
  if (run.endedAt) throw new HubError('StateConflict', 'The run has ended already.')
  await deps.temporal.cancelAutomationRun(await deps.temporal.automationWorkflowId(run))
  return { status: 202, body: await showRun(deps, run, null) }
}
