/** Watches over the parts of a hub: one that ends is reported by name and started again, and all end together, in order. */
import type { Home } from './home.ts'
import { createKeeper, type Keeper, type PartFacts, type StartPart } from './keeper.ts'
import { usualPatience } from './patience.ts'
import type { Screen } from './screen.ts'
import { createRepeats, followFile, loudLine } from './tail.ts'
import { UpError } from './up-error.ts'

export interface Supervisor {
  /**
   * Starts a part, resolves when it runs, and keeps it alive from then on. Once the hub is stopping, the part is stopped
   * at once and this rejects.
   */
  adopt(name: string, logFile: string, start: StartPart): Promise<void>
  parts(): PartFacts[]
  /** What steers a part; undefined when this hub has none of that name. */
  part(name: string): SteeredPart | undefined
  /** Calls `listener` whenever a part is in another state or has another process. */
  onChange(listener: () => void): void
  /** Rejects with `PartEnded` when a part fails again and again; resolves when `interrupt` was called. */
  readonly over: Promise<void>
  /** A wish to stop, by Ctrl-C; the second one kills everything at once. */
  interrupt(): void
  /** Stops all parts in order. Resolves when nothing is left. */
  stopAll(): Promise<void>
}

export interface SteeredPart {
  facts(): PartFacts
  /** The part that this one cannot be started without and that does not run. */
  blockedBy(): string | undefined
  start(): Promise<void>
  stop(): Promise<void>
}

/** Who is stopped when, and how long each may take: 30 s in all. Who writes goes before what is written to. */
const stopOrder = [
  ['api', 5_000],
  ['worker', 10_000],
  ['sandbox', 2_000],
  ['temporal', 5_000],
  ['postgres', 8_000],
] as const
const graceOf = (name: string): number => stopOrder.find(([one]) => one === name)?.[1] ?? 5_000

/** What a part cannot start without. The API takes webhooks without Temporal. */
const needs: Readonly<Record<string, readonly string[]>> = {
  api: ['postgres'],
  worker: ['postgres', 'temporal'],
}

export function createSupervisor(home: Home, screen: Screen, patience = usualPatience): Supervisor {
  const keepers = new Map<string, Keeper>()
  const unfollow: (() => void)[] = []
  const listeners: (() => void)[] = []
  let stopping = false
  let end: { resolve: () => void; reject: (error: Error) => void } | undefined
  const over = new Promise<void>((resolve, reject) => (end = { resolve, reject }))
  // It may be rejected before somebody waits for it.
  over.catch(() => {})

  const changed = (): void => {
    for (const keeper of keepers.values()) keeper.nudge()
    for (const listener of listeners) listener()
  }
  const blockedBy = (name: string): string | undefined =>
    needs[name]?.find((needed) => {
      const state = keepers.get(needed)?.facts().state
      return state !== undefined && state !== 'running'
    })

  const adopt: Supervisor['adopt'] = async (name, logFile, start) => {
    if (stopping) throw new UpError('stopped before it was ready')
    if (name !== 'postgres' && name !== 'temporal') {
      const repeats = createRepeats()
      unfollow.push(
        followFile(logFile, (line) => {
          const loud = loudLine(line)
          const text = loud && repeats(loud.text)
          if (text !== undefined) screen.warn(`${name}: ${text}`)
        }),
      )
    }
    const noted: StartPart = async (spawned) => {
      const part = await start((process) => {
        home.noteProcess(name, process.pid)
        spawned(process)
      })
      // Its command line may be another one by now: the user was changed, then the program was run.
      home.noteProcess(name, part.pid)
      return part
    }
    const keeper = createKeeper({
      name,
      logFile,
      start: noted,
      patience,
      blockedBy: () => blockedBy(name),
      changed,
      say: (text) => screen.line(text),
      warn: (text) => screen.warn(text),
      giveUp: (problem) => end?.reject(problem),
    })
    keepers.set(name, keeper)
    await keeper.start()
  }

  const ceaseAll = (): void => {
    stopping = true
    for (const keeper of keepers.values()) keeper.cease()
  }
  const stopAll = async (): Promise<void> => {
    ceaseAll()
    for (const [name, graceMs] of stopOrder) await keepers.get(name)?.stop(graceMs)
    for (const stopFollowing of unfollow.splice(0)) stopFollowing()
  }

  const interrupt = (): void => {
    if (stopping) {
      screen.line('Killing what is left …')
      for (const keeper of keepers.values()) keeper.kill()
      return
    }
    ceaseAll()
    screen.line('')
    screen.line('Stopping … (Ctrl-C again to kill)')
    end?.resolve()
  }

  const part = (name: string): SteeredPart | undefined => {
    const keeper = keepers.get(name)
    if (!keeper) return undefined
    return {
      facts: () => keeper.facts(),
      blockedBy: () => blockedBy(name),
      start: () => (stopping ? Promise.reject(new UpError('the hub is stopping')) : keeper.start()),
      stop: () => keeper.stop(graceOf(name)),
    }
  }
  const parts = (): PartFacts[] => [...keepers.values()].map((keeper) => keeper.facts())
  const onChange = (listener: () => void): void => void listeners.push(listener)
  return { adopt, parts, part, onChange, over, interrupt, stopAll }
}
