/** When a part that has ended is started again, and when that is given up. */

/** When a part that ended is started again, and when the hub gives up. */
export interface Patience {
  /** Before the next start, by the number of lives in a row that were short. */
  readonly backOffMs: readonly number[]
  /** A life is short when it ends before this. */
  readonly shortMs: number
  /** So many short lives in a row … */
  readonly tooMany: number
  /** … within this time end the hub. */
  readonly withinMs: number
}

export const usualPatience: Patience = {
  backOffMs: [1_000, 2_000, 5_000, 10_000],
  shortMs: 30_000,
  tooMany: 5,
  withinMs: 60_000,
}

/** A wait that can be cut short. */
export function createPause() {
  let end: () => void = () => {}
  return {
    end: () => end(),
    wait: async (ms: number): Promise<void> => {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        end = resolve
        if (Number.isFinite(ms)) timer = setTimeout(resolve, ms)
      })
      clearTimeout(timer)
      end = () => {}
    },
  }
}

/** Counts the short lives in a row. */
export function createShortLives({ backOffMs, shortMs, tooMany, withinMs }: Patience) {
  let ends: number[] = []
  return {
    forget: (): void => void (ends = []),
    /** How long to wait after a life of `livedMs`; undefined: do not try again. */
    waitAfter: (livedMs: number): number | undefined => {
      ends = livedMs < shortMs ? [...ends, Date.now()] : []
      const first = ends.at(-tooMany)
      if (first !== undefined && Date.now() - first < withinMs) return undefined
      return backOffMs[Math.min(ends.length, backOffMs.length - 1)] ?? 0
    },
  }
}
