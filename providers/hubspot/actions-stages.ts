/** Moving contacts and companies through their lifecycle, and deals through their pipeline. */
import type { JsonObject } from '../../model/json.ts'
import type { Action } from '../contract.ts'
import {
  idSchema,
  kindIn,
  nullable,
  objectSchema,
  optionalText,
  requireText,
  textSchema,
  typeOfKind,
} from './action-input.ts'
import { bodyOf, fieldsIn, get, textIn } from './answer.ts'
import { patchObject, stageOf, stageProperty } from './lifecycle.ts'
import { paths } from './versions.ts'

const setLifecycleStage: Action = {
  name: 'set_lifecycle_stage',
  title: 'Set the lifecycle stage',
  description:
    'Moves a contact or company to a stage of its lifecycle, forward or back: HubSpot takes a step back only after the stage was cleared, which is done here. Null clears.',
  input: objectSchema(
    {
      kind: { type: 'string', enum: ['contact', 'company'] },
      id: idSchema,
      stage: nullable({
        ...textSchema(100),
        description: 'Internal name: lead, customer, or a custom stage’s id',
      }),
    },
    ['kind', 'id', 'stage'],
    [{ kind: 'contact', id: '512', stage: 'customer' }],
  ),
  output: objectSchema(
    { from: nullable(textSchema(100)), to: nullable(textSchema(100)), isChanged: { type: 'boolean' } },
    ['from', 'to', 'isChanged'],
    [{ from: 'lead', to: 'customer', isChanged: true }],
  ),
  async run(context, input) {
    const type = typeOfKind(kindIn(input, 'kind')).name
    const id = requireText(input, 'id')
    const to = optionalText(input, 'stage') ?? ''
    const from = await stageOf(context, type, id)
    if ((from ?? '') !== to) await patchObject(context, type, id, { [stageProperty]: to })
    return { from: from ?? null, to: to === '' ? null : to, isChanged: (from ?? '') !== to }
  },
  undo: {
    action: 'set_lifecycle_stage',
    input: (input, output) => ({
      kind: input['kind'] ?? '',
      id: input['id'] ?? '',
      stage: output['from'] ?? null,
    }),
  },
}

const place = (output: JsonObject, name: string): JsonObject =>
  typeof output[name] === 'string'
    ? { [name === 'fromStageId' ? 'stageId' : 'pipelineId']: output[name] }
    : {}

const moveDealStage: Action = {
  name: 'move_deal_stage',
  title: 'Move a deal',
  description: 'Moves a deal to a stage, in its pipeline or in another one.',
  input: objectSchema(
    { id: idSchema, stageId: textSchema(64), pipelineId: textSchema(64) },
    ['id', 'stageId'],
    [{ id: '9000', stageId: 'closedwon' }],
  ),
  output: objectSchema(
    {
      fromStageId: nullable(textSchema(64)),
      fromPipelineId: nullable(textSchema(64)),
      stageId: textSchema(64),
      isChanged: { type: 'boolean' },
    },
    ['fromStageId', 'fromPipelineId', 'stageId', 'isChanged'],
    [{ fromStageId: 'contractsent', fromPipelineId: 'default', stageId: 'closedwon', isChanged: true }],
  ),
  async run(context, input) {
    const id = requireText(input, 'id')
    const stageId = requireText(input, 'stageId')
    const response = await get(context, paths.object('deals', id), { properties: 'dealstage,pipeline' })
    const properties = fieldsIn(bodyOf(response, 'the deal'), 'properties')
    const fromStageId = textIn(properties, 'dealstage') ?? null
    const fromPipelineId = textIn(properties, 'pipeline') ?? null
    const pipelineId = optionalText(input, 'pipelineId') ?? fromPipelineId
    const isChanged = fromStageId !== stageId || fromPipelineId !== pipelineId
    if (isChanged)
      await patchObject(context, 'deals', id, {
        dealstage: stageId,
        ...(pipelineId === null ? {} : { pipeline: pipelineId }),
      })
    return { fromStageId, fromPipelineId, stageId, isChanged }
  },
  undo: {
    action: 'move_deal_stage',
    input: (input, output) => ({
      id: input['id'] ?? '',
      ...place(output, 'fromStageId'),
      ...place(output, 'fromPipelineId'),
    }),
  },
}

export const stageActions: readonly Action[] = [setLifecycleStage, moveDealStage]
