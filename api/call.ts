/** A call and its answer, whatever the operation: what the layers around a handler see. */
import type { Caller } from './caller.ts'

export interface AnyAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Where a request comes from. */
export interface Client {
  /** Behind proxies that are trusted. */
  readonly address: string
  /** The header, as it came: for operations that judge it themselves. */
  readonly authorization: string
  readonly userAgent: string
  /** That was asked for, to look up whose it is; never to build links with. Empty for what is no name. */
  readonly host: string
}

export interface AnyCall {
  readonly path: Readonly<Record<string, unknown>>
  readonly query: Readonly<Record<string, unknown>>
  readonly header: Readonly<Record<string, unknown>>
  readonly body: unknown
  readonly caller: Caller
  readonly client: Client
  readonly requestId: string
  readonly url: URL
}
