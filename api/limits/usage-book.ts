/**
 * Counts calls in memory and writes them down every two seconds, in one transaction for usage and quotas. What a process has not
 * written when it is killed is lost: two seconds of its calls. A batch whose answer is lost is sent again under its number
 * and counts once (`claimFlush`).
 */
import { LRUCache } from 'lru-cache'
import { inTransaction, type Db } from '../../db/client.ts'
import { isLostDatabase } from '../../db/lost-database.ts'
import { addToQuota, readQuotas } from '../../db/quotas.ts'
import { findLimits } from '../../db/tiers.ts'
import { addCalls, claimFlush, type CallCount } from '../../db/usage.ts'
import { dayOf, monthOf } from '../../model/quota.ts'
import type { Log } from '../../platform/log.ts'

export type NotedCall = Omit<CallCount, 'day' | 'calls' | 'errors' | 'refused' | 'bytes'> & {
  readonly status: number
  readonly bytes: number
  readonly isRefused: boolean
}

export interface UsageBook {
  note(call: NotedCall): void
  /** Calls of a partner's keys in this month, as far as this process knows: those that others let in in the last seconds may be missing. */
  callsUsed(partnerId: string): number | Promise<number>
  /** Counts a call, or takes it back, by the quota of the partner. */
  countCall(partnerId: string, by: 1 | -1): void
  flush(): Promise<void>
  close(): Promise<void>
}

interface Month {
  readonly partnerId: string
  readonly month: string
  /** Of all processes, as last read. */
  written: number
  /** Of this one, not written yet. */
  pending: number
}

interface Batch {
  readonly seq: number
  readonly counts: readonly CallCount[]
  readonly months: readonly { readonly of: Month; readonly calls: number }[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const flushMs = 2_000
/** Rows that wait at most, while Postgres is away; what is beyond is not told apart in usage, the quota counts it. */
const mostRows = 50_000

export interface BookOptions {
  readonly db: Db
  readonly log: Log
  readonly now: () => number
}

export function createUsageBook(options: BookOptions): UsageBook {
  const { db, log, now } = options
  const processId = crypto.randomUUID()
  const months = new LRUCache<string, Month>({ max: 20_000 })
  let counts = new Map<string, Mutable<CallCount>>()
  let called = new Map<Month, number>()
  let seq = 0
  let stuck: Batch | undefined
  let flushing: Promise<void> = Promise.resolve()

  const loadMonth = async (partnerId: string, month: string): Promise<number> => {
    const { calls = 0 } = await readQuotas(db, partnerId, month)
    const known = months.get(partnerId)
    if (known?.month === month) return known.written + known.pending
    months.set(partnerId, { partnerId, month, written: calls, pending: 0 })
    return calls
  }
  const takeBatch = (): Batch | undefined => {
    if (counts.size === 0 && called.size === 0) return undefined
    const batch = {
      seq: ++seq,
      counts: [...counts.values()],
      months: [...called].map(([of, calls]) => ({ of, calls })),
    }
    counts = new Map()
    called = new Map()
    return batch
  }
  const flushOnce = async (): Promise<void> => {
    for (let batch = stuck ?? takeBatch(); batch; batch = takeBatch()) {
      stuck = batch
      try {
        await writeBatch(db, processId, batch)
      } catch (err) {
        if (isLostDatabase(err)) throw err
        log.error({ err }, 'usage could not be written down: a batch of it is lost')
        for (const { of, calls } of batch.months) of.pending -= calls
      }
      stuck = undefined
    }
  }
  const flush = (): Promise<void> => {
    flushing = flushing.then(flushOnce).catch((err: unknown) => log.warn({ err }, 'usage waits for Postgres'))
    return flushing
  }
  const timer = setInterval(() => void flush(), flushMs)
  timer.unref()
  return {
    note: (call) => {
      const day = dayOf(new Date(now()))
      const { partnerId, keyId, operation, connectionId, accountId } = call
      const key = `${day} ${partnerId} ${keyId} ${operation} ${connectionId} ${accountId}`
      const known = counts.get(key) ?? { ...emptyCount(call), day }
      if (!counts.has(key)) {
        if (counts.size >= mostRows) return
        counts.set(key, known)
      }
      known.calls += call.isRefused ? 0 : 1
      known.refused += call.isRefused ? 1 : 0
      known.errors += !call.isRefused && call.status >= 400 ? 1 : 0
      known.bytes += call.bytes
    },
    callsUsed: (partnerId) => {
      const month = monthOf(new Date(now()))
      const known = months.get(partnerId)
      return known?.month === month ? known.written + known.pending : loadMonth(partnerId, month)
    },
    countCall: (partnerId, by) => {
      const known = months.get(partnerId)
      if (!known) return
      known.pending += by
      called.set(known, (called.get(known) ?? 0) + by)
    },
    flush,
    close: async () => {
      clearInterval(timer)
      await flush()
    },
  }
}

function emptyCount({
  partnerId,
  keyId,
  operation,
  class: name,
  connectionId,
  accountId,
}: NotedCall): Omit<CallCount, 'day'> {
  const place = { partnerId, keyId, operation, class: name, connectionId, accountId }
  return { ...place, calls: 0, errors: 0, refused: 0, bytes: 0 }
}

/** In the order of partners: two processes that write cannot wait for each other. */
async function writeBatch(db: Db, processId: string, batch: Batch): Promise<void> {
  const inOrder = [...batch.months].sort((a, b) => (a.of.partnerId < b.of.partnerId ? -1 : 1))
  const written = await inTransaction(db, async (tx) => {
    const totals = new Map<Month, number>()
    if (!(await claimFlush(tx, processId, batch.seq))) return totals
    if (batch.counts.length > 0) await addCalls(tx, batch.counts)
    for (const { of, calls } of inOrder) {
      const { partnerId, month } = of
      const agreed = (await findLimits(tx, partnerId))?.limits.quotas.calls ?? { soft: null, hard: null }
      totals.set(of, await addToQuota(tx, { partnerId, month, quota: 'calls' }, calls, agreed))
    }
    return totals
  })
  for (const { of, calls } of batch.months) {
    of.pending -= calls
    of.written = written.get(of) ?? of.written + calls
  }
}
