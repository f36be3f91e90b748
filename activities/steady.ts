/** Calls to a provider inside an activity: alive for Temporal, ended by its cancellation. */
import { Context } from '@temporalio/activity'

const beatMs = 3_000

/** Runs `work` with heartbeats, so that a dead worker is noticed and a cancellation arrives. */
export async function whileBeating<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current()
  const beat = setInterval(() => context.heartbeat(), beatMs)
  try {
    return await work(context.cancellationSignal)
  } finally {
    clearInterval(beat)
  }
}
