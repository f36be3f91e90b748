/**
 * Commissions, exactly: what a plan gives for an amount, how it is shared among the levels of partners, how it is taken back. All
 * amounts are integers in minor units; products are computed as bigint and rounded once, half away from zero.
 */
import type { JsonObject } from './json.ts'

interface RuleScope {
  /** What it is for; all when left out: ids of items as the billing provider has them, `connections` and `records` of the hub's own usage. */
  readonly products?: readonly string[]
  /** Only in the first months of the account, counted from the first amount that earned anything. */
  readonly firstMonths?: number
}

export interface Tier {
  /** From this volume of the month on. */
  readonly fromMinor: number
  readonly rateBasisPoints: number
}

export type CommissionRule = RuleScope &
  (
    | { readonly kind: 'percentage'; readonly rateBasisPoints: number }
    /** For each paid document, however large it is. */
    | { readonly kind: 'flat'; readonly amountMinor: number; readonly currency: string }
    /**
     * By the partner's volume of the calendar month under this rule. `marginal`: each part of the volume at its own rate; `whole`: all of
     * it at the rate that it has reached. A document earns what it adds to the month's commission, so that the order does not matter.
     */
    | {
        readonly kind: 'tiered'
        readonly mode: 'marginal' | 'whole'
        readonly currency: string
        readonly tiers: readonly Tier[]
      }
  )

export interface PlanDefinition {
  /** `invoices`: an invoice earns when it is paid, by its amount without tax. `payments`: a payment earns when it has come, by its amount. */
  readonly basis: 'invoices' | 'payments'
  /** The first rule that fits a product counts for it. */
  readonly rules: readonly CommissionRule[]
  /** Weights: of the partner itself, of its parent, of the one above it, … Those of levels that a tree does not have are spread over the others. */
  readonly levels: readonly number[]
  /** How long an amount is held for refunds. */
  readonly refundDays: number
  /** Minor units by currency; less is carried forward. */
  readonly minimumPayout: Readonly<Record<string, number>>
}

/** Basis points in a whole. */
const whole = 10_000n

/** `amount * numerator / denominator`, rounded half away from zero. */
export function proportion(amount: number, numerator: number | bigint, denominator: number | bigint): number {
  const [top, bottom] = [BigInt(amount) * BigInt(numerator), BigInt(denominator)]
  if (bottom <= 0n) throw new RangeError('a proportion needs a denominator above zero')
  const size = top < 0n ? -top : top
  const rounded = (size * 2n + bottom) / (bottom * 2n)
  return Number(top < 0n ? -rounded : rounded)
}

/** What a month's volume earns under tiers. */
export function tieredCommission(
  { mode, tiers }: { readonly mode: 'marginal' | 'whole'; readonly tiers: readonly Tier[] },
  volumeMinor: number,
): number {
  if (mode === 'whole') {
    const reached = tiers.filter(({ fromMinor }) => fromMinor <= volumeMinor).at(-1)
    return proportion(volumeMinor, reached?.rateBasisPoints ?? 0, whole)
  }
  let top = 0n
  for (const [index, { fromMinor, rateBasisPoints }] of tiers.entries()) {
    const until = Math.min(volumeMinor, tiers[index + 1]?.fromMinor ?? volumeMinor)
    if (until > fromMinor) top += BigInt(until - fromMinor) * BigInt(rateBasisPoints)
  }
  return Number((top * 2n + whole) / (whole * 2n))
}

/** What one rule gives for an amount. */
export function ruleCommission(rule: CommissionRule, baseMinor: number, volumeBeforeMinor: number): number {
  if (rule.kind === 'percentage') return proportion(baseMinor, rule.rateBasisPoints, whole)
  if (rule.kind === 'flat') return rule.amountMinor
  return tieredCommission(rule, volumeBeforeMinor + baseMinor) - tieredCommission(rule, volumeBeforeMinor)
}

export interface SourceAmount {
  readonly currency: string
  /** By product; null where nothing tells what it is for. */
  readonly parts: readonly { readonly product: string | null; readonly amountMinor: number }[]
  /** Whole months since the account's first amount that earned; 0 for the first itself. */
  readonly monthsBefore: number
}

/** How one rule came to its amount: kept with each line, so that it can be computed again by hand. */
export interface RuleResult extends JsonObject {
  rule: number
  kind: CommissionRule['kind']
  baseMinor: number
  volumeBeforeMinor: number
  amountMinor: number
}

const fits = (rule: CommissionRule, product: string | null, amount: SourceAmount): boolean =>
  (rule.products === undefined || (product !== null && rule.products.includes(product))) &&
  (rule.firstMonths === undefined || amount.monthsBefore < rule.firstMonths) &&
  (rule.kind === 'percentage' || rule.currency === amount.currency)

/** What a plan gives for an amount. @param volumeOf the month's volume under a rule before it. */
export function calculateCommission(
  plan: Pick<PlanDefinition, 'rules'>,
  amount: SourceAmount,
  volumeOf: (rule: number) => number,
): { readonly grossMinor: number; readonly results: readonly RuleResult[] } {
  const bases = new Map<number, number>()
  for (const { product, amountMinor } of amount.parts) {
    const index = plan.rules.findIndex((rule) => fits(rule, product, amount))
    if (index >= 0) bases.set(index, (bases.get(index) ?? 0) + amountMinor)
  }
  const results: RuleResult[] = []
  for (const [index, baseMinor] of [...bases].sort(([a], [b]) => a - b)) {
    const rule = plan.rules[index]
    if (rule === undefined || baseMinor <= 0) continue
    const volumeBeforeMinor = rule.kind === 'tiered' ? volumeOf(index) : 0
    const amountMinor = ruleCommission(rule, baseMinor, volumeBeforeMinor)
    results.push({ rule: index, kind: rule.kind, baseMinor, volumeBeforeMinor, amountMinor })
  }
  return { grossMinor: results.reduce((sum, one) => sum + one.amountMinor, 0), results }
}

/**
 * Shares an amount by weights, to the last minor unit: each gets the whole part of its quota, what is left goes one by one to the largest
 * remainders; of equal ones to the one that stands first. Nobody gets less than the floor or more than the ceiling of its quota.
 */
export function shareByWeight(amountMinor: number, weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n)
  if (weights.some((weight) => weight < 0) || total <= 0n)
    throw new RangeError('weights must not be negative, and not all zero')
  const size = BigInt(Math.abs(amountMinor))
  const quotas = weights.map((weight, index) => {
    const top = size * BigInt(weight)
    return { index, share: top / total, remainder: top % total }
  })
  let left = size - quotas.reduce((sum, { share }) => sum + share, 0n)
  const shares = quotas.map(({ share }) => share)
  const byRemainder = [...quotas].sort((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
  )
  for (const { index } of byRemainder) {
    if (left === 0n) break
    shares[index] = (shares[index] ?? 0n) + 1n
    left--
  }
  return shares.map((share) => (amountMinor < 0 ? -Number(share) : Number(share)) || 0)
}

/** The weights of the levels that a chain of partners has, from the one that sold upwards. */
export function weightsFor(levels: readonly number[], depth: number): number[] {
  const weights = levels.slice(0, depth)
  return weights.some((weight) => weight > 0) ? weights : weights.map((_, index) => (index === 0 ? 1 : 0))
}

/** How much of a commission is taken back when so much of a document's total was: all of it when all was. */
export const takenBack = (grossMinor: number, takenMinor: number, totalMinor: number): number =>
  proportion(grossMinor, takenMinor, totalMinor)

/**
 * The amounts by which the levels of one posting change when its gross changes by `changeMinor`: below zero out of what each has left,
 * above zero out of what was taken from each. So no level is ever below zero or above what it was given, and all of it taken back is nothing left.
 * @param given what each level was given at first. @param left what each has of it.
 */
export function shareChange(
  changeMinor: number,
  given: readonly number[],
  left: readonly number[],
): number[] {
  if (changeMinor === 0) return given.map(() => 0)
  const room = changeMinor < 0 ? [...left] : given.map((amount, index) => amount - (left[index] ?? 0))
  return shareByWeight(changeMinor, room)
}

/** Whole months between two days (`YYYY-MM-DD…`): from the 31st to the 28th of the next is none. */
export function monthsBetween(first: string, later: string): number {
  const [y1 = 0, m1 = 0, d1 = 0] = first.slice(0, 10).split('-').map(Number)
  const [y2 = 0, m2 = 0, d2 = 0] = later.slice(0, 10).split('-').map(Number)
  return Math.max(0, (y2 - y1) * 12 + (m2 - m1) - (d2 < d1 ? 1 : 0))
}

/** A calendar month, UTC: `2026-11`. */
export const periodOf = (time: Date): string => time.toISOString().slice(0, 7)
export const isPeriod = (text: unknown): text is string =>
  typeof text === 'string' && /^\d{4}-(0[1-9]|1[0-2])$/.test(text)
/** Its first moment. */
export const periodStart = (period: string): Date => new Date(`${period}-01T00:00:00.000Z`)
/** The first moment after it. */
export function periodEnd(period: string): Date {
  const end = periodStart(period)
  end.setUTCMonth(end.getUTCMonth() + 1)
  return end
}
export const previousPeriod = (time: Date): string =>
  periodOf(new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() - 1, 1)))

export interface PlanProblem {
  /** JSON pointer inside the definition. */
  readonly pointer: string
  readonly detail: string
}

/** What a schema cannot say about a plan. */
export function planProblems({ rules, levels }: PlanDefinition): PlanProblem[] {
  const problems = rules.flatMap((rule, index) =>
    rule.kind === 'tiered' ? tierProblems(rule, `/rules/${index}/tiers`) : [],
  )
  if (!levels.some((weight) => weight > 0))
    problems.push({ pointer: '/levels', detail: 'one of the weights must be above zero' })
  return problems
}

function tierProblems(
  { mode, tiers }: Extract<CommissionRule, { kind: 'tiered' }>,
  pointer: string,
): PlanProblem[] {
  const problems: PlanProblem[] = []
  const say = (index: number, detail: string) => problems.push({ pointer: `${pointer}/${index}`, detail })
  for (const [index, tier] of tiers.entries()) {
    const before = tiers[index - 1]
    if (before === undefined && tier.fromMinor !== 0) say(index, 'the first tier begins at 0')
    if (before !== undefined && tier.fromMinor <= before.fromMinor)
      say(index, 'begins at a higher volume than the tier before')
    // A rate that falls would take back at a threshold what was earned below it.
    if (before !== undefined && mode === 'whole' && tier.rateBasisPoints < before.rateBasisPoints)
      say(index, 'has a rate that is not below that of the tier before, for the whole volume is paid at it')
  }
  return problems
}
