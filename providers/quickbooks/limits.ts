import type { Limits } from '../contract.ts'

const minute = 60_000

/**
 * Per company: 500 calls a minute, 10 a second, 40 batches a minute (limits and throttles page; README). Sandbox companies
 * send 40 e-mails a day; there is no header that tells a limit.
 */
const buckets = {
  minute: { limit: 500, windowMs: minute, scope: 'connection' },
  second: { limit: 10, windowMs: 1000, scope: 'connection' },
  batch: { limit: 40, windowMs: minute, scope: 'connection' },
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
