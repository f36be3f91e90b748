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

/** Statements on their way at the same time, and requests of one. */
const flights = 3
const perStatement = 100

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

  const start = (): void => {
    while (flying < flights && waiting.length > 0) {
      flying++
      void fly().finally(() => {
        flying--
        start()
      })
    }
  }

  return {
    accept: (arrival) =>
      new Promise((resolve, reject) => {
        waiting.push({ arrival, resolve, reject })
        // What arrives in the same turn of the loop goes along.
        if (waiting.length === 1) setImmediate(start)
      }),
  }
}
