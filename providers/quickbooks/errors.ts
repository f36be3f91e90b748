/** QuickBooks' faults as the closed set (codes: fact sheet §8 and README). */
import type { ProviderFault, ProviderResponse } from '../contract.ts'
import { isJsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => isJsonObject(value)
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** What QuickBooks says may name people: addresses are masked, the length is bounded. */
function publicText(text: string): string {
  return text
    .replace(/[^\s@<>"']+@[^\s@<>"']+/g, '[email]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)
}

interface Fault {
  readonly type: string
  readonly code: string
  readonly message: string
  readonly detail: string
  readonly elements: readonly { readonly pointer: string; readonly detail: string }[]
}

/**
 * `Fault.Error[]` of the accounting service, or `fault.error[]` of the gateway before it (authentication, throttling); both
 * as the SDKs read them (README). In a query also inside `QueryResponse`.
 */
function read(body: unknown): Fault | undefined {
  if (!isFields(body)) return undefined
  const inner =
    body['Fault'] ??
    body['fault'] ??
    (isFields(body['QueryResponse']) ? body['QueryResponse']['Fault'] : undefined)
  if (!isFields(inner)) return undefined
  const list = inner['Error'] ?? inner['error']
  const errors = (Array.isArray(list) ? list : []).filter(isFields)
  const [first] = errors
  const pick = (error: Fields | undefined, name: string) =>
    textOf(error?.[name]) ?? textOf(error?.[name.toLowerCase()]) ?? ''
  return {
    type: textOf(inner['type']) ?? '',
    code: pick(first, 'code').replace(/^0+(?=\d)/, ''),
    message: pick(first, 'Message'),
    detail: pick(first, 'Detail'),
    elements: errors.flatMap((error) => {
      const element = pick(error, 'element')
      const pointer = element === '' ? '' : `/${element.replaceAll('~', '~0').replaceAll('.', '/')}`
      const detail = publicText(pick(error, 'Detail') || pick(error, 'Message'))
      return pointer === '' ? [] : [{ pointer, detail }]
    }),
  }
}

type Code = ProviderFault['code']

/** By the fault's own code; anything else goes by its type. */
const byCode: Readonly<Record<string, Code>> = {
  '120': 'Unauthorized', // the token is of another company
  '610': 'NotFound', // object not found, or inactive
  '3001': 'RateLimited',
  '3100': 'Unauthorized', // the app is not connected to this company any more
  '3200': 'Unauthorized', // token expired, revoked or wrong
  '3202': 'Unauthorized',
  '5010': 'Conflict', // stale object: the SyncToken is not the newest
  '5020': 'Forbidden', // the user may not do this
  '5030': 'Forbidden', // the company's plan has no such feature
  '6190': 'Forbidden', // the subscription has ended
  '10000': 'Unavailable',
}

const byType: readonly [RegExp, Code][] = [
  [/authentication/i, 'Unauthorized'],
  [/authorization/i, 'Forbidden'],
  [/validation/i, 'Invalid'],
  [/system|service/i, 'Unavailable'],
]

const sentences: Partial<Record<Code, string>> = {
  Unauthorized: 'QuickBooks refused the access to this company. Connect it again.',
  Conflict: 'The object has changed in QuickBooks meanwhile.',
  RateLimited: 'QuickBooks asks to be called less often.',
}

/** The monthly calls of the app partner programme are used up (README: CorePlus). */
const quotaWords = /core\s?plus|quota|monthly|api call limit/i

/** The first moment of the next month (UTC): blocked until then. */
const nextMonth = (now: Date): Date => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1))

function codeOf(fault: Fault | undefined, status: number): Code | undefined {
  if (status === 401) return 'Unauthorized'
  if (status === 429) return 'RateLimited'
  if (!fault) return undefined
  const known = byCode[fault.code]
  if (known) return known
  if (/throttl/i.test(fault.message)) return 'RateLimited'
  if (status === 404) return 'NotFound'
  return byType.find(([pattern]) => pattern.test(fault.type))?.[1]
}

function explain(body: unknown, status: number, now: Date): ProviderFault | undefined {
  const fault = read(body)
  const code = codeOf(fault, status)
  if (!code) return undefined
  const said = publicText([fault?.message, fault?.detail].filter((part) => part).join(': '))
  if (code === 'RateLimited' && quotaWords.test(said))
    return {
      code: 'QuotaExhausted',
      message: "The month's QuickBooks calls of this app are used up.",
      retryAt: nextMonth(now),
    }
  const message = sentences[code] ?? (said === '' ? `QuickBooks answered ${String(status)}` : said)
  const fields = code === 'Invalid' ? (fault?.elements ?? []) : []
  return { code, message, ...(fields.length > 0 ? { fields } : {}) }
}

/**
 * A failed answer as the closed set; what carries no fault is left to the transport's table. `intuit_tid` is what
 * Intuit's support asks for: it is kept for the log.
 */
export function explainError(response: ProviderResponse): ProviderFault | undefined {
  const fault = explain(response.body, response.status, response.readAt)
  const requestId = response.headers['intuit_tid']
  return fault && requestId !== undefined ? { ...fault, requestId } : fault
}

/** The failure that an answer with status 200, or one item of a batch, carries; undefined when there is none. */
export function faultIn(body: unknown, now: Date): HubError | undefined {
  if (!read(body)) return undefined
  const fault = explain(body, 200, now) ?? {
    code: 'Invalid' as const,
    message: 'QuickBooks refused the request',
  }
  const wait = fault.code === 'RateLimited' ? new Date(now.getTime() + 60_000) : undefined
  const retryAt = fault.retryAt ?? wait
  return new HubError(fault.code, fault.message, {
    ...(retryAt ? { retryAt } : {}),
    ...(fault.fields ? { fields: fault.fields } : {}),
  })
}
