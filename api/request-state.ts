import type { Caller } from './caller.ts'

/** What the layers of one request tell each other. */
export interface RequestState {
  requestId: string
  /** Pattern of the path: the label of metrics. */
  route?: string
  caller?: Caller
  /** Code of the problem that was answered. */
  code?: string
}
