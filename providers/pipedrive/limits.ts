import type { LimitLesson, Limits, Settings } from '../contract.ts'

const day = 24 * 3_600_000
/** What a list costs in v2; it costs 20 in v1, a single object 1 or 2 (README, "Limits"). The hub reads lists. */
const tokensACall = 10

/**
 * Starts with what the smallest plan allows (Lite: 20 calls in 2 seconds by API token, 30,000 tokens a day for one seat) and
 * learns the first from the answers. The day's budget is the company's, not the hub's alone: its end comes as a 429.
 */
const buckets = {
  burst: { limit: 20, windowMs: 2000, scope: 'connection' },
  day: { limit: 30_000 / tokensACall, windowMs: day, scope: 'connection' },
} as const satisfies Limits['buckets']

const groups = {
  read: ['burst', 'day'],
  write: ['burst', 'day'],
  webhooks: ['burst', 'day'],
} as const satisfies Limits['groups']

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,10}$/.test(text.trim()) ? Number(text) : undefined

/** `x-ratelimit-limit`, `-remaining` and `-reset` (seconds) speak of the 2 seconds. */
function learn(_group: string, headers: Readonly<Record<string, string>>, now: Date): readonly LimitLesson[] {
  const limit = wholeNumber(headers['x-ratelimit-limit'])
  const remaining = wholeNumber(headers['x-ratelimit-remaining'])
  const reset = wholeNumber(headers['x-ratelimit-reset'])
  if (limit === undefined && remaining === undefined) return []
  return [
    {
      bucket: 'burst',
      ...(limit === undefined || limit < 1 ? {} : { limit }),
      ...(remaining === undefined ? {} : { remaining }),
      ...(reset === undefined ? {} : { resetAt: new Date(now.getTime() + reset * 1000) }),
    },
  ]
}

function limitFor(bucket: string, settings: Settings): number | undefined {
  const tokens = bucket === 'day' ? wholeNumber(settings['tokens_per_day']) : undefined
  return tokens === undefined ? undefined : Math.max(1, Math.floor(tokens / tokensACall))
}

export const limits: Limits = { buckets, groups, limitFor, learn }
