import type { ProviderFault, ProviderResponse } from '../contract.ts'
import { isFields, textIn, type Fields } from './answer.ts'

/** What Freshdesk says may name people: addresses are masked, the length is bounded. */
const publicText = (text: string): string =>
  text
    .replace(/[^\s@<>"']+@[^\s@<>"']+/g, '[email]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)

/** `errors: [{field, message, code}]`; pointers into the object that was sent. */
function fieldErrors({ errors }: Fields): { pointer: string; detail: string }[] {
  if (!Array.isArray(errors)) return []
  return errors.filter(isFields).map((one) => {
    const field = textIn(one, 'field') ?? ''
    const pointer =
      field === '' ? '' : `/${field.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('.', '/')}`
    return { pointer, detail: publicText(textIn(one, 'message') ?? textIn(one, 'code') ?? 'is not valid') }
  })
}

/** `{code, message}`, or `{description, errors}` of a validation. 429 and 5xx are left to the transport, which reads Retry-After. */
export function explainError({ status, body }: ProviderResponse): ProviderFault | undefined {
  if (status === 401) return { code: 'Unauthorized', message: 'Freshdesk refused the API key.' }
  if (!isFields(body) || status === 429 || status >= 500) return undefined
  const message = publicText(
    textIn(body, 'description') ?? textIn(body, 'message') ?? `Freshdesk answered ${String(status)}`,
  )
  const fields = fieldErrors(body)
  const told = { message, ...(fields.length > 0 ? { fields } : {}) }
  if (status === 403) return { code: 'Forbidden', message }
  if (status === 404) return { code: 'NotFound', message }
  if (status === 409) return { code: 'Conflict', ...told }
  return status === 400 || status === 422 ? { code: 'Invalid', ...told } : undefined
}
