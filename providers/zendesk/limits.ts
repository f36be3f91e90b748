import type { LimitLesson, Limits, Settings } from '../contract.ts'

const minute = 60_000

/**
 * Starts with what the smallest plan allows (Team: 200 a minute) and learns the account's own figure from the first
 * answer. Help Center has its own budget of the same size (rate-limits page and usage_limits, read 2026-11-23).
 */
const buckets = {
  support: { limit: 200, windowMs: minute, scope: 'connection' },
  help_center: { limit: 200, windowMs: minute, scope: 'connection' },
  /** All incremental exports together: 10 a minute, 30 with the High Volume add-on. */
  export: { limit: 10, windowMs: minute, scope: 'connection' },
  /** Account-wide; the further limit of 30 updates per 10 minutes, user and ticket comes as a 429 with Retry-After. */
  ticket_update: { limit: 100, windowMs: minute, scope: 'connection' },
} as const satisfies Limits['buckets']

/** Endpoint group → the buckets it draws from. The first is the account-wide one, the last the most particular. */
const groups = {
  support: ['support'],
  export: ['support', 'export'],
  ticket_update: ['support', 'ticket_update'],
  help_center: ['help_center'],
} as const satisfies Limits['groups']

export type Group = keyof typeof groups

const isGroup = (name: string): name is Group => Object.hasOwn(groups, name)

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined
}

/** A bucket's lesson; undefined when the headers say nothing. Seconds become a moment. */
function lesson(
  bucket: string,
  limit: number | undefined,
  remaining: number | undefined,
  resetsInSeconds: number | undefined,
  now: Date,
): LimitLesson[] {
  if (limit === undefined && remaining === undefined) return []
  return [
    {
      bucket,
      ...(limit === undefined || limit < 1 ? {} : { limit }),
      ...(remaining === undefined ? {} : { remaining }),
      ...(resetsInSeconds === undefined ? {} : { resetAt: new Date(now.getTime() + resetsInSeconds * 1000) }),
    },
  ]
}

/** Reads `total=100; remaining=99; resets=41` (resets in seconds). */
function readEndpointHeader(value: string): { total?: number; remaining?: number; resets?: number } {
  const found: { total?: number; remaining?: number; resets?: number } = {}
  for (const part of value.split(';')) {
    const [name, text] = part.split('=', 2).map((piece) => piece.trim().toLowerCase())
    const number = wholeNumber(text)
    if (number !== undefined && (name === 'total' || name === 'remaining' || name === 'resets'))
      found[name] = number
  }
  return found
}

/**
 * Account-wide: `x-rate-limit`, `x-rate-limit-remaining`, and the Ticketing API's `ratelimit-limit`, `-remaining`,
 * `-reset`. Of an endpoint: `zendesk-ratelimit-<name>: total=…; remaining=…; resets=…`, which speaks of the endpoint just
 * called (source: "Best practices for avoiding rate limiting", developer.zendesk.com, read 2026-11-23).
 */
function learn(group: string, headers: Readonly<Record<string, string>>, now: Date): readonly LimitLesson[] {
  if (!isGroup(group)) return []
  const names: readonly string[] = groups[group]
  const [account = 'support'] = names
  const own = names.at(-1)
  const lessons = lesson(
    account,
    wholeNumber(headers['x-rate-limit'] ?? headers['ratelimit-limit']),
    wholeNumber(headers['x-rate-limit-remaining'] ?? headers['ratelimit-remaining']),
    wholeNumber(headers['ratelimit-reset']),
    now,
  )
  if (own === undefined || own === account) return lessons
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('zendesk-ratelimit-')) continue
    const { total, remaining, resets } = readEndpointHeader(value)
    lessons.push(...lesson(own, total, remaining, resets, now))
  }
  return lessons
}

/** Exports carry no header that tells their limit; the setup asks for it (10, or 30 with the High Volume add-on). */
function limitFor(bucket: string, settings: Settings): number | undefined {
  return bucket === 'export' ? wholeNumber(settings['exports_per_minute']) : undefined
}

export const limits = { buckets, groups, limitFor, learn } satisfies Limits
