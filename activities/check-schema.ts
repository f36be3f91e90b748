/** Checks an operation's input against the JSON Schema that its provider gives. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { JsonObject, JsonSchema } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)

/** Schemas never change while the process lives: each is compiled once. */
const validators = new WeakMap<JsonSchema, ValidateFunction>()

/** @throws HubError `InvalidInput` with each wrong field. */
export function checkAgainstSchema(schema: JsonSchema, input: JsonObject, what: string): void {
  let validate = validators.get(schema)
  if (!validate) {
    validate = ajv.compile(schema)
    validators.set(schema, validate)
  }
  if (validate(input)) return
  const fields = (validate.errors ?? []).map((error) => ({
    pointer: pointerOf(error),
    detail: error.message ?? 'is wrong',
  }))
  throw new HubError(
    'InvalidInput',
    `${what} does not fit: ${fields.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ')}.`,
    {
      fields,
    },
  )
}

/** For a missing or unknown field: where it should or should not be. */
function pointerOf({ instancePath, keyword, params }: ErrorObject): string {
  const { missingProperty, additionalProperty } = params as {
    missingProperty?: string
    additionalProperty?: string
  }
  if (keyword === 'required' && missingProperty !== undefined) return `${instancePath}/${missingProperty}`
  if (keyword === 'additionalProperties' && additionalProperty !== undefined)
    return `${instancePath}/${additionalProperty}`
  return instancePath || '/'
}
