import type { ProviderFault, ProviderResponse } from '../contract.ts'
import { isFields, textIn, type Fields } from './answer.ts'

/** What Mixpanel says may name people: addresses are masked, the length is bounded. */
export function publicText(text: string): string {
  return text
    .replace(/[^\s@<>"']+@[^\s@<>"']+/g, '[email]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)
}

/** `{error}` with text, or an object with a message (Experiments API); some refusals are plain text (export). */
function sentence(body: unknown): string | undefined {
  if (typeof body === 'string') return /^\s*</.test(body) ? undefined : body
  if (!isFields(body)) return undefined
  const { error } = body
  if (isFields(error)) return textIn(error, 'message') ?? textIn(error, 'error')
  return textIn(body, 'error') ?? textIn(body, 'message')
}

/**
 * The two counters of a refused query: "1/5 queries running concurrently and 61/60 queries running in the last hour"
 * (recorded in airbytehq/airbyte#9410).
 */
const counters =
  /(\d+)\/(\d+) queries running concurrently and (\d+)\/(\d+) queries running in the last hour/i

/**
 * When to come again. The hour slides: at an even pace a place comes free each minute; a place among the concurrent ones
 * within seconds.
 */
function retryAfterRefusal(said: string, response: ProviderResponse): Date | undefined {
  const found = counters.exec(said)
  if (!found) return undefined
  const [running = 0, mayRun = 0, used = 0, mayUse = 0] = found.slice(1).map(Number)
  if (used >= mayUse) {
    const perPlace = 3_600_000 / Math.max(1, mayUse)
    const waitMs = Math.min(3_600_000, (used - mayUse + 1) * perPlace)
    return new Date(response.readAt.getTime() + waitMs)
  }
  return running >= mayRun ? new Date(response.readAt.getTime() + 10_000) : undefined
}

function limitFault(said: string, response: ProviderResponse): ProviderFault | undefined {
  // Whoever names a time itself is believed.
  const retryAt =
    response.headers['retry-after'] === undefined ? retryAfterRefusal(said, response) : undefined
  if (retryAt === undefined) return undefined
  const isHour = retryAt.getTime() - response.readAt.getTime() > 10_000
  return {
    code: isHour ? 'QuotaExhausted' : 'RateLimited',
    message: isHour
      ? 'The queries that Mixpanel allows this project in an hour are used up'
      : 'More queries run at Mixpanel at the same time than it allows this project',
    retryAt,
  }
}

const dateAhead = /to_date cannot be later than today/i
const staleSession = /request for page in uncached query/i

/** Pointer of the field error by which `engage.ts` knows that a session of pages is over. */
export const sessionPointer = '/session_id'
/** Pointer of the field error by which `events.ts` knows that the project's day is behind ours. */
export const toDatePointer = '/to_date'

function refusedRequest(message: string): ProviderFault {
  // The export refuses a credential with 400 and plain text (recorded in NangoHQ/integration-templates).
  if (/unable to authenticate request/i.test(message))
    return { code: 'Unauthorized', message: 'Mixpanel refused the service account' }
  const pointer = dateAhead.test(message)
    ? toDatePointer
    : staleSession.test(message)
      ? sessionPointer
      : undefined
  return {
    code: 'Invalid',
    message,
    ...(pointer === undefined ? {} : { fields: [{ pointer, detail: message }] }),
  }
}

/** Records of a strict import that were refused: `failed_records` with index, field and message. */
export function failedRecords(body: Fields): readonly Fields[] {
  const failed = body['failed_records']
  return Array.isArray(failed) ? failed.filter(isFields) : []
}

/**
 * Turns a failed answer into the closed set (fact sheet §8). 5xx and a 429 without counters are left to the transport's
 * table, which reads Retry-After.
 */
export function explainError(response: ProviderResponse): ProviderFault | undefined {
  const { status, body } = response
  if (status >= 500) return undefined
  const said = sentence(body)
  const message = publicText(said ?? `Mixpanel answered ${String(status)}`)
  switch (status) {
    case 400:
      return said === undefined ? undefined : refusedRequest(message)
    case 401:
      return { code: 'Unauthorized', message: 'Mixpanel refused the service account’s username or secret' }
    case 402:
      return { code: 'Forbidden', message: 'The Mixpanel plan of this project does not include this' }
    case 403:
      return { code: 'Forbidden', message }
    case 404:
      return { code: 'NotFound', message }
    case 413:
      return { code: 'Invalid', message: 'More was sent at once than Mixpanel takes' }
    case 429:
      return limitFault(said ?? '', response)
    default:
      return undefined
  }
}
