/** A sync through Temporal, from its start to its result, with the worker's memory on the way. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Connection } from '../db/connections.ts'
import { getRun } from '../db/runs.ts'
import { newId } from '../platform/new-id.ts'
import type { Processes } from '../test/harness/processes.ts'

export interface HubRun {
  readonly seconds: number
  readonly rows: number
  readonly actions: number
  /** Resident memory of the worker in MB, five times a second. */
  readonly memory: readonly number[]
}

const memoryMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

export async function syncHub(hub: Processes, connection: Connection, resource: string): Promise<HubRun> {
  const runId = newId('run')
  const memory: number[] = []
  let over = false
  const watch = (async () => {
    while (!over) {
      memory.push(memoryMb(hub.workerPid()))
      await delay(200)
    }
  })()
  const began = performance.now()
  const { connectionId } = connection
  const started = await hub.hub.startSync(
    { connectionId, runId, resources: [resource], startedBy: 'bench' },
    connection,
  )
  const handle = hub.temporal.client.workflow.getHandle(started.workflowId, started.runId)
  await handle.result()
  const seconds = (performance.now() - began) / 1000
  over = true
  await watch
  const { events } = await handle.fetchHistory()
  const run = await getRun(hub.database.db, runId)
  return { seconds, rows: run?.resources[0]?.scanned ?? 0, actions: countActions(events ?? []), memory }
}

/** What Temporal Cloud bills as actions, as far as a history shows it (heartbeats are added by the clock: one per 3 s). */
export function countActions(events: readonly object[]): number {
  const billed = [
    'workflowExecutionStartedEventAttributes',
    'activityTaskScheduledEventAttributes',
    'timerStartedEventAttributes',
    'markerRecordedEventAttributes',
    'upsertWorkflowSearchAttributesEventAttributes',
    'workflowExecutionSignaledEventAttributes',
    'workflowExecutionUpdateAcceptedEventAttributes',
  ]
  return events.filter((event) => billed.some((name) => (event as Record<string, unknown>)[name] != null))
    .length
}
