/** The Temporal dev server as a child of this process. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Connection } from '@temporalio/client'
import { messageOf } from '../../platform/errors.ts'
import { searchAttributeNames } from '../../model/search-attributes.ts'
import { isPortFree } from './ports.ts'
import { startProgram, type Ending, type Program } from './process.ts'

export interface TemporalServerOptions {
  /** Path of the Temporal CLI, see `findTemporalCli`. */
  readonly binary: string
  readonly port: number
  /** No Web UI when left out. */
  readonly uiPort?: number
  /** SQLite file that keeps the runs; in memory when left out. */
  readonly dbFile?: string
  /** Codec server that the Web UI asks to decode payloads. */
  readonly codecEndpoint?: string
  readonly logFile: string
  /** Told of the server's process before it answers. */
  readonly spawned?: (program: Program) => void
}

export interface TemporalServer {
  /** host:port of the gRPC front end. */
  readonly address: string
  readonly namespace: string
  readonly pid: number
  /** Resolves when the server has ended, whoever ended it. */
  readonly ended: Promise<Ending>
  stop(): Promise<void>
}

const namespace = 'default'

/**
 * Starts the dev server with the hub's search attributes and waits until its namespace answers.
 * @throws Error whose message is one line for people.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const program = await startProgram({
    name: 'temporal',
    command: options.binary,
    args: ['server', 'start-dev', ...flags(options)],
    logFile: options.logFile,
  })
  options.spawned?.(program)
  const address = `127.0.0.1:${options.port}`
  await waitUntilReady(program, options.port, options.logFile)
  return { address, namespace, pid: program.pid, ended: program.ended, stop: () => program.stop(10_000) }
}

function flags({ port, uiPort, dbFile, codecEndpoint }: TemporalServerOptions): string[] {
  const list = [
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--namespace',
    namespace,
    '--log-level',
    'warn',
    '--log-format',
    'json',
  ]
  // WAL and NORMAL double the throughput and survive a kill of the process (temporal-notes §1).
  if (dbFile)
    list.push(
      '--db-filename',
      dbFile,
      '--sqlite-pragma',
      'journal_mode=WAL',
      '--sqlite-pragma',
      'synchronous=NORMAL',
    )
  if (uiPort === undefined) list.push('--headless')
  else list.push('--ui-port', String(uiPort), '--ui-disable-news-fetch')
  if (uiPort !== undefined && codecEndpoint) list.push('--ui-codec-endpoint', codecEndpoint)
  for (const name of searchAttributeNames) list.push('--search-attribute', `${name}=Keyword`)
  return list
}

async function waitUntilReady(program: Program, port: number, logFile: string): Promise<void> {
  const address = `127.0.0.1:${port}`
  let ending: Ending | undefined
  void program.ended.then((how) => (ending = how))
  let problem: unknown
  for (const until = Date.now() + 60_000; Date.now() < until && ending === undefined; await delay(50)) {
    // Asked too early, the client would wait a second before it asks again.
    if (await isPortFree(port)) continue
    try {
      await checkTemporal({ address }, namespace)
      return
    } catch (error) {
      problem = error
    }
  }
  await program.stop()
  const lastLines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-2).join(' ')
  throw new Error(`the Temporal server did not start (${ending ?? messageOf(problem)}): ${lastLines}`)
}

/** Asks a Temporal service for a namespace. @throws when the service or the namespace does not answer within 5 s. */
export async function checkTemporal(
  options: Parameters<typeof Connection.connect>[0] & object,
  name: string,
): Promise<void> {
  const connection = await Connection.connect({ ...options, connectTimeout: '5 s' })
  try {
    await connection.withDeadline(Date.now() + 5_000, () =>
      connection.workflowService.describeNamespace({ namespace: name }),
    )
  } finally {
    await connection.close()
  }
}
