import type { Limits } from '../contract.ts'

const minute = 60_000

/**
 * Per company: 500 calls a minute, 10 a second, 40 batches a minute (limits and throttles page; README); sandbox companies
 * send 40 e-mails a day. A refusal costs a minute, so none is risked: a bucket that is full gives its whole content at
 * once and is refilled meanwhile, so content and refill together make the limit: 2 + 8 calls in any second (480 a minute),
 * 8 + 32 batches in any minute.
 */
const buckets = {
  minute: { limit: 500, windowMs: minute, scope: 'connection' },
  second: { limit: 2, windowMs: 250, scope: 'connection' },
  batch: { limit: 8, windowMs: minute / 4, scope: 'connection' },
} as const satisfies Limits['buckets']

const groups = {
  query: ['minute', 'second'],
  changes: ['minute', 'second'],
  read: ['minute', 'second'],
  write: ['minute', 'second'],
  email: ['minute', 'second'],
  report: ['minute', 'second'],
  batch: ['minute', 'second', 'batch'],
} as const satisfies Limits['groups']

export type Group = keyof typeof groups

/** No header that tells a limit or what is left of it is documented; a 429 says it all. */
export const limits: Limits = { buckets, groups }
