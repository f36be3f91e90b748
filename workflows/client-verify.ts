/** Starting verifications, and deciding on their repair. */
import { reaching } from './client-errors.ts'
import type { ConnectionFacts, HubClientOptions, Started } from './client-options.ts'
import {
  decideVerificationUpdate,
  temporalPriority,
  workflowIds,
  type VerificationDecision,
  type VerifyIntegrityInput,
} from './messages.ts'
import { searchAttributes } from './search-attributes.ts'
import type { verifyIntegrity } from './verify-integrity.ts'

export function createVerifyClient({ client, taskQueue }: HubClientOptions) {
  return {
    /** @throws HubError `AlreadyRunning` when the connection is being verified. */
    startVerification: (input: VerifyIntegrityInput, connection: ConnectionFacts): Promise<Started> =>
      reaching(
        async () => {
          const workflowId = workflowIds.verifyIntegrity(connection.connectionId)
          const handle = await client.workflow.start<typeof verifyIntegrity>('verifyIntegrity', {
            workflowId,
            workflowIdConflictPolicy: 'FAIL',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            taskQueue,
            args: [input],
            typedSearchAttributes: searchAttributes(connection),
            priority: { priorityKey: temporalPriority.backfill, fairnessKey: connection.partnerId },
            staticSummary: `Verify ${connection.provider}: ${connection.name}`,
          })
          return { workflowId, runId: handle.firstExecutionRunId }
        },
        { running: 'A verification of this connection is under way, or waits for a decision.' },
      ),

    decideVerification: (connectionId: string, decision: VerificationDecision): Promise<void> =>
      reaching(async () => {
        await client.workflow
          .getHandle(workflowIds.verifyIntegrity(connectionId))
          .executeUpdate(decideVerificationUpdate, { args: [decision] })
      }),
  }
}
