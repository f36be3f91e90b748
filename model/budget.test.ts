import { forecastBudget } from './budget.ts'

const now = new Date('2026-11-24T12:00:00Z')
const after = (minutes: number) => new Date(now.getTime() + minutes * 60_000)
/** Sixty an hour: one call a minute comes back. */
const hourly = { limit: 60, windowMs: 3_600_000, tokens: 60, blockedUntil: null, callsPerSecond: 0 }

describe('the forecast of a budget', () => {
  it('of one that is whole expects nothing', () => {
    expect(forecastBudget(hourly, now)).toEqual({ remaining: 60, used: 0, resetsAt: null, exhaustedAt: null })
  })

  it('counts whole calls and the time until all of them are back', () => {
    expect(forecastBudget({ ...hourly, tokens: 45.5 }, now)).toMatchObject({
      remaining: 45,
      used: 15,
      resetsAt: after(14.5),
    })
  })

  it('ends when the loss, less what comes back, has eaten what is left', () => {
    const threePerMinute = { ...hourly, tokens: 30, callsPerSecond: 3 / 60 }
    expect(forecastBudget(threePerMinute, now).exhaustedAt).toEqual(after(15))
  })

  it('does not end at a rate that comes back as fast', () => {
    expect(forecastBudget({ ...hourly, tokens: 5, callsPerSecond: 1 / 60 }, now).exhaustedAt).toBeNull()
    expect(forecastBudget({ ...hourly, tokens: 5, callsPerSecond: 0.5 / 60 }, now).exhaustedAt).toBeNull()
  })

  it('is used up now when no whole call is left', () => {
    expect(forecastBudget({ ...hourly, tokens: 0.4 }, now)).toMatchObject({ remaining: 0, exhaustedAt: now })
  })

  it('has nothing left while the provider refuses, whatever was counted', () => {
    const refused = { ...hourly, tokens: 50, blockedUntil: after(30) }
    expect(forecastBudget(refused, now)).toEqual({
      remaining: 0,
      used: 60,
      resetsAt: after(30),
      exhaustedAt: now,
    })
    const over = { ...refused, blockedUntil: after(-1) }
    expect(forecastBudget(over, now)).toMatchObject({ remaining: 50, resetsAt: after(10), exhaustedAt: null })
  })

  it('takes a whole number that arrives a trifle short for whole', () => {
    expect(forecastBudget({ ...hourly, tokens: 59.9999999 }, now).remaining).toBe(60)
  })
})
