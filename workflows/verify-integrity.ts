/**
 * `verifyIntegrity` (`verify:<connectionId>`): compares a connection's provider with the store, resource by resource, leaves a signed report,
 * and mends what it has found: at once, or when a person has said so. `verifyMany`: by night a sample of every connection.
 */
import {
  ActivityCancellationType,
  ApplicationFailure,
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
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import { ActivityFailure, ChildWorkflowFailure } from '@temporalio/common'
import type { Activities } from '../activities/index.ts'
import type { VerificationPlan, VerificationReport } from '../activities/verify.ts'
import { isId } from '../model/ids.ts'
import { failureNote } from './failure-note.ts'
import {
  decideVerificationUpdate,
  temporalPriority,
  workflowIds,
  type VerificationDecision,
  type VerifyIntegrityInput,
  type VerifyIntegrityResult,
  type VerifyManyInput,
  type VerifyManyResult,
} from './messages.ts'
import { retry } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { invalidInput } from './validate.ts'

const hub = proxyActivities<Activities>({ startToCloseTimeout: '2 minutes', retry: retry.database })

/** A plan that nobody decides on is given up; a new verification makes a new one. */
const patience = '7 days'

/** Started by API, CLI or schedule; `{"connectionId": "con_…", "mode": "full", "repair": "ask"}` by hand. */
export async function verifyIntegrity(input: VerifyIntegrityInput): Promise<VerifyIntegrityResult> {
  const wish = checked(input)
  let decision: VerificationDecision | undefined
  let isAsking = false
  setHandler(
    decideVerificationUpdate,
    (given) => {
      decision = given
    },
    {
      validator: (given: VerificationDecision) => {
        if (!isAsking || decision) throw invalidInput('Nothing waits for a decision here.')
        if (typeof given.approve !== 'boolean' || typeof given.by !== 'string')
          throw invalidInput('A decision is {"approve": true or false, "by": "…"}.')
      },
    },
  )
  const { verificationId } = wish
  const plan = await hub.openVerification(wish)
  upsertSearchAttributes(searchAttributes({ ...plan, connectionId: wish.connectionId }))
  try {
    const progress = new Map<string, string>()
    for (const resource of plan.resources) await verifyResource(plan, resource, progress)
    const report = await hub.reportVerification({ verificationId })
    const result = await settle(wish, plan, report, async () => {
      isAsking = true
      show(plan, askingText(plan, wish.connectionId, report))
      await hub.moveVerification({ verificationId, from: ['running'], state: 'asking' })
      const isDecided = await condition(() => decision !== undefined, patience)
      isAsking = false
      return isDecided ? decision : undefined
    })
    upsertSearchAttributes(
      searchAttributes({ outcome: report.accuracyPercent === 100 ? 'succeeded' : 'partly_failed' }),
    )
    return result
  } catch (error) {
    const failure = isCancellation(error) ? null : failureNote(error)
    if (failure === undefined) throw error
    const state = failure === null ? ('cancelled' as const) : ('failed' as const)
    await CancellationScope.nonCancellable(() =>
      hub.moveVerification({ verificationId, from: ['running', 'asking', 'repairing'], state, failure }),
    )
    upsertSearchAttributes(searchAttributes({ outcome: state }))
    if (failure === null) throw error
    throw ApplicationFailure.nonRetryable(failure.message, failure.code)
  }
}

type Wish = Required<Pick<VerifyIntegrityInput, 'connectionId' | 'mode' | 'repair' | 'startedBy'>> & {
  readonly verificationId: string
  readonly resources?: readonly string[]
}

function checked(input: VerifyIntegrityInput): Wish {
  const example = '{"connectionId": "con_…", "mode": "full", "repair": "ask"}'
  if (typeof input !== 'object' || input === null) throw invalidInput(`The input is ${example}.`)
  const {
    connectionId,
    verificationId,
    mode = 'sample',
    repair = 'none',
    resources,
    startedBy = 'ui',
    ...rest
  } = input
  const [stranger] = Object.keys(rest)
  if (stranger !== undefined) throw invalidInput(`"${stranger}" is not known. The input is ${example}.`)
  if (!isId('connection', connectionId)) throw invalidInput('"connectionId" is not the id of a connection.')
  if (mode !== 'sample' && mode !== 'full') throw invalidInput('"mode" is "sample" or "full".')
  if (!['none', 'ask', 'apply'].includes(repair)) throw invalidInput('"repair" is "none", "ask" or "apply".')
  if (
    resources !== undefined &&
    (!Array.isArray(resources) || resources.some((one) => typeof one !== 'string'))
  )
    throw invalidInput('"resources" is a list of names.')
  const id = verificationId ?? idOfRun()
  if (!isId('verification', id)) throw invalidInput('"verificationId" is not the id of a verification.')
  return { connectionId, verificationId: id, mode, repair, startedBy, ...(resources ? { resources } : {}) }
}

/** One that was started by hand or by the schedule gets an id that is the same when it is replayed. */
function idOfRun(): string {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  let rest = workflowInfo().startTime.getTime()
  let time = ''
  for (let i = 0; i < 10; i++) {
    time = alphabet.charAt(rest % 32) + time
    rest = Math.floor(rest / 32)
  }
  // Temporal seeds this per run.
  return `ver_${time}${Array.from({ length: 16 }, () => alphabet.charAt(Math.floor(Math.random() * 32))).join('')}`
}

const atProvider = (plan: VerificationPlan, summary: string) =>
  proxyActivities<Activities>({
    taskQueue: `${workflowInfo().taskQueue}-${plan.provider}`,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '15 seconds',
    retry: retry.providerSlice,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    priority: { priorityKey: temporalPriority.backfill, fairnessKey: plan.partnerId },
    summary,
  })

/** A resource that cannot be read is noted, and the others are verified all the same. */
async function verifyResource(
  plan: VerificationPlan,
  resource: string,
  progress: Map<string, string>,
): Promise<void> {
  const { verificationId } = plan
  const { verifySlice } = atProvider(plan, `Compare ${resource}`)
  try {
    for (;;) {
      const slice = await verifySlice({ verificationId, resource })
      progress.set(resource, `${slice.checked} compared, ${slice.wrong} not right`)
      show(plan, [...progress].map(([name, text]) => `- ${name}: ${text}`).join('\n'))
      if (slice.state === 'done') return
      if (slice.state === 'wait') {
        const ms = Math.max(1_000, Date.parse(slice.until ?? '') - Date.now())
        await sleep(ms, { summary: `waiting: ${slice.reason ?? ''}` })
      }
    }
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error
    const failure = failureNote(error)
    if (!failure) throw error
    progress.set(resource, failure.message)
    await hub.failVerifiedResource({ verificationId, resource, failure })
  }
}

async function settle(
  wish: Wish,
  plan: VerificationPlan,
  report: VerificationReport,
  ask: () => Promise<VerificationDecision | undefined>,
): Promise<VerifyIntegrityResult> {
  const { verificationId } = wish
  const result = {
    verificationId,
    ...report.counts,
    accuracyPercent: report.accuracyPercent,
    repaired: 0,
    notRepaired: 0,
  }
  if (report.repairable === 0 || wish.repair === 'none') {
    await hub.moveVerification({ verificationId, from: ['running'], state: 'succeeded' })
    show(plan, summaryOf(report))
    return result
  }
  const decision = wish.repair === 'ask' ? await ask() : { approve: true, by: wish.startedBy }
  if (!decision?.approve) {
    const by = decision?.by ?? 'nobody decided in time'
    await hub.moveVerification({
      verificationId,
      from: ['asking'],
      state: 'succeeded',
      by,
      decision: 'rejected',
    })
    show(plan, `${summaryOf(report)}\n\nNothing was repaired (${by}).`)
    return result
  }
  await hub.moveVerification({
    verificationId,
    from: ['running', 'asking'],
    state: 'repairing',
    by: decision.by,
    decision: 'approved',
  })
  const { repairVerified } = atProvider(plan, 'Repair')
  while ((await repairVerified({ verificationId })).more);
  const done = await hub.afterRepair({ verificationId })
  await hub.moveVerification({ verificationId, from: ['repairing'], state: 'succeeded' })
  show(plan, `${summaryOf(report)}\n\n${done.repaired} repaired, ${done.notRepaired} not.`)
  return { ...result, ...done }
}

const summaryOf = ({ accuracyPercent, counts }: VerificationReport): string =>
  [
    `**${accuracyPercent} % right**`,
    '| compared | missing | extra | stale | different | not yet synced | links that lead nowhere |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    `| ${counts.checked} | ${counts.missing} | ${counts.extra} | ${counts.stale} | ${counts.different} | ${counts.pending} | ${counts.orphans} |`,
  ].join('\n')

const askingText = (
  { verificationId }: VerificationPlan,
  connectionId: string,
  report: VerificationReport,
): string =>
  [
    summaryOf(report).replace('**\n|', '**\n\n|'),
    `Waits for a decision: \`tieline verify approve ${verificationId}\` or \`tieline verify reject ${verificationId}\`,`,
    `or the update \`decideVerification\` of \`${workflowIds.verifyIntegrity(connectionId)}\` with \`{"approve": true, "by": "…"}\`.`,
  ].join('\n\n')

function show(plan: VerificationPlan, text: string): void {
  setCurrentDetails(`**${plan.providerName}: ${plan.connectionName}**\n\n${text}`)
}

/** Started by its schedule; `{}` by hand does the same, `{"provider": "…"}` for one provider. */
export async function verifyMany(input: VerifyManyInput = {}): Promise<VerifyManyResult> {
  const { provider, mode = 'sample', continued } = input
  if (provider !== undefined && typeof provider !== 'string') throw invalidInput('"provider" is a slug.')
  if (mode !== 'sample' && mode !== 'full') throw invalidInput('"mode" is "sample" or "full".')
  const result = { verified: 0, wrong: 0, failed: 0, ...continued?.result }
  for (let after = continued?.after; ;) {
    const ids = await hub.connectionsToVerify({
      ...(provider === undefined ? {} : { provider }),
      ...(after === undefined ? {} : { after }),
    })
    const queue = [...ids]
    const lane = async (): Promise<void> => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) await verifyOne(id, mode, result)
    }
    await Promise.all(Array.from({ length: Math.min(parallel, ids.length) }, lane))
    const last = ids.at(-1)
    if (last === undefined) return result
    after = last
    setCurrentDetails(
      `${result.verified} verified, ${result.wrong} of them not right, ${result.failed} could not be.`,
    )
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof verifyMany>({ ...input, continued: { after: last, result } })
  }
}

/** Connections at the same time. */
const parallel = 4

async function verifyOne(
  connectionId: string,
  mode: 'sample' | 'full',
  result: { verified: number; wrong: number; failed: number },
): Promise<void> {
  try {
    const one = await executeChild(verifyIntegrity, {
      workflowId: workflowIds.verifyIntegrity(connectionId),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [{ connectionId, mode, startedBy: 'schedule' }],
    })
    result.verified++
    if (one.accuracyPercent < 100) result.wrong++
  } catch (error) {
    // Paused meanwhile, refused, or under way already: the others are verified all the same.
    if (!(error instanceof ChildWorkflowFailure) && !isAlreadyRunning(error)) throw error
    if (isCancellation(error)) throw error
    result.failed++
  }
}

const isAlreadyRunning = (error: unknown): boolean =>
  error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError'
