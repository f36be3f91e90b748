/** What the actions' and reports' schemas share. */
import { createHash } from 'node:crypto'
import type { JsonObject, JsonSchema } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'

const draft = 'https://json-schema.org/draft/2020-12/schema'

export const text = (maxLength: number, more: JsonSchema = {}): JsonSchema => ({
  type: 'string',
  minLength: 1,
  maxLength,
  ...more,
})
export const idSchema: JsonSchema = { type: 'string', pattern: '^[0-9]{1,18}$' }
export const daySchema: JsonSchema = { type: 'string', format: 'date' }
export const timeSchema: JsonSchema = {
  description: 'RFC 3339, or seconds or milliseconds since 1970',
  anyOf: [
    { type: 'string', format: 'date-time' },
    { type: 'integer', minimum: 0 },
  ],
}
/** Names of Mixpanel's properties and their values. */
export const propertiesSchema: JsonSchema = { type: 'object' }
export const whereSchema = text(4_000, { description: 'Mixpanel’s segmentation expression' })

/** The schema of an input or output: an object without other fields. */
export function objectSchema(
  properties: Readonly<Record<string, unknown>>,
  required: readonly string[],
  examples: readonly JsonObject[] = [],
  more: JsonSchema = {},
): JsonSchema {
  return {
    $schema: draft,
    type: 'object',
    additionalProperties: false,
    properties,
    required,
    ...(examples.length > 0 ? { examples } : {}),
    ...more,
  }
}

/** A text of the input. The schema was checked before; a hole here is the caller's mistake all the same. */
export function requireText(input: JsonObject, name: string): string {
  const value = input[name]
  if (typeof value === 'string' && value !== '') return value
  throw new HubError('InvalidInput', `"${name}" is missing`, {
    fields: [{ pointer: `/${name}`, detail: 'is missing' }],
  })
}

export function optionalText(input: JsonObject, name: string): string | undefined {
  const value = input[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function optionalNumber(input: JsonObject, name: string): number | undefined {
  const value = input[name]
  return typeof value === 'number' ? value : undefined
}

/** An `$insert_id`: 36 characters of SHA-256 in hex, within what Mixpanel takes (letters, digits, hyphen; 36 bytes). */
export const insertIdOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 36)
