/**
 * How fast a sync is beside a bare loop that pages the same data and upserts it into the same table shape. Both sides use
 * the same sandbox process and the same Postgres, in turn, several times. Last line: one JSON object.
 *
 *   npm run bench:sync                    100,000 tickets, 3 rounds
 *   npm run bench:sync -- 20000 2         fewer
 */
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { getRun } from '../db/runs.ts'
import { newId } from '../platform/new-id.ts'
import { startProcesses, type Processes } from '../test/harness/processes.ts'
import { createBareTable, syncBare } from './bare-sync.ts'

const records = Number(process.argv[2] ?? 100_000)
const rounds = Number(process.argv[3] ?? 3)
const edits = Math.floor(records / 10)
const perMinute = { support: 1_000_000, export: 1_000_000, help_center: 1_000_000 }
const size = { tickets: records, users: 100, organizations: 10, comments: 0 }

interface SandboxProcess {
  readonly url: string
  readonly originMap: Readonly<Record<string, string>>
}

function startSandboxProcess(): Promise<SandboxProcess & { stop(): void }> {
  const child = fork(
    path.join(import.meta.dirname, 'sandbox-process.ts'),
    [JSON.stringify({ port: 0, size, limits: perMinute })],
    { execArgv: ['--import', 'tsx'] },
  )
  return new Promise((resolve) =>
    child.once('message', (message) =>
      resolve({ ...(message as SandboxProcess), stop: () => child.disconnect() }),
    ),
  )
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
const memoryMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

interface HubRun {
  readonly seconds: number
  readonly rows: number
  readonly actions: number
  readonly memory: readonly number[]
}

/** One run through Temporal, from the start to its result, with the worker's memory on the way. */
async function syncHub(
  hub: Processes,
  connection: Awaited<ReturnType<Processes['connect']>>,
): Promise<HubRun> {
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
  const started = await hub.hub.startSync(
    { connectionId: connection.connectionId, runId, resources: ['tickets'], startedBy: 'bench' },
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
function countActions(events: readonly object[]): number {
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

const sandbox = await startSandboxProcess()
const hub = await startProcesses({
  sandbox: { size: { tickets: 1, users: 1, organizations: 1, comments: 0 } },
  originMap: sandbox.originMap,
})
const bareTable = createBareTable(hub.database.pool)
const first: { hub: HubRun; bare: number }[] = []
const later: { hub: HubRun; bare: number }[] = []
try {
  for (let round = 0; round < rounds; round++) {
    await bareTable.reset()
    const bareFirst = await syncBare(hub.database.pool, sandbox.url, undefined)
    const connection = await hub.connect({ exports_per_minute: '999999' })
    const hubFirst = await syncHub(hub, connection)
    first.push({ hub: hubFirst, bare: bareFirst.seconds })
    await fetch(`${sandbox.url}/_sandbox/zendesk/edits`, {
      method: 'POST',
      body: JSON.stringify({ resource: 'tickets', update: Math.min(10_000, edits) }),
    })
    const bareLater = await syncBare(hub.database.pool, sandbox.url, bareFirst.cursor)
    const hubLater = await syncHub(hub, connection)
    later.push({ hub: hubLater, bare: bareLater.seconds })
    const rate = (rows: number, seconds: number) => Math.round(rows / seconds)
    console.log(
      `round ${round + 1}: first load hub ${rate(hubFirst.rows, hubFirst.seconds)}/s, bare ${rate(bareFirst.rows, bareFirst.seconds)}/s; incremental (${hubLater.rows} rows) hub ${rate(hubLater.rows, hubLater.seconds)}/s, bare ${rate(bareLater.rows, bareLater.seconds)}/s`,
    )
  }
  const memory = first.flatMap((one) => one.hub.memory)
  const fifth = Math.max(1, Math.floor((first.at(-1)?.hub.memory.length ?? 1) / 5))
  const last = first.at(-1)?.hub.memory ?? []
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
  const actions = median(
    first.map((one) => (one.hub.actions + one.hub.seconds / 3) * (100_000 / one.hub.rows)),
  )
  console.log(
    JSON.stringify({
      bench: 'sync',
      records,
      rounds,
      ratio: Number(median(first.map((one) => one.bare / one.hub.seconds)).toFixed(3)),
      incrementalRatio: Number(median(later.map((one) => one.bare / one.hub.seconds)).toFixed(3)),
      recordsPerSecond: Math.round(median(first.map((one) => one.hub.rows / one.hub.seconds))),
      bareRecordsPerSecond: Math.round(median(first.map((one) => one.hub.rows / one.bare))),
      actionsPer100kRecords: Number(actions.toFixed(1)),
      peakMemoryMb: Math.round(Math.max(...memory)),
      memoryMbSecondFifth: Math.round(mean(last.slice(fifth, 2 * fifth))),
      memoryMbLastFifth: Math.round(mean(last.slice(-fifth))),
    }),
  )
} finally {
  await hub.close()
  sandbox.stop()
}
