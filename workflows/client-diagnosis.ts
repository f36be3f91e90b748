/** Starting the test of a connection. */
import { reaching } from './client-errors.ts'
import type { ConnectionFacts, HubClientOptions, Started } from './client-options.ts'
import { temporalPriority, workflowIds } from './messages.ts'
import { searchAttributes } from './search-attributes.ts'
import type { testConnection } from './test-connection.ts'

export interface TestWish {
  readonly diagnosisId: string
  readonly write: boolean
  readonly startedBy: string
}

export function createDiagnosisClient({ client, taskQueue }: HubClientOptions) {
  return {
    /** @throws HubError `AlreadyRunning` when a test is under way: it may be one that writes, or one that does not. */
    startTest: (connection: ConnectionFacts, wish: TestWish): Promise<Started> =>
      reaching(
        async () => {
          const { connectionId } = connection
          const handle = await client.workflow.start<typeof testConnection>('testConnection', {
            workflowId: workflowIds.testConnection(connectionId),
            workflowIdConflictPolicy: 'FAIL',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            taskQueue,
            args: [{ connectionId, ...wish }],
            typedSearchAttributes: searchAttributes(connection),
            priority: { priorityKey: temporalPriority.interactive, fairnessKey: connection.partnerId },
            staticSummary: `Test of ${connection.provider}: ${connection.name}${wish.write ? ', with a write' : ''}`,
          })
          return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId }
        },
        { running: `A test of the connection "${connection.name}" is under way already.` },
      ),
  }
}
