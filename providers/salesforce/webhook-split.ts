/** What an outbound message says: up to 100 notifications, each with the fields of one record that were chosen in Salesforce. */
import type { HookEvent, HookRequest } from '../contract-webhook.ts'
import { momentOf, textIn, unreadable } from '../hooks/parse.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { resourceNames } from './webhook-resources.ts'
import { xmlOf, type XmlElement } from './xml.ts'

export const soapNamespace = 'http://schemas.xmlsoap.org/soap/envelope/'
export const outboundNamespace = 'http://soap.sforce.com/2005/09/outbound'
export const objectNamespace = 'urn:sobject.enterprise.soap.sforce.com'
export const instanceNamespace = 'http://www.w3.org/2001/XMLSchema-instance'

const childrenOf = (element: XmlElement, namespace: string, name: string): readonly XmlElement[] =>
  element.children.filter((child) => child.namespace === namespace && child.name === name)

/** The only child of this name. */
function onlyChild(element: XmlElement, namespace: string, name: string): XmlElement {
  const [child, another] = childrenOf(element, namespace, name)
  if (!child || another) throw unreadable(`it has not exactly one ${name}`)
  return child
}

/** `notifications` of a SOAP message. @throws HubError `Invalid`. */
export function notificationsOf(request: HookRequest): XmlElement {
  const root = xmlOf(request)
  if (root.name !== 'Envelope' || root.namespace !== soapNamespace)
    throw unreadable('it is not a SOAP envelope')
  return onlyChild(onlyChild(root, soapNamespace, 'Body'), outboundNamespace, 'notifications')
}

export const organizationIdOf = (notifications: XmlElement): string =>
  onlyChild(notifications, outboundNamespace, 'OrganizationId').text.trim()

export function split(request: HookRequest): HookEvent[] {
  const notifications = notificationsOf(request)
  // A SessionId, where one is sent, is a key to the organization: it goes no further.
  const about: JsonObject = {
    OrganizationId: organizationIdOf(notifications),
    ActionId: childrenOf(notifications, outboundNamespace, 'ActionId')[0]?.text ?? null,
  }
  const found = childrenOf(notifications, outboundNamespace, 'Notification')
  if (found.length === 0) throw unreadable('it has no Notification')
  const events = found.map((one) => eventOf(one, about))
  return [...new Map(events.map((event) => [event.key, event])).values()]
}

function eventOf(notification: XmlElement, about: JsonObject): HookEvent {
  const key = onlyChild(notification, outboundNamespace, 'Id').text.trim()
  if (key === '') throw unreadable('a Notification has no Id')
  const object = onlyChild(notification, outboundNamespace, 'sObject')
  const type = typeOf(object)
  const row: JsonObject = Object.fromEntries(object.children.map((field) => [field.name, valueOf(field)]))
  const externalId = textIn(row, 'Id')
  const changed = row['SystemModstamp'] ?? row['LastModifiedDate']
  const at = momentOf(changed)
  const base = {
    key,
    type,
    ...(at ? { occurredAt: at } : {}),
    payload: { ...about, NotificationId: key, type, object: row },
  }
  const resource = Object.hasOwn(resourceNames, type) ? resourceNames[type] : undefined
  if (resource === undefined || externalId === undefined) return { ...base, about: 'unknown' }
  if (row['IsDeleted'] === true) return { ...base, about: 'deleted', resource, externalId }
  // Messages overtake each other: a record without its time of change cannot be put in order, so it is named only.
  return { ...base, about: 'changed', resource, externalId, ...(at ? { row } : {}) }
}

/** `xsi:type="sf:Contact"`: Contact. */
function typeOf(object: XmlElement): string {
  for (const [name, value] of object.attributes) {
    const [prefix = '', local] = name.split(':')
    if (local !== 'type' || object.namespaceOf(prefix) !== instanceNamespace) continue
    return value.trim().split(':').at(-1) ?? ''
  }
  throw unreadable('an sObject does not say of what type it is')
}

const isNil = (field: XmlElement): boolean =>
  [...field.attributes].some(([name, value]) => {
    const [prefix = '', local] = name.split(':')
    return local === 'nil' && value === 'true' && field.namespaceOf(prefix) === instanceNamespace
  })

/** Standard fields that are numbers when they are read. */
const numbers = new Set([
  'AnnualRevenue',
  'NumberOfEmployees',
  'Amount',
  'ExpectedRevenue',
  'Probability',
  'TotalOpportunityQuantity',
  'DurationInMinutes',
  'CallDurationInSeconds',
])

/** XML knows texts only: standard fields become what a reading gives, custom ones stay as they were written. */
function valueOf(field: XmlElement): JsonValue {
  if (isNil(field)) return null
  if (field.children.length > 0)
    return Object.fromEntries(field.children.map((child) => [child.name, valueOf(child)]))
  const { name, text } = field
  if (/^(Is|Has|Do)[A-Z][A-Za-z]*$/.test(name) && (text === 'true' || text === 'false'))
    return text === 'true'
  if (numbers.has(name) && /^-?\d+(\.\d+)?(E-?\d+)?$/.test(text)) return Number(text)
  return text
}
