/**
 * Actions and reports: `runAction` and `runReport` carry out what the API has written down (`db/operations.ts`). They take
 * and give ids and states only; input and result stay sealed in Postgres.
 */
import {
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import { CancellationScope } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { OperationFacts } from '../activities/operations.ts'
import type { FailureNote } from '../model/failures.ts'
import { failureNote } from './failure-note.ts'
import { temporalPriority, type OperationInput, type OperationResult } from './messages.ts'
import { retry, times } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkIdInput } from './validate.ts'

const { describeOperation, endFailedOperation } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  retry: retry.database,
})

/** Runs an action of a provider. Started by the API; `{"operationId": "op_…"}` by hand takes up one that was left behind. */
export const runAction = (input: OperationInput): Promise<OperationResult> => runOperation(input, 'action')

/** Runs a report of a provider. */
export const runReport = (input: OperationInput): Promise<OperationResult> => runOperation(input, 'report')

async function runOperation(input: OperationInput, kind: OperationFacts['kind']): Promise<OperationResult> {
  const operationId = checkIdInput(input, 'operationId', 'operation')
  const facts = await describeOperation({ operationId })
  if (facts.kind !== kind) {
    throw ApplicationFailure.nonRetryable(
      `"${operationId}" is a ${facts.kind}, not a ${kind}.`,
      'InvalidInput',
    )
  }
  upsertSearchAttributes(searchAttributes(facts))
  show(facts, 'running')
  try {
    const { state } = await perform(facts)
    return end(facts, state === 'failed' ? 'failed' : 'succeeded')
  } catch (error) {
    const failure = isCancellation(error) ? cancelled : failureNote(error)
    if (!failure) throw error
    await CancellationScope.nonCancellable(() => endFailedOperation({ operationId, failure }))
    end(facts, 'failed', failure)
    if (isCancellation(error)) throw error
    throw ApplicationFailure.nonRetryable(failure.message, failure.code)
  }
}

const cancelled: FailureNote = {
  code: 'Superseded',
  message: 'The operation was cancelled. The provider may have done it already.',
}

async function perform(facts: OperationFacts) {
  const { performOperation } = proxyActivities<Activities>({
    ...times.operation,
    taskQueue: `${workflowInfo().taskQueue}-${facts.provider}`,
    retry: retry.operation,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    priority: { priorityKey: temporalPriority.interactive, fairnessKey: facts.partnerId },
    summary: facts.title,
  })
  return await performOperation({ operationId: facts.operationId })
}

function end(facts: OperationFacts, state: OperationResult['state'], failure?: FailureNote): OperationResult {
  upsertSearchAttributes(searchAttributes({ outcome: state }))
  show(facts, state, failure)
  return { operationId: facts.operationId, state }
}

function show(facts: OperationFacts, state: string, failure?: FailureNote): void {
  const lines = [
    `**${facts.title}** (\`${facts.operation}\`) — ${state}`,
    `${facts.providerName}: ${facts.name} (\`${facts.connectionId}\`)`,
    ...(failure ? [`${failure.code}: ${failure.message}`] : []),
    `Input and result are kept by the hub: \`${facts.operationId}\`.`,
  ]
  setCurrentDetails(lines.join('\n\n'))
}
