/** Answers as XML, which the accounting service gives whenever JSON is not asked for by `Accept`. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'

const escaped = (text: string): string => text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`)

const plain = (value: JsonValue | undefined): string => (typeof value === 'object' ? '' : String(value ?? ''))

/** Attributes of elements that JSON has as members. */
const attributes = [
  'type',
  'code',
  'element',
  'startPosition',
  'maxResults',
  'totalCount',
  'domain',
  'sparse',
  'status',
]

function element(name: string, value: JsonValue): string {
  if (Array.isArray(value)) return value.map((one) => element(name, one)).join('')
  if (!isJsonObject(value)) return `<${name}>${escaped(plain(value))}</${name}>`
  const entries = Object.entries(value)
  const isAttribute = ([key, one]: [string, JsonValue]) => attributes.includes(key) && typeof one !== 'object'
  const own = entries.filter(isAttribute).map(([key, one]) => ` ${key}="${escaped(plain(one))}"`)
  const inner = entries.filter((entry) => !isAttribute(entry)).map(([key, one]) => element(key, one))
  return `<${name}${own.join('')}>${inner.join('')}</${name}>`
}

/** The body of an answer in its envelope; the gateway's `fault` has the form of any other. */
export function xmlOf(body: JsonObject): string {
  const { time, fault, ...rest } = body
  const gateway = isJsonObject(fault) ? { Fault: capital(fault) } : rest
  const inner = Object.entries(gateway).map(([name, value]) => element(name, value))
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><IntuitResponse xmlns="http://schema.intuit.com/finance/v3" time="${escaped(plain(time))}">${inner.join('')}</IntuitResponse>`
}

function capital({ error, type = '' }: JsonObject): JsonObject {
  const errors = (Array.isArray(error) ? error : []).filter(isJsonObject)
  return {
    type,
    Error: errors.map(({ message = '', detail = '', code = '' }) => ({
      code,
      Message: message,
      Detail: detail,
    })),
  }
}
