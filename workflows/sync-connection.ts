/**
 * Keeps one connection in step: its resources in dependency order, each in slices (`activities/sync-slice.ts`). The
 * workflow decides and waits; every fact about progress lies in Postgres, so that continue-as-new, a repeated slice or a
 * worker's death lose nothing.
 */
import { ActivityFailure, ApplicationFailure, CancelledFailure } from '@temporalio/common'
import {
  ActivityCancellationType,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { OpenRunInput, RunPlan } from '../activities/sync-open.ts'
import type { FailureNote } from '../model/failures.ts'
import { recordsQuotaWait } from '../model/quota.ts'
import {
  pauseSignal,
  progressQuery,
  resumeSignal,
  setSpeedUpdate,
  temporalPriority,
  type Progress,
  type ResourceProgress,
  type Speed,
  type SyncConnectionInput,
  type SyncResult,
} from './messages.ts'
import { retry } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { noCounts, runDetails } from './sync-details.ts'
import { checkSyncConnectionInput, isSpeed } from './sync-input.ts'
import { invalidInput } from './validate.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** What the workflow knows of its run; shown by the query and the current details. */
interface View {
  plan: RunPlan
  startedAt: number
  paused: boolean
  speed: Speed
  waiting: Progress['waiting']
  closing: boolean
  /** Known when the run has been closed. */
  outcome: string | undefined
  resources: Mutable<ResourceProgress>[]
  expected: Map<string, number>
  /** The slice that is being read; cancelled to make a pause or a new speed take effect at the next page. */
  slice: CancellationScope | undefined
  nudged: boolean
}

const { openRun, abandonRun, closeRun, failResource } = proxyActivities<Activities>({
  startToCloseTimeout: '5 minutes',
  retry: retry.database,
})
const { noteRunState } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: retry.database,
})

/** Reading goes on through outages for so long; then the resource is given up and the next run goes on from its cursor. */
const patienceMs = 12 * 3600_000

export async function syncConnection(input: SyncConnectionInput): Promise<SyncResult> {
  const request = checkSyncConnectionInput(input)
  const held = holdSteering(request)
  const opening = {
    connectionId: request.connectionId,
    ...(request.runId === undefined ? {} : { runId: request.runId }),
    mode: request.mode ?? 'incremental',
    dryRun: request.dryRun ?? false,
    ...(request.resources === undefined ? {} : { resources: request.resources }),
    startedBy: request.startedBy ?? 'ui',
    ...(request.batchId === undefined ? {} : { batchId: request.batchId }),
    workflowRunId: workflowInfo().firstExecutionRunId,
  }
  // A cancel that comes while the run opens must not leave its row behind: it is opened, and then closed as cancelled.
  const plan = await CancellationScope.nonCancellable(() => open(opening))
  const view = viewOf(plan, request, held)
  upsertSearchAttributes(searchAttributes({ ...plan, connectionId: request.connectionId }))
  let failure: FailureNote | null = null
  let cancelled = false
  try {
    failure = await readAll(view, request)
  } catch (error) {
    if (!isCancellation(error)) throw error
    cancelled = true
  }
  return await CancellationScope.nonCancellable(() => close(view, request, cancelled, failure))
}

/** Opens the run. A run that may not start ends the row that the API has made for it. */
async function open(opening: OpenRunInput): Promise<RunPlan> {
  try {
    return await openRun(opening)
  } catch (error) {
    if (opening.runId !== undefined) await abandonRun({ runId: opening.runId, failure: failureOf(error) })
    throw error
  }
}

/** Handlers stand before the first await: a pause that comes while the run opens is kept. */
function holdSteering(request: SyncConnectionInput): {
  view: View | undefined
  paused: boolean
  speed: Speed
} {
  const held: ReturnType<typeof holdSteering> = {
    view: undefined,
    paused: request.continued?.paused ?? false,
    speed: request.speed ?? { pagesPerMinute: null },
  }
  const steer = (change: { paused?: boolean; speed?: Speed }) => {
    Object.assign(held, change)
    if (!held.view) return
    Object.assign(held.view, change, { nudged: true })
    held.view.slice?.cancel()
  }
  setHandler(pauseSignal, () => steer({ paused: true }))
  setHandler(resumeSignal, () => steer({ paused: false }))
  const setSpeed = (speed: Speed) => {
    steer({ speed })
    return speed
  }
  const validator = (speed: Speed) => {
    if (!isSpeed(speed)) throw invalidInput('Speed must be {"pagesPerMinute": 1 to 1000, or null}.')
  }
  setHandler(setSpeedUpdate, setSpeed, { validator })
  setHandler(progressQuery, () => {
    if (!held.view) throw new Error('The run is being opened')
    return progressOf(held.view)
  })
  return held
}

function viewOf(plan: RunPlan, request: SyncConnectionInput, held: ReturnType<typeof holdSteering>): View {
  const startedAt = request.continued ? Date.parse(request.continued.startedAt) : Date.now()
  const view: View = {
    plan,
    startedAt,
    paused: held.paused,
    speed: held.speed,
    waiting: null,
    closing: false,
    outcome: undefined,
    resources: plan.resources.map(({ name, state }) => ({
      ...noCounts,
      resource: name,
      state: state as ResourceProgress['state'],
    })),
    expected: new Map(),
    slice: undefined,
    nudged: false,
  }
  held.view = view
  return view
}

function progressOf(view: View): Progress {
  const state = view.closing ? 'closing' : view.paused ? 'paused' : view.waiting ? 'waiting' : 'running'
  return {
    runId: view.plan.runId,
    state,
    waiting: view.waiting,
    speed: view.speed,
    resources: view.resources,
  }
}

function show(view: View): void {
  const { plan } = view
  const kind = `${plan.mode}${plan.dryRun ? ' dry run' : ''}`
  const expected = [...view.expected.values()].reduce((sum, one) => sum + one, 0)
  setCurrentDetails(
    runDetails({
      title: `${plan.providerName}: ${plan.connectionName} (${kind})`,
      progress: progressOf(view),
      elapsedMs: Date.now() - view.startedAt,
      expected,
      outcome: view.outcome,
    }),
  )
}

/** Reads resource after resource. Answers why the run ended early, or null. */
async function readAll(view: View, request: SyncConnectionInput): Promise<FailureNote | null> {
  for (const resource of view.resources) {
    if (resource.state !== 'waiting' && resource.state !== 'running') continue
    resource.state = 'running'
    show(view)
    const failure = await readResource(view, resource, request)
    resource.state = failure ? 'failed' : 'succeeded'
    show(view)
    if (!failure) continue
    await failResource({
      runId: view.plan.runId,
      partnerId: view.plan.partnerId,
      resource: resource.resource,
      failure,
    })
    // A refused credential is refused for every resource.
    if (failure.code === 'Unauthorized') return failure
  }
  return null
}

/** Reads one resource to its end: slices, then the finish. Answers why it was given up, or undefined. */
async function readResource(
  view: View,
  resource: Mutable<ResourceProgress>,
  request: SyncConnectionInput,
): Promise<FailureNote | undefined> {
  let finishing = false
  let troubles = 0
  let goodUntil = Date.now()
  for (;;) {
    await whilePaused(view)
    await continueWhenLong(view, request)
    view.nudged = false
    try {
      const step = await inSlice(view, () => (finishing ? finish(view, resource) : slice(view, resource)))
      if (!step) continue
      note(view, resource, step.progress)
      show(view)
      // A quota of ours says nothing of the provider: after weeks of waiting its patience is still whole.
      if (step.progress.pages > 0 || step.state !== 'wait' || step.reason === recordsQuotaWait) {
        troubles = 0
        goodUntil = Date.now()
      }
      if (step.state === 'wait') await waitUntil(view, step.until ?? '', step.reason ?? '')
      else if (step.state === 'done' && finishing) return undefined
      else if (step.state === 'done') finishing = true
    } catch (error) {
      const failure = failureOf(error)
      if (!worthWaiting(failure.code) || Date.now() - goodUntil > patienceMs) return failure
      const pause = Math.min(10_000 * 2 ** troubles++, 600_000)
      await waitUntil(view, new Date(Date.now() + pause).toISOString(), failure.code)
    }
  }
}

/** Runs a step so that a pause can end it. Answers undefined when it was ended before it began. */
async function inSlice<T>(view: View, step: () => Promise<T>): Promise<T | undefined> {
  const scope = new CancellationScope()
  view.slice = scope
  try {
    return await scope.run(step)
  } catch (error) {
    if (isCancellation(error) && !CancellationScope.current().consideredCancelled) return undefined
    throw error
  } finally {
    view.slice = undefined
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('The run was cancelled')
  }
}

function provider(view: View, summary: string) {
  return proxyActivities<Activities>({
    taskQueue: `${workflowInfo().taskQueue}-${view.plan.provider}`,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '10 seconds',
    retry: retry.providerSlice,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    priority: {
      priorityKey:
        view.plan.mode === 'incremental' ? temporalPriority.incremental : temporalPriority.backfill,
      fairnessKey: view.plan.partnerId,
    },
    summary,
  })
}

async function slice(view: View, resource: ResourceProgress) {
  const from = resource.pages === 0 ? 'from the start' : `from page ${resource.pages + 1}`
  const { syncSlice } = provider(view, `${resource.resource}, ${from}`)
  return await syncSlice({
    runId: view.plan.runId,
    resource: resource.resource,
    pagesPerMinute: view.speed.pagesPerMinute,
  })
}

async function finish(view: View, resource: ResourceProgress) {
  const { finishResource } = provider(view, `${resource.resource}: deletions and comparison`)
  return await finishResource({ runId: view.plan.runId, resource: resource.resource })
}

function note(
  view: View,
  resource: Mutable<ResourceProgress>,
  progress: Awaited<ReturnType<typeof slice>>['progress'],
): void {
  const { expected, ...counts } = progress
  Object.assign(resource, counts)
  if (expected !== null) view.expected.set(resource.resource, expected)
}

async function whilePaused(view: View): Promise<void> {
  if (!view.paused) return
  show(view)
  await noteRunState({ runId: view.plan.runId, state: 'paused' })
  await condition(() => !view.paused)
  await noteRunState({ runId: view.plan.runId, state: 'running' })
  show(view)
}

/** A durable wait that a pause, a resume or a new speed ends early. */
async function waitUntil(view: View, until: string, reason: string): Promise<void> {
  const ms = Math.max(1000, Date.parse(until) - Date.now())
  view.waiting = { until, reason }
  // A step may end with a wait though a pause or a new speed came during it: then the wait is of the old speed.
  if (!view.nudged || !patched('keep-nudges-of-a-step')) view.nudged = false
  show(view)
  await condition(() => view.nudged, ms, { summary: `waiting: ${reason}` })
  view.waiting = null
}

/** A history must not grow without end. The run's rows carry everything but the pause and the speed. */
async function continueWhenLong(view: View, request: SyncConnectionInput): Promise<void> {
  if (!workflowInfo().continueAsNewSuggested) return
  await condition(allHandlersFinished)
  await continueAsNew<typeof syncConnection>({
    ...request,
    runId: view.plan.runId,
    speed: view.speed,
    continued: {
      runId: view.plan.runId,
      paused: view.paused,
      startedAt: new Date(view.startedAt).toISOString(),
    },
  })
}

/** An outage ends by itself; a refusal does not. */
const worthWaiting = (code: string) =>
  ['Unavailable', 'RateLimited', 'QuotaExhausted', 'DatabaseUnavailable', 'TimedOut'].includes(code)

function failureOf(error: unknown): FailureNote {
  if (isCancellation(error)) throw error
  if (!(error instanceof ActivityFailure)) throw error
  const { cause } = error
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'Internal', message: cause.message }
  // The server gave the activity up: no worker was heard from in time. It is asked again.
  return { code: 'TimedOut', message: 'No worker answered in time' }
}

async function close(
  view: View,
  request: SyncConnectionInput,
  cancelled: boolean,
  failure: FailureNote | null,
): Promise<SyncResult> {
  view.closing = true
  show(view)
  const { runId } = view.plan
  const { outcome, ...counts } = await closeRun({ runId, cancelled, failure })
  view.closing = false
  view.outcome = outcome
  upsertSearchAttributes(searchAttributes({ outcome }))
  show(view)
  await condition(allHandlersFinished)
  const result: SyncResult = { runId, connectionId: request.connectionId, outcome, ...counts }
  if (cancelled) throw new CancelledFailure('The run was cancelled', [result])
  // A run that failed as a whole is red in the Temporal UI; one that partly failed says so in its outcome.
  if (outcome === 'failed')
    throw ApplicationFailure.create({
      message: failure?.message ?? 'No resource could be read',
      type: failure?.code ?? 'Unavailable',
      nonRetryable: true,
      details: [result],
    })
  return result
}
