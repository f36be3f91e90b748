/** What the schemas of actions and reports share, and how their inputs are read. */
import type { JsonObject, JsonSchema } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import { applyOutward, type OutwardMapping } from '../../model/mapping.ts'
import { HubError } from '../../platform/errors.ts'

const draft = 'https://json-schema.org/draft/2020-12/schema'

export const idSchema = { type: 'string', pattern: '^[0-9]{1,20}$' }
export const idOrNull = { ...idSchema, type: ['string', 'null'] }
export const textSchema = (maxLength: number): JsonSchema => ({ type: 'string', minLength: 1, maxLength })
export const textOrNull = { type: ['string', 'null'] }
export const daySchema = { type: 'string', format: 'date' }
export const dayOrNull = { type: ['string', 'null'], format: 'date' }
export const emailSchema = { type: 'string', format: 'email', maxLength: 255 }
export const countSchema = { type: 'integer', minimum: 0 }
export const flagSchema = { type: 'boolean' }
/** Minor units with their currency: `{ "amountMinor": 1250, "currency": "USD" }` is 12.50 USD. */
export const moneySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['amountMinor', 'currency'],
  properties: { amountMinor: { type: 'integer' }, currency: { type: 'string', pattern: '^[A-Z]{3}$' } },
}
export const positiveMoney = {
  ...moneySchema,
  properties: { ...moneySchema.properties, amountMinor: { type: 'integer', minimum: 1 } },
}
export const currencySchema = { type: 'string', pattern: '^[A-Z]{3}$' }

/** A part of a schema: an object without other fields, all of them required unless `optional` names them. */
export function part(
  properties: Readonly<Record<string, unknown>>,
  optional: readonly string[] = [],
): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', additionalProperties: false, required, properties }
}

export const listOf = (items: JsonSchema, maxItems?: number): JsonSchema => ({
  type: 'array',
  items,
  ...(maxItems === undefined ? {} : { maxItems }),
})

/** The schema of an input or output. */
export const schemaOf = (
  properties: Readonly<Record<string, unknown>>,
  required: readonly string[],
  examples: readonly JsonObject[],
  more: JsonSchema = {},
): JsonSchema => ({
  $schema: draft,
  type: 'object',
  additionalProperties: false,
  properties,
  required,
  examples,
  ...more,
})

const wrong = (name: string, detail: string): HubError =>
  new HubError('InvalidInput', `"${name}" ${detail}`, { fields: [{ pointer: `/${name}`, detail }] })

/** A text of the input. The schema was checked before; a hole here is the caller's mistake all the same. */
export function requireText(input: JsonObject, name: string): string {
  const value = input[name]
  if (typeof value === 'string' && value !== '') return value
  throw wrong(name, 'is missing')
}

export function optionalText(input: JsonObject, name: string): string | undefined {
  const value = input[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function objectsIn(input: JsonObject, name: string): JsonObject[] {
  const value = input[name]
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

/** `from` and `to` in their order. */
export function rangeOf(input: JsonObject): { readonly from: string; readonly to: string } {
  const from = requireText(input, 'from')
  const to = requireText(input, 'to')
  if (from > to) throw wrong('from', 'is later than "to"')
  return { from, to }
}

/** Input in the words of a model as QuickBooks' fields. @throws HubError `InvalidInput` for what cannot be converted. */
export function outwardOf(mapping: OutwardMapping, input: JsonObject): JsonObject {
  const { mapped, problems } = applyOutward(mapping, input)
  const [problem] = problems
  if (problem !== undefined) throw wrong(problem.split(':')[0] ?? '', problem)
  return mapped
}

/** Refuses input that the schema cannot judge. */
export const refuse = wrong

/** Lines of a sales form, as the models have them. */
export const salesLineSchema = part(
  {
    description: textSchema(4000),
    itemId: idSchema,
    quantity: { type: 'number' },
    unitPrice: moneySchema,
    amount: moneySchema,
    taxRateId: textSchema(30),
  },
  ['description', 'itemId', 'quantity', 'unitPrice', 'amount', 'taxRateId'],
)
