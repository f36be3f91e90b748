import type { JsonObject, JsonSchema } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { Action, ProviderContext } from '../contract.ts'
import { dataOf, idIn, textIn } from './answer.ts'

const id = { type: 'string', pattern: '^[0-9]{1,15}$' }
const object = (
  properties: JsonObject,
  required: readonly string[],
  example: JsonObject,
  more: JsonSchema = {},
): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  properties,
  required,
  examples: [example],
  ...more,
})

function changesIn(input: JsonObject): JsonObject {
  const stage = textIn(input, 'stageId')
  const status = textIn(input, 'status')
  const reason = textIn(input, 'lostReason')
  if (reason !== undefined && status !== 'lost')
    throw new HubError('InvalidInput', 'Only a deal that is lost has a reason', {
      fields: [{ pointer: '/lostReason', detail: 'needs the status lost' }],
    })
  return {
    ...(stage === undefined ? {} : { stage_id: Number(stage) }),
    ...(status === undefined ? {} : { status }),
    ...(reason === undefined ? {} : { lost_reason: reason }),
  }
}

/** `PATCH /api/v2/deals/{id}`: a repetition sets what is set already, so that no key is needed. */
async function run({ call }: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const dealId = textIn(input, 'dealId') ?? ''
  if (!/^\d{1,15}$/.test(dealId)) throw new HubError('InvalidInput', '"dealId" is no id of a deal')
  const path = `/api/v2/deals/${dealId}`
  const body = changesIn(input)
  const deal = dataOf(await call({ method: 'PATCH', path, body, group: 'write', repeatable: true }), path)
  return { dealId, stageId: idIn(deal, 'stage_id') ?? null, status: textIn(deal, 'status') ?? null }
}

const moveDeal: Action = {
  name: 'move_deal',
  title: 'Move a deal',
  description:
    'Puts a deal into another stage, or marks it as won, lost or open again. Repeating changes nothing further.',
  input: object(
    {
      dealId: id,
      stageId: id,
      status: { type: 'string', enum: ['open', 'won', 'lost'] },
      lostReason: { type: 'string', minLength: 1, maxLength: 150 },
    },
    ['dealId'],
    { dealId: '746', stageId: '3' },
    { anyOf: [{ required: ['stageId'] }, { required: ['status'] }] },
  ),
  output: object(
    { dealId: id, stageId: { type: ['string', 'null'] }, status: { type: ['string', 'null'] } },
    ['dealId', 'stageId', 'status'],
    { dealId: '746', stageId: '3', status: 'open' },
  ),
  run,
}

export const actions: readonly Action[] = [moveDeal]
