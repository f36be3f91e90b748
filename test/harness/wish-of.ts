/** A request for an operation of the description, made from the description alone; ids are taken from whoever is asked about. */
import { description, type Operation } from '../../api/description.ts'
import { recordIdOf } from '../../model/record-id.ts'
import { idPrefixes } from '../../model/ids.ts'
import { isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '../../model/json.ts'

export interface Wish {
  readonly path: string
  readonly body?: JsonValue
  /** Prefixes of the ids that are in it. */
  readonly names: readonly string[]
}

/** @param idOf the id for a prefix (`con`); undefined: leave it out where it may be left out. */
export type IdOf = (prefix: string) => string | undefined

/** What other parameters of a path hold. */
const usual: Readonly<Record<string, string>> = {
  provider: 'zendesk',
  resource: 'tickets',
  externalId: 'seed-1',
  version: '1',
  name: 'create_ticket',
  model: 'ticket',
  workflowId: 'sync-many:nobody:2026-01-01T00:00:00.000Z',
}

/**
 * The wishes that an operation can be asked: its path alone, with each id in its query, with its body.
 * @param more what other parameters hold.
 */
export function wishesOf(
  operation: Operation,
  idOf: IdOf,
  more: Readonly<Record<string, string>> = {},
): Wish[] {
  const places: Readonly<Record<string, string>> = { ...usual, ...more }
  const names = new Set<string>()
  const take: IdOf = (prefix) => {
    const id = idOf(prefix)
    if (id !== undefined) names.add(prefix)
    return id
  }
  const path = operation.path.replace(/\{(\w+)\}/g, (_all, name: string) => {
    // The id of a record is its place, encoded.
    const connectionId = name === 'recordId' ? take('con') : undefined
    if (connectionId !== undefined)
      return recordIdOf({ connectionId, resource: 'tickets', externalId: 'seed-1' })
    const schema = operation.parameters.find((one) => one.in === 'path' && one.name === name)?.schema
    const prefix = prefixOf(schema as JsonObject | undefined)
    return encodeURIComponent((prefix === undefined ? places[name] : take(prefix)) ?? 'nothing')
  })
  const inPath = [...names]
  const body = operation.body ? sampleOf(operation.body as JsonObject, take) : undefined
  const withBody = body === undefined ? {} : { body }
  const needed = operation.parameters.filter((one) => one.in === 'query' && one.required === true)
  const fixed = needed.map(({ name }) => `${name}=${places[name] ?? 'x'}`)
  const ofQuery = operation.parameters.flatMap(({ in: place, name, schema }) => {
    const prefix = place === 'query' ? prefixOf(schema as JsonObject) : undefined
    const id = prefix === undefined ? undefined : idOf(prefix)
    if (prefix === undefined || id === undefined) return []
    const needsMore =
      name === 'connectionId' && operation.path.endsWith('/records') ? ['resource=tickets'] : []
    const query = [...fixed, ...needsMore, `${name}=${id}`].join('&')
    return [{ path: `${path}?${query}`, ...withBody, names: [...inPath, prefix] }]
  })
  const plain = fixed.length > 0 ? `${path}?${fixed.join('&')}` : path
  return [{ path: plain, ...withBody, names: [...names] }, ...ofQuery]
}

const prefixes = new Set<string>(Object.values(idPrefixes))

/** The prefix of the ids that a schema takes; undefined when it takes something else. */
function prefixOf(given: JsonObject | undefined): string | undefined {
  const pattern = (given && resolved(given))?.['pattern']
  const [, prefix] = /^\^([a-z]+)_\[0-9A-HJKMNP-TV-Z\]/.exec(typeof pattern === 'string' ? pattern : '') ?? []
  return prefix !== undefined && prefixes.has(prefix) ? prefix : undefined
}

function resolved(schema: JsonObject): JsonObject {
  const { $ref: ref, ...rest } = schema
  if (typeof ref !== 'string') return schema
  let found: unknown = description
  for (const step of ref.slice(2).split('/')) found = (found as Record<string, unknown>)[step]
  return { ...resolved(found as JsonObject), ...rest }
}

/** A value that a schema takes: what it needs, and every id that it can have. */
function sampleOf(given: JsonObject, idOf: IdOf): JsonValue {
  const schema = resolved(given)
  const prefix = prefixOf(schema)
  if (prefix !== undefined) return idOf(prefix) ?? 'nothing'
  const alternatives: JsonValue | undefined = ['oneOf', 'anyOf', 'allOf']
    .map((name) => schema[name])
    .find((list) => Array.isArray(list))
  const first = Array.isArray(alternatives) ? alternatives[0] : undefined
  const properties = schema['properties']
  if (isJsonObject(properties)) return objectOf(schema, properties, idOf)
  if (schema['const'] !== undefined) return schema['const']
  const examples = schema['examples'] ?? schema['enum']
  if (Array.isArray(examples) && examples.length > 0) return examples[0] ?? null
  if (isJsonObject(first)) return sampleOf(first, idOf)
  const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type']
  if (type === 'array') {
    const items = schema['items']
    return isJsonObject(items) ? [sampleOf(items, idOf)] : []
  }
  if (type === 'integer' || type === 'number') return Number(schema['minimum'] ?? 1)
  if (type === 'boolean') return false
  if (type === 'object') return {}
  return 'x'.repeat(Number(schema['minLength'] ?? 1))
}

function objectOf(schema: JsonObject, properties: JsonObject, idOf: IdOf): JsonValue {
  const needed = Array.isArray(schema['required']) ? schema['required'] : []
  const takesOne = Number(schema['minProperties'] ?? 0) > 0 && needed.length === 0
  const isMeant = (name: string, one: JsonSchema, n: number): boolean =>
    needed.includes(name) || prefixOf(one as JsonObject) !== undefined || (takesOne && n === 0)
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, one], n) =>
      isJsonObject(one) && isMeant(name, one as JsonSchema, n) ? [[name, sampleOf(one, idOf)]] : [],
    ),
  )
}
