/** Checks of requests and answers against the description: Ajv 2020, compiled once, when they are first needed. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'
import type { JsonSchema } from '../model/json.ts'
import type { FieldError } from '../platform/errors.ts'
import { description, type Operation, type Parameter } from './description.ts'

/** Where a field that is wrong stands. */
export type Place = 'body' | 'query' | 'path' | 'header'
export type PlacedError = FieldError & { readonly in: Place }

/** Checks a value and answers what is wrong with it; coerces and fills in defaults where it is made for that. */
export type Check = (value: unknown) => readonly FieldError[]

const root = 'tieline'
const addFormats = addFormatsModule as unknown as (ajv: Ajv2020) => Ajv2020

function createAjv(options: { readonly coerce: boolean }): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: false,
    validateFormats: true,
    ...(options.coerce ? { coerceTypes: true, useDefaults: true } : {}),
  })
  addFormats(ajv)
  ajv.addSchema(description, root)
  return ajv
}

const coercing = createAjv({ coerce: true })
const exact = createAjv({ coerce: false })

/** References inside the bundle, made to work from a schema that stands alone. */
const standalone = (schema: JsonSchema): JsonSchema =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/', `"${root}#/`)) as JsonSchema

const checkOf =
  (validate: ValidateFunction): Check =>
  (value) =>
    validate(value) ? [] : fieldErrors(validate.errors ?? [])

/** A check of JSON that may come from anywhere, such as an action's input. */
export function compileSchema(schema: JsonSchema): Check {
  return checkOf(exact.compile(schema))
}

/** Compiling takes some ten milliseconds, and many operations say the same: each schema once, when it is first needed. */
const compiled = new Map<string, Check>()

function lazily(ajv: Ajv2020, schema: JsonSchema): Check {
  const key = `${ajv === coercing} ${JSON.stringify(schema)}`
  return (value) => {
    let check = compiled.get(key)
    if (!check) compiled.set(key, (check = checkOf(ajv.compile(schema))))
    return check(value)
  }
}

const compileBundled = (schema: JsonSchema): Check => lazily(exact, standalone(schema))

export interface OperationChecks {
  readonly path: Check
  readonly query: Check
  readonly header: Check
  readonly body: Check | undefined
  /** Answers by status and media type. */
  answer(status: number, mediaType: string): Check | undefined
}

export function compileOperation(operation: Operation): OperationChecks {
  const of = (place: Parameter['in']): Check => {
    const parameters = operation.parameters.filter((parameter) => parameter.in === place)
    const properties = Object.fromEntries(
      parameters.map(({ name, schema }) => [name, standalone(inlined(schema))]),
    )
    const required = parameters.filter((parameter) => parameter.required).map(({ name }) => name)
    // A misspelt filter must not silently list everything; whoever watches what is public may add to its address.
    const additionalProperties = place === 'query' && operation.isPublic
    return lazily(coercing, { type: 'object', properties, required, additionalProperties })
  }
  const answers = new Map<string, Check>()
  for (const [status, types] of Object.entries(operation.answers)) {
    for (const [type, schema] of Object.entries(types))
      answers.set(`${status} ${type}`, compileBundled(schema))
  }
  return {
    path: of('path'),
    query: of('query'),
    header: of('header'),
    body: operation.body && compileBundled(operation.body),
    answer: (status, type) => answers.get(`${status} ${type}`) ?? answers.get(`default ${type}`),
  }
}

/** Ajv fills in a default only where it stands at the property itself, not behind a reference. */
function inlined(schema: JsonSchema): JsonSchema {
  const reference = schema['$ref']
  if (typeof reference !== 'string') return schema
  let found: unknown = description
  for (const key of reference.slice(2).split('/')) found = (found as Record<string, unknown>)[key]
  return { ...(found as JsonSchema), ...schema, $ref: undefined }
}

const shownAtMost = 20

function fieldErrors(errors: readonly ErrorObject[]): FieldError[] {
  // The branches of a union each complain; what they say besides the union itself only confuses.
  const telling = errors.filter((error) => error.keyword !== 'oneOf' && error.keyword !== 'anyOf')
  return (telling.length > 0 ? telling : errors).slice(0, shownAtMost).map(fieldError)
}

const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

function fieldError({ keyword, instancePath, params, message, parentSchema }: ErrorObject): FieldError {
  const at = (name: unknown): string => `${instancePath}/${escapePointer(String(name))}`
  const known = params as Record<string, unknown>
  switch (keyword) {
    case 'required':
      return { pointer: at(known['missingProperty']), detail: 'is missing' }
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = known['additionalProperty'] ?? known['unevaluatedProperty']
      const names = Object.keys((parentSchema?.['properties'] ?? {}) as object)
      return {
        pointer: at(name),
        detail: `is not known here; known are ${names.join(', ') || 'no fields at all'}`,
      }
    }
    case 'enum':
      return {
        pointer: instancePath,
        detail: `should be one of ${(known['allowedValues'] as unknown[]).join(', ')}`,
      }
    case 'pattern':
      return { pointer: instancePath, detail: patternText(parentSchema, String(known['pattern'])) }
    default:
      return { pointer: instancePath, detail: message ?? 'is not valid' }
  }
}

function patternText(schema: object | undefined, pattern: string): string {
  const example = (schema as { examples?: readonly unknown[] } | undefined)?.examples?.[0]
  return typeof example === 'string' ? `should look like ${example}` : `should match ${pattern}`
}
