/** What the actions' and reports' schemas share, and how their inputs are read. */
import { isJsonObject, type JsonObject, type JsonSchema } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { objectTypes } from './object-types.ts'
import type { ObjectType } from './objects.ts'

const draft = 'https://json-schema.org/draft/2020-12/schema'

export const idSchema = { type: 'string', pattern: '^[0-9]{1,20}$' }
export const textSchema = (maxLength: number): JsonSchema => ({ type: 'string', minLength: 1, maxLength })
export const timeSchema = { type: 'string', format: 'date-time' }
export const nullable = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] })
export const countSchema = { type: 'integer', minimum: 0 }
export const moneySchema = { type: ['number', 'null'] }

/** Properties by HubSpot's own names, for what the named fields do not cover. */
export const propertiesSchema = {
  type: 'object',
  additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
  propertyNames: { pattern: '^[a-z][a-z0-9_]{0,99}$' },
  description: 'Further properties by their internal names',
}

/** The objects that actions work on, as the hub's users call them. */
const kinds = {
  contact: objectTypes.contacts,
  company: objectTypes.companies,
  deal: objectTypes.deals,
  ticket: objectTypes.tickets,
  call: objectTypes.calls,
  email: objectTypes.emails,
  meeting: objectTypes.meetings,
  note: objectTypes.notes,
  task: objectTypes.tasks,
} as const satisfies Readonly<Record<string, ObjectType>>

export type Kind = keyof typeof kinds
export const kindNames = Object.keys(kinds)
export const kindSchema = { type: 'string', enum: kindNames }

export const typeOfKind = (kind: Kind): ObjectType => kinds[kind]

/** A kind named in the input. @throws HubError `InvalidInput` */
export function kindIn(input: JsonObject, name: string): Kind {
  const value = requireText(input, name)
  if (Object.hasOwn(kinds, value)) return value as Kind
  throw wrongInput(name, `is not one of ${kindNames.join(', ')}`)
}

/** Records that a new activity belongs to. */
export const recordsSchema = {
  type: 'array',
  maxItems: 20,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['kind', 'id'],
    properties: { kind: { type: 'string', enum: ['contact', 'company', 'deal', 'ticket'] }, id: idSchema },
  },
}

/** The schema of an input or output: an object without other fields. */
export function objectSchema(
  properties: Readonly<Record<string, unknown>>,
  required: readonly string[],
  examples: readonly JsonObject[],
  more: JsonSchema = {},
): JsonSchema {
  return {
    $schema: draft,
    type: 'object',
    additionalProperties: false,
    properties,
    required,
    examples,
    ...more,
  }
}

export function wrongInput(name: string, detail: string): HubError {
  return new HubError('InvalidInput', `"${name}" ${detail}`, { fields: [{ pointer: `/${name}`, detail }] })
}

/** A text of the input. The schema was checked before; a hole here is the caller's mistake all the same. */
export function requireText(input: JsonObject, name: string): string {
  const value = input[name]
  if (typeof value === 'string' && value !== '') return value
  throw wrongInput(name, 'is missing')
}

export function optionalText(input: JsonObject, name: string): string | undefined {
  const value = input[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function textsIn(input: JsonObject, name: string): string[] {
  const value = input[name]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

export function objectIn(input: JsonObject, name: string): JsonObject {
  const value = input[name]
  return isJsonObject(value) ? value : {}
}

/** HubSpot's properties from the input's fields: `names` gives the input's name for each property; `properties` goes last. */
export function propertiesOf(input: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  const properties: JsonObject = {}
  for (const [theirs, ours] of Object.entries(names)) {
    const value = input[ours]
    if (value !== undefined) properties[theirs] = value
  }
  return { ...properties, ...objectIn(input, 'properties') }
}

/** Two moments, the first the earlier. */
export function spanIn(input: JsonObject): { readonly from: number; readonly to: number } {
  const from = Date.parse(requireText(input, 'from'))
  const to = Date.parse(requireText(input, 'to'))
  if (from < to) return { from, to }
  throw wrongInput('from', 'is not earlier than "to"')
}
