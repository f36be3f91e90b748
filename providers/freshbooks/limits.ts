import type { Limits } from '../contract.ts'

/** FreshBooks tells no figure, in documentation or headers (README, "Limits"): the hub holds itself to two calls a second. */
const buckets = {
  account: { limit: 120, windowMs: 60_000, scope: 'connection' },
} as const satisfies Limits['buckets']

export const limits: Limits = {
  buckets,
  groups: { read: ['account'], write: ['account'], callbacks: ['account'] },
}
