/** The bundled OpenAPI description as data, and the one walk over its operations. */
import { readFileSync } from 'node:fs'
import type { JsonObject, JsonSchema } from '../model/json.ts'
import { classOfOperation, type RateClass } from '../model/limits.ts'
import type { operations } from '../openapi/types.ts'

export type OperationId = keyof operations
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

interface Reference {
  readonly $ref: string
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: JsonSchema
}

interface Body {
  readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>>
}

interface OperationObject {
  readonly operationId: OperationId
  readonly parameters?: readonly (Parameter | Reference)[]
  readonly requestBody?: Body & { readonly required?: boolean }
  readonly responses: Readonly<Record<string, (Body & object) | Reference>>
  readonly security?: readonly object[]
  readonly 'x-permission'?: string
  readonly 'x-idempotent'?: boolean
  readonly 'x-cache-seconds'?: number
  readonly 'x-body-limit-bytes'?: number
  readonly 'x-rate-class'?: RateClass
  readonly 'x-errors'?: 'oauth'
}

type PathItem = { readonly parameters?: readonly (Parameter | Reference)[] } & {
  readonly [M in Method]?: OperationObject
}

interface Description {
  readonly info: { readonly version: string }
  readonly paths: Readonly<Record<string, PathItem>>
}

/** One operation, its references resolved. */
export interface Operation {
  readonly operationId: OperationId
  readonly method: Method
  /** As in the description: `/admin/v1/runs/{runId}`. */
  readonly path: string
  readonly parameters: readonly Parameter[]
  /** Schema of the JSON body; undefined for an operation that takes none. */
  readonly body: JsonSchema | undefined
  /** A request without a body is one with an empty object. */
  readonly isBodyOptional: boolean
  readonly bodyLimitBytes: number
  /** The body may also come as a form (`application/x-www-form-urlencoded`). */
  readonly takesForm: boolean
  /** Status (or `default`) → media type → schema. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>
  /** Nobody is asked for a credential of the hub; the operation may judge one itself. */
  readonly isPublic: boolean
  /** Its errors are those of RFC 6749, not problems. */
  readonly hasOAuthErrors: boolean
  readonly permission: string | undefined
  /** The first answer to an idempotency key is kept and given again. */
  readonly isIdempotent: boolean
  /** Which limits it counts by. */
  readonly rateClass: RateClass
  /** How long its answer may be kept by whoever asks; undefined: not at all. */
  readonly cacheSeconds: number | undefined
}

export const descriptionText = readFileSync(new URL('../openapi/bundle.json', import.meta.url), 'utf8')
export const description = JSON.parse(descriptionText) as JsonObject
const api = description as unknown as Description
export const apiVersion: string = api.info.version

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const

function resolve<T extends object>(value: T | Reference): T {
  if (!('$ref' in value)) return value
  let found: unknown = description
  for (const key of value.$ref.slice(2).split('/')) found = (found as Record<string, unknown>)[key]
  return found as T
}

const schemasOf = (body: Partial<Body> | undefined): Record<string, JsonSchema> =>
  Object.fromEntries(Object.entries(body?.content ?? {}).map(([type, { schema }]) => [type, schema]))

/** No requirement at all, or an empty one among others. */
const isOptional = (security: readonly object[]): boolean =>
  security.length === 0 || security.some((one) => Object.keys(one).length === 0)

function operationOf(path: string, method: Method, item: PathItem, one: OperationObject): Operation {
  const parameters = [...(item.parameters ?? []), ...(one.parameters ?? [])]
  return {
    operationId: one.operationId,
    method,
    path,
    parameters: parameters.map((parameter) => resolve<Parameter>(parameter)),
    body: schemasOf(one.requestBody)['application/json'],
    isBodyOptional: one.requestBody?.required === false,
    bodyLimitBytes: one['x-body-limit-bytes'] ?? 1024 * 1024,
    answers: Object.fromEntries(
      Object.entries(one.responses).map(([status, answer]) => [status, schemasOf(resolve<Body>(answer))]),
    ),
    takesForm: 'application/x-www-form-urlencoded' in schemasOf(one.requestBody),
    isPublic: one.security !== undefined && isOptional(one.security),
    hasOAuthErrors: one['x-errors'] === 'oauth',
    permission: one['x-permission'],
    isIdempotent: one['x-idempotent'] ?? false,
    rateClass: one['x-rate-class'] ?? classOfOperation(method, one['x-permission']),
    cacheSeconds: one['x-cache-seconds'],
  }
}

/** Every operation of the description. */
export const describedOperations: readonly Operation[] = Object.entries(api.paths).flatMap(([path, item]) =>
  methods.flatMap((method) => {
    const one = item[method]
    return one ? [operationOf(path, method, item, one)] : []
  }),
)
