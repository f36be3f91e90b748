/**
 * What an answer tells of limits: `RateLimit-Policy` and `RateLimit`, lists of structured fields (RFC 9651) as
 * draft-ietf-httpapi-ratelimit-headers-11 has them. A string names the limit; `q` calls in `w` seconds; `r` calls are left
 * for the next `t` seconds.
 */

/** The quota of calls in these fields. Its months differ in length: it has no `w`. */
export const quotaName = 'calls-month'

export function policyField(
  limits: readonly { readonly name: string; readonly limit: number; readonly windowSeconds: number }[],
  callsOfMonth: number | null,
): string {
  const items = limits.map(({ name, limit, windowSeconds }) => `"${name}";q=${limit};w=${windowSeconds}`)
  if (callsOfMonth !== null) items.push(`"${quotaName}";q=${callsOfMonth}`)
  return items.join(', ')
}

export interface LimitLeft {
  readonly name: string
  readonly remaining: number
  readonly seconds: number
}

export const limitField = (left: readonly LimitLeft[]): string =>
  left.map(({ name, remaining, seconds }) => `"${name}";r=${remaining};t=${seconds}`).join(', ')
