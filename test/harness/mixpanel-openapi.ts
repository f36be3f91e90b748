/**
 * Mixpanel's own OpenAPI files as a judge of what is asked and answered. Stricter than `provider-openapi.ts`: the files name hosts,
 * parameters and bodies, and several of them describe the same path (`/engage#profile-set`), so an exchange must fit one of those.
 * Objects whose fields are named may have no others.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'yaml'

type Node = { readonly [key: string]: unknown }

export interface Exchange {
  readonly method: string
  /** `https://data-eu.mixpanel.com` */
  readonly origin: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  /** As it was sent, unzipped. */
  readonly sent: string
  readonly status: number
  readonly answerType: string
  readonly answer: string
}

export interface Judge {
  /** What is wrong with an exchange; undefined where no file has its path. */
  problemsOf(exchange: Exchange): string[] | undefined
}

interface Operation {
  readonly method: string
  readonly hosts: readonly string[]
  readonly pattern: RegExp
  readonly parameters: readonly Node[]
  readonly body: Node
  readonly responses: Node
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const nodeOf = (value: unknown): Node => (isNode(value) ? value : {})
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Undefined when `../shared/specs/mixpanel` is not there, as in a clone without it. */
export function loadMixpanelOpenapi(): Judge | undefined {
  const folder = path.resolve(import.meta.dirname, '../../../shared/specs/mixpanel')
  const operations = namesIn(folder).flatMap((name) =>
    operationsOf(nodeOf(parse(readFileSync(path.join(folder, name), 'utf8')))),
  )
  if (operations.length === 0) return undefined
  const of = (exchange: Exchange) => operations.filter((operation) => isOf(operation, exchange))
  return {
    problemsOf: (exchange) => {
      const same = of(exchange)
      if (same.length === 0) return undefined
      // "#profile-set" and its like only cut the page of one path in pieces: what one lists, all take.
      const parameters = same.flatMap((one) => one.parameters)
      const required = (one: Node) =>
        same.every((each) => each.parameters.some((two) => isRequired(two, one)))
      const listed = parameters.map((one) => ({ ...one, required: required(one) }))
      const found = same.map((one) => ({ ...one, parameters: listed })).filter((one) => !isText(one.body))
      return partsOf(exchange, found.length).flatMap((part) =>
        best(found, (one) => [...requestProblems(one, part), ...responseProblems(one, part)]),
      )
    },
  }
}

const isRequired = (one: Node, other: Node): boolean =>
  one['name'] === other['name'] && one['in'] === other['in'] && one['required'] === true

/** The description of a batch has its JSON as one text; the others describe what stands in it. */
const isText = (body: Node): boolean =>
  nodeOf(nodeOf(nodeOf(body['content'])['application/json'])['schema'])['format'] === 'blob'

/** Updates of several kinds go in one request; its file has a description for each kind. */
function partsOf(exchange: Exchange, descriptions: number): Exchange[] {
  const isList = exchange.sent.startsWith('[') && descriptions > 1
  const items = isList ? listOf(JSON.parse(exchange.sent)) : []
  return items.length > 0 ? items.map((item) => ({ ...exchange, sent: JSON.stringify([item]) })) : [exchange]
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.yaml'))
  } catch {
    return []
  }
}

/** What the operation that fits best says against it. */
const best = (candidates: readonly Operation[], judge: (operation: Operation) => string[]): string[] =>
  candidates.map(judge).sort((one, other) => one.length - other.length)[0] ?? []

// ---------------------------------------------------------------------------------------------- the files

function operationsOf(file: Node): Operation[] {
  const servers = listOf(file['servers']).flatMap((server) => urlsOf(nodeOf(server)))
  return Object.entries(nodeOf(file['paths'])).flatMap(([template, item]) =>
    Object.entries(nodeOf(item))
      .filter(([method]) => ['get', 'post', 'put', 'patch', 'delete'].includes(method))
      .map(([method, found]) => {
        const operation = nodeOf(found)
        const named = [...listOf(nodeOf(item)['parameters']), ...listOf(operation['parameters'])]
        const prefix = servers[0]?.pathname.replace(/\/$/, '') ?? ''
        const route = (prefix + template.replace(/#.*$/, '')).replace(/\{[^}]+\}/g, '[^/]+')
        return {
          method: method.toUpperCase(),
          hosts: servers.map(({ host }) => host),
          pattern: new RegExp(`^${route}$`),
          parameters: named.map((one) => nodeOf(resolve(one, file))),
          body: nodeOf(resolve(operation['requestBody'], file)),
          responses: nodeOf(resolve(operation['responses'], file)),
        }
      }),
  )
}

/** The address with each value that its variable may have. */
function urlsOf(server: Node): URL[] {
  const url = textOf(server['url'])
  const [[name, variable] = ['', {}]] = Object.entries(nodeOf(server['variables']))
  const values = listOf(nodeOf(variable)['enum']).map(textOf)
  return (values.length > 0 ? values : ['']).map((value) => new URL(url.replace(`{${name}}`, value)))
}

/** Everything that is referred to, in its place: these files refer to nothing that refers to itself. */
function resolve(value: unknown, file: Node): unknown {
  if (Array.isArray(value)) return value.map((one) => resolve(one, file))
  if (!isNode(value)) return value
  const reference = value['$ref']
  if (typeof reference === 'string')
    return resolve(
      reference
        .replace('#/', '')
        .split('/')
        .reduce<unknown>((at, key) => nodeOf(at)[key], file),
      file,
    )
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolve(one, file)]))
}

const isOf = ({ method, hosts, pattern }: Operation, exchange: Exchange): boolean =>
  method === exchange.method && hosts.includes(new URL(exchange.origin).host) && pattern.test(exchange.path)

// --------------------------------------------------------------------------------------------- the request

const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true, logger: false }))
const lenient = addFormats.default(
  new Ajv2020({ strict: false, allErrors: true, logger: false, coerceTypes: true }),
)

function requestProblems(operation: Operation, exchange: Exchange): string[] {
  const query = operation.parameters.filter((one) => one['in'] === 'query')
  const known = new Map<string, Node>(query.map((one) => [textOf(one['name']), one]))
  const problems = query
    .filter((one) => one['required'] === true && !(textOf(one['name']) in exchange.query))
    .map((one) => `query ${textOf(one['name'])} is missing`)
  for (const [name, value] of Object.entries(exchange.query)) {
    const parameter = known.get(name)
    if (!parameter) problems.push(`query ${name} is not known`)
    else problems.push(...check(lenient, nodeOf(parameter['schema']), value, `query ${name}`))
  }
  for (const one of operation.parameters.filter((each) => each['in'] === 'header')) {
    const value = exchange.headers[textOf(one['name']).toLowerCase()]
    // What the answer may be zipped with is the caller's to list.
    if (value !== undefined && one['name'] !== 'Accept-Encoding')
      problems.push(...check(lenient, nodeOf(one['schema']), value, `header ${textOf(one['name'])}`))
  }
  return [...new Set(problems), ...bodyProblems(operation, exchange)]
}

function bodyProblems({ body }: Operation, { headers, sent }: Exchange): string[] {
  if (sent === '') return body['required'] === true ? ['body is missing'] : []
  const type = headers['content-type'] ?? ''
  const content = nodeOf(nodeOf(body['content'])[type])
  if (!isNode(content['schema'])) return [`body of ${type || 'no type'} is not known`]
  const { schema } = content
  if (!type.includes('urlencoded')) return check(ajv, schema, JSON.parse(sent), 'body')
  const fields = nodeOf(nodeOf(schema)['properties'])
  const form = [...new URLSearchParams(sent)].map(([name, value]): [string, unknown] => [
    name,
    // "A JSON array of names": the text tells what the type does not.
    nodeOf(fields[name])['type'] === 'array' ? JSON.parse(value) : value,
  ])
  return check(lenient, { type: 'object', ...schema }, Object.fromEntries(form), 'form')
}

// ---------------------------------------------------------------------------------------------- the answer

function responseProblems({ responses }: Operation, exchange: Exchange): string[] {
  const { status, answer, answerType } = exchange
  const content = nodeOf(nodeOf(responses[String(status)])['content'])
  if (!isNode(responses[String(status)])) return [`status ${status} is not known`]
  // `verbose`: told in the words of the parameter, not in a schema.
  if (exchange.query['verbose'] === '1' && 'text/plain' in content)
    return check(ajv, verbose, JSON.parse(answer), 'answer')
  const plain = nodeOf(content['text/plain'])
  if (isNode(plain['schema']))
    return answerType.startsWith('text/plain') ? [] : [`answer of ${answerType}, not text/plain`]
  const { schema } = nodeOf(content['application/json'])
  if (!isNode(schema)) return []
  const whole = isNode(schema['properties']) && !('required' in schema) && status < 300
  return check(
    ajv,
    { ...schema, ...(whole ? { required: Object.keys(nodeOf(schema['properties'])) } : {}) },
    JSON.parse(answer),
    'answer',
  )
}

const verbose = {
  type: 'object',
  required: ['status', 'error'],
  properties: { status: { enum: [0, 1] }, error: { type: ['string', 'null'] } },
}

function check(by: Ajv2020, schema: Node, value: unknown, what: string): string[] {
  const validate = by.compile({ type: 'object', properties: { value: nodeOf(sealed(schema)) } })
  if (validate({ value })) return []
  return (validate.errors ?? []).map((one) => {
    const extra = nodeOf(one.params)['unevaluatedProperty']
    return `${what} ${one.instancePath.replace('/value', '') || '/'} ${one.message ?? ''}${typeof extra === 'string' ? `: ${extra}` : ''}`
  })
}

/** Closes objects whose fields are named; a part of `allOf` is closed by the whole. */
function sealed(schema: unknown, isPart = false): unknown {
  if (Array.isArray(schema)) return schema.map((one) => sealed(one, isPart))
  if (!isNode(schema)) return schema
  const { example: _example, nullable, ...others } = schema
  // What is required is known, though it be described nowhere (`token` of `$merge`).
  const required = Object.fromEntries(listOf(schema['required']).map((name) => [textOf(name), {}]))
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(others)) {
    if (key === 'properties')
      copy[key] = {
        ...required,
        ...Object.fromEntries(Object.entries(nodeOf(value)).map(([name, one]) => [name, sealed(one)])),
      }
    else copy[key] = key === 'enum' || key === 'required' ? value : sealed(value, key === 'allOf')
  }
  const isNamed = 'properties' in copy || 'allOf' in copy
  if (isNamed && !isPart && !('additionalProperties' in copy)) copy['unevaluatedProperties'] = false
  return nullable === true ? { anyOf: [copy, { type: 'null' }] } : copy
}
