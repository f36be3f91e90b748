/**
 * Permits that this process holds. It takes them from the shared buckets some at a time (`db/call-buckets.ts`), admits from what it holds
 * without asking anybody, asks for more before it has none, and gives back what it has not used for a second.
 *
 * How exact that is: what is admitted anywhere has been taken from the shared bucket, so that all processes together never
 * admit more than the limit in a window that begins full, but for permits that were taken just before: a twentieth of
 * the limit (at least one, at most 500) for each process. What one process holds, another misses as long, by the same number.
 *
 * Postgres away: each process goes on with one lease and what the limit refills, by itself, until Postgres answers again.
 */
import { LRUCache } from 'lru-cache'
import { leasePermits, returnPermits, type Leased } from '../../db/call-buckets.ts'
import type { Db } from '../../db/client.ts'
import {
  leaseSize,
  msUntil,
  refilled,
  takePermits,
  type BucketRate,
  type BucketState,
} from '../../model/bucket.ts'
import type { Log } from '../../platform/log.ts'

/** A limit on somebody. */
export interface LimitedBucket {
  /** Of the bucket, the same in all processes. */
  readonly key: string
  readonly rate: BucketRate
}

/** Which limit is met, and when there is a permit again. */
export interface Met<B extends LimitedBucket> {
  readonly bucket: B
  readonly waitMs: number
}

export interface Leases {
  /** Takes a permit of each bucket, or of none when one of them has none: that one is answered. */
  take<B extends LimitedBucket>(buckets: readonly B[]): Promise<Met<B> | undefined>
  /** What is left as far as this process knows, and when the bucket is whole again. */
  look(bucket: LimitedBucket): { readonly remaining: number; readonly wholeInMs: number }
  close(): Promise<void>
}

interface Local {
  readonly key: string
  readonly rate: BucketRate
  permits: number
  usedAt: number
  /** The shared bucket as it was when it was last asked. */
  shared: BucketState
  /** Until then the shared bucket has nothing. */
  emptyUntil: number
  asking: Promise<void> | undefined
  /** Asked for, and not sent yet. */
  isQueued: boolean
  waiting: number
  /** Its own bucket while Postgres is away. */
  alone: BucketState | undefined
}

const mostKnown = 50_000
/** Permits that lie idle so long go back. */
const idleMs = 1_000
const patienceMs = 500
/** After a failure Postgres is left alone so long. */
const aloneMs = 1_000

export interface LeaseOptions {
  readonly db: Db
  readonly log: Log
  readonly now: () => number
}

export function createLeases(options: LeaseOptions): Leases {
  const { now } = options
  const returns = createReturns(options)
  const locals = new LRUCache<string, Local>({ max: mostKnown, dispose: (local) => returns.giveBack(local) })
  const ask = createAsker(options, returns.watch)
  const localOf = ({ key, rate }: LimitedBucket): Local => {
    const known = locals.get(key)
    // A limit that was changed begins anew; what was held of the old one goes back.
    if (known?.rate.capacity === rate.capacity && known.rate.windowMs === rate.windowMs) return known
    const at = now()
    const shared = { tokens: rate.capacity, at }
    const fresh: Local = {
      key,
      rate,
      permits: 0,
      usedAt: at,
      shared,
      emptyUntil: 0,
      asking: undefined,
      isQueued: false,
      waiting: 0,
      alone: undefined,
    }
    locals.set(key, fresh)
    return fresh
  }
  return {
    take: async (buckets) => {
      for (;;) {
        const at = now()
        const held = buckets.map(localOf)
        const met = metAmong(buckets, held, at)
        if (met) return met
        const short = held.filter(({ permits }) => permits < 1)
        if (short.length === 0) {
          for (const local of held) {
            use(local, at)
            returns.watch(local)
            if (
              local.permits < leaseSize(local.rate) / 2 &&
              local.emptyUntil <= at &&
              leaseSize(local.rate) > 1
            )
              void ask(local, 0)
          }
          return undefined
        }
        await Promise.all(short.map((local) => ask(local, 1)))
      }
    },
    look: (bucket) => {
      const local = localOf(bucket)
      const { tokens } = refilled(local.alone ?? local.shared, local.rate, now())
      const all = { tokens: Math.min(local.rate.capacity, tokens + local.permits), at: 0 }
      return { remaining: Math.floor(all.tokens), wholeInMs: msUntil(all, local.rate, local.rate.capacity) }
    },
    close: async () => {
      locals.clear()
      await returns.close()
    },
  }
}

function use(local: Local, at: number): void {
  local.permits -= 1
  local.usedAt = at
}

/** Of several limits that are met, the one that lasts longest. */
function metAmong<B extends LimitedBucket>(
  buckets: readonly B[],
  held: readonly Local[],
  at: number,
): Met<B> | undefined {
  let met: Met<B> | undefined
  held.forEach(({ permits, emptyUntil }, index) => {
    const bucket = buckets[index]
    const waitMs = emptyUntil - at
    if (bucket && permits < 1 && waitMs > 0 && waitMs > (met?.waitMs ?? 0)) met = { bucket, waitMs }
  })
  return met
}

/** Asks for leases: all that are wanted at the same moment in one statement, one at a time for each bucket. */
function createAsker(
  { db, log, now }: LeaseOptions,
  watch: (local: Local) => void,
): (local: Local, waiting: number) => Promise<void> {
  let queue: Local[] = []
  let batch: Promise<void> | undefined
  let aloneUntil = 0

  const send = async (): Promise<void> => {
    // What else comes in this turn of the loop goes with it.
    await new Promise((resolve) => setImmediate(resolve))
    const asked = queue.map((local) => ({ local, wanted: wantedBy(local) }))
    queue = []
    batch = undefined
    if (now() < aloneUntil) {
      standAlone(asked, now())
      return
    }
    const wishes = asked.map(({ local: { key, rate }, wanted }) => ({ key, rate, wanted }))
    const leased = leasePermits(db, wishes).then((given) => {
      settle(asked, given, now())
      for (const { local } of asked) watch(local)
    })
    try {
      await within(leased, patienceMs)
    } catch (err) {
      log.warn({ err }, 'no leases of permits: limits are kept by each process alone')
      aloneUntil = now() + aloneMs
      standAlone(asked, now())
    }
  }
  return (local, waiting) => {
    if (!local.asking || local.isQueued) local.waiting += waiting
    if (local.asking) return local.asking
    local.isQueued = true
    queue.push(local)
    batch ??= send()
    const asking = batch.finally(() => {
      local.asking = undefined
    })
    local.asking = asking
    return asking
  }
}

/** What a lease is short of, or what those who wait need. */
function wantedBy(local: Local): number {
  const wanted = Math.max(1, leaseSize(local.rate) - local.permits, local.waiting)
  local.waiting = 0
  local.isQueued = false
  return Math.min(wanted, Math.floor(local.rate.capacity))
}

type Asked = readonly { readonly local: Local; readonly wanted: number }[]

function settle(asked: Asked, leased: ReadonlyMap<string, Leased>, at: number): void {
  for (const { local, wanted } of asked) {
    const { given, tokens } = leased.get(local.key) ?? { given: 0, tokens: 0 }
    local.alone = undefined
    keep(local, given, wanted, { tokens, at })
    local.shared = { tokens, at }
  }
}

function keep(local: Local, given: number, wanted: number, left: BucketState): void {
  local.permits += given
  local.usedAt = left.at
  local.emptyUntil = given < wanted ? left.at + Math.max(1, msUntil(left, local.rate, 1)) : 0
}

function standAlone(asked: Asked, at: number): void {
  for (const { local, wanted } of asked) {
    const before = local.alone ?? { tokens: leaseSize(local.rate), at }
    const { state, given } = takePermits(before, local.rate, wanted, at)
    local.alone = state
    keep(local, given, wanted, state)
  }
}

/** @throws when it takes longer; what comes late is still kept. */
async function within(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Postgres has not answered within ${ms} ms`)), ms)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    work.catch(() => {})
  }
}

/** Gives back what is not used. What cannot be given back is lost, and refilled within the window. */
function createReturns({ db, log, now }: LeaseOptions) {
  const holding = new Set<Local>()
  let returned: { key: string; permits: number }[] = []
  let under: Promise<void> = Promise.resolve()
  const giveBack = (local: Local): void => {
    holding.delete(local)
    // Permits of its own making are nobody else's.
    if (local.permits >= 1 && !local.alone) returned.push({ key: local.key, permits: local.permits })
    local.permits = 0
  }
  const send = (): void => {
    for (const local of holding) if (now() - local.usedAt >= idleMs) giveBack(local)
    if (returned.length === 0) return
    const batch = returned
    returned = []
    under = under
      .then(() => returnPermits(db, batch))
      .catch((err: unknown) => log.debug({ err }, 'permits could not be given back'))
  }
  const timer = setInterval(send, idleMs / 2)
  timer.unref()
  return {
    giveBack,
    watch: (local: Local): void => {
      if (local.permits >= 1) holding.add(local)
    },
    close: async (): Promise<void> => {
      clearInterval(timer)
      send()
      await under
    },
  }
}
