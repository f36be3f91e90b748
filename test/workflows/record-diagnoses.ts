/** The main paths of a connection's test: all is well, with a write asked for, a refused credential, called off, no such connection. */
import type { WorkflowHandle } from '@temporalio/client'
import type { Connection } from '../../db/connections.ts'
import { newId } from '../../platform/new-id.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { TinyProvider } from '../harness/tiny-provider.ts'
import type { TestHub } from '../harness/worker.ts'

export async function recordDiagnoses({
  test,
  tiny,
  keep,
  toTiny,
  toNotes,
}: {
  readonly test: TestHub
  readonly tiny: TinyProvider
  readonly toTiny: Connection
  readonly toNotes: Connection
  keep(name: string, handle: WorkflowHandle): Promise<void>
}): Promise<void> {
  const run = async (connection: Connection, write = false): Promise<WorkflowHandle> => {
    const wish = { diagnosisId: newId('diagnosis'), write, startedBy: 'test' }
    const { workflowId, runId } = await test.hub.startTest(connection, wish)
    return test.temporal.client.workflow.getHandle(workflowId, runId)
  }
  await keep('testConnection-passed', await run(toNotes))
  await keep('testConnection-with-write', await run(toNotes, true))
  tiny.answer(() => ({ status: 401 }))
  await keep('testConnection-refused', await run(toTiny))
  tiny.requests.length = 0
  tiny.answer(() => ({ delayMs: 20_000 }))
  const cancelled = await run(toTiny)
  while (tiny.requests.length === 0) await new Promise((next) => setTimeout(next, 50))
  await cancelled.cancel()
  await keep('testConnection-cancelled', cancelled)
  tiny.answer(() => ({}))
  const connectionId = newId('connection')
  const nobody = await test.temporal.client.workflow.start('testConnection', {
    workflowId: workflowIds.testConnection(connectionId),
    taskQueue: test.taskQueue,
    args: [{ connectionId }],
  })
  await keep('testConnection-no-connection', nobody)
}
