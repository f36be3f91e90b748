/** How a raw value becomes a value of a model's field: exactly, or not at all. */
import { isJsonObject, type JsonValue } from './json.ts'
import type { FieldType } from './records.ts'

/**
 * `text` also turns numbers and booleans into text (ids); `time` normalises ISO 8601 text and Unix seconds to RFC 3339 in
 * UTC with milliseconds (a time without an offset is taken as UTC, a date as its first moment). A number that a double
 * cannot hold exactly is refused, never rounded: the transport hands such integers over as text.
 */
export type Conversion = 'text' | 'number' | 'boolean' | 'time' | 'texts'

/** Exact, or undefined. */
const exact = (number: number): number | undefined =>
  Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number)) ? number : undefined

const asText = (value: JsonValue): string | undefined =>
  typeof value === 'string'
    ? value
    : typeof value === 'number'
      ? exact(value)?.toString()
      : typeof value === 'boolean'
        ? String(value)
        : undefined

const decimal = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i

/** A value in the type that a conversion makes; undefined when it cannot be converted. */
export const conversions: Readonly<Record<Conversion, (value: JsonValue) => JsonValue | undefined>> = {
  text: asText,
  number: (value) =>
    typeof value === 'number'
      ? exact(value)
      : typeof value === 'string' && decimal.test(value)
        ? exact(Number(value))
        : undefined,
  boolean: (value) =>
    value === true || value === 'true' || value === 1
      ? true
      : value === false || value === 'false' || value === 0
        ? false
        : undefined,
  time: (value) =>
    typeof value === 'string'
      ? timeText(parseTime(value))
      : typeof value === 'number'
        ? timeText(value * 1000)
        : undefined,
  texts: (value) => {
    const texts = Array.isArray(value) ? value.map(asText) : undefined
    return texts?.every((one) => one !== undefined) ? texts : undefined
  },
}

/** Offsets with and without a colon; RFC 3339's space between date and time. */
const isoTime =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(?:[Zz]|([+-]\d{2}):?(\d{2}))?)?$/

/** Milliseconds, or NaN. `Date.parse` alone guesses ("ticket 12"), moves 30 February and reads what has no offset as local. */
function parseTime(text: string): number {
  const [match, year, month, day, time = '00:00', hours = '+00', minutes = '00'] = isoTime.exec(text) ?? []
  if (match === undefined || Number(day) > daysIn(Number(year), Number(month))) return NaN
  return Date.parse(`${year}-${month}-${day}T${time}${hours}:${minutes}`)
}

const daysIn = (year: number, month: number): number =>
  [
    31,
    year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28,
    31,
    30,
    31,
    30,
    31,
    31,
    30,
    31,
    30,
    31,
  ][month - 1] ?? 0

// RFC 3339 has years of four digits.
const firstMs = Date.parse('0000-01-01T00:00:00Z')
const lastMs = Date.parse('9999-12-31T23:59:59.999Z')

const timeText = (ms: number): string | undefined =>
  ms >= firstMs && ms <= lastMs ? new Date(ms).toISOString() : undefined

const isText = (value: unknown): value is string => typeof value === 'string'

const fitting: Readonly<Record<FieldType, (value: JsonValue) => boolean>> = {
  text: isText,
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  time: (value) => isText(value) && timeText(parseTime(value)) === value,
  texts: (value) => Array.isArray(value) && value.every(isText),
  object: isJsonObject,
  objects: (value) => Array.isArray(value) && value.every(isJsonObject),
}

/** True when a value is of a field's type as it stands. */
export const fits = (type: FieldType, value: JsonValue): boolean => fitting[type](value)

/** A type as a sentence names it. */
export const nameOf: Readonly<Record<FieldType, string>> = {
  text: 'a text',
  number: 'a number',
  boolean: 'true or false',
  time: 'a time',
  texts: 'a list of texts',
  object: 'an object',
  objects: 'a list of objects',
}

/** The type that a conversion makes. */
export const resultOf = {
  text: 'text',
  number: 'number',
  boolean: 'boolean',
  time: 'time',
  texts: 'texts',
} as const satisfies Readonly<Record<Conversion, FieldType>>
