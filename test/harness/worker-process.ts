/** A worker as it runs in production: a process of its own, on a database and a task queue of a test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { newKeyRingText } from '../../platform/secrets/keyring.ts'
import { testTemporal } from './temporal.ts'

const root = path.resolve(import.meta.dirname, '../..')

export type EnvironmentChange = Readonly<Record<string, string | undefined>>

/** Of a worker of this run's Temporal. */
export function workerEnvironment(databaseUrl: string, change: EnvironmentChange = {}) {
  const { address, namespace } = testTemporal()
  return {
    ...process.env,
    NODE_OPTIONS: '',
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TIELINE_ADMIN_TOKEN: 'a-token-of-enough-characters',
    TIELINE_ENCRYPTION_KEYS: newKeyRingText(),
    TIELINE_TASK_QUEUE: `process-${process.pid}`,
    ...change,
  }
}

export function startWorkerProcess(env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'workers/main.ts'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  let errors = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  // Not "close": Node does not tell it when the channel was closed from this side.
  const ended = once(child, 'exit').then(async ([code]) => {
    await delay(100)
    return { code: code as number | null, errors, output }
  })
  const ready = once(child, 'message').then(([message]) => message as unknown)
  ready.catch(() => undefined)
  return { child, ended, ready }
}

/** What Prometheus would read there. */
export async function metricsAt(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`)
  if (answer.status !== 200) throw new Error(`/metrics answers ${answer.status}`)
  return await answer.text()
}
