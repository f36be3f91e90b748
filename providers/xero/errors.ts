/** Xero's failures as the closed set (README, "Faults"). */
import type { ProviderFault, ProviderResponse } from '../contract.ts'
import { fieldsIn, isFields, listIn, textIn, type Fields } from './answer.ts'

/** What Xero says may name people: addresses are masked, the length is bounded. */
const publicText = (text: string): string =>
  text
    .replace(/[^\s@<>"']+@[^\s@<>"']+/g, '[email]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)

/** Which limit was reached is told by a header; only those of minute and day come with a time (README, "Limits"). */
function limitFault({ headers, readAt }: ProviderResponse): ProviderFault {
  const problem = headers['x-rate-limit-problem']?.toLowerCase() ?? ''
  const seconds = Number(headers['retry-after'] ?? NaN)
  if (problem.startsWith('day'))
    return {
      code: 'QuotaExhausted',
      message: "The day's Xero calls of this organisation are used up.",
      // Without a time the next hour is as good as any: the window ends when it began a day ago.
      retryAt: new Date(readAt.getTime() + (seconds > 0 ? seconds * 1000 : 3_600_000)),
    }
  return {
    code: 'RateLimited',
    message: 'Xero asks to be called less often.',
    // Too many calls at once: over as soon as one of them has ended.
    ...(problem.startsWith('concurrent') ? { retryAt: new Date(readAt.getTime() + 2_000) } : {}),
  }
}

/** `{Type, Title, Status, Detail, Instance, Extensions}`. */
function accessFault(status: number, body: Fields | undefined): ProviderFault {
  const detail = textIn(body, 'Detail') ?? ''
  // 403 of this name: the organisation is not connected to the app (any more); 401 of a missing scope has another.
  const isOutside = status === 403 && /AuthenticationUnsuccessful/i.test(detail)
  const isScope = status === 401 && /AuthorizationUnsuccessful|scope/i.test(detail)
  if ((status === 401 && !isScope) || isOutside)
    return {
      code: 'Unauthorized',
      message: 'Xero refused the access to this organisation. Connect it again.',
    }
  return {
    code: 'Forbidden',
    message: isScope
      ? 'The access to Xero lacks a scope. Connect the organisation again and grant it.'
      : `Xero does not allow this: ${publicText(detail) || 'status 403'}`,
  }
}

/** `{ErrorNumber, Type, Message, Elements: [{ValidationErrors: [{Message}]}]}`. */
function invalidFault(body: Fields): ProviderFault {
  const details = listIn(body, 'Elements').flatMap((element) =>
    listIn(element, 'ValidationErrors').flatMap((one) => textIn(one, 'Message') ?? []),
  )
  const said =
    details.length > 0 ? details.join(' ') : (textIn(body, 'Message') ?? textIn(body, 'Detail') ?? '')
  return { code: 'Invalid', message: publicText(said) || 'Xero refused the request.' }
}

/** A failed answer as the closed set; what carries no fault of Xero's is left to the transport's table. */
export function explainError(response: ProviderResponse): ProviderFault | undefined {
  const { status } = response
  const body = isFields(response.body) ? (fieldsIn(response.body, 'Response') ?? response.body) : undefined
  const correlation = response.headers['xero-correlation-id']
  const named = (fault: ProviderFault): ProviderFault =>
    correlation === undefined ? fault : { ...fault, requestId: correlation }
  if (status === 429) return named(limitFault(response))
  if (status === 401 || status === 403) return named(accessFault(status, body))
  if (status === 400 && body) return named(invalidFault(body))
  return undefined
}
