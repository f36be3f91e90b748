import { checkLimits, classOfOperation, limitsInForce, type Limits, type Rate } from './limits.ts'
import { levelsReached, monthEnd, monthOf } from './quota.ts'

const rates = (rate: Rate) => ({ reads: rate, writes: rate, heavy: rate, auth: rate })
const tier: Limits = {
  perCaller: rates({ burst: 10, sustained: 30 }),
  perPartner: rates({ burst: 20, sustained: 60 }),
  quotas: {
    calls: { soft: 100, hard: 120 },
    records: { soft: null, hard: 50 },
    connections: { soft: null, hard: null },
  },
}

describe('limits', () => {
  it('are inherited unless they are overridden, by the key last; null lifts one', () => {
    const found = limitsInForce(
      tier,
      { perCaller: { reads: { burst: 5 }, writes: { sustained: null } }, quotas: { calls: { hard: 200 } } },
      { reads: { sustained: 7 } },
    )
    expect(found.perCaller.reads).toEqual({ burst: 5, sustained: 7 })
    expect(found.perCaller.writes).toEqual({ burst: 10, sustained: null })
    expect(found.perCaller.heavy).toEqual(tier.perCaller.heavy)
    expect(found.perPartner).toEqual(tier.perPartner)
    expect(found.quotas.calls).toEqual({ soft: 100, hard: 200 })
  })

  it('that cannot be meant are named', () => {
    expect(checkLimits(tier)).toEqual([])
    const odd = limitsInForce(tier, {
      perPartner: { heavy: { burst: 100 } },
      quotas: { calls: { soft: 121 } },
    })
    expect(checkLimits(odd).map(({ pointer }) => pointer)).toEqual([
      '/perPartner/heavy/sustained',
      '/quotas/calls/soft',
    ])
  })

  it('know actions and reports for heavy, and what else changes nothing for a read', () => {
    expect(classOfOperation('post', 'actions.run')).toBe('heavy')
    expect(classOfOperation('post', 'reports.run')).toBe('heavy')
    expect(classOfOperation('get', 'records.read')).toBe('reads')
    expect(classOfOperation('delete', 'connections.write')).toBe('writes')
  })
})

describe('warnings of a quota', () => {
  it('come at 80 and 100 per cent of what is agreed, each once', () => {
    const { calls, records, connections } = tier.quotas
    expect(levelsReached(79, calls, 0)).toEqual([])
    expect(levelsReached(80, calls, 0)).toEqual([80])
    expect(levelsReached(99, calls, 80)).toEqual([])
    expect(levelsReached(100, calls, 80)).toEqual([100])
    expect(levelsReached(119, calls, 0)).toEqual([80, 100])
    expect(levelsReached(500, calls, 100)).toEqual([])
    expect(levelsReached(40, records, 0)).toEqual([80])
    expect(levelsReached(1_000_000, connections, 0)).toEqual([])
  })

  it('go by months of UTC', () => {
    const late = new Date('2026-12-31T23:59:59.999Z')
    expect(monthOf(late)).toBe('2026-12-01')
    expect(monthEnd(late).toISOString()).toBe('2027-01-01T00:00:00.000Z')
  })
})
