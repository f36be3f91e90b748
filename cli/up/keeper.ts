/** Keeps one part of a hub alive: started again when it ends by itself, stopped and started on purpose. */
import { messageOf } from '../../platform/errors.ts'
import { describeEnd, PartEnded } from './part-ended.ts'
import { createPause, createShortLives, type Patience } from './patience.ts'
import { signalProcess, type Ending } from './process.ts'
import { UpError } from './up-error.ts'

/** A part that runs: a child process of the hub. */
export interface Part {
  readonly pid: number
  readonly ended: Promise<Ending>
  stop(graceMs?: number): Promise<void>
}

/** `waiting`: it has ended by itself and will be started again. `stopped`: somebody wished it. */
export type PartState = 'starting' | 'running' | 'waiting' | 'stopping' | 'stopped'

export interface PartFacts {
  readonly part: string
  readonly state: PartState
  readonly pid: number | null
  /** Since when it is in this state. */
  readonly since: string
  /** How often it was started again since the hub was started, by itself or on purpose. */
  readonly restarts: number
  /** The part without which it cannot be started again. */
  readonly waitsFor: string | null
}

/** Starts the part and resolves when it can do its work. `spawned` is told of the process as soon as there is one. */
export type StartPart = (spawned: (part: Part) => void) => Promise<Part>

export interface KeeperOptions {
  readonly name: string
  readonly logFile: string
  readonly start: StartPart
  readonly patience: Patience
  /** The part that this one cannot do without and that does not run now. */
  blockedBy(): string | undefined
  /** Something of `facts` is different. */
  changed(): void
  say(text: string): void
  warn(text: string): void
  /** It has failed again and again. */
  giveUp(problem: Error): void
}

export interface Keeper {
  facts(): PartFacts
  /** Resolves when the part runs. @throws when this start fails; but for the very first one it is tried again all the same. */
  start(): Promise<void>
  /** Resolves when it is gone. It is not started again. */
  stop(graceMs?: number): Promise<void>
  /** From now on it is not started again; what runs goes on until `stop`. */
  cease(): void
  /** What it waits for may have come back. */
  nudge(): void
  kill(): void
}

interface Waiter {
  resolve(): void
  reject(error: Error): void
}

export function createKeeper(options: KeeperOptions): Keeper {
  const { name } = options
  const pause = createPause()
  const shortLives = createShortLives(options.patience)
  const waiters: Waiter[] = []
  let wish: 'run' | 'stop' = 'stop'
  let state: PartState = 'stopped'
  let since = new Date()
  let current: Part | undefined
  let waitsFor: string | undefined
  let starts = 0
  let hasRun = false
  let keeping: Promise<void> | undefined

  const enter = (next: PartState): void => {
    state = next
    since = new Date()
    options.changed()
  }
  const isWished = (): boolean => wish === 'run'

  const ready = ({ pid }: Part): void => {
    if (hasRun) options.say(`${name} runs again (process ${pid}).`)
    hasRun = true
    enter('running')
    for (const waiter of waiters.splice(0)) waiter.resolve()
  }

  /** One life of the part: resolves to how it ended. */
  const live = async (): Promise<Error> => {
    starts++
    enter('starting')
    try {
      const part = await options.start((spawned) => {
        current = spawned
        options.changed()
        if (!isWished()) void spawned.stop()
      })
      if (isWished()) ready(part)
      return new PartEnded(describeEnd(name, await part.ended, options.logFile))
    } catch (error) {
      return error instanceof Error ? error : new Error(messageOf(error))
    } finally {
      current = undefined
    }
  }

  /** Waits for the time of the next start. @throws when there had better be none. */
  const wait = async (problem: Error, livedMs: number): Promise<void> => {
    waitsFor = options.blockedBy()
    const ms = waitsFor === undefined ? shortLives.waitAfter(livedMs) : Infinity
    if (ms === undefined)
      throw new PartEnded(`${problem.message}\n${name} has ended again and again: giving up.`)
    const when = waitsFor === undefined ? `in ${ms / 1_000} s` : `when ${waitsFor} runs`
    options.warn(`${problem.message}\n  It is started again ${when}.`)
    enter('waiting')
    await pause.wait(ms)
    waitsFor = undefined
  }

  const keep = async (): Promise<void> => {
    while (isWished()) {
      const began = Date.now()
      const problem = await live()
      if (!isWished()) break
      for (const waiter of waiters.splice(0)) waiter.reject(problem)
      if (!hasRun) break
      try {
        await wait(problem, Date.now() - began)
      } catch (error) {
        options.giveUp(error instanceof Error ? error : problem)
        break
      }
    }
    wish = 'stop'
    keeping = undefined
    enter('stopped')
    for (const waiter of waiters.splice(0))
      waiter.reject(new UpError(`${name} was stopped before it was ready`))
  }

  const start = async (): Promise<void> => {
    // A stop that is under way ends first.
    while (keeping && !isWished()) await keeping
    if (state === 'running') return
    shortLives.forget()
    const answer = new Promise<void>((resolve, reject) => waiters.push({ resolve, reject }))
    wish = 'run'
    pause.end()
    keeping ??= keep()
    await answer
  }

  const cease = (): void => {
    wish = 'stop'
    pause.end()
  }

  const stop = async (graceMs?: number): Promise<void> => {
    cease()
    if (current) enter('stopping')
    await current?.stop(graceMs)
    await keeping
  }

  return {
    start,
    stop,
    cease,
    nudge: () => {
      if (waitsFor !== undefined && options.blockedBy() === undefined) pause.end()
    },
    kill: () => {
      if (current) signalProcess(-current.pid, 'SIGKILL')
    },
    facts: () => ({
      part: name,
      state,
      pid: current?.pid ?? null,
      since: since.toISOString(),
      restarts: Math.max(0, starts - 1),
      waitsFor: waitsFor ?? null,
    }),
  }
}
