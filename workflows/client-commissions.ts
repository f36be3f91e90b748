/** Starting and steering statements, and the schedules that close months and look after the ledger. */
import { WithStartWorkflowOperation, type ScheduleClient } from '@temporalio/client'
import type { UpdateDefinition } from '@temporalio/common'
import type { checkLedgers } from './check-ledgers.ts'
import { isMadeNow, reaching } from './client-errors.ts'
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

type ScheduleOptions = Parameters<typeof ScheduleClient.prototype.create<typeof checkLedgers>>[0]

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
  const ensure = async (scheduleId: string, workflowType: string, spec: ScheduleOptions['spec']) => {
    const options: ScheduleOptions = {
      scheduleId,
      spec,
      policies: { overlap: 'SKIP', catchupWindow: '7 days' },
      action: { type: 'startWorkflow', workflowType, workflowId: scheduleId, taskQueue, args: [] },
    }
    await isMadeNow(() => client.schedule.create<typeof checkLedgers>(options))
  }
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
    /** Makes the schedules that close the month before and check the ledger. Repeatable; those that are there are left as they are. */
    ensureCommissionCare: (): Promise<void> =>
      reaching(async () => {
        await ensure(workflowIds.closeStatements(taskQueue), 'closeStatements', {
          calendars: [{ dayOfMonth: 3, hour: 4, minute: 10 }],
        })
        await ensure(workflowIds.checkLedgers(taskQueue), 'checkLedgers', {
          calendars: [{ hour: 2, minute: 40 }],
        })
      }),
  }
}
