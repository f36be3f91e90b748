/** Starting and steering statements. */
import { WithStartWorkflowOperation } from '@temporalio/client'
import type { UpdateDefinition } from '@temporalio/common'
import { reaching } from './client-errors.ts'
import type { HubClientOptions, Started } from './client-options.ts'
import type { closeStatement } from './close-statement.ts'
import {
  decideStatementUpdate,
  payStatementUpdate,
  temporalPriority,
  workflowIds,
  type CloseStatementInput,
  type CloseStatementResult,
  type StatementDecision,
  type StatementPayout,
} from './messages.ts'
import { searchAttributes } from './search-attributes.ts'

export function createCommissionClient({ client, taskQueue }: HubClientOptions) {
  const optionsOf = (input: CloseStatementInput) => ({
    workflowId: workflowIds.closeStatement(input.partnerId, input.period),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    taskQueue,
    args: [input] as [CloseStatementInput],
    typedSearchAttributes: searchAttributes({ partnerId: input.partnerId }),
    priority: { priorityKey: temporalPriority.interactive, fairnessKey: input.partnerId },
    staticSummary: `Statement of ${input.period}`,
  })
  /** Its workflow may be gone: the statement is in the store, and a new one takes up what it finds there. */
  const update = <A extends StatementDecision | StatementPayout>(
    of: CloseStatementInput,
    definition: UpdateDefinition<CloseStatementResult, [A]>,
    wish: A,
  ): Promise<CloseStatementResult> =>
    reaching(() =>
      client.workflow.executeUpdateWithStart(definition, {
        args: [wish],
        startWorkflowOperation: new WithStartWorkflowOperation<typeof closeStatement>('closeStatement', {
          ...optionsOf(of),
          workflowIdConflictPolicy: 'USE_EXISTING',
        }),
      }),
    )
  return {
    /** Closes a month for a partner; one that is under way is joined. */
    startStatement: (input: CloseStatementInput): Promise<Started> =>
      reaching(async () => {
        const options = optionsOf(input)
        const handle = await client.workflow.start<typeof closeStatement>('closeStatement', {
          ...options,
          workflowIdConflictPolicy: 'USE_EXISTING',
        })
        return { workflowId: options.workflowId, runId: handle.firstExecutionRunId }
      }),
    /** @throws HubError `StateConflict` for a statement that nothing is to be decided on. */
    decideStatement: (of: CloseStatementInput, decision: StatementDecision): Promise<CloseStatementResult> =>
      update(of, decideStatementUpdate, decision),
    /** @throws HubError `StateConflict` for a statement that is not approved. */
    payStatement: (of: CloseStatementInput, payout: StatementPayout): Promise<CloseStatementResult> =>
      update(of, payStatementUpdate, payout),
  }
}
