/** Starting, watching and ending the programs that belong to a hub. Every one leads its own process group. */
import { spawn, execFileSync, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** How a process ended, as a person would say it: "exit code 1", "signal SIGKILL". */
export type Ending = string

export interface Program {
  readonly name: string
  readonly pid: number
  readonly child: ChildProcess
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<Ending>
  /** Asks it to end, waits `graceMs`, then kills its whole group. Resolves when it is gone. */
  stop(graceMs?: number): Promise<void>
}

export interface ProgramOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Owner to run as (only root can choose). */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** Where standard output and error go; the file is appended to, so that it survives the death of this process. */
  readonly logFile?: string
  /** Gives the program an IPC channel, by which it says that it is ready and notices that this process is gone. */
  readonly ipc?: boolean
  /** The polite signal; SIGTERM unless told otherwise. */
  readonly stopSignal?: NodeJS.Signals
}

/**
 * Starts a program in a process group of its own, so that a Ctrl-C on the terminal reaches only the supervisor.
 * @throws when the program cannot be executed.
 */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a', 0o600)
  const output = log ?? 'ignore'
  const spawnOptions: SpawnOptions = {
    detached: true,
    stdio: ['ignore', output, output, ...(options.ipc ? (['ipc'] as const) : [])],
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.owner,
  }
  try {
    const child = spawn(options.command, options.args, spawnOptions)
    const ended = new Promise<Ending>((resolve) => {
      child.on('exit', (code, signal) =>
        resolve(signal === null ? `exit code ${String(code)}` : `signal ${signal}`),
      )
      child.on('error', (error) => resolve(error.message))
    })
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('spawn', () => resolve(child.pid ?? 0))
      child.once('error', reject)
    })
    const stop = (graceMs = 10_000) => stopGroup(pid, ended, options.stopSignal ?? 'SIGTERM', graceMs)
    return { name: options.name, pid, child, ended, stop }
  } finally {
    if (log !== undefined) closeSync(log)
  }
}

async function stopGroup(
  pid: number,
  ended: Promise<Ending>,
  polite: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  if (signalProcess(pid, polite)) {
    const late = new AbortController()
    const timeout = delay(graceMs, 'late', { signal: late.signal }).catch(() => 'cancelled')
    const first = await Promise.race([ended, timeout])
    late.abort()
    if (first === 'late') signalProcess(-pid, 'SIGKILL')
  }
  await ended
  // What the program itself has started shares its group and must not outlive it.
  signalProcess(-pid, 'SIGKILL')
}

/** Sends a signal; false when there is no such process (or group, for a negative pid) any more. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

/** The command line of a running process; undefined when there is none. Zombies count as gone. */
export function commandLineOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      return text === '' ? undefined : text
    }
    const text = execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return text === '' ? undefined : text
  } catch {
    return undefined
  }
}

/**
 * Ends a process that an earlier, killed hub has left behind, if `pid` is still that process: its command line must
 * contain `mark` (a path of this hub). Tells whether there was one.
 */
export async function stopLeftover(
  pid: number,
  mark: string,
  polite: NodeJS.Signals = 'SIGTERM',
): Promise<boolean> {
  const isLeftover = () => commandLineOf(pid)?.includes(mark) === true
  if (!isLeftover()) return false
  signalProcess(pid, polite)
  for (const until = Date.now() + 10_000; Date.now() < until && isLeftover();) await delay(50)
  if (isLeftover()) signalProcess(pid, 'SIGKILL')
  for (const until = Date.now() + 5_000; Date.now() < until && isLeftover();) await delay(50)
  return true
}
