import type { LimitLesson, Limits, Settings } from '../contract.ts'

const minute = 60_000

/**
 * Calls of the whole account, its other integrations included. Starts with what the smallest plan allows and learns the account's own
 * figure from the first answer. Lists of tickets and of contacts have budgets of their own that no header tells (README, "Limits").
 */
const buckets = {
  account: { limit: 100, windowMs: minute, scope: 'connection' },
  ticket_list: { limit: 20, windowMs: minute, scope: 'connection' },
  contact_list: { limit: 20, windowMs: minute, scope: 'connection' },
} as const satisfies Limits['buckets']

const groups = {
  read: ['account'],
  ticket_list: ['account', 'ticket_list'],
  contact_list: ['account', 'contact_list'],
  write: ['account'],
} as const satisfies Limits['groups']

export type Group = keyof typeof groups

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined

/** `X-RateLimit-Total` and `-Remaining` speak of the account; when the window ends is not told. */
function learn(_group: string, headers: Readonly<Record<string, string>>): readonly LimitLesson[] {
  const limit = wholeNumber(headers['x-ratelimit-total'])
  const remaining = wholeNumber(headers['x-ratelimit-remaining'])
  if (limit === undefined && remaining === undefined) return []
  return [
    {
      bucket: 'account',
      ...(limit === undefined || limit < 1 ? {} : { limit }),
      ...(remaining === undefined ? {} : { remaining }),
    },
  ]
}

/** The lists' own budgets hang on the plan, which is asked for. */
function limitFor(bucket: string, settings: Settings): number | undefined {
  return bucket === 'account' ? undefined : wholeNumber(settings['lists_per_minute'])
}

export const limits = { buckets, groups, limitFor, learn } satisfies Limits
