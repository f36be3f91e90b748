import type { JsonObject, JsonSchema } from '../../model/json.ts'
import type { ProviderContext, Report } from '../contract.ts'
import { dataOf, get, numberIn, protocolError, textIn, type Fields } from './answer.ts'

const id = { type: 'string', pattern: '^[0-9]{1,15}$' }
const object = (properties: JsonObject, required: readonly string[], example: JsonObject): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  properties,
  required,
  examples: [example],
})

function required(data: Fields, key: string): number {
  const value = numberIn(data, key)
  if (value === undefined) throw protocolError(`the summary of deals has no ${key}`)
  return value
}

/** `GET /api/v1/deals/summary`; it has no successor in v2. Archived deals are not in it. */
async function run(context: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const path = '/api/v1/deals/summary'
  const data = dataOf(
    await get(context, path, {
      status: textIn(input, 'status'),
      pipeline_id: textIn(input, 'pipelineId'),
      stage_id: textIn(input, 'stageId'),
      user_id: textIn(input, 'ownerId'),
    }),
    path,
  )
  return {
    count: required(data, 'total_count'),
    value: required(data, 'total_currency_converted_value'),
    weightedValue: required(data, 'total_weighted_currency_converted_value'),
  }
}

const dealSummary: Report = {
  name: 'deal_summary',
  title: 'Deals in sum',
  description:
    'How many deals there are and what they are worth, plain and by probability, in the default currency of the company. Archived deals are left out.',
  input: object(
    { status: { type: 'string', enum: ['open', 'won', 'lost'] }, pipelineId: id, stageId: id, ownerId: id },
    [],
    { status: 'open', pipelineId: '1' },
  ),
  output: object(
    { count: { type: 'integer' }, value: { type: 'number' }, weightedValue: { type: 'number' } },
    ['count', 'value', 'weightedValue'],
    { count: 12, value: 48000, weightedValue: 21500.5 },
  ),
  cacheSeconds: 300,
  run,
}

export const reports: readonly Report[] = [dealSummary]
