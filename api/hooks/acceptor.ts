/**
 * Webhooks that come at the same time share a statement: while one is on its way, the next ones gather. Each is answered when its own
 * rows are committed; nothing waits for a timer.
 */
import { acceptHooks, type Arrival } from '../../db/inbox-accept.ts'
import type { Db } from '../../db/client.ts'
import { isLostDatabase } from '../../db/lost-database.ts'

export interface Acceptor {
  /** Answers how many events were new, when they are committed. */
  accept(arrival: Arrival): Promise<number>
}

interface Waiting {
  readonly arrival: Arrival
  resolve(accepted: number): void
  reject(error: unknown): void
}

/**
 * One statement at a time carries most: what gathers behind it shares the next. Another one sets off beside it when so many have gathered
 * that they fill it, or when the one under way is slow.
 */
const mostFlights = 4
const perStatement = 100
const slowMs = 100

export function createAcceptor(db: Db): Acceptor {
  const waiting: Waiting[] = []
  let flying = 0

  const fly = async (): Promise<void> => {
    const batch = waiting.splice(0, perStatement)
    try {
      const accepted = await acceptHooks(
        db,
        batch.map(({ arrival }) => arrival),
      )
      batch.forEach((one, index) => one.resolve(accepted[index] ?? 0))
    } catch (error) {
      await apart(batch, error)
    }
  }

  /** One of them may be what the database refuses: it harms only itself. */
  const apart = async (batch: readonly Waiting[], error: unknown): Promise<void> => {
    if (batch.length === 1 || isLostDatabase(error)) {
      for (const one of batch) one.reject(error)
      return
    }
    for (const one of batch)
      await acceptHooks(db, [one.arrival]).then(([accepted = 0]) => one.resolve(accepted), one.reject)
  }

  const setOff = (): void => {
    if (waiting.length === 0 || flying === mostFlights) return
    flying++
    const slow = setTimeout(setOff, slowMs)
    void fly().finally(() => {
      clearTimeout(slow)
      flying--
      start()
    })
  }

  const start = (): void => {
    if (flying === 0) setOff()
    while (flying < mostFlights && waiting.length >= perStatement) setOff()
  }

  return {
    accept: (arrival) =>
      new Promise((resolve, reject) => {
        waiting.push({ arrival, resolve, reject })
        // What arrives in the same turn of the loop goes along.
        if (waiting.length === 1 || waiting.length >= perStatement) setImmediate(start)
      }),
  }
}
