/** Starting and steering writes, re-mappings and descriptions. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { reaching } from './client-errors.ts'
import type { ConnectionFacts, HubClientOptions, Started } from './client-options.ts'
import { decidedSignal, temporalPriority, workflowIds } from './messages.ts'
import type { describeFields, remapRecords } from './remap-records.ts'
import { searchAttributes } from './search-attributes.ts'
import type { writeMany, writeRecord } from './write-record.ts'

export function createWriteClient(options: HubClientOptions) {
  const { client, taskQueue } = options
  const interactive = (partnerId: string) => ({
    priorityKey: temporalPriority.interactive,
    fairnessKey: partnerId,
  })
  /** Repeatable: what is under way or done is not started again. */
  const once = async (
    workflowId: string,
    start: () => Promise<{ readonly firstExecutionRunId: string }>,
  ): Promise<Started> => {
    try {
      return { workflowId, runId: (await start()).firstExecutionRunId }
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
      return { workflowId, runId: (await client.workflow.getHandle(workflowId).describe()).runId }
    }
  }
  return {
    /** Takes a write up. */
    startWrite: (
      write: ConnectionFacts & { readonly writeId: string; readonly resource: string },
    ): Promise<Started> =>
      reaching(() => {
        const workflowId = workflowIds.writeRecord(write.writeId)
        return once(workflowId, () =>
          client.workflow.start<typeof writeRecord>('writeRecord', {
            workflowId,
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
            taskQueue,
            args: [{ writeId: write.writeId }],
            typedSearchAttributes: searchAttributes(write),
            priority: interactive(write.partnerId),
            staticSummary: `Write to ${write.provider}: ${write.name}`,
          }),
        )
      }),
    /** Tells a write that waits that its decision is there. One that has ended does not mind. */
    tellDecision: (writeId: string): Promise<void> =>
      reaching(() => client.workflow.getHandle(workflowIds.writeRecord(writeId)).signal(decidedSignal)),
    startWriteSet: (set: {
      readonly setId: string
      readonly partnerId: string
      readonly accountId: string
    }): Promise<Started> =>
      reaching(() => {
        const workflowId = workflowIds.writeMany(set.setId)
        return once(workflowId, () =>
          client.workflow.start<typeof writeMany>('writeMany', {
            workflowId,
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
            taskQueue,
            args: [{ setId: set.setId }],
            typedSearchAttributes: searchAttributes({ partnerId: set.partnerId, accountId: set.accountId }),
            priority: interactive(set.partnerId),
            staticSummary: `Set of writes ${set.setId}`,
          }),
        )
      }),
    /** @throws HubError `AlreadyRunning` when records of the resource are being re-mapped. */
    startRemap: (
      remap: ConnectionFacts & {
        readonly remapId: string
        readonly resource: string
        readonly dryRun: boolean
      },
    ): Promise<Started> =>
      reaching(
        async () => {
          const workflowId = remap.dryRun
            ? workflowIds.dryRemap(remap.remapId)
            : workflowIds.remapRecords(remap.connectionId, remap.resource)
          const handle = await client.workflow.start<typeof remapRecords>('remapRecords', {
            workflowId,
            workflowIdConflictPolicy: 'FAIL',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            taskQueue,
            args: [{ remapId: remap.remapId }],
            typedSearchAttributes: searchAttributes(remap),
            priority: { priorityKey: temporalPriority.backfill, fairnessKey: remap.partnerId },
            staticSummary: `${remap.dryRun ? 'Plan of a re-mapping' : 'Re-mapping'}: ${remap.provider} ${remap.resource}`,
          })
          return { workflowId, runId: handle.firstExecutionRunId }
        },
        {
          running: `Records of ${remap.resource} are being re-mapped already. Wait for its end or cancel it.`,
        },
      ),
    /** @throws HubError `NoSuchThing` when none is under way. */
    cancelRemap: (workflowId: string): Promise<void> =>
      reaching(async () => void (await client.workflow.getHandle(workflowId).cancel())),
    /** Asks the provider and waits; joins a question that is under way. Answers how many fields there are. */
    describeFields: (connection: ConnectionFacts, resource: string): Promise<number> =>
      reaching(async () => {
        const { fields } = await client.workflow.execute<typeof describeFields>('describeFields', {
          workflowId: workflowIds.describeFields(connection.connectionId, resource),
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowExecutionTimeout: '2 minutes',
          taskQueue,
          args: [{ connectionId: connection.connectionId, resource }],
          typedSearchAttributes: searchAttributes(connection),
          priority: interactive(connection.partnerId),
          staticSummary: `Fields of ${connection.provider} ${resource}`,
        })
        return fields
      }),
  }
}
