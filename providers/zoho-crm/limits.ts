import type { Limits, Settings } from '../contract.ts'

const day = 24 * 3_600_000

/**
 * Credits of a rolling day, those of the free edition unless the setup says more (README, "Limits"), and a pace that keeps clear of the
 * limit of calls at the same time.
 */
const buckets = {
  day: { limit: 5000, windowMs: day, scope: 'connection' },
  pace: { limit: 300, windowMs: 60_000, scope: 'connection' },
} as const satisfies Limits['buckets']

export const limits: Limits = {
  buckets,
  groups: { read: ['day', 'pace'], write: ['day', 'pace'], notifications: ['day', 'pace'] },
  limitFor: (bucket: string, settings: Settings) => {
    const credits = settings['credits_per_day']
    return bucket === 'day' && credits !== undefined && /^\d{4,9}$/.test(credits)
      ? Number(credits)
      : undefined
  },
}
