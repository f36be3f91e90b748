/**
 * Wakes lanes without anybody waiting for it: one wake per connection in a short while, however many webhooks came. What Temporal
 * does not take now is tried again; what a dying process forgets is found by the sweeper.
 */
import type { Log } from '../../platform/log.ts'

export interface Lane {
  readonly connectionId: string
  readonly provider: string
  readonly partnerId: string
  readonly accountId: string
}

export interface Waker {
  wake(lane: Lane): void
  /** Stops; what was not taken by now is left to the sweeper. */
  close(): Promise<void>
}

/** Webhooks within this time share a wake. */
const gatherMs = 50
const retryMs = 2_000
/** Wakes at the same time. */
const parallel = 8

export function createWaker(start: (lane: Lane) => Promise<unknown>, log: Log): Waker {
  const waiting = new Map<string, Lane>()
  let timer: NodeJS.Timeout | undefined
  let flight: Promise<void> | undefined
  let isClosed = false

  const plan = (ms: number): void => {
    if (isClosed || timer || flight) return
    timer = setTimeout(() => {
      timer = undefined
      flight = flush().finally(() => {
        flight = undefined
        if (waiting.size > 0) plan(failed ? retryMs : gatherMs)
      })
    }, ms)
  }

  let failed = false
  const flush = async (): Promise<void> => {
    failed = false
    const lanes = [...waiting.values()]
    waiting.clear()
    const next = lanes.values()
    const worker = async (): Promise<void> => {
      for (const lane of next) {
        try {
          await start(lane)
        } catch (err) {
          failed = true
          log.debug({ err }, 'a lane could not be woken; it is tried again')
          if (!waiting.has(lane.connectionId)) waiting.set(lane.connectionId, lane)
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(parallel, lanes.length) }, worker))
  }

  return {
    wake(lane) {
      waiting.set(lane.connectionId, lane)
      plan(gatherMs)
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await flight
    },
  }
}
