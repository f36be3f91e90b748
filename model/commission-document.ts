/** What a document of a billing provider is worth for commissions, read from its model alone: whichever provider it comes from. */
import type { JsonObject, JsonValue } from './json.ts'
import { isMoney, type Money } from './money.ts'
import { shareByWeight, type SourceAmount } from './commission.ts'

/** Models whose changes may earn something or take it back. */
export const billingModels = ['invoice', 'payment', 'creditNote'] as const

export interface Worth {
  readonly currency: string
  /** What the commission is computed from, without tax. */
  readonly baseMinor: number
  /** What credits are a part of, with tax. */
  readonly totalMinor: number
  readonly parts: SourceAmount['parts']
}

const moneyIn = (mapped: JsonObject, field: string): Money | undefined => {
  const value = mapped[field]
  return isMoney(value) ? value : undefined
}
const listIn = (mapped: JsonObject, field: string): readonly JsonObject[] => {
  const value = mapped[field]
  return Array.isArray(value) ? value.filter(isObject) : []
}
const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const textIn = (mapped: JsonObject, field: string): string | null => {
  const value = mapped[field]
  return typeof value === 'string' && value !== '' ? value : null
}

/** What a paid invoice is worth; undefined for one that is not paid. */
export function invoiceWorth(mapped: JsonObject): Worth | undefined {
  const total = moneyIn(mapped, 'total')
  if (mapped['status'] !== 'paid' || !total || total.amountMinor <= 0) return undefined
  const tax = moneyIn(mapped, 'tax')?.amountMinor ?? 0
  const baseMinor = moneyIn(mapped, 'subtotal')?.amountMinor ?? total.amountMinor - tax
  if (baseMinor <= 0) return undefined
  return {
    currency: total.currency,
    baseMinor,
    totalMinor: total.amountMinor,
    parts: partsOf(listIn(mapped, 'lines'), baseMinor),
  }
}

/** What was paid, by item: discounts and roundings of the document are spread over its lines. */
function partsOf(lines: readonly JsonObject[], baseMinor: number): SourceAmount['parts'] {
  const sums = new Map<string | null, number>()
  for (const line of lines) {
    const product = textIn(line, 'itemId')
    sums.set(product, (sums.get(product) ?? 0) + (moneyIn(line, 'amount')?.amountMinor ?? 0))
  }
  const list = [...sums].filter(([, sum]) => sum !== 0)
  if (list.length === 0 || list.some(([, sum]) => sum < 0)) return [{ product: null, amountMinor: baseMinor }]
  const shares = shareByWeight(
    baseMinor,
    list.map(([, sum]) => sum),
  )
  return list.map(([product], index) => ({ product, amountMinor: shares[index] ?? 0 }))
}

/** What a payment that has come is worth; undefined for one that has not, or that goes the other way. */
export function paymentWorth(mapped: JsonObject): Worth | undefined {
  const amount = moneyIn(mapped, 'amount')
  const status = mapped['status'] ?? 'completed'
  if (status !== 'completed' || !amount || amount.amountMinor <= 0) return undefined
  const { amountMinor, currency } = amount
  return {
    currency,
    baseMinor: amountMinor,
    totalMinor: amountMinor,
    parts: [{ product: null, amountMinor }],
  }
}

/** Money that went back: by a credit note, or by a payment to the customer. */
export interface CreditWorth {
  readonly currency: string
  readonly totalMinor: number
  /** The invoices that it is applied to, by the provider's ids. */
  readonly applied: readonly { readonly externalId: string; readonly amountMinor: number }[]
}

export function creditWorth(model: string, mapped: JsonObject): CreditWorth | undefined {
  const status = mapped['status']
  if (status === 'void' || status === 'voided' || status === 'draft' || status === 'failed') return undefined
  const total = moneyIn(mapped, model === 'payment' ? 'amount' : 'total')
  if (!total || total.amountMinor === 0 || (model === 'payment') !== total.amountMinor < 0) return undefined
  const applied = listIn(mapped, 'applied')
  // Paying out a credit note takes nothing back that the note itself has not.
  if (model === 'payment' && applied.some(({ type }) => type === 'creditNote')) return undefined
  return {
    currency: total.currency,
    totalMinor: Math.abs(total.amountMinor),
    applied: applied.flatMap((one) => {
      const [externalId, amount] = [textIn(one, 'id'), moneyIn(one, 'amount')]
      if (one['type'] !== 'invoice' || externalId === null || !amount) return []
      return [{ externalId, amountMinor: Math.abs(amount.amountMinor) }]
    }),
  }
}

/** What is kept of a document with what it earned: enough to find and recognise it, nothing personal. */
export function documentFacts(model: string, mapped: JsonObject): JsonObject {
  const facts: JsonObject = { model }
  for (const field of ['number', 'status', 'issuedOn', 'dueOn', 'paidOn', 'currency'])
    if (typeof mapped[field] === 'string') facts[field] = mapped[field]
  for (const field of ['subtotal', 'tax', 'total', 'balance', 'amount'])
    if (isMoney(mapped[field])) facts[field] = mapped[field]
  return facts
}
