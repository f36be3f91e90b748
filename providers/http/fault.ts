/** Failed answers as the closed set of design §4. The provider's own reading goes first; then the status decides. */
import { HubError } from '../../platform/errors.ts'
import type { Provider, ProviderFault, ProviderResponse } from '../contract.ts'

const byStatus: Readonly<Record<number, ProviderFault['code']>> = {
  400: 'Invalid',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  408: 'Unavailable',
  409: 'Conflict',
  410: 'NotFound',
  412: 'Conflict',
  413: 'Invalid',
  422: 'Invalid',
  423: 'Conflict',
  425: 'Unavailable',
  429: 'RateLimited',
}

const sentences: Readonly<Record<ProviderFault['code'], string>> = {
  Unauthorized: 'refused the credential',
  Forbidden: 'does not allow this with the credential given',
  NotFound: 'has no such object',
  Invalid: 'refused the request',
  Conflict: 'has a newer version of the object',
  RateLimited: 'asks to be called less often',
  QuotaExhausted: 'says that a quota is used up',
  Unavailable: 'does not answer properly at the moment',
  Protocol: 'answered in a way that its documentation does not describe',
}

/** Retry-After in seconds or as an HTTP date (RFC 9110 §10.2.3); undefined when missing or unreadable. */
export function retryAfter(header: string | undefined, now: Date): Date | undefined {
  if (header === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(header.trim())) return new Date(now.getTime() + Number(header) * 1000)
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : new Date(Math.max(at, now.getTime()))
}

/** The failure that an answer other than 2xx means. */
export function faultOf(provider: Provider, response: ProviderResponse, now: Date): HubError {
  const own = provider.explainError(response)
  const code = own?.code ?? byStatus[response.status] ?? (response.status >= 500 ? 'Unavailable' : 'Protocol')
  const asked = own?.retryAt ?? retryAfter(response.headers['retry-after'], now)
  // A rate limit without a time: a minute is what most windows are.
  const retryAt = asked ?? (code === 'RateLimited' ? new Date(now.getTime() + 60_000) : undefined)
  return new HubError(
    code,
    own?.message ?? `${provider.name} ${sentences[code]} (status ${response.status}).`,
    {
      internal: `status ${response.status}${requestId(response)}`,
      ...(retryAt ? { retryAt } : {}),
      ...(own?.fields ? { fields: own.fields } : {}),
    },
  )
}

function requestId(response: ProviderResponse): string {
  const id = response.headers['x-request-id'] ?? response.headers['x-correlation-id']
  return id === undefined ? '' : `, request ${id.slice(0, 64)}`
}
