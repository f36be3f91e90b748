/**
 * What somebody with the role `support` is answered. The description says what is the hub's own (closed schemas: ids, states, times,
 * texts of the hub) and what came from elsewhere (schemas that are open, mapped records): the latter is masked. So is what operations
 * answer that are added later.
 */
import { isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '../model/json.ts'
import { maskBody, maskEmails, maskForeign, maskRecord } from '../model/mask.ts'
import type { components } from '../openapi/types.ts'
import type { AnyAnswer } from './call.ts'
import { description, type Operation } from './description.ts'

type Problem = components['schemas']['Problem']

/** Texts of a closed schema that quote what came from elsewhere. */
const quoted = /body$|payload$|excerpt$|snippet$|sample$/i

/** The answer, masked. */
export function maskAnswer({ answers }: Operation, answer: AnyAnswer): AnyAnswer {
  if (answer.body === undefined || typeof answer.body === 'string') return answer
  const schema = answers[answer.status]?.['application/json'] ?? {}
  const plain = JSON.parse(JSON.stringify(answer.body)) as JsonValue
  return { ...answer, body: masked(plain, schema, '') }
}

/** A refusal, masked: its texts name what it is about, and names hold what people put into them. */
export const maskProblem = (problem: Problem): Problem =>
  masked({ ...problem }, { $ref: '#/components/schemas/Problem' }, '') as unknown as Problem

function masked(value: JsonValue, schema: JsonSchema, key: string): JsonValue {
  if (typeof value === 'string') return quoted.test(key) ? maskBody(value) : maskEmails(value)
  if (Array.isArray(value)) {
    const items = schemasOf(schema).map((one) => one['items'])
    const item = items.find((one) => isJsonObject(one)) ?? {}
    return value.map((one) => masked(one, item, key))
  }
  return isJsonObject(value) ? maskedObject(value, schema) : value
}

function maskedObject(value: JsonObject, schema: JsonSchema): JsonObject {
  const known = Object.assign({}, ...schemasOf(schema).map((one) => one['properties'] ?? {})) as JsonObject
  const model = value['model']
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      const own = known[name]
      if (!isJsonObject(own)) return [maskEmails(name), maskForeign(one, name)]
      if (name === 'mapped' && isJsonObject(one))
        return [name, maskRecord(typeof model === 'string' ? model : '', one)]
      return [name, masked(one, own, name)]
    }),
  )
}

/** A schema with those that it is made of, references resolved. */
function schemasOf(schema: JsonSchema): JsonObject[] {
  const one = resolved(schema as JsonObject)
  const parts = ['oneOf', 'anyOf', 'allOf'].flatMap((name) => {
    const list = one[name]
    return Array.isArray(list) ? list.filter((part) => isJsonObject(part)) : []
  })
  return [one, ...parts.flatMap((part) => schemasOf(part as JsonSchema))]
}

function resolved(schema: JsonObject): JsonObject {
  const ref = schema['$ref']
  if (typeof ref !== 'string') return schema
  let found: unknown = description
  for (const step of ref.slice(2).split('/')) found = (found as Record<string, unknown>)[step]
  return resolved(found as JsonObject)
}
