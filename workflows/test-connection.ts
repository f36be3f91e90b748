/**
 * Tests a connection step by step, from the name of the provider's host to a webhook's way through the hub's own door. What fails is
 * a finding, not a failure of the workflow. A step that needs one that failed is not tried. What the test writes at the provider is deleted
 * again whatever happens afterwards.
 */
import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { ConnectionFacts } from '../activities/describe.ts'
import type { OpenedDiagnosis } from '../activities/diagnosis.ts'
import type { Activities } from '../activities/index.ts'
import { adviceFor } from '../model/diagnosis-advice.ts'
import {
  diagnosisSteps,
  failed,
  skipped,
  stepTitles,
  tableOfSteps,
  type DiagnosisStep,
  type DiagnosisStepName,
} from '../model/diagnosis.ts'
import { failureNote } from './failure-note.ts'
import { temporalPriority, type TestConnectionInput, type TestConnectionResult } from './messages.ts'
import { retry, times } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkTestInput } from './test-connection-input.ts'

const { describeConnection, openDiagnosis, closeDiagnosis } = proxyActivities<Activities>({
  startToCloseTimeout: '30 seconds',
  retry: retry.database,
})

/** What is refused for want of a permission is known once resources were read. */
const order: readonly DiagnosisStepName[] = ['dns', 'tls', 'auth', 'read', 'scopes', 'write', 'webhook']

/** Steps of no use once another has failed or could not be tried. */
const needs: Readonly<Partial<Record<DiagnosisStepName, DiagnosisStepName>>> = {
  tls: 'dns',
  auth: 'tls',
  read: 'auth',
  scopes: 'auth',
  write: 'auth',
}

export async function testConnection(input: TestConnectionInput): Promise<TestConnectionResult> {
  const wish = checkTestInput(input)
  const { connectionId, diagnosisId, write = false, startedBy = 'ui' } = wish
  const facts = await describeConnection({ connectionId })
  upsertSearchAttributes(searchAttributes(facts))
  const opened = await openDiagnosis({
    connectionId,
    write,
    startedBy,
    ...(diagnosisId === undefined ? {} : { diagnosisId }),
  })
  const test = { ...opened, write }
  const found = new Map<DiagnosisStepName, DiagnosisStep>()
  try {
    for (const name of order) {
      found.set(name, await runStep(facts, test, name, found))
      show(facts, found, 'under way')
    }
  } catch (error) {
    if (!isCancellation(error)) throw error
    await CancellationScope.nonCancellable(() => end(facts, test, found, true))
    throw error
  }
  return await CancellationScope.nonCancellable(() => end(facts, test, found, false))
}

type Test = OpenedDiagnosis & { readonly write: boolean }
type Found = ReadonlyMap<DiagnosisStepName, DiagnosisStep>

const inOrder = (found: Found): DiagnosisStep[] => diagnosisSteps.flatMap((name) => found.get(name) ?? [])

function show({ providerName, name }: ConnectionFacts, found: Found, state: string): void {
  setCurrentDetails(`**${providerName}: ${name}** — test ${state}\n\n${tableOfSteps(inOrder(found))}`)
}

async function runStep(
  facts: ConnectionFacts,
  { diagnosisId, receivesOnly }: Test,
  name: DiagnosisStepName,
  found: Found,
): Promise<DiagnosisStep> {
  const why = whyNot(name, found, receivesOnly)
  if (why !== undefined) return { name, ...skipped(why), durationMs: 0 }
  const { runDiagnosisStep } = proxyActivities<Activities>({
    ...times.connect,
    taskQueue: queueOf(facts),
    retry: retry.check,
    priority: { priorityKey: temporalPriority.interactive, fairnessKey: facts.partnerId },
    summary: `${stepTitles[name]}: ${facts.providerName}`,
  })
  try {
    return await runDiagnosisStep({ diagnosisId, step: name })
  } catch (error) {
    const failure = isCancellation(error) ? undefined : failureNote(error)
    if (!failure) throw error
    return { name, ...failed(failure, adviceFor(name, failure.code)), durationMs: 0 }
  }
}

const queueOf = ({ provider }: ConnectionFacts): string => `${workflowInfo().taskQueue}-${provider}`

/** Undefined when the step can be tried. */
function whyNot(name: DiagnosisStepName, found: Found, receivesOnly: boolean): string | undefined {
  const need = needs[name]
  if (receivesOnly && name !== 'webhook')
    return 'This connection only receives webhooks: nothing is asked of the provider.'
  const before = need === undefined ? undefined : found.get(need)
  if (need === undefined || !before) return undefined
  // Plain HTTP has no certificate to look at, and calls go through all the same.
  const isThrough =
    before.state === 'passed' ||
    (need === 'tls' && (before.state === 'warned' || before.facts['encrypted'] === false))
  return isThrough ? undefined : `Not tried: "${stepTitles[need]}" did not pass.`
}

async function end(
  facts: ConnectionFacts,
  { diagnosisId, write }: Test,
  found: Found,
  isCancelled: boolean,
): Promise<TestConnectionResult> {
  const leftBecause = write ? await clearUp(facts, diagnosisId) : null
  const steps = inOrder(found)
  const closed = await closeDiagnosis({ diagnosisId, steps, isCancelled, leftBecause })
  upsertSearchAttributes(searchAttributes({ outcome: closed.state === 'failed' ? 'failed' : 'succeeded' }))
  show(facts, new Map(closed.steps.map((step) => [step.name, step])), closed.state)
  return { connectionId: facts.connectionId, diagnosisId, state: closed.state }
}

/** Why the object of the test is still there; null when there is none. */
async function clearUp(facts: ConnectionFacts, diagnosisId: string): Promise<string | null> {
  const { removeTestObject } = proxyActivities<Activities>({
    ...times.connect,
    taskQueue: queueOf(facts),
    retry: retry.providerSlice,
    priority: { priorityKey: temporalPriority.interactive, fairnessKey: facts.partnerId },
    summary: 'Delete what the test has left',
  })
  try {
    await removeTestObject({ diagnosisId })
    return null
  } catch (error) {
    const failure = failureNote(error)
    if (!failure) throw error
    return failure.message
  }
}
