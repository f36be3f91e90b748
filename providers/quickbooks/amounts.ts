/** Exact arithmetic with amounts: minor units as whole numbers, products by decimal digits. */
import type { JsonObject } from '../../model/json.ts'
import { decimalOf, isMoney, minorDigits, moneyOf, type Money } from '../../model/money.ts'

/** A number's shortest decimal form as whole number and places: 1.25 → 125n, 2. Undefined for exponents. */
function digitsOf(number: number): { readonly whole: bigint; readonly places: number } | undefined {
  const [match, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(number)) ?? []
  return match === undefined
    ? undefined
    : { whole: BigInt(`${sign}${whole}${fraction}`), places: fraction.length }
}

/** Quantity times price in the currency's places, halves away from zero; undefined where it cannot be held exactly. */
export function productOf(quantity: number, price: number, currency: string): number | undefined {
  const a = digitsOf(quantity)
  const b = digitsOf(price)
  if (!a || !b) return undefined
  const surplus = a.places + b.places - minorDigits(currency)
  const product = a.whole * b.whole
  const minor = surplus <= 0 ? product * 10n ** BigInt(-surplus) : rounded(product, 10n ** BigInt(surplus))
  const amountMinor = Number(minor)
  return Number.isSafeInteger(amountMinor) ? Number(decimalOf({ amountMinor, currency })) : undefined
}

function rounded(value: bigint, by: bigint): bigint {
  const half = value < 0n ? -by / 2n : by / 2n
  return (value + half) / by
}

/** A decimal amount in minor units; 0 for what is missing, undefined for what the currency cannot hold. */
export function minorOf(amount: unknown, currency: string): number | undefined {
  return amount === undefined || amount === null ? 0 : moneyOf(amount, currency)?.amountMinor
}

export const moneyFrom = (amountMinor: number, currency: string): Money => ({ amountMinor, currency })

/** As QuickBooks takes amounts: a decimal number. */
export const decimalNumber = (amountMinor: number, currency: string): number =>
  Number(decimalOf({ amountMinor, currency }))

/** The money in a field of an input, which its schema has checked. */
export function moneyIn(input: JsonObject, name: string): Money | undefined {
  const value = input[name]
  return isMoney(value) ? value : undefined
}
