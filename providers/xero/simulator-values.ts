/** How the simulated Xero writes ids, times and amounts. */
import { createHash } from 'node:crypto'
import type { JsonObject, JsonValue } from '../../model/json.ts'

export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''

/** The same id for the same words. */
export function uuidOf(...words: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(words.join('\0')).digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}

export const netDate = (ms: number): string => `/Date(${ms}+0000)/`
export const msOf = (value: JsonValue | undefined): number =>
  Number(/^\/Date\((-?\d+)/.exec(textOf(value))?.[1] ?? 0)

const dayMs = 86_400_000
export const midnight = (ms: number): number => Math.floor(ms / dayMs) * dayMs
export const daysLater = (ms: number, days: number): number => midnight(ms) + days * dayMs

/** A date in the two forms in which documents carry it. */
export const dateFields = (name: string, ms: number): JsonObject => ({
  [`${name}String`]: new Date(ms).toISOString().slice(0, 19),
  [name]: netDate(ms),
})

/** Documents have the second form, contacts do not. */
export const changedFields = (ms: number, hasText: boolean): JsonObject => ({
  UpdatedDateUTC: netDate(ms),
  ...(hasText ? { UpdatedDateUTCString: `${new Date(ms).toISOString().slice(0, 19)}Z` } : {}),
})

/** Cents as Xero's decimal numbers. */
export const decimal = (cents: number): number => cents / 100
export const centsOf = (value: JsonValue | undefined): number => Math.round(Number(value ?? 0) * 100)
