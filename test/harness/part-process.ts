/** A worker or an API as it runs in production: a process of its own, on a database and a task queue of a test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { newKeyRingText } from '../../platform/secrets/keyring.ts'
import { testTemporal } from './temporal.ts'

const root = path.resolve(import.meta.dirname, '../..')

export type EnvironmentChange = Readonly<Record<string, string | undefined>>

/** Of a part of a hub on this run's Temporal. */
export function partEnvironment(databaseUrl: string, change: EnvironmentChange = {}) {
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

export function startPart(part: 'api' | 'workers', env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, ['--import', 'tsx', `${part}/main.ts`], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new Error(`the output of the ${part} cannot be read`)
  let output = ''
  let errors = ''
  stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  // Not the child's own "close": Node does not tell it when the channel was closed from this side.
  const ended = Promise.all([once(child, 'exit'), once(stdout, 'close'), once(stderr, 'close')]).then(
    ([[code]]) => ({ code: code as number | null, errors, output }),
  )
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
