/**
 * The live status of the hub, for all readers of this process: looked at once a second while anybody reads, compared with what it was,
 * told where it differs. The last events are remembered, so that a reader that comes back misses none.
 */
import { randomBytes } from 'node:crypto'
import { liveStatus, type LiveStatus } from '../db/live.ts'
import type { Db } from '../db/client.ts'
import type { JsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { eventStream, type EventStream, type ServerEvent } from './event-stream.ts'

export interface Live {
  /** @throws HubError `TooManyRequests` when as many read as may. */
  read(lastEventId: string | undefined): EventStream
  /** Ends all streams; nobody may read any more. */
  close(): Promise<void>
}

export interface LiveOptions {
  readonly db: Db
  readonly log: Log
  readonly metrics: Pick<Metrics, 'liveStreams'>
  readonly everyMs?: number
  readonly readersAtMost?: number
}

const rememberedEvents = 1_000
/** Then a reader must show again that it may read. */
const longestMs = 15 * 60_000

interface Reader {
  tell(events: readonly ServerEvent[]): void
  end(): void
}

export function createLive({ db, log, metrics, everyMs = 1_000, readersAtMost = 100 }: LiveOptions): Live {
  const readers = new Set<Reader>()
  // Ids of another process, or of this one before it was started again, are none of ours.
  const epoch = randomBytes(4).toString('hex')
  const past: ServerEvent[] = []
  let last: Known | undefined
  let looking: Promise<void> | undefined
  let count = 0
  let isClosed = false
  const event = (name: string, data: JsonObject): ServerEvent => ({
    id: `${epoch}-${++count}`,
    event: name,
    data,
  })

  const look = async (): Promise<void> => {
    const now = knownOf(await liveStatus(db))
    const changes = last === undefined ? [] : differences(last, now).map(([name, data]) => event(name, data))
    last = now
    past.push(...changes)
    past.splice(0, Math.max(0, past.length - rememberedEvents))
    if (changes.length > 0) for (const reader of readers) reader.tell(changes)
  }
  /** One look at a time; whoever asks meanwhile waits for it. */
  const lookOnce = (): Promise<void> => {
    looking ??= look().finally(() => (looking = undefined))
    return looking
  }
  const timer = setInterval(() => {
    if (readers.size > 0 && looking === undefined)
      lookOnce().catch((err: unknown) => log.debug({ err }, 'the live status could not be looked at'))
  }, everyMs)
  timer.unref()

  const missed = (lastEventId: string | undefined): readonly ServerEvent[] | undefined => {
    const [of, number] = lastEventId?.split('-') ?? []
    if (of !== epoch || number === undefined || !/^\d{1,15}$/.test(number) || Number(number) > count)
      return undefined
    const oldest = count - past.length
    return Number(number) < oldest ? undefined : past.slice(past.length - (count - Number(number)))
  }

  async function* events(lastEventId: string | undefined, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const queue = createQueue()
    const late = setTimeout(queue.end, longestMs)
    signal.addEventListener('abort', queue.end)
    try {
      readers.add(queue)
      metrics.liveStreams.set(readers.size)
      await lookOnce()
      const first = missed(lastEventId) ?? [snapshotOf(last, `${epoch}-${count}`)]
      // What came meanwhile is in the beginning already.
      queue.forget()
      yield* first
      for (;;) {
        const batch = await queue.next()
        if (batch === undefined) return
        yield* batch
      }
    } finally {
      clearTimeout(late)
      readers.delete(queue)
      metrics.liveStreams.set(readers.size)
    }
  }

  return {
    read: (lastEventId) => {
      if (isClosed) throw new HubError('Unavailable', 'This process stops; read again.')
      if (readers.size >= readersAtMost)
        throw new HubError('TooManyRequests', `As many read the live status as may: ${readersAtMost}.`, {
          retryAt: new Date(Date.now() + 10_000),
        })
      return eventStream((signal) => events(lastEventId, signal))
    },
    close: async () => {
      isClosed = true
      clearInterval(timer)
      for (const reader of readers) reader.end()
      await looking?.catch(() => undefined)
    },
  }
}

function createQueue() {
  let waiting: ServerEvent[] = []
  let isEnded = false
  let wake: (() => void) | undefined
  return {
    tell: (events: readonly ServerEvent[]): void => {
      waiting.push(...events)
      wake?.()
    },
    forget: (): void => {
      waiting = []
    },
    end: (): void => {
      isEnded = true
      wake?.()
    },
    /** What has come; undefined at the end. */
    next: async (): Promise<readonly ServerEvent[] | undefined> => {
      while (waiting.length === 0 && !isEnded)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      if (waiting.length === 0) return undefined
      const batch = waiting
      waiting = []
      return batch
    },
  }
}

/** By event and id, as JSON of what is told. */
type Known = ReadonlyMap<string, JsonObject>

const knownOf = ({ providers, incidents }: LiveStatus): Known =>
  new Map([
    ...providers.map((one) => [`provider ${one.provider}`, plain(one)] as const),
    ...incidents.map((one) => [`incident ${one.incidentId}`, plain(one)] as const),
  ])

const plain = (value: object): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject

function differences(before: Known, now: Known): (readonly [name: string, data: JsonObject])[] {
  const changed = [...now].filter(([key, data]) => JSON.stringify(before.get(key)) !== JSON.stringify(data))
  // An incident that is open no more is told of once, as resolved; a provider does not vanish.
  const gone = [...before].filter(([key]) => !now.has(key) && key.startsWith('incident '))
  return [
    ...changed.map(([key, data]) => [key.split(' ')[0] ?? '', data] as const),
    ...gone.map(([, data]) => ['incident', { ...data, state: 'resolved' }] as const),
  ]
}

function snapshotOf(known: Known | undefined, id: string): ServerEvent {
  const of = (name: string): JsonObject[] =>
    [...(known ?? [])].filter(([key]) => key.startsWith(`${name} `)).map(([, data]) => data)
  return { id, event: 'snapshot', data: { providers: of('provider'), incidents: of('incident') } }
}
