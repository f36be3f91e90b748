/** A call and its answer, whatever the operation: what the layers around a handler see. */
import type { Caller } from './caller.ts'

export interface AnyAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface AnyCall {
  readonly path: Readonly<Record<string, unknown>>
  readonly query: Readonly<Record<string, unknown>>
  readonly header: Readonly<Record<string, unknown>>
  readonly body: unknown
  readonly caller: Caller
  readonly requestId: string
  /** Of the client, behind proxies that are trusted. */
  readonly address: string
  readonly userAgent: string
  readonly url: URL
  readonly host: string
}
