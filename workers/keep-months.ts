/** The parts of monthly tables are made ahead, by whichever worker comes first: at start, then twice a day. */
import type { Db } from '../db/client.ts'
import { ensureMonths } from '../db/partitions.ts'
import type { Log } from '../platform/log.ts'

const everyMs = 12 * 3_600_000
const monthsAhead = 3

/** @returns the end of it. A failure is logged and tried again: until then rows go to the tables' default parts. */
export function keepMonths(db: Db, log: Log, now: () => Date = () => new Date()): () => Promise<void> {
  let making: Promise<void> = Promise.resolve()
  const make = (): void => {
    making = ensureMonths(db, now(), monthsAhead).catch((err: unknown) =>
      log.warn({ err }, 'the parts of the months to come could not be made'),
    )
  }
  make()
  const timer = setInterval(make, everyMs)
  return async () => {
    clearInterval(timer)
    await making
  }
}
