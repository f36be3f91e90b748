import type { LimitLesson, Limits, Settings } from '../contract.ts'

const day = 24 * 3_600_000

/**
 * Starts with what every account allows and learns the rest from answers and the plan in the settings. Searches have a
 * budget of their own and say nothing of it (usage guidelines and search guide, developers.hubspot.com, read 2026-11-23).
 */
const buckets = {
  /** Per account and app. */
  ten_seconds: { limit: 100, windowMs: 10_000, scope: 'connection' },
  /** Shared by all private apps of an account; OAuth apps have none. Ends at midnight in the account's zone. */
  daily: { limit: 250_000, windowMs: day, scope: 'connection' },
  /**
   * All search endpoints of an account together: five a second. Taken one by one, since a bucket of five would give its
   * burst and its refill within the same second.
   */
  search: { limit: 1, windowMs: 220, scope: 'connection' },
} as const satisfies Limits['buckets']

/** Endpoint group → its buckets, the most particular one last: a refusal holds that one. */
const groups = {
  crm: ['daily', 'ten_seconds'],
  search: ['daily', 'ten_seconds', 'search'],
  /** Sends of mail and events: exempt from both limits by their OpenAPI (`x-hubspot-rate-limit-exemptions`). */
  send: [],
} as const satisfies Limits['groups']

export type Group = keyof typeof groups

const plans: Readonly<Record<string, { readonly ten_seconds: number; readonly daily: number }>> = {
  oauth: { ten_seconds: 110, daily: 1e9 },
  starter: { ten_seconds: 100, daily: 250_000 },
  professional: { ten_seconds: 190, daily: 625_000 },
  enterprise: { ten_seconds: 190, daily: 1_000_000 },
  addon: { ten_seconds: 250, daily: 1_000_000 },
}

/** What the setup asks for; `oauth` is set when somebody signs in. */
function limitFor(bucket: string, settings: Settings): number | undefined {
  const plan = plans[settings['plan'] ?? '']
  return bucket === 'ten_seconds' || bucket === 'daily' ? plan?.[bucket] : undefined
}

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined

function lesson(
  bucket: string,
  limit: number | undefined,
  remaining: number | undefined,
  resetAt?: Date,
): LimitLesson[] {
  if (limit === undefined && remaining === undefined) return []
  return [
    {
      bucket,
      ...(limit === undefined || limit < 1 ? {} : { limit }),
      ...(remaining === undefined ? {} : { remaining }),
      ...(resetAt === undefined ? {} : { resetAt }),
    },
  ]
}

/**
 * `x-hubspot-ratelimit-max`, `-remaining`, `-interval-milliseconds` of the rolling ten seconds; `-daily`,
 * `-daily-remaining` where there is a daily limit. `-secondly` is deprecated. A window of another length is not ours.
 */
function learn(group: string, headers: Readonly<Record<string, string>>, now: Date): readonly LimitLesson[] {
  if (group === 'send') return []
  const header = (name: string) => wholeNumber(headers[`x-hubspot-ratelimit-${name}`])
  const interval = header('interval-milliseconds') ?? 10_000
  const rolling =
    interval === 10_000
      ? lesson('ten_seconds', header('max'), header('remaining'), new Date(now.getTime() + 1_000))
      : []
  return [...rolling, ...lesson('daily', header('daily'), header('daily-remaining'))]
}

export const limits: Limits = { buckets, groups, limitFor, learn }
