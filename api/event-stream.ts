/** Server-sent events as the answer of an operation: a handler gives the events, this writes them until they end or the reader leaves. */
import { Readable } from 'node:stream'
import type { JsonObject } from '../model/json.ts'

export interface ServerEvent {
  readonly id: string
  readonly event: string
  readonly data: JsonObject
}

const kind: unique symbol = Symbol('event-stream')

export interface EventStream {
  readonly [kind]: true
  /** Ends when the events end; `signal` is aborted when the reader has gone. */
  events(signal: AbortSignal): AsyncIterable<ServerEvent>
}

export const eventStream = (events: EventStream['events']): EventStream => ({ [kind]: true, events })

export const isEventStream = (body: unknown): body is EventStream =>
  typeof body === 'object' && body !== null && kind in body

export const eventStreamHeaders = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // Proxies that gather an answer before they pass it on would hold events back.
  'X-Accel-Buffering': 'no',
} as const

/** Proxies end what is silent for a minute. */
const heartbeatMs = 15_000
/** How long a reader whose stream has ended waits before it reads again. */
const retryMs = 2_000

export const textOf = ({ id, event, data }: ServerEvent): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** The text of a stream; destroying it tells the handler that the reader has gone. */
export function readableOf({ events }: EventStream): Readable {
  const gone = new AbortController()
  const readable = new Readable({ read: () => undefined, highWaterMark: 256 * 1024 })
  readable.push(`retry: ${retryMs}\n\n`)
  const heart = setInterval(() => readable.push(': still here\n\n'), heartbeatMs)
  readable.once('close', () => {
    clearInterval(heart)
    gone.abort()
  })
  const pump = async (): Promise<void> => {
    for await (const event of events(gone.signal)) {
      // A reader that is too slow is sent away; it comes back with the id of the last event that it has read.
      if (readable.destroyed || !readable.push(textOf(event))) break
    }
    readable.push(null)
  }
  pump().catch((error: unknown) => readable.destroy(error instanceof Error ? error : undefined))
  return readable
}
