import fc from 'fast-check'
import {
  calculateCommission,
  isPeriod,
  monthsBetween,
  periodEnd,
  planProblems,
  previousPeriod,
  proportion,
  ruleCommission,
  shareByWeight,
  shareChange,
  takenBack,
  tieredCommission,
  weightsFor,
  type CommissionRule,
  type PlanDefinition,
} from './commission.ts'

const amount = fc.integer({ min: 0, max: 10 ** 12 })
const weights = fc
  .array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 8 })
  .filter((list) => list.some((weight) => weight > 0))
const sum = (list: readonly number[]): number => list.reduce((total, one) => total + one, 0)

const tiers = fc
  .array(fc.record({ step: fc.integer({ min: 1, max: 10 ** 7 }), rate: fc.integer({ min: 0, max: 900 }) }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((steps) => {
    let [fromMinor, rateBasisPoints] = [0, 0]
    return steps.map(({ step, rate }, index) => {
      fromMinor = index === 0 ? 0 : fromMinor + step
      rateBasisPoints += rate
      return { fromMinor, rateBasisPoints }
    })
  })
const mode = fc.constantFrom('marginal' as const, 'whole' as const)

describe('sharing an amount', () => {
  it('loses and adds nothing, whatever the weights', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), weights, (total, list) => {
        const shares = shareByWeight(total, list)
        expect(sum(shares)).toBe(total)
        const whole = sum(list)
        for (const [index, share] of shares.entries()) {
          const exact = (BigInt(Math.abs(total)) * BigInt(list[index] ?? 0)) / BigInt(whole)
          expect([exact, exact + 1n]).toContain(BigInt(Math.abs(share)))
        }
      }),
    )
  })

  it('gives the last cent to the largest remainder, and of equal ones to the first', () => {
    expect(shareByWeight(100, [1, 1, 1])).toEqual([34, 33, 33])
    expect(shareByWeight(101, [1, 1, 1])).toEqual([34, 34, 33])
    expect(shareByWeight(10, [80, 15, 5])).toEqual([8, 2, 0])
    expect(shareByWeight(-100, [1, 1, 1])).toEqual([-34, -33, -33])
  })

  it('spreads the weights of levels that a tree does not have', () => {
    expect(weightsFor([80, 15, 5], 1)).toEqual([80])
    expect(weightsFor([80, 15, 5], 5)).toEqual([80, 15, 5])
    expect(weightsFor([0, 100], 1)).toEqual([1])
  })
})

describe('taking back', () => {
  it('leaves nothing when all is taken back, never less than nothing, and all again when all is given back', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 12 })
    fc.assert(
      fc.property(
        amount,
        fc.integer({ min: 1, max: 10 ** 12 }),
        weights,
        steps,
        (gross, total, list, parts) => {
          const given = shareByWeight(gross, list)
          let left = [...given]
          let taken = 0
          for (const next of [...parts.map((part) => Math.floor((total * part) / 1000)), total, 0]) {
            const change = takenBack(gross, taken, total) - takenBack(gross, next, total)
            const shares = shareChange(change, given, left)
            expect(sum(shares)).toBe(change)
            left = left.map((one, index) => one + (shares[index] ?? 0))
            for (const [index, one] of left.entries()) {
              expect(one).toBeGreaterThanOrEqual(0)
              expect(one).toBeLessThanOrEqual(given[index] ?? 0)
            }
            taken = next
            if (taken === total) expect(sum(left)).toBe(0)
          }
          expect(left).toEqual(given)
        },
      ),
    )
  })
})

describe('rules', () => {
  it('round once, half away from zero, exactly even beyond the digits of a double', () => {
    expect(proportion(5, 1, 2)).toBe(3)
    expect(proportion(-5, 1, 2)).toBe(-3)
    expect(proportion(9_007_199_254_740_991, 9_999, 10_000)).toBe(9_006_298_534_815_517)
    expect(ruleCommission({ kind: 'percentage', rateBasisPoints: 1250 }, 9_99, 0)).toBe(125)
    expect(ruleCommission({ kind: 'flat', amountMinor: 500, currency: 'EUR' }, 1, 0)).toBe(500)
  })

  it('of tiers: each part at its rate, or all at the rate that is reached', () => {
    const list = [
      { fromMinor: 0, rateBasisPoints: 1000 },
      { fromMinor: 100_00, rateBasisPoints: 2000 },
    ]
    expect(tieredCommission({ mode: 'marginal', tiers: list }, 150_00)).toBe(20_00)
    expect(tieredCommission({ mode: 'whole', tiers: list }, 150_00)).toBe(30_00)
    expect(tieredCommission({ mode: 'whole', tiers: list }, 99_99)).toBe(10_00)
  })

  it('of tiers give for a month what its volume gives, in whichever documents and order it comes', () => {
    fc.assert(
      fc.property(
        tiers,
        mode,
        fc.array(fc.integer({ min: 1, max: 10 ** 7 }), { maxLength: 20 }),
        (list, how, documents) => {
          const rule: CommissionRule = { kind: 'tiered', mode: how, currency: 'EUR', tiers: list }
          let [volume, earned] = [0, 0]
          for (const base of documents) {
            const more = ruleCommission(rule, base, volume)
            expect(more).toBeGreaterThanOrEqual(0)
            volume += base
            earned += more
          }
          expect(earned).toBe(tieredCommission({ mode: how, tiers: list }, volume))
        },
      ),
    )
  })
})

describe('a plan', () => {
  const plan: Pick<PlanDefinition, 'rules'> = {
    rules: [
      { kind: 'percentage', rateBasisPoints: 3000, products: ['seat'], firstMonths: 12 },
      { kind: 'flat', amountMinor: 700, currency: 'EUR', products: ['setup'] },
      { kind: 'percentage', rateBasisPoints: 1000 },
    ],
  }
  const of = (parts: readonly [string | null, number][], monthsBefore = 0, currency = 'EUR') =>
    calculateCommission(
      plan,
      { currency, monthsBefore, parts: parts.map(([product, amountMinor]) => ({ product, amountMinor })) },
      () => 0,
    )

  it('takes for each product the first rule that fits', () => {
    const { grossMinor, results } = of([
      ['seat', 100_00],
      ['setup', 50_00],
      ['other', 10_00],
      [null, 10_00],
    ])
    expect(results.map(({ rule, baseMinor, amountMinor }) => [rule, baseMinor, amountMinor])).toEqual([
      [0, 100_00, 30_00],
      [1, 50_00, 7_00],
      [2, 20_00, 2_00],
    ])
    expect(grossMinor).toBe(39_00)
  })

  it('leaves out what the first months or the currency shut out', () => {
    expect(of([['seat', 100_00]], 11).grossMinor).toBe(30_00)
    expect(of([['seat', 100_00]], 12).grossMinor).toBe(10_00)
    expect(of([['setup', 100_00]], 0, 'USD').grossMinor).toBe(10_00)
    expect(
      calculateCommission({ rules: [] }, { currency: 'EUR', monthsBefore: 0, parts: [] }, () => 0),
    ).toEqual({
      grossMinor: 0,
      results: [],
    })
  })

  it('is refused with tiers that cannot be kept, and with levels that nobody is on', () => {
    const problems = planProblems({
      basis: 'invoices',
      refundDays: 0,
      minimumPayout: {},
      levels: [0, 0],
      rules: [
        {
          kind: 'tiered',
          mode: 'whole',
          currency: 'EUR',
          tiers: [
            { fromMinor: 5, rateBasisPoints: 100 },
            { fromMinor: 5, rateBasisPoints: 50 },
          ],
        },
      ],
    })
    expect(problems.map(({ pointer }) => pointer)).toEqual([
      '/rules/0/tiers/0',
      '/rules/0/tiers/1',
      '/rules/0/tiers/1',
      '/levels',
    ])
  })
})

describe('months', () => {
  it('are counted whole, and periods are calendar months in UTC', () => {
    expect(monthsBetween('2026-01-31', '2026-02-28')).toBe(0)
    expect(monthsBetween('2026-01-31T10:00:00Z', '2027-01-31T00:00:00Z')).toBe(12)
    expect(monthsBetween('2026-05-01', '2026-01-01')).toBe(0)
    expect(periodEnd('2026-12').toISOString()).toBe('2027-01-01T00:00:00.000Z')
    expect(previousPeriod(new Date('2026-01-15T00:00:00Z'))).toBe('2025-12')
    expect(['2026-13', '2026-1', 'x', '2026-01'].map(isPeriod)).toEqual([false, false, false, true])
  })
})
