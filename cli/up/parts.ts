/** The hub's own processes: each is one `main.ts`, started with the settings it needs in its environment. */
import { renameSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Home } from './home.ts'
import { startProgram, type Program } from './process.ts'
import { describeEnd, PartEnded } from './part-ended.ts'

const root = path.resolve(import.meta.dirname, '../..')
const mains = { worker: 'workers/main.ts', api: 'api/main.ts', sandbox: 'sandbox/main.ts' } as const
export type PartName = keyof typeof mains

/** What a part tells its parent over IPC when it can do its work. */
interface Ready {
  readonly ready: true
}

/** Bursts of short-lived requests fill the default young generation (16 MB) many times a second. */
export const nodeFlags = ['--max-semi-space-size=64']

const isReady = (message: unknown): message is Ready =>
  typeof message === 'object' && message !== null && 'ready' in message && message.ready === true

/**
 * Starts a part and waits until it says that it is ready. `spawned` is told of the process before that.
 * @throws PartEnded when it ends before that, or says nothing for a minute.
 */
export async function startPart(
  name: PartName,
  home: Home,
  env: NodeJS.ProcessEnv,
  spawned: (program: Program) => void,
): Promise<Program> {
  const logFile = logFileOf(home, name)
  turnOver(logFile)
  const program = await startProgram({
    name,
    command: process.execPath,
    args: [...nodeFlags, '--import', import.meta.resolve('tsx'), path.join(root, mains[name])],
    env,
    cwd: root,
    logFile,
    ipc: true,
  })
  spawned(program)
  const ready = new Promise<'ready'>((resolve) => {
    program.child.on('message', (message) => {
      if (isReady(message)) resolve('ready')
    })
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('not ready after 60 s'), 60_000)
  })
  const first = await Promise.race([ready, program.ended, late])
  clearTimeout(timer)
  if (first === 'ready') return program
  await program.stop(1_000)
  throw new PartEnded(describeEnd(name, first, logFile))
}

export const logFileOf = (home: Home, name: string): string => path.join(home.logs, `${name}.log`)

/** Keeps one older log beside the current one, so that a hub that is left running does not fill the disk over its starts. */
export function turnOver(logFile: string, limitBytes = 20 * 1024 * 1024): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
  if (size > limitBytes) renameSync(logFile, `${logFile}.1`)
}
