/**
 * `runAutomation`: the steps of an automation in their order, each as a workflow or timer of its own that can be looked at;
 * what was done is taken back in reverse order when a later step fails or a person says no. `dispatchEvents`: watches the
 * change feed for automations that listen to it.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import {
  CancellationScope,
  ParentClosePolicy,
  condition,
  continueAsNew,
  executeChild,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { StepWork } from '../activities/automation-step.ts'
import type { AutomationFacts, StepPlan } from '../activities/automations.ts'
import type { Activities } from '../activities/index.ts'
import { isId } from '../model/ids.ts'
import type { FailureNote } from '../model/failures.ts'
import { failureNote } from './failure-note.ts'
import { decidedSignal, workflowIds, type RunAutomationInput, type RunAutomationResult } from './messages.ts'
import { beginCommission } from './post-commission.ts'
import { retry } from './retry.ts'
import { runAction, runReport } from './run-operation.ts'
import { searchAttributes } from './search-attributes.ts'
import { invalidInput } from './validate.ts'
import { writeRecord } from './write-record.ts'

const hub = proxyActivities<Activities>({ startToCloseTimeout: '1 minute', retry: retry.database })

/** What ends a run before its last step. */
class Stop extends Error {
  readonly state: 'failed' | 'rejected'
  readonly failure: FailureNote | null
  constructor(state: 'failed' | 'rejected', failure: FailureNote | null) {
    super(state)
    this.state = state
    this.failure = failure
  }
}

/** `{"automationRunId": "aur_…"}` from the API; `{"automationId": "aut_…"}` from a schedule or by hand. */
export async function runAutomation(input: RunAutomationInput): Promise<RunAutomationResult> {
  const { automationRunId, automationId } = checkInput(input)
  const { workflowId, runId } = workflowInfo()
  const facts = await hub.openAutomationRun(
    automationId === undefined
      ? { automationRunId: automationRunId ?? '' }
      : {
          automationId,
          key: `${workflowId}/${runId}`,
          kind: workflowId.startsWith('automation-tick:') ? 'schedule' : 'manual',
        },
  )
  upsertSearchAttributes(searchAttributes(facts))
  const run = new Running(facts)
  try {
    await run.all(facts.steps)
    return await close(facts, 'succeeded', null)
  } catch (error) {
    if (isCancellation(error)) {
      await CancellationScope.nonCancellable(() => close(facts, 'cancelled', null))
      throw error
    }
    const stop = error instanceof Stop ? error : stopFor(error)
    if (!stop) throw error
    const isClean = await run.takeBack()
    return await close(facts, isClean ? stop.state : 'compensation_failed', stop.failure)
  }
}

function stopFor(error: unknown): Stop | undefined {
  const failure = failureNote(error)
  return failure && new Stop('failed', failure)
}

function checkInput(input: unknown): RunAutomationInput {
  const example = '{"automationId": "aut_…"}'
  if (typeof input !== 'object' || input === null)
    throw invalidInput(`The input must be one JSON object: ${example}.`)
  const { automationRunId, automationId, ...rest } = input as Record<string, unknown>
  const [stranger] = Object.keys(rest)
  if (stranger !== undefined) throw invalidInput(`"${stranger}" is not known. The input is ${example}.`)
  if (automationRunId !== undefined && isId('automationRun', automationRunId)) return { automationRunId }
  if (automationId !== undefined && isId('automation', automationId)) return { automationId }
  throw invalidInput(`"automationId" is missing or not the id of an automation. The input is ${example}.`)
}

async function close(
  facts: AutomationFacts,
  state: RunAutomationResult['state'],
  failure: FailureNote | null,
): Promise<RunAutomationResult> {
  const { automationRunId } = facts
  await hub.closeAutomationRun({ automationRunId, state, failure })
  upsertSearchAttributes(searchAttributes({ outcome: state }))
  return { automationRunId, state }
}

/** A run's way through its steps. */
class Running {
  private readonly facts: AutomationFacts
  private readonly done: string[] = []
  private readonly lines = new Map<string, string>()
  private decided = false

  constructor(facts: AutomationFacts) {
    this.facts = facts
    setHandler(decidedSignal, () => {
      this.decided = true
    })
  }

  async all(steps: readonly StepPlan[]): Promise<void> {
    for (const step of steps) {
      this.show(step, 'running')
      const work = await hub.prepareStep(this.key(step))
      await this.step(step, work)
    }
  }

  private key(step: Pick<StepPlan, 'name'>) {
    return { automationRunId: this.facts.automationRunId, step: step.name }
  }

  private async step(step: StepPlan, work: StepWork): Promise<void> {
    if (work.kind === 'skipped') return this.show(step, 'left out')
    if (work.kind === 'branch') {
      this.show(step, work.way === -1 ? 'no way holds' : `way ${work.way + 1}`)
      return await this.all(step.ways[work.way] ?? [])
    }
    if (work.kind === 'approval') return await this.approval(step, work.seconds)
    if (work.kind === 'wait') await sleep(work.seconds * 1000, { summary: step.title })
    if (work.kind === 'operation' || work.kind === 'write') await doWork(work)
    const { ok, failure } = await hub.finishStep(this.key(step))
    this.show(step, ok ? 'done' : 'failed')
    if (!ok) throw new Stop('failed', failure)
    this.done.push(step.name)
  }

  private async approval(step: StepPlan, seconds: number): Promise<void> {
    this.show(step, 'waits for a person')
    for (;;) {
      this.decided = false
      const { approved } = await hub.settleApproval(this.key(step))
      if (approved === true) return this.show(step, 'approved')
      if (approved === false) {
        this.show(step, 'rejected')
        throw new Stop('rejected', null)
      }
      await condition(() => this.decided, Math.max(1, seconds) * 1000)
    }
  }

  /** In reverse order; true when nothing was left standing. */
  async takeBack(): Promise<boolean> {
    let isClean = true
    for (const name of [...this.done].reverse()) {
      const work = await hub.prepareUndo(this.key({ name }))
      if (work.kind === 'done') continue
      const ok = await undo(work)
      await hub.noteUndone({ ...this.key({ name }), ok })
      this.lines.set(name, ok ? 'taken back' : 'could not be taken back')
      if (!ok) isClean = false
    }
    this.render()
    return isClean
  }

  private show(step: StepPlan, state: string): void {
    this.lines.set(step.name, state)
    this.render()
  }

  private render(): void {
    const { name, automationRunId, automationId } = this.facts
    const steps = [...this.lines].map(([step, state]) => `- ${step}: ${state}`)
    setCurrentDetails(
      [`**${name}** (\`${automationId}\`)`, steps.join('\n'), `Run \`${automationRunId}\``].join('\n\n'),
    )
  }
}

/** How it went is in the work's own row: a failed child is a finding, not an error. */
async function doWork(work: Extract<StepWork, { kind: 'operation' | 'write' }>): Promise<void> {
  try {
    if (work.kind === 'write')
      await executeChild(writeRecord, {
        workflowId: workflowIds.writeRecord(work.writeId),
        args: [{ writeId: work.writeId }],
      })
    else {
      const { operationId } = work
      const action = work.operation === 'action'
      const workflowId = action ? workflowIds.runAction(operationId) : workflowIds.runReport(operationId)
      await executeChild(action ? runAction : runReport, { workflowId, args: [{ operationId }] })
    }
  } catch (error) {
    if (isCancellation(error)) throw error
  }
}

async function undo(work: StepWork): Promise<boolean> {
  try {
    if (work.kind === 'write') {
      const facts = await hub.describeWrite({ writeId: work.writeId })
      const provider = proxyActivities<Activities>({
        startToCloseTimeout: '5 minutes',
        heartbeatTimeout: '30 seconds',
        scheduleToCloseTimeout: '1 hour',
        taskQueue: `${workflowInfo().taskQueue}-${facts.provider}`,
        retry: retry.operation,
      })
      await provider.undoWrite({ writeId: work.writeId })
    } else if (work.kind === 'operation') {
      const { operationId } = work
      const result = await executeChild(runAction, {
        workflowId: workflowIds.runAction(operationId),
        args: [{ operationId }],
      })
      return result.state === 'succeeded'
    }
    return true
  } catch (error) {
    if (isCancellation(error)) throw error
    return false
  }
}

/** One for the whole hub, id `dispatch-events:<task queue>`; it ends when nobody listens any more. */
export async function dispatchEvents(): Promise<void> {
  const { watchFeed } = proxyActivities<Activities>({
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: '20 seconds',
    retry: retry.database,
    summary: 'Watch the change feed',
  })
  let started = 0
  for (;;) {
    const { idle, runs, commissions = [] } = await watchFeed(undefined)
    for (const { automationRunId, partnerId } of runs) {
      await begin(automationRunId, partnerId)
      started++
    }
    for (const source of commissions) {
      await beginCommission(source)
      started++
    }
    setCurrentDetails(`${started} runs started since this execution began.`)
    if (idle) return
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof dispatchEvents>()
  }
}

async function begin(automationRunId: string, partnerId: string): Promise<void> {
  try {
    await startChild(runAutomation, {
      workflowId: workflowIds.runAutomation(automationRunId),
      args: [{ automationRunId }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: searchAttributes({ partnerId }),
    })
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    // It is being started, and has not said so yet.
    await sleep('1 second')
  }
}
