/**
 * Personal data, masked for people who help (role `support`): the shape stays, so that a mistake can still be seen; who it is about
 * does not. Of the common models it is known which fields are personal; of what a provider sent nothing is known, so there all text is
 * masked but ids, states and times.
 */
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'
import type { ModelName } from './records.ts'

const dots = '•••'
const email = /[^\s@<>"'(),:;]+@[^\s@<>"'(),:;]+\.[^\s@<>"'(),:;.]+/g
const longestShown = 60

const firstOf = (text: string): string => [...text][0] ?? ''

function maskEmail(address: string): string {
  const at = address.lastIndexOf('@')
  const domain = address.slice(at + 1)
  return `${firstOf(address)}${dots}@${firstOf(domain)}${dots}${domain.slice(domain.lastIndexOf('.'))}`
}

/** `j•••@e•••.com` for every e-mail address in a text; the rest stays. */
export const maskEmails = (text: string): string => text.replace(email, maskEmail)

/** A text of which nothing may be known but its shape. */
export function maskText(text: string): string {
  if (text === '') return text
  if ([...text].length > longestShown) return `${dots} (${[...text].length} characters)`
  if (/^\+?[\d\s().\-/]{6,}$/.test(text)) return `${dots} ${text.replace(/\D/g, '').slice(-2)}`
  if (text.includes('@')) return maskEmails(text).replace(/[^\s@]+@(?!\S*•)\S*/g, dots)
  return text.replace(/\S+/g, (word) => firstOf(word) + dots)
}

const party = [
  'name',
  'companyName',
  'givenName',
  'familyName',
  'email',
  'phone',
  'taxNumber',
  'notes',
] as const
const addresses = ['billingAddress', 'shippingAddress'] as const
const person = ['name', 'givenName', 'familyName', 'email', 'phone', 'companyName', 'jobTitle'] as const

/** Which fields of a model tell of somebody. Free text is among them: people write names into it. */
export const personalFields: { readonly [M in ModelName]: readonly string[] } = {
  account: ['name', 'domain', 'phone', 'city'],
  contact: person,
  lead: person,
  deal: ['name'],
  activity: ['subject', 'body'],
  pipeline: [],
  owner: ['name', 'email'],
  association: ['label'],
  campaign: ['subject'],
  customer: [...party, ...addresses],
  vendor: [...party, ...addresses],
  invoice: ['customerEmail', 'memo', 'url', 'lines'],
  payment: ['reference', 'memo'],
  deposit: ['memo'],
  ledgerAccount: ['name', 'fullName', 'number'],
  journalEntry: ['memo', 'lines'],
  item: [],
  expense: ['reference', 'memo', 'lines'],
  bill: ['memo', 'lines'],
  creditNote: ['memo', 'lines'],
  timeEntry: ['description'],
  taxRate: [],
  event: ['anonymousId', 'city', 'properties'],
  profile: ['email', 'name', 'givenName', 'familyName', 'phone', 'city', 'groups', 'properties'],
  segment: ['description'],
  membership: [],
  report: ['description'],
  experiment: ['hypothesis'],
  annotation: ['text'],
  ticket: ['subject', 'description', 'customFields', 'satisfaction', 'tags'],
  message: ['body', 'bodyHtml', 'attachments'],
  user: ['name', 'email', 'phone', 'tags'],
  organization: ['name', 'domains', 'details', 'notes', 'tags'],
  satisfaction: ['comment', 'reason'],
  section: ['description'],
  article: ['bodyHtml'],
}

/** A mapped record, or the part of one that was to be written. What a connection's mapping adds is masked as the provider's. */
export function maskRecord(model: string, fields: JsonObject): JsonObject {
  const personal: readonly string[] | undefined = Object.hasOwn(personalFields, model)
    ? personalFields[model as ModelName]
    : undefined
  if (!personal) return maskObject(fields)
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      personal.includes(name) || name === 'custom' ? maskForeign(value, 'value') : told(value),
    ]),
  )
}

const told = (value: JsonValue): JsonValue => {
  if (typeof value === 'string') return maskEmails(value)
  if (Array.isArray(value)) return value.map(told)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [maskEmails(key), told(one)]))
}

const plainKey =
  /^(id|ids|uuid|type|kind|status|state|stage|priority|currency|locale|object|model|resource|event|operation|version|etag)$|[a-z](Id|Ids|Type|Status|At|On)$|_(id|ids|type|status|at|on)$/
const moment = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/
const numbersOfPeople = /phone|mobile|fax|whatsapp/i

/** What a provider sent or was sent. @param key what it is the value of. */
export function maskForeign(value: JsonValue, key = ''): JsonValue {
  if (typeof value === 'string') {
    if (moment.test(value)) return value
    return plainKey.test(key) ? maskEmails(value) : maskText(value)
  }
  if (typeof value === 'number') return numbersOfPeople.test(key) ? 0 : value
  if (Array.isArray(value)) return value.map((one) => maskForeign(one, key))
  return isJsonObject(value) ? maskObject(value) : value
}

const maskObject = (value: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(value).map(([key, one]) => [maskEmails(key), maskForeign(one, key)]))

/** Text that may be JSON: an excerpt of a body. */
export function maskBody(text: string): string {
  try {
    return JSON.stringify(maskForeign(JSON.parse(text) as JsonValue))
  } catch {
    return maskText(text)
  }
}
