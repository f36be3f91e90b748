/** Starting what cares for credentials: rotation and revocation. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { reaching } from './client-errors.ts'
import type { ConnectionFacts, HubClientOptions, Started } from './client-options.ts'
import { temporalPriority, workflowIds } from './messages.ts'
import type { revokeCredential } from './revoke-credential.ts'
import type { rotateCredential } from './rotate-credential.ts'
import { searchAttributes } from './search-attributes.ts'

export function createCredentialClient({ client, taskQueue }: HubClientOptions) {
  return {
    /** Begins a rotation, or joins the one that is under way. */
    startRotation: (connection: ConnectionFacts, overlapSeconds?: number): Promise<Started> =>
      reaching(async () => {
        const { connectionId } = connection
        const workflowId = workflowIds.rotateCredential(connectionId)
        const handle = await client.workflow.start<typeof rotateCredential>('rotateCredential', {
          workflowId,
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          taskQueue,
          args: [{ connectionId, ...(overlapSeconds === undefined ? {} : { overlapSeconds }) }],
          typedSearchAttributes: searchAttributes(connection),
          priority: { priorityKey: temporalPriority.interactive, fairnessKey: connection.partnerId },
          staticSummary: `New credential for ${connection.provider}: ${connection.name}`,
        })
        return { workflowId, runId: handle.firstExecutionRunId }
      }),

    /** Ends a deleted connection's access at its provider. Repeatable: one that is under way or done is not started again. */
    startRevocation: (connection: ConnectionFacts): Promise<void> =>
      reaching(async () => {
        const { connectionId } = connection
        try {
          await client.workflow.start<typeof revokeCredential>('revokeCredential', {
            workflowId: workflowIds.revokeCredential(connectionId),
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
            taskQueue,
            args: [{ connectionId }],
            typedSearchAttributes: searchAttributes(connection),
            priority: { priorityKey: temporalPriority.backfill, fairnessKey: connection.partnerId },
            staticSummary: `End the access at ${connection.provider}: ${connection.name}`,
          })
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
        }
      }),
  }
}
