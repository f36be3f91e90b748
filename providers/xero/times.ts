/** Xero's times in JSON: `/Date(1518685950940+0000)/`, milliseconds since 1970 in UTC (README, "Reading"). */
import type { Row } from '../contract.ts'

/** Undefined for what is not such a time. */
export function millisecondsOf(value: unknown): number | undefined {
  const [, text] = (typeof value === 'string' && /^\/Date\((-?\d{1,16})(?:[+-]\d{4})?\)\/$/.exec(value)) || []
  const ms = text === undefined ? NaN : Number(text)
  return Number.isNaN(new Date(ms).getTime()) ? undefined : ms
}

/** RFC 3339 in UTC. */
export function timeOf(value: unknown): string | undefined {
  const ms = millisecondsOf(value)
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

/** The day of a date, which Xero writes as its midnight in UTC. */
export const dayOf = (value: unknown): string | undefined => timeOf(value)?.slice(0, 10)

export const updatedAt = (row: Row): string | undefined => timeOf(row['UpdatedDateUTC'])

/** A moment as `If-Modified-Since` takes it: UTC, to the second, without a zone. */
export const modifiedSince = (ms: number): string => new Date(ms).toISOString().slice(0, 19)
