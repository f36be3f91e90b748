/** Automations: runs opened, their steps joined with the work that does them, and closed; the feed watched. */
import { appendAudit } from '../db/audit.ts'
import {
  addAutomationRun,
  findAutomationRun,
  getAutomationRun,
  lockAutomationRun,
  saveAutomationRun,
  type AutomationRun,
  type AutomationRunState,
} from '../db/automation-runs.ts'
import { getAutomation } from '../db/automations.ts'
import { asTenant } from '../db/client.ts'
import { kindOf, type Step, type StepKind } from '../model/automation.ts'
import type { FailureNote } from '../model/failures.ts'
import { HubError } from '../platform/errors.ts'
import { newId } from '../platform/new-id.ts'
import { watchFeed, type Dispatched } from './automation-dispatch.ts'
import {
  finishStep,
  noteUndone,
  prepareStep,
  prepareUndo,
  settleApproval,
  type StepKey,
} from './automation-step.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { whileBeating } from './steady.ts'

/** The order of the steps, without what they are about. */
export interface StepPlan {
  readonly name: string
  readonly title: string
  readonly kind: StepKind
  readonly ways: readonly (readonly StepPlan[])[]
}

export interface AutomationFacts {
  readonly automationRunId: string
  readonly automationId: string
  readonly partnerId: string
  readonly accountId: string
  readonly name: string
  readonly state: AutomationRunState
  readonly steps: readonly StepPlan[]
}

/** Either a run that was written down, or an automation and what tells this run of it from others (a tick's workflow id). */
export interface OpenAutomationInput {
  readonly automationRunId?: string
  readonly automationId?: string
  readonly key?: string
  readonly kind?: 'schedule' | 'manual'
}

const planOf = (steps: readonly Step[]): StepPlan[] =>
  steps.map((step) => ({
    name: step.name,
    title: step.title ?? step.name,
    kind: kindOf(step),
    ways: 'branch' in step ? step.branch.map((way) => planOf(way.steps)) : [],
  }))

async function openAutomationRun(deps: ActivityDeps, input: OpenAutomationInput): Promise<AutomationFacts> {
  const { db } = deps.database
  const run =
    input.automationRunId === undefined
      ? await beginRun(deps, input)
      : await getAutomationRun(db, input.automationRunId)
  if (!run) throw new HubError('InvalidInput', 'There is no such run of an automation.')
  const automation = await getAutomation(db, run.automationId)
  const state = run.state === 'pending' ? 'running' : run.state
  if (state !== run.state) {
    await asTenant(db, run.partnerId, async (tx) => {
      const locked = await lockAutomationRun(tx, run.automationRunId)
      if (locked?.state === 'pending') await saveAutomationRun(tx, deps.vault, locked, { state: 'running' })
    })
  }
  const { automationRunId, automationId, partnerId, accountId } = run
  return {
    automationRunId,
    automationId,
    partnerId,
    accountId,
    name: automation?.name ?? automationId,
    state,
    steps: planOf(run.definition.steps),
  }
}

/** A run that a schedule or a person in the Temporal UI begins. The same key finds the same run. */
async function beginRun(
  deps: ActivityDeps,
  { automationId, key, kind }: OpenAutomationInput,
): Promise<AutomationRun | undefined> {
  const { db } = deps.database
  const automation = automationId === undefined ? undefined : await getAutomation(db, automationId)
  if (!automation || automation.state === 'deleted')
    throw new HubError('InvalidInput', `There is no automation "${automationId ?? ''}".`)
  if (automation.state === 'disabled')
    throw new HubError('InvalidInput', `The automation "${automation.name}" is switched off.`)
  const dedupeKey = key ?? newId('automationRun')
  return await asTenant(db, automation.partnerId, async (tx) => {
    const made = await addAutomationRun(tx, deps.vault, automation, {
      automationRunId: newId('automationRun'),
      triggerKind: kind ?? 'manual',
      dedupeKey,
      context: { trigger: { kind: kind ?? 'manual', at: deps.clock.now().toISOString() } },
    })
    return made ?? (await findAutomationRun(tx, { automationId: automation.automationId, dedupeKey }))
  })
}

async function closeAutomationRun(
  deps: ActivityDeps,
  {
    automationRunId,
    state,
    failure,
  }: {
    readonly automationRunId: string
    readonly state: Exclude<AutomationRunState, 'pending' | 'running' | 'waiting'>
    readonly failure: FailureNote | null
  },
): Promise<void> {
  const run = await getAutomationRun(deps.database.db, automationRunId)
  if (!run) return
  await asTenant(deps.database.db, run.partnerId, async (tx) => {
    const locked = await lockAutomationRun(tx, automationRunId)
    if (!locked || locked.endedAt) return
    await saveAutomationRun(tx, deps.vault, locked, { state, failure, waiting: null, ended: true })
    await appendAudit(tx, {
      actor: `automation:${run.automationId}`,
      action: `automation_run.${state}`,
      subject: automationRunId,
      partnerId: run.partnerId,
      details: failure ? { code: failure.code } : {},
    })
  })
}

export function createAutomationActivities(deps: ActivityDeps) {
  return {
    openAutomationRun: failing((input: OpenAutomationInput) => openAutomationRun(deps, input)),
    prepareStep: failing((input: StepKey) => prepareStep(deps, input)),
    finishStep: failing((input: StepKey) => finishStep(deps, input)),
    settleApproval: failing((input: StepKey) => settleApproval(deps, input)),
    prepareUndo: failing((input: StepKey) => prepareUndo(deps, input)),
    noteUndone: failing((input: StepKey & { readonly ok: boolean }) => noteUndone(deps, input)),
    closeAutomationRun: failing((input: Parameters<typeof closeAutomationRun>[1]) =>
      closeAutomationRun(deps, input),
    ),
    watchFeed: failing((): Promise<Dispatched> => whileBeating((signal) => watchFeed(deps, signal))),
  }
}
