import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { ProviderFault, ProviderResponse } from '../contract.ts'
import { fieldsIn, textIn } from './answer.ts'

/** What FreshBooks says may name people: addresses are masked, the length is bounded. */
const publicText = (text: string): string =>
  text
    .replace(/[^\s@<>"']+@[^\s@<>"']+/g, '[email]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)

/** `{response: {errors: [{errno, field, message, object, value}]}}`; the value may be somebody's and is left out. */
const errorsIn = (body: JsonObject): JsonObject[] => {
  const { errors } = fieldsIn(body, 'response')
  return Array.isArray(errors) ? errors.filter(isJsonObject) : []
}

/** Numbers of the page on errors that say more than the status. */
const codes: Readonly<Record<number, ProviderFault['code']>> = {
  409: 'Conflict',
  1003: 'Forbidden',
  1011: 'NotFound',
  1012: 'NotFound',
  1042: 'Forbidden',
}

/** 429 and 5xx are left to the transport's table. */
export function explainError({ status, body }: ProviderResponse): ProviderFault | undefined {
  if (status === 401) return { code: 'Unauthorized', message: 'FreshBooks refused the access token.' }
  if (!isJsonObject(body) || status === 429 || status >= 500) return undefined
  const errors = errorsIn(body)
  const [first = {}] = errors
  const message = publicText(
    textIn(first, 'message') ??
      textIn(body, 'message') ??
      textIn(body, 'error_description') ??
      `FreshBooks answered ${String(status)}`,
  )
  const code = codes[Number(first['errno'])]
  if (code !== undefined) return { code, message }
  if (status === 403) return { code: 'Forbidden', message }
  if (status === 404) return { code: 'NotFound', message }
  if (status !== 400 && status !== 422) return undefined
  const fields = errors.flatMap((one) => {
    const field = textIn(one, 'field')
    return field === undefined
      ? []
      : [{ pointer: `/${field}`, detail: publicText(textIn(one, 'message') ?? 'is not valid') }]
  })
  return { code: 'Invalid', message, ...(fields.length > 0 ? { fields } : {}) }
}
