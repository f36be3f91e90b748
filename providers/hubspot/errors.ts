/** HubSpot's error bodies as the closed set (error handling page, developers.hubspot.com; OpenAPI `Error`; read 2026-11-23). */
import type { ProviderFault, ProviderResponse, Settings } from '../contract.ts'
import { fieldsIn, isFields, objectsIn, textIn, type Fields } from './answer.ts'
import { nextMidnight } from './times.ts'

/** What HubSpot says may name people: addresses are masked, the length is bounded. */
export function publicText(text: string): string {
  return text
    .replace(/[^\s@<>"']+@[^\s@<>"']+/g, '[email]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)
}

/** `category` → code. A category that is not here leaves the word to the status. */
const byCategory: Readonly<Record<string, ProviderFault['code']>> = {
  VALIDATION_ERROR: 'Invalid',
  INVALID_PARAMETER: 'Invalid',
  PROPERTY_DOESNT_EXIST: 'Invalid',
  OBJECT_NOT_FOUND: 'NotFound',
  NOT_FOUND: 'NotFound',
  RESOURCE_NOT_FOUND: 'NotFound',
  CONFLICT: 'Conflict',
  OBJECT_ALREADY_EXISTS: 'Conflict',
  MISSING_SCOPES: 'Forbidden',
  USER_DOES_NOT_HAVE_PERMISSIONS: 'Forbidden',
  BANNED: 'Forbidden',
  INVALID_AUTHENTICATION: 'Unauthorized',
  EXPIRED_AUTHENTICATION: 'Unauthorized',
  UNAUTHORIZED: 'Unauthorized',
  REVOKED_AUTHENTICATION: 'Unauthorized',
}

const byStatus: Readonly<Record<number, ProviderFault['code']>> = {
  400: 'Invalid',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'Protocol',
  409: 'Conflict',
  414: 'Invalid',
  415: 'Protocol',
  // The object is being worked on (a merge, an import): a moment later it is free.
  423: 'Unavailable',
  // The account moves to another data centre: Retry-After, up to a day.
  477: 'Unavailable',
}

/** The scopes of which HubSpot wants one, as its answer names them. */
export function wantedScopes(body: Fields): string[] {
  const contexts = [
    fieldsIn(body, 'context'),
    ...objectsIn(body, 'errors').map((one) => fieldsIn(one, 'context')),
  ]
  const named = contexts.flatMap((context) =>
    ['requiredGranularScopes', 'requiredScopes', 'missingScopes'].flatMap((key) => {
      const list = context[key]
      return Array.isArray(list) ? list.filter((scope) => typeof scope === 'string') : []
    }),
  )
  return [...new Set(named)]
}

function forbidden(body: Fields, message: string): ProviderFault {
  const scopes = wantedScopes(body).slice(0, 8)
  return {
    code: 'Forbidden',
    message:
      scopes.length === 0
        ? message
        : `HubSpot wants one of the scopes ${scopes.join(', ')}: grant it and connect again`,
  }
}

/** Errors of single fields; pointers into the object that was sent. */
function fieldErrors(body: Fields): { pointer: string; detail: string }[] {
  return objectsIn(body, 'errors').flatMap((error) => {
    const detail = textIn(error, 'message')
    const names = fieldsIn(error, 'context')['propertyName']
    const name: unknown = (Array.isArray(names) ? names[0] : undefined) ?? error['name'] ?? error['in']
    if (detail === undefined || typeof name !== 'string') return []
    const pointer = `/properties/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    return [{ pointer, detail: publicText(detail) }]
  })
}

/** 429: a daily limit ends at midnight in the account's zone; a rolling one in seconds. */
function overLimit(response: ProviderResponse, body: Fields, settings: Settings): ProviderFault | undefined {
  if (textIn(body, 'policyName') === 'DAILY' || textIn(body, 'errorType') === 'DAILY')
    return {
      code: 'QuotaExhausted',
      message: 'The calls that the HubSpot account may make in a day are used up until its midnight',
      retryAt: nextMidnight(response.readAt, settings['time_zone']),
    }
  if (response.headers['retry-after'] !== undefined) return undefined
  const policy = textIn(body, 'policyName') ?? ''
  const waitMs = policy === 'TEN_SECONDLY_ROLLING' ? 10_000 : 1_000
  return {
    code: 'RateLimited',
    message: 'HubSpot asks to be called less often',
    retryAt: new Date(response.readAt.getTime() + waitMs),
  }
}

/** What an error body says; also of one error among the results of a batch. */
export function faultIn(status: number, body: Fields): ProviderFault | undefined {
  const code = byCategory[textIn(body, 'category') ?? ''] ?? byStatus[status]
  if (code === undefined) return undefined
  const message = publicText(textIn(body, 'message') ?? `HubSpot answered ${String(status)}`)
  if (code === 'Unauthorized')
    return { code, message: 'HubSpot refused the access token: it has expired or was revoked' }
  if (code === 'Forbidden') return forbidden(body, message)
  const fields = fieldErrors(body)
  return { code, message, ...(fields.length > 0 ? { fields } : {}) }
}

/**
 * Turns a failed answer into the closed set. 5xx, and 423 and 477 with their Retry-After, keep what the transport makes
 * of them; so does every answer without a JSON object.
 */
export function explainError(response: ProviderResponse, settings: Settings = {}): ProviderFault | undefined {
  const { status, body } = response
  if (status === 423 || status === 477)
    return {
      code: 'Unavailable',
      message:
        status === 423
          ? 'HubSpot has locked the object for a moment'
          : 'HubSpot is moving the account to another data centre',
      ...retryAfterOf(response),
    }
  if (!isFields(body) || status >= 500) return undefined
  const fault = status === 429 ? overLimit(response, body, settings) : faultIn(status, body)
  const requestId = textIn(body, 'correlationId')
  return fault && requestId !== undefined ? { ...fault, requestId } : fault
}

/** Seconds; without the header 423 is asked again after two seconds, a migration after a minute. */
function retryAfterOf({ status, headers, readAt }: ProviderResponse): { readonly retryAt: Date } {
  const said = Number(headers['retry-after'] ?? Number.NaN)
  const seconds = Number.isFinite(said) && said >= 0 ? said : status === 423 ? 2 : 60
  return { retryAt: new Date(readAt.getTime() + seconds * 1000) }
}
