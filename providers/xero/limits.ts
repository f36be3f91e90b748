import type { LimitLesson, Limits } from '../contract.ts'

const minute = 60_000

/**
 * Per organisation 60 calls a minute and 5,000 a day, per app 10,000 a minute over all of them (README, "Limits"). A bucket that
 * is full gives its content at once and is refilled meanwhile, so content and refill together make the minute: 12 + 48.
 */
const buckets = {
  minute: { limit: 12, windowMs: minute / 4, scope: 'connection' },
  day: { limit: 5000, windowMs: 24 * 60 * minute, scope: 'connection' },
  app: { limit: 2000, windowMs: minute / 4, scope: 'app' },
} as const satisfies Limits['buckets']

const groups = {
  read: ['minute', 'day', 'app'],
  write: ['minute', 'day', 'app'],
  /** `/connections` is not of an organisation; whether the app's limit counts it is not said. */
  identity: ['app'],
} as const satisfies Limits['groups']

export type Group = keyof typeof groups

/** Each answer tells what is left of each limit (README). */
const remaining = [
  ['x-minlimit-remaining', 'minute'],
  ['x-daylimit-remaining', 'day'],
  ['x-appminlimit-remaining', 'app'],
] as const

export const limits: Limits = {
  buckets,
  groups,
  learn: (_group, headers): LimitLesson[] =>
    remaining.flatMap(([header, bucket]) => {
      const value = headers[header]
      return value !== undefined && /^\d{1,9}$/.test(value) ? [{ bucket, remaining: Number(value) }] : []
    }),
}
