/** Money in minor units, exactly: `{ amountMinor: 1250, currency: 'EUR' }` is 12.50 EUR. */
import type { JsonObject } from './json.ts'

export interface Money extends JsonObject {
  /** A safe integer. */
  amountMinor: number
  /** ISO 4217, upper case. */
  currency: string
}

/** Currencies whose minor unit is not a hundredth (ISO 4217, list one, published 2026-01-01). */
const digits: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((code) => [code, 0]),
  ),
  ...Object.fromEntries('BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3])),
  CLF: 4,
  UYW: 4,
}

/** Decimal places of a currency's minor unit. */
export const minorDigits = (currency: string): number => digits[currency] ?? 2

export const isCurrency = (text: unknown): text is string =>
  typeof text === 'string' && /^[A-Z]{3}$/.test(text)

export function isMoney(value: unknown): value is Money {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { amountMinor, currency, ...rest } = value as Partial<Money>
  return Number.isSafeInteger(amountMinor) && isCurrency(currency) && Object.keys(rest).length === 0
}

/**
 * A decimal amount as money; undefined when it is no amount, or when it has more decimal places than the currency (nothing
 * is rounded; zeros at the end do not count). Numbers are read by their shortest decimal form: 0.1 is a tenth.
 */
export function moneyOf(amount: unknown, currency: unknown): Money | undefined {
  if (!isCurrency(currency)) return undefined
  const text =
    typeof amount === 'number' ? decimalText(amount) : typeof amount === 'string' ? amount.trim() : ''
  const [match, sign = '', whole = '', fraction = ''] = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text) ?? []
  if (match === undefined || whole + fraction === '') return undefined
  const places = minorDigits(currency)
  const kept = fraction.replace(/0+$/, '')
  if (kept.length > places) return undefined
  const amountMinor = Number(`${sign}${whole || '0'}${kept.padEnd(places, '0')}`)
  return Number.isSafeInteger(amountMinor) ? { amountMinor: amountMinor || 0, currency } : undefined
}

/** Never in exponent form; undefined digits for what is not finite. */
function decimalText(amount: number): string {
  const text = String(amount)
  const [match, sign = '', first = '', rest = '', power = ''] =
    /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? []
  if (match === undefined) return text
  const all = first + rest
  const point = 1 + Number(power)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${all}`
  return point >= all.length
    ? `${sign}${all.padEnd(point, '0')}`
    : `${sign}${all.slice(0, point)}.${all.slice(point)}`
}

/** The amount as decimal text with the currency's places: `12.50`. */
export function decimalOf({ amountMinor, currency }: Money): string {
  const places = minorDigits(currency)
  const text = String(Math.abs(amountMinor)).padStart(places + 1, '0')
  const sign = amountMinor < 0 ? '-' : ''
  return places === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -places)}.${text.slice(-places)}`
}
