/** A worker process whose own and Temporal's metrics can be read, and which can be made to count what is rare. */
import { sql } from 'kysely'
import { freePorts } from '../../cli/up/ports.ts'
import { readServiceConfig } from '../../platform/config.ts'
import { newId } from '../../platform/new-id.ts'
import { newKeyRingText, parseKeyRing } from '../../platform/secrets/keyring.ts'
import { connectTemporal } from '../../platform/temporal/connection.ts'
import { createHubClient } from '../../workflows/client.ts'
import { until } from './api.ts'
import type { TestDatabase } from './postgres.ts'
import { metricsAt, startPart, partEnvironment } from './part-process.ts'

export interface MeteredWorker {
  readonly hubMetrics: () => Promise<string>
  readonly temporalMetrics: () => Promise<string>
  /** An activity that breaks (what a person or a provider must mend does not count), workflows that succeed and fail, a request that Temporal refuses. */
  drive(): Promise<void>
  close(): Promise<void>
}

export async function startMeteredWorker(database: TestDatabase): Promise<MeteredWorker> {
  const [hubPort = 0, temporalPort = 0] = await freePorts(2)
  const taskQueue = `metered-${process.pid}`
  const env = partEnvironment(database.url, {
    TIELINE_WORKER_METRICS_PORT: String(hubPort),
    TIELINE_TEMPORAL_METRICS_PORT: String(temporalPort),
    TIELINE_TASK_QUEUE: taskQueue,
    TIELINE_ENCRYPTION_KEYS: newKeyRingText(),
  })
  const { child, ready, ended } = startPart('workers', env)
  const first = await Promise.race([ready, ended])
  if (!(first as { readonly ready?: boolean }).ready) throw new Error(JSON.stringify(first))
  const config = readServiceConfig(env)
  const temporal = await connectTemporal({
    temporal: config.temporal,
    ring: parseKeyRing(config.encryptionKeys),
  })
  const { client, namespace } = temporal
  const hub = createHubClient({ client, namespace, taskQueue, uiUrl: config.temporalUiUrl })
  return {
    hubMetrics: () => metricsAt(hubPort),
    temporalMetrics: () => metricsAt(temporalPort),
    drive: async () => {
      const { db } = database.database
      await sql`alter table reviews rename to reviews_away`.execute(db)
      const { workflowId } = await hub.startUpkeep('securityAudit')
      const handle = client.workflow.getHandle(workflowId)
      const hasFailed = async () =>
        ((await handle.describe()).raw.pendingActivities ?? []).some(({ lastFailure }) => lastFailure)
      await until(hasFailed, (is) => is)
      await sql`alter table reviews_away rename to reviews`.execute(db)
      await handle.result()
      const connectionId = newId('connection')
      const options = { workflowId: `metered:${connectionId}`, taskQueue, args: [{ connectionId }] }
      await client.workflow.execute('verifyIntegrity', options).catch(() => undefined)
      // Its one activity is under way: the next heartbeat is for a workflow that is gone.
      await client.workflow.getHandle(`dispatch-events:${taskQueue}`).terminate('to see a request refused')
    },
    close: async () => {
      // Nobody does their work any more.
      for await (const { scheduleId } of client.schedule.list())
        if (scheduleId.endsWith(`:${taskQueue}`)) await client.schedule.getHandle(scheduleId).delete()
      await temporal.close()
      child.kill('SIGTERM')
      await ended
    },
  }
}
