/** Reading loose JSON, money in cents, times in the company's zone: what all parts of the simulator use. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'

export const dayMs = 24 * 3_600_000

export const textOf = (value: JsonValue | undefined): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

export const objectOf = (value: JsonValue | undefined): JsonObject => (isJsonObject(value) ? value : {})

export const objectsOf = (value: JsonValue | undefined): JsonObject[] =>
  Array.isArray(value) ? value.filter(isJsonObject) : []

/** The id that a reference (`{"value": "12", "name": …}`) points to; '' when there is none. */
export const refId = (object: JsonObject, field: string): string => textOf(objectOf(object[field])['value'])

/** Amounts are decimal numbers with two places; some callers send them as text. */
export const centsOf = (value: JsonValue | undefined): number => Math.round(Number(value ?? 0) * 100) || 0

export const amountOf = (cents: number): number => cents / 100

/** Milliseconds since 1970 → the second that it is in. */
export const wholeSecond = (ms: number): number => Math.floor(ms / 1000) * 1000

/** US Pacific: summer time from the second Sunday of March to the first of November, at 2 o'clock. */
function hoursBehind(ms: number): number {
  const year = new Date(ms).getUTCFullYear()
  const sunday = (month: number, nth: number, hour: number): number => {
    const first = new Date(Date.UTC(year, month, 1)).getUTCDay()
    return Date.UTC(year, month, 1 + ((7 - first) % 7) + 7 * (nth - 1), hour)
  }
  return ms >= sunday(2, 2, 10) && ms < sunday(10, 1, 9) ? 7 : 8
}

function local(ms: number, digits: number): string {
  const behind = hoursBehind(ms)
  return `${new Date(ms - behind * 3_600_000).toISOString().slice(0, digits)}-0${behind}:00`
}

/** As `MetaData` has it: `2026-05-01T09:12:33-07:00`. */
export const stamp = (ms: number): string => local(ms, 19)

/** As an answer's `time` has it: with milliseconds. */
export const answerTime = (ms: number): string => local(ms, 23)

/** The company's date: `2026-05-01`. */
export const localDate = (ms: number): string => local(ms, 10).slice(0, 10)

/** A date some days later. */
export const dateAfter = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10)

/** Whole days from one date to another. */
export const daysBetween = (from: string, to: string): number =>
  Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / dayMs)

export const isDate = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`))

export const lastUpdated = (object: JsonObject): number =>
  Date.parse(textOf(objectOf(object['MetaData'])['LastUpdatedTime']))
