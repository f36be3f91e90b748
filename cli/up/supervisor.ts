/** Watches over the parts of a hub: the end of one is reported by name, and all end together, in order. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Home } from './home.ts'
import { signalProcess, type Ending } from './process.ts'
import type { Screen } from './screen.ts'
import { followFile, lastLines, loudLine } from './tail.ts'
import { UpError } from './up-error.ts'

/** A part that runs: a child process of the hub. */
export interface Part {
  readonly pid: number
  readonly ended: Promise<Ending>
  stop(graceMs?: number): Promise<void>
}

/** A part has ended that should not have. */
export class PartEnded extends Error {
  override readonly name = 'PartEnded'
}

export interface Supervisor {
  /** Watches a part from now on. Once the hub is stopping, the part is stopped at once and this rejects. */
  adopt(name: string, logFile: string, start: () => Promise<Part>): Promise<void>
  /** Stops a part and starts it anew; its end is no failure. */
  replace(name: string, logFile: string, start: () => Promise<Part>): Promise<void>
  parts(): Readonly<Record<string, number>>
  /** Rejects with `PartEnded` when a part ends by itself; resolves when `interrupt` was called. */
  readonly over: Promise<void>
  /** A wish to stop, by Ctrl-C; the second one kills everything at once. */
  interrupt(): void
  /** Stops all parts in order. Resolves when nothing is left. */
  stopAll(): Promise<void>
}

/** Who is stopped when, and how long each may take: 30 s in all. Who writes goes before what is written to. */
const stopOrder = [
  ['api', 5_000],
  ['worker', 10_000],
  ['sandbox', 2_000],
  ['temporal', 5_000],
  ['postgres', 8_000],
] as const

export function createSupervisor(home: Home, screen: Screen): Supervisor {
  const parts = new Map<string, Part>()
  const replaced = new Set<number>()
  const followed = new Set<string>()
  const unfollow: (() => void)[] = []
  let stopping = false
  let end: { resolve: () => void; reject: (error: Error) => void } | undefined
  const over = new Promise<void>((resolve, reject) => (end = { resolve, reject }))
  // It may be rejected before somebody waits for it.
  over.catch(() => {})

  const adopt: Supervisor['adopt'] = async (name, logFile, start) => {
    if (stopping) throw new UpError('stopped before it was ready')
    // A part that is replaced writes on in the same log.
    if (name !== 'postgres' && name !== 'temporal' && !followed.has(name)) {
      followed.add(name)
      unfollow.push(followFile(logFile, (line) => showLoud(screen, name, line)))
    }
    const part = await start()
    home.noteProcess(name, part.pid)
    parts.set(name, part)
    void part.ended.then((how) => {
      if (parts.get(name) === part) parts.delete(name)
      if (!stopping && !replaced.has(part.pid))
        end?.reject(new PartEnded(describeEnd(home, name, how, logFile)))
    })
    if (stopping) {
      await part.stop()
      throw new UpError('stopped before it was ready')
    }
  }

  const replace: Supervisor['replace'] = async (name, logFile, start) => {
    const part = parts.get(name)
    if (stopping) return
    if (part) {
      replaced.add(part.pid)
      await part.stop(stopOrder.find(([one]) => one === name)?.[1])
      parts.delete(name)
    }
    await adopt(name, logFile, start)
  }

  const stopAll = async (): Promise<void> => {
    stopping = true
    for (const [name, graceMs] of stopOrder) {
      const part = parts.get(name)
      if (part) await part.stop(graceMs)
    }
    for (const stopFollowing of unfollow.splice(0)) stopFollowing()
  }

  const interrupt = (): void => {
    if (stopping) {
      screen.line('Killing what is left …')
      for (const { pid } of parts.values()) signalProcess(-pid, 'SIGKILL')
      return
    }
    stopping = true
    screen.line('')
    screen.line('Stopping … (Ctrl-C again to kill)')
    end?.resolve()
  }

  const pids = () => Object.fromEntries([...parts].map(([name, part]) => [name, part.pid]))
  return { adopt, replace, parts: pids, over, interrupt, stopAll }
}

function showLoud(screen: Screen, name: string, line: string): void {
  const loud = loudLine(line)
  if (loud) screen.warn(`${name}: ${loud.text}`)
}

/** "worker ended unexpectedly (exit code 1); see .tieline/logs/worker.log", and the last lines of that log. */
export function describeEnd(home: Home, name: string, how: Ending, logFile: string): string {
  const shown = path.relative(process.cwd(), logFile)
  const place = shown.startsWith('..') ? logFile : shown
  const text = existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''
  const tail = lastLines(text, 8).map((line) => `    ${line}`)
  return [`${name} ended unexpectedly (${how}); see ${place}`, ...(text === '' ? [] : tail)].join('\n')
}
