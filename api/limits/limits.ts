/** What a process of the API keeps of limits: plans, leases, the book of usage, and the care of what all have counted. */
import type { Caches } from '../../db/caches.ts'
import { sweepBuckets } from '../../db/call-buckets.ts'
import type { Db } from '../../db/client.ts'
import { countChanges, tendUsage } from '../../db/usage-care.ts'
import type { Log } from '../../platform/log.ts'
import type { Metrics } from '../../platform/metrics.ts'
import { createLeases, type Leases } from './leases.ts'
import { createPlans, type Plans } from './plan.ts'
import { createUsageBook, type UsageBook } from './usage-book.ts'

export interface ApiLimits {
  readonly plans: Plans
  readonly leases: Leases
  readonly book: UsageBook
  readonly metrics: Pick<Metrics, 'apiRefusals'>
  now(): number
  /** Counts what the change feed has brought, and tends what is kept of usage. Any number of processes may: one does it. */
  care(): Promise<void>
  close(): Promise<void>
}

export interface LimitOptions {
  readonly db: Db
  readonly caches: Caches
  readonly log: Log
  readonly metrics: Pick<Metrics, 'apiRefusals'>
  /** Of tests. */
  readonly now?: () => number
}

const careMs = 10_000

export function createLimits({ db, caches, log, metrics, now = Date.now }: LimitOptions): ApiLimits {
  const leases = createLeases({ db, log, now })
  const book = createUsageBook({ db, log, now })
  const care = async (): Promise<void> => {
    while (await countChanges(db));
    if (await tendUsage(db, new Date(now()))) await sweepBuckets(db)
  }
  let caring: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    caring = caring.then(care).catch((err: unknown) => log.warn({ err }, 'usage was not counted'))
  }, careMs)
  timer.unref()
  return {
    plans: createPlans(db, caches),
    leases,
    book,
    metrics,
    now,
    care,
    close: async () => {
      clearInterval(timer)
      await caring
      await leases.close()
      await book.close()
    },
  }
}
