/** How a raw value becomes a value of a model's field, and how a model's becomes a provider's: exactly, or not at all. */
import { isJsonObject, type JsonValue } from './json.ts'
import { decimalOf, isCurrency, isMoney, moneyOf } from './money.ts'
import type { FieldType } from './fields.ts'
import { isDate, offsetOf, timeOf, timeText } from './times.ts'

/**
 * Inwards. `text` also turns numbers and booleans into text (ids); `time` normalises ISO 8601 text and Unix seconds to RFC
 * 3339 in UTC with milliseconds (a time without an offset is taken in the rule's zone, or UTC; a date as its first moment),
 * `milliseconds` does the same for Unix milliseconds; `date` keeps the day as the provider wrote it; `money` reads a
 * decimal amount, `minor` one in minor units, both in the rule's currency. A number that a double cannot hold exactly is
 * refused, never rounded: the transport hands such integers over as text.
 * Outwards. `decimal` and `decimalText` write money as a number or text, `minorUnits` its minor units, `currencyCode` its
 * currency; `unixSeconds` and `unixMilliseconds` write a time.
 */
export type Conversion =
  | 'text'
  | 'number'
  | 'boolean'
  | 'time'
  | 'milliseconds'
  | 'date'
  | 'texts'
  | 'money'
  | 'minor'
  | 'decimal'
  | 'decimalText'
  | 'minorUnits'
  | 'currencyCode'
  | 'unixSeconds'
  | 'unixMilliseconds'

/** What a conversion may need besides the value. */
export interface Circumstances {
  /** ISO 4217. */
  readonly currency?: unknown
  /** IANA name or offset (`-07:00`). */
  readonly zone?: unknown
}

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

const asNumber = (value: JsonValue): number | undefined =>
  typeof value === 'number'
    ? exact(value)
    : typeof value === 'string' && decimal.test(value)
      ? exact(Number(value))
      : undefined

const unix = (value: JsonValue, perSecond: number): number | undefined =>
  typeof value === 'string' && isTimeText(value)
    ? Math.floor((Date.parse(value) * perSecond) / 1000)
    : undefined

const isTimeText = (value: string): boolean => timeText(timeOf(value)) === value

type Convert = (value: JsonValue, around: Circumstances) => JsonValue | undefined

/** A value in the type that a conversion makes; undefined when it cannot be converted. */
export const conversions: Readonly<Record<Conversion, Convert>> = {
  text: asText,
  number: asNumber,
  boolean: (value) =>
    value === true || value === 'true' || value === 1
      ? true
      : value === false || value === 'false' || value === 0
        ? false
        : undefined,
  time: (value, { zone }) =>
    typeof value === 'string'
      ? timeText(timeOf(value, zone))
      : typeof value === 'number'
        ? timeText(value * 1000)
        : undefined,
  milliseconds: (value) => {
    const number = typeof value === 'string' && !/^\d+$/.test(value) ? undefined : asNumber(value)
    return number === undefined ? undefined : timeText(number)
  },
  date: (value) => {
    if (typeof value !== 'string') return undefined
    const day = value.slice(0, 10)
    return isDate(day) && (value === day || /^[Tt ]/.test(value.slice(10))) ? day : undefined
  },
  texts: (value) => {
    const texts = Array.isArray(value) ? value.map(asText) : undefined
    return texts?.every((one) => one !== undefined) ? texts : undefined
  },
  money: (value, { currency }) => moneyOf(value, currency),
  minor: (value, { currency }) => {
    const amountMinor = asNumber(value)
    return amountMinor !== undefined && Number.isSafeInteger(amountMinor) && isCurrency(currency)
      ? { amountMinor, currency }
      : undefined
  },
  decimal: (value) => (isMoney(value) ? Number(decimalOf(value)) : undefined),
  decimalText: (value) => (isMoney(value) ? decimalOf(value) : undefined),
  minorUnits: (value) => (isMoney(value) ? value.amountMinor : undefined),
  currencyCode: (value) => (isMoney(value) ? value.currency : undefined),
  unixSeconds: (value) => unix(value, 1),
  unixMilliseconds: (value) => unix(value, 1000),
}

/** The zone that a converted time was given in; undefined for UTC and for what is no time. */
export function zoneOf(value: JsonValue, { zone }: Circumstances): string | undefined {
  if (typeof value !== 'string') return undefined
  const offset = offsetOf(value)
  if (offset !== undefined) return offset === 'Z' ? undefined : offset
  return typeof zone === 'string' && zone !== 'UTC' ? zone : undefined
}

const isText = (value: unknown): value is string => typeof value === 'string'

const fitting: Readonly<Record<FieldType, (value: JsonValue) => boolean>> = {
  text: isText,
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  time: (value) => isText(value) && isTimeText(value),
  date: (value) => isText(value) && isDate(value),
  money: isMoney,
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
  date: 'a date',
  money: 'an amount of money in a known currency',
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
  milliseconds: 'time',
  date: 'date',
  texts: 'texts',
  money: 'money',
  minor: 'money',
  decimal: 'number',
  decimalText: 'text',
  minorUnits: 'number',
  currencyCode: 'text',
  unixSeconds: 'number',
  unixMilliseconds: 'number',
} as const satisfies Readonly<Record<Conversion, FieldType>>
