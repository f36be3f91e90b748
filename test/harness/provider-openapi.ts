/**
 * A provider's own OpenAPI files as a judge of its simulator. Zendesk's split files are read leniently: some `$ref`s lead nowhere, so
 * what stood there is put together from the official examples of it: a field has the types that examples show, or null, and the
 * fields that every example has are required. Fields beside them are allowed.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'yaml'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined }
type Node = { [key: string]: Json | undefined }

export interface ProviderOpenapi {
  /** What is wrong with a JSON answer; undefined when no such answer is described. */
  problemsOf(method: string, path: string, status: number, body: unknown): string[] | undefined
  /** True when the word stands anywhere in the files: names, examples, descriptions. */
  knowsWord(word: string): boolean
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const nodeOf = (value: unknown): Node => (isNode(value) ? value : {})

/** Undefined when `../shared/specs/<slug>` is not there, as in a clone without it. */
export function loadProviderOpenapi(slug: string): ProviderOpenapi | undefined {
  const folder = path.resolve(import.meta.dirname, '../../../shared/specs', slug)
  const texts = read(folder)
  if (texts.length === 0) return undefined
  const files = texts.map((text) => nodeOf(parse(text)))
  const merged = (partOf: (file: Node) => Json | undefined): Node =>
    Object.fromEntries(files.flatMap((file) => Object.entries(nodeOf(partOf(file)))))
  const schemas = merged((file) => nodeOf(file['components'])['schemas'])
  const paths = merged((file) => file['paths'])
  for (const [name, examples] of collectExamples(schemas))
    schemas[name] = { ...infer(examples), ...requiredOf(examples) }
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false })
  addFormats.default(ajv)
  const words = new Set(texts.flatMap((text) => text.match(/\w+/g) ?? []))
  const templates = Object.keys(paths).sort((one, other) => one.split('{').length - other.split('{').length)
  return {
    knowsWord: (word) => words.has(word),
    problemsOf: (method, wanted, status, body) => {
      const template = templates.find((one) => matches(one, wanted))
      const operation = nodeOf(nodeOf(paths[template ?? ''])[method.toLowerCase()])
      const response = nodeOf(nodeOf(operation['responses'])[String(status)])
      const described = nodeOf(nodeOf(response['content'])['application/json'])['schema']
      if (!isNode(described)) return undefined
      const schema = whole(described, schemas)
      const validate = ajv.compile({ ...schema, $defs: translateAll(schemas) })
      if (validate(body)) return []
      return (validate.errors ?? []).map((one) => `${one.instancePath || '/'} ${one.message ?? ''}`)
    },
  }
}

function read(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
    return names.map((name) => readFileSync(path.join(folder, name), 'utf8'))
  } catch {
    return []
  }
}

const matches = (template: string, wanted: string): boolean =>
  new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`).test(wanted)

const nameOf = (ref: Json | undefined): string | undefined =>
  typeof ref === 'string' ? ref.split('/').at(-1) : undefined

/** Examples of schemas that are referred to and not there, found beside the examples of those that are. */
function collectExamples(schemas: Node): Map<string, Node[]> {
  const found = new Map<string, Node[]>()
  const walk = (schema: Node, example: Json | undefined): void => {
    if (example === undefined || example === null) return
    const name = nameOf(schema['$ref'])
    if (name !== undefined && isNode(schemas[name])) return walk(schemas[name], example)
    if (name !== undefined)
      return void (isNode(example) && found.set(name, [...(found.get(name) ?? []), example]))
    for (const part of Array.isArray(schema['allOf']) ? schema['allOf'] : []) walk(nodeOf(part), example)
    if (Array.isArray(example)) for (const item of example) walk(nodeOf(schema['items']), item)
    else if (isNode(example))
      for (const [key, value] of Object.entries(example))
        walk(nodeOf(nodeOf(schema['properties'])[key]), value)
  }
  for (const schema of Object.values(schemas)) walk(nodeOf(schema), nodeOf(schema)['example'])
  return found
}

/** The schema that all these values fit. */
function infer(values: readonly (Json | undefined)[]): Node {
  const known = values.filter((value) => value !== undefined && value !== null)
  if (known.length === 0) return {}
  if (known.every(Array.isArray)) {
    const items = infer(known.flat())
    return { type: ['array', 'null'], items }
  }
  if (known.every(isNode)) {
    const names = [...new Set(known.flatMap((value) => Object.keys(value)))]
    const properties = Object.fromEntries(
      names.map((name) => [name, infer(known.map((value) => value[name]))]),
    )
    return { type: ['object', 'null'], properties }
  }
  return { type: [...new Set(known.map(typeNameOf)), 'null'] }
}

const typeNameOf = (value: Json): string =>
  typeof value === 'number'
    ? Number.isInteger(value)
      ? 'integer'
      : 'number'
    : Array.isArray(value)
      ? 'array'
      : typeof value

const requiredOf = (examples: readonly Node[]): Node => ({
  required: Object.keys(examples[0] ?? {}).filter((name) => examples.every((example) => name in example)),
})

const translateAll = (schemas: Node): Node =>
  Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, translate(nodeOf(schema), schemas)]),
  )

/** OpenAPI 3.0 words in these 3.1 files to JSON Schema: `nullable`, and references that lead nowhere to anything. */
function translate(schema: Node, schemas: Node): Node {
  const name = nameOf(schema['$ref'])
  if (name !== undefined) return name in schemas ? { $ref: `#/$defs/${name}` } : {}
  const { example: _example, examples: _examples, nullable, ...others } = schema
  const copy: Node = {}
  for (const [key, value] of Object.entries(others)) {
    if (key === 'properties' || key === 'patternProperties')
      copy[key] = Object.fromEntries(
        Object.entries(nodeOf(value)).map(([field, one]) => [field, translate(nodeOf(one), schemas)]),
      )
    else if (key === 'allOf' || key === 'anyOf' || key === 'oneOf')
      copy[key] = (Array.isArray(value) ? value : []).map((one) => translate(nodeOf(one), schemas))
    else copy[key] = isNode(value) ? translate(value, schemas) : value
  }
  return nullable === true ? { anyOf: [copy, { type: 'null' }] } : copy
}

/** An envelope has all the fields that it describes: the files name none of them as required. */
function whole(schema: Node, schemas: Node): Node {
  const name = nameOf(schema['$ref'])
  if (name !== undefined) return name in schemas ? whole(nodeOf(schemas[name]), schemas) : {}
  const parts = (Array.isArray(schema['allOf']) ? schema['allOf'] : []).map((one) =>
    whole(nodeOf(one), schemas),
  )
  return {
    ...translate(schema, schemas),
    ...(isNode(schema['properties']) ? { required: Object.keys(schema['properties']) } : {}),
    ...(parts.length > 0 ? { allOf: parts } : {}),
  }
}
