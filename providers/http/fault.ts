/** Failed answers as the closed set of design §4. The provider's own reading goes first; then the status decides. */
import { HubError } from '../../platform/errors.ts'
import type { Provider, ProviderFault, ProviderRequest, ProviderResponse, Settings } from '../contract.ts'
import { unknownOutcome } from './retry.ts'

const byStatus: Readonly<Record<number, ProviderFault['code']>> = {
  400: 'Invalid',
  401: 'Unauthorized',
  402: 'Forbidden',
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

/** No wait is longer: to ask once a day costs nothing, and a wrong date must not end a connection for years. */
const longestWaitMs = 24 * 3_600_000

/**
 * Retry-After in seconds or as an HTTP date (RFC 9110 §10.2.3), at least now and at most a day later; undefined when
 * missing or unreadable.
 */
export function retryAfter(header: string | undefined, now: Date): Date | undefined {
  if (header === undefined) return undefined
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) : undefined
  const at = seconds === undefined ? Date.parse(header) : now.getTime() + seconds * 1000
  return Number.isNaN(at) ? undefined : within(at, now)
}

const within = (at: number, now: Date): Date =>
  new Date(Math.min(Math.max(at, now.getTime()), now.getTime() + longestWaitMs))

/** The failure that an answer other than 2xx means. */
export function faultOf(
  provider: Provider,
  settings: Settings,
  request: ProviderRequest,
  response: ProviderResponse,
  now: Date,
): HubError {
  const own = provider.explainError(response, settings)
  const code = own?.code ?? codeOf(response.status)
  const asked = own?.retryAt
    ? within(own.retryAt.getTime(), now)
    : retryAfter(response.headers['retry-after'], now)
  // A rate limit without a time: a minute is what most windows are.
  const retryAt = asked ?? (code === 'RateLimited' ? new Date(now.getTime() + 60_000) : undefined)
  const said =
    own?.message ?? `${provider.name} ${sentenceOf(code, response.status)} (status ${response.status}).`
  return new HubError(code, code === 'Unavailable' ? said + unknownOutcome(request) : withFields(said, own), {
    internal: `${request.method} ${request.path}: status ${response.status}${requestId(response, own?.requestId)}`,
    ...(retryAt ? { retryAt } : {}),
    ...(own?.fields ? { fields: own.fields } : {}),
  })
}

/** A write and a run keep the sentence alone: it is to say what is wrong with which field, too. */
function withFields(said: string, own: ProviderFault | undefined): string {
  if (own?.code !== 'Invalid') return said
  const missing = (own.fields ?? []).filter(({ detail }) => !said.includes(detail)).slice(0, 5)
  if (missing.length === 0) return said
  return `${said.replace(/[.:]$/, '')}: ${missing.map(fieldText).join('; ')}`
}

function fieldText({ pointer, detail }: NonNullable<ProviderFault['fields']>[number]): string {
  const name = (pointer.split('/').at(-1) ?? '').replaceAll('_', ' ')
  return detail.toLowerCase().startsWith(name.toLowerCase()) ? detail : `${name} ${detail}`
}

const codeOf = (status: number): ProviderFault['code'] =>
  byStatus[status] ?? (status >= 500 ? 'Unavailable' : 'Protocol')

const sentenceOf = (code: ProviderFault['code'], status: number): string =>
  status >= 300 && status < 400 ? 'sent the call elsewhere, which is not followed' : sentences[code]

function requestId({ headers }: ProviderResponse, own: string | undefined): string {
  const id = own ?? headers['x-request-id'] ?? headers['x-correlation-id']
  return id === undefined ? '' : `, request ${id.slice(0, 64)}`
}
