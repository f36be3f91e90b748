import { isJsonObject } from '../../model/json.ts'
import type { ProviderFault, ProviderResponse } from '../contract.ts'
import { fieldsIn, textIn } from './answer.ts'

const hour = 3_600_000

/** What Zoho says may name people: addresses are masked, the length is bounded. */
const publicText = (text: string): string =>
  text
    .replace(/[^\s@<>"']+@[^\s@<>"']+/g, '[email]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)

const codes: Readonly<Record<string, ProviderFault['code']>> = {
  INVALID_TOKEN: 'Unauthorized',
  AUTHENTICATION_FAILURE: 'Unauthorized',
  OAUTH_SCOPE_MISMATCH: 'Forbidden',
  NO_PERMISSION: 'Forbidden',
  AUTHORIZATION_FAILED: 'Forbidden',
  INVALID_MODULE: 'Forbidden',
  INVALID_DATA: 'Invalid',
  MANDATORY_NOT_FOUND: 'Invalid',
  REQUIRED_PARAM_MISSING: 'Invalid',
  DUPLICATE_DATA: 'Conflict',
  ALREADY_MODIFIED: 'Conflict',
}

const statuses: Readonly<Record<number, ProviderFault['code']>> = {
  400: 'Invalid',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  412: 'Conflict',
}

/** `{code, message, details, status: "error"}`. 429 without more is a matter of pace; the credits of a day come back bit by bit. */
export function explainError({ status, body, readAt }: ProviderResponse): ProviderFault | undefined {
  if (!isJsonObject(body) || status >= 500) return undefined
  const code = textIn(body, 'code') ?? ''
  const message = publicText(textIn(body, 'message') ?? `Zoho answered ${String(status)}`)
  if (code === 'LIMIT_EXCEEDED' && status === 429)
    return {
      code: 'QuotaExhausted',
      message: 'The organization has used up its API credits of the day.',
      retryAt: new Date(readAt.getTime() + hour),
    }
  if (status === 429) return undefined
  const found = (Object.hasOwn(codes, code) ? codes[code] : undefined) ?? statuses[status]
  if (!found) return undefined
  const details = fieldsIn(body, 'details')
  const field = textIn(details, 'api_name') ?? textIn(details, 'param_name')
  return {
    code: found,
    message,
    ...(found === 'Invalid' && field !== undefined
      ? { fields: [{ pointer: `/${field}`, detail: message }] }
      : {}),
  }
}
