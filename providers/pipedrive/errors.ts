import type { ProviderFault, ProviderResponse } from '../contract.ts'
import { isFields, textIn } from './answer.ts'

const minute = 60_000

/** What Pipedrive says may name people: addresses are masked, the length is bounded. */
const publicText = (text: string): string =>
  text
    .replace(/[^\s@<>"']+@[^\s@<>"']+/g, '[email]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)

const codes: Readonly<Record<number, ProviderFault['code']>> = {
  400: 'Invalid',
  // The account is closed or not paid for.
  402: 'Forbidden',
  403: 'Forbidden',
  404: 'NotFound',
  410: 'NotFound',
  // "Feature is not enabled".
  415: 'Forbidden',
  422: 'Invalid',
}

/**
 * Two limits answer 429. While calls are left in the 2 seconds it is the day's budget, which is filled at a midnight that no
 * answer tells: it is asked for every hour.
 */
function over({ headers, readAt }: ProviderResponse): ProviderFault | undefined {
  if (!(Number(headers['x-ratelimit-remaining'] ?? 0) > 0)) return undefined
  return {
    code: 'QuotaExhausted',
    message: 'The company has used up its API tokens of the day.',
    retryAt: new Date(readAt.getTime() + 60 * minute),
  }
}

/** `{success: false, error, error_info}`; a 403 of Cloudflare is a page of HTML, and means too many calls after 429s. */
export function explainError(response: ProviderResponse): ProviderFault | undefined {
  const { status, body, readAt } = response
  if (status === 429) return over(response)
  if (status === 403 && !isFields(body)) {
    const retryAt = new Date(readAt.getTime() + 10 * minute)
    return { code: 'RateLimited', message: 'Pipedrive turns calls away after too many of them.', retryAt }
  }
  if (!isFields(body)) return undefined
  if (status === 401) return { code: 'Unauthorized', message: 'Pipedrive refused the credential.' }
  const code = codes[status]
  if (code === undefined) return undefined
  const said = textIn(body, 'error') ?? textIn(body, 'message') ?? `Pipedrive answered ${String(status)}`
  return { code, message: publicText(said) }
}
