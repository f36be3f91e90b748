import { isJsonObject, type JsonObject, type JsonSchema } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { Action, ProviderContext } from '../contract.ts'
import { bodyOf, rowsOf, textIn } from './answer.ts'

const id = { type: 'string', pattern: '^[0-9]{1,20}$' }
const stage = { type: 'string', minLength: 1, maxLength: 120 }
const object = (properties: JsonObject, required: readonly string[], example: JsonObject): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  properties,
  required,
  examples: [example],
})

/** `PUT /crm/v8/Deals` with one record; each part of the answer has its own `code`. A repetition sets what is set already. */
async function run({ call }: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const dealId = textIn(input, 'dealId') ?? ''
  if (!/^\d{1,20}$/.test(dealId)) throw new HubError('InvalidInput', '"dealId" is no id of a deal')
  const body = { data: [{ id: dealId, Stage: textIn(input, 'stage') ?? '' }], trigger: [] }
  const response = await call({
    method: 'PUT',
    path: '/crm/v8/Deals',
    body,
    group: 'write',
    repeatable: true,
    accept: [202, 207],
  })
  const [part = {}] = rowsOf(bodyOf(response, 'Deals'), 'data')
  const code = textIn(part, 'code')
  if (code !== 'SUCCESS') {
    const details = isJsonObject(part['details']) ? JSON.stringify(part['details']).slice(0, 200) : ''
    throw new HubError(
      code === 'INVALID_DATA' && details.includes('"id"') ? 'NotFound' : 'Invalid',
      `Zoho refused the deal: ${code ?? 'no code'} ${textIn(part, 'message') ?? ''}`.trim(),
    )
  }
  return { dealId, stage: textIn(input, 'stage') ?? null }
}

const moveDeal: Action = {
  name: 'move_deal',
  title: 'Move a deal',
  description:
    'Puts a deal into another stage, without starting workflows of Zoho. Repeating changes nothing further.',
  input: object({ dealId: id, stage }, ['dealId', 'stage'], {
    dealId: '5725767000003000064',
    stage: 'Closed Won',
  }),
  output: object({ dealId: id, stage: { type: ['string', 'null'] } }, ['dealId', 'stage'], {
    dealId: '5725767000003000064',
    stage: 'Closed Won',
  }),
  run,
}

export const actions: readonly Action[] = [moveDeal]
