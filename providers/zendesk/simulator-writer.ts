/** What the simulated API's writes share. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import type { Tables } from './simulator-reads.ts'

/** What was answered to an Idempotency-Key. */
export interface Answered {
  readonly asked: string
  readonly reply: SimulatorReply
  /** Milliseconds since 1970. */
  readonly at: number
}

/** What writes need of the world. */
export interface Writer {
  readonly tables: Tables
  /** The second at which the next change happens. */
  tick(): number
  readonly now: () => Date
  answered(key: string): Answered | undefined
  keepAnswer(key: string, answer: Answered): void
  /** Addresses of users besides their primary one, by user. */
  readonly addresses: Map<number, string[]>
}

/** The object under `key` of the body. */
export const part = (request: SimulatorRequest, key: string): JsonObject | undefined => {
  const body = isJsonObject(request.body) ? request.body[key] : undefined
  return isJsonObject(body) ? body : undefined
}

export const textOf = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined
