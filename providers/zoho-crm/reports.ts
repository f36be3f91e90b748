import type { JsonObject, JsonSchema } from '../../model/json.ts'
import type { ProviderContext, Report } from '../contract.ts'
import { bodyOf, get, numberIn, protocolError, textIn } from './answer.ts'
import { modules } from './modules.ts'

const names = modules.map(({ module }) => module)
const object = (properties: JsonObject, required: readonly string[], example: JsonObject): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  properties,
  required,
  examples: [example],
})

/** `GET /crm/v8/{module}/actions/count`. */
async function run(context: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const module = textIn(input, 'module') ?? ''
  const path = `/crm/v8/${module}/actions/count`
  const count = numberIn(bodyOf(await get(context, path), path), 'count')
  if (count === undefined) throw protocolError(`${path} has no count`)
  return { count }
}

const recordCount: Report = {
  name: 'record_count',
  title: 'Number of records',
  description: 'How many records a module has.',
  input: object({ module: { type: 'string', enum: names } }, ['module'], { module: 'Leads' }),
  output: object({ count: { type: 'integer' } }, ['count'], { count: 1200 }),
  cacheSeconds: 300,
  run,
}

export const reports: readonly Report[] = [recordCount]
