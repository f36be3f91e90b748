import type { Caller } from './caller.ts'

/** What the layers of one request tell each other. */
export interface RequestState {
  requestId: string
  /** Pattern of the path: the label of metrics. */
  route?: string
  caller?: Caller
  /** What the request is about, as far as it says so: for usage. */
  about?: { readonly connectionId: string; readonly accountId: string }
  /** A limit or a quota did not let it in. */
  isRefused?: boolean
  /** Code of the problem that was answered. */
  code?: string
}
