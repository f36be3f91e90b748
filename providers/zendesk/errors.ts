import type { ProviderFault, ProviderResponse } from '../contract.ts'
import { isFields, textIn, type Fields } from './answer.ts'

/** What Zendesk says may name people: addresses are masked, the length is bounded. */
function publicText(text: string): string {
  return text
    .replace(/[^\s@<>"']+@[^\s@<>"']+/g, '[email]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)
}

/**
 * The sentence in an error body. Zendesk has three forms: `{error, description, details}`, `{error: {title, message}}`
 * and `{errors: [{code, title}]}` (fact sheet §8; CSAT survey responses page; read 2026-11-23).
 */
function sentence(body: Fields): string | undefined {
  const { error, errors } = body
  if (isFields(error)) return textIn(error, 'message') ?? textIn(error, 'title')
  if (Array.isArray(errors)) {
    const first: unknown = errors[0]
    if (isFields(first)) return textIn(first, 'title') ?? textIn(first, 'detail') ?? textIn(first, 'code')
  }
  return textIn(body, 'description') ?? textIn(body, 'error') ?? textIn(body, 'message')
}

/**
 * `details: { field: [{ description, error }] }`, at Help Center also `errors: { field: ["sentence"] }`, as field errors;
 * pointers into the object that was sent.
 */
function fieldErrors(body: Fields): { pointer: string; detail: string }[] {
  const details = body['details'] ?? body['errors']
  if (!isFields(details)) return []
  const found: { pointer: string; detail: string }[] = []
  for (const [field, problems] of Object.entries(details)) {
    const pointer = field === 'base' ? '' : `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const list: unknown[] = Array.isArray(problems) ? problems : []
    for (const problem of list) {
      const detail = isFields(problem) ? textIn(problem, 'description') : problem
      if (typeof detail === 'string') found.push({ pointer, detail: publicText(detail) })
    }
  }
  return found
}

/** Zendesk refuses any change of a closed ticket with 422 and this sentence under `details.status`. */
const closedTicket = /closed prevents ticket update|ticket is closed/i

/**
 * Turns a failed answer into the closed set. 429 and 5xx are left to the transport's table, which reads Retry-After; so
 * is every answer without a JSON object (an HTML page of an unknown subdomain or of maintenance).
 */
export function explainError(response: ProviderResponse): ProviderFault | undefined {
  const { status, body } = response
  if (!isFields(body) || status === 429 || status >= 500) return undefined
  const said = sentence(body)
  const message = publicText(said ?? `Zendesk answered ${String(status)}`)
  const fields = fieldErrors(body)
  switch (status) {
    case 401:
      return { code: 'Unauthorized', message: 'Zendesk refused the email address or the API token' }
    case 403:
      return { code: 'Forbidden', message }
    case 404:
      return { code: 'NotFound', message }
    case 409:
      return { code: 'Conflict', message }
    case 400:
    case 422: {
      const closed = [message, ...fields.map((field) => field.detail)].some((text) => closedTicket.test(text))
      if (closed)
        return {
          code: 'Conflict',
          message: 'The ticket is closed; Zendesk lets nobody change a closed ticket',
        }
      return { code: 'Invalid', message, ...(fields.length > 0 ? { fields } : {}) }
    }
    default:
      return undefined
  }
}
